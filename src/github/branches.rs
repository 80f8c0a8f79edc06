//! Branches: where they are, and moving them only from where they were seen.

use http::Method;
use serde_json::{Value, json};

use super::call::Call;
use super::shapes::{Object, Reference};
use super::{GithubError, Repository, graphql};
use crate::domain::forge::{Branch, Created, Head};
use crate::domain::forge_limits::Kind;

const HEADS: &str = "refs/heads/";

/// A commit that is none, by which GraphQL deletes.
const NOTHING: &str = "0000000000000000000000000000000000000000";

const WRITE: &str = "contents: write";

#[derive(serde::Deserialize)]
struct Commit {
    tree: Object,
}

impl Repository {
    /// Asks where a branch is; nothing if there is none. Fails with [`GithubError`].
    pub async fn head(&self, branch: &str) -> Result<Option<Head>, GithubError> {
        let Some(commit) = self.commit_of(branch).await? else {
            return Ok(None);
        };
        let tree = self.tree(&commit).await?;
        Ok(Some(Head { commit, tree }))
    }

    /// Asks at which commit a branch is; nothing if there is none. Fails with [`GithubError`].
    pub async fn commit_of(&self, branch: &str) -> Result<Option<String>, GithubError> {
        let doing = format!("ask where the branch `{branch}` is");
        let url = self.url(&format!("git/ref/heads/{branch}"));
        let call = Call::get(doing, "contents: read", url);
        match self.client.get::<Reference>(call).await {
            Ok(reference) => Ok(Some(reference.object.sha)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for the tree of a commit. Fails with [`GithubError`].
    pub async fn tree(&self, commit: &str) -> Result<String, GithubError> {
        let doing = format!("ask for the tree of the commit `{commit}`");
        let url = self.url(&format!("git/commits/{commit}"));
        let call = Call::get(doing, "contents: read", url);
        Ok(self.client.get::<Commit>(call).await?.tree.sha)
    }

    /// Asks for all branches whose name begins so. Fails with [`GithubError`].
    pub async fn branches(&self, prefix: &str) -> Result<Vec<Branch>, GithubError> {
        let doing = format!("list the branches that begin with `{prefix}`");
        let url = self.url(&format!("git/matching-refs/heads/{prefix}"));
        let call = Call::get(doing, "contents: read", url);
        let found: Vec<Reference> = self.client.all(call, |page| page).await?;
        Ok(found
            .into_iter()
            .filter_map(|reference| {
                let name = reference.name.strip_prefix(HEADS)?;
                name.starts_with(prefix).then(|| Branch {
                    name: name.to_owned(),
                    commit: reference.object.sha.clone(),
                })
            })
            .collect())
    }

    /// Makes a branch at a commit; one that is there already stays. Fails with [`GithubError`].
    pub async fn create_branch(&self, name: &str, commit: &str) -> Result<Created, GithubError> {
        let call = Call::write(
            format!("make the branch `{name}`"),
            WRITE,
            Method::POST,
            self.url("git/refs"),
            Some(json!({"ref": format!("{HEADS}{name}"), "sha": commit})),
        );
        match self.client.send(&call).await {
            Ok(_) => Ok(Created::Done),
            Err(GithubError::Exists { .. }) => Ok(Created::Exists),
            Err(error) => Err(error),
        }
    }

    /// Moves a branch to any other commit if it is still where it was seen. Fails with [`GithubError`], which is
    /// [`GithubError::Moved`] if it is not, and [`GithubError::NoGraphql`] where this cannot be done.
    pub async fn move_branch(&self, name: &str, seen: &str, to: &str) -> Result<(), GithubError> {
        self.update(&format!("move the branch `{name}`"), name, seen, to)
            .await
    }

    /// Deletes a branch if it is still where it was seen. Fails like [`Self::move_branch`].
    pub async fn delete_branch(&self, name: &str, seen: &str) -> Result<(), GithubError> {
        self.update(&format!("delete the branch `{name}`"), name, seen, NOTHING)
            .await
    }

    async fn update(
        &self,
        doing: &str,
        name: &str,
        seen: &str,
        to: &str,
    ) -> Result<(), GithubError> {
        let update = json!({
            "name": format!("{HEADS}{name}"),
            "beforeOid": seen,
            "afterOid": to,
            "force": true,
        });
        let input = json!({"repositoryId": self.node_id().await?, "refUpdates": [update]});
        let updated = self
            .graphql::<Value>(
                doing,
                WRITE,
                Kind::Write,
                graphql::UPDATE_REFS,
                json!({"input": input}),
            )
            .await;
        match updated {
            Ok(_) => Ok(()),
            Err(error) => Err(self.moved(error, name, seen).await),
        }
    }

    /// Tells a refusal because a branch is elsewhere from others by looking, since GitHub's words for it may change.
    pub(super) async fn moved(&self, error: GithubError, name: &str, seen: &str) -> GithubError {
        let (GithubError::Refused { doing, .. } | GithubError::NotFound { doing, .. }) = &error
        else {
            return error;
        };
        match self.commit_of(name).await {
            Ok(now) if now.as_deref() != Some(seen) => GithubError::Moved {
                doing: doing.clone(),
                message: now.map_or_else(
                    || "it is gone".to_owned(),
                    |now| format!("it is at {now} and no longer at {seen}"),
                ),
            },
            _ => error,
        }
    }

    /// Moves a branch to a commit that comes after the one where it is. Fails with [`GithubError`], which is
    /// [`GithubError::Moved`] if it does not.
    pub async fn forward_branch(&self, name: &str, to: &str) -> Result<(), GithubError> {
        let call = Call::write(
            format!("move the branch `{name}`"),
            WRITE,
            Method::PATCH,
            self.url(&format!("git/refs/heads/{name}")),
            Some(json!({"sha": to, "force": false})),
        );
        self.client.send(&call).await.map(|_| ())
    }

    /// Deletes a branch wherever it is, for servers without GraphQL. Fails with [`GithubError`].
    pub async fn delete_branch_by_rest(&self, name: &str) -> Result<(), GithubError> {
        let call = Call::write(
            format!("delete the branch `{name}`"),
            WRITE,
            Method::DELETE,
            self.url(&format!("git/refs/heads/{name}")),
            None,
        );
        self.client.send(&call).await.map(|_| ())
    }
}
