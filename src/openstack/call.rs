//! One call over HTTP: what it sends, whether and for how long it is repeated, and what is logged of it.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::answer::Answer;
use super::config::Cloud;
use super::error::{Error, is_untrusted};

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
            attempts: 5,
            first_wait: Duration::from_millis(250),
            within: Duration::from_secs(90),
        }
    }
}

/// A call whose body, if any, is JSON, so that it can be sent again.
#[derive(Debug)]
pub struct Call {
    /// `GET`, …
    pub method: Method,
    /// To where.
    pub url: Url,
    /// What it does, as in "could not …".
    pub doing: String,
    /// The body with its type.
    pub json: Option<(&'static str, Value)>,
    /// The service's microversion, such as `compute 2.69`.
    pub version: Option<&'static str>,
}

impl Call {
    /// Makes a call without a body.
    pub fn new(method: Method, url: Url, doing: impl Into<String>) -> Self {
        Self {
            method,
            url,
            doing: doing.into(),
            json: None,
            version: None,
        }
    }

    /// Asks for a microversion.
    pub fn with_version(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// Gives it a body.
    pub fn with_json(mut self, body: Value) -> Self {
        self.json = Some(("application/json", body));
        self
    }
}

/// Makes a call, again and again where that does no harm.
pub async fn repeated(
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
            Err(error) if error.is_builder() || is_untrusted(error) => None,
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
    if let Some(version) = call.version {
        request = request.header("openstack-api-version", version);
    }
    if let Some((kind, body)) = &call.json {
        request = request.header(CONTENT_TYPE, *kind).body(body.to_string());
    }
    let answer = Answer::read(request.send().await?).await?;
    log(&call.method, &call.url, &answer, begun);
    Ok(answer)
}

/// Logs a call with the ID under which the service logged it too.
pub fn log(method: &Method, url: &Url, answer: &Answer, begun: Instant) {
    tracing::debug!(
        %method,
        url = shown(url),
        status = answer.status.as_u16(),
        request_id = answer.request_id(),
        took = ?begun.elapsed(),
        "called"
    );
}

/// Gives the header fields of every call.
pub fn headers(token: Option<&SecretString>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(Ok(mut value)) = token.map(|token| HeaderValue::from_str(token.expose_secret())) {
        value.set_sensitive(true);
        headers.insert("x-auth-token", value);
    }
    headers
}

/// Gives a URL as it may be printed: without a user, a password and a query.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only where there can be none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// Gives the time of this machine.
pub fn now() -> DateTime<Utc> {
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
    fn a_url_is_shown_without_user_password_and_query() {
        let url = Url::parse("https://me:secret@a.example/v2/images?sig=secret#x").unwrap();
        assert_eq!(shown(&url), "https://a.example/v2/images");
    }
}
