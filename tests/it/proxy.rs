//! A proxy in front of a real service: writes down every request, and makes the faults that no real service makes on
//! demand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;

/// One request that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub status: u16,
}

impl Seen {
    /// Whether it can change anything.
    pub fn is_write(&self) -> bool {
        self.method != "GET" && self.method != "HEAD"
    }
}

/// What happens to a request in place of passing it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This answer, and the service sees nothing.
    Answer(u16, &'static str),
    /// The service does it, and the client is told 500.
    DoneButLost,
    /// The connection ends without an answer after the service has seen some of the body.
    Cut,
}

struct Rule {
    method: &'static str,
    path: &'static str,
    skip: usize,
    count: usize,
    fault: Fault,
}

struct Shared {
    target: String,
    seen: Mutex<Vec<Seen>>,
    rules: Mutex<Vec<Rule>>,
    client: reqwest::Client,
}

/// A running proxy.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Proxy {
    /// Listens on a free port and passes on to `target`, a URL without a path.
    pub fn start(target: &str) -> Self {
        let shared = Arc::new(Shared {
            target: target.trim_end_matches('/').to_owned(),
            seen: Mutex::default(),
            rules: Mutex::default(),
            client: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        Self {
            shared,
            address: serve(router),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far; forgets them.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }

    /// Lets `count` requests of this method whose path contains `path` fail, after `skip` that pass.
    pub fn fail(
        &self,
        method: &'static str,
        path: &'static str,
        skip: usize,
        count: usize,
        fault: Fault,
    ) {
        self.shared.rules.lock().unwrap().push(Rule {
            method,
            path,
            skip,
            count,
            fault,
        });
    }

    /// Faults end.
    pub fn heal(&self) {
        self.shared.rules.lock().unwrap().clear();
    }
}

/// Serves a router on a free port of loopback, in a thread that ends with the test.
pub fn serve(router: Router) -> SocketAddr {
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
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let method = request.method().to_string();
    let path = request
        .uri()
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    let fault = {
        let mut rules = shared.rules.lock().unwrap();
        let rule = rules.iter_mut().find(|rule| {
            rule.method == method && path.contains(rule.path) && (rule.skip > 0 || rule.count > 0)
        });
        rule.and_then(|rule| {
            if rule.skip > 0 {
                rule.skip -= 1;
                return None;
            }
            rule.count -= 1;
            Some(rule.fault)
        })
    };
    let note = |status: u16| {
        let seen = Seen {
            method: method.clone(),
            path: path.clone(),
            status,
        };
        shared.seen.lock().unwrap().push(seen);
    };
    match fault {
        Some(Fault::Answer(status, text)) => {
            note(status);
            answer(status, text)
        }
        Some(Fault::Cut) => {
            note(0);
            // A body that breaks off ends the connection in the middle of the answer.
            let broken =
                futures_util::stream::iter([Err::<Vec<u8>, _>(std::io::Error::other("cut"))]);
            Response::builder()
                .status(200)
                .body(Body::from_stream(broken))
                .unwrap()
        }
        other => {
            let response = forward(&shared, request, &path).await;
            note(response.status().as_u16());
            if other == Some(Fault::DoneButLost) {
                answer(500, "lost on the way back")
            } else {
                response
            }
        }
    }
}

fn answer(status: u16, text: &'static str) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "text/plain")
        .body(Body::from(text))
        .unwrap()
}

async fn forward(shared: &Shared, request: Request, path: &str) -> Response {
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    headers.remove("host");
    let sent = shared
        .client
        .request(parts.method, format!("{}{path}", shared.target))
        .headers(headers)
        .body(reqwest::Body::wrap_stream(body.into_data_stream()))
        .send()
        .await;
    match sent {
        Ok(answer) => {
            let mut response = Response::builder().status(answer.status());
            for (name, value) in answer.headers() {
                if name != "transfer-encoding" && name != "connection" {
                    response = response.header(name, value);
                }
            }
            response
                .body(Body::from_stream(answer.bytes_stream()))
                .unwrap()
        }
        Err(error) => {
            let status = StatusCode::BAD_GATEWAY;
            Response::builder()
                .status(status)
                .body(Body::from(error.to_string()))
                .unwrap()
        }
    }
}
