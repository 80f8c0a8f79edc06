//! Why a document or an image could not be had, each in one sentence that names the URL as the user knows it.

use std::time::Duration;

use url::Url;

/// A document or an image could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No client, no requests.
    #[error(
        "no HTTP client can be made: {reason}; expected CA certificates, from the system or SSL_CERT_FILE"
    )]
    Client {
        /// Why.
        reason: String,
    },
    /// Not a URL.
    #[error("`{text}` is no URL with a host; expected one that begins with https://")]
    NoUrl {
        /// What it is.
        text: String,
    },
    /// A way without protection.
    #[error("`{url}` leads to `{target}`; expected https all the way")]
    NotHttps {
        /// What was asked.
        url: String,
        /// Where it leads.
        target: String,
    },
    /// A way to a host that the source does not name.
    #[error(
        "`{url}` leads to `{target}`, whose host the source does not name; expected one of {expected}, or an entry in its `redirect_hosts`"
    )]
    ForeignHost {
        /// What was asked.
        url: String,
        /// Where it leads.
        target: String,
        /// The hosts that would do.
        expected: String,
    },
    /// Another status than 200.
    #[error("`{url}` answered {status} {reason}{again}; expected {expected}", again = asked_back(*retry_after))]
    Status {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// Its name.
        reason: &'static str,
        /// What was expected.
        expected: &'static str,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// Round and round.
    #[error("`{url}` redirects more than {most} times; expected a document at the end")]
    TooManyRedirects {
        /// What was asked.
        url: String,
        /// How many are followed.
        most: usize,
    },
    /// No answer at all.
    #[error("`{url}` cannot be reached: {reason}; expected an answer over https")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The body ends too early.
    #[error("`{url}` broke off in the middle: {reason}; expected the whole of it")]
    Cut {
        /// What was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// No body.
    #[error("`{url}` is empty; expected {expected}")]
    Empty {
        /// What was asked.
        url: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A body without end, or one far larger than it should be.
    #[error("`{url}` is larger than {limit} bytes; expected at most that")]
    TooLarge {
        /// What was asked.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// A body that does not come.
    #[error(
        "`{url}` gave nothing, or no end, within {seconds} seconds; expected an answer in that time"
    )]
    TooSlow {
        /// What was asked.
        url: String,
        /// The limit.
        seconds: u64,
    },
    /// An image that comes drop by drop.
    #[error(
        "`{url}` gave less than {least} bytes within {seconds} seconds of waiting; expected an image that ends one day"
    )]
    Trickles {
        /// What was asked.
        url: String,
        /// What would do.
        least: u64,
        /// In which time.
        seconds: u64,
    },
    /// Nothing that can be read, where a `file:` URL leads.
    #[error("`{url}` cannot be read: {reason}; expected an image on the machine that runs reglaze")]
    NoFile {
        /// What it is.
        url: String,
        /// Why.
        reason: String,
        /// Whether nothing is there.
        is_gone: bool,
    },
    /// A page in place of a file.
    #[error("`{url}` answers with an HTML page; expected an image")]
    Page {
        /// What was asked.
        url: String,
    },
    /// A host that was tried often enough.
    #[error(
        "`{url}` was not asked for: {failed} documents in a row did not come from `{host}`; expected a host that answers, try again later"
    )]
    GivenUp {
        /// What would have been asked.
        url: String,
        /// Its host.
        host: String,
        /// How often it has failed.
        failed: usize,
    },
}

impl FetchError {
    /// Whether it is known not to be there (any more).
    pub const fn is_gone(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 404 | 410,
                ..
            } | Self::NoFile { is_gone: true, .. }
        )
    }
}

/// What a server says of when it will serve us, for people.
fn asked_back(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |pause| {
        format!(" and wants to be asked again after {} s", pause.as_secs())
    })
}

/// A URL for people: without credentials and without the query, which may be a signature.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Fails only for URLs without a host, which have no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// The first cause of a client's error: its own words name the URL as it was really asked.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if std::ptr::addr_eq(cause, error) {
        return "the request failed".to_owned();
    }
    cause.to_string()
}
