//! A server in front of the real services: counts the calls, and answers some of them itself.
//!
//! Below `/identity` it is Keystone, below `/image` Glance, so that endpoints with a path are tried too.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::serve::Listener;
use futures_util::TryStreamExt;
use reglaze::openstack::Cloud;
use reqwest::Client;
use tokio::net::TcpListener;
use url::Url;

use crate::services;

/// One call that came in.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `GET /image/v2/images`
    pub line: String,
    /// The query, if any.
    pub query: String,
    /// The token that came with it.
    pub token: Option<String>,
    /// How many calls with the same line came before.
    pub before: usize,
    /// The header fields.
    pub headers: HeaderMap,
}

/// What the front answers in place of the service; `None` lets the call through.
type Fault = Box<dyn Fn(&Seen) -> Option<Response<Body>> + Send + Sync>;

struct Shared {
    http: Client,
    keystone: Url,
    glance: Url,
    fault: Fault,
    calls: Mutex<Vec<Seen>>,
}

/// A running front; it ends with the test.
pub struct Front {
    shared: Arc<Shared>,
    pub url: Url,
}

impl Front {
    /// Starts a front that lets everything through.
    pub async fn start() -> Self {
        Self::with_fault(|_| None).await
    }

    /// Starts a front that answers itself where `fault` says so.
    pub async fn with_fault(
        fault: impl Fn(&Seen) -> Option<Response<Body>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        Self::serve(listener, "http", fault).await
    }

    /// Starts a front on a listener of any kind.
    pub async fn serve<L: Listener<Addr = SocketAddr>>(
        listener: L,
        scheme: &str,
        fault: impl Fn(&Seen) -> Option<Response<Body>> + Send + Sync + 'static,
    ) -> Self {
        let admin = services::glance("admin").await;
        let shared = Arc::new(Shared {
            http: Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .expect("a client"),
            keystone: admin.session().cloud().auth_url.join("/").expect("a URL"),
            glance: admin.endpoint().join("/").expect("a URL"),
            fault: Box::new(fault),
            calls: Mutex::default(),
        });
        let address = listener.local_addr().expect("an address");
        let url = Url::parse(&format!("{scheme}://127.0.0.1:{}", address.port())).expect("a URL");
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { shared, url }
    }

    /// Gives a cloud of the services whose Keystone and Glance are reached through this front.
    pub fn cloud(&self, name: &str) -> Cloud {
        Cloud {
            auth_url: self.url.join("/identity/v3").expect("a URL"),
            image_endpoint: Some(self.url.join("/image").expect("a URL")),
            ..services::cloud(name)
        }
    }

    /// Gives the calls that came in, in their order.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.calls.lock().expect("no panic").clone()
    }

    /// Gives the calls that came in, as `GET /image/v2/images`.
    pub fn calls(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

/// Makes an answer of its own.
pub fn answer(status: u16, body: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    answer
}

/// Makes an answer with one more header field.
pub fn answer_with(
    status: u16,
    name: &'static str,
    value: &str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut answer = answer(status, body);
    answer
        .headers_mut()
        .insert(name, value.parse().expect("a header value"));
    answer
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let line = format!("{} {}", parts.method, parts.uri.path());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let token = parts
        .headers
        .get("x-auth-token")
        .and_then(|token| token.to_str().ok())
        .map(str::to_owned);
    let seen = {
        let mut calls = shared.calls.lock().expect("no panic");
        let before = calls.iter().filter(|seen| seen.line == line).count();
        let seen = Seen {
            line,
            query,
            token,
            before,
            headers: parts.headers.clone(),
        };
        calls.push(seen.clone());
        seen
    };
    if let Some(answer) = (shared.fault)(&seen) {
        return answer;
    }
    let path = parts.uri.path();
    let (base, path) = match (path.strip_prefix("/identity"), path.strip_prefix("/image")) {
        (Some(rest), _) => (&shared.keystone, rest),
        (_, Some(rest)) => (&shared.glance, rest),
        _ => return answer(404, "neither /identity nor /image"),
    };
    let mut url = base.clone();
    url.set_path(path);
    url.set_query(parts.uri.query());
    let mut headers = parts.headers;
    headers.remove("host");
    let mut forwarded = shared
        .http
        .request(parts.method.clone(), url)
        .headers(headers);
    if parts.method != "GET" && parts.method != "DELETE" {
        forwarded = forwarded.body(reqwest::Body::wrap_stream(body.into_data_stream()));
    }
    match forwarded.send().await {
        Ok(received) => {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = received.status();
            for (name, value) in received.headers() {
                if name != "connection" && name != "transfer-encoding" {
                    answer.headers_mut().append(name, value.clone());
                }
            }
            *answer.body_mut() = Body::from_stream(received.bytes_stream().map_ok(Bytes::from));
            answer
        }
        Err(error) => answer(599, error.to_string()),
    }
}
