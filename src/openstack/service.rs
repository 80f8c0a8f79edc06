//! Calls to compute and volume services: what their answers have in common.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;

use super::answer::Answer;
use super::call::{Call, shown};
use super::endpoints::Endpoint;
use super::error::Error;
use super::session::Session;

/// How often a list is begun anew whose place was lost since something on it was deleted meanwhile.
const BEGINNINGS: usize = 3;

/// A service as one login uses it.
#[derive(Debug, Clone, Copy)]
pub struct Service<'a> {
    /// The login.
    pub session: &'a Session,
    /// `Nova` or `Cinder`.
    pub name: &'static str,
}

/// Why an answer is none.
#[derive(Debug)]
pub enum Unclear {
    /// A call failed.
    Failed(Error),
    /// It came, and something is missing from it.
    Partial(String),
}

impl From<Error> for Unclear {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Service<'_> {
    /// Makes a call that only reads.
    pub async fn read(
        &self,
        endpoint: &Endpoint,
        path: &[&str],
        query: &[(&str, &str)],
        version: &'static str,
        doing: &str,
    ) -> Result<(Call, Answer), Error> {
        let mut url = url(endpoint, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let call = Call::new(Method::GET, url, doing).with_version(version);
        let answer = self.session.send(&call).await?;
        Ok((call, answer))
    }

    /// Makes a call that changes something.
    pub async fn write(
        &self,
        method: Method,
        endpoint: &Endpoint,
        path: &[&str],
        body: Option<serde_json::Value>,
        version: &'static str,
        doing: &str,
    ) -> Result<(Call, Answer), Error> {
        let mut call = Call::new(method, url(endpoint, path), doing).with_version(version);
        if let Some(body) = body {
            call = call.with_json(body);
        }
        let answer = self.session.send(&call).await?;
        Ok((call, answer))
    }

    /// Reads a list to its end. One that breaks off is an error, one that lost its place is begun anew.
    pub async fn all_pages<P: DeserializeOwned, T>(
        &self,
        endpoint: &Endpoint,
        path: &[&str],
        filters: &[(&str, &str)],
        version: &'static str,
        doing: &str,
        split: impl Fn(P) -> Result<(Vec<T>, Option<String>), String>,
    ) -> Result<Vec<T>, Error> {
        for _ in 1..BEGINNINGS {
            if let Some(all) = self
                .pages(endpoint, path, filters, version, doing, &split, true)
                .await?
            {
                return Ok(all);
            }
        }
        let all = self
            .pages(endpoint, path, filters, version, doing, &split, false)
            .await?;
        Ok(all.unwrap_or_default())
    }

    /// `None`: the marker is not there any more (Cinder says 404, Nova 400).
    #[expect(
        clippy::too_many_arguments,
        reason = "the list's description and one word more"
    )]
    async fn pages<P: DeserializeOwned, T>(
        &self,
        endpoint: &Endpoint,
        path: &[&str],
        filters: &[(&str, &str)],
        version: &'static str,
        doing: &str,
        split: &impl Fn(P) -> Result<(Vec<T>, Option<String>), String>,
        again: bool,
    ) -> Result<Option<Vec<T>>, Error> {
        let mut all = Vec::new();
        let mut markers = BTreeSet::new();
        let mut marker: Option<String> = None;
        loop {
            let mut query = filters.to_vec();
            query.extend(marker.as_deref().map(|marker| ("marker", marker)));
            let (call, answer) = self.read(endpoint, path, &query, version, doing).await?;
            let is_lost = matches!(
                answer.status,
                StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND
            );
            if is_lost && marker.is_some() && again {
                return Ok(None);
            }
            let page: P = self.parsed(&call, &answer, "a whole page of a list")?;
            let malformed = |found| malformed(&call, found, "a whole page of a list");
            let (mut items, next) = split(page).map_err(malformed)?;
            all.append(&mut items);
            match next {
                None => return Ok(Some(all)),
                Some(next) if markers.insert(next.clone()) => marker = Some(next),
                Some(next) => {
                    return Err(malformed(format!("pages in a circle, twice from `{next}`")));
                }
            }
        }
    }

    /// Reads an answer as JSON.
    pub fn parsed<T: DeserializeOwned>(
        &self,
        call: &Call,
        answer: &Answer,
        expected: &'static str,
    ) -> Result<T, Error> {
        if !answer.status.is_success() {
            return Err(self.refused(call, answer));
        }
        answer
            .json()
            .map_err(|found| malformed(call, found, expected))
    }

    /// Says what the service answered, and what can be done about it.
    pub fn refused(&self, call: &Call, answer: &Answer) -> Error {
        let remedy = match answer.status {
            StatusCode::FORBIDDEN
                if call
                    .url
                    .query()
                    .is_some_and(|query| query.contains("all_tenants")) =>
            {
                "seeing all projects needs the role admin".to_owned()
            }
            StatusCode::NOT_ACCEPTABLE => format!(
                "it is too old: `{}` is needed",
                call.version.unwrap_or("a newer version")
            ),
            status if status.is_server_error() => match answer.request_id() {
                Some(id) => format!(
                    "its log knows more of request `{}`",
                    id.replace(['`', ' '], "")
                ),
                None => String::new(),
            },
            _ => String::new(),
        };
        Error::Refused {
            doing: call.doing.clone(),
            service: self.name,
            status: answer.status.as_u16(),
            message: self.session.without_secrets(&answer.message()),
            remedy,
        }
    }
}

/// Gives a URL of the service; what is inserted cannot leave its segment.
fn url(endpoint: &Endpoint, path: &[&str]) -> url::Url {
    let mut url = endpoint.url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// Says that an answer is not what it should be.
pub fn malformed(call: &Call, found: String, expected: &'static str) -> Error {
    Error::Malformed {
        doing: call.doing.clone(),
        url: shown(&call.url),
        found,
        expected,
    }
}
