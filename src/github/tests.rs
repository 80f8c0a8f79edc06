//! Conduct against a server on loopback: limits, lost answers, redirects, lists, and where the token goes.

mod app;
mod cache;
mod edits;
mod limits;
mod lists;
mod refusals;
mod token;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Response};
use serde_json::{Value, json};

use super::*;

const TOKEN: &str = "ghp_0123456789abcdef";

/// A request as it arrived.
#[derive(Debug, Clone)]
struct Asked {
    method: Method,
    /// Path and query.
    target: String,
    headers: HeaderMap,
    body: Value,
}

/// A server that keeps what it is asked.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts one that answers by a function of the request and how many came before it.
    async fn start(
        answer: impl Fn(&Asked, usize) -> Response<Body> + Clone + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::clone(&asked);
        let router = Router::new().fallback(move |request: Request| {
            let (answer, kept) = (answer.clone(), Arc::clone(&kept));
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let one = Asked {
                    method: head.method,
                    target: head.uri.to_string(),
                    headers: head.headers,
                    body: serde_json::from_slice(&body).unwrap_or_default(),
                };
                let before = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(one.clone());
                    kept.len() - 1
                };
                answer(&one, before)
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, asked }
    }

    fn place(&self) -> Place {
        let api = format!("http://{}", self.address);
        let pairs = [
            ("GITHUB_REPOSITORY", "acme/catalogue"),
            ("GITHUB_API_URL", &api),
            ("GITHUB_SERVER_URL", &api),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Place::from_environment(&pairs.into()).unwrap()
    }

    async fn repository(&self) -> Repository {
        self.patient(quick()).await
    }

    async fn patient(&self, patience: Patience) -> Repository {
        let credentials = Credentials::token(TOKEN, false).unwrap();
        Repository::connect(self.place(), credentials, patience)
            .await
            .unwrap()
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked, as `METHOD target`.
    fn lines(&self) -> Vec<String> {
        let line = |one: &Asked| format!("{} {}", one.method, one.target);
        self.asked().iter().map(line).collect()
    }
}

/// Patience with which a test ends soon.
fn quick() -> Patience {
    Patience {
        between_writes: Duration::ZERO,
        in_all: Duration::from_secs(30),
        answer: Duration::from_secs(5),
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

fn ok(body: &Value) -> Response<Body> {
    answer(200, &[], body.to_string())
}

fn refused(status: u16, message: &str) -> Response<Body> {
    answer(status, &[], json!({"message": message}).to_string())
}

fn about() -> Value {
    json!({
        "full_name": "acme/catalogue", "node_id": "R_1", "default_branch": "main",
        "archived": false, "has_issues": true,
    })
}

fn comment(id: u64) -> Value {
    json!({"id": id, "html_url": "https://a.example/c", "body": "text", "user": {"login": "ada"}})
}
