//! How long is waited for what. Nobody's answer is trusted to come, and none that comes to end.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use url::Url;

use super::FetchError;
use super::error::shown;

/// The time limits of a fetcher.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// Until a server has taken a connection.
    pub connect: Duration,
    /// Until the next piece of a document has come, its head included.
    pub stall: Duration,
    /// For a document in all, redirects and retries included.
    pub document: Duration,
    /// Until the next piece of an image has come. Some servers make an image when it is first asked for.
    pub image_stall: Duration,
    /// Until the first piece of an image, redirects and retries included.
    pub image_begin: Duration,
    /// How often an image must have moved on by [`super::flow::LEAST`].
    pub image_window: Duration,
    /// Before an image that broke off is asked for again; doubled with each try.
    pub image_pause: Duration,
    /// For one image in all: from where it broke off to where it went on.
    pub image_repairs: Duration,
    /// After this people are told for whom they wait.
    pub told: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(20),
            document: Duration::from_mins(1),
            image_stall: Duration::from_mins(1),
            image_begin: Duration::from_mins(5),
            image_window: Duration::from_mins(5),
            image_pause: super::retry::FIRST_PAUSE,
            image_repairs: Duration::from_mins(30),
            told: Duration::from_secs(5),
        }
    }
}

/// What is left of the time for one document, or for the beginning of one image.
#[derive(Debug)]
pub(super) struct Patience {
    stall: Duration,
    whole: Duration,
    deadline: Instant,
}

impl Patience {
    /// For each piece, and for everything.
    pub fn new(stall: Duration, whole: Duration) -> Self {
        Self {
            stall,
            whole,
            deadline: Instant::now() + whole,
        }
    }

    /// What is left.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Waits for one piece of `url`; fails with [`FetchError::TooSlow`].
    pub async fn piece<T>(
        &self,
        url: &Url,
        piece: impl Future<Output = T>,
    ) -> Result<T, FetchError> {
        let (limit, seconds) = if self.left() < self.stall {
            (self.left(), self.whole)
        } else {
            (self.stall, self.stall)
        };
        timeout(limit, piece)
            .await
            .map_err(|_| FetchError::TooSlow {
                url: shown(url),
                seconds: seconds.as_secs(),
            })
    }

    /// Waits for what does not count: for others that are served first at a busy host nobody is to blame.
    pub async fn uncounted<T>(&mut self, wait: impl Future<Output = T>) -> T {
        let begin = Instant::now();
        let done = wait.await;
        self.deadline += begin.elapsed();
        done
    }
}
