//! HTTP as upstreams are met: documents once a run with retries and a cache, image bytes as a stream.
//!
//! Redirects are followed here, not by the client: a document must stay on the source's hosts, and nothing may leave
//! https. Nobody's body is trusted to be small, whole or in time.

mod ahead;
mod client;
mod error;
mod flow;
mod github;
mod host;
mod image;
mod local;
mod part;
mod patience;
mod place;
mod probe;
mod retry;
mod served;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::DateTime;
use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use tokio::sync::OnceCell;
use url::Url;

use super::mapping::Mapping;
use crate::cache::{Cache, Validators};
use crate::domain::index::{Document, Kind, Request};
use client::{Client, Rule, Way};
pub use error::FetchError;
use error::{root_cause, shown};
pub use image::Download;
use patience::{Patience, Times};
pub use probe::Probe;
pub use served::{Served, Share};

/// Speaks HTTP to upstreams.
#[derive(Debug)]
pub struct Fetcher {
    client: Client,
    cache: Option<Cache>,
    image_size: u64,
    documents: Mutex<HashMap<DocumentKey, Arc<OnceCell<Outcome>>>>,
}

/// A document is another one if it may come from other hosts.
type DocumentKey = (String, Option<Arc<BTreeSet<String>>>);
type Outcome = Result<Arc<Document>, FetchError>;

impl Fetcher {
    /// Makes the client: proxies and certificates as the environment says. Fails with [`FetchError`].
    pub fn new(
        upstream_map: &[(String, String)],
        cache: Option<&Path>,
        image_size: u64,
    ) -> Result<Self, FetchError> {
        Self::with_times(upstream_map, cache, image_size, Times::default())
    }

    fn with_times(
        upstream_map: &[(String, String)],
        cache: Option<&Path>,
        image_size: u64,
        times: Times,
    ) -> Result<Self, FetchError> {
        Ok(Self {
            client: Client::new(Mapping::new(upstream_map), times)?,
            cache: cache.map(|folder| Cache::new(folder, "http")),
            image_size,
            documents: Mutex::default(),
        })
    }

    /// Where a URL is really fetched from.
    pub fn mapped(&self, url: &str) -> String {
        let real = Url::parse(url)
            .ok()
            .and_then(|url| self.client.mapping.real(&url));
        real.map_or_else(|| url.to_owned(), String::from)
    }

    /// The same with a token for GitHub's API.
    #[must_use]
    pub fn with_token(mut self, token: Option<&SecretString>) -> Self {
        self.client = self.client.with_token(token);
        self
    }

