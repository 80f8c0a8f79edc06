//! Runs of the binary whose every call by REST, and every answer to it, Prism judges by GitHub's own description; GraphQL is
//! judged by its schema in all tests. With GraphQL and, on a server that has none, without.

use super::scene::{FILE, Scene, assert_outcomes};
use crate::forge::{Checks, Entry, Prism, Token};

/// All of GitHub's decorations, so that every call that there can be is made.
const RULES: &str =
    "labels: [images]\nreviewers: [bob, 'team:acme/cloud']\nassignees: [alice]\nmilestone: Images";

/// Tells a story, and then what is wrong with its calls.
fn judge(rules: &str, story: impl FnOnce(&mut Scene)) {
    // It starts while the story is told.
    let mut prism = Prism::start();
    let mut scene = Scene::new();
    scene.fake.person("bob");
    scene.fake.add_team("cloud");
    scene.person().new_milestone("Images");
    scene.fake.settings(|settings| {
        // Several pages of everything; GitHub's description has no paths that name a repository by its number.
        settings.page_size = 1;
        settings.links_by_number = false;
    });
    scene.rules(rules);
    story(&mut scene);
    let log = scene.fake.log();
    assert!(log.iter().any(Entry::is_write), "nothing was written");
    let mut found = prism.violations(&log);
    found.extend(scene.fake.violations());
    assert!(
        found.is_empty(),
        "{} of {} calls:\n{}",
        found.len(),
        log.len(),
        found.join("\n")
    );
}

fn without_graphql(scene: &Scene) {
    scene.fake.settings(|settings| settings.has_graphql = false);
}

/// Opened, brought to a newer version on a base that moved, and left alone when there is nothing new.
fn open_and_update(scene: &Scene) {
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let first = scene.only_pull();
    assert_eq!(
        (first.labels.as_slice(), first.milestone),
        (&["images".to_owned()][..], Some(1))
    );
    scene
        .person()
        .commit("main", &[("README.md", "more\n")], "Write more");
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    let second = scene.only_pull();
    assert_eq!(second.number, first.number);
    assert!(second.title.contains("20260705"), "{}", second.title);
    let proposed = scene.fake.files("reglaze/ubuntu");
    assert_eq!(proposed["README.md"], "more\n");
    assert!(proposed[FILE].contains("20260705") && !proposed[FILE].contains("20260701"));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
    assert_eq!(scene.fake.branches().len(), 2, "no branch is left over");
}

/// Closed as pointless, with its branch; what a person closed stays closed.
fn close(scene: &Scene) {
    scene.update(&[]);
    let pointless = scene.only_pull().number;
    let by_hand = scene.catalogue("reglaze/ubuntu");
    scene
        .person()
        .commit("main", &[(FILE, &by_hand)], "Add them by hand");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "closed")]);
    assert!(!scene.fake.pull(pointless).is_open);
    assert!(!scene.fake.branches().contains_key("reglaze/ubuntu"));
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    scene.person().close(scene.only_pull().number);
    assert_outcomes(&scene.update(&[]), &[]);
    assert!(scene.fake.open_pulls().is_empty());
}

#[test]
fn opening_and_updating() {
    judge(RULES, |scene| {
        open_and_update(scene);
        assert!(scene.fake.is_verified(&scene.only_pull().head));
        assert_eq!(
            scene.fake.commits_between("main", "reglaze/ubuntu").len(),
            1
        );
    });
}

#[test]
fn opening_and_updating_without_graphql() {
    judge(RULES, |scene| {
        without_graphql(scene);
        open_and_update(scene);
        // Nothing can move a branch back there without losing what somebody pushes meanwhile.
        let commits = scene.fake.commits_between("main", "reglaze/ubuntu");
        assert_eq!(commits.len(), 2, "{commits:#?}");
    });
}

#[test]
fn closing() {
    judge("", |scene| close(scene));
}

#[test]
fn closing_without_graphql() {
    judge("", |scene| {
        without_graphql(scene);
        close(scene);
    });
}

#[test]
fn keeping_hands_off_and_taking_over() {
    judge("", |scene| {
        scene.update(&[]);
        let number = scene.only_pull().number;
        let theirs =
            scene
                .person()
                .commit("reglaze/ubuntu", &[("NOTES.md", "mine\n")], "Add notes");
        assert_outcomes(&scene.update(&[]), &[("ubuntu", "untouched")]);
        assert_eq!(scene.fake.head("reglaze/ubuntu"), theirs);
        let said = scene.fake.comments(number);
        assert_eq!(said.len(), 1, "{said:#?}");
        scene
            .person()
            .tick_in_comment(said[0].id, "take over again");
        assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
        assert!(!scene.fake.files("reglaze/ubuntu").contains_key("NOTES.md"));
    });
}

#[test]
fn keeping_a_dashboard() {
    judge("dashboard: true", |scene| {
        scene.update(&[]);
        let dashboard = scene.fake.issues().remove(0);
        let number = scene.only_pull().number;
        assert!(
            dashboard.body.contains(&format!("#{number}")),
            "{}",
            dashboard.body
        );
        scene.person().close(number);
        assert_outcomes(&scene.update(&[]), &[]);
        let asked = &scene.fake.issues()[0];
        assert_eq!(
            (asked.number, scene.fake.issues().len()),
            (dashboard.number, 1)
        );
        scene.person().tick(asked.number, &format!("#{number}"));
        assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
        scene.rules("dashboard: false");
        scene.update(&[]);
        assert!(!scene.fake.issues()[0].is_open);
    });
}

#[test]
fn merging_by_itself() {
    judge("automerge: squash", |scene| {
        scene.fake.settings(|settings| settings.needs_checks = true);
        assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
        let waiting = scene.only_pull();
        assert_eq!(waiting.auto_merge.as_deref(), Some("squash"));
        scene.fake.checks(waiting.number, Checks::Passed);
        assert!(scene.fake.pull(waiting.number).is_merged);
        // Where nothing is to be waited for GitHub refuses to wait, so it is merged at once.
        scene
            .fake
            .settings(|settings| settings.needs_checks = false);
        scene.publish(&["20260705", "20260701"]);
        scene.update(&[]);
        assert!(scene.catalogue("main").contains("20260705"));
        assert!(scene.fake.open_pulls().is_empty());
    });
}

#[test]
fn leaving_the_branch_where_runs_may_not_open_pull_requests() {
    judge("", |scene| {
        scene.use_token(Token::actions("ghs_of-a-run"));
        scene
            .fake
            .settings(|settings| settings.actions_may_open_pulls = false);
        let run = scene.update(&[]);
        assert!(
            run.stdout
                .contains("Allow GitHub Actions to create and approve pull requests"),
            "{}{}",
            run.stdout,
            run.stderr
        );
        assert!(scene.fake.open_pulls().is_empty());
        assert!(scene.catalogue("reglaze/ubuntu").contains("20260701"));
        scene
            .fake
            .settings(|settings| settings.actions_may_open_pulls = true);
        assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    });
}
