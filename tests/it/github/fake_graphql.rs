//! The fake's GraphQL, and that nothing passes which GitHub's schema does not have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::api::Api;
use crate::forge::{Fake, Token};

const COMMIT: &str = "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }";
const UPDATE: &str =
    "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";
const AUTO: &str = "mutation($input: EnablePullRequestAutoMergeInput!) { enablePullRequestAutoMerge(input: $input) { pullRequest { id } } }";
const NOTHING: &str = "0000000000000000000000000000000000000000";

fn commit(branch: &str, head: &str, path: &str, text: &str) -> Value {
    json!({"input": {
        "branch": {"repositoryNameWithOwner": "acme/images", "branchName": branch},
        "expectedHeadOid": head,
        "message": {"headline": "Add", "body": "Why"},
        "fileChanges": {"additions": [{"path": path, "contents": STANDARD.encode(text)}]},
    }})
}

#[test]
fn a_commit_is_made_only_on_the_expected_head_and_is_verified() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    let head = fake.head("main");
    let done = api.graphql(COMMIT, &commit("main", &head, "images/a.yml", "a\n"));
    let oid = done["data"]["createCommitOnBranch"]["commit"]["oid"]
        .as_str()
        .unwrap();
    assert_eq!(fake.head("main"), oid);
    assert!(fake.is_verified(oid));
    let made = fake.commit(oid);
    assert_eq!(
        (made.message.as_str(), made.committer.name.as_str()),
        ("Add\n\nWhy", "GitHub")
    );
    assert_eq!(fake.files("main")["images/a.yml"], "a\n");
    let stale = api.graphql(COMMIT, &commit("main", &head, "images/a.yml", "b\n"));
    assert_eq!(stale["errors"][0]["type"], "STALE_DATA");
    assert!(stale["data"]["createCommitOnBranch"].is_null());
    assert_eq!(fake.head("main"), oid);
}

#[test]
fn a_commit_needs_the_right_to_write_and_no_workflow() {
    let fake = Fake::start();
    fake.token(Token::actions("weak").without("contents"));
    let head = fake.head("main");
    let refused = Api::with_token(&fake, "weak").graphql(COMMIT, &commit("main", &head, "a", "a"));
    assert_eq!(
        refused["errors"][0]["message"],
        "Resource not accessible by integration"
    );
    let refused = Api::of(&fake).graphql(
        COMMIT,
        &commit("main", &head, ".github/workflows/a.yml", "a"),
    );
    assert!(
        refused["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("workflows")
    );
    assert_eq!(fake.head("main"), head);
}

#[test]
fn references_move_all_or_none_and_only_from_what_was_seen() {
    let fake = Fake::start();
    let (ann, api) = (fake.person("ann"), Api::of(&fake));
    let main = fake.head("main");
    let one = ann.commit("topic", &[("a.yml", "one\n")], "One");
    let number = api.open("topic", "A topic");
    let other = ann.commit("scratch", &[("a.yml", "two\n")], "Two");
    let id = api.get("").expect(200)["node_id"].clone();
    let update = |updates: Value| {
        api.graphql(
            UPDATE,
            &json!({"input": {"repositoryId": id, "refUpdates": updates}}),
        )
    };
    let moved = |before: &str, force: bool| json!({"name": "refs/heads/topic", "beforeOid": before, "afterOid": other, "force": force});
    let delete = json!({"name": "refs/heads/scratch", "beforeOid": other, "afterOid": NOTHING});
    for refused in [
        json!([delete, moved(&main, true)]),
        json!([delete, moved(&one, false)]),
    ] {
        assert!(update(refused)["errors"][0]["message"].is_string());
        assert_eq!(fake.head("topic"), one);
        assert_eq!(fake.branches().len(), 3);
    }
    let done = update(json!([moved(&one, true), delete]));
    assert!(done["errors"].is_null(), "{done}");
    assert_eq!(fake.head("topic"), other);
    assert_eq!(fake.branches().len(), 2);
    let pull = fake.pull(number);
    assert!(
        pull.is_open && pull.head == other,
        "rebuilt in one step, it stays open"
    );
}

#[test]
fn merging_by_itself_is_refused_in_github_s_words() {
    let fake = Fake::start();
    let (ann, api) = (fake.person("ann"), Api::of(&fake));
    ann.commit("topic", &[("a.yml", "one\n")], "One");
    let number = api.open("topic", "A topic");
    let id = api.get(&format!("pulls/{number}")).expect(200)["node_id"].clone();
    let enable = || {
        api.graphql(
            AUTO,
            &json!({"input": {"pullRequestId": id, "mergeMethod": "MERGE"}}),
        )
    };
    let said = |answer: Value| answer["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(said(enable()).contains("Pull request is in clean status"));
    fake.checks(number, crate::forge::Checks::Failed);
    assert!(said(enable()).contains("Pull request is in unstable status"));
    fake.settings(|settings| settings.allow_auto_merge = false);
    assert_eq!(
        said(enable()),
        "Auto merge is not allowed for this repository"
    );
}

#[test]
fn many_texts_come_in_one_answer() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    let head = fake
        .person("ann")
        .commit("main", &[("a.yml", "ä\n")], "One");
    let listed = api
        .get(&format!("git/trees/{head}?recursive=1"))
        .expect(200);
    let oid = listed["tree"][1]["sha"].as_str().unwrap();
    let query = format!(
        "query {{ repository(owner: \"acme\", name: \"images\") {{ b0: object(oid: \"{oid}\") {{ ... on Blob {{ oid text isTruncated isBinary }} }} \
         b1: object(oid: \"{NOTHING}\") {{ ... on Blob {{ oid text }} }} }} }}"
    );
    let told = api.graphql(&query, &json!({}));
    let expected = json!({"b0": {"oid": oid, "text": "ä\n", "isTruncated": false, "isBinary": false}, "b1": null});
    assert_eq!(told["data"]["repository"], expected);
}

#[test]
fn what_the_schema_does_not_have_is_caught() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    let mut wrong = commit("main", &fake.head("main"), "a", "a");
    wrong["input"]["message"]["headlime"] = "Add".into();
    for (query, variables) in [
        (COMMIT, wrong),
        (COMMIT, json!({"input": {"expectedHeadOid": "1"}})),
        (COMMIT, json!({"inputs": {}})),
        ("query { viewer { logi } }", json!({})),
        ("query { viewer { login }", json!({})),
    ] {
        let told = api.graphql(query, &variables);
        assert!(told["errors"][0]["message"].is_string(), "{told}");
        let violations = std::mem::take(&mut fake.world().violations);
        assert_eq!(violations.len(), 1, "{query} {variables}");
    }
    assert_eq!(fake.files("main").len(), 1);
}

#[test]
fn a_server_may_have_no_graphql() {
    let fake = Fake::start();
    fake.settings(|settings| settings.has_graphql = false);
    Api::of(&fake)
        .post("/graphql", &json!({"query": "query { viewer { login } }"}))
        .expect(404);
}
