//! What the repository is, and who speaks to it.

use serde::Deserialize;
use serde_json::json;

use super::bearer::below;
use super::call::Call;
use super::credentials::{Credentials, TokenKind};
use super::shapes::{self, User};
use super::{GithubError, Repository, graphql};
use crate::domain::forge::About;
use crate::domain::forge_limits::Kind;

/// The login of a job's own token.
const ACTIONS: &str = "github-actions[bot]";

#[derive(Deserialize)]
struct App {
    slug: String,
}

#[derive(Deserialize)]
struct Viewer {
    viewer: User,
}

#[derive(Deserialize)]
struct Milestone {
    number: u64,
    title: String,
}

impl Repository {
    /// Asks what the repository is. Fails with [`GithubError`].
    pub async fn about(&self) -> Result<About, GithubError> {
        let doing = format!("ask for the repository `{}`", self.place.full_name());
        let call = Call::get(doing, "contents: read", self.url(""));
        let about: About = self.client.get::<shapes::About>(call).await?.into();
        // Whoever was first has said the same.
        let _ = self.node_id.set(about.node_id.clone());
        Ok(about)
    }

    /// The ID that GraphQL wants, asked for once.
    pub(super) async fn node_id(&self) -> Result<String, GithubError> {
        match self.node_id.get() {
            Some(id) => Ok(id.clone()),
            None => Ok(self.about().await?.node_id),
        }
    }

    /// Asks under which login the token speaks. Fails with [`GithubError`].
    pub async fn login(&self) -> Result<String, GithubError> {
        let doing = "ask who the token is of";
        match self.credentials() {
            Credentials::App(_) => {
                let url = below(&self.place.api, "app");
                let call = Call::get(doing, "metadata: read", url).by_app();
                let app: App = self.client.get(call).await?;
                Ok(format!("{}[bot]", app.slug))
            }
            Credentials::Token {
                kind: TokenKind::Personal,
                ..
            } => {
                let url = below(&self.place.api, "user");
                let call = Call::get(doing, "metadata: read", url);
                Ok(self.client.get::<User>(call).await?.login)
            }
            Credentials::Token { .. } => self.viewer(doing).await,
        }
    }

    /// Says whether the token is a job's own, whose deeds start no workflows; one of an App looks the same there.
    ///
    /// Asked only where it is not known, and taken for a job's own where nobody says.
    pub async fn has_a_jobs_token(&self) -> bool {
        let may_be = matches!(
            self.credentials(),
            Credentials::Token {
                kind: TokenKind::Actions,
                ..
            }
        );
        may_be && self.login().await.map_or(true, |login| login == ACTIONS)
    }

    /// The login of an installation's token, which REST tells nobody. That of a job's own is known without an answer.
    async fn viewer(&self, doing: &str) -> Result<String, GithubError> {
        let asked = self
            .graphql::<Viewer>(
                doing,
                "metadata: read",
                Kind::Read,
                graphql::VIEWER,
                json!({}),
            )
            .await;
        match asked {
            Ok(found) if found.viewer.login.ends_with("[bot]") => Ok(found.viewer.login),
            Ok(found) => Ok(format!("{}[bot]", found.viewer.login)),
            Err(
                GithubError::NoGraphql { .. }
                | GithubError::Forbidden { .. }
                | GithubError::NotFound { .. }
                | GithubError::Refused { .. }
                | GithubError::Malformed { .. },
            ) => Ok(ACTIONS.to_owned()),
            Err(error) => Err(error),
        }
    }

    /// Asks for the number of an open milestone, if there is one of this title. Fails with [`GithubError`].
    pub async fn milestone(&self, title: &str) -> Result<Option<u64>, GithubError> {
        let doing = format!("look for the milestone `{title}`");
        let query = [("state", "open"), ("per_page", "100")];
        let call = Call::get(doing, "issues: read", self.url_with("milestones", &query));
        let found: Vec<Milestone> = self.client.all(call, |page| page).await?;
        Ok(found
            .into_iter()
            .find(|milestone| milestone.title == title)
            .map(|milestone| milestone.number))
    }
}
