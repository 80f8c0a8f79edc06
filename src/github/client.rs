//! Sends calls: the pace, the cache, redirects, and the token, which goes nowhere but to the API.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use http_body_util::{BodyExt, Limited};
use octocrab::service::middleware::reqwest_connector::ReqwestConnector;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};
use url::Url;

use super::answer::{Answer, Kept};
use super::bearer::Bearer;
use super::cache::Documents;
use super::call::{By, Call, shown_host};
use super::count::Requests;
use super::credentials::Credentials;
use super::error::GithubError;
use super::limits::{Pace, Patience, signs};
use super::lost::{Lost, ended, lost, root_cause};
use super::place::Place;
use super::{links, redirect, refusal};
use crate::domain::forge_limits::{self, Kind, Next};

const MOST_REDIRECTS: usize = 5;

/// More pages of a hundred than any list has that is asked for.
const MOST_PAGES: usize = 200;

/// Until a server has taken a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// GitHub closes idle connections after a while; a write into one that is being closed would be unclear.
const IDLE: Duration = Duration::from_secs(20);

/// Sends calls.
#[derive(Debug)]
pub(super) struct Client {
    crab: Octocrab,
    bearer: Bearer,
    pace: Pace,
    documents: Option<Documents>,
    requests: Mutex<Requests>,
}

