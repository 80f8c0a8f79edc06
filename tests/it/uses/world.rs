//! A cloud whose catalogue is the test's own: Keystone's answer names proxies in front of the real Nova and Cinder, in as many
//! regions as the test wants. And tenants, who start servers and make volumes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use reglaze::domain::usage::{InUse, Uses};
use reglaze::openstack::config::{Login, Named};
use reglaze::openstack::{self, Cloud, Session};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use url::Url;

use crate::proxy::{self, Proxy};
use crate::services::{self, PASSWORD};

/// Services with proxies in front of them.
pub struct World {
    pub nova: Proxy,
    pub cinder: Proxy,
    pub keystone: Url,
    catalogue: Arc<Mutex<Vec<(String, String, String)>>>,
}

struct Rewriting {
    keystone: Url,
    client: Client,
    catalogue: Arc<Mutex<Vec<(String, String, String)>>>,
}

impl World {
    /// The catalogue has each service once, in `RegionOne`.
    pub async fn new() -> Self {
        let (_, document) = login("admin").await;
        let nova = Proxy::of(&root(&document, "compute"));
        let cinder = Proxy::of(&root(&document, "volumev3"));
        let project = document["token"]["project"]["id"].as_str().unwrap();
        let entry = |kind: &str, url: String| (kind.to_owned(), "RegionOne".to_owned(), url);
        let catalogue = Arc::new(Mutex::new(vec![
            entry("image", root(&document, "image").to_string()),
            entry("compute", format!("{}v2.1", nova.url)),
            entry("volumev3", format!("{}v3/{project}", cinder.url)),
        ]));
        let rewriting = Rewriting {
            keystone: services::cloud("admin").auth_url,
            client: Client::builder().no_proxy().build().unwrap(),
            catalogue: Arc::clone(&catalogue),
        };
        let router = Router::new()
            .fallback(rewritten)
            .with_state(Arc::new(rewriting));
        let keystone = Url::parse(&format!("http://{}/v3", proxy::serve(router))).unwrap();
        Self {
            nova,
            cinder,
            keystone,
            catalogue,
        }
    }

    /// One more endpoint.
    pub fn add(&self, kind: &str, region: &str, url: &str) {
        let mut catalogue = self.catalogue.lock().unwrap();
        catalogue.push((kind.to_owned(), region.to_owned(), url.to_owned()));
    }

    /// The catalogue has nothing of this type any more.
    pub fn remove(&self, kind: &str) {
        self.catalogue
            .lock()
            .unwrap()
            .retain(|(other, _, _)| other != kind);
    }

    /// Where the catalogue has a service.
    pub fn endpoint(&self, kind: &str) -> Url {
        let catalogue = self.catalogue.lock().unwrap();
        let (_, _, url) = catalogue
            .iter()
            .find(|(other, _, _)| other == kind)
            .unwrap();
        Url::parse(url).unwrap()
    }

    /// A cloud of the services whose login goes here.
    pub fn cloud(&self, name: &str) -> Cloud {
        Cloud {
            auth_url: self.keystone.clone(),
            ..services::cloud(name)
        }
    }

    /// Asks who uses which image.
    pub async fn uses(&self, name: &str) -> Uses {
        self.uses_with(name, InUse::default()).await
    }

    /// The same with the setting `in_use`.
    pub async fn uses_with(&self, name: &str, in_use: InUse) -> Uses {
        let session = Session::login(self.cloud(name)).await.unwrap();
        openstack::uses(&session, in_use).await
    }

    /// Asks who uses one image.
    pub async fn uses_of(&self, image: &str) -> Uses {
        let session = Session::login(self.cloud("admin")).await.unwrap();
        openstack::uses_of(&session, InUse::default(), image).await
    }
}

/// Passes a login on to Keystone and puts the test's own catalogue into the answer.
async fn rewritten(State(state): State<Arc<Rewriting>>, request: Request) -> Response<Body> {
    let mut url = state.keystone.join(request.uri().path()).unwrap();
    url.set_query(request.uri().query());
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut asked = state.client.request(parts.method, url).body(body);
    for name in ["content-type", "x-auth-token", "x-subject-token"] {
        if let Some(value) = parts.headers.get(name) {
            asked = asked.header(name, value);
        }
    }
    let received = asked.send().await.unwrap();
    let mut answer = Response::builder().status(received.status());
    if let Some(token) = received.headers().get("x-subject-token") {
        answer = answer.header("x-subject-token", token);
    }
    let mut document: Value = received.json().await.unwrap();
    if !document["token"].is_null() {
        let entries = state.catalogue.lock().unwrap();
        let services = entries.iter().map(|(kind, region, url)| {
            json!({"type": kind, "name": kind, "endpoints": [
                {"interface": "public", "region": region, "region_id": region, "url": url},
            ]})
        });
        document["token"]["catalog"] = services.collect();
    }
    answer.body(Body::from(document.to_string())).unwrap()
}

/// Logs in as any other tool would: the token, and Keystone's document.
async fn login(name: &str) -> (String, Value) {
    let cloud = services::cloud(name);
    let (
        Login::Password {
            user: Named::Name { name: user, .. },
            ..
        },
        Some(Named::Name { name: project, .. }),
    ) = (&cloud.login, &cloud.project)
    else {
        panic!("a user with a password, in a project");
    };
    let domain = json!({"id": "default"});
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {"name": user, "domain": domain, "password": PASSWORD}}},
        "scope": {"project": {"name": project, "domain": domain}},
    }});
    let answer = Client::new()
        .post(format!("{}/auth/tokens", cloud.auth_url))
        .json(&body)
        .send()
        .await
        .unwrap();
    let token = answer.headers()["x-subject-token"]
        .to_str()
        .unwrap()
        .to_owned();
    (token, answer.json().await.unwrap())
}

