//! An upstream on loopback that can be as bad as real ones. `/HOST/PATH` is what `https://HOST/PATH` would be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use axum::serve::Listener;
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What a path answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// 200 with this body and an `ETag`; 304 to who has it.
    Body(Vec<u8>),
    /// This status with these headers and this body, and no `ETag`.
    Answer(u16, Vec<(String, String)>, Vec<u8>),
    /// 200 with this body and a `Last-Modified`; 304 to who has it.
    Dated(Vec<u8>, &'static str),
    /// Another status.
    Status(u16),
    /// 200 with an error page.
    Html,
    /// 200 with a body that ends before its `Content-Length`.
    Cut(Vec<u8>),
    /// 200 with a body that never ends.
    Endless,
    /// Nothing until the server is told to [`Server::release`] it, then 404.
    Held,
    /// 302.
    Redirect(String),
    /// 503 as many times, then something else.
    Unavailable(usize, Box<Reply>),
    /// 405 to HEAD, else something else.
    NoHead(Box<Reply>),
}

/// What a request waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// Something whose URL holds this was answered.
    Answered(&'static str),
    /// So many requests were under way at one time.
    AtOnce(usize),
}

/// After this it waits no longer, and the test sees by what was asked that it did so in vain.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct Shared {
    replies: Mutex<HashMap<String, Reply>>,
    /// Paths that take their time.
    pauses: Mutex<Vec<(String, Duration)>>,
    /// Paths that wait for something.
    holds: Mutex<Vec<(String, Until)>>,
    log: Mutex<Vec<(String, u16)>>,
    asked: Mutex<Vec<String>>,
    seen: Mutex<HashMap<String, usize>>,
    agents: Mutex<BTreeSet<String>>,
    authorizations: Mutex<Vec<(String, Option<String>)>>,
    /// Of the bodies that were given whole.
    bytes: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    released: watch::Sender<bool>,
}

/// The server; it ends with the process.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_on(|listener| listener)
    }

    /// The same behind a listener of any kind.
    pub fn start_on<L: Listener<Addr = SocketAddr>>(
        wrap: impl FnOnce(TcpListener) -> L + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = wrap(TcpListener::from_std(listener).unwrap());
                axum::serve(listener, router).await.unwrap();
            });
        });
        Self { address, shared }
    }

    /// Sets what `https://HOST/PATH` answers.
    pub fn put(&self, url: &str, reply: Reply) {
        let path = path(url);
        self.shared.replies.lock().unwrap().insert(path, reply);
    }

    pub fn body(&self, url: &str, body: impl Into<Vec<u8>>) {
        self.put(url, Reply::Body(body.into()));
    }

    /// What a URL answers.
    pub fn reply(&self, url: &str) -> Reply {
        self.shared.replies.lock().unwrap()[&path(url)].clone()
    }

    /// Lets everything whose URL begins with this one wait.
    pub fn pause(&self, url: &str, pause: Duration) {
        self.shared.pauses.lock().unwrap().push((path(url), pause));
    }

    /// Lets everything whose URL begins with this one wait until it is so.
    pub fn hold(&self, url: &str, until: Until) {
        self.shared.holds.lock().unwrap().push((path(url), until));
    }

    /// Every answer so far, in the order in which they were given: URL and status.
    pub fn log(&self) -> Vec<(String, u16)> {
        self.shared.log.lock().unwrap().clone()
    }

    /// Nothing was asked for whose URL holds this.
    #[track_caller]
    pub fn assert_never_asked(&self, part: &str) {
        let log = self.log();
        assert!(log.iter().all(|(url, _)| !url.contains(part)), "{log:?}");
    }

    /// Every request so far: method, URL and, if there was one, range.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Every `User-Agent` so far.
    pub fn agents(&self) -> BTreeSet<String> {
        self.shared.agents.lock().unwrap().clone()
    }

    /// Every URL that was asked for, with the `Authorization` that came along.
    pub fn authorizations(&self) -> Vec<(String, Option<String>)> {
        self.shared.authorizations.lock().unwrap().clone()
    }

    /// How many bytes the bodies had.
    pub fn bytes(&self) -> usize {
        self.shared.bytes.load(Ordering::SeqCst)
    }

    /// Lets those go that are held.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }

    pub fn forget(&self) {
        self.shared.log.lock().unwrap().clear();
        self.shared.bytes.store(0, Ordering::SeqCst);
        self.shared.asked.lock().unwrap().clear();
        self.shared.seen.lock().unwrap().clear();
    }

    /// How often each URL was answered.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (url, _) in self.log() {
            *counts.entry(url).or_insert(0) += 1;
        }
        counts
    }

    /// The most requests that were under way at one time.
    pub fn most_at_once(&self) -> usize {
        self.shared.most_at_once.load(Ordering::SeqCst)
    }

    /// The hosts of which it answers anything.
    fn hosts(&self) -> BTreeSet<String> {
        let replies = self.shared.replies.lock().unwrap();
        let paths = replies.keys().filter_map(|path| path.split('/').nth(1));
        paths.map(str::to_owned).collect()
    }

    /// The flags that make this server the upstream of these hosts and of all that it answers for.
    pub fn maps(&self, hosts: &[&str]) -> Vec<String> {
        let mut all = self.hosts();
        all.extend(hosts.iter().map(ToString::to_string));
        all.iter()
            .map(|host| {
                format!(
                    "--upstream-map=https://{host}=http://{}/{host}",
                    self.address
                )
            })
            .collect()
    }
}

