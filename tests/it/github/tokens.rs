//! Whose token it is, and what follows from that.

use super::api::Api;
use super::scene::{Scene, assert_outcomes, outcomes};
use crate::forge::{Fake, Token};
use crate::update::world::Run;

/// What a description says where its events start no workflows.
const STARTS_NOTHING: &str = "whose events start no other workflows";

/// The message of the only error.
#[track_caller]
pub fn only_error(run: &Run) -> String {
    let findings = run.json["findings"].as_array().expect("findings");
    let errors: Vec<_> = findings
        .iter()
        .filter(|one| one["level"] == "error")
        .collect();
    assert_eq!(errors.len(), 1, "{}{}", run.stdout, run.stderr);
    errors[0]["message"].as_str().unwrap().to_owned()
}

/// The row of the only group.
fn row(run: &Run) -> &serde_json::Value {
    &run.json["pull_requests"][0]
}

fn jobs_token(scene: &mut Scene) {
    scene.set("GITHUB_ACTIONS", "true");
    scene.use_token(Token::actions("ghs_run"));
}

#[test]
fn with_the_token_of_a_job_the_description_says_what_will_not_happen_and_how_to_mend_it() {
    let mut scene = Scene::new();
    jobs_token(&mut scene);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let pull = scene.only_pull();
    assert_eq!(pull.author, "github-actions[bot]");
    for part in [
        STARTS_NOTHING,
        "checks wait until",
        "a merge by itself starts no deployment",
        "REGLAZE_GITHUB_APP_ID",
    ] {
        assert!(pull.body.contains(part), "no `{part}` in {}", pull.body);
    }
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
}

#[test]
fn with_a_persons_token_and_as_an_app_it_does_not() {
    let mut scene = Scene::new();
    scene.set("GITHUB_ACTIONS", "true");
    scene.use_token(Token::user("ghp_a-persons", "dora"));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let pull = scene.only_pull();
    assert_eq!(pull.author, "dora");
    assert!(!pull.body.contains(STARTS_NOTHING), "{}", pull.body);

    let mut scene = Scene::new();
    scene.set("GITHUB_ACTIONS", "true");
    scene.use_app(|_| {});
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    let pull = scene.only_pull();
    assert_eq!(pull.author, "glazier[bot]");
    assert!(!pull.body.contains(STARTS_NOTHING), "{}", pull.body);
    assert!(scene.fake.is_verified(&pull.head));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
}

#[test]
fn the_token_that_a_step_before_has_made_of_an_app_is_not_taken_for_that_of_the_job() {
    let mut scene = Scene::new();
    scene.set("GITHUB_ACTIONS", "true");
    scene.use_token(Token::installation("ghs_of-an-app", "glazier"));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    assert!(!scene.only_pull().body.contains(STARTS_NOTHING));
}

#[test]
fn an_app_is_known_again_when_a_persons_commit_is_answered() {
    let mut scene = Scene::new();
    scene.use_app(|_| {});
    scene.update(&[]);
    let number = scene.only_pull().number;
    scene
        .person()
        .commit("reglaze/ubuntu", &[("NOTES.md", "mine\n")], "Add notes");
    scene.update(&[]);
    let said = scene.fake.comments(number);
    assert_eq!((said.len(), said[0].author.as_str()), (1, "glazier[bot]"));
    scene
        .person()
        .tick_in_comment(said[0].id, "take over again");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
}

/// A run that may not open pull requests: the link that a person can open one by.
fn refused(scene: &Scene) -> String {
    let run = scene.update(&[]);
    assert_eq!(
        (run.code, outcomes(&run)),
        (3, vec![("ubuntu", "failed")]),
        "{}",
        run.stdout
    );
    let error = only_error(&run);
    assert!(
        error.contains("Allow GitHub Actions to create and approve pull requests"),
        "{error}"
    );
    assert_eq!(
        row(&run)["error"].as_str().map(|text| error.contains(text)),
        Some(true)
    );
    assert_eq!(
        scene.fake.commits_between("main", "reglaze/ubuntu").len(),
        1
    );
    assert!(scene.catalogue("reglaze/ubuntu").contains("20260701"));
    row(&run)["url"].as_str().unwrap().to_owned()
}

#[test]
fn where_jobs_may_not_open_pull_requests_the_branch_and_a_link_are_left_and_a_later_run_goes_on() {
    let mut scene = Scene::new();
    jobs_token(&mut scene);
    scene
        .fake
        .settings(|settings| settings.actions_may_open_pulls = false);
    let link = url::Url::parse(&refused(&scene)).unwrap();
    assert_eq!(
        (link.host_str(), link.path()),
        (
            Some("github.example"),
            "/acme/images/compare/main...reglaze/ubuntu"
        )
    );
    let filled: Vec<_> = link.query_pairs().into_owned().collect();
    assert!(filled.contains(&("expand".to_owned(), "1".to_owned())));
    assert!(
        filled
            .iter()
            .any(|(name, value)| name == "title" && value.contains("20260701"))
    );

    // Again: nothing more is made.
    let head = scene.fake.head("reglaze/ubuntu");
    scene.fake.clear_log();
    refused(&scene);
    assert_eq!(scene.fake.head("reglaze/ubuntu"), head);
    assert_eq!(scene.fake.writes(), ["POST /repos/acme/images/pulls"]);

    scene
        .fake
        .settings(|settings| settings.actions_may_open_pulls = true);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    assert_eq!(scene.only_pull().head, head);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
}

