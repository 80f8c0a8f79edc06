//! A proxy in front of the real services: writes down every request, and makes the faults that no real service makes on
//! demand.

mod gate;
mod pass;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use axum::serve::Listener;
use reglaze::openstack::Cloud;
use reqwest::Client;
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use url::Url;

use crate::services;
use gate::Held;
use pass::{broken, pass};

pub use gate::Gate;

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
    /// The body, where it is JSON; null else.
    pub body: Value,
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
    /// The service does it, and the connection ends in the middle of the answer.
    DoneButCut,
    /// The service gets half of the body, then both connections end.
    CutWithin,
}

/// When somebody strikes at a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The service does not see it.
    Before,
    /// The service has half of its body.
    Within,
    /// The service has done it, and the client has no answer.
    After,
}

/// What is done at that moment, while the request waits.
type Blow = Box<dyn FnOnce() + Send>;

/// What is done after every write, before the client hears of it.
pub type Look = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What is done with a request.
enum Deed {
    PassOn,
    Answer(Response<Body>),
    PassOnAndLose,
    PassOnAndCut,
    CutWithin,
    Strike(Moment, Blow),
    Hold(Held),
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
    look: Mutex<Option<Look>>,
    /// Whether services see whom the client called: signatures are for one host.
    keeps_host: bool,
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

    /// In front of a service whose requests are signed for the host that the client called.
    pub fn of_signed(service: &Url) -> Self {
        Self::serve_with(true, "http", vec![("", service.clone())], |listener| {
            listener
        })
    }

    /// In front of several services, each below its path; the last may have none.
    pub fn of_routes(routes: Vec<(&'static str, Url)>) -> Self {
        Self::serve("http", routes, |listener| listener)
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
        Self::serve_with(false, scheme, routes, wrap)
    }

    fn serve_with<L: Listener<Addr = SocketAddr>>(
        keeps_host: bool,
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
            look: Mutex::default(),
            keeps_host,
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
            Some(fault.deed())
        });
    }

    /// Answers itself where this says so.
    pub fn answer_where(&self, fault: impl Fn(&Seen) -> Option<Response<Body>> + Send + 'static) {
        self.rule(move |seen| fault(seen).map(Deed::Answer));
    }

    /// Lets the first request fail for which this is true.
    pub fn fail_where(&self, mut is_it: impl FnMut(&Seen) -> bool + Send + 'static, fault: Fault) {
        let mut is_over = false;
        self.rule(move |seen| {
            if is_over || !is_it(seen) {
                return None;
            }
            is_over = true;
            Some(fault.deed())
        });
    }

    /// Does something at one moment of the first request for which this is true; the client gets no answer to it.
    pub fn strike_where(
        &self,
        mut is_it: impl FnMut(&Seen) -> bool + Send + 'static,
        moment: Moment,
        blow: impl FnOnce() + Send + 'static,
    ) {
        let mut blow = Some(Box::new(blow) as Blow);
        self.rule(move |seen| {
            if blow.is_none() || !is_it(seen) {
                return None;
            }
            blow.take().map(|blow| Deed::Strike(moment, blow))
        });
    }

    /// Holds the body of the first request for which this is true, after its first piece.
    pub fn hold_where(&self, mut is_it: impl FnMut(&Seen) -> bool + Send + 'static) -> Gate {
        let (gate, held) = Gate::new();
        let mut held = Some(held);
        self.rule(move |seen| {
            if held.is_none() || !is_it(seen) {
                return None;
            }
            held.take().map(Deed::Hold)
        });
        gate
    }

    /// Looks after every write that reached a service, before the client hears of it.
    pub fn look_after_writes(&self, look: Look) {
        *self.shared.look.lock().unwrap() = Some(look);
    }

    fn rule(&self, rule: impl FnMut(&Seen) -> Option<Deed> + Send + 'static) {
        self.shared.rules.lock().unwrap().push(Box::new(rule));
    }

    /// Faults end.
    pub fn heal(&self) {
        self.shared.rules.lock().unwrap().clear();
    }
}

impl Fault {
    fn deed(self) -> Deed {
        match self {
            Self::Answer(status, text) => Deed::Answer(answer(status, text)),
            Self::DoneButLost => Deed::PassOnAndLose,
            Self::Cut => Deed::Answer(broken()),
            Self::DoneButCut => Deed::PassOnAndCut,
            Self::CutWithin => Deed::CutWithin,
        }
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

/// An address at which nobody listens, and what keeps it from everybody else.
pub fn closed() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
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
