//! The fake's pull requests.

use serde_json::json;

use super::api::Api;
use crate::forge::{Checks, Fake};

/// A fake with a branch `topic` that changes a file, and its pull request.
fn with_pull() -> (Fake, u64) {
    let fake = Fake::start();
    fake.person("ann")
        .commit("topic", &[("a.yml", "one\n")], "One");
    let number = Api::of(&fake).open("topic", "A topic");
    (fake, number)
}

#[test]
fn a_pair_of_branches_has_one_open_pull_request() {
    let (fake, number) = with_pull();
    let api = Api::of(&fake);
    let again = json!({"title": "again", "head": "topic", "base": "main"});
    assert_eq!(
        api.post("pulls", &again).refusal(422),
        "Validation Failed custom A pull request already exists for acme:topic."
    );
    api.patch(&format!("pulls/{number}"), &json!({"state": "closed"}))
        .expect(200);
    assert_eq!(api.post("pulls", &again).expect(201)["number"], number + 1);
    let head = "pulls?state=closed&head=acme:topic&sort=updated&direction=desc";
    assert_eq!(api.get(head).expect(200)[0]["number"], number);
}

#[test]
fn what_cannot_be_opened_says_why() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    let open = |head: &str, base: &str| {
        api.post("pulls", &json!({"title": "t", "head": head, "base": base}))
            .refusal(422)
    };
    fake.person("ann").push("same", &fake.head("main"));
    assert_eq!(
        open("same", "main"),
        "Validation Failed custom No commits between main and same"
    );
    assert_eq!(open("none", "main"), "Validation Failed head invalid");
    assert_eq!(open("same", "none"), "Validation Failed base invalid");
    let long = json!({"title": "t", "head": "same", "base": "main", "body": "x".repeat(65_537)});
    assert!(
        api.post("pulls", &long)
            .refusal(422)
            .contains("body is too long (maximum is 65536 characters)")
    );
    let long = json!({"title": "t".repeat(257), "head": "same", "base": "main"});
    assert!(
        api.post("pulls", &long)
            .refusal(422)
            .contains("title is too long")
    );
}

#[test]
fn its_head_follows_the_branch_while_it_is_open() {
    let (fake, number) = with_pull();
    let ann = fake.person("ann");
    let second = ann.commit("topic", &[("a.yml", "two\n")], "Two");
    assert_eq!(fake.pull(number).head, second);
    ann.close(number);
    ann.commit("topic", &[("a.yml", "three\n")], "Three");
    assert_eq!(fake.pull(number).head, second);
    ann.reopen(number);
    assert_eq!(fake.pull(number).head, fake.head("topic"));
}

#[test]
fn one_whose_head_is_its_base_for_an_instant_is_closed_for_good() {
    let (fake, number) = with_pull();
    let (ann, api) = (fake.person("ann"), Api::of(&fake));
    let head = fake.head("topic");
    ann.push("topic", &fake.head("main"));
    ann.push("topic", &head);
    assert!(!fake.pull(number).is_open);
    let refusal = api
        .patch(&format!("pulls/{number}"), &json!({"state": "open"}))
        .refusal(422);
    assert!(refusal.contains("force-pushed or recreated"), "{refusal}");
}

#[test]
fn deleting_its_branch_closes_it() {
    let (fake, number) = with_pull();
    Api::of(&fake).delete("git/refs/heads/topic").expect(204);
    assert!(!fake.pull(number).is_open);
    assert_eq!(fake.pull(number).closed_by.as_deref(), Some("reglaze[bot]"));
}

#[test]
fn whether_it_can_be_merged_is_not_known_at_once() {
    let (fake, number) = with_pull();
    let api = Api::of(&fake);
    let one = format!("pulls/{number}");
    assert!(api.get(&one).expect(200)["mergeable"].is_null());
    let second = api.get(&one).expect(200);
    assert_eq!(
        (&second["mergeable"], &second["mergeable_state"]),
        (&json!(true), &json!("clean"))
    );
    fake.person("ann")
        .commit("main", &[("a.yml", "other\n")], "In the way");
    api.get(&one).expect(200);
    assert_eq!(api.get(&one).expect(200)["mergeable_state"], "dirty");
    api.put(&format!("{one}/merge"), &json!({})).expect(405);
}

