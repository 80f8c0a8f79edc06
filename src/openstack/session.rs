//! One login to one cloud: the token, its renewal, and calls that carry it.
//!
//! Knows what may be repeated and for how long; what a service's answers mean is for the service's module.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::answer::Answer;
use super::client;
use super::config::{Cloud, Credential, Login};
use super::error::Error;
pub use super::token::Project;
use super::token::{self, Token};

/// How long one call may take where the cloud's description does not say it.
const TIMEOUT: Duration = Duration::from_mins(1);

/// How often and how long a call is repeated that did no harm.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    /// How many times at most, the first included.
    pub attempts: u32,
    /// The wait before the second; each later one is twice as long.
    pub first_wait: Duration,
    /// Nothing is repeated later than this after the first.
    pub within: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_wait: Duration::from_millis(250),
            within: Duration::from_secs(90),
        }
    }
}

/// A login to one cloud. Shared by its services; may be used by many tasks at once.
#[derive(Debug)]
pub struct Session {
    cloud: Cloud,
    http: reqwest::Client,
    token: RwLock<Arc<Token>>,
    renewal: tokio::sync::Mutex<()>,
    retries: Retries,
}

/// A call whose body, if any, is JSON, so that it can be sent again.
#[derive(Debug)]
pub(super) struct Call {
    pub method: Method,
    pub url: Url,
    /// What it does, as in "could not …".
    pub doing: String,
    pub json: Option<(&'static str, Value)>,
}

impl Call {
    pub fn new(method: Method, url: Url, doing: impl Into<String>) -> Self {
        Self {
            method,
            url,
            doing: doing.into(),
            json: None,
        }
    }

    pub fn with_json(mut self, body: Value) -> Self {
        self.json = Some(("application/json", body));
        self
    }
}

impl Session {
    /// Logs in to the cloud: one call to Keystone.
    pub async fn login(cloud: Cloud) -> Result<Self, Error> {
        Self::login_with(cloud, Retries::default()).await
    }

    /// Logs in to the cloud, and repeats calls as `retries` says.
    pub async fn login_with(cloud: Cloud, retries: Retries) -> Result<Self, Error> {
        let http = client::build(&cloud)?;
        let token = new_token(&http, &cloud, retries).await?;
        Ok(Self {
            cloud,
            http,
            token: RwLock::new(Arc::new(token)),
            renewal: tokio::sync::Mutex::new(()),
            retries,
        })
    }

    /// Gives the cloud that this is a login to.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Gives the project that the token is for.
    pub fn project(&self) -> Result<Project, Error> {
        self.token()
            .project
            .clone()
            .ok_or_else(|| Error::NoProject {
                cloud: self.cloud.name.clone(),
                file: self.cloud.described_in.clone(),
            })
    }

    /// Gives the roles that the user has in that project.
    pub fn roles(&self) -> Vec<String> {
        self.token().roles.clone()
    }

    /// Renews the token if it ends within `left`: what cannot be sent twice should not meet a 401.
    pub async fn keep_for(&self, left: Duration) -> Result<(), Error> {
        let token = self.token();
        let ends = (token.expires_at - now()).to_std().unwrap_or_default();
        if ends < left {
            self.renewed(&token).await?;
        }
        Ok(())
    }

    /// Gives the image service's URL: what the cloud's description says, else the catalogue.
    pub(super) fn image_endpoint(&self) -> Result<Url, Error> {
        if let Some(url) = &self.cloud.image_endpoint {
            return Ok(url.clone());
        }
        self.token()
            .endpoint(
                "image",
                self.cloud.region.as_deref(),
                &self.cloud.interfaces,
            )
            .map_err(|none| Error::NoService {
                cloud: self.cloud.name.clone(),
                service: "image",
                wanted: none.wanted,
                available: none.available,
                file: self.cloud.described_in.clone(),
            })
    }

    /// Makes a call without a token, which version discovery does not need.
    pub(super) async fn send_without_token(&self, call: &Call) -> Result<Answer, Error> {
        repeated(&self.http, &self.cloud, self.retries, call, None).await
    }

    /// Makes a call. After a 401 the token is renewed, once, and the call made again.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let token = self.token();
        let answer = repeated(
            &self.http,
            &self.cloud,
            self.retries,
            call,
            Some(&token.value),
        )
        .await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let token = self.renewed(&token).await?;
        repeated(
            &self.http,
            &self.cloud,
            self.retries,
            call,
            Some(&token.value),
        )
        .await
    }

    /// Begins a call whose body is a stream, which can be sent once only.
    pub(super) fn streaming(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.http
            .request(method, url)
            .headers(headers(Some(&self.token().value)))
    }

