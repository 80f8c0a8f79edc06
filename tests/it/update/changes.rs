//! What `update` says when an upstream removes, exchanges, goes back, stands still, or gives one thing two names.

use sha2::Sha256;

use super::server::Reply;
use super::world::{NOBLE, World, digest, listing, noble, noble_folder, pin, pinned, sums};

const LISTING: &str = "https://cloud-images.ubuntu.com/noble/";

fn manifest(build: &str) -> String {
    format!("{}SHA256SUMS", noble_folder(build))
}

#[test]
fn what_still_stands_says_nothing_and_a_second_run_transfers_no_body() {
    let world = World::with_two_builds();
    let run = world.update(&[]);
    run.assert_ended(0, &[]);
    assert!(world.server.counts().contains_key(&manifest("20260701")));
    world.server.forget();
    assert_eq!(world.update(&[]).code, 0);
    let log = world.server.log();
    assert!(log.iter().all(|(_, status)| *status == 304), "{log:?}");
    assert!(
        log.iter().any(|(url, _)| *url == manifest("20260701")),
        "{log:?}"
    );
    let asked = world.server.asked();
    assert!(
        asked
            .iter()
            .all(|line| line.starts_with("GET ") && !line.contains(".img")),
        "{asked:?}"
    );
}

#[test]
fn a_pinned_build_that_is_gone_or_not_listed_any_more_is_a_warning_with_what_to_do() {
    let world = World::with_two_builds();
    world.server.put(&manifest("20260701"), Reply::Status(404));
    let run = world.update(&["--write"]);
    assert_eq!(
        run.findings(),
        [("warning", "build-vanished", 10)],
        "{}",
        run.stdout
    );
    assert_eq!(
        (run.code, run.outcomes()),
        (0, vec![("Ubuntu 24.04", "current")])
    );
    let message = run.message("build-vanished");
    for part in [
        "`20260701`",
        &manifest("20260701"),
        "keep it",
        "`mirror_url`",
        "prune",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let text = world.run(&["update"]);
    assert!(
        text.stdout.contains(
            "images/catalogue.yml:10:18: warning: version `20260701` has vanished upstream"
        ) && text
            .stdout
            .ends_with("0 to update, 1 current, 0 failed, 0 skipped\n"),
        "{}",
        text.stdout
    );
    assert_eq!(world.update(&["--strict"]).code, 3);

    world.sign(
        &noble_folder("20260701"),
        &sums::<Sha256>(&["other.img"], "20260701", " *"),
    );
    let run = world.update(&[]);
    assert!(
        run.message("build-vanished").contains("no longer"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_build_that_leaves_the_file_in_this_run_is_not_told_to_have_vanished() {
    let catalogue =
        pinned(&["20260701", "20260601"]).replace("stream: daily", "stream: daily, versions: 2");
    let world = World::new(&catalogue);
    world.ubuntu_daily("noble", &["20260725", "20260701"]);
    let run = world.update(&["--write"]);
    run.assert_ended(0, &[]);
    assert!(!world.catalogue().contains("20260601"));
}

#[test]
fn an_older_build_whose_bytes_were_exchanged_is_an_error_that_leaves_the_file_alone() {
    let world = World::with_two_builds();
    world.exchange("20260701", "exchanged");
    let before = world.catalogue();
    let run = world.update(&["--write"]);
    assert_eq!(
        run.findings(),
        [("error", "digest-changed", 12)],
        "{}",
        run.stdout
    );
    assert_eq!((run.code, world.catalogue()), (3, before));
    let message = run.message("digest-changed");
    let found = digest::<Sha256>(&format!("exchanged/{NOBLE}"));
    assert!(
        message.contains(&found) && message.contains(&noble("20260701")),
        "{message}"
    );
}

#[test]
fn a_list_that_goes_back_behind_what_is_pinned_is_an_error() {
    let world = World::with_two_builds();
    world.server.body(LISTING, listing(&["20260701"]));
    let run = world.update(&["--write"]);
    assert_eq!(run.findings(), [("error", "rollback", 6)], "{}", run.stdout);
    assert_eq!(
        (run.code, run.image("Ubuntu 24.04")["version"].as_str()),
        (3, Some("20260725"))
    );
    let message = run.message("rollback");
    for part in [LISTING, "`20260701`", "`20260725`", "withdrawn", "mirror"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    // A build that nobody has pinned, and older than what is pinned, is the same.
    world.ubuntu_daily("noble", &["20260710"]);
    let run = world.update(&["--write"]);
    assert_eq!(run.findings(), [("error", "rollback", 6)], "{}", run.stdout);
    assert!(!world.catalogue().contains("20260710"));
    let text = world.run(&["update"]);
    assert!(
        text.stdout.contains("= Ubuntu 24.04  20260725\n"),
        "{}",
        text.stdout
    );
}

#[test]
fn a_list_that_stands_still_is_a_warning_unless_its_line_has_ended() {
    let world = World::with_two_builds();
    assert_eq!(world.update(&["--today=2026-09-08"]).findings(), []);
    let run = world.update(&["--today=2026-09-09"]);
    run.assert_ended(0, &[("warning", "frozen", 6)]);
    let message = run.message("frozen");
    assert!(
        message.contains("46 days ago") && message.contains("45 days"),
        "{message}"
    );
    world.lines("ubuntu", &[("24.04", "2024-04-25", "2026-08-01", true)]);
    let run = world.update(&["--today=2026-09-09"]);
    assert_eq!(
        run.findings(),
        [("warning", "end-of-life", 4)],
        "{}",
        run.stdout
    );
}

#[test]
fn two_builds_with_one_digest_are_told_and_the_second_is_not_added() {
    let world = World::with_two_builds();
    world.ubuntu_daily("noble", &["20260726", "20260725", "20260701"]);
    world.exchange("20260726", "20260725");
    let before = world.catalogue();
    let run = world.update(&["--write"]);
    run.assert_ended(0, &[("warning", "same-checksum", 8)]);
    assert!(
        run.message("same-checksum").contains(&noble("20260726")),
        "{}",
        run.stdout
    );
    assert_eq!(world.catalogue(), before);
}

#[test]
fn two_pinned_versions_with_one_digest_are_told_too() {
    let one = digest::<Sha256>(&format!("20260725/{NOBLE}"));
    let world = World::with_two_builds();
    world.define(&format!(
        "{}{}",
        pinned(&["20260725"]),
        pin("20260701", &one)
    ));
    world.exchange("20260701", "20260725");
    let run = world.update(&[]);
    run.assert_ended(0, &[("warning", "same-checksum", 12)]);
}

#[test]
fn a_manifest_older_than_its_build_is_a_warning_also_when_it_comes_from_the_cache() {
    let world = World::with_two_builds();
    let text = sums::<Sha256>(&[NOBLE], "20260725", " *").into_bytes();
    let dated = |date| Reply::Dated(text.clone(), date);
    world.server.put(
        &manifest("20260725"),
        dated("Fri, 24 Jul 2026 10:00:00 GMT"),
    );
    assert_eq!(world.update(&[]).findings(), []);
    world.server.put(
        &manifest("20260725"),
        dated("Thu, 23 Jul 2026 10:00:00 GMT"),
    );
    for _ in 0..2 {
        let run = world.update(&[]);
        run.assert_ended(0, &[("warning", "manifest-older", 6)]);
        let message = run.message("manifest-older");
        assert!(
            message.contains("2026-07-23") && message.contains("2026-07-25"),
            "{message}"
        );
    }
}

#[test]
fn a_pinned_build_that_cannot_be_asked_for_is_a_warning_and_said_once_where_all_is_down() {
    let world = World::with_two_builds();
    world.server.put(&manifest("20260701"), Reply::Status(500));
    let run = world.update(&[]);
    run.assert_ended(0, &[("warning", "could-not-ask", 10)]);
    world.server.put(LISTING, Reply::Status(500));
    let run = world.update(&[]);
    run.assert_ended(1, &[("error", "upstream", 4)]);
}