#[test]
fn it_is_merged_in_three_ways() {
    for method in ["merge", "squash", "rebase"] {
        let (fake, number) = with_pull();
        let (ann, api) = (fake.person("ann"), Api::of(&fake));
        ann.commit("main", &[("b.yml", "beside\n")], "Beside");
        let base = fake.head("main");
        let merge = format!("pulls/{number}/merge");
        api.put(&merge, &json!({"sha": base, "merge_method": method}))
            .expect(409);
        let head = fake.head("topic");
        let done = api
            .put(&merge, &json!({"sha": head, "merge_method": method}))
            .expect(200);
        let commit = fake.commit("main");
        assert_eq!(done["sha"], commit.oid);
        assert_eq!(commit.parents[0], base);
        assert_eq!(commit.parents.len(), if method == "merge" { 2 } else { 1 });
        assert_eq!(fake.files("main").len(), 3);
        let pull = fake.pull(number);
        assert!(pull.is_merged && !pull.is_open);
        assert_eq!(pull.merge_commit, Some(commit.oid.clone()));
        let of_commit = api
            .get(&format!("commits/{}/pulls", commit.oid))
            .expect(200);
        assert_eq!(of_commit[0]["number"], number);
        api.put(&merge, &json!({})).expect(405);
    }
}

#[test]
fn update_branch_is_a_merge_by_the_person_that_github_commits() {
    let (fake, number) = with_pull();
    let ann = fake.person("ann");
    ann.commit("main", &[("b.yml", "beside\n")], "Beside");
    ann.update_branch(number);
    let found = Api::of(&fake).get("compare/main...topic").expect(200);
    let last = &found["commits"][1];
    assert_eq!(
        (&last["author"]["login"], &last["committer"]["login"]),
        (&json!("ann"), &json!("web-flow"))
    );
    assert_eq!(last["parents"].as_array().unwrap().len(), 2);
    assert_eq!(last["commit"]["message"], "Merge branch 'main' into topic");
    assert_eq!(found["behind_by"], 0);
}

#[test]
fn one_from_a_fork_says_so() {
    let fake = Fake::start();
    let eve = fake.person("eve");
    eve.commit_to_fork("topic", &[("a.yml", "one\n")], "One");
    let number = eve.open_pull("eve:topic", "main", "From outside", "text");
    let pull = Api::of(&fake).get(&format!("pulls/{number}")).expect(200);
    assert_eq!(pull["head"]["repo"]["full_name"], "eve/images");
    assert_eq!(pull["head"]["label"], "eve:topic");
    assert_eq!(fake.branches().len(), 1);
}

#[test]
fn reviews_are_asked_of_collaborators_only() {
    let (fake, number) = with_pull();
    let api = Api::of(&fake);
    let ask = format!("pulls/{number}/requested_reviewers");
    let refusal = api
        .post(&ask, &json!({"reviewers": ["nobody"]}))
        .refusal(422);
    assert!(refusal.contains("collaborators"), "{refusal}");
    fake.add_team("images");
    api.post(
        &ask,
        &json!({"reviewers": ["ann"], "team_reviewers": ["images"]}),
    )
    .expect(201);
    assert_eq!(
        (fake.pull(number).reviewers, fake.pull(number).teams),
        (vec!["ann".to_owned()], vec!["images".to_owned()])
    );
}

#[test]
fn what_is_to_merge_itself_does_so_when_its_checks_pass() {
    let (fake, number) = with_pull();
    fake.settings(|settings| settings.needs_checks = true);
    let id = Api::of(&fake).get(&format!("pulls/{number}")).expect(200)["node_id"].clone();
    let done = Api::of(&fake).graphql(
        "mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: SQUASH}) { pullRequest { id } } }",
        &json!({"id": id}),
    );
    assert!(done["errors"].is_null(), "{done}");
    assert_eq!(fake.pull(number).auto_merge.as_deref(), Some("squash"));
    fake.checks(number, Checks::Passed);
    assert!(fake.pull(number).is_merged);
}