    /// Gives `token`'s successor: a new one, or the one that another task has got meanwhile.
    pub(super) async fn renewed(&self, token: &Arc<Token>) -> Result<Arc<Token>, Error> {
        let _only_one_at_a_time = self.renewal.lock().await;
        let current = self.token();
        if !Arc::ptr_eq(&current, token) {
            return Ok(current);
        }
        tracing::debug!(cloud = self.cloud.name, "logging in again");
        let new = Arc::new(new_token(&self.http, &self.cloud, self.retries).await?);
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
        Ok(new)
    }

    pub(super) fn token(&self) -> Arc<Token> {
        Arc::clone(&self.token.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the token and the login's secret out of a text that a service sent.
    pub(super) fn without_secrets(&self, text: &str) -> String {
        let text = without(text, &self.token().value);
        without(&text, secret_of(&self.cloud))
    }
}

/// Gets a token from Keystone.
async fn new_token(
    http: &reqwest::Client,
    cloud: &Cloud,
    retries: Retries,
) -> Result<Token, Error> {
    // A token that is for the right project already is looked at, not exchanged.
    let own = match (&cloud.login, &cloud.project) {
        (Login::Token(own), None) => Some(own),
        _ => None,
    };
    let method = if own.is_some() {
        Method::GET
    } else {
        Method::POST
    };
    let doing = format!("log in to cloud `{}`", cloud.name);
    let mut call = Call::new(method, token_url(&cloud.auth_url), doing);
    if own.is_none() {
        call = call.with_json(token::request(cloud));
    }
    let answer = repeated(http, cloud, retries, &call, own).await?;
    let document: Value = match answer.status {
        StatusCode::CREATED | StatusCode::OK => answer
            .json()
            .map_err(|found| not_keystone(cloud, &call.url, found))?,
        // Keystone says 404 of a token that it does not know.
        StatusCode::UNAUTHORIZED => return Err(refused_login(cloud)),
        StatusCode::NOT_FOUND if own.is_some() && !answer.message().is_empty() => {
            return Err(refused_login(cloud));
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            return Err(not_keystone(cloud, &call.url, answer.status.to_string()));
        }
        status if status.is_redirection() => {
            return Err(not_keystone(
                cloud,
                &call.url,
                format!("{status}, a redirect"),
            ));
        }
        status => {
            return Err(Error::Refused {
                doing: call.doing,
                service: "Keystone",
                status: status.as_u16(),
                message: without(&answer.message(), secret_of(cloud)),
                remedy: format!("see {}", cloud.described_in),
            });
        }
    };
    let value = match own {
        Some(own) => own.clone(),
        None => match answer
            .headers
            .get("x-subject-token")
            .and_then(|value| value.to_str().ok())
        {
            Some(value) => SecretString::from(value),
            None => {
                return Err(not_keystone(
                    cloud,
                    &call.url,
                    "no X-Subject-Token".to_owned(),
                ));
            }
        },
    };
    Token::parse(value, document).map_err(|error| not_keystone(cloud, &call.url, error.to_string()))
}

fn not_keystone(cloud: &Cloud, url: &Url, found: String) -> Error {
    Error::NotTheService {
        url: shown(url),
        expected: "Keystone v3",
        found,
        key: "auth_url",
        file: cloud.described_in.clone(),
    }
}

fn refused_login(cloud: &Cloud) -> Error {
    let (who, keys) = match &cloud.login {
        Login::Password { user, .. } => (
            format!("user `{}`", user.shown()),
            "`username`, `password`, `project_name` and the domains of user and project",
        ),
        Login::ApplicationCredential { credential, .. } => {
            let (Credential::Id(text) | Credential::Named { name: text, .. }) = credential;
            (
                format!("application credential `{text}`"),
                "`application_credential_id` and `application_credential_secret`, and whether it has expired",
            )
        }
        Login::Token(_) => ("the token".to_owned(), "whether `token` has expired"),
    };
    Error::Login {
        cloud: cloud.name.clone(),
        who,
        url: shown(&cloud.auth_url),
        keys,
        file: cloud.described_in.clone(),
    }
}

/// Gives the URL of the tokens: `auth_url` is written with and without a version.
fn token_url(auth_url: &Url) -> Url {
    let path = auth_url.path().trim_end_matches('/');
    let root = ["/v3", "/v2.0"]
        .iter()
        .find_map(|version| path.strip_suffix(version));
    let mut url = auth_url.clone();
    url.set_path(&format!("{}/v3/auth/tokens", root.unwrap_or(path)));
    url
}

/// Makes a call, again and again where that does no harm.
async fn repeated(
    http: &reqwest::Client,
    cloud: &Cloud,
    retries: Retries,
    call: &Call,
    token: Option<&SecretString>,
) -> Result<Answer, Error> {
    let begun = Instant::now();
    let within = cloud.timeout.unwrap_or(TIMEOUT);
    // A second token does no harm, a second image does.
    let repeatable =
        matches!(call.method, Method::GET | Method::PUT | Method::DELETE) || is_login(&call.url);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let result = once(http, call, token, within).await;
        let wait = match &result {
            Ok(answer) => match answer.status {
                // It was not done, whatever it is.
                StatusCode::TOO_MANY_REQUESTS => true,
                StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT => repeatable,
                _ => false,
            }
            .then(|| answer.retry_after(now())),
            Err(error) if error.is_builder() => None,
            Err(error) => (repeatable || error.is_connect()).then_some(None),
        };
        let backoff = jittered(retries.first_wait * 2_u32.saturating_pow(attempt - 1));
        let wait = wait.map(|asked| asked.unwrap_or(backoff));
        match wait {
            Some(wait) if attempt < retries.attempts && begun.elapsed() + wait < retries.within => {
                let why = match &result {
                    Ok(answer) => answer.status.to_string(),
                    Err(error) => error.to_string(),
                };
                tracing::debug!(doing = call.doing, why, ?wait, "repeating a call");
                tokio::time::sleep(wait).await;
            }
            _ => {
                return result.map_err(|error| {
                    Error::of_call(
                        error,
                        &call.doing,
                        &shown(&call.url),
                        &cloud.described_in,
                        within,
                    )
                });
            }
        }
    }
}

fn is_login(url: &Url) -> bool {
    url.path().ends_with("/auth/tokens")
}

async fn once(
    http: &reqwest::Client,
    call: &Call,
    token: Option<&SecretString>,
    within: Duration,
) -> Result<Answer, reqwest::Error> {
    let begun = Instant::now();
    let mut request = http
        .request(call.method.clone(), call.url.clone())
        .headers(headers(token))
        .timeout(within);
    if let (Some(token), &Method::GET, true) = (token, &call.method, is_login(&call.url)) {
        // Keystone wants to know which token is looked at.
        request = request.header("x-subject-token", token.expose_secret());
    }
    if let Some((kind, body)) = &call.json {
        request = request.header(CONTENT_TYPE, *kind).body(body.to_string());
    }
    let answer = Answer::read(request.send().await?).await?;
    log(&call.method, &call.url, &answer, begun);
    Ok(answer)
}

/// Logs a call with the ID under which the service logged it too.
pub(super) fn log(method: &Method, url: &Url, answer: &Answer, begun: Instant) {
    tracing::debug!(
        %method,
        url = shown(url),
        status = answer.status.as_u16(),
        request_id = answer.request_id(),
        took = ?begun.elapsed(),
        "called"
    );
}

fn headers(token: Option<&SecretString>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(Ok(mut value)) = token.map(|token| HeaderValue::from_str(token.expose_secret())) {
        value.set_sensitive(true);
        headers.insert("x-auth-token", value);
    }
    headers
}

fn secret_of(cloud: &Cloud) -> &SecretString {
    match &cloud.login {
        Login::Password {
            password: secret, ..
        }
        | Login::ApplicationCredential { secret, .. }
        | Login::Token(secret) => secret,
    }
}

fn without(text: &str, secret: &SecretString) -> String {
    text.replace(secret.expose_secret(), "…")
}

/// Gives a URL as it may be printed: without a user, a password and a query.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only where there can be none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// Half the wait to the whole of it, so that many runs do not come back at once.
fn jittered(wait: Duration) -> Duration {
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .subsec_nanos();
    wait.mul_f64(0.5 + f64::from(nanos % 1000) / 2000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_url_is_found_with_and_without_a_version() {
        let url = |text: &str| token_url(&Url::parse(text).unwrap()).to_string();
        for (given, expected) in [
            (
                "https://a.example:5000",
                "https://a.example:5000/v3/auth/tokens",
            ),
            (
                "https://a.example:5000/v3/",
                "https://a.example:5000/v3/auth/tokens",
            ),
            (
                "https://a.example/identity",
                "https://a.example/identity/v3/auth/tokens",
            ),
            (
                "https://a.example/identity/v2.0",
                "https://a.example/identity/v3/auth/tokens",
            ),
        ] {
            assert_eq!(url(given), expected);
        }
    }

    #[test]
    fn a_url_is_shown_without_user_password_and_query() {
        let url = Url::parse("https://me:secret@a.example/v2/images?sig=secret#x").unwrap();
        assert_eq!(shown(&url), "https://a.example/v2/images");
    }
}
