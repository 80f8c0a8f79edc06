//! A user's repository beside an upstream: builds of Ubuntu, Debian and Flatcar, signed by a key made on the spot.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};
use tempfile::TempDir;

use super::server::Server;
use super::signer::Signer;

pub const HOSTS: [&str; 7] = [
    "cloud-images.ubuntu.com",
    "cloud.debian.org",
    "cdimage.debian.org",
    "keyserver.ubuntu.com",
    "www.flatcar.org",
    "stable.release.flatcar-linux.net",
    "endoflife.date",
];

pub struct World {
    pub server: Server,
    pub signer: Signer,
    folder: TempDir,
}

/// What a run of the binary gave.
pub struct Run {
    pub code: i32,
    pub json: Value,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    /// A repository whose only definitions are `images`, in `images/catalogue.yml`, with sources that trust the signer.
    pub fn new(images: &str) -> Self {
        Self::before(Server::start(), images)
    }

    /// The same with another server.
    pub fn before(server: Server, images: &str) -> Self {
        let world = Self::bare(server, images);
        for name in ["ubuntu", "flatcar"] {
            let text = built_in(name);
            let start = text.find("keys: [").unwrap() + "keys: [".len();
            let text = text.replacen(&text[start..start + 40], &world.signer.fingerprint, 1);
            std::fs::write(world.path(&format!("sources/{name}.yml")), text).unwrap();
        }
        for url in world.key_urls() {
            world.server.body(&url, world.signer.public.clone());
        }
        for product in ["debian", "ubuntu"] {
            world.lines(product, &[]);
        }
        world
    }

    /// A repository that pins two builds of `pinned`, both published; nothing is new.
    pub fn with_two_builds() -> Self {
        let builds = ["20260725", "20260701"];
        let world = Self::new(&pinned(&builds));
        world.ubuntu_daily("noble", &builds);
        world
    }

    /// The same with the sources that the binary carries, and nothing published.
    pub fn with_built_in_sources(images: &str) -> Self {
        Self::bare(Server::start(), images)
    }