fn endpoint(document: &Value, kind: &str) -> String {
    let services = document["token"]["catalog"].as_array().unwrap();
    let service = services.iter().find(|one| one["type"] == kind).unwrap();
    let endpoints = service["endpoints"].as_array().unwrap();
    let public = endpoints
        .iter()
        .find(|one| one["interface"] == "public")
        .unwrap();
    public["url"].as_str().unwrap().to_owned()
}

fn root(document: &Value, kind: &str) -> Url {
    Url::parse(&endpoint(document, kind))
        .unwrap()
        .join("/")
        .unwrap()
}

/// Somebody who uses images, without a proxy in between.
pub struct Tenant {
    client: Client,
    token: String,
    pub project: String,
    nova: String,
    cinder: String,
}

impl Tenant {
    pub async fn of(name: &str) -> Self {
        let (token, document) = login(name).await;
        Self {
            client: Client::builder().no_proxy().build().unwrap(),
            token,
            project: document["token"]["project"]["id"]
                .as_str()
                .unwrap()
                .to_owned(),
            nova: endpoint(&document, "compute"),
            cinder: endpoint(&document, "volumev3"),
        }
    }

    async fn ask(&self, method: Method, url: String, body: Option<Value>) -> (u16, Value) {
        let version = if url.starts_with(&self.nova) {
            "compute 2.69"
        } else {
            "volume 3.0"
        };
        let mut request = self
            .client
            .request(method, url)
            .header("x-auth-token", &self.token)
            .header("openstack-api-version", version);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn until(&self, url: &str, kind: &str, wanted: &str) {
        for _ in 0..300 {
            let (_, document) = self.ask(Method::GET, url.to_owned(), None).await;
            let state = document[kind]["status"]
                .as_str()
                .unwrap_or("gone")
                .to_lowercase();
            if state == wanted {
                return;
            }
            assert!(state != "error", "{document}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("`{url}` is not `{wanted}`");
    }

    async fn make(&self, url: String, kind: &str, body: Value, wanted: &str) -> String {
        let (status, document) = self
            .ask(Method::POST, url.clone(), Some(json!({kind: body})))
            .await;
        assert_eq!(status, 202, "{document}");
        let id = document[kind]["id"].as_str().unwrap().to_owned();
        self.until(&format!("{url}/{id}"), kind, wanted).await;
        id
    }

    /// A server that boots from an image.
    pub async fn server(&self, image: &str) -> String {
        let body =
            json!({"name": "used", "imageRef": image, "flavorRef": "tiny", "networks": "none"});
        self.make(format!("{}/servers", self.nova), "server", body, "active")
            .await
    }

    /// A server of this name with this metadata.
    pub async fn named_server(&self, name: &str, image: &str, metadata: Value) -> String {
        let body = json!({
            "name": name, "imageRef": image, "flavorRef": "tiny", "networks": "none", "metadata": metadata,
        });
        self.make(format!("{}/servers", self.nova), "server", body, "active")
            .await
    }

    /// Whether one of this project's servers is there.
    pub async fn has_server(&self, id: &str) -> bool {
        let url = format!("{}/servers/{id}", self.nova);
        self.ask(Method::GET, url, None).await.0 == 200
    }

    /// A server that boots from a volume.
    pub async fn server_of_volume(&self, volume: &str) -> String {
        let device = json!({"boot_index": 0, "uuid": volume, "source_type": "volume", "destination_type": "volume"});
        let body = json!({"name": "used", "flavorRef": "tiny", "networks": "none", "block_device_mapping_v2": [device]});
        self.make(format!("{}/servers", self.nova), "server", body, "active")
            .await
    }

    /// Servers of this project, by their metadata's mark.
    pub async fn marked(&self, tag: &str) -> Vec<Value> {
        let (_, document) = self
            .ask(Method::GET, format!("{}/servers/detail", self.nova), None)
            .await;
        let servers = document["servers"].as_array().unwrap().iter();
        servers
            .filter(|one| one["metadata"]["reglaze_tag"] == tag)
            .cloned()
            .collect()
    }

    pub async fn delete_server(&self, id: &str) {
        let url = format!("{}/servers/{id}", self.nova);
        self.ask(Method::DELETE, url.clone(), None).await;
        self.until(&url, "server", "gone").await;
    }

    /// A volume of an image, of a snapshot, or of nothing: `{"imageRef": …}`, `{"snapshot_id": …}`.
    pub async fn volume(&self, of: Value) -> String {
        let mut body = of;
        body["size"] = 1.into();
        self.make(
            format!("{}/volumes", self.cinder),
            "volume",
            body,
            "available",
        )
        .await
    }

    pub async fn snapshot(&self, volume: &str) -> String {
        let body = json!({"volume_id": volume});
        self.make(
            format!("{}/snapshots", self.cinder),
            "snapshot",
            body,
            "available",
        )
        .await
    }

    pub async fn delete_volume(&self, id: &str) {
        let url = format!("{}/volumes/{id}", self.cinder);
        self.ask(Method::DELETE, format!("{url}?cascade=true"), None)
            .await;
        self.until(&url, "volume", "gone").await;
    }
}
