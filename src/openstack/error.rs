//! Why a call to a cloud failed, in one sentence with the remedy.
//!
//! No message holds a token or a password; what servers say is shortened and cleaned before it comes here.

use std::error::Error as _;
use std::time::Duration;

use thiserror::Error;

use crate::domain::import::Failure;

/// Why a call to a cloud failed.
#[derive(Debug, Error)]
pub enum Error {
    /// Keystone does not know the credentials.
    #[error(
        "{who} cannot log in to cloud `{cloud}`: Keystone at `{url}` answered {status}; check {keys} in {file}"
    )]
    Login {
        /// The cloud's name.
        cloud: String,
        /// Who tried.
        who: String,
        /// Keystone.
        url: String,
        /// 401, or the 404 that it says of a credential that it does not know.
        status: u16,
        /// The keys of the cloud file that may be wrong.
        keys: &'static str,
        /// Where they stand.
        file: String,
    },
    /// The token is of no project, so Glance would refuse everything.
    #[error(
        "the login to cloud `{cloud}` is for no project, and images belong to one; set `project_name` in {file}"
    )]
    NoProject {
        /// The cloud's name.
        cloud: String,
        /// Where it is described.
        file: String,
    },
    /// The catalogue has no fitting endpoint.
    #[error(
        "cloud `{cloud}` has no {service} service {wanted}; its catalogue has {available}; check `region_name` and `interface` in {file}, or set `{service}_endpoint_override` there"
    )]
    NoService {
        /// The cloud's name.
        cloud: String,
        /// `image`.
        service: &'static str,
        /// Region and interfaces that were asked for.
        wanted: String,
        /// What there is.
        available: String,
        /// Where the cloud is described.
        file: String,
    },
    /// What answers is not the service that was expected.
    #[error("`{url}` does not answer as {expected}: {found}; check `{key}` in {file}")]
    NotTheService {
        /// What was asked.
        url: String,
        /// Who should have answered.
        expected: &'static str,
        /// What came.
        found: String,
        /// The key that led there.
        key: &'static str,
        /// Where it stands.
        file: String,
    },
    /// A file for TLS cannot be used.
    #[error("`{path}`, which `{key}` in {file} names, {problem}")]
    TlsFile {
        /// The file.
        path: String,
        /// The key that names it.
        key: &'static str,
        /// Where that stands.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No HTTP client could be built.
    #[error(
        "no HTTP client can be set up; are CA certificates installed (package ca-certificates)?"
    )]
    Client(#[source] reqwest::Error),
    /// The server's certificate is not trusted.
    #[error(
        "`{url}` has no certificate that is trusted; name its authority's file as `cacert` in {file}"
    )]
    Untrusted {
        /// Who was called.
        url: String,
        /// Where the cloud is described.
        file: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The call did not get through, or its answer did not come to its end.
    #[error("could not {doing}: no complete answer from `{url}`")]
    Unreachable {
        /// What was tried.
        doing: String,
        /// Who was called.
        url: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The answer took too long.
    #[error("could not {doing}: `{url}` did not answer within {} s; `api_timeout` in the cloud's description sets how long to wait", within.as_secs())]
    Timeout {
        /// What was tried.
        doing: String,
        /// Who was called.
        url: String,
        /// How long was waited.
        within: Duration,
    },
    /// The service answered that it will not.
    #[error(
        "could not {doing}: {service} answered {status}{}{}",
        colon(message),
        semicolon(remedy)
    )]
    Refused {
        /// What was tried.
        doing: String,
        /// `Glance` or `Keystone`.
        service: &'static str,
        /// The HTTP status.
        status: u16,
        /// The service's own words, cleaned and shortened.
        message: String,
        /// What can be done about it.
        remedy: String,
    },
    /// The answer is not what it should be.
    #[error("could not {doing}: `{url}` answered {found}, expected {expected}")]
    Malformed {
        /// What was tried.
        doing: String,
        /// Who was called.
        url: String,
        /// What came.
        found: String,
        /// What should have come.
        expected: &'static str,
    },
    /// The settings name something that the cloud does not have.
    #[error("cloud `{cloud}` has no {kind} `{name}`; check `boot.{kind}` in the settings")]
    NoSuchThing {
        /// `flavor` or `network`.
        kind: &'static str,
        /// What was looked for.
        name: String,
        /// The cloud's name.
        cloud: String,
    },
    /// The settings name something of which the cloud has several.
    #[error(
        "cloud `{cloud}` has more than one {kind} `{name}`; give its ID as `boot.{kind}` in the settings"
    )]
    Ambiguous {
        /// `network`.
        kind: &'static str,
        /// What was looked for.
        name: String,
        /// The cloud's name.
        cloud: String,
    },
    /// The data to upload ended with an error of its own; Glance got no complete image.
    #[error("the data for image `{id}` broke off; it stays without data")]
    DataBrokeOff {
        /// The image.
        id: String,
        /// Why, in the words of whoever made the data.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection broke while data flowed, and no answer was read from it.
    ///
    /// A server that refuses in the middle answers and hangs up. Whoever is writing at that instant learns
    /// of the second only, so what the image is afterwards tells the reason as far as it can be known.
    #[error("could not {doing}: the connection broke in the middle; the image is {state}")]
    Interrupted {
        /// What was tried.
        doing: String,
        /// What the image is now.
        state: String,
        /// 404 if it is gone, 409 if it takes no data, else none.
        status: Option<u16>,
        /// The cause.
        source: reqwest::Error,
    },
    /// Nothing moved for too long.
    #[error(
        "the transfer of image `{id}` stood still for {} s, though there was more to send or to take; look at Glance and its \
         store, and run again", after.as_secs()
    )]
    Stalled {
        /// The image.
        id: String,
        /// How long.
        after: Duration,
    },
    /// The image did not become usable.
    #[error("image `{id}` did not become active: it is {state}")]
    NotActive {
        /// The image.
        id: String,
        /// What it is instead.
        state: String,
    },
    /// An import did not reach its goal, though Glance had taken it.
    #[error("the import into image `{id}` came to nothing: {failure}")]
    Import {
        /// The image.
        id: String,
        /// Why, as far as Glance shows it.
        failure: Failure,
    },
}

