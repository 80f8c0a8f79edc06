//! Commits: what a branch has that its base has not, and one more on a branch, signed by GitHub.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::{GithubError, Repository, graphql, shapes};
use crate::domain::forge::{Comparison, NewFile, PullRequest};
use crate::domain::forge_limits::Kind;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Committed {
    create_commit_on_branch: Option<Payload>,
}

#[derive(Deserialize)]
struct Payload {
    commit: Option<Made>,
}

#[derive(Deserialize)]
struct Made {
    oid: String,
}

impl Repository {
    /// Asks what `head` has that `base` has not; both are branches or commits. Fails with [`GithubError`].
    pub async fn compare(&self, base: &str, head: &str) -> Result<Comparison, GithubError> {
        let doing = format!("compare `{head}` with `{base}`");
        let url = self.url(&format!("compare/{base}...{head}"));
        let call = Call::get(doing, "contents: read", url);
        Ok(self.client.get::<shapes::Comparison>(call).await?.into())
    }

    /// Asks for the pull requests that a commit is of. Fails with [`GithubError`].
    pub async fn pull_requests_of(&self, commit: &str) -> Result<Vec<PullRequest>, GithubError> {
        let doing = format!("look for the pull request of the commit `{commit}`");
        let url = self.url_with(&format!("commits/{commit}/pulls"), &[("per_page", "100")]);
        let call = Call::get(doing, "pull-requests: read", url);
        let found: Vec<shapes::PullRequest> = self.client.all(call, |page| page).await?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    /// Adds a commit with these files to a branch that is still where it was seen, and gives its hash. GitHub signs it.
    ///
    /// Fails with [`GithubError`], which is [`GithubError::Moved`] if the branch is elsewhere, and
    /// [`GithubError::NoGraphql`] where this cannot be done.
    pub async fn commit(
        &self,
        branch: &str,
        expected_head: &str,
        files: &[NewFile],
        headline: &str,
        body: &str,
    ) -> Result<String, GithubError> {
        let doing = format!("commit to the branch `{branch}`");
        let additions: Vec<Value> = files
            .iter()
            .map(|file| json!({"path": file.path, "contents": BASE64_STANDARD.encode(&file.text)}))
            .collect();
        let input = json!({
            "branch": {
                "repositoryNameWithOwner": self.place.full_name(),
                "branchName": branch,
            },
            "expectedHeadOid": expected_head,
            "message": {"headline": headline, "body": body},
            "fileChanges": {"additions": additions},
        });
        let committed = self
            .graphql::<Committed>(
                &doing,
                "contents: write",
                Kind::Write,
                graphql::COMMIT,
                json!({"input": input}),
            )
            .await;
        match committed {
            Ok(committed) => committed
                .create_commit_on_branch
                .and_then(|payload| payload.commit)
                .map(|commit| commit.oid)
                .ok_or_else(|| GithubError::Unclear {
                    doing,
                    host: super::call::shown_host(&self.place.graphql),
                    reason: "no commit in the answer".to_owned(),
                }),
            Err(error) => Err(self.moved(error, branch, expected_head).await),
        }
    }
}
