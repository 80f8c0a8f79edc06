//! A stage with a mirror: a bucket or a container of the real Swift, a proxy in front of it, and a client of our own beside it.

use std::process::Command;
use std::sync::{Arc, Mutex};

use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::account::wait;
use crate::proxy::{Moment, Proxy, Seen};
use crate::services;
use crate::stage::{Ended, Stage};

/// In which language the store is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    S3,
    Swift,
}

pub const KINDS: [Kind; 2] = [Kind::S3, Kind::Swift];

/// The key of the S3 account, as `tests/openstack/lib/swift.sh` has it.
pub const KEY: (&str, &str) = ("mirror:writer", services::PASSWORD);

pub struct Place {
    pub stage: Stage,
    pub kind: Kind,
    pub store: Proxy,
    /// The bucket or container.
    pub container: String,
    /// The account that it is in, in Swift's own language.
    account: Url,
    token: String,
    /// What is set in the environment of runs.
    pub key: (String, String),
}

/// Where Swift is: its port stands as far from its default as Keystone's.
fn swift() -> Url {
    let mut url = services::cloud("admin").auth_url;
    let offset = url.port().unwrap() - 5000;
    url.set_port(Some(8080 + offset)).unwrap();
    url.join("/").unwrap()
}

impl Place {
    /// An empty place that everybody may read; `name` is unique among tests.
    pub fn new(kind: Kind, name: &str) -> Self {
        let stage = Stage::new(&format!("mirror-{name}-{kind:?}").to_lowercase());
        let swift = swift();
        let (account, token) = match kind {
            Kind::S3 => ("v1/TEMP_mirror/".to_owned(), wait(temporary_token(&swift))),
            Kind::Swift => wait(async {
                let glance = services::glance("admin").await;
                let account = format!("v1/AUTH_{}/", services::project(&glance));
                (account, services::token_of("admin").await.0)
            }),
        };
        let mut place = Self {
            store: Proxy::of_signed(&swift),
            container: String::new(),
            account: swift.join(&account).unwrap(),
            token,
            key: (KEY.0.to_owned(), KEY.1.to_owned()),
            kind,
            stage,
        };
        place.renew(name);
        let text = std::fs::read_to_string(place.stage.path("clouds.yaml")).unwrap();
        let endpoint = place.store.url.join(place.account.path()).unwrap();
        let endpoint = format!("    object_store_endpoint_override: {endpoint}\n    auth:\n");
        place
            .stage
            .write("clouds.yaml", &text.replace("    auth:\n", &endpoint));
        place
    }

    /// Goes on in another container, an empty one.
    pub fn renew(&mut self, name: &str) {
        self.container = services::unique(&format!("m-{name}")).to_lowercase();
        let headers = [("x-container-read", ".r:*")];
        let status = self.call(Method::PUT, "", &headers, Vec::new()).0;
        assert_eq!(status, StatusCode::CREATED);
        self.settings("");
    }

    /// Writes the settings, with more lines of `mirror`.
    pub fn settings(&self, more: &str) {
        let (scheme, place) = match self.kind {
            Kind::S3 => {
                let endpoint = self.store.url.as_str();
                (
                    "s3",
                    format!("  endpoint: {endpoint}\n  region: RegionOne\n"),
                )
            }
            Kind::Swift => ("swift", "  cloud: admin\n".to_owned()),
        };
        let text = format!(
            "tag: {}\nmirror:\n  to: {scheme}://{}/p\n{place}  public_url: https://mirror.example/\n{more}",
            self.stage.tag, self.container
        );
        self.stage.write("reglaze.yml", &text);
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.stage.command(&[&["mirror"], arguments].concat());
        // Readers do not come by the proxy: what it sees are our calls.
        let public = self.account.join(&format!("{}/p", self.container)).unwrap();
        command
            .arg(format!("--upstream-map=https://mirror.example={public}"))
            .env("AWS_ACCESS_KEY_ID", &self.key.0)
            .env("AWS_SECRET_ACCESS_KEY", &self.key.1);
        command
    }

