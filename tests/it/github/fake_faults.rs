//! What goes wrong at the fake on demand, and what it writes down.

use std::time::{Duration, Instant};

use serde_json::json;

use super::api::Api;
use crate::forge::{Fake, Fault, When};

#[test]
fn an_error_strikes_once_where_it_is_told() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    for (status, message) in [
        (401, "Bad credentials"),
        (404, "Not Found"),
        (409, "Conflict"),
        (500, "Server Error"),
    ] {
        fake.fault(When::call("GET", "/heads/main"), Fault::Status(status));
        api.get("").expect(200);
        assert_eq!(api.get("git/ref/heads/main").refusal(status), message);
        api.get("git/ref/heads/main").expect(200);
    }
    fake.fault(When::nth(2).always(), Fault::Status(502));
    assert_eq!([1, 2, 3].map(|_| api.get("").status), [200, 502, 502]);
    fake.heal();
    api.get("").expect(200);
}

#[test]
fn limits_say_when_to_come_again() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    fake.fault(When::nth(1), Fault::PrimaryLimit(5));
    let answer = api.get("");
    assert_eq!(
        (answer.status, answer.header("x-ratelimit-remaining")),
        (403, Some("0"))
    );
    let reset: i64 = answer.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!((3..=6).contains(&(reset - chrono::Utc::now().timestamp())));
    fake.fault(When::nth(1), Fault::SecondaryLimit(Some(2)));
    let answer = api.get("");
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (403, Some("2"))
    );
    fake.fault(When::nth(1), Fault::TooMany(2));
    assert_eq!(api.get("").status, 429);
}

#[test]
fn a_connection_is_cut_before_or_after_it_is_done() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    let body = json!({"title": "t"});
    for (fault, count) in [(Fault::CutBefore, 0), (Fault::CutAfter, 1)] {
        fake.fault(When::call("POST", "/issues"), fault);
        api.send("POST", "issues", Some(&body), &[]).unwrap_err();
        assert_eq!(fake.issues().len(), count);
    }
    assert_eq!(
        fake.writes(),
        [
            "POST /repos/acme/images/issues",
            "POST /repos/acme/images/issues"
        ]
    );
    assert_eq!(fake.log().last().unwrap().status, None);
}

#[test]
fn an_answer_is_late_or_no_json() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    fake.fault(When::nth(1), Fault::Slow(Duration::from_millis(300)));
    let begin = Instant::now();
    api.get("").expect(200);
    assert!(begin.elapsed() >= Duration::from_millis(300));
    fake.fault(When::nth(1), Fault::Garbage);
    assert!(api.get("").expect(200).is_string());
}

#[test]
fn a_graphql_operation_is_struck_by_its_name() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    fake.fault(When::call("POST", "viewer"), Fault::Status(502));
    let body = json!({"query": "query Who { viewer { login } }"});
    api.post("/graphql", &body).expect(502);
    api.post("/graphql", &body).expect(200);
}

#[test]
fn requests_are_written_down_without_secrets() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    api.post("issues?x=1", &json!({"title": "t"})).expect(201);
    let entry = fake.log().pop().unwrap();
    assert_eq!(
        (entry.line().as_str(), entry.status),
        ("POST /repos/acme/images/issues", Some(201))
    );
    assert_eq!(
        (entry.query["x"].as_str(), &entry.body["title"]),
        ("1", &json!("t"))
    );
    assert_eq!(entry.login.as_deref(), Some("reglaze[bot]"));
    assert_eq!(entry.headers["user-agent"], "reglaze-tests");
    assert!(
        !serde_json::to_string(&entry)
            .unwrap()
            .contains(crate::forge::fake::TOKEN)
    );
}

#[test]
fn somebody_does_something_between_two_calls() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    fake.meanwhile(When::call("PATCH", "/heads/main"), |fake| {
        fake.person("ann")
            .commit("main", &[("a.yml", "a")], "Meanwhile");
    });
    let before = fake.head("main");
    api.get("git/ref/heads/main").expect(200);
    assert_eq!(fake.head("main"), before);
    let own = fake.person("bea").commit("topic", &[("b.yml", "b")], "Own");
    let refusal = api
        .patch("git/refs/heads/main", &json!({"sha": own}))
        .refusal(422);
    assert_eq!(refusal, "Update is not a fast forward");
    assert_eq!(fake.commit("main").message, "Meanwhile");
}
