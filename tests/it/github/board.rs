//! The dashboard issue: what it shows, and what its boxes do.

use super::scene::{Scene, assert_outcomes};
use crate::forge::Issue;

/// A scene whose settings ask for it.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.rules("dashboard: true");
    scene
}

#[track_caller]
fn only(scene: &Scene) -> Issue {
    let mut issues = scene.fake.issues();
    assert_eq!(issues.len(), 1, "{issues:#?}");
    issues.remove(0)
}

#[test]
fn it_shows_every_image_and_a_second_run_of_a_day_writes_nothing() {
    let scene = scene();
    scene.update(&[]);
    let issue = only(&scene);
    assert_eq!(issue.labels, ["reglaze-dashboard"]);
    for part in [
        "Ubuntu 24.04",
        "Ubuntu 22.04",
        "20260701",
        "#1",
        "2026-07-27",
    ] {
        assert!(issue.body.contains(part), "{part} is not in {}", issue.body);
    }
    scene.fake.clear_log();
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
    // It is one issue for good, brought up to date in place.
    assert_eq!(scene.update(&["--today", "2026-07-28"]).code, 0);
    let next = only(&scene);
    assert_eq!(next.number, issue.number);
    assert!(next.body.contains("2026-07-28"), "{}", next.body);
}

#[test]
fn a_source_that_falls_silent_shows() {
    let scene = scene();
    scene.update(&[]);
    scene
        .world
        .server
        .body("https://cloud-images.ubuntu.com/noble/", "");
    scene.update(&["--today", "2026-07-30"]);
    let body = only(&scene).body;
    assert!(body.contains("**2026-07-27**"), "{body}");
    assert!(body.contains("no answer from upstream"), "{body}");
}

#[test]
fn its_boxes_take_over_a_branch_and_propose_again_what_was_declined() {
    let scene = scene();
    scene.update(&[]);
    scene
        .person()
        .commit("reglaze/ubuntu", &[("NOTES.md", "mine\n")], "Add notes");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "untouched")]);
    let number = only(&scene).number;
    scene.person().tick(number, "take over");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    assert!(!scene.fake.files("reglaze/ubuntu").contains_key("NOTES.md"));
    let pull = scene.only_pull().number;
    scene.person().close(pull);
    scene.person().delete_branch("reglaze/ubuntu");
    assert_outcomes(&scene.update(&[]), &[]);
    scene.person().tick(number, &format!("#{pull}"));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    assert!(!only(&scene).body.contains("[x]"));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
}

#[test]
fn switched_off_it_is_closed_and_a_strangers_issue_is_never_taken_for_it() {
    let scene = scene();
    scene.update(&[]);
    let ours = only(&scene);
    let theirs = scene
        .fake
        .person("mallory")
        .open_issue("Mine", &ours.body.replace("- [ ]", "- [x]"));
    scene.rules("dashboard: false");
    scene.update(&[]);
    let issues = scene.fake.issues();
    let is_open = |number| {
        issues
            .iter()
            .find(|one| one.number == number)
            .unwrap()
            .is_open
    };
    assert!(!is_open(ours.number) && is_open(theirs));
    scene.fake.clear_log();
    scene.update(&[]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
}