    pub fn mirror(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs until the moment at which it is killed.
    pub fn killed(
        &self,
        arguments: &[&str],
        moment: Moment,
        is_it: impl FnMut(&Seen) -> bool + Send + 'static,
    ) {
        let process: Arc<Mutex<Option<u32>>> = Arc::default();
        let victim = Arc::clone(&process);
        let mut guard = process.lock().unwrap();
        self.store.strike_where(is_it, moment, move || {
            let id = victim.lock().unwrap().unwrap();
            let status = Command::new("kill").args(["-9", &id.to_string()]).status();
            assert!(status.unwrap().success());
        });
        let mut child = self
            .command(arguments)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        *guard = Some(child.id());
        drop(guard);
        assert_eq!(child.wait().unwrap().code(), None, "it was not killed");
        self.store.heal();
    }

    /// Puts an object there as another tool would, below the prefix.
    pub fn put(&self, name: &str, bytes: &[u8], headers: &[(&str, &str)]) {
        let status = self
            .call(Method::PUT, &format!("/p/{name}"), headers, bytes.to_vec())
            .0;
        assert_eq!(status, StatusCode::CREATED);
    }

    /// Puts an object there as another tool would, once it is called.
    pub fn putter(&self, name: &str, bytes: &[u8]) -> impl FnOnce() + Send + use<> {
        let url = format!("{}/p/{name}", self.container);
        let url = self.account.join(&url).unwrap();
        let (token, bytes) = (self.token.clone(), bytes.to_vec());
        move || {
            let request = reqwest::Client::new().put(url);
            let request = request.header("x-auth-token", token).body(bytes);
            let answer = wait(async { request.send().await.unwrap() });
            assert_eq!(answer.status(), StatusCode::CREATED);
        }
    }

    /// The names of S3's uploads that nobody has completed.
    pub fn unfinished(&self) -> Vec<String> {
        let told = self.by_standard_client(
            "import json\nleft = s3.list_multipart_uploads(Bucket=bucket).get('Uploads', [])\n\
             print(json.dumps(sorted(one['Key'][2:] for one in left)))",
        );
        serde_json::from_str(&told).unwrap()
    }

    /// The names of all objects below the prefix; segments are none.
    pub fn objects(&self) -> Vec<String> {
        let all = self.all().into_iter();
        all.filter(|name| !name.starts_with(".segments/")).collect()
    }

    /// Everything below the prefix.
    pub fn all(&self) -> Vec<String> {
        let path = "?format=json&prefix=p/";
        let (status, body) = self.call(Method::GET, path, &[], Vec::new());
        assert!(status.is_success());
        let list: Vec<Value> = serde_json::from_slice(&body).unwrap_or_default();
        list.iter()
            .map(|one| one["name"].as_str().unwrap()[2..].to_owned())
            .collect()
    }

    /// What a reader without a login gets.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        let url = self.account.join(&format!("{}/p/{name}", self.container));
        wait(async {
            let answer = reqwest::get(url.unwrap()).await.unwrap();
            let is_there = answer.status().is_success();
            let bytes = answer.bytes().await.unwrap();
            is_there.then(|| bytes.to_vec())
        })
    }

    /// Changes the container's metadata.
    pub fn change(&self, headers: &[(&str, &str)]) {
        assert!(
            self.call(Method::POST, "", headers, Vec::new())
                .0
                .is_success()
        );
    }

    pub fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> (StatusCode, Vec<u8>) {
        let url = self.account.join(&format!("{}{path}", self.container));
        let client = reqwest::Client::new();
        let mut request = client
            .request(method, url.unwrap())
            .header("x-auth-token", &self.token)
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        wait(async {
            let answer = request.send().await.unwrap();
            (answer.status(), answer.bytes().await.unwrap().to_vec())
        })
    }

    /// What a standard client reads: its language's own one.
    pub fn read_by_standard_client(&self, name: &str) -> Vec<u8> {
        let target = self.stage.path("read-back");
        let path = target.to_str().unwrap();
        match self.kind {
            Kind::S3 => {
                let script = format!("s3.download_file(bucket, 'p/{name}', '{path}')");
                self.by_standard_client(&script);
            }
            Kind::Swift => {
                let mut command = services::installed("openstack");
                command.args(["--os-cloud", "admin", "object", "save", "--file", path]);
                command.args([self.container.as_str(), &format!("p/{name}")]);
                told(&mut command);
            }
        }
        std::fs::read(target).unwrap()
    }

    /// What a script prints that has S3's standard client as `s3`, and the place as `bucket`.
    pub fn by_standard_client(&self, script: &str) -> String {
        let mut command = services::installed("python");
        let endpoint = swift();
        let script = format!(
            "import boto3\ns3 = boto3.client('s3', endpoint_url='{endpoint}', aws_access_key_id='{}', \
             aws_secret_access_key='{}', region_name='RegionOne')\nbucket = '{}'\n{script}",
            KEY.0, KEY.1, self.container
        );
        told(command.args(["-c", &script]))
    }

    /// The file of a definition.
    pub fn definition(&self, image: &str) -> String {
        std::fs::read_to_string(self.stage.path(&format!("images/{image}.yml"))).unwrap()
    }
}

fn told(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

async fn temporary_token(swift: &Url) -> String {
    let answer = reqwest::Client::new()
        .get(swift.join("auth/v1.0").unwrap())
        .header("x-auth-user", KEY.0)
        .header("x-auth-key", KEY.1)
        .send()
        .await
        .unwrap();
    answer.headers()["x-auth-token"]
        .to_str()
        .unwrap()
        .to_owned()
}

/// Bytes that are no two parts the same.
pub fn bytes(mebibytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()
    };
    (0..mebibytes << 17).flat_map(|_| next()).collect()
}

/// `VERSION OUTCOME` of each image.
pub fn outcomes(document: &Value) -> Vec<String> {
    let images = document["images"].as_array().unwrap();
    images
        .iter()
        .map(|image| {
            let text = |key: &str| image[key].as_str().unwrap();
            format!("{} {}", text("version"), text("outcome"))
        })
        .collect()
}
