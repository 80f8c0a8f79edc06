//! What to do about an answer of a forge: look at it, ask once more, wait for a limit to pass, or give up.
//!
//! Waiting is the edge's; the numbers are those of
//! <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>.

use std::time::Duration;

/// Tries of a read after the first that a broken connection or server costs.
pub const MOST_REPEATS: u32 = 3;

/// The first pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The least to wait where a limit does not say for how long.
const LEAST_WAIT: Duration = Duration::from_mins(1);

/// What a request does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only asks; asking twice does no harm.
    Read,
    /// It changes something; what is not known to have failed must not be sent twice.
    Write,
}

/// What came back, as far as the decision depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signs {
    /// The status; absent: no whole answer came.
    pub status: Option<u16>,
    /// For how long the forge asks to be left alone.
    pub retry_after: Option<Duration>,
    /// How many requests are left until the reset.
    pub remaining: Option<u64>,
    /// How long the reset is away.
    pub reset: Option<Duration>,
    /// Whether the body says that a limit was reached.
    pub says_limit: bool,
}

/// What was tried before, and how long may still be waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Patience {
    /// Tries that failed.
    pub failed: u32,
    /// Tries that a limit refused.
    pub limited: u32,
    /// What is left for waiting.
    pub left: Duration,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The answer stands, whatever it says.
    Stands,
    /// The same once more after a pause: it failed, and only asked.
    Again(Duration),
    /// The same once more after a wait: a limit refused it, so that nothing has happened.
    Wait(Duration),
    /// A limit refused it for longer than may be waited.
    GiveUp(Duration),
}

/// Decides what follows from an answer. `jitter`, from 0 to 1, parts runs that failed together.
pub fn next(kind: Kind, signs: Signs, patience: Patience, jitter: f64) -> Next {
    if let Some(wait) = limit(signs, patience.limited) {
        return if wait <= patience.left {
            Next::Wait(wait)
        } else {
            Next::GiveUp(wait)
        };
    }
    let has_failed = matches!(signs.status, None | Some(500 | 502 | 503 | 504));
    if !has_failed || kind == Kind::Write || patience.failed >= MOST_REPEATS {
        return Next::Stands;
    }
    let own = FIRST_PAUSE * 2_u32.pow(patience.failed);
    let pause =
        (own + own.mul_f64(jitter.clamp(0.0, 1.0))).max(signs.retry_after.unwrap_or_default());
    if pause <= patience.left {
        Next::Again(pause)
    } else {
        Next::Stands
    }
}

/// How long a limit asks to wait; nothing, if none was reached. A refusal without its signs is one of permission.
fn limit(signs: Signs, limited: u32) -> Option<Duration> {
    let is_refused = matches!(signs.status, Some(403 | 429)) || signs.says_limit;
    let is_used_up = signs.remaining == Some(0);
    if !is_refused {
        return None;
    }
    if let Some(wait) = signs.retry_after {
        return Some(wait);
    }
    if is_used_up {
        // A second more: the reset has no fractions, and clocks differ.
        return Some(
            signs
                .reset
                .map_or(LEAST_WAIT, |reset| reset + Duration::from_secs(1)),
        );
    }
    (signs.says_limit || signs.status == Some(429))
        .then(|| LEAST_WAIT * 2_u32.saturating_pow(limited.min(8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn status(status: u16) -> Signs {
        Signs {
            status: Some(status),
            ..Signs::default()
        }
    }

    fn patience(failed: u32, limited: u32) -> Patience {
        Patience {
            failed,
            limited,
            left: Duration::from_mins(10),
        }
    }

    #[test]
    fn a_read_that_failed_is_repeated_with_growing_pauses_and_an_end() {
        for signs in [
            Signs::default(),
            status(500),
            status(502),
            status(503),
            status(504),
        ] {
            let at = |failed| next(Kind::Read, signs, patience(failed, 0), 0.5);
            assert_eq!(at(0), Next::Again(Duration::from_millis(750)));
            assert_eq!(at(2), Next::Again(3 * SECOND));
            assert_eq!(at(3), Next::Stands);
        }
        for other in [200, 304, 401, 403, 404, 409, 422, 501] {
            assert_eq!(
                next(Kind::Read, status(other), patience(0, 0), 0.0),
                Next::Stands,
                "{other}"
            );
        }
    }

    #[test]
    fn a_write_is_never_repeated_because_it_failed() {
        for signs in [
            Signs::default(),
            status(500),
            status(502),
            status(503),
            status(504),
            status(403),
        ] {
            assert_eq!(next(Kind::Write, signs, patience(0, 0), 0.0), Next::Stands);
        }
    }

    #[test]
    fn what_a_limit_says_is_kept_to_by_reads_and_writes() {
        for kind in [Kind::Read, Kind::Write] {
            for code in [403, 429] {
                let signs = Signs {
                    retry_after: Some(7 * SECOND),
                    remaining: Some(0),
                    reset: Some(99 * SECOND),
                    ..status(code)
                };
                assert_eq!(
                    next(kind, signs, patience(0, 0), 0.0),
                    Next::Wait(7 * SECOND)
                );
                let signs = Signs {
                    retry_after: None,
                    ..signs
                };
                assert_eq!(
                    next(kind, signs, patience(0, 0), 0.0),
                    Next::Wait(100 * SECOND)
                );
            }
        }
    }

    #[test]
    fn a_limit_without_a_time_is_waited_for_a_minute_and_then_longer() {
        let secondary = Signs {
            says_limit: true,
            remaining: Some(4000),
            ..status(403)
        };
        for signs in [secondary, status(429)] {
            let at = |limited| next(Kind::Write, signs, patience(0, limited), 0.0);
            assert_eq!(at(0), Next::Wait(60 * SECOND));
            assert_eq!(at(1), Next::Wait(120 * SECOND));
            assert_eq!(at(3), Next::Wait(480 * SECOND));
            assert_eq!(at(4), Next::GiveUp(960 * SECOND));
        }
    }

    #[test]
    fn graphql_says_of_a_limit_in_an_answer_that_looks_good() {
        let signs = Signs {
            says_limit: true,
            remaining: Some(0),
            reset: Some(3600 * SECOND),
            ..status(200)
        };
        assert_eq!(
            next(Kind::Read, signs, patience(0, 0), 0.0),
            Next::GiveUp(3601 * SECOND)
        );
    }

    #[test]
    fn a_forbidden_request_is_not_tried_again_and_neither_is_the_last_good_one() {
        assert_eq!(
            next(Kind::Read, status(403), patience(0, 0), 0.0),
            Next::Stands
        );
        let last = Signs {
            remaining: Some(0),
            reset: Some(SECOND),
            ..status(200)
        };
        assert_eq!(next(Kind::Read, last, patience(0, 0), 0.0), Next::Stands);
    }
}
