//! HTTP as upstreams are met: documents once a run with retries and a cache, image bytes as a stream.
//!
//! Redirects are followed here, not by the client: a document must stay on the source's hosts, and nothing may leave
//! https. Nobody's body is trusted to be small, whole or in time.

mod error;
mod github;
mod host;
mod image;
mod local;
mod patience;
mod probe;
mod retry;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use tokio::sync::{OnceCell, OwnedSemaphorePermit};
use tokio::time::timeout;
use url::Url;

use super::mapping::Mapping;
use crate::cache::{Cache, Entry, Validators};
use crate::domain::index::{Document, Kind, Request};
pub use error::FetchError;
use error::{root_cause, shown};
use github::Token;
use host::{Host, Hosts};
pub use image::Download;
use patience::{Patience, Times};
pub use probe::Probe;

const MOST_REDIRECTS: usize = 8;

/// Each link of a listing is held against the URL of the listing.
const LONGEST_URL: usize = 8 << 10;

/// Speaks HTTP to upstreams.
#[derive(Debug)]
pub struct Fetcher {
    client: reqwest::Client,
    mapping: Mapping,
    cache: Option<Cache>,
    image_size: u64,
    times: Times,
    hosts: Hosts,
    documents: Mutex<HashMap<DocumentKey, Arc<OnceCell<Outcome>>>>,
    token: Token,
}

/// A document is another one if it may come from other hosts.
type DocumentKey = (String, Option<Arc<BTreeSet<String>>>);
type Outcome = Result<Arc<Document>, FetchError>;

/// What a request may lead to.
struct Rule<'a> {
    /// Absent: any.
    hosts: Option<&'a BTreeSet<String>>,
    /// Whether the body is taken at the pace of somebody else.
    is_stream: bool,
    expected: &'static str,
}

/// The way to one body: how long it may still take, and the host that was asked last.
struct Way {
    patience: Patience,
    host: Option<Arc<Host>>,
}

