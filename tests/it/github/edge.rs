//! The edge to GitHub (`src/github/`) by itself, against the fake: every call, with GraphQL and without.

use std::collections::BTreeMap;
use std::time::Duration;

use reglaze::domain::forge::{Created, Dress, Edit, MergeMethod, NewFile, NewPullRequest};
use reglaze::github::{Credentials, GithubError, Patience, Place, Repository};

use crate::forge::fake::TOKEN;
use crate::forge::{Access, App, Checks, Fake, Token};

async fn connected(fake: &Fake, token: &[(&str, &str)]) -> Result<Repository, GithubError> {
    let (url, graphql, name) = (fake.url(), fake.graphql_url(), fake.full_name());
    let place = [
        ("GITHUB_REPOSITORY", name.as_str()),
        ("GITHUB_API_URL", &url),
        ("GITHUB_GRAPHQL_URL", &graphql),
    ];
    let environment: BTreeMap<_, _> = place
        .iter()
        .chain(token)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let patience = Patience {
        between_writes: Duration::ZERO,
        in_all: Duration::from_secs(5),
        answer: Duration::from_secs(10),
    };
    Repository::connect(
        Place::from_environment(&environment).unwrap(),
        Credentials::from_environment(&environment).unwrap(),
        patience,
    )
    .await
}

async fn repository(fake: &Fake) -> Repository {
    connected(fake, &[("GITHUB_TOKEN", TOKEN)]).await.unwrap()
}

fn file(text: &str) -> [NewFile; 1] {
    [NewFile {
        path: "images/a.yml".to_owned(),
        text: text.to_owned(),
    }]
}

fn new(branch: &str) -> NewPullRequest<'_> {
    NewPullRequest {
        title: "Debian 13",
        body: "A body",
        branch,
        base: "main",
        is_draft: false,
    }
}

#[tokio::test]
async fn a_branch_is_committed_to_moved_and_deleted_only_from_where_it_was_seen() {
    let fake = Fake::start();
    let repository = repository(&fake).await;
    let about = repository.about().await.unwrap();
    assert_eq!(
        (about.full_name, about.default_branch),
        (fake.full_name(), "main".to_owned())
    );
    let main = repository.head("main").await.unwrap().unwrap();
    assert_eq!(main.commit, fake.head("main"));
    assert_eq!(repository.head("none").await.unwrap(), None);

    let create = async || {
        repository
            .create_branch("reglaze/a", &main.commit)
            .await
            .unwrap()
    };
    assert_eq!(
        (create().await, create().await),
        (Created::Done, Created::Exists)
    );
    let commit = async |text: &'static str, seen: &str| {
        repository
            .commit("reglaze/a", seen, &file(text), "Headline", "Body")
            .await
    };
    let first = commit("one\n", &main.commit).await.unwrap();
    assert_eq!(fake.head("reglaze/a"), first);
    assert!(fake.is_verified(&first));
    let stale = commit("two\n", &main.commit).await.unwrap_err();
    assert!(matches!(stale, GithubError::Moved { .. }), "{stale}");

    let files = repository
        .files(&repository.tree(&first).await.unwrap())
        .await
        .unwrap();
    let blobs: Vec<_> = files.iter().map(|file| file.blob.clone()).collect();
    let texts = repository.texts(&blobs).await.unwrap();
    assert!(texts.values().any(|text| text == "one\n") && texts.len() == 2);
    let compared = repository.compare("main", "reglaze/a").await.unwrap();
    assert_eq!(
        (
            compared.behind,
            compared.commits.len(),
            compared.files.len()
        ),
        (0, 1, 1)
    );
    assert!(compared.is_whole && compared.merge_base == main.commit);

    let moved = repository
        .move_branch("reglaze/a", &main.commit, &main.commit)
        .await
        .unwrap_err();
    assert!(matches!(moved, GithubError::Moved { .. }), "{moved}");
    let second = commit("two\n", &first).await.unwrap();
    repository
        .move_branch("reglaze/a", &second, &first)
        .await
        .unwrap();
    assert_eq!(fake.head("reglaze/a"), first);
    let found = repository.branches("reglaze/").await.unwrap();
    assert_eq!((found.len(), found[0].name.as_str()), (1, "reglaze/a"));
    assert!(matches!(
        repository.delete_branch("reglaze/a", &second).await,
        Err(GithubError::Moved { .. })
    ));
    repository.delete_branch("reglaze/a", &first).await.unwrap();
    assert!(repository.branches("reglaze/").await.unwrap().is_empty());
    fake.assert_no_violations();
}