impl Error {
    /// Gives the HTTP status that a service refused with.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Login { status, .. } => Some(*status),
            Self::Interrupted { status, .. } => *status,
            _ => None,
        }
    }

    /// Gives how an import failed that Glance had taken.
    pub fn import_failure(&self) -> Option<&Failure> {
        match self {
            Self::Import { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// Says whether what was asked for is not there (404), or went away meanwhile (410).
    pub fn is_gone(&self) -> bool {
        matches!(self.status(), Some(404 | 410))
    }

    /// Says whether it is not allowed (403).
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// Says whether it does not fit the present state, or an ID was used before (409).
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }

    /// Sorts a failed call by its cause.
    pub(super) fn of_call(
        error: reqwest::Error,
        doing: &str,
        url: &str,
        file: &str,
        within: Duration,
    ) -> Self {
        let (doing, url) = (doing.to_owned(), url.to_owned());
        let source = error.without_url();
        if source.is_timeout() {
            return Self::Timeout { doing, url, within };
        }
        if is_untrusted(&source) {
            let file = file.to_owned();
            return Self::Untrusted { url, file, source };
        }
        Self::Unreachable { doing, url, source }
    }
}

/// Says whether a call failed because the server's certificate is not trusted, which no repetition heals.
pub(super) fn is_untrusted(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.to_string().contains("invalid peer certificate") {
            return true;
        }
        cause = error.source();
    }
    false
}

fn colon(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" (`{text}`)")
    }
}

fn semicolon(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("; {text}")
    }
}
