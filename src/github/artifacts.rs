//! Files that runs have left at GitHub. Their bytes lie on another host, to which the token does not go.

use serde::Deserialize;

use super::call::Call;
use super::{GithubError, Repository, shapes};
use crate::domain::forge::Artifact;

const READ: &str = "actions: read";

#[derive(Deserialize)]
struct Page {
    artifacts: Vec<shapes::Artifact>,
}

impl Repository {
    /// Lists all artifacts of a name, newest first. Fails with [`GithubError`].
    pub async fn artifacts(&self, name: &str) -> Result<Vec<Artifact>, GithubError> {
        let doing = format!("list the artifacts `{name}`");
        let query = [("name", name), ("per_page", "100")];
        let call = Call::get(doing, READ, self.url_with("actions/artifacts", &query));
        let found = self.client.all(call, |page: Page| page.artifacts).await?;
        let found = found.into_iter().map(Artifact::from);
        // A server that does not know the filter gives all.
        Ok(found.filter(|artifact| artifact.name == name).collect())
    }

    /// Reads the archive of an artifact, at most `limit` bytes. Fails with [`GithubError`].
    pub async fn artifact(&self, id: u64, limit: u64) -> Result<Vec<u8>, GithubError> {
        let doing = format!("read the artifact {id}");
        let url = self.url(&format!("actions/artifacts/{id}/zip"));
        let call = Call {
            may_leave: true,
            limit,
            ..Call::get(doing, READ, url)
        };
        Ok(self.client.send(&call).await?.body)
    }
}
