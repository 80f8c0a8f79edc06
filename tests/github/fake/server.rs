//! Listens, writes down, strikes with faults, and answers.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Instant;

use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::{HeaderMap, Request as HttpRequest, Response};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tokio::net::TcpListener;

use super::Fake;
use super::faults::{Fault, Planned};
use super::log::{Entry, Given};
use super::pages;
use super::request::{Answer, Answered, Body, Request};
use super::tokens::{Caller, Kind};
use super::world::World;
use super::{apps, artifacts, routes};

/// What the servers and the test share.
pub struct Shared {
    /// Answers below `/_fake`, where the fake is a program.
    pub control: OnceLock<Control>,
    pub world: Mutex<World>,
    pub log: Mutex<Vec<Entry>>,
    pub faults: Mutex<Planned<Fault>>,
    pub meanwhile: Mutex<Planned<Deed>>,
}

/// What somebody does right before a request is looked at.
pub type Deed = Arc<dyn Fn(&Fake) + Send + Sync>;

/// Answers requests of whoever steers the fake from outside.
pub type Control = Box<dyn Fn(&Request) -> Answered + Send + Sync>;

/// A lock that a failed test does not spoil for the others.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Serves the API and the storage of artifacts until the process or the runtime ends.
pub async fn serve(api: TcpListener, storage: TcpListener, shared: Arc<Shared>) {
    let other = Router::new().fallback(stored).with_state(shared.clone());
    tokio::spawn(async move { axum::serve(storage, other).await });
    let own = Router::new().fallback(handle).with_state(shared);
    let _ = axum::serve(api, own).await;
}

/// Ends the connection without an answer.
fn cut() -> ! {
    // The server drops the connection of a task that unwinds; this way nothing is printed.
    std::panic::resume_unwind(Box::new("cut"))
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    request: HttpRequest<HttpBody>,
) -> Response<HttpBody> {
    let mut request = read(request).await;
    if request.path.starts_with("/_fake/") {
        return response(given(controlled(shared, request).await));
    }
    let secret = secret_of(&request.headers);
    let caller = caller(&lock(&shared.world), secret.as_deref());
    if let Ok(caller) = &caller {
        request.caller = caller.clone();
    }
    let entry = entry(&request);
    let fault = lock(&shared.faults).strike(&entry);
    let deed = lock(&shared.meanwhile).strike(&entry);
    let index = {
        let mut log = lock(&shared.log);
        log.push(entry);
        log.len() - 1
    };
    let made = fault.as_ref().and_then(Fault::answer);
    let is_made = made.is_some() || fault == Some(Fault::Garbage);
    let answer = match made {
        _ if fault == Some(Fault::CutBefore) => cut(),
        Some(made) => made,
        None => done(shared.clone(), deed, caller, request).await,
    };
    match fault {
        Some(Fault::CutAfter) => cut(),
        Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
        _ => {}
    }
    let body = match fault {
        Some(Fault::Garbage) => Body::Bytes("application/json", b"{\"id\": 1, ".to_vec()),
        _ => answer.body.clone(),
    };
    let given = given(Answer { body, ..answer });
    {
        let entry = &mut lock(&shared.log)[index];
        entry.status = Some(given.status);
        entry.answered = Some(Instant::now());
        entry.given = (!is_made).then(|| given.clone());
    }
    response(given)
}

/// What steers the fake is neither written down nor struck.
async fn controlled(shared: Arc<Shared>, request: Request) -> Answer {
    let work = move || match shared.control.get() {
        Some(control) => control(&request).unwrap_or_else(|refusal| refusal),
        None => Answer::missing(),
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|broken| Answer::error(500, &broken.to_string()))
}

/// Does what is asked.
async fn done(
    shared: Arc<Shared>,
    deed: Option<Deed>,
    caller: Result<Caller, Answer>,
    request: Request,
) -> Answer {
    let work = move || {
        if let Some(deed) = deed {
            deed(&Fake::of(shared.clone()));
        }
        match caller {
            Err(refusal) => refusal,
            Ok(_) => answer(&mut lock(&shared.world), &request),
        }
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|broken| Answer::error(500, &format!("the fake itself failed: {broken}")))
}

async fn stored(
    State(shared): State<Arc<Shared>>,
    request: HttpRequest<HttpBody>,
) -> Response<HttpBody> {
    let request = read(request).await;
    let answer = artifacts::stored(&mut lock(&shared.world), &request);
    response(given(answer.unwrap_or_else(|refusal| refusal)))
}

