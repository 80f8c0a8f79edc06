//! A stage for tests of `plan` and `apply`: a folder with definitions, an upstream that serves their bytes, a proxy in
//! front of the real Glance, and a tag of its own, so that many tests share one cloud.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};
use url::Url;

use crate::account::{Account, wait};
use crate::proxy::{self, Proxy};
use crate::services::{self, PASSWORD};
use crate::update::signer::Signer;

/// What is upstream.
type Files = Arc<Mutex<Upstream>>;

#[derive(Default)]
struct Upstream {
    /// Bytes by path.
    files: BTreeMap<String, Vec<u8>>,
    /// How often each path was asked for.
    asked: BTreeMap<String, usize>,
}

pub struct Stage {
    pub folder: tempfile::TempDir,
    pub glance: Proxy,
    pub tag: String,
    files: Files,
    upstream: String,
}

/// The standard client, which is installed beside the services.
pub fn openstack(arguments: &[&str], cloud: &str) -> String {
    let output = services::installed("openstack")
        .args(["--os-cloud", cloud])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openstack {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

impl Stage {
    /// A stage with a tag of its own; `name` is unique among tests.
    pub fn new(name: &str) -> Self {
        let proxy = Proxy::of(&Account::of("admin").glance);
        Self::behind(name, proxy, &services::cloud("admin").auth_url)
    }

    fn behind(name: &str, glance: Proxy, login: &Url) -> Self {
        let files = Files::default();
        let router = Router::new().fallback(file).with_state(Arc::clone(&files));
        let upstream = format!("http://{}", proxy::serve(router));
        let mut stage = Self {
            folder: tempfile::tempdir().unwrap(),
            glance,
            tag: String::new(),
            files,
            upstream,
        };
        // Runs after each other meet the same cloud, and tests may run in one process, so a name alone is not enough.
        stage.retag(&services::unique(&format!("test-{name}")));
        let cloud = |user: &str, project: &str| {
            format!(
                "    region_name: RegionOne\n    image_endpoint_override: {}\n    auth:\n      auth_url: {login}\n      username: {user}\n      \
                 password: {PASSWORD}\n      project_name: {project}\n      user_domain_name: Default\n      project_domain_name: Default\n",
                stage.glance.url.as_str().trim_end_matches('/'),
            )
        };
        stage.write(
            "clouds.yaml",
            &format!(
                "clouds:\n  admin:\n{}  member:\n{}",
                cloud("admin", "admin"),
                cloud("catalogue", "catalogue")
            ),
        );
        stage
    }

    /// Begins anew under another tag, without definitions and with the settings of who says nothing.
    pub fn retag(&mut self, tag: &str) {
        tag.clone_into(&mut self.tag);
        let images = self.path("images");
        if images.exists() {
            std::fs::remove_dir_all(images).unwrap();
        }
        self.write("reglaze.yml", &format!("tag: {tag}\n"));
    }

    /// Where the upstream really is.
    pub fn upstream_url(&self) -> &str {
        &self.upstream
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A name for images of this test, since others share the cloud.
    pub fn name(&self, image: &str) -> String {
        format!("{image} {}", self.tag)
    }

    /// Puts bytes upstream; gives the lines of a version that names them.
    pub fn publish(&self, version: &str, bytes: &[u8]) -> String {
        self.files
            .lock()
            .unwrap()
            .files
            .insert(format!("/{version}.img"), bytes.to_vec());
        entry(version, &format!("sha256:{}", hex(&Sha256::digest(bytes))))
    }

    /// How often a version's bytes were fetched.
    pub fn fetched(&self, version: &str) -> usize {
        let upstream = self.files.lock().unwrap();
        *upstream.asked.get(&format!("/{version}.img")).unwrap_or(&0)
    }

    /// The same with a SHA-512 digest.
    pub fn publish_sha512(&self, version: &str, bytes: &[u8]) -> String {
        self.publish(version, bytes);
        entry(version, &format!("sha512:{}", hex(&Sha512::digest(bytes))))
    }

    /// Writes a source whose signatures are of the images themselves, `sig-VERSION` beside each, and its key.
    pub fn trust(&self, signer: &Signer) {
        let fingerprint = &signer.fingerprint;
        let source = format!(
            "title: Own\nparameters:\n  arch: {{default: x86_64}}\nindexes:\n  - engine: listing\n    url: https://images.example/\n    \
             file: '^(?<version>\\d+)\\.img$'\nchecksum: {{compute: sha256}}\nsignature:\n  form: detached\n  of: image\n  \
             url: \"https://images.example/sig-{{version}}.img\"\n  keys: [{fingerprint}]\n  key_url: https://images.example/key.img\ninfer:\n  \
             - match: '^https://images\\.example/(?<version>\\d+)\\.img$'\n"
        );
        self.write("sources/own.yml", &source);
        self.write("keys/own.asc", str::from_utf8(&signer.public).unwrap());
    }

    /// Writes one definition, with these versions.
    pub fn define(&self, image: &str, extra: &str, versions: &[String]) {
        let name = self.name(image);
        let list = if versions.is_empty() {
            " []\n".to_owned()
        } else {
            format!("\n{}", versions.concat())
        };
        let text = format!(
            "images:\n- name: {name}\n  format: raw\n  login: ubuntu\n  min_disk: 1\n  visibility: public\n{extra}  meta:\n    \
             os_distro: ubuntu\n    architecture: x86_64\n  versions:{list}"
        );
        self.write(&format!("images/{}.yml", image.replace(' ', "-")), &text);
    }

    /// Runs the binary as cloud `admin`, with a scrubbed environment.
    pub fn reglaze(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs the binary with exactly these arguments.
    pub fn reglaze_as(&self, arguments: &[String]) -> Ended {
        self.command_as(arguments).output().unwrap().into()
    }

    /// The binary as cloud `admin`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let arguments: Vec<_> = arguments.iter().map(|&one| one.to_owned()).collect();
        let mut command = self.command_as(&arguments);
        command
            .args(["--cloud", "admin", "--format", "json"])
            .arg(format!(
                "--upstream-map=https://images.example={}",
                self.upstream
            ));
        command
    }

    /// The binary with exactly these arguments.
    pub fn command_as(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reglaze"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("OS_CLIENT_CONFIG_FILE", self.path("clouds.yaml"));
        command
    }

    /// What a tenant's default list shows of this test's images: name → count.
    pub fn catalogue(&self) -> BTreeMap<String, usize> {
        let mut names = BTreeMap::new();
        for image in wait(Account::of("tenant").list("status=active")) {
            let name = image["name"].as_str().unwrap_or_default();
            if let Some(short) = name
                .contains(&self.tag)
                .then(|| name.replace(&format!(" {}", self.tag), ""))
            {
                *names.entry(short).or_default() += 1;
            }
        }
        names
    }

    /// All images with this test's tag, as the administrator sees them, hidden and community ones too.
    ///
    /// What is no attribute of every image stands below `properties`, as the standard client shows it.
    pub fn images(&self) -> Vec<Value> {
        let mut images = wait(Account::of("admin").tagged(&self.tag));
        for image in &mut images {
            let image = image.as_object_mut().unwrap();
            let free = image
                .iter()
                .filter(|(key, _)| !ATTRIBUTES.contains(&key.as_str()));
            let free = free
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            image.insert("properties".to_owned(), Value::Object(free));
        }
        images
    }
}

/// What every image has.
const ATTRIBUTES: [&str; 19] = [
    "checksum",
    "container_format",
    "created_at",
    "disk_format",
    "file",
    "id",
    "min_disk",
    "min_ram",
    "name",
    "owner",
    "protected",
    "schema",
    "self",
    "size",
    "status",
    "tags",
    "updated_at",
    "virtual_size",
    "visibility",
];

fn entry(version: &str, checksum: &str) -> String {
    format!(
        "  - version: '{version}'\n    url: https://images.example/{version}.img\n    checksum: {checksum}\n    build_date: 2026-07-25\n"
    )
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

async fn file(State(files): State<Files>, request: Request) -> Response {
    let mut upstream = files.lock().unwrap();
    let path = request.uri().path();
    *upstream.asked.entry(path.to_owned()).or_default() += 1;
    if path == "/endless.img" {
        let begin = upstream.files.get(path).filter(|file| file.len() > 512);
        let begin = begin.cloned().unwrap_or_else(|| vec![7_u8; 1 << 20]);
        let begin = Ok::<_, std::io::Error>(begin);
        let body =
            futures_util::stream::once(async { begin }).chain(futures_util::stream::pending());
        return Response::new(Body::from_stream(body));
    }
    if let Some(path) = path.strip_prefix("/flaky") {
        return flaky(&upstream.files[path], &request);
    }
    match upstream.files.get(path) {
        Some(bytes) => Response::new(Body::from(bytes.clone())),
        None => Response::builder()
            .status(404)
            .body(Body::from("no such file"))
            .unwrap(),
    }
}

/// Below `/flaky` each answer breaks off after 300 KiB. Ranges are known.
fn flaky(bytes: &[u8], request: &Request) -> Response {
    let range = request.headers().get("range").map(|range| {
        let range = range.to_str().unwrap();
        let from = range.strip_prefix("bytes=").unwrap().strip_suffix('-');
        from.unwrap().parse::<usize>().unwrap()
    });
    let from = range.unwrap_or(0);
    let upto = bytes.len().min(from + (300 << 10));
    let piece = bytes[from..upto].to_vec();
    let is_cut = upto < bytes.len();
    let end = futures_util::stream::once(async {
        // The bytes go out first.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        Err(std::io::Error::other("cut"))
    });
    let end = end.take(usize::from(is_cut));
    let body = futures_util::stream::iter([Ok(piece)]).chain(end);
    let size = bytes.len();
    let mut answer = Response::builder().header("content-length", size - from);
    if range.is_some() {
        let range = format!("bytes {from}-{}/{size}", size - 1);
        answer = answer.status(206).header("content-range", range);
    }
    answer.body(Body::from_stream(body)).unwrap()
}

/// How a run of the binary ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// The JSON document, when the code is the expected one.
    #[track_caller]
    pub fn expect(&self, code: i32) -> Value {
        assert_eq!(
            self.code, code,
            "stdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// `ACTION VERSION` of each step of the first cloud.
pub fn steps(document: &Value) -> Vec<String> {
    let steps = document["clouds"][0]["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| {
            format!(
                "{} {}",
                step["action"].as_str().unwrap(),
                step["version"].as_str().unwrap_or("-")
            )
        })
        .collect()
}

/// The rules of the findings.
pub fn rules(document: &Value) -> Vec<&str> {
    document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect()
}
