//! A commit piece by piece, for servers without GraphQL: contents, tree, commit. No branch moves by it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::call::Call;
use super::shapes::Object;
use super::{GithubError, Repository};
use crate::domain::forge::NewFile;

impl Repository {
    /// Makes a commit of a tree with these files in it, and gives its hash. Fails with [`GithubError`].
    pub async fn commit_by_git_data(
        &self,
        parents: &[String],
        base_tree: &str,
        files: &[NewFile],
        message: &str,
    ) -> Result<String, GithubError> {
        let mut entries = Vec::new();
        for file in files {
            let content = BASE64_STANDARD.encode(&file.text);
            let body = json!({"content": content, "encoding": "base64"});
            let blob = self.made("git/blobs", "write a file", body).await?;
            entries.push(json!({
                "path": file.path,
                "mode": "100644",
                "type": "blob",
                "sha": blob,
            }));
        }
        let body = json!({"base_tree": base_tree, "tree": entries});
        let tree = self
            .made("git/trees", "write a tree of files", body)
            .await?;
        let body = json!({"message": message, "tree": tree, "parents": parents});
        self.made("git/commits", "write a commit", body).await
    }

    /// Makes an object and gives its name.
    async fn made(&self, path: &str, doing: &str, body: Value) -> Result<String, GithubError> {
        let call = Call::write(
            doing,
            "contents: write",
            Method::POST,
            self.url(path),
            Some(body),
        );
        let object: Object = self.client.send(&call).await?.json(&call)?;
        Ok(object.sha)
    }
}
