//! What lists, dates and release lines say.

use sha2::Sha256;

use super::{online, world};
use crate::update::server::Reply;
use crate::update::world::{NOBLE, listing, noble, noble_folder, product_url, sums};

const DATE: &str = "Sat, 25 Jul 2026 10:00:00 GMT";

#[test]
fn lists_are_judged_as_update_judges_them() {
    let world = world();
    let home = "https://cloud-images.ubuntu.com/noble/";
    let frozen = online(&world, &["--today=2026-12-01"]);
    frozen.assert_ended(0, &[("warning", "frozen", 6)]);
    world.server.body(home, listing(&["20260701"]));
    let back = online(&world, &[]);
    back.assert_ended(3, &[("error", "rollback", 6)]);
    world.ubuntu_daily("noble", &["20260726", "20260725", "20260701"]);
    let new = online(&world, &[]);
    assert_eq!(
        (new.code, new.findings()),
        (0, vec![]),
        "a new build is nothing wrong: {}",
        new.stdout
    );
    world.exchange("20260726", "20260725");
    let twin = online(&world, &[]);
    twin.assert_ended(0, &[("warning", "same-checksum", 8)]);
    world.server.put(home, Reply::Status(500));
    let down = online(&world, &[]);
    down.assert_ended(3, &[("error", "could-not-ask", 4)]);
}

#[test]
fn a_manifest_is_held_against_the_image_on_the_same_host() {
    let world = world();
    let text = sums::<Sha256>(&[NOBLE], "20260725", " *").into_bytes();
    world.server.put(
        &format!("{}SHA256SUMS", noble_folder("20260725")),
        Reply::Dated(text, DATE),
    );
    let image = |date| Reply::Dated(b"an image".to_vec(), date);
    world
        .server
        .put(&noble("20260725"), image("Sun, 26 Jul 2026 10:00:00 GMT"));
    assert_eq!(online(&world, &[]).findings(), []);
    world
        .server
        .put(&noble("20260725"), image("Sun, 26 Jul 2026 10:00:01 GMT"));
    let run = online(&world, &[]);
    run.assert_ended(0, &[("warning", "manifest-older", 6)]);
    // A mirror has its own clock, and was filled at its own time.
    let mirror = "https://mirror.example/noble.img";
    world
        .server
        .put(mirror, image("Sun, 26 Jul 2026 10:00:01 GMT"));
    world
        .server
        .put(&noble("20260725"), Reply::Redirect(mirror.to_owned()));
    assert_eq!(online(&world, &[]).findings(), []);
}

#[test]
fn lines_of_releases_are_told_too_and_endoflife_date_is_never_a_failure() {
    let world = world();
    world.lines(
        "ubuntu",
        &[
            ("26.04", "2026-04-23", "2031-04-30", true),
            ("24.04", "2024-04-25", "2026-07-01", true),
        ],
    );
    let run = online(&world, &[]);
    let lines = vec![
        ("warning", "end-of-life", 4),
        ("note", "new-release-line", 4),
    ];
    run.assert_ended(0, &lines);
    world.server.put(&product_url("ubuntu"), Reply::Status(500));
    let run = online(&world, &["--strict"]);
    run.assert_ended(0, &[("note", "endoflife-unknown", 4)]);
}
