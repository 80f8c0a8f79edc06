//! An answer to its end, and the JSON in it.

use http::HeaderMap;
use http::header::{HeaderValue, LINK};
use serde::de::DeserializeOwned;

use super::call::Call;
use super::error::GithubError;
use crate::domain::forge_limits::Kind;

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// An answer of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub etag: String,
    pub link: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads the JSON of it; fails with [`GithubError::Malformed`], and for a write with [`GithubError::Unclear`].
    pub(super) fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, GithubError> {
        serde_json::from_slice(&self.body).map_err(|error| unreadable(call, &error))
    }
}

/// Tells of an answer that is not what it should be, without the words of the error, which would quote it.
pub(super) fn unreadable(call: &Call, error: &serde_json::Error) -> GithubError {
    let found = match error.classify() {
        serde_json::error::Category::Data => "JSON without what was asked for",
        _ => "something that is no JSON",
    };
    let (doing, host, found) = (call.doing.clone(), call.host(), found.to_owned());
    match call.kind {
        Kind::Write => GithubError::Unclear {
            doing,
            host,
            reason: found,
        },
        Kind::Read => GithubError::Malformed {
            doing,
            host,
            found,
            expected: "the JSON of GitHub's API; check `GITHUB_API_URL`",
        },
    }
}

impl Kept {
    /// The kept answer in place of one that says that nothing has changed.
    pub(super) fn answer(self, fresh: Answer) -> Answer {
        let mut headers = fresh.headers;
        if !headers.contains_key(LINK)
            && let Some(link) = self.link.and_then(|link| HeaderValue::from_str(&link).ok())
        {
            headers.insert(LINK, link);
        }
        Answer {
            status: 200,
            headers,
            body: self.body,
        }
    }
}
