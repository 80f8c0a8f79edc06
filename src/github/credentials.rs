//! Who speaks to GitHub: by a token, or as a GitHub App with its key.
//!
//! Nothing here is ever printed; what a log must hide is given to whoever writes it.
//!
//! What a token must be allowed, in the words of a workflow's `permissions:`; a private repository is the strict case, in
//! a public one everybody may read. `tests/it/github/permissions.rs` holds this.
//!
//! | for | permission |
//! | --- | --- |
//! | branches, commits, moving and deleting branches, merging | `contents: write` |
//! | pull requests: open, edit, close, comment, labels, assignees, reviewers, automerge | `pull-requests: write` |
//! | finding and writing the dashboard, which is an issue | `issues: write` |
//! | the milestone, by its title | `issues: read` |
//! | finding the plan that a review has left behind | `actions: read` |
//! | asking who the token is of | `metadata: read`, which every token has |
//!
//! The first two are all that `update --pull-request` must have; without the others it does the rest and says what is
//! missing. An App asks for these two and takes the others only if its installation has them. A job's own token also
//! needs the setting "Allow GitHub Actions to create and approve pull requests".

use std::collections::BTreeMap;

use octocrab::auth::EncodingKey;
use octocrab::models::AppId;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::domain::checksum::hex;

/// Lines of a key that are shorter say nothing, and hiding them would hide ordinary words.
const SHORTEST: usize = 8;

/// A token, or an App.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A token that somebody made.
    Token {
        /// The token.
        token: SecretString,
        /// Whose it is.
        kind: TokenKind,
    },
    /// An App, which makes its tokens itself.
    App(App),
}

/// Whose a token is, as far as the token tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// That of the job (`GITHUB_TOKEN`): what it does starts no other workflow.
    ///
    /// One that an App has made looks the same until GitHub is asked for the login.
    Actions,
    /// That of an App's installation, outside of a job.
    Installation,
    /// That of a person.
    Personal,
}

/// A GitHub App.
#[derive(Clone)]
pub struct App {
    /// Its number.
    pub id: u64,
    /// The number of its installation, if it is known.
    pub installation: Option<u64>,
    /// Its private key.
    key: SecretString,
    /// The same, ready for use.
    signing: EncodingKey,
}

impl std::fmt::Debug for App {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("App")
            .field("id", &self.id)
            .field("installation", &self.installation)
            .finish_non_exhaustive()
    }
}

/// The environment holds no credentials that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// None at all.
    #[error(
        "there is no token for GitHub; set `GITHUB_TOKEN`, in a workflow to `${{{{ github.token }}}}`, or `REGLAZE_GITHUB_APP_ID` and `REGLAZE_GITHUB_APP_KEY`"
    )]
    None,
    /// What no header can carry.
    #[error(
        "`GITHUB_TOKEN` holds characters that no token has; expected one line of letters, digits and `_`"
    )]
    Token,
    /// Half an App.
    #[error("`{present}` is set and `{missing}` is not; expected both, or none")]
    HalfAnApp {
        /// What there is.
        present: &'static str,
        /// What there is not.
        missing: &'static str,
    },
    /// Something else than a number.
    #[error("`{variable}` is no number; expected {expected}")]
    NoNumber {
        /// The variable.
        variable: &'static str,
        /// What would do.
        expected: &'static str,
    },
    /// Something else than a key.
    #[error(
        "`REGLAZE_GITHUB_APP_KEY` is no private RSA key; expected the whole text of the App's `.pem` file, from its BEGIN line to its END line"
    )]
    Key,
}

const ID: &str = "REGLAZE_GITHUB_APP_ID";
const KEY: &str = "REGLAZE_GITHUB_APP_KEY";
const INSTALLATION: &str = "REGLAZE_GITHUB_APP_INSTALLATION";

impl Credentials {
    /// Reads them from environment variables; an App goes before a token. Fails with [`CredentialsError`].
    pub fn from_environment(
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, CredentialsError> {
        let text = |name: &str| {
            let value = environment.get(name)?.trim();
            (!value.is_empty()).then_some(value)
        };
        match (text(ID), text(KEY)) {
            (Some(id), Some(key)) => return App::new(id, key, text(INSTALLATION)).map(Self::App),
            (Some(_), None) => {
                return Err(CredentialsError::HalfAnApp {
                    present: ID,
                    missing: KEY,
                });
            }
            (None, Some(_)) => {
                return Err(CredentialsError::HalfAnApp {
                    present: KEY,
                    missing: ID,
                });
            }
            (None, None) => {}
        }
        let token = text("GITHUB_TOKEN").ok_or(CredentialsError::None)?;
        Self::token(token, text("GITHUB_ACTIONS") == Some("true"))
    }

    /// Takes a token, and whether this is a job of GitHub Actions. Fails with [`CredentialsError`].
    pub fn token(token: &str, is_action: bool) -> Result<Self, CredentialsError> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialsError::Token);
        }
        let kind = match (token.starts_with("ghs_"), is_action) {
            (true, true) => TokenKind::Actions,
            (true, false) => TokenKind::Installation,
            (false, _) => TokenKind::Personal,
        };
        Ok(Self::Token {
            token: SecretString::from(token.to_owned()),
            kind,
        })
    }

    /// Gives what must not be seen in a log: each secret, line by line.
    pub fn secrets(&self) -> Vec<SecretString> {
        match self {
            Self::Token { token, .. } => vec![token.clone()],
            Self::App(app) => app
                .key
                .expose_secret()
                .lines()
                .map(str::trim)
                .filter(|line| line.len() >= SHORTEST && !line.starts_with("-----"))
                .map(|line| SecretString::from(line.to_owned()))
                .collect(),
        }
    }

    /// Says whose answers a cache holds, without telling a secret: what one may see another may not.
    ///
    /// The token of a job lives as long as the job, so it counts as that of all jobs of its repository.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Token {
                kind: TokenKind::Actions,
                ..
            } => "actions".to_owned(),
            Self::Token { token, .. } => hex(&Sha256::digest(token.expose_secret().as_bytes())),
            Self::App(app) => format!("app {}", app.id),
        }
    }
}

impl App {
    /// Takes its number, its key and the number of its installation. Fails with [`CredentialsError`].
    fn new(id: &str, key: &str, installation: Option<&str>) -> Result<Self, CredentialsError> {
        let number = |text: &str, variable, expected| {
            text.parse()
                .map_err(|_| CredentialsError::NoNumber { variable, expected })
        };
        // Where a variable can have one line only, people write the line breaks out.
        let key = key.replace("\\r", "").replace("\\n", "\n");
        let signing =
            EncodingKey::from_rsa_pem(key.as_bytes()).map_err(|_| CredentialsError::Key)?;
        Ok(Self {
            id: number(id, ID, "the App ID of the App's settings page")?,
            installation: installation
                .map(|text| {
                    number(
                        text,
                        INSTALLATION,
                        "the number at the end of the URL of the installation's page",
                    )
                })
                .transpose()?,
            key: SecretString::from(key),
            signing,
        })
    }

    /// Makes the token by which the App itself speaks, for some minutes; nothing if the key cannot sign.
    pub(super) fn jwt(&self) -> Option<SecretString> {
        octocrab::auth::create_jwt(AppId(self.id), &self.signing)
            .ok()
            .map(SecretString::from)
    }
}