    /// Fetches a document from one of `hosts`, once a run. Fails with [`FetchError`].
    pub async fn document(
        &self,
        request: &Request,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<Arc<Document>, FetchError> {
        self.once(request, Some(hosts)).await
    }

    /// Fetches a document that proves nothing, from any https host, once a run. Fails with [`FetchError`].
    pub async fn document_from_anywhere(
        &self,
        request: &Request,
    ) -> Result<Arc<Document>, FetchError> {
        self.once(request, None).await
    }

    async fn once(&self, request: &Request, hosts: Option<&Arc<BTreeSet<String>>>) -> Outcome {
        let cell = {
            let mut documents = self
                .documents
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let key = (request.url.clone(), hosts.cloned());
            Arc::clone(documents.entry(key).or_default())
        };
        cell.get_or_init(|| self.fetch(request, hosts.map(Arc::as_ref)))
            .await
            .clone()
    }

    async fn fetch(&self, request: &Request, hosts: Option<&BTreeSet<String>>) -> Outcome {
        let url = parsed(&request.url)?;
        let mut way = Way::new(self.client.times.stall, self.client.times.document);
        let outcome = retried(&mut way, async |way| {
            self.attempt(&url, request.kind, hosts, way).await
        })
        .await;
        if let Some(host) = &way.host {
            host.ended(&outcome);
        }
        outcome.map(Arc::new)
    }

    async fn attempt(
        &self,
        url: &Url,
        kind: Kind,
        hosts: Option<&BTreeSet<String>>,
        way: &mut Way,
    ) -> Result<Document, FetchError> {
        let rule = Rule {
            hosts,
            is_stream: false,
            expected: kind.name(),
            headers: HeaderMap::new(),
        };
        let cache = self.cache.as_ref();
        let answer = self.client.answer(url, &rule, cache, way).await?;
        let location = answer.url.to_string();
        let mut validators = validators(answer.response.headers());
        let mut modified = validators.last_modified.clone();
        if validators.etag.is_none() && is_fresh(answer.response.headers()) {
            validators.last_modified = None;
        }
        let body = if answer.response.status() == StatusCode::NOT_MODIFIED {
            let kept = answer.kept;
            modified = modified.or(kept
                .as_ref()
                .and_then(|entry| entry.validators.last_modified.clone()));
            kept.map(|entry| entry.body).unwrap_or_default()
        } else {
            let body = whole(answer.response, &answer.url, limit(kind), &way.patience).await?;
            if let Some(cache) = &self.cache {
                cache.put(answer.real.as_str(), &validators, &body);
            }
            body
        };
        if body.trim_ascii().is_empty() {
            return Err(FetchError::Empty {
                url: shown(url),
                expected: rule.expected,
            });
        }
        Ok(Document::new(url.to_string(), location, body).with_modified(modified))
    }
}

/// Tries again what may pass, as long as there is time; fails with the last [`FetchError`].
async fn retried<T>(
    way: &mut Way,
    mut attempt: impl AsyncFnMut(&mut Way) -> Result<T, FetchError>,
) -> Result<T, FetchError> {
    let mut count = 0;
    loop {
        let error = match attempt(way).await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let Some(pause) = retry::pause(&error, count).filter(|pause| *pause < way.patience.left())
        else {
            return Err(error);
        };
        tracing::debug!("{error}; trying again in {} ms", pause.as_millis());
        tokio::time::sleep(pause).await;
        count += 1;
    }
}

/// The largest document of a kind, in bytes. Ubuntu's feeds have some MiB, checksum manifests some hundred KiB.
const fn limit(kind: Kind) -> u64 {
    match kind {
        Kind::Json | Kind::Listing => 32 << 20,
        Kind::Manifest | Kind::Packages => 8 << 20,
        Kind::Signature | Kind::Key | Kind::Pointer => 1 << 20,
    }
}

/// Reads a body to its end; fails with [`FetchError`] if it is cut, stalls, or exceeds `limit`.
async fn whole(
    mut response: Response,
    url: &Url,
    limit: u64,
    patience: &Patience,
) -> Result<Vec<u8>, FetchError> {
    let too_large = || FetchError::TooLarge {
        url: shown(url),
        limit,
    };
    if response.content_length().is_some_and(|size| size > limit) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    loop {
        match patience.piece(url, response.chunk()).await? {
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) => return Ok(body),
            Err(error) => {
                return Err(FetchError::Cut {
                    url: shown(url),
                    reason: root_cause(&error),
                });
            }
        }
        if body.len() as u64 > limit {
            return Err(too_large());
        }
    }
}

fn parsed(url: &str) -> Result<Url, FetchError> {
    Url::parse(url)
        .ok()
        .filter(Url::has_host)
        .ok_or_else(|| FetchError::NoUrl {
            text: crate::domain::checksum::shortened(url),
        })
}

/// Whether a document was changed in the very second in which it was given, or the one before.
///
/// It may change again without another `Last-Modified`, whose unit is the second (RFC 9110, section 8.8.2.2).
fn is_fresh(headers: &HeaderMap) -> bool {
    let time = |name| DateTime::parse_from_rfc2822(headers.get(name)?.to_str().ok()?).ok();
    time(header::DATE)
        .zip(time(header::LAST_MODIFIED))
        .is_some_and(|(given, modified)| (given - modified).num_seconds() < 2)
}

fn validators(headers: &HeaderMap) -> Validators {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
    Validators {
        etag: text(header::ETAG),
        last_modified: text(header::LAST_MODIFIED),
    }
}
