//! A user's token, and the services asked with it by hand: what a test looks at does not come through what it tests, and
//! takes no process of the standard client for each look.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{LazyLock, Mutex, PoisonError};

use reqwest::{Client, Method};
use serde_json::{Map, Value, json};
use url::Url;

use crate::services;

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
});

/// Waits for a future, on whatever thread this is.
pub fn wait<T: Send>(future: impl Future<Output = T> + Send) -> T {
    // A thread of a runtime may not wait, and whoever calls need not know on which thread it is.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| RUNTIME.block_on(future));
        waiting
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Lets a future run beside the test, until the process ends.
pub fn beside<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    RUNTIME.spawn(future)
}

/// A user in a project, logged in.
#[derive(Clone)]
pub struct Account {
    client: Client,
    /// Glance, without its version.
    pub glance: Url,
    token: String,
}

impl Account {
    /// One of the clouds of the services' clouds.yaml; the login is made once in a process.
    pub fn of(name: &str) -> Self {
        static KNOWN: Mutex<BTreeMap<String, Account>> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = known.get(name) {
            return account.clone();
        }
        let account = wait(Self::login(name));
        known.insert(name.to_owned(), account.clone());
        account
    }

    /// Logs in anew.
    pub async fn login(name: &str) -> Self {
        let glance = services::glance(name).await;
        Self {
            client: Client::builder().no_proxy().build().unwrap(),
            glance: glance.endpoint().join("/").unwrap(),
            token: services::token_of(name).await.0,
        }
    }

    /// Asks Glance; gives the status and the document, null where there is none.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let kind = if method == Method::PATCH {
            "application/openstack-images-v2.1-json-patch"
        } else {
            "application/json"
        };
        let mut request = self
            .client
            .request(method, self.glance.join(path).unwrap())
            .header("x-auth-token", &self.token)
            .header("accept", "application/json");
        if let Some(body) = body {
            request = request.header("content-type", kind).body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Asks, and takes no refusal.
    pub async fn must(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, document) = self.ask(method.clone(), path, body).await;
        assert!(status < 300, "{method} {path}: {status} {document}");
        document
    }

    /// A list of images to its end; `query` as in `tag=x&visibility=all`.
    pub async fn list(&self, query: &str) -> Vec<Value> {
        let mut images = Vec::new();
        let mut marker = String::new();
        loop {
            let path = format!("/v2/images?limit=1000&{query}{marker}");
            let page = self.must(Method::GET, &path, None).await;
            let found = page["images"].as_array().unwrap();
            images.extend(found.iter().cloned());
            if page["next"].is_null() {
                return images;
            }
            marker = format!("&marker={}", found.last().unwrap()["id"].as_str().unwrap());
        }
    }

    /// All images with a tag that this user may see, hidden and community ones too; the elder first.
    pub async fn tagged(&self, tag: &str) -> Vec<Value> {
        let mut all = BTreeMap::new();
        for hidden in ["false", "true"] {
            let query = format!("visibility=all&os_hidden={hidden}&tag={tag}");
            for image in self.list(&query).await {
                let id = image["id"].as_str().unwrap().to_owned();
                all.insert((image["created_at"].to_string(), id), image);
            }
        }
        all.into_values().collect()
    }

    /// Creates an image from a document, with bytes if there are some; gives its ID.
    pub async fn create(&self, document: Value, bytes: Option<&[u8]>) -> String {
        let image = self.must(Method::POST, "/v2/images", Some(document)).await;
        let id = image["id"].as_str().unwrap().to_owned();
        if let Some(bytes) = bytes {
            self.fill(&id, bytes, None).await;
        }
        id
    }

    /// Uploads the bytes of an image, into this store or the cloud's default.
    pub async fn fill(&self, id: &str, bytes: &[u8], store: Option<&str>) {
        let url = self.glance.join(&format!("/v2/images/{id}/file")).unwrap();
        let mut request = self
            .client
            .put(url)
            .header("x-auth-token", &self.token)
            .header("content-type", "application/octet-stream");
        if let Some(store) = store {
            request = request.header("x-image-meta-store", store);
        }
        let answer = request.body(bytes.to_vec()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 204);
    }

    /// Sets attributes and properties of an image.
    pub async fn set(&self, id: &str, values: &[(&str, Value)]) -> Value {
        let operations: Vec<_> = values
            .iter()
            .map(|(key, value)| json!({"op": "add", "path": format!("/{key}"), "value": value}))
            .collect();
        let path = format!("/v2/images/{id}");
        self.must(Method::PATCH, &path, Some(operations.into()))
            .await
    }

    /// Deletes an image, protected or not.
    pub async fn delete(&self, id: &str) {
        let path = format!("/v2/images/{id}");
        let (status, _) = self.ask(Method::DELETE, &path, None).await;
        if status == 403 {
            self.set(id, &[("protected", false.into())]).await;
            self.must(Method::DELETE, &path, None).await;
        }
    }
}

/// What Glance decides.
const DECIDED: [&str; 16] = [
    "id",
    "created_at",
    "updated_at",
    "self",
    "file",
    "schema",
    "stores",
    "checksum",
    "size",
    "status",
    "os_hash_algo",
    "os_hash_value",
    "virtual_size",
    "owner",
    "direct_url",
    "locations",
];

/// What may be written of an image.
pub fn writable(image: &Value) -> Map<String, Value> {
    let all = image.as_object().unwrap().iter();
    all.filter(|(key, _)| !DECIDED.contains(&key.as_str()) && !key.starts_with("os_glance"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
