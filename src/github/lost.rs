//! Calls without an answer: whether they can have arrived, and what that means.

use super::answer::Answer;
use super::call::Call;
use super::error::GithubError;
use super::refusal;
use crate::domain::forge_limits::Kind;

/// Why there is no answer.
pub(super) enum Lost {
    /// What was sent may have arrived.
    Maybe(String),
    /// It has not.
    Surely(String),
    /// Whatever came, another try would end the same way.
    Ended(GithubError),
}

/// What the last try comes to.
pub(super) fn ended(call: &Call, outcome: Result<Answer, Lost>) -> Result<Answer, GithubError> {
    let (doing, host) = (call.doing.clone(), call.host());
    match outcome {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(answer),
        Ok(answer) => Err(refusal::of(call, &answer)),
        Err(Lost::Ended(error)) => Err(error),
        Err(Lost::Maybe(reason)) if call.kind == Kind::Write => Err(GithubError::Unclear {
            doing,
            host,
            reason,
        }),
        Err(Lost::Maybe(reason) | Lost::Surely(reason)) => Err(GithubError::Unreachable {
            doing,
            host,
            reason,
        }),
    }
}

/// Whether a request that failed can have arrived.
pub(super) fn lost(error: &octocrab::Error) -> Lost {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut is_connect = false;
    while let Some(error) = cause {
        is_connect |= error
            .downcast_ref::<reqwest::Error>()
            .is_some_and(reqwest::Error::is_connect);
        cause = error.source();
    }
    let reason = root_cause(error);
    if is_connect {
        Lost::Surely(reason)
    } else {
        Lost::Maybe(reason)
    }
}

/// The first cause of an error: the words of those above it name URLs.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if std::ptr::addr_eq(cause, error) {
        return "the request failed".to_owned();
    }
    cause.to_string()
}
