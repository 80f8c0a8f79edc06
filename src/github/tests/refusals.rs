//! What refusals mean, in GitHub's own words.

use super::*;
use crate::domain::forge::{Created, MergeMethod, NewFile, NewPullRequest};

fn new() -> NewPullRequest<'static> {
    NewPullRequest {
        title: "t",
        body: "b",
        branch: "reglaze/x",
        base: "main",
        is_draft: false,
    }
}

/// What opening a pull request comes to if GitHub answers so.
async fn opening(status: u16, body: Value) -> GithubError {
    let server = Server::start(move |_, _| answer(status, &[], body.to_string())).await;
    server
        .repository()
        .await
        .open_pull_request(new())
        .await
        .unwrap_err()
}

#[tokio::test]
async fn refusals_are_told_apart_by_what_can_be_done() {
    let error = opening(
        403,
        json!({"message": "GitHub Actions is not permitted to create or approve pull requests."}),
    )
    .await;
    assert!(
        matches!(error, GithubError::NotPermittedToCreatePullRequests { .. }),
        "{error}"
    );
    let failed = |message: &str| json!({"message": "Validation Failed", "errors": [{"resource": "PullRequest", "code": "custom", "message": message}]});
    let error = opening(
        422,
        failed("A pull request already exists for acme:reglaze/x."),
    )
    .await;
    assert!(matches!(error, GithubError::Exists { .. }), "{error}");
    let error = opening(
        422,
        failed("body is too long (maximum is 65536 characters)"),
    )
    .await;
    assert!(matches!(error, GithubError::TooLong { .. }), "{error}");
    let error = opening(422, failed("No commits between main and `reglaze/x`")).await;
    assert_eq!(
        error.to_string(),
        "could not open a pull request for the branch `reglaze/x`: GitHub answered 422: \
         `Validation Failed: No commits between main and reglaze/x`"
    );
    let error = opening(
        403,
        json!({"message": "Repository was archived so is read-only."}),
    )
    .await;
    assert!(
        matches!(error, GithubError::Refused { status: 403, .. }),
        "{error}"
    );
    let error = opening(404, json!({"message": "Not Found"})).await;
    assert!(
        error.is_not_found() && error.to_string().contains("`pull-requests: write`"),
        "{error}"
    );
}

#[tokio::test]
async fn rubbish_is_told_with_the_call_that_it_answered() {
    let server = Server::start(|asked, _| match asked.method {
        Method::GET => answer(200, &[], "<html>Sign in to the Wi-Fi</html>"),
        _ => answer(200, &[], "[]"),
    })
    .await;
    let repository = server.repository().await;
    let error = repository.about().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "could not ask for the repository `acme/catalogue`: `{}` answered something that is no JSON; \
             expected the JSON of GitHub's API; check `GITHUB_API_URL`",
            server.address
        )
    );
    let error = repository.open_pull_request(new()).await.unwrap_err();
    assert!(matches!(error, GithubError::Unclear { .. }), "{error}");
}

#[tokio::test]
async fn a_branch_that_is_there_already_stays() {
    let server = Server::start(|_, _| refused(422, "Reference already exists")).await;
    let created = server
        .repository()
        .await
        .create_branch("reglaze/x", "c1")
        .await;
    assert_eq!(created.unwrap(), Created::Exists);
    assert_eq!(
        server.asked()[0].body,
        json!({"ref": "refs/heads/reglaze/x", "sha": "c1"})
    );
}

