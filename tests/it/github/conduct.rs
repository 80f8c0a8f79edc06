//! What `update --pull-request` does to a repository, and what it leaves alone.

use super::scene::{FILE, Scene, assert_outcomes, outcomes};
use crate::forge::{Fault, When};
use crate::update::world::ubuntu;

#[test]
fn new_versions_come_as_one_pull_request_with_a_verified_commit() {
    let scene = Scene::new();
    let before = scene.catalogue("main");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let pull = scene.only_pull();
    assert_eq!(
        (pull.branch.as_str(), pull.base.as_str()),
        ("reglaze/ubuntu", "main")
    );
    assert!(pull.title.contains("20260701"), "{}", pull.title);
    assert!(
        pull.body.contains(&scene.world.signer.fingerprint),
        "{}",
        pull.body
    );
    assert_eq!(scene.catalogue("main"), before);
    let proposed = scene.catalogue("reglaze/ubuntu");
    assert_eq!(proposed.matches("/20260701/").count(), 4, "{proposed}");
    let commits = scene.fake.commits_between("main", "reglaze/ubuntu");
    assert_eq!(commits.len(), 1);
    assert!(scene.fake.is_verified(&pull.head));
    assert_eq!(scene.fake.branches().len(), 2, "no branch is left over");
}

#[test]
fn a_second_run_with_nothing_new_writes_nothing() {
    let scene = Scene::new();
    scene.update(&[]);
    scene.fake.clear_log();
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
}

#[test]
fn a_newer_version_comes_into_the_same_pull_request() {
    let scene = Scene::new();
    scene.update(&[]);
    let first = scene.only_pull();
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    let second = scene.only_pull();
    assert_eq!(second.number, first.number);
    assert!(second.title.contains("20260705"), "{}", second.title);
    assert!(!scene.catalogue("reglaze/ubuntu").contains("20260701"));
    assert_eq!(
        scene.fake.commits_between("main", "reglaze/ubuntu").len(),
        1
    );
}

#[test]
fn a_base_that_moved_gets_the_branch_built_anew_and_no_word_of_a_person_is_lost() {
    let scene = Scene::new();
    scene.update(&[]);
    let pull = scene.only_pull();
    let person = scene.person();
    person.edit_body(
        pull.number,
        &format!("Not before Monday.\n\n{}\n\nSeen, alice", pull.body),
    );
    person.edit_title(pull.number, "Ubuntu, at last");
    person.review(pull.number, "COMMENTED", "Looks good");
    person.commit("main", &[("README.md", "more\n")], "Write more");
    let edited = scene.catalogue("main").replace("qcow2", "raw");
    person.commit("main", &[(FILE, &edited)], "Change the format");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    let after = scene.only_pull();
    assert_eq!(after.number, pull.number);
    assert!(after.body.starts_with("Not before Monday.") && after.body.ends_with("Seen, alice"));
    assert_eq!(after.title, "Ubuntu, at last");
    assert_eq!(
        scene.fake.commits_between("main", "reglaze/ubuntu").len(),
        1
    );
    assert!(
        scene.catalogue("reglaze/ubuntu").contains("format: raw"),
        "the hand's edit is respected"
    );
}

#[test]
fn a_persons_commit_keeps_it_away_and_it_says_so_once_and_takes_over_when_asked() {
    let scene = Scene::new();
    scene.update(&[]);
    let number = scene.only_pull().number;
    let theirs = scene
        .person()
        .commit("reglaze/ubuntu", &[("NOTES.md", "mine\n")], "Add notes");
    scene.publish(&["20260705", "20260701"]);
    for _ in 0..2 {
        assert_outcomes(&scene.update(&[]), &[("ubuntu", "untouched")]);
        assert_eq!(scene.fake.head("reglaze/ubuntu"), theirs);
    }
    let comments = scene.fake.comments(number);
    assert_eq!(comments.len(), 1, "{comments:#?}");
    scene
        .person()
        .tick_in_comment(comments[0].id, "take over again");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    assert!(!scene.fake.files("reglaze/ubuntu").contains_key("NOTES.md"));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
    assert_eq!(scene.fake.comments(number).len(), 1);
}

