//! Why a call to GitHub failed, in one sentence with the remedy.
//!
//! No message holds a secret or a signed URL; what GitHub says is shortened and cleaned before it comes here.

use chrono::{DateTime, Utc};
use thiserror::Error;

/// Why a call to GitHub failed. Each but the first names in `doing` what was to be done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GithubError {
    /// No client, no calls.
    #[error(
        "no HTTP client for GitHub can be made: {reason}; expected CA certificates, from the system or `SSL_CERT_FILE`"
    )]
    Client {
        /// Why.
        reason: String,
    },
    /// No answer, and nothing has happened.
    #[error("could not {doing}: `{host}` cannot be reached: {reason}; try again later")]
    Unreachable {
        /// What was tried.
        doing: String,
        /// Who was called.
        host: String,
        /// Why.
        reason: String,
    },
    /// A write whose answer was lost or says nothing: it may have been done.
    #[error(
        "could not {doing}, or did it without knowing: `{host}` gave no clear answer: {reason}; the next run will look what is there"
    )]
    Unclear {
        /// What was tried.
        doing: String,
        /// Who was called.
        host: String,
        /// Why it is not known.
        reason: String,
    },
    /// A limit that lasts longer than may be waited; nothing has happened.
    #[error(
        "could not {doing}: GitHub's limit of requests is reached until {}; the next run after that goes on",
        until.format("%Y-%m-%d %H:%M:%S UTC")
    )]
    Limited {
        /// What was tried.
        doing: String,
        /// When it may be tried again.
        until: DateTime<Utc>,
    },
    /// A token that GitHub does not know.
    #[error(
        "could not {doing}: GitHub does not take the token ({message}); renew `GITHUB_TOKEN`, or the App's key"
    )]
    Unauthorized {
        /// What was tried.
        doing: String,
        /// GitHub's words.
        message: String,
    },
    /// A token that may not do this.
    #[error(
        "could not {doing}: GitHub answered `{message}`; give the token the permission `{permission}`"
    )]
    Forbidden {
        /// What was tried.
        doing: String,
        /// GitHub's words.
        message: String,
        /// What it takes, in the words of a workflow's `permissions:`.
        permission: &'static str,
    },
    /// The setting that keeps workflows from opening pull requests.
    #[error(
        "could not {doing}: workflows of this repository may not open pull requests; allow it under Settings, Actions, General, \"Allow GitHub Actions to create and approve pull requests\", which the organisation may forbid, or use a GitHub App"
    )]
    NotPermittedToCreatePullRequests {
        /// What was tried.
        doing: String,
    },
    /// Nothing there, or nothing that this token may see.
    #[error(
        "could not {doing}: GitHub knows nothing there; check that it exists and that the token may see it (`{permission}`)"
    )]
    NotFound {
        /// What was tried.
        doing: String,
        /// What it takes to see it.
        permission: &'static str,
    },
    /// What was to be made is there already.
    #[error("could not {doing}: it exists already ({message}); look for it, and change that")]
    Exists {
        /// What was tried.
        doing: String,
        /// GitHub's words.
        message: String,
    },
    /// A branch that is no longer where it was seen.
    #[error("could not {doing}: it has moved since it was seen ({message}); look again")]
    Moved {
        /// What was tried.
        doing: String,
        /// GitHub's words.
        message: String,
    },
    /// A text that is too long.
    #[error("could not {doing}: the text is too long ({message}); shorten it")]
    TooLong {
        /// What was tried.
        doing: String,
        /// GitHub's words.
        message: String,
    },
    /// A server without GraphQL.
    #[error(
        "could not {doing}: nothing speaks GraphQL at `{url}` ({found}); check `GITHUB_GRAPHQL_URL`"
    )]
    NoGraphql {
        /// What was tried.
        doing: String,
        /// Where it was looked for.
        url: String,
        /// What answered.
        found: String,
    },
    /// There is nothing that the merge would wait for.
    #[error("could not {doing}: there is nothing to wait for; merge it at once")]
    CleanStatus {
        /// What was tried.
        doing: String,
    },
    /// Checks that are not required have failed or still run.
    #[error(
        "could not {doing}: its checks are unstable; require them in the branch's protection, so that a merge can wait for them"
    )]
    UnstableStatus {
        /// What was tried.
        doing: String,
    },
    /// The repository allows no merge by itself.
    #[error(
        "could not {doing}: this repository does not allow it; tick \"Allow auto-merge\" under Settings, General, Pull Requests"
    )]
    AutoMergeNotAllowed {
        /// What was tried.
        doing: String,
    },
    /// A pull request that cannot be merged now.
    #[error("could not {doing}: GitHub answered `{message}`; see on its page what it waits for")]
    NotMergeable {
        /// What was tried.
        doing: String,
        /// GitHub's words.
        message: String,
    },
    /// The request is not accepted.
    #[error("could not {doing}: GitHub answered {status}: `{message}`")]
    Refused {
        /// What was tried.
        doing: String,
        /// The status; 200 where GraphQL says so in its body.
        status: u16,
        /// GitHub's words.
        message: String,
    },
    /// A server that fails to answer a question.
    #[error("could not {doing}: GitHub answered {status} time after time; try again later")]
    Failing {
        /// What was tried.
        doing: String,
        /// The status.
        status: u16,
    },
    /// An answer that is not what it should be.
    #[error("could not {doing}: `{host}` answered {found}; expected {expected}")]
    Malformed {
        /// What was tried.
        doing: String,
        /// Who answered.
        host: String,
        /// What came.
        found: String,
        /// What should have come.
        expected: &'static str,
    },
    /// An answer without end, or one far larger than it should be.
    #[error("could not {doing}: the answer is larger than {limit} bytes; expected at most that")]
    TooLarge {
        /// What was tried.
        doing: String,
        /// The limit.
        limit: u64,
    },
    /// More files than GitHub lists.
    #[error(
        "could not {doing}: the repository has more files than GitHub lists at once; put the definitions into a repository of their own"
    )]
    TooManyFiles {
        /// What was tried.
        doing: String,
    },
    /// A file that is no text.
    #[error("could not {doing}: the content `{blob}` is no text in UTF-8; expected a text file")]
    NotText {
        /// What was tried.
        doing: String,
        /// Its name in git.
        blob: String,
    },
    /// A way to where the token must not go.
    #[error(
        "could not {doing}: `{host}` leads to `{target}`; expected to stay where `GITHUB_API_URL` says"
    )]
    LeadsElsewhere {
        /// What was tried.
        doing: String,
        /// Who answered.
        host: String,
        /// The host that it names.
        target: String,
    },
    /// An App that is not installed there, or has not the permissions that it takes.
    #[error(
        "could not {doing}: {message}; install the App on this repository with `contents: write` and `pull-requests: write`"
    )]
    App {
        /// What was tried.
        doing: String,
        /// Why.
        message: String,
    },
}

impl GithubError {
    /// The same, where more is to be done than what was refused: one sentence names all that it takes.
    #[must_use]
    pub fn needs(mut self, more: &'static str) -> Self {
        if let Self::Forbidden { permission, .. } | Self::NotFound { permission, .. } = &mut self {
            *permission = more;
        }
        self
    }

    /// Says whether nothing is there, or nothing that may be seen.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Says whether it may have been done all the same.
    pub const fn is_unclear(&self) -> bool {
        matches!(self, Self::Unclear { .. })
    }

    /// Says whether nothing else can succeed in this run: the token, the limit or the way is at fault.
    pub const fn is_for_all(&self) -> bool {
        matches!(
            self,
            Self::Client { .. }
                | Self::Unauthorized { .. }
                | Self::Limited { .. }
                | Self::App { .. }
        )
    }
}
