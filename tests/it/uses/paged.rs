//! The real Cinder with pages of one volume each, as one whose `osapi_max_limit` is 1; and with what goes wrong between pages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use reqwest::Client;
use serde_json::Value;
use url::Url;

use crate::proxy::{self, answer};

pub struct Paged {
    /// As the catalogue has it.
    pub url: String,
    state: Arc<Pages>,
}

struct Pages {
    cinder: Url,
    client: Client,
    /// Only volumes of this name: others come and go while the list is read.
    name: String,
    requests: AtomicUsize,
    loses: AtomicBool,
    circles: AtomicBool,
}

impl Paged {
    /// In front of a Cinder, as the catalogue has it.
    pub fn of(cinder: Url, name: &str) -> Self {
        let state = Arc::new(Pages {
            client: Client::builder().no_proxy().build().unwrap(),
            name: name.to_owned(),
            requests: AtomicUsize::default(),
            loses: AtomicBool::default(),
            circles: AtomicBool::default(),
            cinder,
        });
        let router = Router::new().fallback(page).with_state(Arc::clone(&state));
        let url = format!("http://{}{}", proxy::serve(router), state.cinder.path());
        Self { url, state }
    }

    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// The next page's marker is of a volume that was deleted meanwhile.
    pub fn lose_the_place_once(&self) {
        self.state.loses.store(true, Ordering::SeqCst);
    }

    /// Every page names the same next one.
    pub fn go_in_circles(&self) {
        self.state.circles.store(true, Ordering::SeqCst);
    }
}

async fn page(State(state): State<Arc<Pages>>, request: Request) -> Response<Body> {
    state.requests.fetch_add(1, Ordering::SeqCst);
    let query = request.uri().query().unwrap_or_default();
    if state.circles.load(Ordering::SeqCst) {
        return answer(
            200,
            r#"{"volumes": [], "volumes_links": [{"rel": "next", "href": "http://elsewhere/?marker=again"}]}"#,
        );
    }
    if query.contains("marker") && state.loses.swap(false, Ordering::SeqCst) {
        return answer(
            404,
            r#"{"itemNotFound": {"code": 404, "message": "the marker is gone"}}"#,
        );
    }
    let mut url = state.cinder.clone();
    url.set_path(request.uri().path());
    url.set_query(Some(query));
    url.query_pairs_mut()
        .append_pair("limit", "1")
        .append_pair("name", &state.name);
    let mut asked = state.client.get(url);
    for name in ["x-auth-token", "openstack-api-version"] {
        if let Some(value) = request.headers().get(name) {
            asked = asked.header(name, value);
        }
    }
    let received = asked.send().await.unwrap();
    let status = received.status().as_u16();
    let document: Value = received.json().await.unwrap();
    answer(status, document.to_string())
}
