//! GitHub's limits: the pace of writes, waiting as long as a run may, and leaving the rest to the next one.

use std::collections::BTreeSet;
use std::time::Duration;

use super::scene::{FILE, Scene, assert_outcomes, outcomes};
use super::tokens::only_error;
use crate::forge::{Fault, When};
use crate::update::world::Run;

const OPENED: [(&str, &str); 2] = [("ubuntu-24.04", "opened"), ("ubuntu-22.04", "opened")];

fn scene(rules: &str) -> Scene {
    let scene = Scene::new();
    scene.rules(&format!("group: image\n{rules}"));
    scene.fake.clear_log();
    scene
}

#[test]
fn there_is_one_request_at_a_time_and_a_pause_between_two_writes() {
    // The settings count in whole seconds; one group is enough.
    let scene = Scene::new();
    scene.rules("labels: [images]\npause: 1s");
    scene.fake.clear_log();
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let log = scene.fake.log();
    for pair in log.windows(2) {
        assert!(
            pair[1].at >= pair[0].answered.unwrap(),
            "{} is not over",
            pair[0].line()
        );
    }
    let writes: Vec<_> = log.iter().filter(|entry| entry.is_write()).collect();
    assert_eq!(writes.len(), 5);
    for pair in writes.windows(2) {
        let pause = pair[1].at - pair[0].answered.unwrap();
        assert!(
            pause >= Duration::from_millis(990),
            "{pause:?} before {}",
            pair[1].line()
        );
    }
}

#[test]
fn a_limit_that_lasts_for_long_leaves_the_rest_to_the_next_run_and_is_said_once() {
    for dashboard in [false, true] {
        let scene = scene(&format!("dashboard: {dashboard}"));
        scene
            .fake
            .fault(When::call("POST", "/pulls"), Fault::PrimaryLimit(3600));
        let run = scene.update(&[]);
        let failed = [("ubuntu-24.04", "failed"), ("ubuntu-22.04", "failed")];
        assert_eq!(
            (run.code, outcomes(&run)),
            (3, failed.to_vec()),
            "{}",
            run.stdout
        );
        let said = only_error(&run);
        assert!(
            said.contains("limit of requests is reached until 20"),
            "{said}"
        );
        let findings = run.json["findings"].as_array().unwrap();
        let told = findings.iter().filter(|one| {
            one["message"]
                .as_str()
                .unwrap()
                .contains("limit of requests")
        });
        assert_eq!(told.count(), 1, "{findings:#?}");
        let left = run.json["pull_requests"][1]["error"].as_str().unwrap();
        assert!(left.contains("left to the next run"), "{left}");
        // Whoever asks all the same is refused for longer.
        assert!(scene.fake.log().last().unwrap().path.ends_with("/pulls"));
        assert_outcomes(&scene.update(&[]), &OPENED);
        assert_eq!(scene.fake.pulls().len(), 2);
        assert_eq!(scene.fake.issues().len(), usize::from(dashboard));
    }
}

#[test]
fn a_limit_before_anything_is_known_ends_the_run_with_one_sentence() {
    let scene = scene("");
    scene.fake.fault(When::nth(1), Fault::PrimaryLimit(3600));
    let run = scene.update(&[]);
    assert_eq!(run.code, 1);
    assert!(
        only_error(&run).contains("limit of requests is reached until"),
        "{}",
        run.stdout
    );
    assert_eq!(scene.fake.log().len(), 1);
}

#[test]
fn a_short_limit_is_waited_for_as_long_as_github_asks() {
    for fault in [Fault::SecondaryLimit(Some(1)), Fault::TooMany(1)] {
        for call in [
            ("GET", "/pulls"),
            ("POST", "createCommitOnBranch"),
            ("POST", "/pulls"),
        ] {
            let scene = scene("");
            scene.fake.fault(When::call(call.0, call.1), fault.clone());
            assert_outcomes(&scene.update(&[]), &OPENED);
            let log = scene.fake.log();
            let refused = log
                .iter()
                .position(|entry| matches!(entry.status, Some(403 | 429)))
                .unwrap();
            // The same once more, and nothing before it.
            assert_eq!(log[refused].line(), log[refused + 1].line());
            let wait = log[refused + 1].at - log[refused].answered.unwrap();
            assert!(
                wait >= Duration::from_secs(1) && wait < Duration::from_secs(20),
                "{wait:?}"
            );
            assert_eq!(scene.fake.pulls().len(), 2);
        }
    }
}

