//! Pull requests that merge themselves: only where a signature proves all of it, and only as long as people let them.

use super::scene::{FILE, Scene, assert_outcomes};
use crate::forge::{Checks, Token};
use crate::update::world::{Run, ubuntu};

/// Checks are to pass before a merge.
fn scene(rules: &str) -> Scene {
    let scene = Scene::new();
    scene.rules(rules);
    scene.fake.settings(|settings| settings.needs_checks = true);
    scene
}

/// The messages of findings about it.
fn said(run: &Run) -> Vec<String> {
    let findings = run.json["findings"].as_array().unwrap().iter();
    let own = findings.filter(|one| one["rule"] == "automerge");
    own.map(|one| one["message"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn it_merges_itself_when_its_checks_pass() {
    let scene = scene("automerge: squash");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let pull = scene.only_pull();
    assert_eq!(pull.auto_merge.as_deref(), Some("squash"));
    scene.fake.clear_log();
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
    scene.fake.checks(pull.number, Checks::Passed);
    assert!(scene.fake.pull(pull.number).is_merged);
    assert!(scene.catalogue("main").contains("20260701"));
    assert_outcomes(&scene.update(&[]), &[]);
}

#[test]
fn where_there_is_nothing_to_wait_for_it_is_merged_at_once() {
    let scene = Scene::new();
    scene.rules("automerge: rebase");
    let run = scene.update(&[]);
    assert_outcomes(&run, &[("ubuntu", "opened")]);
    assert!(scene.fake.pulls()[0].is_merged, "{}", run.stderr);
    assert!(scene.catalogue("main").contains("20260701"));
    assert_eq!(said(&run), Vec::<String>::new());
    assert_outcomes(&scene.update(&[]), &[]);
    assert_eq!(scene.fake.pulls().len(), 1);
}

#[test]
fn an_image_without_a_signature_keeps_all_of_its_group_from_it() {
    let debian = "  - name: Debian 13\n    format: qcow2\n    upstream: {from: debian, release: \"13\", stream: daily}\n    versions: []\n";
    let scene = Scene::with(
        &format!("images:\n{}{debian}", ubuntu("24.04")),
        "group: all\nautomerge: merge",
    );
    scene.publish(&["20260701"]);
    scene.world.debian_daily(&["20260701-1"]);
    let run = scene.update(&[]);
    assert_outcomes(&run, &[("all", "opened")]);
    let pull = scene.only_pull();
    assert!(pull.body.contains("Debian 13") && pull.auto_merge.is_none());
    assert_eq!(said(&run).len(), 1, "{}", run.stdout);
    assert!(
        said(&run)[0].contains("no signature proves all of it"),
        "{}",
        run.stdout
    );
    // It is said for each commit, not by each run, and what is proven is merged by itself.
    scene.fake.clear_log();
    assert_outcomes(&scene.update(&[]), &[("all", "current")]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
    scene.rules("group: source\nautomerge: merge");
    scene.fake.settings(|settings| settings.needs_checks = true);
    let run = scene.update(&[]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    let merging: Vec<_> = scene
        .fake
        .open_pulls()
        .into_iter()
        .map(|pull| (pull.branch, pull.auto_merge.is_some()))
        .collect();
    assert_eq!(
        merging,
        [
            ("reglaze/ubuntu".to_owned(), true),
            ("reglaze/debian".to_owned(), false)
        ]
    );
}

#[test]
fn a_repository_that_does_not_allow_it_is_told_which_setting_does() {
    let scene = scene("automerge: merge");
    scene
        .fake
        .settings(|settings| settings.allow_auto_merge = false);
    let run = scene.update(&[]);
    assert_outcomes(&run, &[("ubuntu", "opened")]);
    assert_eq!(said(&run).len(), 1, "{}", run.stdout);
    assert!(said(&run)[0].contains("Allow auto-merge"), "{}", run.stdout);
    assert!(scene.only_pull().auto_merge.is_none());
    scene.fake.clear_log();
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
    // The next commit asks anew.
    scene
        .fake
        .settings(|settings| settings.allow_auto_merge = true);
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    assert_eq!(scene.only_pull().auto_merge.as_deref(), Some("merge"));
}

#[test]
fn checks_that_are_not_required_and_fail_keep_it_open_with_a_sentence() {
    let scene = scene("automerge: merge");
    scene
        .fake
        .settings(|settings| settings.needs_checks = false);
    // They fail while the pull request is looked at for the first time.
    scene.fake.meanwhile(
        crate::forge::When::call("POST", "enablePullRequestAutoMerge"),
        |fake| fake.checks(1, Checks::Failed),
    );
    let run = scene.update(&[]);
    assert_outcomes(&run, &[("ubuntu", "opened")]);
    assert_eq!(said(&run).len(), 1, "{}", run.stdout);
    assert!(said(&run)[0].contains("unstable"), "{}", run.stdout);
    assert!(scene.only_pull().auto_merge.is_none());
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
}

#[test]
fn what_cannot_be_merged_at_once_stays_open_with_a_sentence() {
    let scene = scene("automerge: squash");
    scene
        .fake
        .settings(|settings| settings.needs_checks = false);
    // Clean when it is asked, in conflict when it is to be merged.
    scene
        .fake
        .meanwhile(crate::forge::When::call("PUT", "/merge"), |fake| {
            let text = fake.files("main")[FILE].replace(
                "versions: []",
                "versions:\n      - {version: x, url: \"https://x.example/x\"}",
            );
            fake.person("alice")
                .commit("main", &[(FILE, &text)], "Edit the same lines");
        });
    let run = scene.update(&[]);
    assert_outcomes(&run, &[("ubuntu", "opened")]);
    assert_eq!(said(&run).len(), 1, "{}", run.stdout);
    assert!(said(&run)[0].contains("not mergeable"), "{}", run.stdout);
    assert!(scene.only_pull().auto_merge.is_none());
}

#[test]
fn a_person_who_switches_it_off_is_respected_until_the_next_commit() {
    let scene = scene("automerge: merge");
    scene.update(&[]);
    let number = scene.only_pull().number;
    scene.fake.world().pull_mut(number).auto_merge = None;
    for _ in 0..2 {
        scene.fake.clear_log();
        assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
        assert_eq!(scene.fake.writes(), Vec::<String>::new());
    }
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    assert_eq!(scene.only_pull().auto_merge.as_deref(), Some("merge"));
}

#[test]
fn a_draft_is_a_persons_to_finish() {
    let scene = scene("automerge: merge\ndraft: true");
    let run = scene.update(&[]);
    assert_outcomes(&run, &[("ubuntu", "opened")]);
    let pull = scene.only_pull();
    assert!(pull.is_draft && pull.auto_merge.is_none());
    scene.fake.clear_log();
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
}

#[test]
fn what_a_person_has_worked_on_is_not_merged_by_itself() {
    let scene = scene("automerge: merge");
    scene.rules("labels: [images]");
    scene.update(&[]);
    scene
        .person()
        .commit("reglaze/ubuntu", &[("NOTES.md", "mine\n")], "Add notes");
    scene.rules("automerge: merge");
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "untouched")]);
    assert!(scene.only_pull().auto_merge.is_none());
}

#[test]
fn with_the_token_of_a_job_the_description_says_that_a_merge_by_itself_deploys_nothing() {
    let mut scene = scene("automerge: merge");
    scene.set("GITHUB_ACTIONS", "true");
    scene.use_token(Token::actions("ghs_run"));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let pull = scene.only_pull();
    assert_eq!(pull.auto_merge.as_deref(), Some("merge"));
    assert!(
        pull.body.contains("a merge by itself starts no deployment"),
        "{}",
        pull.body
    );
}
