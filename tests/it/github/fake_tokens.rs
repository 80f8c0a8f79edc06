//! Who may do what at the fake.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::api::Api;
use crate::forge::{Access, App, Fake, Token};

#[test]
fn an_unknown_token_and_a_missing_right_are_different_answers() {
    let fake = Fake::start();
    fake.token(Token::actions("weak").only(&[("contents", Access::Write)]));
    fake.person("ann")
        .commit("topic", &[("a.yml", "one\n")], "One");
    let body = json!({"title": "t", "head": "topic", "base": "main"});
    let post = |token: &str| Api::with_token(&fake, token).post("pulls", &body);
    assert_eq!(post("unknown").refusal(401), "Bad credentials");
    assert_eq!(post("").refusal(401), "Requires authentication");
    assert_eq!(
        post("weak").refusal(403),
        "Resource not accessible by integration"
    );
    assert!(Api::with_token(&fake, "").get("").expect(200)["allow_auto_merge"].is_null());
}

#[test]
fn a_workflow_opens_pull_requests_only_where_the_settings_allow_it() {
    let fake = Fake::start();
    fake.token(Token::actions("run"));
    fake.settings(|settings| settings.actions_may_open_pulls = false);
    fake.person("ann")
        .commit("topic", &[("a.yml", "one\n")], "One");
    let api = Api::with_token(&fake, "run");
    let body = json!({"title": "t", "head": "topic", "base": "main"});
    let refusal = api.post("pulls", &body).refusal(403);
    assert_eq!(
        refusal,
        "GitHub Actions is not permitted to create or approve pull requests."
    );
    fake.settings(|settings| settings.actions_may_open_pulls = true);
    let pull = api.post("pulls", &body).expect(201);
    assert_eq!(pull["user"]["login"], "github-actions[bot]");
    let last = fake.events().pop().unwrap();
    assert!(!last.starts_workflows);
    assert_eq!(
        api.get("/user").refusal(403),
        "Resource not accessible by integration"
    );
}

#[test]
fn a_person_is_told_who_it_is() {
    let fake = Fake::start();
    fake.token(Token::user("pat", "ann"));
    assert_eq!(
        Api::with_token(&fake, "pat").get("/user").expect(200)["login"],
        "ann"
    );
}

#[test]
fn an_app_gets_a_token_of_its_installation() {
    let fake = Fake::start();
    let (app, key) = App::generate(7, "glazier");
    fake.app(app);
    let now = chrono::Utc::now().timestamp();
    let jwt = |claims: Value| {
        let key = EncodingKey::from_rsa_pem(key.as_bytes()).unwrap();
        encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap()
    };
    let long = jwt(json!({"iss": "7", "iat": now - 60, "exp": now + 900}));
    assert!(
        Api::with_token(&fake, &long)
            .get("/app")
            .refusal(401)
            .contains("too far in the future")
    );
    let api = Api::with_token(
        &fake,
        &jwt(json!({"iss": "7", "iat": now - 60, "exp": now + 540})),
    );
    assert_eq!(api.get("/app").expect(200)["slug"], "glazier");
    let installation = api.get("installation").expect(200)["id"].as_u64().unwrap();
    let path = format!("/app/installations/{installation}/access_tokens");
    api.post(&path, &json!({"permissions": {"administration": "write"}}))
        .expect(422);
    let body = json!({"repositories": ["images"], "permissions": {"contents": "write"}});
    let given = api.post(&path, &body).expect(201);
    let own = Api::with_token(&fake, given["token"].as_str().unwrap());
    own.post(
        "git/refs",
        &json!({"ref": "refs/heads/topic", "sha": fake.head("main")}),
    )
    .expect(201);
    own.post("issues", &json!({"title": "t"})).expect(403);
    assert_eq!(fake.events().pop().unwrap().actor, "glazier[bot]");
}

#[test]
fn an_archived_repository_is_read_only() {
    let fake = Fake::start();
    fake.settings(|settings| settings.archived = true);
    let refusal = Api::of(&fake)
        .post("issues", &json!({"title": "t"}))
        .refusal(403);
    assert_eq!(refusal, "Repository was archived so is read-only.");
}
