//! Files at a commit: the list of them, and their texts, many at once.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::{GithubError, Repository, graphql};
use crate::domain::forge::{TreeFile, blob};
use crate::domain::forge_limits::Kind;

/// Contents for which one query asks.
const AT_ONCE: usize = 50;

const DOING: &str = "read files of the repository";
const READ: &str = "contents: read";

#[derive(Deserialize)]
struct Tree {
    tree: Vec<Entry>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    sha: String,
}

#[derive(Deserialize)]
struct Blob {
    content: String,
    encoding: String,
}

#[derive(Deserialize)]
struct Texts {
    repository: Option<BTreeMap<String, Option<Text>>>,
}

/// Empty for what is no blob.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Text {
    oid: String,
    text: Option<String>,
}

impl Repository {
    /// Lists all files of a tree. Fails with [`GithubError`], also if the list is not whole.
    pub async fn files(&self, tree: &str) -> Result<Vec<TreeFile>, GithubError> {
        let doing = "list the files of the repository";
        let url = self.url_with(&format!("git/trees/{tree}"), &[("recursive", "1")]);
        let found: Tree = self.client.get(Call::get(doing, READ, url)).await?;
        if found.truncated {
            return Err(GithubError::TooManyFiles {
                doing: doing.to_owned(),
            });
        }
        let files = found.tree.into_iter().filter(|entry| entry.kind == "blob");
        Ok(files
            .map(|entry| TreeFile {
                path: entry.path,
                blob: entry.sha,
                mode: entry.mode,
            })
            .collect())
    }

    /// Reads contents by their names in git, from the cache, else many at once. Fails with [`GithubError`], also if one
    /// of them is no text.
    pub async fn texts(&self, blobs: &[String]) -> Result<BTreeMap<String, String>, GithubError> {
        let mut texts = BTreeMap::new();
        let mut missing = Vec::new();
        for blob in blobs.iter().collect::<BTreeSet<_>>() {
            match self.client.documents().and_then(|cache| cache.blob(blob)) {
                Some(bytes) => _ = texts.insert(blob.clone(), text(blob, bytes)?),
                None => missing.push(blob),
            }
        }
        // One alone is as well asked for by REST.
        let mut has_graphql = missing.len() > 1;
        for some in missing.chunks(AT_ONCE) {
            let mut found = BTreeMap::new();
            if has_graphql {
                match self.many(some).await {
                    Ok(many) => found = many,
                    Err(GithubError::NoGraphql { .. }) => has_graphql = false,
                    Err(error) => return Err(error),
                }
            }
            for blob in some {
                let bytes = match found.remove(*blob) {
                    Some(text) => text.into_bytes(),
                    None => self.blob(blob).await?,
                };
                if let Some(cache) = self.client.documents() {
                    cache.put_blob(blob, &bytes);
                }
                texts.insert((*blob).clone(), text(blob, bytes)?);
            }
        }
        Ok(texts)
    }

    /// The texts of those that GraphQL gives as they are: whole, and with the name that was asked for.
    async fn many(&self, blobs: &[&String]) -> Result<BTreeMap<String, String>, GithubError> {
        let mut variables = Map::new();
        variables.insert("owner".to_owned(), json!(self.place.owner));
        variables.insert("name".to_owned(), json!(self.place.name));
        for (number, blob) in blobs.iter().enumerate() {
            variables.insert(format!("b{number}"), json!(blob));
        }
        let document = graphql::texts(blobs.len());
        let variables = Value::Object(variables);
        let found: Texts = self
            .graphql(DOING, READ, Kind::Read, &document, variables)
            .await?;
        Ok(found
            .repository
            .into_iter()
            .flatten()
            .filter_map(|(_, found)| {
                let found = found?;
                let text = found.text?;
                (blob(text.as_bytes()) == found.oid).then_some((found.oid, text))
            })
            .collect())
    }

    /// Reads one content by REST.
    async fn blob(&self, id: &str) -> Result<Vec<u8>, GithubError> {
        let url = self.url(&format!("git/blobs/{id}"));
        let call = Call::get(DOING, READ, url);
        let host = call.host();
        let found: Blob = self.client.get(call).await?;
        let malformed = |found: String| GithubError::Malformed {
            doing: DOING.to_owned(),
            host,
            found,
            expected: "its content in base64",
        };
        let bytes = match found.encoding.as_str() {
            "base64" => {
                let plain: String = found.content.split_ascii_whitespace().collect();
                BASE64_STANDARD.decode(plain).ok()
            }
            "utf-8" => Some(found.content.into_bytes()),
            _ => None,
        };
        match bytes {
            Some(bytes) if blob(&bytes) == id => Ok(bytes),
            Some(_) => Err(malformed(format!("another content than `{id}`"))),
            None => Err(malformed(format!("the content `{id}` in an unknown form"))),
        }
    }
}

fn text(blob: &str, bytes: Vec<u8>) -> Result<String, GithubError> {
    String::from_utf8(bytes).map_err(|_| GithubError::NotText {
        doing: DOING.to_owned(),
        blob: blob.to_owned(),
    })
}
