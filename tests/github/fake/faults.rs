//! What goes wrong on demand: at the how manieth request, or at one that a test describes.

use std::time::Duration;

use serde_json::json;

use super::log::Entry;
use super::request::{Answer, Body};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This status with GitHub's words for it; nothing is done.
    Status(u16),
    /// The hour's requests are used up, for so many seconds more.
    PrimaryLimit(u64),
    /// Too much at once; with the seconds to wait, if GitHub says them.
    SecondaryLimit(Option<u64>),
    /// 429 with the seconds to wait.
    TooMany(u64),
    /// The connection ends; nothing is done.
    CutBefore,
    /// It is done, and the connection ends without an answer.
    CutAfter,
    /// It is done, and answered after this time.
    Slow(Duration),
    /// It is done, and answered with what is no JSON.
    Garbage,
}

/// At which request.
#[derive(Debug, Clone, Default)]
pub struct When {
    method: Option<String>,
    part: Option<String>,
    skip: usize,
    is_lasting: bool,
}

impl When {
    /// At the N-th request from now on; the first is 1.
    pub fn nth(number: usize) -> Self {
        Self {
            skip: number.saturating_sub(1),
            ..Self::default()
        }
    }

    /// At the next request of this method whose path ends so, or, of GraphQL, whose operation is called so.
    pub fn call(method: &str, part: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            part: Some(part.to_owned()),
            ..Self::default()
        }
    }

    /// Not at the first of these, but at the N-th.
    #[must_use]
    pub fn and_nth(mut self, number: usize) -> Self {
        self.skip = number.saturating_sub(1);
        self
    }

    /// Not only once, but from then on.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.is_lasting = true;
        self
    }

    fn means(&self, entry: &Entry) -> bool {
        self.method
            .as_ref()
            .is_none_or(|method| *method == entry.method)
            && self.part.as_ref().is_none_or(|part| {
                entry.path.ends_with(part.as_str()) || entry.operation().as_deref() == Some(part)
            })
    }
}

/// What is still to come: faults, or what people do meanwhile.
pub struct Planned<T>(Vec<(When, T)>);

impl<T> Default for Planned<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone> Planned<T> {
    pub fn add(&mut self, when: When, what: T) {
        self.0.push((when, what));
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What this request meets.
    pub fn strike(&mut self, entry: &Entry) -> Option<T> {
        let mut struck = None;
        for (index, (when, what)) in self.0.iter_mut().enumerate() {
            if !when.means(entry) {
                continue;
            }
            if when.skip > 0 {
                when.skip -= 1;
            } else if struck.is_none() {
                struck = Some((index, what.clone(), when.is_lasting));
            }
        }
        let (index, what, is_lasting) = struck?;
        if !is_lasting {
            self.0.remove(index);
        }
        Some(what)
    }
}

impl Fault {
    /// What is answered in place of doing it.
    pub fn answer(&self) -> Option<Answer> {
        let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        Some(match self {
            Self::Status(422) => Answer::invalid(&[
                json!({"resource": "PullRequest", "code": "custom", "message": "no"}),
            ]),
            Self::Status(502) => Answer::new(
                502,
                Body::Bytes(
                    "text/html",
                    b"<html><h1>502 Bad Gateway</h1></html>".to_vec(),
                ),
            ),
            Self::Status(status) => Answer::error(
                *status,
                match status {
                    401 => "Bad credentials",
                    403 => "Resource not accessible by integration",
                    404 => "Not Found",
                    409 => "Conflict",
                    429 => secondary,
                    500 => "Server Error",
                    _ => "Something went wrong",
                },
            ),
            Self::PrimaryLimit(seconds) => {
                let reset = chrono::Utc::now().timestamp().unsigned_abs() + seconds;
                Answer::error(403, "API rate limit exceeded for installation ID 1.")
                    .with("x-ratelimit-remaining", "0")
                    .with("x-ratelimit-reset", reset.to_string())
            }
            Self::SecondaryLimit(seconds) => {
                let answer = Answer::error(403, secondary);
                match seconds {
                    Some(seconds) => answer.with("retry-after", seconds.to_string()),
                    None => answer,
                }
            }
            Self::TooMany(seconds) => {
                Answer::error(429, secondary).with("retry-after", seconds.to_string())
            }
            Self::CutBefore | Self::CutAfter | Self::Slow(_) | Self::Garbage => return None,
        })
    }
}
