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
    /// An image that ends too early for good.
    #[error(
        "`{url}` broke off at byte {at}{size}: {why}; expected the rest of it, so run again, or name another place in \
         `mirror_url`", size = of(*size)
    )]
    BrokeOff {
        /// What was asked.
        url: String,
        /// How much of it came.
        at: u64,
        /// How much there is.
        size: Option<u64>,
        /// Why, and why the last try to go on failed.
        why: String,
    },
    /// Another file under the same name.
    #[error(
        "`{url}` changed while it was fetched: {was} became {is}; expected one file, so run again once it is left alone"
    )]
    Changed {
        /// What was asked.
        url: String,
        /// What was said of it first.
        was: String,
        /// What is said of it now.
        is: String,
    },
    /// A copy that cannot be one.
    #[error(
        "`{url}` is no copy of what was begun elsewhere: it has {is} where that has {was}; expected the same file"
    )]
    OtherFile {
        /// What was asked.
        url: String,
        /// What the other place said.
        was: String,
        /// What this one says.
        is: String,
    },
    /// An answer that makes no sense.
    #[error("`{url}` answered with {found}; expected {expected}")]
    Odd {
        /// What was asked.
        url: String,
        /// What came.
        found: String,
        /// What should have come.
        expected: String,
    },
    /// Several places, and not one of them gives the image.
    #[error(
        "none of {} places gave the {}: {}; expected one of them to have it, so put it back there, or name another place in \
         `mirror_url`", reasons.len(), rest(*at, *size), listed(reasons)
    )]
    Nowhere {
        /// How much of it came.
        at: u64,
        /// How much there is.
        size: Option<u64>,
        /// What each of them said.
        reasons: Vec<FetchError>,
    },
    /// Nobody said where.
    #[error("the image has no place to come from; expected a `url` or a `mirror_url`")]
    NoPlace,
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
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 404 | 410),
            Self::NoFile { is_gone, .. } => *is_gone,
            Self::Nowhere { reasons, .. } => reasons.iter().all(Self::is_gone),
            _ => false,
        }
    }

    /// The same of an image of which a part is there already, and which broke off for this `cause`.
    pub(super) fn in_the_middle(self, cause: &Self, at: u64, size: Option<u64>) -> Self {
        let (Self::Status { url, .. }
        | Self::NotHttps { url, .. }
        | Self::TooManyRedirects { url, .. }
        | Self::Unreachable { url, .. }
        | Self::Cut { url, .. }
        | Self::TooSlow { url, .. }
        | Self::Trickles { url, .. }
        | Self::Page { url }
        | Self::Odd { url, .. }) = &self
        else {
            // The others tell it themselves.
            return self;
        };
        let of_it = |error: &Self| {
            let happening = error.happening();
            let rest = happening.strip_prefix(&format!("`{url}` "));
            rest.map(|rest| format!("it {rest}")).unwrap_or(happening)
        };
        Self::BrokeOff {
            why: why(&of_it(cause), &of_it(&self)),
            url: url.clone(),
            at,
            size,
        }
    }

    /// What happened, without what was expected: for a sentence that says that itself.
    pub(super) fn happening(&self) -> String {
        let text = self.to_string();
        match text.split_once("; expected") {
            Some((happening, _)) => happening.to_owned(),
            None => text,
        }
    }
}

/// How much there is, for people.
fn of(size: Option<u64>) -> String {
    size.map_or_else(String::new, |size| format!(" of {size}"))
}

fn why(cause: &str, reason: &str) -> String {
    if cause == reason {
        return format!("{cause}, and so did each try to go on from there");
    }
    format!("{cause}, and going on from there failed: {reason}")
}

fn rest(at: u64, size: Option<u64>) -> String {
    match at {
        0 => "image".to_owned(),
        at => format!("image beyond byte {at}{}", of(size)),
    }
}

/// Each reason names its place.
fn listed(reasons: &[FetchError]) -> String {
    let reasons: Vec<_> = reasons.iter().map(FetchError::happening).collect();
    reasons.join(", and ")
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
