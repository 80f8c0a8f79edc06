//! Where the token goes, and where answers may come from.

use super::*;

#[tokio::test]
async fn the_token_does_not_follow_to_where_an_artifact_lies() {
    let storage = Server::start(|_, _| answer(200, &[], "PK archive")).await;
    let to = format!("http://{}/signed?sig=abc", storage.address);
    let server = Server::start(move |_, _| answer(302, &[("location", &to)], "")).await;
    let repository = server.repository().await;
    assert_eq!(repository.artifact(5, 100).await.unwrap(), b"PK archive");
    let asked = server.asked();
    assert_eq!(
        asked[0].target,
        "/repos/acme/catalogue/actions/artifacts/5/zip"
    );
    assert_eq!(asked[0].headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(asked[0].headers["x-github-api-version"], "2022-11-28");
    assert_eq!(asked[0].headers["accept"], "application/vnd.github+json");
    let agents: Vec<_> = asked[0].headers.get_all("user-agent").iter().collect();
    assert_eq!(agents, [concat!("reglaze/", env!("CARGO_PKG_VERSION"))]);
    let seen = format!("{:?}", storage.asked());
    assert!(seen.contains("/signed?sig=abc"), "{seen}");
    assert!(
        !seen.contains(TOKEN) && !seen.contains("authorization"),
        "{seen}"
    );

    let error = repository.artifact(5, 4).await.unwrap_err();
    assert!(
        matches!(error, GithubError::TooLarge { limit: 4, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_else_may_come_from_another_host() {
    let other = Server::start(|_, _| ok(&about())).await;
    let to = format!("http://{}/repos/acme/catalogue", other.address);
    let link = format!("<{to}>; rel=\"next\"");
    let server = Server::start(move |asked, _| {
        if asked.target.contains("pulls") {
            answer(200, &[("link", &link)], "[]")
        } else {
            answer(301, &[("location", &to)], "")
        }
    })
    .await;
    let repository = server.repository().await;
    for error in [
        repository.about().await.unwrap_err(),
        repository.open_pull_requests().await.unwrap_err(),
    ] {
        assert!(
            matches!(error, GithubError::LeadsElsewhere { .. }),
            "{error}"
        );
    }
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn a_repository_that_was_renamed_is_found_for_questions_and_changes() {
    let server = Server::start(|asked, _| match asked.target.as_str() {
        "/repos/acme/catalogue" => answer(301, &[("location", "/repositories/9")], ""),
        "/repos/acme/catalogue/issues" => {
            answer(307, &[("location", "/repositories/9/issues")], "")
        }
        "/repos/acme/catalogue/pulls" => answer(302, &[("location", "/repositories/9/pulls")], ""),
        "/repositories/9" => ok(&about()),
        _ => ok(
            &json!({"number": 1, "html_url": "u", "title": asked.body["title"], "state": "open"}),
        ),
    })
    .await;
    let repository = server.repository().await;
    assert_eq!(repository.about().await.unwrap().default_branch, "main");
    let issue = repository.create_issue("a title", "", &[]).await.unwrap();
    assert_eq!(issue.title, "a title");
    let asked = server.asked();
    assert!(
        asked
            .iter()
            .all(|one| one.headers["authorization"] == format!("Bearer {TOKEN}"))
    );
    // What would become a question on its way is not followed.
    let new = crate::domain::forge::NewPullRequest {
        title: "",
        body: "",
        branch: "b",
        base: "main",
        is_draft: false,
    };
    let error = repository.open_pull_request(new).await.unwrap_err();
    assert!(
        matches!(error, GithubError::Refused { status: 302, .. }),
        "{error}"
    );
    assert_eq!(
        server.lines().last().unwrap(),
        "POST /repos/acme/catalogue/pulls"
    );
}

#[tokio::test]
async fn redirects_without_end_end() {
    let server = Server::start(|asked, before| {
        answer(
            302,
            &[("location", &format!("{}x{before}", asked.target))],
            "",
        )
    })
    .await;
    let error = server.repository().await.about().await.unwrap_err();
    assert!(matches!(error, GithubError::Malformed { .. }), "{error}");
    assert_eq!(server.lines().len(), 6);
}

#[tokio::test]
async fn no_error_tells_the_token_and_neither_does_the_client() {
    let server = Server::start(|asked, _| {
        let told = asked.headers["authorization"].to_str().unwrap().to_owned();
        refused(401, &told.replace(TOKEN, "…"))
    })
    .await;
    let repository = server.repository().await;
    let error = repository.about().await.unwrap_err();
    assert!(matches!(error, GithubError::Unauthorized { .. }), "{error}");
    assert!(!format!("{repository:?} {error:?}").contains(TOKEN));
    let secrets = repository.secrets();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&secrets[0]), TOKEN);
}

#[tokio::test]
async fn the_login_is_asked_for_by_whoever_can_be_asked() {
    let server = Server::start(|asked, _| match asked.target.as_str() {
        "/user" => ok(&json!({"login": "ada"})),
        "/graphql" => ok(&json!({"data": {"viewer": {"login": "our-app[bot]"}}})),
        _ => refused(404, "Not Found"),
    })
    .await;
    let plain = Server::start(|_, _| refused(404, "Not Found")).await;
    let login = async |server: &Server, token: &str| {
        let credentials = Credentials::token(token, true).unwrap();
        let connected = Repository::connect(server.place(), credentials, quick()).await;
        connected.unwrap().login().await.unwrap()
    };
    assert_eq!(login(&server, TOKEN).await, "ada");
    assert_eq!(login(&server, "ghs_1").await, "our-app[bot]");
    assert_eq!(login(&plain, "ghs_1").await, "github-actions[bot]");
}