async fn read(request: HttpRequest<HttpBody>) -> Request {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20)
        .await
        .unwrap_or_default();
    let url = url::Url::parse("http://fake")
        .expect("an address")
        .join(&parts.uri.to_string());
    let url = url.expect("a path and a query");
    let path = percent_decoded(parts.uri.path());
    // Enterprise Servers have both APIs below this.
    let path = path
        .strip_prefix("/api/v3")
        .or(path.strip_prefix("/api"))
        .unwrap_or(&path);
    Request {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        path: path.to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        caller: Caller::stranger(),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        if let Some(byte) = byte.filter(|_| *first == b'%') {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn secret_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("authorization")?.to_str().ok()?;
    let (_, secret) = value.split_once(' ')?;
    Some(secret.trim().to_owned())
}

fn caller(world: &World, secret: Option<&str>) -> Result<Caller, Answer> {
    let Some(secret) = secret else {
        return Ok(Caller::stranger());
    };
    if let Some(token) = world.tokens.iter().find(|token| token.secret == secret) {
        return Ok(token.caller.clone());
    }
    if secret.split('.').count() == 3 {
        return apps::caller(world, secret);
    }
    Err(Answer::error(401, "Bad credentials"))
}

fn entry(request: &Request) -> Entry {
    let headers = request
        .headers
        .iter()
        .filter(|(name, _)| *name != "authorization")
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        });
    Entry {
        method: request.method.clone(),
        target: request.target.clone(),
        path: request.path.clone(),
        query: request.query.clone(),
        headers: headers.collect(),
        body: request.body.clone(),
        login: (request.caller.kind != Kind::Stranger).then(|| request.caller.login.clone()),
        status: None,
        given: None,
        at: Instant::now(),
        answered: None,
    }
}

fn answer(world: &mut World, request: &Request) -> Answer {
    if !request.headers.contains_key("user-agent") {
        return Answer::error(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
        );
    }
    let answer = routes::answer(world, request).unwrap_or_else(|refusal| refusal);
    let answer = paged(world, request, answer);
    with_tag(request, answer)
}

/// Cuts a page out of a list.
fn paged(world: &World, request: &Request, answer: Answer) -> Answer {
    let Body::List(items, field) = answer.body else {
        return answer;
    };
    let page = pages::Page::of(request, 30, world.settings.page_size);
    let link = pages::link(world, request, &page, items.len());
    let shown = page.cut(&items).to_vec();
    let body = match field {
        Some(field) => json!({"total_count": items.len(), field: shown}),
        None => Value::Array(shown),
    };
    let answer = Answer {
        body: Body::Json(body),
        ..answer
    };
    match link {
        Some(link) => answer.with("link", link),
        None => answer,
    }
}

/// Whoever has it already is told so.
fn with_tag(request: &Request, answer: Answer) -> Answer {
    let Body::Json(body) = &answer.body else {
        return answer;
    };
    if request.method != "GET" || answer.status != 200 {
        return answer;
    }
    let tag = format!("W/\"{:x}\"", Sha1::digest(body.to_string()));
    let known = request
        .headers
        .get("if-none-match")
        .and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return Answer::new(304, Body::None).with("etag", tag);
    }
    answer.with("etag", tag)
}

/// An answer with all its headers.
fn given(answer: Answer) -> Given {
    let (kind, body) = match answer.body {
        Body::None => (None, Vec::new()),
        Body::Json(value) => (
            Some("application/json; charset=utf-8"),
            value.to_string().into_bytes(),
        ),
        Body::Bytes(kind, bytes) => (Some(kind), bytes),
        Body::List(..) => unreachable!("lists are cut into pages before"),
    };
    let reset = (chrono::Utc::now() + TimeDelta::hours(1))
        .timestamp()
        .to_string();
    let usual = [
        ("x-ratelimit-limit", "5000"),
        ("x-ratelimit-remaining", "4900"),
        ("x-ratelimit-used", "100"),
        ("x-ratelimit-resource", "core"),
        ("x-ratelimit-reset", &reset),
        ("x-github-media-type", "github.v3; format=json"),
        ("x-github-api-version-selected", "2022-11-28"),
        ("x-github-request-id", "FAKE:0001"),
    ];
    let own = answer
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let usual = usual
        .into_iter()
        .filter(|(name, _)| !answer.headers.iter().any(|(own, _)| own == name));
    let headers = kind
        .map(|kind| ("content-type", kind))
        .into_iter()
        .chain(usual)
        .chain(own);
    let headers = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Given {
        status: answer.status,
        headers,
        body,
    }
}

fn response(given: Given) -> Response<HttpBody> {
    let mut response = Response::builder().status(given.status);
    for (name, value) in given.headers {
        response = response.header(name, value);
    }
    response.body(given.body.into()).expect("a response")
}
