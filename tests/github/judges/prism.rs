//! Every REST request and answer of a log, held against GitHub's description of its API by Prism.
//!
//! Prism is a proxy, but it does not stand between the bot and the fake: it would follow redirects, hide cut connections and
//! cost time. The log is played again afterwards: its requests go to Prism, and behind Prism somebody gives the answers that
//! were given.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use serde_json::Value;

use super::super::fake::log::{Entry, Given};
use super::super::program::Program;
use super::description::Description;

/// What Prism tells of one request, as JSON in this header.
const VIOLATIONS: &str = "sl-violations";

/// A running Prism; it ends when it is dropped.
pub struct Prism {
    program: Program,
    description: Description,
    /// What is to be answered next.
    next: Arc<Mutex<Option<Given>>>,
}

impl Prism {
    pub fn start() -> Self {
        let folder = super::folder();
        let next = Arc::<Mutex<Option<Given>>>::default();
        let behind = answer_behind(next.clone());
        let program = Program::start(move |port| {
            let mut command = Command::new(folder.join("node"));
            command
                .arg(folder.join("prism"))
                .arg("proxy")
                .arg(folder.join("openapi.json"))
                .arg(&behind)
                .args(["-h", "127.0.0.1", "-p", &port.to_string()])
                .args(["--verboseLevel", "error"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        });
        let description = Description::read(&folder.join("openapi.json"));
        Self {
            program,
            description,
            next,
        }
    }

    /// What is wrong with these requests and answers; GraphQL is judged elsewhere.
    pub fn violations(&mut self, log: &[Entry]) -> Vec<String> {
        let url = format!("http://127.0.0.1:{}", self.program.listening());
        let rest = log.iter().filter(|entry| !entry.path.ends_with("/graphql"));
        // A runtime of its own, in a thread: the caller may have one.
        std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                let client = reqwest::Client::builder()
                    .redirect(reqwest::redirect::Policy::none())
                    .no_proxy()
                    .build();
                let client = client.expect("a client");
                let mut found = Vec::new();
                for entry in rest {
                    let wrong = runtime.block_on(self.judge(&client, &url, entry));
                    found.extend(
                        wrong
                            .into_iter()
                            .map(|what| format!("{}: {what}", entry.line())),
                    );
                }
                found
            });
            work.join().expect("Prism answers")
        })
    }

    async fn judge(&self, client: &reqwest::Client, url: &str, entry: &Entry) -> Vec<String> {
        self.next
            .lock()
            .expect("nobody failed")
            .clone_from(&entry.given);
        let method = entry.method.parse().expect("a method");
        // Prism takes the slash at the end of `matching-refs/heads/reglaze/` for the beginning of another segment.
        let target = entry.target.replacen("/?", "?", 1);
        let mut request = client.request(method, format!("{url}{}", target.trim_end_matches('/')));
        for (name, value) in &entry.headers {
            // The rest is of the connection, not of the request.
            if [
                "accept",
                "content-type",
                "user-agent",
                "if-none-match",
                "x-github-api-version",
            ]
            .contains(&name.as_str())
            {
                request = request.header(name, value);
            }
        }
        if !entry.body.is_null() {
            request = request.body(entry.body.to_string());
        }
        let answer = request.send().await.expect("Prism answers");
        let told = answer
            .headers()
            .get(VIOLATIONS)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let mut found = self.description.unknown_parameters(entry);
        let Some(told) = told else {
            return found;
        };
        match serde_json::from_str::<Vec<Value>>(&told) {
            Ok(list) => found.extend(
                list.iter()
                    .filter(|one| counts(one, entry))
                    .map(Value::to_string),
            ),
            // More of them than a header holds.
            Err(_) => found.push(told),
        }
        found
    }
}

/// Whether a violation is one; of answers that GitHub does not describe, and of those that a test made, only the request is.
fn counts(violation: &Value, entry: &Entry) -> bool {
    let of_request = violation["location"][0] == "request";
    let message = violation["message"].as_str().unwrap_or_default();
    if message.contains("route not found") || message.contains("Route not") {
        return true;
    }
    if violation["severity"] != "Error" {
        return false;
    }
    let undescribed = message.contains("status code")
        && entry
            .status
            .is_some_and(|status| status == 304 || status >= 400);
    of_request || entry.given.is_some() && !undescribed
}

/// Gives the answers of the log; gives its own address.
fn answer_behind(next: Arc<Mutex<Option<Given>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("a listener");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let _ = axum::serve(listener, Router::new().fallback(give).with_state(next)).await;
        });
    });
    format!("http://{address}")
}

async fn give(State(next): State<Arc<Mutex<Option<Given>>>>) -> Response<Body> {
    let given = next.lock().expect("nobody failed").clone();
    let Some(given) = given else {
        return Response::builder()
            .status(500)
            .body(Body::empty())
            .expect("a response");
    };
    let mut response = Response::builder().status(given.status);
    for (name, value) in given.headers {
        // Prism would follow it.
        if name != "location" {
            response = response.header(name, value);
        }
    }
    response.body(given.body.into()).expect("a response")
}
