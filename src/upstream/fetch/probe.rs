//! Whether an image is still there, without its bytes.

use std::sync::Arc;

use reqwest::header::{self, HeaderMap};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::client::{MOST_REDIRECTS, Rule, Way, redirect};
use super::error::{root_cause, shown};
use super::local::Local;
use super::place::is_page;
use super::{FetchError, Fetcher, parsed, retried, retry};

/// What a server says of an image that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// `Last-Modified`, as it came.
    pub modified: Option<String>,
    /// The host after all redirects; empty for a file of this machine.
    pub host: String,
    /// How many bytes the image has, if the server tells.
    pub size: Option<u64>,
}

impl Fetcher {
    /// Asks for an image's head, from any https host or this machine. Fails with [`FetchError`].
    ///
    /// Servers that know no HEAD, or forbid it, are asked for the first byte. So are those who say that the image is not
    /// there: some mirrors answer so to every HEAD, and a build is not called gone on such a word.
    pub async fn probe(&self, url: &str) -> Result<Probe, FetchError> {
        if let Some(local) = Local::of(&self.client.mapping, url) {
            return self.seen(&local).await;
        }
        let url = parsed(url)?;
        let mut way = Way::new(self.client.times.stall, self.client.times.document);
        let outcome = match self.retried_probe(&url, &Method::HEAD, &mut way).await {
            Err(FetchError::Status {
                status: 400 | 403 | 404 | 405 | 410 | 501,
                ..
            }) => self.retried_probe(&url, &Method::GET, &mut way).await,
            outcome => outcome,
        };
        if let Some(host) = &way.host {
            host.ended(&outcome);
        }
        outcome
    }

    async fn retried_probe(
        &self,
        url: &Url,
        method: &Method,
        way: &mut Way,
    ) -> Result<Probe, FetchError> {
        retried(way, async |way| self.probed(url, method, way).await).await
    }

    async fn probed(
        &self,
        start: &Url,
        method: &Method,
        way: &mut Way,
    ) -> Result<Probe, FetchError> {
        let rule = Rule {
            hosts: None,
            is_stream: false,
            expected: "an image",
            headers: HeaderMap::new(),
        };
        let mut url = start.clone();
        let mut from: Option<Url> = None;
        for _ in 0..=MOST_REDIRECTS {
            let real = self.client.real(&url, from.as_ref(), &rule)?;
            let host = self.client.hosts.of(&url);
            way.host = Some(Arc::clone(&host));
            let _place = way.patience.uncounted(host.place(&url)).await?;
            tracing::debug!("{method} {}", shown(&url));
            let mut request = self.client.request(method.clone(), real.clone());
            if *method == Method::GET {
                request = request.header(header::RANGE, "bytes=0-0");
            }
            let response = way
                .patience
                .piece(&url, self.client.told(request.send(), &host))
                .await?
                .map_err(|error| FetchError::Unreachable {
                    url: shown(&url),
                    reason: root_cause(&error),
                })?;
            if let Some(target) = redirect(&response) {
                let next = self.client.target(&url, &real, &target)?;
                from = Some(std::mem::replace(&mut url, next));
                continue;
            }
            return judged(&response, &url);
        }
        Err(FetchError::TooManyRedirects {
            url: shown(start),
            most: MOST_REDIRECTS,
        })
    }
}

/// Fails with [`FetchError`] if this is no image; the body, if any, is left where it is.
fn judged(response: &Response, url: &Url) -> Result<Probe, FetchError> {
    let status = response.status();
    if !matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
        return Err(FetchError::Status {
            url: shown(url),
            status: status.as_u16(),
            reason: status.canonical_reason().unwrap_or_default(),
            expected: "an image",
            retry_after: retry::after(response.headers()),
        });
    }
    let text = |headers: &HeaderMap, name| Some(headers.get(name)?.to_str().ok()?.to_owned());
    if is_page(response.headers()) {
        return Err(FetchError::Page { url: shown(url) });
    }
    Ok(Probe {
        modified: text(response.headers(), header::LAST_MODIFIED),
        host: url.host_str().unwrap_or_default().to_owned(),
        size: size(status, response.headers()),
    })
}

/// The length of the whole: of a part, the number after the slash of `bytes 0-0/624951296`.
fn size(status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    let text = |name| headers.get(name)?.to_str().ok();
    if status == StatusCode::PARTIAL_CONTENT {
        let (_, whole) = text(header::CONTENT_RANGE)?.rsplit_once('/')?;
        return whole.parse().ok();
    }
    text(header::CONTENT_LENGTH)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_that_of_the_whole() {
        let of = |status, name, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, header::HeaderValue::from_static(value));
            size(status, &headers)
        };
        let (whole, part) = (StatusCode::OK, StatusCode::PARTIAL_CONTENT);
        assert_eq!(of(whole, header::CONTENT_LENGTH, "7"), Some(7));
        assert_eq!(of(part, header::CONTENT_LENGTH, "1"), None);
        assert_eq!(of(part, header::CONTENT_RANGE, "bytes 0-0/7"), Some(7));
        assert_eq!(of(part, header::CONTENT_RANGE, "bytes 0-0/*"), None);
        assert_eq!(of(whole, header::CONTENT_LENGTH, "many"), None);
    }
}
