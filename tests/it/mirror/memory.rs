//! Memory: two parts, and pieces on their way, however large the images are.

use std::process::Stdio;
use std::time::Duration;

use super::place::{KINDS, Place, bytes};

/// The most memory of its own that a run held, in MiB: not the pages of the binary, which a debug build has many of.
fn peak(place: &Place, arguments: &[&str]) -> u64 {
    let mut child = place
        .command(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let size = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        peak = peak.max(size.unwrap_or_default() >> 10);
        std::thread::sleep(Duration::from_millis(5));
    }
    peak
}

#[test]
fn a_run_holds_two_parts_at_a_time_in_all_its_images_together() {
    for kind in KINDS {
        let place = Place::new(kind, "memory");
        let large = bytes(49);
        let versions = [
            place.stage.publish("1", &large),
            place.stage.publish("2", &large[1..]),
        ];
        place.stage.define("Alpha", "", &versions);
        let nothing = peak(&place, &[]);
        let all = peak(&place, &["--write"]);
        assert_eq!(place.objects().len(), 2, "{kind:?}");
        let held = all.saturating_sub(nothing);
        println!("{kind:?}: {nothing} MiB without an upload, {held} MiB more with two");
        assert!(held < 16 + 32, "{kind:?}: {held} MiB beside {nothing} MiB");
    }
}
