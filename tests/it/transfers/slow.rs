//! Several clouds, one download, and one cloud that is much slower than the other.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha512};

use super::{command, define, disk, outcomes, run as again, two_clouds};
use crate::proxy::Gate;
use crate::stage::{Ended, Stage, hex};

/// More than sockets and the pieces in flight hold.
fn large() -> Vec<u8> {
    disk("large").repeat(20)
}

/// A run for two clouds, one of which takes no more than the beginning.
struct Run {
    stage: Stage,
    child: Child,
    gate: Gate,
}

impl Run {
    /// Begins it; whichever cloud comes first is the slow one.
    fn begin(name: &str) -> Self {
        let stage = two_clouds(name, "spool: spool\n");
        std::fs::create_dir(stage.path("spool")).unwrap();
        define(&stage, "Alpha", &stage.publish("1", &large()));
        let gate = stage
            .glance
            .hold_where(|seen| seen.method == "PUT" && seen.path.ends_with("/file"));
        let child = command(&stage, &["apply", "--format=json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { stage, child, gate }
    }

    /// Waits until the fast cloud has published its image; gives it.
    fn published(&mut self) -> Value {
        let begun = Instant::now();
        loop {
            let mut images = self.stage.images();
            images.retain(|image| image["properties"].get("image_source").is_some());
            if let Some(image) = images.pop() {
                return image;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "it waits");
            assert_eq!(self.child.try_wait().unwrap(), None, "it has ended");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Whether it holds a file, which has no name, in the folder for images on their way.
    fn has_spooled(&self) -> bool {
        let files = Path::new("/proc").join(self.child.id().to_string());
        let folder = self.stage.path("spool").canonicalize().unwrap();
        let files = std::fs::read_dir(files.join("fd")).unwrap();
        files
            .filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
            .any(|file| file.starts_with(&folder))
    }

    /// What the slow cloud has of it.
    fn slow(&self, fast: &Value) -> Value {
        let mut images = self.stage.images();
        images.retain(|image| image["id"] != fast["id"]);
        assert_eq!(images.len(), 1);
        images.remove(0)
    }
}

fn ended(child: Child) -> Ended {
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_slow_cloud_reads_from_a_file_and_the_fast_one_is_done_long_before() {
    let mut run = Run::begin("slow");
    let fast = run.published();
    assert_eq!(run.slow(&fast)["status"], "saving");
    assert!(run.has_spooled());
    // The slow one is not asked to hurry.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(run.child.try_wait().unwrap(), None);
    let Run { stage, child, gate } = run;
    gate.open();
    let document = ended(child).expect(0);
    for cloud in [0, 1] {
        assert_eq!(outcomes(&document, cloud), ["done", "done"]);
    }
    let images = stage.images();
    assert_eq!(images.len(), 2);
    assert_ne!(images[0]["owner"], images[1]["owner"]);
    for image in &images {
        assert_eq!(image["os_hash_value"], hex(&Sha512::digest(large())));
        assert_eq!(image["properties"].get("reglaze_state"), None);
    }
    assert_eq!(stage.fetched("1"), 1);
}

#[test]
fn a_slow_cloud_that_breaks_off_leaves_the_fast_one_what_it_has_and_the_next_run_brings_the_image()
{
    let mut run = Run::begin("slow-cut");
    let fast = run.published();
    assert!(run.has_spooled());
    let slow = run.slow(&fast);
    let Run { stage, child, gate } = run;
    gate.break_off();
    let document = ended(child).expect(3);
    let mut both = [0, 1].map(|cloud| (outcomes(&document, cloud), cloud));
    both.sort();
    let [(done, _), (failed, cloud)] = both;
    assert_eq!(done, ["done", "done"]);
    assert_eq!(failed, ["failed", "skipped"]);
    let error = &document["clouds"][cloud]["steps"][0]["error"];
    let error = error.as_str().unwrap();
    let id = slow["id"].as_str().unwrap();
    assert!(
        error.contains("the connection broke in the middle"),
        "{error}"
    );
    assert_eq!(error.matches(id).count(), 1, "it says it once: {error}");
    let left = stage.images();
    assert_eq!(left.len(), 1, "nothing half-made is left");
    assert_eq!(left[0]["id"], fast["id"]);
    assert_eq!(stage.fetched("1"), 1);

    again(&stage, &["apply", "--format=json"]).expect(0);
    let images = stage.images();
    assert_eq!(images.len(), 2);
    assert!(images.iter().any(|image| image["id"] == fast["id"]));
    assert_eq!(images[0]["os_hash_value"], images[1]["os_hash_value"]);
    assert_eq!(stage.fetched("1"), 2);
}
