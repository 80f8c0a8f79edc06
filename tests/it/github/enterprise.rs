//! GitHub Enterprise Server: everything by the URLs of the environment, nothing by GitHub's own names.

use super::scene::{Scene, assert_outcomes};
use crate::forge::Token;

/// A server of one's own, behind a name of its own.
fn scene() -> Scene {
    let mut scene = Scene::new();
    let api = format!("{}/api/v3", scene.fake.url());
    scene.set("GITHUB_API_URL", &api);
    scene.set(
        "GITHUB_GRAPHQL_URL",
        &format!("{}/api/graphql", scene.fake.url()),
    );
    scene.set("GITHUB_SERVER_URL", "https://git.corp.example");
    // Its own links lead below that, too.
    scene.fake.set_public_url(&api);
    scene.fake.settings(|settings| settings.page_size = 1);
    scene
}

/// All that was asked lay below the roots that the environment names.
#[track_caller]
fn assert_below_the_roots(scene: &Scene) {
    for entry in scene.fake.log() {
        let is_graphql = entry.target == "/api/graphql";
        assert!(
            is_graphql || entry.target.starts_with("/api/v3/"),
            "{}",
            entry.target
        );
    }
}

#[test]
fn all_calls_go_below_its_roots_and_all_links_to_its_pages() {
    let mut scene = scene();
    scene.set("GITHUB_ACTIONS", "true");
    scene.use_token(Token::actions("ghs_run"));
    scene.rules("group: image\nlabels: [images]");
    scene
        .fake
        .settings(|settings| settings.actions_may_open_pulls = false);
    let run = scene.update(&[]);
    let link = run.json["pull_requests"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        link.starts_with(
            "https://git.corp.example/acme/images/compare/main...reglaze/ubuntu-24.04?"
        ),
        "{link}"
    );
    scene
        .fake
        .settings(|settings| settings.actions_may_open_pulls = true);
    let opened = [("ubuntu-24.04", "opened"), ("ubuntu-22.04", "opened")];
    assert_outcomes(&scene.update(&[]), &opened);
    // Two pages of pull requests, and both are found again.
    let current = [("ubuntu-24.04", "current"), ("ubuntu-22.04", "current")];
    assert_outcomes(&scene.update(&[]), &current);
    scene.publish(&["20260705", "20260701"]);
    scene
        .person()
        .commit("main", &[("README.md", "more\n")], "Write more");
    let updated = [("ubuntu-24.04", "updated"), ("ubuntu-22.04", "updated")];
    assert_outcomes(&scene.update(&[]), &updated);
    for pull in scene.fake.open_pulls() {
        assert!(
            !pull.body.contains("github.com") && !pull.body.contains("127.0.0.1"),
            "{}",
            pull.body
        );
        assert!(scene.fake.is_verified(&pull.head));
    }
    assert_below_the_roots(&scene);
}

#[test]
fn graphql_is_found_beside_rest_where_the_environment_does_not_name_it() {
    let mut scene = scene();
    scene.unset("GITHUB_GRAPHQL_URL");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    assert!(
        scene
            .fake
            .log()
            .iter()
            .any(|entry| entry.target == "/api/graphql")
    );
    assert_below_the_roots(&scene);
}

#[test]
fn an_app_of_the_server_gets_its_token_there() {
    let mut scene = scene();
    scene.use_app(|_| {});
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    assert_eq!(scene.only_pull().author, "glazier[bot]");
    assert_below_the_roots(&scene);
}
