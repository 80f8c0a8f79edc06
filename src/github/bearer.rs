//! The header by which a call shows who speaks; an App's token is asked for when it is first needed, and again in time.

use std::sync::PoisonError;
use std::time::Duration;

use http::Method;
use http::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::call::Call;
use super::client::Client;
use super::credentials::{App, Credentials};
use super::error::GithubError;
use super::place::Place;
use crate::log;

/// GitHub gives such a token for an hour; it is not used to its last minute.
const LIFE: Duration = Duration::from_mins(50);

/// What a run needs, and what it can do without.
const NEEDED: [(&str, &str); 3] = [
    ("contents", "write"),
    ("pull_requests", "write"),
    ("metadata", "read"),
];
const WISHED: [(&str, &str); 2] = [("issues", "write"), ("actions", "read")];

/// Who speaks.
#[derive(Debug)]
pub(super) struct Bearer {
    credentials: Credentials,
    /// The installation's token, if an App speaks.
    held: Mutex<Option<Held>>,
    /// All that were ever held.
    seen: std::sync::Mutex<Vec<SecretString>>,
    place: Place,
}

#[derive(Debug)]
struct Held {
    header: HeaderValue,
    until: Instant,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
    #[serde(default)]
    permissions: Map<String, Value>,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

impl Bearer {
    /// Credentials, and the place for which an App's token is.
    pub(super) fn new(credentials: Credentials, place: Place) -> Self {
        Self {
            credentials,
            place,
            held: Mutex::default(),
            seen: std::sync::Mutex::default(),
        }
    }

    pub(super) const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(super) fn identity(&self) -> String {
        self.credentials.identity()
    }

    /// All secrets so far.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut secrets = self.credentials.secrets();
        secrets.extend(seen.iter().cloned());
        secrets
    }

    /// The header of the App itself.
    pub(super) fn app(&self, doing: &str) -> Result<HeaderValue, GithubError> {
        let failed = |message: &str| GithubError::App {
            doing: doing.to_owned(),
            message: message.to_owned(),
        };
        let Credentials::App(app) = &self.credentials else {
            return Err(failed("there is no App"));
        };
        let jwt = app
            .jwt()
            .ok_or_else(|| failed("the App's key cannot sign"))?;
        let header = header(&jwt).ok_or_else(|| failed("the App's key cannot sign"));
        self.see(jwt);
        header
    }

    /// Remembers a secret that the runner does not know, and has it hidden before it is used.
    fn see(&self, secret: SecretString) {
        if self.place.is_action {
            log::hide(&secret);
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(secret);
    }

    /// The header of the token.
    pub(super) async fn token(
        &self,
        client: &Client,
        doing: &str,
    ) -> Result<HeaderValue, GithubError> {
        let app = match &self.credentials {
            Credentials::App(app) => app,
            Credentials::Token { token, .. } => {
                return header(token).ok_or_else(|| GithubError::Unauthorized {
                    doing: doing.to_owned(),
                    message: "it holds characters that no header can carry".to_owned(),
                });
            }
        };
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.until > Instant::now()) {
            return Ok(held.header.clone());
        }
        let token = self.installation_token(client, app).await?;
        let header = header(&token);
        self.see(token);
        let header = header.ok_or_else(|| GithubError::App {
            doing: doing.to_owned(),
            message: "GitHub gave a token that no header can carry".to_owned(),
        })?;
        *held = Some(Held {
            header: header.clone(),
            until: Instant::now() + LIFE,
        });
        Ok(header)
    }

    /// Asks for a token of the installation, for this repository and with the least permissions.
    async fn installation_token(
        &self,
        client: &Client,
        app: &App,
    ) -> Result<SecretString, GithubError> {
        let doing = "log in as a GitHub App";
        let failed = |message: String| GithubError::App {
            doing: doing.to_owned(),
            message,
        };
        let repository = self.place.full_name();
        let (id, wished) = if let Some(id) = app.installation {
            (id, WISHED.to_vec())
        } else {
            let path = format!("repos/{repository}/installation");
            let url = below(&self.place.api, &path);
            let call = Call::get(doing, "metadata: read", url).by_app();
            let found: Installation = match client.send_as(&call, &self.app(doing)?).await {
                Ok(answer) => answer.json(&call)?,
                Err(GithubError::NotFound { .. }) => {
                    return Err(failed(format!("it is not installed on `{repository}`")));
                }
                Err(error) => return Err(error),
            };
            let has = |(name, _): &(&str, &str)| found.permissions.contains_key(*name);
            (found.id, WISHED.into_iter().filter(has).collect())
        };
        match self.ask(client, id, &wished).await {
            // An installation that does not have all of them gives none.
            Err(GithubError::Refused { status: 422, .. }) if !wished.is_empty() => {
                self.ask(client, id, &[]).await
            }
            asked => asked,
        }
        .map_err(|error| match error {
            GithubError::Refused { message, .. } => failed(format!("GitHub answered `{message}`")),
            GithubError::NotFound { .. } => failed(format!("it has no installation `{id}`")),
            error => error,
        })
    }

    async fn ask(
        &self,
        client: &Client,
        id: u64,
        wished: &[(&str, &str)],
    ) -> Result<SecretString, GithubError> {
        let doing = "log in as a GitHub App";
        let permissions: Map<String, Value> = NEEDED
            .iter()
            .chain(wished)
            .map(|(name, level)| ((*name).to_owned(), json!(level)))
            .collect();
        let call = Call::write(
            doing,
            "contents: write",
            Method::POST,
            below(
                &self.place.api,
                &format!("app/installations/{id}/access_tokens"),
            ),
            Some(json!({"repositories": [self.place.name], "permissions": permissions})),
        )
        .by_app();
        let answer = client.send_as(&call, &self.app(doing)?).await?;
        let token: Token = answer.json(&call)?;
        Ok(SecretString::from(token.token))
    }
}

/// A URL below another, each step of `path` escaped.
pub(super) fn below(root: &Url, path: &str) -> Url {
    let mut url = root.clone();
    // Fails only for URLs that cannot be a base, which a `Place` never has.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url
}

fn header(secret: &SecretString) -> Option<HeaderValue> {
    let text = format!("Bearer {}", secret.expose_secret());
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
