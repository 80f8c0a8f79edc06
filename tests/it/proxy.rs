//! A proxy in front of the real services: writes down every request, and makes the faults that no real service makes on
//! demand.

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

/// One request that came in.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// `GET /image/v2/images`
    pub line: String,
    /// The query, if any.
    pub query: String,
    /// The token that came with it.
    pub token: Option<String>,
    /// How many requests with the same line came before.
    pub before: usize,
    /// The header fields.
    pub headers: HeaderMap,
}

impl Seen {
    /// Whether it can change anything.
    pub fn is_write(&self) -> bool {
        self.method != "GET" && self.method != "HEAD"
    }
}

/// What happens to a request that is not simply passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This answer, and the service sees nothing.
    Answer(u16, &'static str),
    /// The service does it, and the client is told 500.
    DoneButLost,
    /// The connection ends in the middle of an answer, and the service sees nothing.
    Cut,
}

/// What is done with a request.
enum Deed {
    PassOn,
    Answer(Response<Body>),
    PassOnAndLose,
}

/// What a rule does with a request; `None` leaves it to the next one.
type Rule = Box<dyn FnMut(&Seen) -> Option<Deed> + Send>;

/// Paths that begin so go to that service, without this beginning.
type Routes = Vec<(&'static str, Url)>;

struct Shared {
    client: Client,
    routes: Routes,
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<Seen>>,
}

/// A running proxy; it ends with the process.
pub struct Proxy {
    shared: Arc<Shared>,
    pub url: Url,
}

impl Proxy {
    /// In front of one service.
    pub fn of(service: &Url) -> Self {
        Self::serve("http", vec![("", service.clone())], |listener| listener)
    }

    /// In front of Keystone, below `/identity`, and Glance, below `/image`, so that endpoints with a path are tried too.
    pub async fn start() -> Self {
        Self::of_both("http", |listener| listener).await
    }

    /// The same; answers itself where `fault` says so.
    pub async fn with_fault(
        fault: impl Fn(&Seen) -> Option<Response<Body>> + Send + 'static,
    ) -> Self {
        let proxy = Self::start().await;
        proxy.answer_where(fault);
        proxy
    }

    /// The same behind a listener of any kind.
    pub async fn of_both<L: Listener<Addr = SocketAddr>>(
        scheme: &str,
        wrap: impl FnOnce(TcpListener) -> L + Send + 'static,
    ) -> Self {
        let admin = services::glance("admin").await;
        let keystone = admin.session().cloud().auth_url.join("/").unwrap();
        let glance = admin.endpoint().join("/").unwrap();
        Self::serve(
            scheme,
            vec![("/identity", keystone), ("/image", glance)],
            wrap,
        )
    }

    fn serve<L: Listener<Addr = SocketAddr>>(
        scheme: &str,
        routes: Routes,
        wrap: impl FnOnce(TcpListener) -> L + Send + 'static,
    ) -> Self {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let shared = Arc::new(Shared {
            client: client.build().unwrap(),
            routes,
            rules: Mutex::default(),
            seen: Mutex::default(),
        });
        let service = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let address = serve_on(service, wrap);
        let url = Url::parse(&format!("{scheme}://{address}")).unwrap();
        Self { shared, url }
    }

    /// A cloud of the services whose Keystone and Glance are reached through this proxy.
    pub fn cloud(&self, name: &str) -> Cloud {
        Cloud {
            auth_url: self.url.join("/identity/v3").unwrap(),
            image_endpoint: Some(self.url.join("/image").unwrap()),
            ..services::cloud(name)
        }
    }

    /// The requests so far, in their order.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The requests so far, as `GET /image/v2/images`.
    pub fn calls(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// The requests so far; forgets them.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }

    /// Lets the next request of this method whose path contains `path` fail.
    pub fn fail(&self, method: &'static str, path: &'static str, fault: Fault) {
        self.fail_often(method, path, 1, fault);
    }

    /// Lets as many of them fail.
    pub fn fail_often(&self, method: &'static str, path: &'static str, count: usize, fault: Fault) {
        let mut left = count;
        self.rule(move |seen| {
            if left == 0 || seen.method != method || !seen.path.contains(path) {
                return None;
            }
            left -= 1;
            Some(match fault {
                Fault::Answer(status, text) => Deed::Answer(answer(status, text)),
                Fault::DoneButLost => Deed::PassOnAndLose,
                Fault::Cut => Deed::Answer(broken()),
            })
        });
    }

    /// Answers itself where this says so.
    pub fn answer_where(&self, fault: impl Fn(&Seen) -> Option<Response<Body>> + Send + 'static) {
        self.rule(move |seen| fault(seen).map(Deed::Answer));
    }

    fn rule(&self, rule: impl FnMut(&Seen) -> Option<Deed> + Send + 'static) {
        self.shared.rules.lock().unwrap().push(Box::new(rule));
    }

    /// Faults end.
    pub fn heal(&self) {
        self.shared.rules.lock().unwrap().clear();
    }
}

/// Serves a router on a free port of loopback, in a thread that ends with the process.
pub fn serve(router: Router) -> SocketAddr {
    serve_on(router, |listener| listener)
}

/// The same behind a listener of any kind.
pub fn serve_on<L: Listener<Addr = SocketAddr>>(
    router: Router,
    wrap: impl FnOnce(TcpListener) -> L + Send + 'static,
) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = wrap(TcpListener::from_std(listener).unwrap());
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

/// Makes an answer of its own.
pub fn answer(status: u16, body: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
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
    answer.headers_mut().insert(name, value.parse().unwrap());
    answer
}

/// A body that breaks off ends the connection in the middle of the answer.
fn broken() -> Response<Body> {
    let cut = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
    answer(200, Body::from_stream(cut))
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let seen = noted(&shared, &request);
    let deed = {
        let mut rules = shared.rules.lock().unwrap();
        rules.iter_mut().find_map(|rule| rule(&seen))
    };
    match deed.unwrap_or(Deed::PassOn) {
        Deed::Answer(answer) => answer,
        Deed::PassOn => forward(&shared, request).await,
        Deed::PassOnAndLose => {
            forward(&shared, request).await;
            answer(500, "lost on the way back")
        }
    }
}

fn noted(shared: &Shared, request: &Request<Body>) -> Seen {
    let (method, path) = (
        request.method().to_string(),
        request.uri().path().to_owned(),
    );
    let line = format!("{method} {path}");
    let token = request.headers().get("x-auth-token");
    let mut calls = shared.seen.lock().unwrap();
    let before = calls.iter().filter(|seen| seen.line == line).count();
    let seen = Seen {
        method,
        path,
        line,
        query: request.uri().query().unwrap_or_default().to_owned(),
        token: token
            .and_then(|token| token.to_str().ok())
            .map(str::to_owned),
        before,
        headers: request.headers().clone(),
    };
    calls.push(seen.clone());
    seen
}

async fn forward(shared: &Shared, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let route = shared.routes.iter().find_map(|(begin, service)| {
        let rest = parts.uri.path().strip_prefix(begin)?;
        Some((service.clone(), rest))
    });
    let Some((mut url, path)) = route else {
        return answer(404, "no service has this path");
    };
    url.set_path(path);
    url.set_query(parts.uri.query());
    let mut headers = parts.headers;
    headers.remove("host");
    let mut forwarded = shared
        .client
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
