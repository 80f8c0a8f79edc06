//! Lists to their last page, and files by many at once.

use super::*;
use crate::domain::forge::blob;

fn pull_request(number: u64, branch: &str) -> Value {
    let repo = json!({"full_name": "acme/catalogue"});
    json!({
        "number": number, "node_id": "PR_1", "html_url": "u", "title": "t", "body": null, "state": "closed",
        "merged_at": "2026-01-01T00:00:00Z", "merge_commit_sha": "c0", "user": null, "auto_merge": null,
        "head": {"ref": branch, "sha": "h", "repo": repo}, "base": {"ref": "main", "sha": "b", "repo": repo},
    })
}

#[tokio::test]
async fn a_list_is_read_to_its_last_page() {
    let server = Server::start(|asked, before| {
        let page = Value::Array(vec![pull_request(before as u64, "reglaze/x")]);
        let next = format!(
            "<http://{}/next?page={}>; rel=\"next\"",
            asked.headers["host"].to_str().unwrap(),
            before + 2
        );
        let headers = [("link", next.as_str())];
        answer(
            200,
            if before < 2 { &headers } else { &[] },
            page.to_string(),
        )
    })
    .await;
    let repository = server.repository().await;
    let found = repository.closed_pull_requests("reglaze/x").await.unwrap();
    assert_eq!(
        found.iter().map(|one| one.number).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert!(
        found[0].is_merged
            && !found[0].is_open
            && !found[0].is_from_fork
            && !found[0].merges_itself
    );
    assert_eq!(
        (found[0].author.as_str(), found[0].merge_commit.as_deref()),
        ("ghost", Some("c0"))
    );
    assert_eq!(
        server.lines(),
        [
            "GET /repos/acme/catalogue/pulls?state=closed&head=acme%3Areglaze%2Fx&per_page=100&sort=updated&direction=desc",
            "GET /next?page=2",
            "GET /next?page=3",
        ]
    );
}

#[tokio::test]
async fn a_list_that_names_itself_as_its_next_page_ends() {
    let server = Server::start(|asked, _| {
        let next = format!("<{}>; rel=\"next\"", asked.target);
        answer(200, &[("link", &next)], "[]")
    })
    .await;
    assert!(
        server
            .repository()
            .await
            .comments(3)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        server.lines(),
        ["GET /repos/acme/catalogue/issues/3/comments?per_page=100"]
    );
}

#[tokio::test]
async fn names_are_escaped_where_they_are_steps_of_a_path() {
    let server = Server::start(|_, _| answer(200, &[], "[]")).await;
    let repository = server.repository().await;
    repository.branches("reglaze/").await.unwrap();
    repository.branches("a b/%2e#?").await.unwrap();
    repository.issues("needs eyes&state=all").await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /repos/acme/catalogue/git/matching-refs/heads/reglaze/",
            "GET /repos/acme/catalogue/git/matching-refs/heads/a%20b/%252e%23%3F",
            "GET /repos/acme/catalogue/issues?state=open&per_page=100&labels=needs+eyes%26state%3Dall",
        ]
    );
}

#[tokio::test]
async fn pull_requests_are_no_issues() {
    let server = Server::start(|_, _| {
        let issue = json!({"number": 1, "html_url": "u", "title": "t", "state": "open"});
        let mut pull_request = issue.clone();
        pull_request["pull_request"] = json!({});
        ok(&json!([issue, pull_request]))
    })
    .await;
    assert_eq!(
        server.repository().await.issues("x").await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_list_of_files_that_is_cut_is_an_error() {
    let server = Server::start(|asked, _| {
        let is_cut = asked.target.contains("big");
        let file = json!({"path": "a/b.yml", "mode": "100644", "type": "blob", "sha": "1"});
        let folder = json!({"path": "a", "mode": "040000", "type": "tree", "sha": "2"});
        ok(&json!({"tree": [folder, file], "truncated": is_cut}))
    })
    .await;
    let repository = server.repository().await;
    let files = repository.files("small").await.unwrap();
    assert_eq!((files.len(), files[0].path.as_str()), (1, "a/b.yml"));
    assert!(matches!(
        repository.files("big").await,
        Err(GithubError::TooManyFiles { .. })
    ));
}

/// A server with three contents; GraphQL gives one of them whole, one cut, one as binary.
async fn contents(has_graphql: bool) -> (Server, Vec<String>) {
    let texts = ["whole\n", "cut in the middle\n", "odd\n"];
    let ids: Vec<_> = texts.iter().map(|text| blob(text.as_bytes())).collect();
    let known = ids.clone();
    let server = Server::start(move |asked, _| {
        let text_of = |id: &str| texts[known.iter().position(|one| one == id).unwrap()];
        if let Some(id) = asked
            .target
            .strip_prefix("/repos/acme/catalogue/git/blobs/")
        {
            use base64::Engine as _;
            let mut content = base64::prelude::BASE64_STANDARD.encode(text_of(id));
            content.insert(2, '\n');
            return ok(&json!({"content": content, "encoding": "base64", "sha": id}));
        }
        if !has_graphql {
            return answer(501, &[], "<h1>Not implemented</h1>");
        }
        let variables = asked.body["variables"].as_object().unwrap();
        let objects = variables
            .iter()
            .filter(|(name, _)| name.starts_with('b'))
            .map(|(name, id)| {
                let text = match text_of(id.as_str().unwrap()) {
                    "odd\n" => Value::Null,
                    text => json!(text.replace(" in the middle", "")),
                };
                (
                    name.clone(),
                    json!({"oid": id, "text": text, "isTruncated": false, "isBinary": false}),
                )
            });
        let objects = Value::Object(objects.collect());
        ok(&json!({"data": {"repository": objects}}))
    })
    .await;
    (server, ids)
}

#[tokio::test]
async fn a_text_counts_only_if_it_is_what_its_name_says() {
    let (server, ids) = contents(true).await;
    let texts = server.repository().await.texts(&ids).await.unwrap();
    assert_eq!(texts[&ids[1]], "cut in the middle\n");
    assert_eq!(texts.len(), 3);
    assert_eq!(
        server.lines().len(),
        3,
        "one query, and two that it did not give"
    );
}

#[tokio::test]
async fn texts_come_one_by_one_where_there_is_no_graphql() {
    let (server, ids) = contents(false).await;
    let texts = server.repository().await.texts(&ids).await.unwrap();
    assert_eq!(texts[&ids[0]], "whole\n");
    assert_eq!(server.lines().len(), 4);
}
