//! Getting a token from Keystone, and what its refusals mean.

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::call::{Call, Retries, repeated, shown};
use super::config::{Cloud, Credential, Login};
use super::error::Error;
use super::token::{self, Token};

/// Gets a token from Keystone.
pub async fn new_token(
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
        // Of a credential that it does not know Keystone says 404, in its own words; others say it in HTML.
        StatusCode::UNAUTHORIZED => return Err(refused_login(cloud, 401)),
        StatusCode::NOT_FOUND if answer.json::<KeystoneError>().is_ok() => {
            return Err(refused_login(cloud, 404));
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

/// What Keystone says where it refuses.
#[derive(Deserialize)]
struct KeystoneError {
    #[serde(rename = "error")]
    _error: Value,
}

fn refused_login(cloud: &Cloud, status: u16) -> Error {
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
        status,
        keys,
        file: cloud.described_in.clone(),
    }
}

/// Gives the URL of the tokens: `auth_url` is written with and without a version.
pub fn token_url(auth_url: &Url) -> Url {
    let path = auth_url.path().trim_end_matches('/');
    let root = ["/v3", "/v2.0"]
        .iter()
        .find_map(|version| path.strip_suffix(version));
    let mut url = auth_url.clone();
    url.set_path(&format!("{}/v3/auth/tokens", root.unwrap_or(path)));
    url
}

/// Gives what the cloud's login keeps secret.
pub fn secret_of(cloud: &Cloud) -> &SecretString {
    match &cloud.login {
        Login::Password {
            password: secret, ..
        }
        | Login::ApplicationCredential { secret, .. }
        | Login::Token(secret) => secret,
    }
}

/// Takes a secret out of a text that a service sent.
pub fn without(text: &str, secret: &SecretString) -> String {
    text.replace(secret.expose_secret(), "…")
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
}