#[test]
fn a_box_that_a_stranger_ticks_in_a_comment_of_their_own_counts_for_nothing() {
    let scene = Scene::new();
    scene.update(&[]);
    let number = scene.only_pull().number;
    let theirs = scene
        .person()
        .commit("reglaze/ubuntu", &[("NOTES.md", "mine\n")], "Add notes");
    scene.update(&[]);
    let said = scene.fake.comments(number)[0]
        .body
        .replace("- [ ]", "- [x]");
    scene.fake.person("mallory").comment(number, &said);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "untouched")]);
    assert_eq!(scene.fake.head("reglaze/ubuntu"), theirs);
}

#[test]
fn the_platforms_update_branch_is_no_person() {
    let scene = Scene::new();
    scene.rules("rebase: changed");
    scene.update(&[]);
    let number = scene.only_pull().number;
    // Another file; then the same one, so that it is not as we left it.
    for text in [
        ("README.md", "more\n".to_owned()),
        (FILE, format!("# Ours.\n{}", scene.catalogue("main"))),
    ] {
        scene
            .person()
            .commit("main", &[(text.0, &text.1)], "Move on");
        let merged = scene.person().update_branch(number);
        assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
        assert_eq!(scene.fake.head("reglaze/ubuntu"), merged);
    }
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    assert!(scene.fake.comments(number).is_empty());
}

#[test]
fn closing_is_an_answer_for_that_version_and_not_for_the_next() {
    let scene = Scene::new();
    scene.update(&[]);
    let first = scene.only_pull().number;
    scene.person().close(first);
    scene.person().delete_branch("reglaze/ubuntu");
    scene.fake.clear_log();
    let run = scene.update(&[]);
    assert_outcomes(&run, &[]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
    assert!(
        run.stdout
            .contains(&format!("#{first} was closed unmerged")),
        "{}",
        run.stdout
    );
    // One image has a newer version; the other one's answer stands.
    scene.world.ubuntu_daily("jammy", &["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let second = scene.only_pull();
    assert!(second.number > first && !scene.fake.pull(first).is_open);
    let proposed = scene.catalogue("reglaze/ubuntu");
    assert!(
        proposed.contains("20260705") && !proposed.contains("20260701"),
        "{proposed}"
    );
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
}

#[test]
fn what_became_pointless_is_closed_with_a_reason_and_its_branch_goes() {
    let scene = Scene::new();
    scene.update(&[]);
    let pull = scene.only_pull();
    let by_hand = scene.catalogue("reglaze/ubuntu");
    scene
        .person()
        .commit("main", &[(FILE, &by_hand)], "Add them by hand");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "closed")]);
    assert!(!scene.fake.pull(pull.number).is_open);
    let comments = scene.fake.comments(pull.number);
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].body.contains("20260701"),
        "{}",
        comments[0].body
    );
    assert!(!scene.fake.branches().contains_key("reglaze/ubuntu"));
    scene.fake.clear_log();
    assert_outcomes(&scene.update(&[]), &[]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
    // It was no answer of a person: where the version is wanted again, it is proposed again.
    let without = format!("images:\n{}{}", ubuntu("24.04"), ubuntu("22.04"));
    scene
        .person()
        .commit("main", &[(FILE, &without)], "Take them out");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
}

#[test]
fn an_upstream_that_fails_closes_nothing() {
    let scene = Scene::new();
    scene.update(&[]);
    let before = scene.only_pull();
    scene
        .world
        .server
        .body("https://cloud-images.ubuntu.com/noble/", "");
    let run = scene.update(&[]);
    assert_eq!(
        (run.code, outcomes(&run)),
        (3, vec![("ubuntu", "untouched")]),
        "{}",
        run.stdout
    );
    // Nor does looking at one image only.
    let run = scene.update(&["--filter", "22.04"]);
    assert_eq!(outcomes(&run), [("ubuntu", "untouched")]);
    assert_eq!(scene.only_pull(), before);
}

