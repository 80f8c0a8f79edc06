//! The sending of a call: with the token, and repeated where its failure may pass.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode};

use super::Objects;
use crate::openstack::answer::Answer;
use crate::openstack::call::{Call, Retries, log, shown};
use crate::openstack::error::Error;

/// What goes with a call.
#[derive(Default)]
pub struct With {
    /// The headers of its own.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
}

impl Objects {
    /// Makes a call that must succeed.
    pub(super) async fn sent(&self, call: &Call, with: &With) -> Result<Answer, Error> {
        let answer = self.send(call, with).await?;
        self.accepted(call, answer)
    }

    /// An answer that says success; any other is an error.
    pub(super) fn accepted(&self, call: &Call, answer: Answer) -> Result<Answer, Error> {
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(self.refused(call, &answer))
    }

    /// Makes a call, again and again where its failure may pass; what it does twice is the same.
    pub(super) async fn send(&self, call: &Call, with: &With) -> Result<Answer, Error> {
        let Retries {
            attempts,
            first_wait,
            within,
        } = Retries::default();
        let begun = Instant::now();
        let mut is_renewed = false;
        for attempt in 0.. {
            let token = self.session.token();
            let result = self.once(call, with).await;
            let is_passing = match &result {
                Ok(answer) if answer.status == StatusCode::UNAUTHORIZED && !is_renewed => {
                    is_renewed = true;
                    self.session.renewed(&token).await?;
                    continue;
                }
                Ok(answer) => is_passing(answer.status),
                Err(error) => matches!(error, Error::Unreachable { .. } | Error::Timeout { .. }),
            };
            if !is_passing || attempt + 1 >= attempts || begun.elapsed() > within {
                return result;
            }
            tokio::time::sleep(first_wait * 3_u32.saturating_pow(attempt)).await;
        }
        // The loop ends by itself.
        self.once(call, with).await
    }

    async fn once(&self, call: &Call, with: &With) -> Result<Answer, Error> {
        let begun = Instant::now();
        // A minute, and what 64 KiB/s need.
        let within = Duration::from_secs(60 + with.body.len() as u64 / (64 << 10));
        let mut request = self
            .session
            .streaming(call.method.clone(), call.url.clone())
            .headers(with.headers.clone())
            .timeout(within);
        if call.method == Method::PUT {
            request = request
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_LENGTH, with.body.len())
                .body(with.body.clone());
        }
        let answer = async { Answer::read(request.send().await?).await }.await;
        let file = &self.session.cloud().described_in;
        let answer = answer
            .map_err(|error| Error::of_call(error, &call.doing, &shown(&call.url), file, within))?;
        log(&call.method, &call.url, &answer, begun);
        Ok(answer)
    }

    /// What the service answered, and what can be done about it.
    pub(super) fn refused(&self, call: &Call, answer: &Answer) -> Error {
        let remedy = match answer.status.as_u16() {
            401 | 403 => {
                "this login may not do that there: check the container's ACL and the user's roles"
            }
            404 if call.url.path() == self.url("").path() => {
                "create the container, or check `mirror.to` in the settings"
            }
            422 if call.url.query() == Some("multipart-manifest=put") => {
                "either segments were changed meanwhile, or it has no static large objects and does not say so: let its operator enable `slo`, or show `/info`"
            }
            413 | 507 => "the store is full, or a quota is reached: make room, then run again",
            _ => "",
        };
        Error::Refused {
            doing: call.doing.clone(),
            service: "Swift",
            status: answer.status.as_u16(),
            message: self.session.without_secrets(&answer.message()),
            remedy: remedy.to_owned(),
        }
    }
}

/// Whether an answer with this status may be another one the next time.
pub fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502..=504)
}
