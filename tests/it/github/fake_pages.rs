//! The fake's lists in pages, tags of answers, redirects, and addresses of Enterprise Servers.

use serde_json::json;

use super::api::Api;
use crate::forge::Fake;

#[test]
fn a_list_goes_on_where_its_link_leads() {
    let fake = Fake::start();
    let (ann, api) = (fake.person("ann"), Api::of(&fake));
    for number in 1..=5 {
        ann.open_issue(&format!("Title {number}"), "text");
    }
    fake.settings(|settings| settings.page_size = 2);
    let mut found = Vec::new();
    let mut next = Some("issues?state=open&per_page=100".to_owned());
    while let Some(path) = next {
        let answer = api.get(&path);
        let links = answer.header("link").unwrap().to_owned();
        let link = links.split(", ").find(|link| link.contains("rel=\"next\""));
        next = link.map(|link| link[1..link.find('>').unwrap()].to_owned());
        found.extend(
            answer
                .expect(200)
                .as_array()
                .unwrap()
                .iter()
                .map(|issue| issue["number"].as_u64().unwrap()),
        );
    }
    assert_eq!(found, [5, 4, 3, 2, 1]);
    let paths: Vec<_> = fake.log().iter().map(|entry| entry.path.clone()).collect();
    assert!(
        paths[1].starts_with("/repositories/"),
        "GitHub's links name the repository by its number: {paths:?}"
    );
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    let first = api.get("git/ref/heads/main");
    let tag = first.header("etag").unwrap().to_owned();
    let again = || {
        api.send(
            "GET",
            "git/ref/heads/main",
            None,
            &[("if-none-match", &tag)],
        )
        .unwrap()
    };
    assert_eq!(again().status, 304);
    fake.person("ann")
        .commit("main", &[("a.yml", "a")], "Second");
    assert_eq!(again().status, 200);
    assert_eq!(first.header("x-ratelimit-remaining"), Some("4900"));
}

#[test]
fn an_artifact_lies_elsewhere_and_the_token_must_not_go_there() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    let id = fake.artifact("plan", "main", &fake.head("main"), b"PK");
    let found = api
        .get("actions/artifacts?name=plan&per_page=100")
        .expect(200);
    assert_eq!(
        (&found["total_count"], &found["artifacts"][0]["id"]),
        (&json!(1), &json!(id))
    );
    let answer = api.get(&format!("actions/artifacts/{id}/zip"));
    assert_eq!(answer.status, 302);
    let location = answer.header("location").unwrap().to_owned();
    let read = Api::with_token(&fake, "").get(&location).expect(200);
    assert_eq!(read, "PK");
    api.get(&location).expect(400);
    assert_eq!(
        std::mem::take(&mut fake.world().violations),
        ["the token was sent to the storage of artifacts"]
    );
    fake.expire_artifact(id);
    api.get(&format!("actions/artifacts/{id}/zip")).expect(410);
}

#[test]
fn an_enterprise_server_has_both_apis_below_a_path() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    assert_eq!(
        api.get("/api/v3/repos/acme/images").expect(200)["full_name"],
        "acme/images"
    );
    let body = json!({"query": "query { viewer { login } }"});
    assert_eq!(
        api.post("/api/graphql", &body).expect(200)["data"]["viewer"]["login"],
        "reglaze[bot]"
    );
}