#[tokio::test]
async fn a_server_without_graphql_takes_a_commit_piece_by_piece() {
    let fake = Fake::start();
    fake.settings(|settings| settings.has_graphql = false);
    let repository = repository(&fake).await;
    let main = repository.head("main").await.unwrap().unwrap();
    repository
        .create_branch("reglaze/a", &main.commit)
        .await
        .unwrap();
    let refused = repository
        .commit("reglaze/a", &main.commit, &file("one\n"), "h", "")
        .await;
    assert!(
        matches!(refused, Err(GithubError::NoGraphql { .. })),
        "{refused:?}"
    );
    let made = repository
        .commit_by_git_data(
            std::slice::from_ref(&main.commit),
            &main.tree,
            &file("one\n"),
            "Add",
        )
        .await
        .unwrap();
    repository.forward_branch("reglaze/a", &made).await.unwrap();
    assert_eq!(fake.files("reglaze/a")["images/a.yml"], "one\n");
    let back = repository
        .forward_branch("reglaze/a", &main.commit)
        .await
        .unwrap_err();
    assert!(matches!(back, GithubError::Moved { .. }), "{back}");
    let files = repository
        .files(&repository.tree(&made).await.unwrap())
        .await
        .unwrap();
    let blobs: Vec<_> = files.iter().map(|file| file.blob.clone()).collect();
    assert_eq!(repository.texts(&blobs).await.unwrap().len(), 2);
    repository.delete_branch_by_rest("reglaze/a").await.unwrap();
    let gone = repository
        .delete_branch_by_rest("reglaze/a")
        .await
        .unwrap_err();
    assert!(gone.is_not_found(), "{gone}");
}

#[tokio::test]
async fn a_pull_request_is_opened_once_dressed_commented_and_merged() {
    let fake = Fake::start();
    fake.person("ann")
        .commit("reglaze/a", &[("images/a.yml", "one\n")], "One");
    fake.person("ann").new_milestone("Next");
    fake.add_team("reviewers");
    let repository = repository(&fake).await;
    let opened = repository
        .open_pull_request(new("reglaze/a"))
        .await
        .unwrap();
    assert!(opened.is_open && !opened.is_from_fork && opened.branch == "reglaze/a");
    assert_eq!(opened.author, repository.login().await.unwrap());
    let again = repository
        .open_pull_request(new("reglaze/a"))
        .await
        .unwrap_err();
    assert!(matches!(again, GithubError::Exists { .. }), "{again}");
    let number = opened.number;

    let labels = ["images".to_owned()];
    let dress = Dress {
        labels: Some(&labels),
        assignees: Some(&["ann".to_owned()]),
        milestone: repository.milestone("Next").await.unwrap(),
        body: None,
    };
    assert!(dress.milestone.is_some() && repository.milestone("Never").await.unwrap().is_none());
    repository.dress(number, dress).await.unwrap();
    repository
        .request_reviewers(number, &["ann".to_owned()], &["reviewers".to_owned()])
        .await
        .unwrap();
    let edit = Edit {
        title: Some("Debian 13 again"),
        ..Edit::default()
    };
    let edited = repository.edit_pull_request(number, edit).await.unwrap();
    assert_eq!(
        (edited.title.as_str(), edited.body.as_str()),
        ("Debian 13 again", "A body")
    );
    let long = "x".repeat(65_537);
    let edit = Edit {
        body: Some(&long),
        ..Edit::default()
    };
    let refused = repository
        .edit_pull_request(number, edit)
        .await
        .unwrap_err();
    assert!(matches!(refused, GithubError::TooLong { .. }), "{refused}");
    let comment = repository.comment(number, "first").await.unwrap();
    repository.edit_comment(comment.id, "second").await.unwrap();
    assert_eq!(repository.comments(number).await.unwrap()[0].body, "second");
    assert_eq!(
        repository.open_pull_requests().await.unwrap(),
        [repository.pull_request(number).await.unwrap()]
    );

    let stale = repository
        .merge(number, &fake.head("main"), MergeMethod::Squash)
        .await
        .unwrap_err();
    assert!(matches!(stale, GithubError::Moved { .. }), "{stale}");
    let merged = repository
        .merge(number, &opened.head, MergeMethod::Squash)
        .await
        .unwrap();
    assert_eq!(fake.head("main"), merged);
    let closed = repository.closed_pull_requests("reglaze/a").await.unwrap();
    assert!(closed[0].is_merged && closed[0].merge_commit.as_ref() == Some(&merged));
    assert_eq!(
        repository.pull_requests_of(&merged).await.unwrap()[0].number,
        number
    );
    fake.assert_no_violations();
}