#[test]
fn foreign_branches_and_pull_requests_are_never_touched() {
    let scene = Scene::new();
    let person = scene.person();
    let theirs = person.commit("reglaze/ubuntu", &[("NOTES.md", "mine\n")], "Work");
    person.commit("reglaze/other", &[("NOTES.md", "mine\n")], "Work");
    let other = person.open_pull("reglaze/other", "main", "Mine", "Of my own");
    let run = scene.update(&[]);
    assert_eq!(
        outcomes(&run),
        [("ubuntu", "untouched")],
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert_eq!(scene.fake.head("reglaze/ubuntu"), theirs);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
    assert!(scene.fake.pull(other).is_open);
}

#[test]
fn a_merged_pull_request_leaves_nothing_to_do() {
    let scene = Scene::new();
    for (build, method) in [
        ("20260701", "squash"),
        ("20260705", "merge"),
        ("20260709", "rebase"),
    ] {
        scene.publish(&[build]);
        assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
        scene.person().merge(scene.only_pull().number, method);
        // The branch is still there: not every repository deletes it.
        assert_outcomes(&scene.update(&[]), &[]);
        assert!(scene.catalogue("main").contains(build));
    }
}

#[test]
fn groups_are_sources_or_images_or_all() {
    let scene = Scene::new();
    scene.world.flatcar(&["4593.2.10"]);
    let more = format!(
        "{}  - name: Flatcar\n    format: qcow2\n    upstream: {{from: flatcar}}\n    versions: []\n",
        scene.catalogue("main")
    );
    scene
        .person()
        .commit("main", &[(FILE, &more)], "Add Flatcar");
    scene.rules("group: image");
    assert_outcomes(
        &scene.update(&[]),
        &[
            ("ubuntu-24.04", "opened"),
            ("ubuntu-22.04", "opened"),
            ("flatcar", "opened"),
        ],
    );
    scene.rules("group: all");
    let run = scene.update(&[]);
    let closed = [
        ("flatcar", "closed"),
        ("ubuntu-22.04", "closed"),
        ("ubuntu-24.04", "closed"),
    ];
    assert_outcomes(&run, &[&[("all", "opened")][..], &closed].concat());
    let pull = scene.only_pull();
    assert_eq!(pull.branch, "reglaze/all");
}

#[test]
fn no_more_are_open_than_the_limit_allows_and_young_builds_wait() {
    let scene = Scene::new();
    scene.rules("group: image\nlimit: 1");
    assert_outcomes(
        &scene.update(&[]),
        &[("ubuntu-24.04", "opened"), ("ubuntu-22.04", "untouched")],
    );
    scene.rules("minimum_age: 40d\ngroup: image");
    // Open already, so it stays; the other one is 26 days old.
    let run = scene.update(&[]);
    assert_outcomes(&run, &[("ubuntu-24.04", "updated")]);
    assert!(run.stdout.contains("cooldown"), "{}", run.stdout);
}

#[test]
fn labels_reviewers_assignees_milestone_and_draft_are_set_once() {
    let scene = Scene::new();
    scene.fake.person("bob");
    scene.fake.add_team("cloud");
    scene.person().new_milestone("Images");
    scene.rules("labels: [images, ubuntu]\nreviewers: [bob, 'team:acme/cloud']\nassignees: [alice]\nmilestone: Images\ndraft: true");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let pull = scene.only_pull();
    assert_eq!(pull.labels, ["images", "ubuntu"]);
    assert_eq!(
        (pull.reviewers, pull.teams, pull.assignees),
        (
            vec!["bob".to_owned()],
            vec!["cloud".to_owned()],
            vec!["alice".to_owned()]
        )
    );
    assert_eq!((pull.milestone, pull.is_draft), (Some(1), true));
    scene.person().label(pull.number, &["images"]);
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    assert_eq!(scene.only_pull().labels, ["images"]);
}

#[test]
fn a_ticked_box_builds_the_branch_anew() {
    let scene = Scene::new();
    scene.update(&[]);
    let before = scene.only_pull();
    scene.person().tick(before.number, "anew");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    let after = scene.only_pull();
    assert!(after.body.contains("- [ ]") && !after.body.contains("- [x]"));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
}

#[test]
fn graphql_that_is_missing_for_a_moment_makes_no_unsigned_commit() {
    let scene = Scene::new();
    scene.update(&[]);
    scene.publish(&["20260705", "20260701"]);
    for call in ["createCommitOnBranch", "updateRefs"] {
        scene
            .fake
            .fault(When::call("POST", call), Fault::Status(404));
        let run = scene.update(&[]);
        assert_eq!(outcomes(&run), [("ubuntu", "failed")], "{}", run.stdout);
    }
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    let commits = scene.fake.commits_between("main", "reglaze/ubuntu");
    assert_eq!(commits.len(), 1);
    assert!(scene.fake.is_verified(&scene.only_pull().head));
}

#[test]
fn a_commit_is_signed_off_where_that_is_asked_for() {
    let scene = Scene::new();
    scene.rules("sign_off: Image Bot <images@example.org>");
    scene.update(&[]);
    let message = scene.fake.commit("reglaze/ubuntu").message;
    assert!(
        message
            .trim_end()
            .ends_with("Signed-off-by: Image Bot <images@example.org>"),
        "{message}"
    );
}
