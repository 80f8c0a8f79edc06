//! What the captures tell of an image: every digest that a document was seen to give for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use reglaze::domain::checksum::{Algorithm, Checksum};
use reglaze::domain::index::parts;
use reglaze::domain::manifest;
use serde_json::Value;

/// Written from what others recorded, but with the real digests: the notes beside the captures say which.
const RECORDED: [&str; 4] = [
    "arch/reconstructed/geo.mirror.pkgbuild.com/images/v20260715.556894/Arch-Linux-x86_64-cloudimg-20260715.556894.qcow2.SHA256",
    "centos/reconstructed/cloud.centos.org/centos/10-stream/x86_64/images/CentOS-Stream-GenericCloud-10-20260720.0.x86_64.qcow2.SHA256SUM",
    "oracle/reconstructed/yum.oracle.com/templates/OracleLinux/ol9-template.json",
    "osism/known-versions.tsv",
];

/// One tree under two names.
const SAME: [(&str, &str); 3] = [
    ("download.fedoraproject.org/", "dl.fedoraproject.org/"),
    ("cdimage.debian.org/cdimage/", "cloud.debian.org/images/"),
    ("download.rockylinux.org/", "dl.rockylinux.org/"),
];

/// The captures that may count as evidence, by the URL at which they were published.
pub struct Evidence {
    documents: BTreeMap<String, PathBuf>,
    /// Manifests and tables that were collected from elsewhere: a name in them is that of one build only.
    collected: Vec<PathBuf>,
    keys: Vec<PathBuf>,
    /// Digests by URL, in the catalogue of another project.
    catalogue: BTreeMap<String, Checksum>,
}

impl Evidence {
    pub fn read(folder: &Path) -> Self {
        let mut evidence = Self {
            documents: BTreeMap::new(),
            collected: Vec::new(),
            keys: Vec::new(),
            catalogue: BTreeMap::new(),
        };
        let mut files = Vec::new();
        walk(folder, &mut files);
        for path in files {
            let name = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let (project, rest) = name.split_once('/').unwrap_or(("", &name));
            if RECORDED.contains(&name.as_str())
                || project == "rocky" && rest.starts_with("checksums/")
            {
                evidence.collected.push(path);
            } else if rest.starts_with("keys/") {
                evidence.keys.push(path);
            } else if !rest.starts_with("reconstructed/")
                && !["negative", "formats", "autoindex"].contains(&project)
            {
                evidence.documents.insert(one_name(rest), path);
            }
        }
        let table = std::fs::read_to_string(folder.join("osism/known-versions.tsv")).unwrap();
        for row in table.lines().skip(1) {
            let fields: Vec<_> = row.split('\t').collect();
            evidence
                .catalogue
                .insert(one_name(fields[4]), fields[5].parse().unwrap());
        }
        evidence
    }

    /// Every digest that a capture gives for the image at this URL.
    pub fn digests(&self, url: &str) -> BTreeSet<Checksum> {
        let (_, folder, file) = parts(url).unwrap();
        let folder = one_name(&folder);
        let mut digests: BTreeSet<_> = self
            .catalogue
            .get(&one_name(url))
            .cloned()
            .into_iter()
            .collect();
        // A manifest speaks of the files beside it.
        let beside = self
            .documents
            .range(folder.clone()..)
            .take_while(|(name, _)| name.starts_with(&folder));
        let manifests = beside.map(|(_, path)| path).chain(&self.collected);
        for text in manifests.filter_map(|path| std::fs::read_to_string(path).ok()) {
            for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
                digests.extend(manifest::digest_of(&text, &file, Some(algorithm)));
            }
        }
        let documents = self.documents.values().chain(&self.collected);
        for path in documents.filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        }) {
            let text = std::fs::read_to_string(path).unwrap();
            if text.contains(&file) {
                told(&serde_json::from_str(&text).unwrap(), &file, &mut digests);
            }
        }
        digests
    }

    /// The captured document of this URL.
    pub fn document(&self, url: &str) -> Option<Vec<u8>> {
        let path = self.documents.get(&one_name(url))?;
        Some(std::fs::read(path).unwrap())
    }

    /// All captured OpenPGP keys.
    pub fn keys(&self) -> impl Iterator<Item = Vec<u8>> {
        let keys = self
            .keys
            .iter()
            .filter(|path| path.file_name().is_some_and(|name| name != "fingerprints"));
        keys.map(|path| std::fs::read(path).unwrap())
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Host and path, the same for both names of a tree.
fn one_name(url: &str) -> String {
    let url = url.strip_prefix("https://").unwrap_or(url);
    let renamed = SAME
        .iter()
        .find_map(|(from, to)| Some(format!("{to}{}", url.strip_prefix(from)?)));
    renamed.unwrap_or_else(|| url.to_owned())
}

/// The digests that stand in an object beside a text that ends in the file's name, or beside an object with such a text.
/// Says whether the value itself is such an object.
fn told(value: &Value, file: &str, digests: &mut BTreeSet<Checksum>) -> bool {
    match value {
        Value::Object(fields) => {
            let is_name = |field: &Value| {
                field
                    .as_str()
                    .is_some_and(|text| text.rsplit('/').next() == Some(file))
            };
            let named = fields.values().any(is_name);
            let holds_named = fields
                .values()
                .filter(|field| told(field, file, digests))
                .count()
                > 0;
            if named || holds_named {
                beside(value, digests);
            }
            named
        }
        Value::Array(items) => {
            for item in items {
                told(item, file, digests);
            }
            false
        }
        _ => false,
    }
}

/// The digests among the texts of an object, down to those of the objects in it.
fn beside(value: &Value, digests: &mut BTreeSet<Checksum>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|field| beside(field, digests)),
        Value::String(text) => digests.extend(digest(text)),
        _ => {}
    }
}

/// Hex, or base64 after the name of the algorithm.
fn digest(text: &str) -> Option<Checksum> {
    if let Some(encoded) = text
        .strip_prefix("sha512:")
        .filter(|encoded| encoded.len() == 86)
    {
        let bytes = BASE64_STANDARD_NO_PAD.decode(encoded).ok()?;
        return Checksum::from_digest(Algorithm::Sha512, &bytes).ok();
    }
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex
        .then(|| format!("sha256:{text}").parse().ok())
        .flatten()
}
