//! Why a call to an object store failed, in one sentence with the remedy. No message holds a secret or a signed URL.

use crate::openstack;

/// Why a call to an object store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `mirror.to`, `endpoint` or `region` cannot be used.
    #[error("the store `{to}` cannot be used: {problem}; check `mirror` in the settings")]
    Settings {
        /// The setting `to`.
        to: String,
        /// What is wrong.
        problem: String,
    },
    /// There are no credentials, or whoever gives them did not.
    #[error(
        "there are no credentials for the store `{to}`; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ({reason})"
    )]
    Credentials {
        /// The setting `to`.
        to: String,
        /// Why.
        reason: String,
    },
    /// The call did not get through, or its answer did not come to its end.
    #[error("could not {doing}: no complete answer from `{endpoint}` ({reason})")]
    Unreachable {
        /// What was tried.
        doing: String,
        /// The store.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// The store answered that it will not.
    #[error(
        "could not {doing}: the store answered {status}{}{}",
        between(" (`", said, "`)"),
        between("; ", remedy, "")
    )]
    Refused {
        /// What was tried.
        doing: String,
        /// The HTTP status.
        status: u16,
        /// The store's own word for it, such as `AccessDenied`.
        code: String,
        /// That word, and what the store says with it.
        said: String,
        /// What can be done about it.
        remedy: &'static str,
    },
    /// The answer is not what it should be.
    #[error("could not {doing}: the store answered {found}, expected {expected}")]
    Malformed {
        /// What was tried.
        doing: String,
        /// What came.
        found: String,
        /// What should have come.
        expected: &'static str,
    },
    /// Nothing moved for too long.
    #[error("could not {doing}: nothing came for {seconds} s")]
    Stalled {
        /// What was tried.
        doing: String,
        /// How long.
        seconds: u64,
    },
    /// A task ended.
    #[error("the upload of a part ended before it was done; this is a defect of reglaze")]
    Ended,
    /// The other way was asked of a store that takes parts.
    #[error(
        "S3 takes what is large in parts, and it was sent in one piece; this is a defect of reglaze"
    )]
    InParts,
    /// Keystone or Swift.
    #[error(transparent)]
    OpenStack(#[from] openstack::Error),
}

impl StoreError {
    /// Whether what was asked for is not there.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status == 404,
            Self::OpenStack(error) => error.is_gone(),
            _ => false,
        }
    }

    /// The store's own word for a refusal, such as `NoSuchUpload`.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

fn between(before: &str, text: &str, after: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("{before}{text}{after}")
    }
}

/// The last cause of an error, which says what happened, without what it is wrapped in.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    crate::domain::report::printable(&error.to_string())
}