    fn bare(server: Server, images: &str) -> Self {
        let world = Self {
            server,
            signer: Signer::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        for folder in ["images", "sources"] {
            std::fs::create_dir(world.path(folder)).unwrap();
        }
        world.define(images);
        world
    }

    pub fn key_url(&self) -> String {
        format!(
            "https://keyserver.ubuntu.com/pks/lookup?op=get&search=0x{}&options=mr",
            self.signer.fingerprint
        )
    }

    /// Where Ubuntu's key, and where Flatcar's, is published: here it is one and the same.
    pub fn key_urls(&self) -> [String; 2] {
        let flatcar =
            "https://www.flatcar.org/security/image-signing-key/Flatcar_Image_Signing_Key.asc";
        [self.key_url(), flatcar.to_owned()]
    }

    /// What endoflife.date says of a product: name, first release and end of its lines, and whether they are LTS.
    pub fn lines(&self, product: &str, lines: &[(&str, &str, &str, bool)]) {
        let line = |(name, released, ends, lts): &(&str, &str, &str, bool)| {
            serde_json::json!({"name": name, "codename": null, "label": name, "releaseDate": released, "isLts": lts,
                "ltsFrom": null, "isEol": false, "eolFrom": ends, "isMaintained": true, "latest": null, "custom": null})
        };
        let releases: Vec<_> = lines.iter().map(line).collect();
        let document = serde_json::json!({"schema_version": "1.2.1", "generated_at": "2026-08-22T09:00:00+00:00",
            "result": {"name": product, "label": product.to_uppercase(), "releases": releases}});
        self.server
            .body(&product_url(product), document.to_string());
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn define(&self, images: &str) {
        std::fs::write(self.path("images/catalogue.yml"), images).unwrap();
    }

    pub fn catalogue(&self) -> String {
        std::fs::read_to_string(self.path("images/catalogue.yml")).unwrap()
    }

    /// Publishes a daily build of Ubuntu: listing, manifest, signature.
    pub fn ubuntu_daily(&self, codename: &str, builds: &[&str]) {
        let home = format!("https://cloud-images.ubuntu.com/{codename}/");
        self.server.body(&home, listing(builds));
        for build in builds {
            let sums = sums::<Sha256>(
                &[&format!("{codename}-server-cloudimg-amd64.img")],
                build,
                " *",
            );
            self.sign(&format!("{home}{build}/"), &sums);
        }
    }

    /// Signs a manifest of a build of `pinned` anew, by which it has another one's bytes.
    pub fn exchange(&self, build: &str, bytes_of: &str) {
        let sums = sums::<Sha256>(&[NOBLE], bytes_of, " *");
        self.sign(&noble_folder(build), &sums);
    }

    /// Lays a manifest of Ubuntu with its signature into a folder.
    pub fn sign(&self, folder: &str, sums: &str) {
        self.server.body(&format!("{folder}SHA256SUMS"), sums);
        let signature = self.signer.detached(sums.as_bytes());
        self.server
            .body(&format!("{folder}SHA256SUMS.gpg"), signature);
    }

    /// Publishes release builds of Ubuntu: feed, manifests, signatures.
    pub fn ubuntu_release(&self, releases: &[(&str, &str)], builds: &[&str]) {
        let mirror = "https://cloud-images.ubuntu.com/releases/";
        let feed = "streams/v1/com.ubuntu.cloud:released:download.json";
        let index = serde_json::json!({"format": "index:1.0", "index": {
            "com.ubuntu.cloud:released:download": {"format": "products:1.0", "path": feed}}});
        self.server
            .body(&format!("{mirror}streams/v1/index.json"), index.to_string());
        let mut products = serde_json::Map::new();
        for (release, codename) in releases {
            let file = format!("ubuntu-{release}-server-cloudimg-amd64.img");
            let mut versions = serde_json::Map::new();
            for build in builds {
                let path = format!("server/releases/{codename}/release-{build}/{file}");
                let items = serde_json::json!({"items": {"disk1.img": {"ftype": "disk1.img", "path": path}}});
                versions.insert((*build).to_owned(), items);
                let sums = sums::<Sha256>(&[&file], build, " *");
                self.sign(&format!("{mirror}{codename}/release-{build}/"), &sums);
            }
            let name = format!("com.ubuntu.cloud:server:{release}:amd64");
            products.insert(name, serde_json::json!({"versions": versions}));
        }
        let products = serde_json::json!({"format": "products:1.0", "products": products});
        self.server
            .body(&format!("{mirror}{feed}"), products.to_string());
    }

    /// Publishes daily builds of Debian 13: listing and manifests, nothing signed.
    pub fn debian_daily(&self, builds: &[&str]) {
        let home = "https://cloud.debian.org/images/cloud/trixie/daily/";
        self.server.body(home, listing(builds));
        for build in builds {
            let names = ["generic", "genericcloud"]
                .map(|variant| format!("debian-13-{variant}-amd64-daily-{build}.qcow2"));
            let sums = sums::<Sha512>(&[&names[0], &names[1]], build, "  ");
            self.server.body(&format!("{home}{build}/SHA512SUMS"), sums);
        }
    }

    /// Publishes stable releases of Flatcar: feed and clearsigned digests.
    pub fn flatcar(&self, builds: &[&str]) {
        let mut feed = serde_json::Map::new();
        for build in builds {
            let release = serde_json::json!({"channel": "stable", "architectures": ["amd64"],
                "release_date": "2026-08-13 15:48:35 +0000"});
            feed.insert((*build).to_owned(), release.clone());
            feed.insert("current".to_owned(), release);
            let digests = flatcar_digests(build);
            let signed = self.signer.clearsigned(digests.as_bytes());
            self.server.body(&flatcar_manifest(build), signed);
        }
        let feed = serde_json::Value::Object(feed).to_string();
        self.server.body(
            "https://www.flatcar.org/releases-json/releases-stable.json",
            feed,
        );
    }

    /// `reglaze update` with these arguments, as JSON.
    pub fn update(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["update", "--format=json"];
        all.extend(arguments);
        self.run(&all)
    }

    /// The binary in the repository, with the server in the upstreams' place.
    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command().args(arguments))
    }

    /// The binary in the repository, with the server in the upstreams' place.
    pub fn command(&self) -> Command {
        let mut command = self.plain_command(env!("CARGO_BIN_EXE_reglaze"));
        command
            .args(self.server.maps(&HOSTS))
            // A host that is not mapped to the server is not there.
            .env("HTTPS_PROXY", "http://127.0.0.1:9");
        command
    }

    /// A program in the repository, with nothing but a cache folder of its own.
    pub fn plain_command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("XDG_CACHE_HOME", self.path("cache"))
            // The day of everything that is laid out here.
            .env("REGLAZE_TODAY", "2026-07-27");
        command
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }
}

impl Run {
    /// What a command gave.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        Self {
            code: output.status.code().unwrap(),
            json: serde_json::from_str(&stdout).unwrap_or_default(),
            stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It ended with this code and these findings: level, rule and line of each.
    #[track_caller]
    pub fn assert_ended(&self, code: i32, findings: &[(&str, &str, u64)]) {
        assert_eq!(
            (self.code, self.findings().as_slice()),
            (code, findings),
            "{}{}",
            self.stdout,
            self.stderr
        );
    }

    /// Level, rule and line of each finding.
    pub fn findings(&self) -> Vec<(&str, &str, u64)> {
        let findings = self.json["findings"].as_array().into_iter().flatten();
        findings
            .map(|finding| {
                (
                    finding["level"].as_str().unwrap(),
                    finding["rule"].as_str().unwrap(),
                    finding["line"].as_u64().unwrap(),
                )
            })
            .collect()
    }

