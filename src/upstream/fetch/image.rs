//! The bytes of images, as a stream: from any https host or a file of this machine, since the digest proves them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use reqwest::Response;
use tokio::time::{Instant, timeout};
use url::Url;

use super::error::{root_cause, shown};
use super::{FetchError, Fetcher, Rule, Times, Way, parsed, retried};

/// What an image must have moved on by whenever it was waited for as long as its window: a drop now and then would keep
/// a run alive for years.
pub(super) const LEAST: u64 = 4 << 20;

/// An image's bytes on their way.
pub struct Download {
    /// How many there are, if the server says so.
    pub size: Option<u64>,
    /// The bytes. A piece that does not come in time, and one above the limit, is an error.
    pub body: BoxStream<'static, Result<Bytes, FetchError>>,
}

impl Fetcher {
    /// Begins to fetch the image of a version that people reviewed: like [`Fetcher::stream`], or from this machine where
    /// its URL begins with `file:`. Fails with [`FetchError`].
    pub async fn image(&self, url: &str) -> Result<Download, FetchError> {
        match self.local(url) {
            Some(local) => self.read(&local).await,
            None => self.stream(url).await,
        }
    }

    /// Begins to fetch an image's bytes from any https host. Fails with [`FetchError`].
    pub async fn stream(&self, url: &str) -> Result<Download, FetchError> {
        let url = parsed(url)?;
        let rule = Rule {
            hosts: None,
            is_stream: true,
            expected: "an image",
        };
        let mut way = Way::new(self.times.image_stall, self.times.image_begin);
        let answer = retried(&mut way, async |way| {
            self.answer(&url, &rule, None, way).await
        })
        .await?;
        let size = answer.response.content_length();
        let limit = self.image_size;
        if size.is_some_and(|size| size > limit) {
            return Err(FetchError::TooLarge {
                url: shown(&url),
                limit,
            });
        }
        let flow = Flow {
            response: answer.response,
            url,
            limit,
            times: self.times,
            received: 0,
            waited: Duration::ZERO,
            received_before: 0,
        };
        let body = stream::unfold(Some(flow), |flow| async {
            let mut flow = flow?;
            match flow.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(flow))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(Download {
            size,
            // Whoever unpacks while it comes asks once more after the end.
            body: body.fuse().boxed(),
        })
    }
}

/// A body as it comes.
struct Flow {
    response: Response,
    url: Url,
    limit: u64,
    times: Times,
    received: u64,
    /// How long was waited in this window; the time that the taker needs does not count.
    waited: Duration,
    /// What had come when this window began.
    received_before: u64,
}

impl Flow {
    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        let too_slow = |limit: Duration| FetchError::TooSlow {
            url: shown(&self.url),
            seconds: limit.as_secs(),
        };
        let begin = Instant::now();
        let piece = timeout(self.times.image_stall, self.response.chunk())
            .await
            .map_err(|_| too_slow(self.times.image_stall))?
            .map_err(|error| FetchError::Cut {
                url: shown(&self.url),
                reason: root_cause(&error),
            })?;
        let Some(piece) = piece else { return Ok(None) };
        self.received += piece.len() as u64;
        if self.received > self.limit {
            return Err(FetchError::TooLarge {
                url: shown(&self.url),
                limit: self.limit,
            });
        }
        self.waited += begin.elapsed();
        if self.waited >= self.times.image_window {
            if self.received - self.received_before < LEAST {
                return Err(FetchError::Trickles {
                    url: shown(&self.url),
                    least: LEAST,
                    seconds: self.times.image_window.as_secs(),
                });
            }
            self.waited = Duration::ZERO;
            self.received_before = self.received;
        }
        Ok(Some(piece))
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Download")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
