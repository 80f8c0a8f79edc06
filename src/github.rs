//! A repository at GitHub, through its API alone: branches, commits, pull requests, comments.
//!
//! Each method is one call, for lists one for each page. It knows how, never whether: limits are waited for
//! ([`Patience`]), answers are kept for conditional requests, and what fails is a [`GithubError`] with its remedy.
//! Facts about the API: <https://docs.github.com/en/rest>, version 2022-11-28.

mod about;
mod answer;
mod artifacts;
mod bearer;
mod branches;
mod cache;
mod call;
mod client;
mod commits;
mod count;
mod credentials;
mod error;
mod files;
mod git_data;
mod graphql;
mod issues;
mod limits;
mod links;
mod lost;
mod place;
mod pull_requests;
mod redirect;
mod refusal;
mod shapes;
#[cfg(test)]
mod tests;

use std::path::Path;

use secrecy::SecretString;
use tokio::sync::OnceCell;
use url::Url;

use bearer::below;
use client::Client;
pub use count::Requests;
pub use credentials::{App, Credentials, CredentialsError, TokenKind};
pub use error::GithubError;
pub use limits::Patience;
pub use place::{Place, PlaceError};

/// A repository at GitHub.
#[derive(Debug)]
pub struct Repository {
    place: Place,
    client: Client,
    /// The ID that GraphQL wants.
    node_id: OnceCell<String>,
}

impl Repository {
    /// Makes the client and, for an App, logs in. Fails with [`GithubError`].
    pub async fn connect(
        place: Place,
        credentials: Credentials,
        patience: Patience,
    ) -> Result<Self, GithubError> {
        let client = Client::new(place.clone(), credentials, patience)?;
        client.bearer().token(&client, "log in to GitHub").await?;
        Ok(Self {
            place,
            client,
            node_id: OnceCell::new(),
        })
    }

    /// The same with a folder for answers of earlier runs, which may be lost.
    #[must_use]
    pub fn with_cache(mut self, folder: Option<&Path>) -> Self {
        if let Some(folder) = folder {
            self.client.keep(folder, &self.place);
        }
        self
    }

    /// The same at another pace.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.client.pace(patience);
        self
    }

    /// Gives where it is.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Gives whose the token is, as far as it tells.
    pub fn credentials(&self) -> &Credentials {
        self.client.bearer().credentials()
    }

    /// Gives all that must not be seen in a log, the tokens that an App was given included.
    pub fn secrets(&self) -> Vec<SecretString> {
        self.client.bearer().secrets()
    }

    /// Gives what the run has cost so far.
    pub fn requests(&self) -> Requests {
        self.client.requests()
    }

    /// A URL below that of the repository; the steps of `path` are escaped.
    fn url(&self, path: &str) -> Url {
        let root = format!("repos/{}", self.place.full_name());
        let path = if path.is_empty() {
            root
        } else {
            format!("{root}/{path}")
        };
        below(&self.place.api, &path)
    }

    /// The same with a query.
    fn url_with(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        url
    }
}
