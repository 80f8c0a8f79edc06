//! The sending of a call: signed, and repeated where its failure may pass.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{Method, StatusCode};
use md5::Digest;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use serde::de::DeserializeOwned;

use super::ask::{Answer, Ask};
use super::remedy::refusal;
use super::{S3, VALID};
use crate::store::STALLED;
use crate::store::error::{StoreError, innermost};
use crate::store::patience::{Patience, is_passing, within};

/// The longest answer that is read.
const LONGEST: usize = 16 << 20;

impl S3 {
    /// Makes a call after which something is gone; it is no error if it was before.
    pub(super) async fn gone(&self, ask: &Ask<'_>) -> Result<(), StoreError> {
        let answer = self.send(ask).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        accepted(ask, answer).map(drop)
    }

    /// Makes a call that must succeed, and reads its answer.
    pub(super) async fn xml<T: DeserializeOwned>(
        &self,
        ask: &Ask<'_>,
        expected: &'static str,
    ) -> Result<T, StoreError> {
        parsed(ask, &self.sent(ask).await?, expected)
    }

    /// Makes a call that must succeed.
    pub(super) async fn sent(&self, ask: &Ask<'_>) -> Result<Answer, StoreError> {
        accepted(ask, self.send(ask).await?)
    }

    /// Makes a call that makes an object where there is none; gives it as it was made.
    ///
    /// AWS, Swift's `s3api`, `MinIO` and newer Ceph hold to the condition. Others pay no heed to it, or know no such thing and refuse:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>.
    pub(super) async fn made<'a>(&self, ask: Ask<'a>) -> Result<(Ask<'a>, Answer), StoreError> {
        let mut ask = ask.where_nothing_is();
        let answer = match self.sent(&ask).await {
            Err(error) if error.is_no_answer() => {
                ask.headers.remove(http::header::IF_NONE_MATCH);
                self.sent(&ask).await?
            }
            answer => answer?,
        };
        Ok((ask, answer))
    }

    /// Makes a call, again and again where its failure may pass.
    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<Answer, StoreError> {
        let mut patience = Patience::new();
        loop {
            let answer = match self.response(ask).await {
                Ok(response) => self.whole(ask, response).await,
                Err(error) => Err(error),
            };
            let is_passing = match &answer {
                Ok(answer) => is_passing(answer.status),
                Err(error) => is_of_the_way(error),
            };
            if !is_passing || !patience.again().await {
                return answer;
            }
        }
    }

    /// Reads what anybody may read, if it is there.
    pub(super) async fn anybody(&self, url: reqwest::Url) -> Option<Vec<u8>> {
        let ask = Ask::new(Method::GET, String::new(), format!("read `{}`", url.path()));
        let mut patience = Patience::new();
        loop {
            let sent = self.http.get(url.clone()).send();
            let answer = match tokio::time::timeout(within(0), sent).await {
                Ok(Ok(response)) => self.whole(&ask, response).await.ok(),
                _ => None,
            };
            match answer {
                Some(answer) if answer.status.is_success() => return Some(answer.body),
                Some(answer) if !is_passing(answer.status) => return None,
                _ if patience.again().await => {}
                _ => return None,
            }
        }
    }

    /// Signs a call and makes it once.
    pub(super) async fn response(&self, ask: &Ask<'_>) -> Result<reqwest::Response, StoreError> {
        let query = ask
            .query
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let mut options = SignedUrlOptions::new().with_query(query);
        options.signed_headers = ask.headers.clone();
        let path = Path::parse(&ask.key).map_err(|error| StoreError::Name {
            doing: ask.doing.clone(),
            problem: error.to_string(),
        })?;
        let signed = self
            .signer
            .signed_url_opts(ask.method.clone(), &path, VALID, &options);
        let url = signed.await.map_err(|error| StoreError::Credentials {
            to: self.to.clone(),
            reason: innermost(&error),
        })?;
        let mut request = self
            .http
            .request(ask.method.clone(), url)
            .headers(ask.headers.clone());
        if matches!(ask.method, Method::PUT | Method::POST) {
            request = request
                .header("content-md5", BASE64.encode(md5::Md5::digest(&ask.body)))
                .header("content-length", ask.body.len())
                .body(ask.body.clone());
        }
        let sent = tokio::time::timeout(within(ask.body.len()), request.send());
        match sent.await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(unreachable(ask.doing.clone(), self.endpoint.clone(), error)),
            Err(_) => Err(StoreError::Stalled {
                doing: ask.doing.clone(),
                seconds: within(ask.body.len()).as_secs(),
            }),
        }
    }

    /// Reads an answer to its end.
    pub(super) async fn whole(
        &self,
        ask: &Ask<'_>,
        mut response: reqwest::Response,
    ) -> Result<Answer, StoreError> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        loop {
            let piece = tokio::time::timeout(STALLED, response.chunk()).await;
            match piece.map_err(|_| StoreError::Stalled {
                doing: ask.doing.clone(),
                seconds: STALLED.as_secs(),
            })? {
                Ok(Some(piece)) if body.len() + piece.len() <= LONGEST => {
                    body.extend_from_slice(&piece);
                }
                // Cut XML does not parse, so nobody takes it for the whole.
                Ok(_) => break,
                Err(error) => {
                    return Err(unreachable(ask.doing.clone(), self.endpoint.clone(), error));
                }
            }
        }
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

/// Who could not be reached may be reached another time; who gave no credentials will not.
pub const fn is_of_the_way(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unreachable { .. } | StoreError::Stalled { .. }
    )
}

/// The way there, or back, broke.
pub fn unreachable(doing: String, endpoint: String, error: reqwest::Error) -> StoreError {
    StoreError::Unreachable {
        doing,
        endpoint,
        // Its URL is signed.
        reason: innermost(&error.without_url()),
    }
}

/// An answer that says success; any other is an error.
pub fn accepted(ask: &Ask<'_>, answer: Answer) -> Result<Answer, StoreError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    Err(refusal(&ask.doing, answer.status, &answer.body))
}

/// Reads the XML of an answer.
pub fn parsed<T: DeserializeOwned>(
    ask: &Ask<'_>,
    answer: &Answer,
    expected: &'static str,
) -> Result<T, StoreError> {
    // Where the answer took long there is white space before it.
    let text = String::from_utf8_lossy(&answer.body);
    quick_xml::de::from_str(text.trim()).map_err(|_| StoreError::Malformed {
        doing: ask.doing.clone(),
        found: format!("{} with something else", answer.status),
        expected,
    })
}