#[tokio::test]
async fn a_branch_that_has_moved_is_told_apart_whatever_the_words() {
    for errors in [
        json!([{"type": "STALE_DATA", "message": "Expected branch to point to \"c1\" but it did not."}]),
        json!([{"type": "UNPROCESSABLE", "message": "some new words"}]),
        json!([{"message": "no type at all"}]),
    ] {
        let server = Server::start(move |asked, _| match asked.target.as_str() {
            "/graphql" => ok(&json!({"data": null, "errors": errors})),
            "/repos/acme/catalogue" => ok(&about()),
            _ => ok(&json!({"ref": "refs/heads/reglaze/x", "object": {"sha": "c9"}})),
        })
        .await;
        let repository = server.repository().await;
        let file = NewFile {
            path: "images/a.yml".to_owned(),
            text: "a: b\n".to_owned(),
        };
        for error in [
            repository
                .commit("reglaze/x", "c1", &[file], "h", "")
                .await
                .unwrap_err(),
            repository
                .move_branch("reglaze/x", "c1", "c2")
                .await
                .unwrap_err(),
            repository
                .delete_branch("reglaze/x", "c1")
                .await
                .unwrap_err(),
        ] {
            assert!(matches!(error, GithubError::Moved { .. }), "{error}");
        }
        // Still where it was seen: something else is wrong.
        let error = repository
            .move_branch("reglaze/x", "c9", "c2")
            .await
            .unwrap_err();
        let is_stale = matches!(error, GithubError::Moved { .. });
        assert!(
            is_stale || matches!(error, GithubError::Refused { .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn changes_by_graphql_say_what_was_seen() {
    let server = Server::start(|asked, _| {
        let query = asked.body["query"].as_str().unwrap_or_default();
        if asked.method == Method::GET {
            return ok(&about());
        }
        let payload = json!({"commit": {"oid": "c2"}});
        let name = if query.contains("createCommitOnBranch(") {
            "createCommitOnBranch"
        } else {
            "updateRefs"
        };
        ok(&json!({"data": {name: payload}, "errors": null}))
    })
    .await;
    let repository = server.repository().await;
    let file = NewFile {
        path: "images/a.yml".to_owned(),
        text: "a: b\n".to_owned(),
    };
    let made = repository
        .commit("reglaze/x", "c1", &[file], "Add", "Body")
        .await
        .unwrap();
    assert_eq!(made, "c2");
    repository.delete_branch("scratch", "c2").await.unwrap();
    let asked = server.asked();
    assert!(asked[0].headers.contains_key("content-length"));
    assert_eq!(
        asked[0].body["variables"]["input"],
        json!({
            "branch": {"repositoryNameWithOwner": "acme/catalogue", "branchName": "reglaze/x"},
            "expectedHeadOid": "c1",
            "message": {"headline": "Add", "body": "Body"},
            "fileChanges": {"additions": [{"path": "images/a.yml", "contents": "YTogYgo="}]},
        })
    );
    assert_eq!(
        asked.last().unwrap().body["variables"]["input"],
        json!({"repositoryId": "R_1", "refUpdates": [{
            "name": "refs/heads/scratch", "beforeOid": "c2", "afterOid": "0".repeat(40), "force": true,
        }]})
    );
}

#[tokio::test]
async fn a_server_without_graphql_is_known_by_its_answer() {
    for status in [404, 405, 501] {
        let server = Server::start(move |asked, _| match asked.method {
            Method::GET => ok(&about()),
            _ => answer(status, &[], "<html><h1>404</h1> page not found</html>"),
        })
        .await;
        let error = server
            .repository()
            .await
            .move_branch("b", "c1", "c2")
            .await
            .unwrap_err();
        assert!(matches!(error, GithubError::NoGraphql { .. }), "{error}");
        assert!(error.to_string().contains("404 page not found"), "{error}");
    }
}

#[tokio::test]
async fn merges_say_why_they_are_not_done() {
    let merging = async |status, message: &'static str| {
        let server = Server::start(move |_, _| refused(status, message)).await;
        let repository = server.repository().await;
        repository
            .merge(3, "c1", MergeMethod::Squash)
            .await
            .unwrap_err()
    };
    let error = merging(405, "Pull Request is not mergeable").await;
    assert!(matches!(error, GithubError::NotMergeable { .. }), "{error}");
    let error = merging(
        409,
        "Head branch was modified. Review and try the merge again.",
    )
    .await;
    assert!(matches!(error, GithubError::Moved { .. }), "{error}");

    let enabling = async |message: &'static str| {
        let errors = json!([{"type": "UNPROCESSABLE", "message": message}]);
        let server = Server::start(move |_, _| ok(&json!({"errors": errors}))).await;
        let repository = server.repository().await;
        repository
            .enable_auto_merge("PR_1", MergeMethod::Merge, "c1")
            .await
            .unwrap_err()
    };
    let error = enabling("Pull request Pull request is in clean status").await;
    assert!(matches!(error, GithubError::CleanStatus { .. }), "{error}");
    let error = enabling("Pull request Pull request is in unstable status").await;
    assert!(
        matches!(error, GithubError::UnstableStatus { .. }),
        "{error}"
    );
    let error = enabling("Auto merge is not allowed for this repository").await;
    assert!(
        matches!(error, GithubError::AutoMergeNotAllowed { .. }),
        "{error}"
    );
}
