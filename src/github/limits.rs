//! One request at a time, pauses between writes, and waits for GitHub's limits up to an end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep, sleep_until};

use crate::domain::forge_limits::{Kind, Signs};

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Between one write and the next; GitHub asks for a second.
    pub between_writes: Duration,
    /// For limits and after failures, in the whole run.
    pub in_all: Duration,
    /// For one answer.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            between_writes: Duration::from_secs(1),
            in_all: Duration::from_mins(10),
            answer: Duration::from_secs(30),
        }
    }
}

/// The pace of all requests of a run.
#[derive(Debug)]
pub(super) struct Pace {
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_write: Option<Instant>,
    waited: Duration,
    /// The end of a limit for which nobody waits. Who asks all the same is refused for longer.
    closed_until: Option<Instant>,
}

/// The right to send one request, until it is dropped.
pub(super) struct Turn<'a> {
    patience: Patience,
    kind: Kind,
    state: MutexGuard<'a, State>,
}

impl Pace {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            state: Mutex::default(),
        }
    }

    /// How long one answer may take.
    pub(super) const fn answer(&self) -> Duration {
        self.patience.answer
    }

    /// Waits until it is this request's turn.
    pub(super) async fn turn(&self, kind: Kind) -> Turn<'_> {
        let state = self.state.lock().await;
        if let Some(last) = state.last_write.filter(|_| kind == Kind::Write) {
            sleep_until(last + self.patience.between_writes).await;
        }
        Turn {
            patience: self.patience,
            kind,
            state,
        }
    }
}

impl Turn<'_> {
    /// What may still be waited.
    pub(super) fn left(&self) -> Duration {
        self.patience.in_all.saturating_sub(self.state.waited)
    }

    /// For how long nothing may be sent, because of a limit that another call did not wait for.
    pub(super) fn closed_for(&self) -> Option<Duration> {
        let left = self
            .state
            .closed_until?
            .saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Notes such a limit.
    pub(super) fn close(&mut self, wait: Duration) {
        self.state.closed_until = Instant::now().checked_add(wait);
    }

    /// Waits before the same request is sent again; the try that was in vain took some time too.
    pub(super) async fn wait(&mut self, pause: Duration, in_vain: Duration) {
        self.state.waited += pause + in_vain;
        sleep(pause).await;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.kind == Kind::Write {
            self.state.last_write = Some(Instant::now());
        }
    }
}

/// Reads what an answer says of limits; `now` is our own clock, used where GitHub does not tell the time.
pub(super) fn signs(
    status: u16,
    headers: &HeaderMap,
    says_limit: bool,
    now: DateTime<Utc>,
) -> Signs {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let time = |text: &str| {
        DateTime::parse_from_rfc2822(text)
            .ok()
            .map(|time| time.to_utc())
    };
    let now = text("date").and_then(time).unwrap_or(now);
    let until = |time: DateTime<Utc>| (time - now).to_std().unwrap_or_default();
    let retry_after = text("retry-after").and_then(|text| {
        let seconds = text.parse().ok().map(Duration::from_secs);
        seconds.or_else(|| time(text).map(until))
    });
    let reset = text("x-ratelimit-reset")
        .and_then(|text| text.parse().ok())
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    Signs {
        status: Some(status),
        retry_after,
        remaining: text("x-ratelimit-remaining").and_then(|text| text.parse().ok()),
        reset: reset.map(until),
        says_limit,
    }
}
