//! Issues, and comments on them and on pull requests.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::call::Call;
use super::pull_requests::changes;
use super::{GithubError, Repository, graphql, shapes};
use crate::domain::forge::{Comment, Edit, Issue, LastEdit};
use crate::domain::forge_limits::Kind;

const READ: &str = "issues: read";
const WRITE: &str = "issues: write";

/// Comments on pull requests take either permission.
const COMMENT: &str = "pull-requests: write";

/// Comments on pull requests are seen with this.
const SEE_COMMENT: &str = "pull-requests: read";

#[derive(Deserialize)]
struct Node {
    node: Option<Edited>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Edited {
    /// Asked for so that an answer about something else is not taken for a comment that nobody has changed.
    #[expect(dead_code, reason = "that it is there is enough")]
    id: String,
    last_edited_at: Option<String>,
    editor: Option<Actor>,
}

#[derive(Deserialize)]
struct Actor {
    #[serde(rename = "__typename")]
    kind: String,
    login: String,
}

impl Actor {
    /// The login as REST gives it: GraphQL calls a bot by a name that a person may have too.
    fn login(self) -> String {
        if self.kind == "Bot" && !self.login.ends_with("[bot]") {
            return format!("{}[bot]", self.login);
        }
        self.login
    }
}

impl Repository {
    /// Asks who changed a comment last, which REST does not tell. Fails with [`GithubError`], [`GithubError::NoGraphql`]
    /// where this cannot be known.
    pub async fn last_edit(&self, comment: &Comment) -> Result<LastEdit, GithubError> {
        let doing = format!("ask who changed the comment {}", comment.id);
        if comment.node_id.is_empty() {
            return Err(GithubError::NoGraphql {
                doing,
                url: self.place.graphql.to_string(),
                found: "comments have no ID for it".to_owned(),
            });
        }
        let variables = json!({"id": comment.node_id});
        let found: Node = self
            .graphql(
                &doing,
                SEE_COMMENT,
                Kind::Read,
                graphql::LAST_EDIT,
                variables,
            )
            .await?;
        let Some(found) = found.node else {
            return Err(GithubError::NotFound {
                doing,
                permission: SEE_COMMENT,
            });
        };
        Ok(match (found.editor, found.last_edited_at) {
            (Some(editor), _) => LastEdit::By(editor.login()),
            (None, Some(_)) => LastEdit::ByUnknown,
            (None, None) => LastEdit::None,
        })
    }

    /// Lists all comments on a pull request or an issue, oldest first. Fails with [`GithubError`].
    pub async fn comments(&self, number: u64) -> Result<Vec<Comment>, GithubError> {
        let doing = format!("list the comments on #{number}");
        let url = self.url_with(&format!("issues/{number}/comments"), &[("per_page", "100")]);
        let call = Call::get(doing, SEE_COMMENT, url);
        let found: Vec<shapes::Comment> = self.client.all(call, |page| page).await?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    /// Comments on a pull request or an issue. Fails with [`GithubError`].
    pub async fn comment(&self, number: u64, body: &str) -> Result<Comment, GithubError> {
        let call = Call::write(
            format!("comment on #{number}"),
            COMMENT,
            Method::POST,
            self.url(&format!("issues/{number}/comments")),
            Some(json!({"body": body})),
        );
        let found: shapes::Comment = self.client.send(&call).await?.json(&call)?;
        Ok(found.into())
    }

    /// Replaces the text of a comment. Fails with [`GithubError`].
    pub async fn edit_comment(&self, id: u64, body: &str) -> Result<Comment, GithubError> {
        let call = Call::write(
            format!("change the comment {id}"),
            COMMENT,
            Method::PATCH,
            self.url(&format!("issues/comments/{id}")),
            Some(json!({"body": body})),
        );
        let found: shapes::Comment = self.client.send(&call).await?.json(&call)?;
        Ok(found.into())
    }

    /// Deletes a comment. Fails with [`GithubError`].
    pub async fn delete_comment(&self, id: u64) -> Result<(), GithubError> {
        let call = Call::write(
            format!("delete the comment {id}"),
            COMMENT,
            Method::DELETE,
            self.url(&format!("issues/comments/{id}")),
            None,
        );
        self.client.send(&call).await.map(|_| ())
    }

    /// Lists all open issues with a label; pull requests are none. Fails with [`GithubError`].
    pub async fn issues(&self, label: &str) -> Result<Vec<Issue>, GithubError> {
        let doing = format!("list the issues with the label `{label}`");
        let query = [("state", "open"), ("per_page", "100"), ("labels", label)];
        let call = Call::get(doing, READ, self.url_with("issues", &query));
        let found: Vec<shapes::Issue> = self.client.all(call, |page| page).await?;
        let found = found
            .into_iter()
            .filter(|issue| issue.pull_request.is_none());
        Ok(found.map(Into::into).collect())
    }

    /// Opens an issue. Fails with [`GithubError`].
    pub async fn create_issue(
        &self,
        title: &str,
        body: &str,
        labels: &[String],
    ) -> Result<Issue, GithubError> {
        let call = Call::write(
            "open an issue",
            WRITE,
            Method::POST,
            self.url("issues"),
            Some(json!({"title": title, "body": body, "labels": labels})),
        );
        let found: shapes::Issue = self.client.send(&call).await?.json(&call)?;
        Ok(found.into())
    }

    /// Changes title, text or state of an issue. Fails with [`GithubError`].
    pub async fn edit_issue(&self, number: u64, edit: Edit<'_>) -> Result<Issue, GithubError> {
        let call = Call::write(
            format!("change the issue #{number}"),
            WRITE,
            Method::PATCH,
            self.url(&format!("issues/{number}")),
            Some(changes(edit)),
        );
        let found: shapes::Issue = self.client.send(&call).await?.json(&call)?;
        Ok(found.into())
    }
}
