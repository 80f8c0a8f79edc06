//! When a request is tried again, and after how long.

use std::time::Duration;

use reqwest::header::{self, HeaderMap};

use super::FetchError;

/// Tries after the first.
const MOST_RETRIES: u32 = 3;

pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Before a try to go on, without what chance adds.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What a server may ask for in the middle of an image.
const LONGEST_ASKED: Duration = Duration::from_mins(2);

/// How long to wait before the next try; nothing, if there is none: another try would end the same way.
pub(super) fn pause(error: &FetchError, attempt: u32) -> Option<Duration> {
    if attempt >= MOST_RETRIES {
        return None;
    }
    let asked = match error {
        FetchError::Status {
            status: 429 | 502 | 503 | 504,
            retry_after,
            ..
        } => *retry_after,
        FetchError::Unreachable { .. } | FetchError::Cut { .. } => None,
        _ => return None,
    };
    let own = FIRST_PAUSE * 2_u32.pow(attempt);
    Some(asked.unwrap_or_default().max(own + own.mul_f64(jitter())))
}

/// How long to wait before an image goes on at the same place; nothing, if it will not.
///
/// Patient where [`pause`] is not: hours of a download may hang on it. So a server that broke down in the middle, or is
/// silent, is asked again, unless it wants that later than [`LONGEST_ASKED`].
pub(super) fn pause_within(error: &FetchError, tries: u32, first: Duration) -> Option<Duration> {
    let asked = match error {
        FetchError::Status {
            status: 408 | 429 | 500 | 502 | 503 | 504,
            retry_after,
            ..
        } => retry_after.unwrap_or_default(),
        FetchError::Unreachable { .. }
        | FetchError::Cut { .. }
        | FetchError::TooSlow { .. }
        | FetchError::Trickles { .. } => Duration::ZERO,
        _ => return None,
    };
    let own = (first * 2_u32.pow(tries.min(16))).min(LONGEST_PAUSE);
    (asked <= LONGEST_ASKED).then(|| asked.max(own + own.mul_f64(jitter())))
}

/// What a server asks for: seconds, or a date.
pub(super) fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    (date.to_utc() - chrono::Utc::now()).to_std().ok()
}

/// From 0 to 1, so that many runs do not come back at the same moment. The hasher's keys are random.
fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let word = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or_default();
    f64::from(word) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, retry_after: Option<u64>) -> FetchError {
        FetchError::Status {
            url: String::new(),
            status,
            reason: "",
            expected: "",
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert!(pause(&status(503, None), 0).is_some());
        assert!(pause(&status(503, None), MOST_RETRIES).is_none());
        for other in [404, 403, 500] {
            assert!(pause(&status(other, None), 0).is_none(), "{other}");
        }
    }

    #[test]
    fn pauses_grow_and_the_server_may_ask_for_more() {
        let first = pause(&status(503, None), 0).unwrap();
        let third = pause(&status(503, None), 2).unwrap();
        assert!(first < Duration::from_millis(501) && third >= Duration::from_secs(1));
        assert_eq!(
            pause(&status(429, Some(7)), 0),
            Some(Duration::from_secs(7))
        );
    }

    #[test]
    fn an_image_that_broke_off_is_waited_for_longer_but_not_for_ever() {
        let pause = |error, tries| pause_within(&error, tries, FIRST_PAUSE);
        assert!(pause(status(500, None), 0).unwrap() < Duration::from_millis(501));
        let last = pause(status(503, None), 40).unwrap();
        assert!(
            last >= LONGEST_PAUSE && last <= LONGEST_PAUSE * 2,
            "{last:?}"
        );
        assert_eq!(
            pause(status(503, Some(90)), 0),
            Some(Duration::from_secs(90))
        );
        assert_eq!(pause(status(503, Some(3600)), 0), None);
        assert_eq!(pause(status(404, None), 0), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let headers =
            |value: &str| HeaderMap::from_iter([(header::RETRY_AFTER, value.parse().unwrap())]);
        assert_eq!(after(&headers("3")), Some(Duration::from_secs(3)));
        assert_eq!(after(&headers("Wed, 21 Oct 2015 07:28:00 GMT")), None);
        assert!(after(&headers("Wed, 21 Oct 2099 07:28:00 GMT")).is_some());
    }
}
