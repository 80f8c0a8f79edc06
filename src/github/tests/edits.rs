//! Who changed a comment last.

use super::*;
use crate::domain::forge::{Comment, LastEdit};

fn comment(node_id: &str) -> Comment {
    Comment {
        id: 3,
        node_id: node_id.to_owned(),
        url: "u".to_owned(),
        body: "text".to_owned(),
        author: "github-actions[bot]".to_owned(),
    }
}

async fn asked(status: u16, body: Value) -> Result<LastEdit, GithubError> {
    let server = Server::start(move |_, _| answer(status, &[], body.to_string())).await;
    server.repository().await.last_edit(&comment("IC_3")).await
}

#[tokio::test]
async fn a_bot_is_called_as_rest_calls_it_and_a_person_of_that_name_is_another() {
    let edited = |at: Value, editor: Value| {
        let node = json!({"id": "IC_3", "lastEditedAt": at, "editor": editor});
        json!({"data": {"node": node}})
    };
    let by = |kind: &str, login: &str| {
        edited(
            "2026-01-01T00:00:00Z".into(),
            json!({"__typename": kind, "login": login}),
        )
    };
    let login = |login: &str| LastEdit::By(login.to_owned());
    for (body, expected) in [
        (edited(Value::Null, Value::Null), LastEdit::None),
        (
            edited("2026-01-01T00:00:00Z".into(), Value::Null),
            LastEdit::ByUnknown,
        ),
        (by("Bot", "github-actions"), login("github-actions[bot]")),
        (
            by("Bot", "github-actions[bot]"),
            login("github-actions[bot]"),
        ),
        (by("User", "github-actions"), login("github-actions")),
    ] {
        assert_eq!(asked(200, body).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn an_answer_about_anything_else_is_not_taken_for_an_untouched_comment() {
    let gone = asked(200, json!({"data": {"node": null}})).await;
    assert!(
        matches!(gone, Err(GithubError::NotFound { .. })),
        "{gone:?}"
    );
    let other = asked(200, json!({"data": {"node": {}}})).await;
    assert!(
        matches!(other, Err(GithubError::Malformed { .. })),
        "{other:?}"
    );
    let none = asked(404, json!({"message": "Not Found"})).await;
    assert!(
        matches!(none, Err(GithubError::NoGraphql { .. })),
        "{none:?}"
    );
    let server = Server::start(|_, _| answer(500, &[], String::new())).await;
    let none = server.repository().await.last_edit(&comment("")).await;
    assert!(
        matches!(none, Err(GithubError::NoGraphql { .. })),
        "{none:?}"
    );
    assert!(server.lines().is_empty());
}
