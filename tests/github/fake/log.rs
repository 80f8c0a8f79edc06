//! Every request that came in, without secrets, and how it was answered.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// Decoded, without the query.
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
    /// Whose token came with it.
    pub login: Option<String>,
    /// What was answered; nothing if the connection was cut, or the answer is still on its way.
    pub status: Option<u16>,
    /// The whole answer, unless a test made it or it was not given.
    #[serde(skip)]
    pub given: Option<Given>,
    /// When it came.
    #[serde(skip)]
    pub at: Instant,
    /// When it was answered; nothing if it was not.
    #[serde(skip)]
    pub answered: Option<Instant>,
}

/// An answer as it was given.
#[derive(Debug, Clone)]
pub struct Given {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Entry {
    /// `POST /repos/owner/name/pulls`; of GraphQL also the operation: `POST /graphql updateRefs`.
    pub fn line(&self) -> String {
        let line = format!("{} {}", self.method, self.path);
        match self.operation() {
            Some(operation) => format!("{line} {operation}"),
            None => line,
        }
    }

    /// The first field of a GraphQL document.
    pub fn operation(&self) -> Option<String> {
        let (_, rest) = self.body["query"].as_str()?.split_once('{')?;
        let rest = rest.trim_start();
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        Some(rest[..end.unwrap_or(rest.len())].to_owned())
    }

    /// Whether it can change anything.
    pub fn is_write(&self) -> bool {
        if let Some(query) = self.body["query"]
            .as_str()
            .filter(|_| self.path.ends_with("graphql"))
        {
            let mut lines = query.lines().map(str::trim_start);
            // A document may begin with comments.
            let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
            return first.is_some_and(|line| line.starts_with("mutation"));
        }
        self.method != "GET" && self.method != "HEAD" && !self.path.ends_with("/access_tokens")
    }
}
