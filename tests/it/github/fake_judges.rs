//! That GitHub's own description finds nothing wrong with the fake, and does find what is wrong.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::api::Api;
use crate::forge::fake::log::Given;
use crate::forge::{App, Entry, Fake, Fault, Judged, Prism, Token, When, judges};

#[test]
fn nothing_is_wrong_in_a_round_over_all_operations() {
    let mut fake = Judged::start();
    fake.settings(|settings| settings.page_size = 2);
    fake.token(Token::user("pat", "ann"));
    fake.add_team("images");
    Api::with_token(&fake, "pat").get("/user").expect(200);
    as_app(&fake);
    let api = Api::of(&fake);
    api.get("").expect(200);
    branches(&fake, &api);
    let number = pull_requests(&fake, &api);
    issues_and_comments(&api, number);
    let artifact = fake.artifact("plan", "main", &fake.head("main"), b"PK");
    api.get("actions/artifacts?name=plan&per_page=100")
        .expect(200);
    api.get(&format!("actions/artifacts/{artifact}/zip"))
        .expect(302);
    merge(&fake, &api, number);
    fake.assert_no_violations();
}

fn as_app(fake: &Fake) {
    let (app, key) = App::generate(7, "glazier");
    fake.app(app);
    let now = chrono::Utc::now().timestamp();
    let key = EncodingKey::from_rsa_pem(key.as_bytes()).unwrap();
    let claims = json!({"iss": "7", "iat": now - 60, "exp": now + 540});
    let api = Api::with_token(
        fake,
        &encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap(),
    );
    api.get("/app").expect(200);
    let id = api.get("installation").expect(200)["id"].clone();
    let body = json!({"repositories": ["images"], "permissions": {"contents": "write", "pull_requests": "write"}});
    api.post(&format!("/app/installations/{id}/access_tokens"), &body)
        .expect(201);
}

/// Makes the branch `reglaze/a` with a commit.
fn branches(fake: &Fake, api: &Api) {
    let main = fake.head("main");
    let branch = json!({"ref": "refs/heads/reglaze/a", "sha": main});
    api.post("git/refs", &branch).expect(201);
    api.post("git/refs", &branch).expect(422);
    api.get("git/ref/heads/reglaze/a").expect(200);
    let tag = api
        .get("git/ref/heads/main")
        .header("etag")
        .unwrap()
        .to_owned();
    let again = api.send(
        "GET",
        "git/ref/heads/main",
        None,
        &[("if-none-match", &tag)],
    );
    assert_eq!(again.unwrap().status, 304);
    api.get("git/ref/heads/none").expect(404);
    api.get("git/matching-refs/heads/reglaze/").expect(200);
    let tree = api.get(&format!("git/commits/{main}")).expect(200)["tree"]["sha"].clone();
    let listed = api
        .get(&format!("git/trees/{main}?recursive=1"))
        .expect(200);
    api.get(&format!(
        "git/blobs/{}",
        listed["tree"][0]["sha"].as_str().unwrap()
    ))
    .expect(200);
    let blob = json!({"content": "aGVsbG8K", "encoding": "base64"});
    let blob = api.post("git/blobs", &blob).expect(201)["sha"].clone();
    let entry = json!({"path": "a/b.yml", "mode": "100644", "type": "blob", "sha": blob});
    let tree = api
        .post("git/trees", &json!({"base_tree": tree, "tree": [entry]}))
        .expect(201)["sha"]
        .clone();
    let commit = json!({"message": "m", "tree": tree, "parents": [main]});
    let commit = api.post("git/commits", &commit).expect(201)["sha"].clone();
    api.patch(
        "git/refs/heads/reglaze/a",
        &json!({"sha": commit, "force": false}),
    )
    .expect(200);
    api.patch("git/refs/heads/reglaze/a", &json!({"sha": main}))
        .expect(422);
    api.get("compare/main...reglaze/a").expect(200);
}

/// Makes a pull request of that branch; gives its number.
fn pull_requests(fake: &Fake, api: &Api) -> u64 {
    let pull = json!({
        "title": "t", "head": "reglaze/a", "base": "main", "body": "b", "draft": false, "maintainer_can_modify": false,
    });
    let number = api.post("pulls", &pull).expect(201)["number"]
        .as_u64()
        .unwrap();
    api.post("pulls", &pull).expect(422);
    let one = format!("pulls/{number}");
    fake.person("ann").new_milestone("Next");
    api.get("milestones?state=open&per_page=100").expect(200);
    let rest = json!({"labels": ["images"], "assignees": ["ann"], "milestone": 1, "body": "c"});
    api.patch(&format!("issues/{number}"), &rest).expect(200);
    let reviewers = json!({"reviewers": ["ann"], "team_reviewers": ["images"]});
    api.post(&format!("{one}/requested_reviewers"), &reviewers)
        .expect(201);
    for change in [
        json!({"title": "u", "body": "d"}),
        json!({"state": "closed"}),
        json!({"state": "open"}),
    ] {
        api.patch(&one, &change).expect(200);
    }
    api.get(&one).expect(200);
    assert!(api.get(&one).expect(200)["mergeable"].is_boolean());
    api.get("pulls?state=open&per_page=100").expect(200);
    let closed = "pulls?state=closed&head=acme:reglaze/a&per_page=100&sort=updated&direction=desc";
    api.get(closed).expect(200);
    api.get(&format!("{one}/files")).expect(200);
    api.get(&format!("{one}/commits")).expect(200);
    number
}

