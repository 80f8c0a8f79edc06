//! The least that a token must be allowed, and what is said where it is not.

use super::scene::{Scene, assert_outcomes, outcomes};
use super::tokens::only_error;
use crate::forge::{Access, Token};

const LEAST: [(&str, Access); 2] = [
    ("contents", Access::Write),
    ("pull_requests", Access::Write),
];

/// A private repository, where reading takes permissions too, and a token with these.
fn scene(permissions: &[(&str, Access)], rules: &str) -> Scene {
    let mut scene = Scene::new();
    scene.rules(rules);
    scene.fake.settings(|settings| settings.private = true);
    scene.use_token(Token::installation("ghs_little", "little").only(permissions));
    scene.fake.clear_log();
    scene
}

#[test]
fn writing_contents_and_pull_requests_is_enough_for_all_but_the_dashboard() {
    let scene = scene(
        &LEAST,
        "labels: [images]\nreviewers: [bob]\nassignees: [alice]\nautomerge: squash",
    );
    scene.fake.person("bob");
    scene.fake.settings(|settings| settings.needs_checks = true);
    // Opened, moved to a newer build and a newer base, left to a person, taken over again.
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let number = scene.only_pull().number;
    let pull = scene.only_pull();
    assert_eq!(
        (pull.labels, pull.reviewers),
        (vec!["images".to_owned()], vec!["bob".to_owned()])
    );
    assert_eq!(pull.auto_merge.as_deref(), Some("squash"));
    scene
        .person()
        .commit("main", &[("README.md", "more\n")], "Write more");
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    scene
        .person()
        .commit("reglaze/ubuntu", &[("NOTES.md", "mine\n")], "Add notes");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "untouched")]);
    let said = scene.fake.comments(number);
    assert_eq!(said.len(), 1);
    scene
        .person()
        .tick_in_comment(said[0].id, "take over again");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
    // Closed when there is nothing left to propose.
    let text = scene.catalogue("reglaze/ubuntu");
    scene
        .person()
        .commit("main", &[(super::scene::FILE, &text)], "Add them by hand");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "closed")]);
    assert_eq!(scene.fake.branches().len(), 1);
}

#[test]
fn a_dashboard_that_the_token_may_not_make_is_a_warning_and_the_rest_is_done() {
    let scene = scene(&LEAST, "dashboard: true");
    let run = scene.update(&[]);
    assert_outcomes(&run, &[("ubuntu", "opened")]);
    let findings = run.json["findings"].as_array().unwrap();
    let of_rule: Vec<_> = findings
        .iter()
        .filter(|one| one["rule"] == "dashboard")
        .collect();
    assert_eq!(of_rule.len(), 1, "{findings:#?}");
    assert_eq!(of_rule[0]["level"], "warning");
    assert!(
        of_rule[0]["message"]
            .as_str()
            .unwrap()
            .contains("`issues: write`"),
        "{findings:#?}"
    );
    assert!(scene.fake.issues().is_empty());
}

#[test]
fn a_repository_without_issues_gets_pull_requests_all_the_same() {
    let scene = Scene::new();
    scene.fake.settings(|settings| settings.has_issues = false);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    scene.rules("dashboard: true");
    let run = scene.update(&[]);
    assert_outcomes(&run, &[("ubuntu", "updated")]);
    assert!(
        run.stdout.contains("Issues has been disabled"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_permission_that_is_missing_is_named_in_one_sentence_and_the_next_run_finishes() {
    for private in [false, true] {
        for (missing, level, named) in [
            ("contents", None, "`contents: "),
            ("contents", Some(Access::Read), "`contents: write`"),
            ("pull_requests", None, "`pull-requests: "),
            (
                "pull_requests",
                Some(Access::Read),
                "`pull-requests: write`",
            ),
        ] {
            let mut scene = Scene::new();
            scene.fake.settings(|settings| settings.private = private);
            let mut has: Vec<_> = LEAST
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            has.extend(level.map(|level| (missing, level)));
            scene.use_token(Token::installation("ghs_little", "little").only(&has));
            let run = scene.update(&[]);
            let case = format!(
                "{missing} {level:?} private: {private}: {}{}",
                run.stdout, run.stderr
            );
            assert!(matches!(run.code, 1 | 3), "{case}");
            let said = only_error(&run);
            assert!(said.contains(named), "{case}");
            assert!(scene.fake.pulls().is_empty(), "{case}");

            scene.use_token(Token::installation("ghs_little", "little").only(&LEAST));
            assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
            assert_eq!(scene.fake.branches().len(), 2);
            assert_eq!(
                scene.fake.commits_between("main", "reglaze/ubuntu").len(),
                1
            );
            assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
        }
    }
}

#[test]
fn an_app_asks_for_no_more_than_it_was_given() {
    let mut scene = Scene::new();
    scene.use_app(|app| {
        app.permissions
            .retain(|name, _| matches!(name.as_str(), "contents" | "pull_requests" | "metadata"));
    });
    scene.fake.settings(|settings| settings.private = true);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let log = scene.fake.log();
    let asked = log
        .iter()
        .find(|entry| entry.path.ends_with("/access_tokens"))
        .unwrap();
    assert_eq!(asked.body["repositories"], serde_json::json!(["images"]));
    assert_eq!(
        asked.body["permissions"],
        serde_json::json!({"contents": "write", "pull_requests": "write", "metadata": "read"})
    );
    assert_eq!(outcomes(&scene.update(&[])), [("ubuntu", "current")]);
}
