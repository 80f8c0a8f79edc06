//! The bytes of images, as a stream: from any https host, since the digest proves them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::time::timeout;

use super::error::{root_cause, shown};
use super::{DEADLINE, FetchError, Fetcher, Rule, parsed, retry};

/// Until the next piece of an image has come.
const IMAGE_STALL: Duration = Duration::from_mins(1);

/// An image's bytes on their way.
pub struct Download {
    /// How many there are, if the server says so.
    pub size: Option<u64>,
    /// The bytes. A piece that does not come in time, and one above the limit, is an error.
    pub body: BoxStream<'static, Result<Bytes, FetchError>>,
}

impl Fetcher {
    /// Begins to fetch an image's bytes from any https host. Fails with [`FetchError`].
    pub async fn stream(&self, url: &str) -> Result<Download, FetchError> {
        let url = parsed(url)?;
        let rule = Rule {
            hosts: None,
            expected: "an image",
        };
        let mut attempt = 0;
        let answer = loop {
            match timeout(DEADLINE, self.answer(&url, &rule, None)).await {
                Ok(Ok(answer)) => break answer,
                Ok(Err(error)) => match retry::pause(&error, attempt) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(error),
                },
                Err(_) => {
                    return Err(FetchError::TooSlow {
                        url: shown(&url),
                        seconds: DEADLINE.as_secs(),
                    });
                }
            }
            attempt += 1;
        };
        let size = answer.response.content_length();
        let limit = self.image_size;
        if size.is_some_and(|size| size > limit) {
            return Err(FetchError::TooLarge {
                url: shown(&url),
                limit,
            });
        }
        let state = Some((answer.response, 0_u64));
        let name = shown(&url);
        let body = stream::unfold(state, move |state| {
            let url = name.clone();
            async move {
                let (mut response, before) = state?;
                let piece = match timeout(IMAGE_STALL, response.chunk()).await {
                    Ok(Ok(Some(piece))) => piece,
                    Ok(Ok(None)) => return None,
                    Ok(Err(error)) => {
                        let reason = root_cause(&error);
                        return Some((Err(FetchError::Cut { url, reason }), None));
                    }
                    Err(_) => {
                        let seconds = IMAGE_STALL.as_secs();
                        return Some((Err(FetchError::TooSlow { url, seconds }), None));
                    }
                };
                let received = before + piece.len() as u64;
                if received > limit {
                    return Some((Err(FetchError::TooLarge { url, limit }), None));
                }
                Some((Ok(piece), Some((response, received))))
            }
        });
        Ok(Download {
            size,
            body: body.boxed(),
        })
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