#[tokio::test]
async fn a_pull_request_merges_itself_where_there_is_something_to_wait_for() {
    let fake = Fake::start();
    fake.person("ann")
        .commit("reglaze/a", &[("images/a.yml", "one\n")], "One");
    let repository = repository(&fake).await;
    let opened = repository
        .open_pull_request(new("reglaze/a"))
        .await
        .unwrap();
    let enable = async || {
        repository
            .enable_auto_merge(&opened.node_id, MergeMethod::Squash, &opened.head)
            .await
    };
    fake.settings(|settings| settings.allow_auto_merge = false);
    let refused = enable().await.unwrap_err();
    assert!(
        matches!(refused, GithubError::AutoMergeNotAllowed { .. }),
        "{refused}"
    );
    fake.settings(|settings| settings.allow_auto_merge = true);
    let refused = enable().await.unwrap_err();
    assert!(
        matches!(refused, GithubError::CleanStatus { .. }),
        "{refused}"
    );
    fake.settings(|settings| settings.needs_checks = true);
    fake.checks(opened.number, Checks::Pending);
    enable().await.unwrap();
    assert!(
        repository
            .pull_request(opened.number)
            .await
            .unwrap()
            .merges_itself
    );
    fake.assert_no_violations();
}

#[tokio::test]
async fn issues_and_artifacts_are_found() {
    let fake = Fake::start();
    let id = fake.artifact("plan", "main", &fake.head("main"), b"PK zip");
    let repository = repository(&fake).await;
    let found = repository.artifacts("plan").await.unwrap();
    assert_eq!((found.len(), found[0].id), (1, id));
    assert_eq!(repository.artifact(id, 1 << 20).await.unwrap(), b"PK zip");
    let labels = ["reglaze".to_owned()];
    let issue = repository
        .create_issue("Dashboard", "text", &labels)
        .await
        .unwrap();
    assert_eq!(
        repository.issues("reglaze").await.unwrap(),
        std::slice::from_ref(&issue)
    );
    let edit = Edit {
        is_open: Some(false),
        ..Edit::default()
    };
    assert!(
        !repository
            .edit_issue(issue.number, edit)
            .await
            .unwrap()
            .is_open
    );
    assert!(repository.issues("reglaze").await.unwrap().is_empty());
    // The storage says if a token came to it.
    fake.assert_no_violations();
}

#[tokio::test]
async fn an_app_logs_in_and_a_job_is_told_what_it_may_not() {
    let fake = Fake::start();
    let (app, key) = App::generate(7, "our-app");
    fake.app(app);
    let app = [
        ("REGLAZE_GITHUB_APP_ID", "7"),
        ("REGLAZE_GITHUB_APP_KEY", key.as_str()),
    ];
    let repository = connected(&fake, &app).await.unwrap();
    assert_eq!(repository.login().await.unwrap(), "our-app[bot]");
    assert!(repository.comments(1).await.unwrap_err().is_not_found());

    fake.token(Token::actions("ghs_job").only(&[("contents", Access::Write)]));
    fake.person("ann")
        .commit("reglaze/a", &[("images/a.yml", "one\n")], "One");
    let job = [("GITHUB_TOKEN", "ghs_job"), ("GITHUB_ACTIONS", "true")];
    let repository = connected(&fake, &job).await.unwrap();
    assert_eq!(repository.login().await.unwrap(), "github-actions[bot]");
    let refused = repository
        .open_pull_request(new("reglaze/a"))
        .await
        .unwrap_err();
    let words = "permission `pull-requests: write`";
    assert!(refused.to_string().ends_with(words), "{refused}");
    fake.token(Token::actions("ghs_job"));
    fake.settings(|settings| settings.actions_may_open_pulls = false);
    let refused = repository
        .open_pull_request(new("reglaze/a"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            GithubError::NotPermittedToCreatePullRequests { .. }
        ),
        "{refused}"
    );
    fake.assert_no_violations();
}