/// A person opens a pull request by the link of a run that might not.
fn opened_by_hand(scene: &Scene, title: Option<&str>) -> u64 {
    scene
        .fake
        .settings(|settings| settings.actions_may_open_pulls = false);
    let link = url::Url::parse(&refused(scene)).unwrap();
    let filled = link
        .query_pairs()
        .find(|(name, _)| name == "title")
        .unwrap()
        .1
        .into_owned();
    scene.person().open_pull(
        "reglaze/ubuntu",
        "main",
        title.unwrap_or(&filled),
        "For Monday, please.",
    )
}

#[test]
fn a_pull_request_that_a_person_opens_by_the_link_is_looked_after_like_any_other() {
    let mut scene = Scene::new();
    jobs_token(&mut scene);
    let number = opened_by_hand(&scene, None);
    // Meanwhile there is a newer build.
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    let pull = scene.only_pull();
    assert_eq!((pull.number, pull.author.as_str()), (number, "alice"));
    assert!(
        pull.body.starts_with("For Monday, please."),
        "{}",
        pull.body
    );
    assert!(pull.title.contains("20260705"), "{}", pull.title);
    assert!(pull.body.contains(&scene.world.signer.fingerprint));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
    assert_eq!(scene.fake.pulls().len(), 1);
}

#[test]
fn the_title_that_a_person_has_chosen_there_stays() {
    let mut scene = Scene::new();
    jobs_token(&mut scene);
    opened_by_hand(&scene, Some("Ubuntu, at last"));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    assert_eq!(scene.only_pull().title, "Ubuntu, at last");
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    let pull = scene.only_pull();
    assert_eq!(pull.title, "Ubuntu, at last");
    assert!(pull.body.starts_with("For Monday, please.") && pull.body.contains("20260705"));
}

/// The sentence of a run that could do nothing.
#[track_caller]
fn nothing_done(run: &Run, fake: &Fake) -> String {
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(fake.writes(), Vec::<String>::new());
    only_error(run)
}

#[test]
fn without_a_token_or_a_repository_a_sentence_says_what_to_set() {
    for (variable, parts) in [
        (
            "GITHUB_TOKEN",
            &["no token", "github.token", "REGLAZE_GITHUB_APP_ID"][..],
        ),
        ("GITHUB_REPOSITORY", &["GITHUB_REPOSITORY", "OWNER/NAME"]),
    ] {
        let mut scene = Scene::new();
        scene.unset(variable);
        let said = nothing_done(&scene.update(&[]), &scene.fake);
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        assert!(scene.fake.log().is_empty());
    }
    let mut scene = Scene::new();
    scene.set("REGLAZE_GITHUB_APP_ID", "7");
    let said = nothing_done(&scene.update(&[]), &scene.fake);
    assert!(said.contains("REGLAZE_GITHUB_APP_KEY"), "{said}");
}

#[test]
fn a_token_that_github_does_not_know_is_named_and_not_shown() {
    let mut scene = Scene::new();
    scene.set("GITHUB_TOKEN", "ghp_forgotten");
    let run = scene.update(&[]);
    let said = nothing_done(&run, &scene.fake);
    assert!(
        said.contains("GITHUB_TOKEN") && said.contains("Bad credentials"),
        "{said}"
    );
    assert!(!(run.stdout + &run.stderr).contains("ghp_forgotten"));
    // Only once: a wrong token is not tried again.
    assert_eq!(scene.fake.log().len(), 1);
}

#[test]
fn an_app_that_is_not_installed_there_or_may_too_little_is_told_so() {
    let mut scene = Scene::new();
    scene.use_app(|app| {
        app.permissions.remove("pull_requests");
    });
    let said = nothing_done(&scene.update(&[]), &scene.fake);
    assert!(
        said.contains("contents: write") && said.contains("pull-requests: write"),
        "{said}"
    );

    let mut scene = Scene::new();
    scene.use_app(|_| {});
    scene.set("GITHUB_REPOSITORY", "acme/other");
    let said = nothing_done(&scene.update(&[]), &scene.fake);
    assert!(said.contains("not installed on `acme/other`"), "{said}");
}

#[test]
fn an_archived_repository_is_left_alone_with_a_sentence() {
    let scene = Scene::new();
    scene.fake.settings(|settings| settings.archived = true);
    let said = nothing_done(&scene.update(&[]), &scene.fake);
    assert!(said.contains("archived"), "{said}");
    // Nor can the API of the fake be written to.
    Api::of(&scene.fake)
        .post("issues", &serde_json::json!({"title": "t"}))
        .refusal(403);
}
