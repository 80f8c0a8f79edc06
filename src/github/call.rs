//! One call as a value: what is sent where, and what it takes.

use http::Method;
use serde_json::Value;
use url::Url;

use crate::domain::forge_limits::Kind;

/// More than any list or text that is asked for.
const LARGEST: u64 = 64 << 20;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Whoever the token is of.
    Token,
    /// The App itself.
    App,
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// What it is to do, after "could not".
    pub doing: String,
    /// The permission that it takes, in the words of a workflow.
    pub permission: &'static str,
    pub method: Method,
    pub url: Url,
    pub body: Option<Value>,
    pub kind: Kind,
    pub by: By,
    pub is_graphql: bool,
    /// Whether its answer may lie on another host, to which the token does not go.
    pub may_leave: bool,
    /// The largest answer, in bytes.
    pub limit: u64,
}

impl Call {
    /// A question by REST.
    pub(super) fn get(doing: impl Into<String>, permission: &'static str, url: Url) -> Self {
        Self {
            doing: doing.into(),
            permission,
            method: Method::GET,
            url,
            body: None,
            kind: Kind::Read,
            by: By::Token,
            is_graphql: false,
            may_leave: false,
            limit: LARGEST,
        }
    }

    /// A change by REST.
    pub(super) fn write(
        doing: impl Into<String>,
        permission: &'static str,
        method: Method,
        url: Url,
        body: Option<Value>,
    ) -> Self {
        Self {
            method,
            body,
            kind: Kind::Write,
            ..Self::get(doing, permission, url)
        }
    }

    /// The same, said by the App itself.
    pub(super) fn by_app(self) -> Self {
        Self {
            by: By::App,
            ..self
        }
    }

    /// Whoever is called, for people.
    pub(super) fn host(&self) -> String {
        shown_host(&self.url)
    }
}

/// A host with its port, for people.
pub(super) fn shown_host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
