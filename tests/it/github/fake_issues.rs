//! The fake's issues, labels, milestones and comments.

use serde_json::{Value, json};

use super::api::Api;
use crate::forge::Fake;

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|issue| issue["number"].as_u64().unwrap())
        .collect()
}

#[test]
fn lists_of_issues_have_pull_requests_too() {
    let fake = Fake::start();
    let (ann, api) = (fake.person("ann"), Api::of(&fake));
    ann.commit("topic", &[("a.yml", "one\n")], "One");
    let pull = api.open("topic", "A topic");
    api.patch(&format!("issues/{pull}"), &json!({"labels": ["Images"]}))
        .expect(200);
    let issue = api
        .post(
            "issues",
            &json!({"title": "Dashboard", "body": "text", "labels": ["images"]}),
        )
        .expect(201);
    assert_eq!(
        fake.labels(),
        ["Images"],
        "an unknown label is made, and case does not count"
    );
    let found = api
        .get("issues?state=open&labels=images&per_page=100")
        .expect(200);
    assert_eq!(numbers(&found), [issue["number"].as_u64().unwrap(), pull]);
    assert!(found[0]["pull_request"].is_null() && found[1]["pull_request"].is_object());
    assert_eq!(
        numbers(&api.get("issues?creator=ann").expect(200)),
        [] as [u64; 0]
    );
}

#[test]
fn assignees_and_milestones_must_be_there() {
    let fake = Fake::start();
    let (ann, api) = (fake.person("ann"), Api::of(&fake));
    let number = ann.open_issue("Title", "text");
    let one = format!("issues/{number}");
    assert_eq!(
        api.patch(&one, &json!({"assignees": ["nobody"]}))
            .refusal(422),
        "Validation Failed assignees invalid"
    );
    assert_eq!(
        api.patch(&one, &json!({"milestone": 7})).refusal(422),
        "Validation Failed milestone invalid"
    );
    let milestone = ann.new_milestone("Next");
    assert_eq!(
        api.get("milestones?state=open").expect(200)[0]["title"],
        "Next"
    );
    let done = api
        .patch(
            &one,
            &json!({"assignees": ["ann"], "milestone": milestone, "state": "closed"}),
        )
        .expect(200);
    assert_eq!(
        (&done["assignee"]["login"], &done["milestone"]["number"]),
        (&json!("ann"), &json!(milestone))
    );
    assert_eq!(done["state_reason"], "completed");
}

#[test]
fn comments_are_written_edited_and_limited() {
    let fake = Fake::start();
    let (ann, api) = (fake.person("ann"), Api::of(&fake));
    let number = ann.open_issue("Title", "- [ ] take over\n- [ ] reopen");
    let comment = api
        .post(
            &format!("issues/{number}/comments"),
            &json!({"body": "first\n- [ ] rebase"}),
        )
        .expect(201);
    let id = comment["id"].as_u64().unwrap();
    let long = json!({"body": "ä".repeat(65_537)});
    assert!(
        api.patch(&format!("issues/comments/{id}"), &long)
            .refusal(422)
            .contains("too long")
    );
    api.patch(
        &format!("issues/comments/{id}"),
        &json!({"body": "ä".repeat(65_536)}),
    )
    .expect(200);
    assert_eq!(
        fake.comments(number)[0].editor.as_deref(),
        Some("reglaze[bot]")
    );
    api.patch(
        &format!("issues/comments/{id}"),
        &json!({"body": "- [ ] rebase"}),
    )
    .expect(200);
    ann.tick_in_comment(id, "rebase");
    ann.tick(number, "take over");
    assert_eq!(fake.comments(number)[0].body, "- [x] rebase");
    assert_eq!(fake.issues()[0].body, "- [x] take over\n- [ ] reopen");
    let editor = "query($id: ID!) { node(id: $id) { ... on IssueComment { lastEditedAt editor { login } } } }";
    let told = api.graphql(editor, &json!({"id": comment["node_id"]}));
    assert_eq!(told["data"]["node"]["editor"]["login"], "ann");
}

#[test]
fn a_repository_may_have_no_issues() {
    let fake = Fake::start();
    fake.settings(|settings| settings.has_issues = false);
    let api = Api::of(&fake);
    assert_eq!(api.get("").expect(200)["has_issues"], false);
    api.post("issues", &json!({"title": "Dashboard"}))
        .expect(410);
}

#[test]
fn who_did_what_is_written_down() {
    let fake = Fake::start();
    let number = fake.person("ann").open_issue("Title", "text");
    Api::of(&fake)
        .patch(&format!("issues/{number}"), &json!({"body": "other"}))
        .expect(200);
    let events: Vec<_> = fake
        .events()
        .iter()
        .map(|event| format!("{} {} {}", event.actor, event.what, event.subject))
        .collect();
    assert_eq!(
        events,
        [
            "acme create main",
            "ann opened #1",
            "reglaze[bot] edited #1"
        ]
    );
}