    /// The message of the only finding of a rule, which is about an image of the catalogue.
    pub fn message(&self, rule: &str) -> &str {
        let findings = self.json["findings"].as_array().unwrap();
        let mut of_rule = findings.iter().filter(|finding| finding["rule"] == rule);
        let finding = of_rule
            .next()
            .unwrap_or_else(|| panic!("no `{rule}` in {}\n{}", self.stdout, self.stderr));
        assert!(
            of_rule.next().is_none(),
            "several `{rule}`: {}",
            self.stdout
        );
        assert_eq!(finding["file"], "images/catalogue.yml");
        assert!(
            finding["image"].is_string() && finding["column"].is_u64(),
            "{finding}"
        );
        finding["message"].as_str().unwrap()
    }

    /// The entry of an image.
    pub fn image(&self, name: &str) -> &Value {
        self.json["images"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|image| image["name"] == name)
            .unwrap_or_else(|| panic!("no `{name}` in {}\n{}", self.stdout, self.stderr))
    }

    pub fn outcomes(&self) -> Vec<(&str, &str)> {
        let images = self.json["images"].as_array().into_iter().flatten();
        images
            .map(|image| {
                (
                    image["name"].as_str().unwrap(),
                    image["outcome"].as_str().unwrap(),
                )
            })
            .collect()
    }
}

pub fn product_url(product: &str) -> String {
    format!("https://endoflife.date/api/v1/products/{product}")
}

pub fn built_in(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sources");
    std::fs::read_to_string(folder.join(format!("{name}.yml"))).unwrap()
}

pub fn listing(builds: &[&str]) -> String {
    let links = builds
        .iter()
        .map(|build| format!("<a href=\"{build}/\">{build}/</a>\n"))
        .collect::<Vec<_>>()
        .concat();
    format!(
        "<html><body><pre><a href=\"?C=N;O=D\">Name</a> <a href=\"/\">Parent Directory</a>\n{links}<a href=\"current/\">current/</a></pre></body></html>"
    )
}

/// A checksum manifest over files whose content is their build's and own name.
pub fn sums<D: Digest>(names: &[&str], build: &str, mark: &str) -> String {
    names
        .iter()
        .map(|name| format!("{}{mark}{name}\n", digest::<D>(&format!("{build}/{name}"))))
        .collect::<Vec<_>>()
        .concat()
}

pub fn digest<D: Digest>(text: &str) -> String {
    D::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

pub fn flatcar_manifest(build: &str) -> String {
    format!(
        "https://stable.release.flatcar-linux.net/amd64-usr/{build}/flatcar_production_openstack_image.img.DIGESTS.asc"
    )
}

pub fn flatcar_digests(build: &str) -> String {
    let name = "flatcar_production_openstack_image.img";
    format!(
        "# SHA1 HASH\n{}  {name}\n# SHA512 HASH\n{}  {name}\n",
        "0".repeat(40),
        digest::<Sha512>(build)
    )
}

/// A definition of Ubuntu's daily builds of noble, with these pinned as `ubuntu_daily` publishes them. Its name is in
/// line 2, its source in line 4; the versions are from line 6, four lines each.
pub fn pinned(builds: &[&str]) -> String {
    let entries: Vec<_> = builds
        .iter()
        .map(|build| pin(build, &digest::<Sha256>(&format!("{build}/{NOBLE}"))))
        .collect();
    let head = "images:\n  - name: Ubuntu 24.04\n    format: qcow2\n    upstream: {from: ubuntu, release: \"24.04\", stream: daily}\n    versions:\n";
    format!("{head}{}", entries.concat())
}

/// The image of `pinned`.
pub const NOBLE: &str = "noble-server-cloudimg-amd64.img";

/// One version of it.
pub fn pin(build: &str, sha256: &str) -> String {
    format!(
        "      - version: '{build}'\n        url: {}\n        checksum: sha256:{sha256}\n        build_date: {}-{}-{}\n",
        noble(build),
        &build[..4],
        &build[4..6],
        &build[6..8]
    )
}

/// Its URL.
pub fn noble(build: &str) -> String {
    format!("{}{NOBLE}", noble_folder(build))
}

/// Where it lies, with the slash.
pub fn noble_folder(build: &str) -> String {
    format!("https://cloud-images.ubuntu.com/noble/{build}/")
}

/// A definition of Ubuntu's daily builds.
pub fn ubuntu(release: &str) -> String {
    format!(
        "  - name: Ubuntu {release}\n    format: qcow2\n    upstream: {{from: ubuntu, release: \"{release}\", stream: daily}}\n    versions: []\n"
    )
}