#[test]
fn a_limit_that_asks_for_more_than_the_patience_is_not_waited_for() {
    for fault in [
        Fault::SecondaryLimit(Some(30)),
        Fault::TooMany(30),
        Fault::SecondaryLimit(None),
    ] {
        let scene = scene("patience: 3s");
        scene
            .fake
            .fault(When::call("POST", "/git/refs").and_nth(2), fault);
        let run = scene.update(&[]);
        // Whoever had waited would have asked again.
        let last = scene.fake.log().pop().unwrap();
        assert!(
            last.path.ends_with("/git/refs") && matches!(last.status, Some(403 | 429)),
            "{}",
            last.line()
        );
        let expected = vec![("ubuntu-24.04", "opened"), ("ubuntu-22.04", "failed")];
        assert_eq!((run.code, outcomes(&run)), (3, expected), "{}", run.stdout);
        only_error(&run);
        assert_outcomes(
            &scene.update(&[]),
            &[("ubuntu-24.04", "current"), ("ubuntu-22.04", "opened")],
        );
    }
}

/// No write of a run was sent twice.
#[track_caller]
fn assert_nothing_sent_twice(scene: &Scene, run: &Run) {
    let mut sent = BTreeSet::new();
    for entry in scene.fake.log().iter().filter(|entry| entry.is_write()) {
        let what = format!("{} {}", entry.line(), entry.body);
        assert!(
            sent.insert(what.clone()),
            "{what} twice\n{}{}",
            run.stdout,
            run.stderr
        );
    }
}

#[test]
fn a_write_whose_answer_is_lost_is_not_sent_again_and_the_next_run_makes_nothing_double() {
    let rules = "labels: [images]\nreviewers: [bob]\ndashboard: true";
    for (method, call) in [
        ("POST", "/git/refs"),
        ("POST", "createCommitOnBranch"),
        ("POST", "/pulls"),
        ("POST", "/requested_reviewers"),
        ("PATCH", "/issues/1"),
        ("PATCH", "/pulls/1"),
        ("POST", "/issues"),
    ] {
        for fault in [Fault::CutAfter, Fault::Status(502), Fault::Garbage] {
            let scene = scene(rules);
            scene.fake.person("bob");
            scene.fake.fault(When::call(method, call), fault.clone());
            let run = scene.update(&[]);
            let case = format!("{method} {call} {fault:?}: {}{}", run.stdout, run.stderr);
            assert_nothing_sent_twice(&scene, &run);
            assert_eq!(scene.update(&[]).code, 0, "{case}");
            scene.fake.clear_log();
            assert_eq!(scene.update(&[]).code, 0, "{case}");
            assert_eq!(scene.fake.writes(), Vec::<String>::new(), "{case}");
            assert_eq!(
                (scene.fake.pulls().len(), scene.fake.issues().len()),
                (2, 1),
                "{case}"
            );
            assert_eq!(scene.fake.branches().len(), 3, "{case}");
        }
    }
}

#[test]
fn a_comment_or_a_move_whose_answer_is_lost_is_not_made_again() {
    let scene = scene("");
    scene.update(&[]);
    scene.publish(&["20260705", "20260701"]);
    scene.fake.clear_log();
    scene
        .fake
        .fault(When::call("POST", "updateRefs"), Fault::CutAfter);
    let run = scene.update(&[]);
    assert_nothing_sent_twice(&scene, &run);
    assert_eq!(scene.update(&[]).code, 0);
    let text = scene.catalogue("reglaze/ubuntu-24.04");
    scene.person().commit(
        "reglaze/ubuntu-22.04",
        &[("NOTES.md", "mine\n")],
        "Add notes",
    );
    scene
        .person()
        .commit("main", &[(FILE, &text)], "Add it by hand");
    for number in 1..=2 {
        scene.fake.fault(
            When::call("POST", &format!("/issues/{number}/comments")),
            Fault::CutAfter,
        );
    }
    scene.fake.clear_log();
    let run = scene.update(&[]);
    assert_nothing_sent_twice(&scene, &run);
    scene.update(&[]);
    scene.update(&[]);
    assert_eq!(scene.fake.comments(1).len(), 1);
    assert_eq!(scene.fake.comments(2).len(), 1);
    assert!(!scene.fake.pull(1).is_open && scene.fake.pull(2).is_open);
}