fn issues_and_comments(api: &Api, number: u64) {
    let comment = api.post(&format!("issues/{number}/comments"), &json!({"body": "c"}));
    let comment = format!("issues/comments/{}", comment.expect(201)["id"]);
    api.patch(&comment, &json!({"body": "d"})).expect(200);
    api.get(&comment).expect(200);
    api.get(&format!("issues/{number}/comments?per_page=100"))
        .expect(200);
    let issue = api.post(
        "issues",
        &json!({"title": "t", "body": "b", "labels": ["images"]}),
    );
    let issue = format!("issues/{}", issue.expect(201)["number"]);
    api.patch(
        &issue,
        &json!({"title": "u", "body": "c", "state": "closed"}),
    )
    .expect(200);
    api.get(&issue).expect(200);
    api.get("issues?state=all&per_page=100&labels=images&creator=reglaze[bot]")
        .expect(200);
}

fn merge(fake: &Fake, api: &Api, number: u64) {
    let merge = format!("pulls/{number}/merge");
    api.put(
        &merge,
        &json!({"sha": fake.head("main"), "merge_method": "squash"}),
    )
    .expect(409);
    let head = fake.head("reglaze/a");
    let merged = api
        .put(&merge, &json!({"sha": head, "merge_method": "squash"}))
        .expect(200);
    api.get(&format!(
        "commits/{}/pulls",
        merged["sha"].as_str().unwrap()
    ))
    .expect(200);
    api.get(&format!("pulls/{number}")).expect(200);
    api.delete("git/refs/heads/reglaze/a").expect(204);
}

#[test]
fn misspelt_and_unknown_requests_are_found() {
    let mut fake = Judged::start();
    let api = Api::of(&fake);
    api.post("issues", &json!({"title": "t", "lables": ["a"]}))
        .expect(201);
    api.get("pulls?state=opened").expect(200);
    api.get("pulls?lables=a").expect(200);
    api.get("stargazers").expect(404);
    api.post("git/refs", &json!({"ref": "refs/heads/a"}))
        .expect(422);
    let found = fake.violations();
    for (line, word) in [
        ("POST /repos/acme/images/issues", "lables"),
        ("GET /repos/acme/images/pulls", "state"),
        ("GET /repos/acme/images/pulls", "no parameter `lables`"),
        (
            "GET /repos/acme/images/stargazers",
            "not among the operations",
        ),
        ("POST /repos/acme/images/git/refs", "sha"),
    ] {
        let is_found = found
            .iter()
            .any(|one| one.starts_with(line) && one.contains(word));
        assert!(is_found, "{line} {word}\n{}", found.join("\n"));
    }
}

#[test]
fn a_fault_of_the_test_is_not_held_against_the_fake() {
    let mut fake = Judged::start();
    let api = Api::of(&fake);
    for fault in [
        Fault::Status(502),
        Fault::Status(401),
        Fault::Garbage,
        Fault::SecondaryLimit(None),
    ] {
        fake.fault(When::nth(1), fault);
        api.get("");
    }
    fake.fault(When::nth(1), Fault::CutAfter);
    api.send("GET", "pulls", None, &[]).unwrap_err();
    fake.assert_no_violations();
}

/// Where Prism does not understand a schema it says nothing of it, and finds nothing.
#[test]
fn every_operation_is_really_judged() {
    let path = judges::folder().join("openapi.json");
    let description: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut prism = Prism::start();
    let mut missed = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        // With more segments of the same parameter it is the same.
        if path.contains("_3}") {
            continue;
        }
        for (method, operation) in operations.as_object().unwrap() {
            let filled = path
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part });
            let target = filled.collect::<Vec<_>>().join("/");
            let answers = operation["responses"].as_object().unwrap();
            let (status, answer) = answers
                .iter()
                .find(|(status, _)| status.starts_with(['2', '3']))
                .unwrap();
            let has_body = operation.get("requestBody").is_some();
            let entry = Entry {
                method: method.to_uppercase(),
                path: target.clone(),
                target,
                query: [].into(),
                headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
                body: if has_body {
                    json!({"bogus": 1})
                } else {
                    Value::Null
                },
                login: None,
                status: status.parse().ok(),
                given: Some(Given {
                    status: status.parse().unwrap(),
                    headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                    body: b"\"bogus\"".to_vec(),
                }),
                at: std::time::Instant::now(),
                answered: None,
            };
            let found = prism.violations(&[entry]).join("\n");
            if has_body && !found.contains("[\"request\"") {
                missed.push(format!("request of {method} {path}"));
            }
            if answer.get("content").is_some() && !found.contains("[\"response\"") {
                missed.push(format!("answer of {method} {path}"));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