impl Shared {
    fn is_so(&self, until: &Until) -> bool {
        match until {
            Until::Answered(part) => {
                let log = self.log.lock().unwrap();
                log.iter().any(|(url, _)| url.contains(part))
            }
            Until::AtOnce(count) => self.most_at_once.load(Ordering::SeqCst) >= *count,
        }
    }

    async fn held(&self, until: &Until) {
        let begun = Instant::now();
        while !self.is_so(until) && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn path(url: &str) -> String {
    format!("/{}", url.strip_prefix("https://").unwrap())
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let mut path = uri
        .path_and_query()
        .map_or_else(String::new, ToString::to_string);
    // Whoever asks it by the upstream's own name means that host.
    let name = text(header::HOST).unwrap_or_default().split(':').next();
    if let Some(name) = name.filter(|name| !["127.0.0.1", "localhost"].contains(name)) {
        path = format!("/{name}{path}");
    }
    let range = text(header::RANGE).map_or_else(String::new, |range| format!(" {range}"));
    let asked = format!("{method} https:/{path}{range}");
    shared.asked.lock().unwrap().push(asked);
    let agent = text(header::USER_AGENT).unwrap_or_default().to_owned();
    shared.agents.lock().unwrap().insert(agent);
    let authorization = text(header::AUTHORIZATION).map(str::to_owned);
    let seen = (format!("https:/{path}"), authorization);
    shared.authorizations.lock().unwrap().push(seen);
    let now = shared.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most_at_once.fetch_max(now, Ordering::SeqCst);
    let until = {
        let holds = shared.holds.lock().unwrap();
        let found = holds.iter().find(|(begin, _)| path.starts_with(begin));
        found.map(|(_, until)| until.clone())
    };
    if let Some(until) = until {
        shared.held(&until).await;
    }
    let pause = shared
        .pauses
        .lock()
        .unwrap()
        .iter()
        .find(|(begin, _)| path.starts_with(begin))
        .map(|(_, pause)| *pause);
    if let Some(pause) = pause {
        tokio::time::sleep(pause).await;
    }
    let reply = shared.replies.lock().unwrap().get(&path).cloned();
    if matches!(reply, Some(Reply::Held)) {
        let mut released = shared.released.subscribe();
        released.wait_for(|released| *released).await.unwrap();
    }
    let seen = {
        let mut seen = shared.seen.lock().unwrap();
        let count = seen.entry(path.clone()).or_default();
        *count += 1;
        *count
    };
    let reply = match reply.unwrap_or(Reply::Status(404)) {
        Reply::NoHead(_) if method == Method::HEAD => Reply::Status(405),
        Reply::NoHead(reply) => *reply,
        reply => reply,
    };
    let response = respond(reply, seen, &headers);
    let size = response.body().size_hint().exact().unwrap_or_default();
    let size = usize::try_from(size).unwrap();
    shared.bytes.fetch_add(size, Ordering::SeqCst);
    let url = format!("https:/{path}");
    let entry = (url, response.status().as_u16());
    shared.log.lock().unwrap().push(entry);
    shared.at_once.fetch_sub(1, Ordering::SeqCst);
    response
}

fn respond(reply: Reply, seen: usize, headers: &HeaderMap) -> Response<Body> {
    let with = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap());
    match reply {
        Reply::Body(body) => {
            let tag = format!("\"{:x?}\"", Sha256::digest(&body).to_vec());
            let known = headers.get(header::IF_NONE_MATCH);
            if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
                return with(304)
                    .header(header::ETAG, tag)
                    .body(Body::empty())
                    .unwrap();
            }
            with(200)
                .header(header::ETAG, tag)
                .body(Body::from(body))
                .unwrap()
        }
        Reply::Answer(status, headers, body) => headers
            .into_iter()
            .fold(with(status), |answer, (name, value)| {
                answer.header(name, value)
            })
            .body(Body::from(body))
            .unwrap(),
        Reply::Dated(body, date) => {
            let known = headers.get(header::IF_MODIFIED_SINCE);
            if known.is_some_and(|known| known.as_bytes() == date.as_bytes()) {
                return with(304).body(Body::empty()).unwrap();
            }
            with(200)
                .header(header::LAST_MODIFIED, date)
                .body(Body::from(body))
                .unwrap()
        }
        Reply::Held => with(404).body(Body::empty()).unwrap(),
        Reply::Status(status) => with(status).body(Body::from("no")).unwrap(),
        Reply::Html => with(200)
            .header(header::CONTENT_TYPE, "text/html")
            .body(Body::from(
                "<!DOCTYPE html><html><body><h1>Maintenance</h1></body></html>",
            ))
            .unwrap(),
        Reply::Cut(body) => {
            let length = body.len() + 100;
            // The body goes out first; then the server drops the connection.
            let cut = stream::once(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::other("cut"))
            });
            let body = stream::iter([Ok(Bytes::from(body))]).chain(cut);
            with(200)
                .header(header::CONTENT_LENGTH, length)
                .body(Body::from_stream(body))
                .unwrap()
        }
        Reply::Endless => {
            let piece = Bytes::from(vec![b'\n'; 1 << 16]);
            let body = stream::repeat(piece).map(Ok::<_, std::io::Error>);
            with(200).body(Body::from_stream(body)).unwrap()
        }
        Reply::Redirect(target) => with(302)
            .header(header::LOCATION, target)
            .body(Body::empty())
            .unwrap(),
        Reply::Unavailable(times, _) if seen <= times => with(503).body(Body::empty()).unwrap(),
        Reply::Unavailable(_, then) | Reply::NoHead(then) => respond(*then, seen, headers),
    }
}
