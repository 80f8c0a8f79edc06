//! Pull requests: lists of them, opening, editing, merging.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::{GithubError, Repository, graphql, refusal, shapes};
use crate::domain::forge::{Dress, Edit, MergeMethod, NewPullRequest, PullRequest};
use crate::domain::forge_limits::Kind;

const READ: &str = "pull-requests: read";
const WRITE: &str = "pull-requests: write";

#[derive(Deserialize)]
struct Merged {
    sha: String,
}

impl Repository {
    /// Lists all open pull requests. Fails with [`GithubError`].
    pub async fn open_pull_requests(&self) -> Result<Vec<PullRequest>, GithubError> {
        let query = [("state", "open"), ("per_page", "100")];
        self.pull_requests("list the open pull requests", &query)
            .await
    }

    /// Lists all closed pull requests of a branch, the last that changed first. Fails with [`GithubError`].
    pub async fn closed_pull_requests(
        &self,
        branch: &str,
    ) -> Result<Vec<PullRequest>, GithubError> {
        let doing = format!("list the closed pull requests of the branch `{branch}`");
        let head = format!("{}:{branch}", self.place.owner);
        let query = [
            ("state", "closed"),
            ("head", head.as_str()),
            ("per_page", "100"),
            ("sort", "updated"),
            ("direction", "desc"),
        ];
        let found = self.pull_requests(&doing, &query).await?;
        // A server that does not know the filter gives all.
        let is_of = |found: &PullRequest| found.branch == branch && !found.is_from_fork;
        Ok(found.into_iter().filter(is_of).collect())
    }

    async fn pull_requests(
        &self,
        doing: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<PullRequest>, GithubError> {
        let call = Call::get(doing, READ, self.url_with("pulls", query));
        let found: Vec<shapes::PullRequest> = self.client.all(call, |page| page).await?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    /// Asks for a pull request. Fails with [`GithubError`].
    pub async fn pull_request(&self, number: u64) -> Result<PullRequest, GithubError> {
        let doing = format!("ask for the pull request #{number}");
        let call = Call::get(doing, READ, self.url(&format!("pulls/{number}")));
        Ok(self.client.get::<shapes::PullRequest>(call).await?.into())
    }

    /// Opens a pull request. Fails with [`GithubError`], which is [`GithubError::Exists`] if its branch has one, and
    /// [`GithubError::NotPermittedToCreatePullRequests`] if the repository's settings forbid it.
    pub async fn open_pull_request(
        &self,
        new: NewPullRequest<'_>,
    ) -> Result<PullRequest, GithubError> {
        let call = Call::write(
            format!("open a pull request for the branch `{}`", new.branch),
            WRITE,
            Method::POST,
            self.url("pulls"),
            Some(json!({
                "title": new.title,
                "head": new.branch,
                "base": new.base,
                "body": new.body,
                "draft": new.is_draft,
                "maintainer_can_modify": false,
            })),
        );
        let found: shapes::PullRequest = self.client.send(&call).await?.json(&call)?;
        Ok(found.into())
    }

    /// Changes title, text or state of a pull request. Fails with [`GithubError`].
    pub async fn edit_pull_request(
        &self,
        number: u64,
        edit: Edit<'_>,
    ) -> Result<PullRequest, GithubError> {
        let call = Call::write(
            format!("change the pull request #{number}"),
            WRITE,
            Method::PATCH,
            self.url(&format!("pulls/{number}")),
            Some(changes(edit)),
        );
        let found: shapes::PullRequest = self.client.send(&call).await?.json(&call)?;
        Ok(found.into())
    }

    /// Sets labels, assignees, milestone or text of a pull request. Fails with [`GithubError`].
    pub async fn dress(&self, number: u64, dress: Dress<'_>) -> Result<(), GithubError> {
        let fields = [
            ("labels", dress.labels.map(|labels| json!(labels))),
            ("assignees", dress.assignees.map(|logins| json!(logins))),
            ("milestone", dress.milestone.map(|number| json!(number))),
            ("body", dress.body.map(|body| json!(body))),
        ];
        let call = Call::write(
            format!("set labels and the like of the pull request #{number}"),
            WRITE,
            Method::PATCH,
            self.url(&format!("issues/{number}")),
            Some(object(fields)),
        );
        self.client.send(&call).await.map(|_| ())
    }

    /// Asks people and teams to review a pull request. Fails with [`GithubError`].
    pub async fn request_reviewers(
        &self,
        number: u64,
        users: &[String],
        teams: &[String],
    ) -> Result<(), GithubError> {
        let call = Call::write(
            format!("ask for reviews of the pull request #{number}"),
            WRITE,
            Method::POST,
            self.url(&format!("pulls/{number}/requested_reviewers")),
            Some(json!({"reviewers": users, "team_reviewers": teams})),
        );
        self.client.send(&call).await.map(|_| ())
    }

    /// Merges a pull request whose head is still `sha`, and gives the commit that it made. Fails with [`GithubError`],
    /// which is [`GithubError::Moved`] or [`GithubError::NotMergeable`] if GitHub does not merge it.
    pub async fn merge(
        &self,
        number: u64,
        sha: &str,
        method: MergeMethod,
    ) -> Result<String, GithubError> {
        let call = Call::write(
            format!("merge the pull request #{number}"),
            "contents: write",
            Method::PUT,
            self.url(&format!("pulls/{number}/merge")),
            Some(json!({"sha": sha, "merge_method": method.as_str()})),
        );
        let answer = self.client.send(&call).await.map_err(refusal::of_merge)?;
        Ok(answer.json::<Merged>(&call)?.sha)
    }

    /// Lets a pull request merge itself, if its head is still `head`. Fails with [`GithubError`], which is
    /// [`GithubError::CleanStatus`], [`GithubError::UnstableStatus`] or [`GithubError::AutoMergeNotAllowed`] if GitHub
    /// does not take it.
    pub async fn enable_auto_merge(
        &self,
        node_id: &str,
        method: MergeMethod,
        head: &str,
    ) -> Result<(), GithubError> {
        let input = json!({
            "pullRequestId": node_id,
            "mergeMethod": method.as_str().to_ascii_uppercase(),
            "expectedHeadOid": head,
        });
        self.graphql::<Value>(
            "let the pull request merge itself",
            "contents: write",
            Kind::Write,
            graphql::AUTO_MERGE,
            json!({"input": input}),
        )
        .await
        .map(|_| ())
    }
}

/// The body of a change of a pull request or an issue.
pub(super) fn changes(edit: Edit<'_>) -> Value {
    let state = |is_open| if is_open { "open" } else { "closed" };
    object([
        ("title", edit.title.map(|title| json!(title))),
        ("body", edit.body.map(|body| json!(body))),
        ("state", edit.is_open.map(|is_open| json!(state(is_open)))),
    ])
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter();
    let fields = fields.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect::<Map<_, _>>())
}
