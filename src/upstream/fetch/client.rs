//! One request and the redirects that follow it: where a URL is really fetched from, and where it may lead.
//!
//! What an answer means is left to those who ask.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use url::Url;

use super::error::{root_cause, shown};
use super::github::Token;
use super::host::{Host, Hosts};
use super::patience::{Patience, Times};
use super::{FetchError, retry};
use crate::cache::{Cache, Entry};
use crate::upstream::mapping::Mapping;

pub(super) const MOST_REDIRECTS: usize = 8;

/// Each link of a listing is held against the URL of the listing.
const LONGEST_URL: usize = 8 << 10;

/// Asks upstreams. A clone is the same client: an image that is on its way has one of its own.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    /// For image bytes. Made when the first image is fetched.
    images: Arc<OnceLock<reqwest::Client>>,
    pub mapping: Mapping,
    pub times: Times,
    pub hosts: Arc<Hosts>,
    token: Token,
}

/// What a request may lead to.
pub(super) struct Rule<'a> {
    /// Absent: any.
    pub hosts: Option<&'a BTreeSet<String>>,
    /// Whether the body is taken at the pace of somebody else.
    pub is_stream: bool,
    pub expected: &'static str,
    /// What is said beside the usual. With a `Range` among it 206 and 416 are answers too.
    pub headers: HeaderMap,
}

/// The way to one body: how long it may still take, and the host that was asked last.
pub(super) struct Way {
    pub patience: Patience,
    pub host: Option<Arc<Host>>,
}

/// An answer with a status that was hoped for, and how it was reached.
pub(super) struct Answer {
    pub response: Response,
    /// The URL as it is told.
    pub url: Url,
    /// The URL as it was asked.
    pub real: Url,
    /// What an earlier run kept of it.
    pub kept: Option<Entry>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Client {
    /// Makes the client: proxies and certificates as the environment says. Fails with [`FetchError`].
    pub fn new(mapping: Mapping, times: Times) -> Result<Self, FetchError> {
        let http = builder(times).build().map_err(|error| no_client(&error))?;
        Ok(Self {
            http,
            images: Arc::default(),
            mapping,
            times,
            hosts: Arc::default(),
            token: Token::new(None),
        })
    }

    /// The same with a token for GitHub's API.
    pub fn with_token(mut self, token: Option<&SecretString>) -> Self {
        self.token = Token::new(token);
        self
    }

    /// A request for a head, or whatever else has no body that counts.
    pub fn request(&self, method: reqwest::Method, real: Url) -> reqwest::RequestBuilder {
        self.http.request(method, real)
    }

    /// The client for image bytes, which speaks HTTP/1.1 only: the kernel's window grows with the line, and what the taker
    /// does not take yet stays with the kernel. HTTP/2's window is a fixed one of two MiB, which a far server fills ten
    /// times a second at most, and which lies in our memory.
    fn images(&self) -> Result<&reqwest::Client, FetchError> {
        if let Some(made) = self.images.get() {
            return Ok(made);
        }
        let made = builder(self.times).http1_only().build();
        let made = made.map_err(|error| no_client(&error))?;
        Ok(self.images.get_or_init(|| made))
    }

    /// Follows redirects to an answer with a body; fails with [`FetchError`].
    pub async fn answer(
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
            let mut headers = rule.headers.clone();
            headers.extend(kept.as_ref().map(conditions).unwrap_or_default());
            self.token.add(&mut headers, &real);
            tracing::debug!("GET {}", shown(&url));
            let client = if rule.is_stream {
                self.images()?
            } else {
                &self.http
            };
            let sent = client.get(real.clone()).headers(headers).send();
            let response = way
                .patience
                .piece(&url, self.told(sent, &host))
                .await?
                .map_err(|error| FetchError::Unreachable {
                    url: shown(&url),
                    reason: root_cause(&error),
                })?;
            let status = response.status();
            if rule.hopes_for(status, kept.is_some()) {
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
    pub async fn told<T>(&self, sent: impl Future<Output = T>, host: &Host) -> T {
        let mut sent = std::pin::pin!(sent);
        if let Ok(answered) = timeout(self.times.told, &mut sent).await {
            return answered;
        }
        host.is_waited_for();
        sent.await
    }

    /// Where a URL is fetched from, if it may be; fails with [`FetchError`].
    pub fn real(&self, url: &Url, from: Option<&Url>, rule: &Rule) -> Result<Url, FetchError> {
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
    pub fn target(&self, url: &Url, real: &Url, location: &str) -> Result<Url, FetchError> {
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
    pub fn new(stall: Duration, whole: Duration) -> Self {
        Self {
            patience: Patience::new(stall, whole),
            host: None,
        }
    }
}

impl Rule<'_> {
    fn hopes_for(&self, status: StatusCode, is_kept: bool) -> bool {
        match status {
            StatusCode::OK => true,
            StatusCode::NOT_MODIFIED => is_kept,
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                self.headers.contains_key(header::RANGE)
            }
            _ => false,
        }
    }
}

fn builder(times: Times) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(user_agent())
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(times.connect)
}

fn no_client(error: &reqwest::Error) -> FetchError {
    FetchError::Client {
        reason: root_cause(error),
    }
}

/// The name under which upstreams know us, with the place to complain at if there is one.
pub(super) fn user_agent() -> String {
    let name = concat!("reglaze/", env!("CARGO_PKG_VERSION"));
    match env!("CARGO_PKG_REPOSITORY") {
        "" => name.to_owned(),
        repository => format!("{name} (+{repository})"),
    }
}

pub(super) fn redirect(response: &Response) -> Option<String> {
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
