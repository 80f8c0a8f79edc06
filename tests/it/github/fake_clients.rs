//! Other authors' clients read from the fake what was written to it.

use serde_json::{Value, json};

use super::api::Api;
use super::readers::{self, Gh};
use crate::forge::{Fake, Token};

/// A pull request with everything, made by REST.
fn with_pull() -> (Fake, u64) {
    let fake = Fake::start();
    fake.token(Token::user("pat", "ann"));
    let (ann, api) = (fake.person("ann"), Api::of(&fake));
    ann.commit("reglaze/ubuntu", &[("images/ubuntu.yml", "one\n")], "One");
    let number = api.open("reglaze/ubuntu", "Ubuntu 24.04: 1 → 2");
    api.patch(
        &format!("issues/{number}"),
        &json!({"labels": ["images"], "assignees": ["ann"]}),
    )
    .expect(200);
    api.post(
        &format!("issues/{number}/comments"),
        &json!({"body": "a comment"}),
    )
    .expect(201);
    ann.review(number, "APPROVED", "good");
    (fake, number)
}

#[test]
fn pygithub_reads_a_pull_request() {
    let (fake, number) = with_pull();
    let script = r#"
import json, sys, github
url, number = sys.argv[1], int(sys.argv[2])
repository = github.Github(base_url=url, auth=github.Auth.Token("pat")).get_repo("acme/images")
pull = repository.get_pull(number)
print(json.dumps({
    "title": pull.title, "state": pull.state, "head": pull.head.ref, "author": pull.user.login,
    "labels": [label.name for label in pull.labels], "assignees": [one.login for one in pull.assignees],
    "files": [file.filename for file in pull.get_files()], "commits": [one.commit.message for one in pull.get_commits()],
    "comments": [one.body for one in pull.get_issue_comments()],
    "listed": [one.number for one in repository.get_pulls(state="open", head="acme:reglaze/ubuntu")],
    "branch": repository.get_git_ref("heads/reglaze/ubuntu").object.sha,
}))
"#;
    let read = readers::pygithub(&fake, script, number);
    let expected = json!({
        "title": "Ubuntu 24.04: 1 → 2", "state": "open", "head": "reglaze/ubuntu", "author": "reglaze[bot]",
        "labels": ["images"], "assignees": ["ann"], "files": ["images/ubuntu.yml"], "commits": ["One"],
        "comments": ["a comment"], "listed": [number], "branch": fake.head("reglaze/ubuntu"),
    });
    assert_eq!(read, expected);
}

#[test]
fn gh_reads_a_pull_request() {
    let (fake, number) = with_pull();
    let gh = Gh::of(&fake);
    let told: Value =
        serde_json::from_str(&gh.run(&["api", &format!("repos/acme/images/pulls/{number}")]))
            .unwrap();
    assert_eq!(told["title"], "Ubuntu 24.04: 1 → 2");
    let fields = "number,title,state,headRefName,baseRefName,author,labels,assignees,isDraft,url,body,comments,reviews,files,commits,mergeable";
    let listed: Value = serde_json::from_str(&gh.run(&[
        "pr",
        "list",
        "-R",
        "acme/images",
        "--json",
        "number,title,headRefName",
    ]))
    .unwrap();
    assert_eq!(
        listed,
        json!([{"number": number, "title": "Ubuntu 24.04: 1 → 2", "headRefName": "reglaze/ubuntu"}])
    );
    let view = gh.run(&[
        "pr",
        "view",
        &number.to_string(),
        "-R",
        "acme/images",
        "--json",
        fields,
    ]);
    let view: Value = serde_json::from_str(&view).unwrap();
    assert_eq!(
        (&view["author"]["login"], &view["labels"][0]["name"]),
        (&json!("app/reglaze"), &json!("images"))
    );
    assert_eq!(
        (&view["comments"][0]["body"], &view["reviews"][0]["state"]),
        (&json!("a comment"), &json!("APPROVED"))
    );
    assert_eq!(
        (&view["files"][0]["path"], &view["mergeable"]),
        (&json!("images/ubuntu.yml"), &json!("MERGEABLE"))
    );
}
