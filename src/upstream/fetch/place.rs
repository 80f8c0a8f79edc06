//! The places that an image may come from, and how one is opened where the image stands.

use bytes::Bytes;
use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode};
use url::Url;

use super::client::{Client, Rule, Way};
use super::error::{root_cause, shown};
use super::local::{Local, Reading};
use super::part::{Begin, Misfit, Point};
use super::{FetchError, parsed};

/// A place.
pub(super) enum Place {
    Web(Url),
    /// A file of this machine.
    Local(Local),
    /// What can be no place, and why.
    Bad(FetchError),
}

/// Bytes on their way.
pub(super) enum Body {
    Web(Response, Url),
    Local(Reading),
}

impl Place {
    /// A place by its URL, as a definition or an upstream names it.
    pub fn of(client: &Client, url: &str, may_be_local: bool) -> Self {
        if let Some(local) = Local::of(&client.mapping, url).filter(|_| may_be_local) {
            return Self::Local(local);
        }
        parsed(url).map_or_else(Self::Bad, Self::Web)
    }

    /// Its URL for people.
    pub fn shown(&self) -> String {
        match self {
            Self::Web(url) | Self::Local(Local { url, .. }) => shown(url),
            Self::Bad(_) => "a place that is none".to_owned(),
        }
    }

    /// Asks for the image from `point` on, from the first URL on: what that redirects to may be signed for minutes only.
    /// Fails with [`FetchError`].
    pub async fn open(
        &self,
        client: &Client,
        point: &Point,
        way: &mut Way,
    ) -> Result<(Body, Begin), FetchError> {
        let url = match self {
            Self::Web(url) => url,
            Self::Local(local) => {
                let (reading, begin) = local.open(point).await?;
                return Ok((Body::Local(reading), begin));
            }
            Self::Bad(error) => return Err(error.clone()),
        };
        let rule = Rule {
            hosts: None,
            is_stream: true,
            expected: "an image",
            headers: point.headers(),
        };
        let response = client.answer(url, &rule, None, way).await?.response;
        if response.status() == StatusCode::OK && is_page(response.headers()) {
            return Err(FetchError::Page { url: shown(url) });
        }
        let length = response.content_length();
        let begin = point
            .begin(response.status(), response.headers(), length)
            .map_err(|misfit| misfit.at(url, point))?;
        Ok((Body::Web(response, url.clone()), begin))
    }
}

impl Body {
    /// The next piece, as it comes. Fails with [`FetchError`].
    pub async fn piece(&mut self) -> Result<Option<Bytes>, FetchError> {
        match self {
            Self::Local(reading) => reading.piece().await,
            // What comes with it is a page for people.
            Self::Web(response, _) if response.status() == StatusCode::RANGE_NOT_SATISFIABLE => {
                Ok(None)
            }
            Self::Web(response, url) => response.chunk().await.map_err(|error| FetchError::Cut {
                url: shown(url),
                reason: root_cause(&error),
            }),
        }
    }
}

impl Misfit {
    /// As an error of the place: what changed there, or is no copy of what another place had.
    pub fn at(self, url: &Url, point: &Point) -> FetchError {
        let url = shown(url);
        match self {
            Self::Odd { found, expected } => FetchError::Odd {
                url,
                found,
                expected,
            },
            Self::Changed { was, is } if point.identity.is_some() => {
                FetchError::Changed { url, was, is }
            }
            Self::Changed { was, is } => FetchError::OtherFile { url, was, is },
        }
    }
}

/// Captive portals and friendly error pages answer 200 to everything.
pub(super) fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"))
}
