//! The token for GitHub's API, which lets a run ask more often than strangers may.
//!
//! It goes to that one host over https and nowhere else: not where the host redirects to, not to a mapped mirror.

use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

const API: &str = "api.github.com";

/// A token, or none.
#[derive(Debug, Clone)]
pub(super) struct Token(Option<HeaderValue>);

impl Token {
    /// A token that no header can carry is none.
    pub(super) fn new(token: Option<&SecretString>) -> Self {
        let value = token.and_then(|token| {
            let text = format!("Bearer {}", token.expose_secret());
            let mut value = HeaderValue::from_str(&text).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Self(value)
    }

    /// Adds it to the headers of a request to this URL, as it is really asked, if it may go there.
    pub(super) fn add(&self, headers: &mut HeaderMap, real: &Url) {
        if let Some(token) = self.0.as_ref().filter(|_| is_api(real)) {
            headers.insert(AUTHORIZATION, token.clone());
        }
    }

    /// What to do about a refusal that the token explains, or its lack.
    pub(super) fn advice(&self, real: &Url, status: StatusCode) -> Option<&'static str> {
        if !is_api(real) {
            return None;
        }
        match (status.as_u16(), &self.0) {
            (401, Some(_)) => Some("GitHub to take the token in `GITHUB_TOKEN`; renew it"),
            (403 | 429, None) => Some(
                "an answer, of which GitHub gives strangers 60 an hour; set `GITHUB_TOKEN`, or try later",
            ),
            (403 | 429, Some(_)) => {
                Some("an answer to the token in `GITHUB_TOKEN`; try later, or take another one")
            }
            _ => None,
        }
    }
}

fn is_api(real: &Url) -> bool {
    real.scheme() == "https" && real.host_str() == Some(API) && real.port().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_api_and_nowhere_else_and_is_never_printed() {
        let token = Token::new(Some(&SecretString::from("ghp_secret")));
        let sent = |url: &str| {
            let mut headers = HeaderMap::new();
            token.add(&mut headers, &Url::parse(url).unwrap());
            headers.get(AUTHORIZATION).cloned()
        };
        let value = sent("https://api.github.com/repos/a/b/releases?per_page=100").unwrap();
        assert_eq!(value, "Bearer ghp_secret");
        for url in [
            "http://api.github.com/repos/a/b/releases",
            "https://api.github.com:8443/repos/a/b/releases",
            "https://api.github.com.evil.example/repos",
            "https://github.com/a/b/releases/download/1/file",
            "http://127.0.0.1:8080/api.github.com/repos/a/b/releases",
            "https://user@api.github.com.example/",
        ] {
            assert_eq!(sent(url), None, "{url}");
        }
        assert!(!format!("{token:?} {value:?}").contains("secret"));
        assert!(
            Token::new(Some(&SecretString::from("two\nlines")))
                .0
                .is_none()
        );
    }
}