/// An answer with status 200 or 304, and how it was reached.
struct Answer {
    response: Response,
    /// The URL as it is told.
    url: Url,
    /// The URL as it was asked.
    real: Url,
    /// What an earlier run kept of it.
    kept: Option<Entry>,
    _permit: Option<OwnedSemaphorePermit>,
}

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
        let client = reqwest::Client::builder()
            .user_agent(user_agent())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(times.connect)
            .build()
            .map_err(|error| FetchError::Client {
                reason: root_cause(&error),
            })?;
        Ok(Self {
            client,
            mapping: Mapping::new(upstream_map),
            cache: cache.map(|folder| Cache::new(folder, "http")),
            image_size,
            times,
            hosts: Hosts::default(),
            documents: Mutex::default(),
            token: Token::new(None),
        })
    }

    /// The same with a token for GitHub's API.
    #[must_use]
    pub fn with_token(mut self, token: Option<&SecretString>) -> Self {
        self.token = Token::new(token);
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
        let mut way = Way::new(self.times.stall, self.times.document);
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
        };
        let answer = self.answer(url, &rule, self.cache.as_ref(), way).await?;
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

    /// Follows redirects to an answer with a body; fails with [`FetchError`].
    async fn answer(
        &self,
        start: &Url,
        rule: &Rule<'_>,
        cache: Option<&Cache>,
        way: &mut Way,
    ) -> Result<Answer, FetchError> {
        let mut url = start.clone();
        let mut from: Option<Url> = None;
        for _ in 0..=MOST_REDIRECTS {
            let real = self.real(&url, from.as_ref(), rule)?;
            let host = self.hosts.of(&url);
            way.host = Some(Arc::clone(&host));
            // A stream keeps its place for hours; it is the caller who says how many there are.
            let permit = if rule.is_stream {
                None
            } else {
                Some(way.patience.uncounted(host.place(&url)).await?)
            };
            let kept = cache.and_then(|cache| cache.get(real.as_str()));
            let mut headers = kept.as_ref().map(conditions).unwrap_or_default();
            self.token.add(&mut headers, &real);
            tracing::debug!("GET {}", shown(&url));
            let sent = self.client.get(real.clone()).headers(headers).send();
            let response = way
                .patience
                .piece(&url, self.told(sent, &host))
                .await?
                .map_err(|error| FetchError::Unreachable {
                    url: shown(&url),
                    reason: root_cause(&error),
                })?;
            let status = response.status();
            if status == StatusCode::OK || (status == StatusCode::NOT_MODIFIED && kept.is_some()) {
                return Ok(Answer {
                    response,
                    url,
                    real,
                    kept,
                    _permit: permit,
                });
            }
            let Some(target) = redirect(&response) else {
                return Err(FetchError::Status {
                    url: shown(&url),
                    status: status.as_u16(),
                    reason: status.canonical_reason().unwrap_or_default(),
                    expected: self.token.advice(&real, status).unwrap_or(rule.expected),
                    retry_after: retry::after(response.headers()),
                });
            };
            let next = self.target(&url, &real, &target)?;
            from = Some(std::mem::replace(&mut url, next));
        }
        Err(FetchError::TooManyRedirects {
            url: shown(start),
            most: MOST_REDIRECTS,
        })
    }

    /// Waits for an answer, and tells people for whom if it takes long.
    async fn told<T>(&self, sent: impl Future<Output = T>, host: &Host) -> T {
        let mut sent = std::pin::pin!(sent);
        if let Ok(answered) = timeout(self.times.told, &mut sent).await {
            return answered;
        }
        host.is_waited_for();
        sent.await
    }

    /// Where a URL is fetched from, if it may be; fails with [`FetchError`].
    fn real(&self, url: &Url, from: Option<&Url>, rule: &Rule) -> Result<Url, FetchError> {
        let host = url.host_str().unwrap_or_default();
        if rule.hosts.is_some_and(|hosts| !hosts.contains(host)) {
            return Err(FetchError::ForeignHost {
                url: shown(from.unwrap_or(url)),
                target: shown(url),
                expected: rule
                    .hosts
                    .into_iter()
                    .flatten()
                    .map(|host| format!("`{host}`"))
                    .collect::<Vec<_>>()
                    .join(", "),
            });
        }
        if let Some(real) = self.mapping.real(url) {
            return Ok(real);
        }
        if url.scheme() == "https" {
            return Ok(url.clone());
        }
        Err(FetchError::NotHttps {
            url: shown(from.unwrap_or(url)),
            target: shown(url),
        })
    }

    /// The URL to which a redirect leads, told by its own name and not by that of a mapped server.
    fn target(&self, url: &Url, real: &Url, location: &str) -> Result<Url, FetchError> {
        let target = real.join(location).ok();
        let target = target
            .filter(|target| target.as_str().len() <= LONGEST_URL)
            .ok_or_else(|| FetchError::Unreachable {
                url: shown(url),
                reason: "it redirects to what is no URL".to_owned(),
            })?;
        let is_mapped = real != url;
        Ok(is_mapped
            .then(|| self.mapping.back(&target))
            .flatten()
            .unwrap_or(target))
    }
}

impl Way {
    fn new(stall: Duration, whole: Duration) -> Self {
        Self {
            patience: Patience::new(stall, whole),
            host: None,
        }
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

/// The name under which upstreams know us, with the place to complain at if there is one.
fn user_agent() -> String {
    let name = concat!("reglaze/", env!("CARGO_PKG_VERSION"));
    match env!("CARGO_PKG_REPOSITORY") {
        "" => name.to_owned(),
        repository => format!("{name} (+{repository})"),
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

fn redirect(response: &Response) -> Option<String> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(header::LOCATION)?;
    is_redirect
        .then(|| location.to_str().ok().map(str::to_owned))
        .flatten()
}

fn conditions(entry: &Entry) -> HeaderMap {
    let pairs = [
        (header::IF_NONE_MATCH, &entry.validators.etag),
        (header::IF_MODIFIED_SINCE, &entry.validators.last_modified),
    ];
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name, HeaderValue::from_str(value.as_ref()?).ok()?)))
        .collect()
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
