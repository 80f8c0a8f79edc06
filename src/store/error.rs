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
    /// Another object is where one was to be written.
    #[error(
        "another object has come to `{name}` meanwhile, and nothing that is there is overwritten; run again, so that it is read and proven, or remove it first"
    )]
    Taken {
        /// Its name.
        name: String,
    },
    /// No URL can be made of a name.
    #[error(
        "could not {doing}: its name cannot be signed ({problem}); rename it, or leave it to the tool that wrote it"
    )]
    Name {
        /// What was tried.
        doing: String,
        /// Why.
        problem: String,
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

    /// Whether another object is there, and stays.
    pub const fn is_taken(&self) -> bool {
        matches!(self, Self::Taken { .. })
    }

    /// Whether the store did not write since something is there, or somebody writes there (409), or since the upload is gone.
    pub(super) fn is_late(&self) -> bool {
        match self {
            Self::Refused { status, code, .. } => {
                matches!(status, 409 | 412) || code == "NoSuchUpload"
            }
            Self::OpenStack(error) => error.status() == Some(412),
            _ => false,
        }
    }

    /// Whether the store may have refused a condition that it does not know, and not what was asked.
    pub(super) const fn is_no_answer(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 400 | 501,
                ..
            }
        )
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