impl Client {
    /// Makes the client: proxies and certificates as the environment says. Fails with [`GithubError`].
    pub(super) fn new(
        place: Place,
        credentials: Credentials,
        patience: Patience,
    ) -> Result<Self, GithubError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("reglaze/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(|error| GithubError::Client {
                reason: root_cause(&error),
            })?;
        // The bare service: octocrab's own layers name themselves as the user agent, and send tokens by host alone.
        let Ok(crab) = OctocrabBuilder::new_empty()
            .with_service(ReqwestConnector::new(client))
            .with_auth(AuthState::None)
            .build();
        Ok(Self {
            crab,
            bearer: Bearer::new(credentials, place),
            pace: Pace::new(patience),
            documents: None,
            requests: Mutex::default(),
        })
    }

    /// Keeps answers below a folder, for conditional requests.
    pub(super) fn keep(&mut self, folder: &Path, place: &Place) {
        let whose = format!("{} {}", place.full_name(), self.bearer.identity());
        self.documents = Some(Documents::new(folder, &whose));
    }

    pub(super) fn pace(&mut self, patience: Patience) {
        self.pace = Pace::new(patience);
    }

    pub(super) fn bearer(&self) -> &Bearer {
        &self.bearer
    }

    pub(super) fn documents(&self) -> Option<&Documents> {
        self.documents.as_ref()
    }

    pub(super) fn requests(&self) -> Requests {
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for one document.
    pub(super) async fn get<T: DeserializeOwned>(&self, call: Call) -> Result<T, GithubError> {
        let answer = self.send(&call).await?;
        self.read(&call, &answer)
    }

    /// Reads an answer, and keeps it for the next run only if it is what it should be: what is kept is not sent again.
    fn read<T: DeserializeOwned>(&self, call: &Call, answer: &Answer) -> Result<T, GithubError> {
        let read = answer.json(call);
        let documents = self.documents.as_ref().filter(|_| is_kept(call));
        match (documents, &read) {
            (Some(documents), Ok(_)) => documents.put(&call.url, answer),
            (Some(documents), Err(_)) => documents.forget(&call.url),
            (None, _) => {}
        }
        read
    }

    /// Asks for all pages of a list; `items` takes them out of a page.
    pub(super) async fn all<P: DeserializeOwned, T>(
        &self,
        mut call: Call,
        items: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, GithubError> {
        let mut all = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.send(&call).await?;
            all.extend(items(self.read(&call, &answer)?));
            let Some(next) = links::next(&answer.headers, &call.url) else {
                return Ok(all);
            };
            if next.origin() != call.url.origin() {
                return Err(redirect::leads_elsewhere(&call, &next));
            }
            call.url = next;
        }
        Err(GithubError::Malformed {
            host: call.host(),
            doing: call.doing,
            found: format!("a list of more than {MOST_PAGES} pages"),
            expected: "a list with an end",
        })
    }

    /// Sends a call, waits where a limit asks for it, and gives an answer that is a success.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, GithubError> {
        let bearer = match call.by {
            By::App => self.bearer.app(&call.doing)?,
            By::Token => self.bearer.token(self, &call.doing).await?,
        };
        self.send_as(call, &bearer).await
    }

    /// The same with a header at hand.
    pub(super) async fn send_as(
        &self,
        call: &Call,
        bearer: &HeaderValue,
    ) -> Result<Answer, GithubError> {
        let limited = |wait| GithubError::Limited {
            doing: call.doing.clone(),
            until: Utc::now() + wait,
        };
        let mut turn = self.pace.turn(call.kind).await;
        if let Some(wait) = turn.closed_for() {
            return Err(limited(wait));
        }
        let mut patience = forge_limits::Patience::default();
        loop {
            let begin = Instant::now();
            let outcome = self.once(call, bearer).await;
            let took = begin.elapsed();
            let found = match &outcome {
                Err(Lost::Ended(error)) => return Err(error.clone()),
                Err(_) => forge_limits::Signs::default(),
                Ok(answer) => signs(
                    answer.status,
                    &answer.headers,
                    refusal::says_limit(call, answer),
                    Utc::now(),
                ),
            };
            patience.left = turn.left();
            let (pause, reason) = match forge_limits::next(call.kind, found, patience, jitter()) {
                Next::Stands => return ended(call, outcome),
                Next::GiveUp(wait) => {
                    turn.close(wait);
                    return Err(limited(wait));
                }
                Next::Again(pause) => {
                    patience.failed += 1;
                    (pause, "no good answer")
                }
                Next::Wait(pause) => {
                    patience.limited += 1;
                    (pause, "a limit of GitHub's is reached")
                }
            };
            if pause > Duration::from_secs(5) {
                tracing::info!("{reason}; waiting for {} s", pause.as_secs());
            } else {
                tracing::debug!("{reason}; waiting for {} ms", pause.as_millis());
            }
            turn.wait(pause, took).await;
            self.count(|requests| requests.repeated += 1);
        }
    }

    /// Sends a call once and follows where it leads.
    async fn once(&self, call: &Call, bearer: &HeaderValue) -> Result<Answer, Lost> {
        let kept = self.kept(call);
        let mut url = call.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            self.count(|requests| match (call.kind, call.is_graphql) {
                (Kind::Read, false) => requests.reads += 1,
                (Kind::Read, true) => requests.queries += 1,
                (Kind::Write, false) => requests.writes += 1,
                (Kind::Write, true) => requests.mutations += 1,
            });
            let answer = self.exchange(call, &url, bearer, kept.as_ref()).await?;
            tracing::debug!(
                "{} {}{} answered {}",
                call.method,
                shown_host(&url),
                url.path(),
                answer.status
            );
            if answer.status == 304
                && let Some(kept) = kept
            {
                self.count(|requests| requests.unchanged += 1);
                return Ok(kept.answer(answer));
            }
            let Some(target) = redirect::target(call, &answer, &url)? else {
                return Ok(answer);
            };
            url = target;
        }
        Err(Lost::Ended(GithubError::Malformed {
            doing: call.doing.clone(),
            host: call.host(),
            found: format!("more than {MOST_REDIRECTS} redirects"),
            expected: "an answer at the end",
        }))
    }

    /// Sends one request and reads the answer to its end.
    async fn exchange(
        &self,
        call: &Call,
        url: &Url,
        bearer: &HeaderValue,
        kept: Option<&Kept>,
    ) -> Result<Answer, Lost> {
        // Only what was asked in the first place gets the token, and what GitHub leads to on the same host.
        let is_api = url.origin() == call.url.origin();
        let request = request(call, url, is_api.then_some(bearer), kept).map_err(Lost::Surely)?;
        let answer = async {
            let response = self
                .crab
                .execute(request)
                .await
                .map_err(|error| lost(&error))?;
            let (head, body) = response.into_parts();
            let limit = usize::try_from(call.limit).unwrap_or(usize::MAX);
            let body = match Limited::new(body, limit).collect().await {
                Ok(body) => body.to_bytes().to_vec(),
                Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                    return Err(Lost::Ended(GithubError::TooLarge {
                        doing: call.doing.clone(),
                        limit: call.limit,
                    }));
                }
                Err(error) => return Err(Lost::Maybe(root_cause(error.as_ref()))),
            };
            Ok(Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body,
            })
        };
        let within = self.pace.answer();
        timeout(within, answer).await.unwrap_or_else(|_| {
            Err(Lost::Maybe(format!(
                "nothing within {} s",
                within.as_secs()
            )))
        })
    }

    fn kept(&self, call: &Call) -> Option<Kept> {
        self.documents
            .as_ref()
            .filter(|_| is_kept(call))?
            .get(&call.url)
    }

    fn count(&self, change: impl FnOnce(&mut Requests)) {
        change(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Whether the answer may be asked for by its validator in another run.
fn is_kept(call: &Call) -> bool {
    call.method == Method::GET && call.by == By::Token && !call.may_leave
}

fn request(
    call: &Call,
    url: &Url,
    bearer: Option<&HeaderValue>,
    kept: Option<&Kept>,
) -> Result<Request<String>, String> {
    let mut headers = HeaderMap::new();
    if let Some(bearer) = bearer {
        headers.insert(header::AUTHORIZATION, bearer.clone());
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("application/vnd.github+json"),
        );
        headers.insert(
            HeaderName::from_static("x-github-api-version"),
            HeaderValue::from_static("2022-11-28"),
        );
        if let Some(etag) = kept.and_then(|kept| HeaderValue::from_str(&kept.etag).ok()) {
            headers.insert(header::IF_NONE_MATCH, etag);
        }
    }
    let body = match &call.body {
        None => String::new(),
        Some(body) => {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            body.to_string()
        }
    };
    let mut request = Request::builder()
        .method(call.method.clone())
        .uri(url.as_str())
        .body(body)
        .map_err(|error| error.to_string())?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// From 0 to 1, so that many runs do not come back at the same moment. The hasher's keys are random.
fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let word = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or_default();
    f64::from(word) / f64::from(u32::MAX)
}
