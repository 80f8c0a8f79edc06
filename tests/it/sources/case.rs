//! The case files of `tests/data/sources/`: what an upstream publishes, and what `update` is to make of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::update::world::built_in;

/// Documents whose name begins with this lie below the folder of captures.
const CAPTURED: &str = "upstream/";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cases: Vec<Case>,
}

/// One image of a source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What a definition says of it.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// What the documents are that tell the build and its digest.
    pub evidence: Evidence,
    /// The setting `verify`.
    pub verify: Option<String>,
    /// What the upstream answers, by URL; of all else it says 404. Every one of them must be asked for.
    pub documents: BTreeMap<String, Document>,
    /// The key files that it publishes, by URL; in one of ours `{fingerprint}` in the URL is that of our key.
    #[serde(default)]
    pub keys: BTreeMap<String, KeyFile>,
    /// The build that is found.
    pub newest: Option<Newest>,
    /// Other URLs that tell the same image to `update`, moving ones too.
    #[serde(default)]
    pub also: Vec<String>,
    /// Whether the image's own URL tells the parameters; it does not tell every one of them.
    #[serde(default = "yes")]
    pub told_by_url: bool,
    /// In place of `newest`: a part of the sentence with which the image fails.
    pub fails: Option<String>,
    /// Where the case stands: source and number.
    #[serde(skip)]
    pub name: String,
    #[serde(skip)]
    pub source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// Written by us.
    Sample,
    /// Real documents of the upstream.
    Capture,
}

const fn yes() -> bool {
    true
}

/// What a URL answers.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Document {
    /// A file beside the case, or below `upstream/` a capture.
    File(String),
    Made(Box<Made>),
}

/// What a URL answers, in detail.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    pub file: Option<String>,
    /// The body itself.
    pub text: Option<String>,
    /// So many bytes of an image that there is not.
    pub bytes: Option<usize>,
    /// How those bytes are packed.
    pub packed: Option<Packing>,
    /// The detached signature of another URL's body.
    pub signature_of: Option<String>,
    /// The body is clearsigned.
    #[serde(default)]
    pub clearsigned: bool,
    /// The signature is not armoured.
    #[serde(default)]
    pub binary: bool,
    /// The pinned key in whose place a key of ours signs.
    pub by: Option<String>,
    pub status: Option<u16>,
    /// Where the answer redirects to.
    pub location: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// How an image is packed.
#[derive(Clone, Copy, Deserialize)]
pub enum Packing {
    #[serde(rename = "xz")]
    Xz,
    #[serde(rename = "bz2")]
    Bz2,
    #[serde(rename = "gz")]
    Gz,
    #[serde(rename = "zst")]
    Zst,
    /// The member `disk.raw` of an archive.
    #[serde(rename = "tar.xz")]
    TarXz,
}

/// A key file.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum KeyFile {
    /// A file, as of a document.
    Real(String),
    /// The public halves of our keys in the place of these pinned ones.
    Ours(Vec<String>),
}

/// The entry of an image in the JSON of `update`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newest {
    pub version: String,
    pub url: String,
    pub checksum: String,
    pub build_date: Option<String>,
    pub verified: String,
    pub key: Option<String>,
    pub manifest: Option<String>,
    /// The definition's `disk_checksum`.
    pub disk_checksum: Option<String>,
    /// The definition's `computed`.
    #[serde(default)]
    pub computed: Vec<String>,
}

impl Document {
    pub fn made(&self) -> Made {
        match self {
            Self::Made(made) => (**made).clone(),
            Self::File(file) => Made {
                file: Some(file.clone()),
                ..Made::default()
            },
        }
    }

    fn file(&self) -> Option<&str> {
        match self {
            Self::File(file) => Some(file),
            Self::Made(made) => made.file.as_deref(),
        }
    }
}

impl Case {
    /// Whether keys of ours stand in for the source's.
    pub fn is_signed_by_us(&self) -> bool {
        let keys = self.keys.values();
        keys.into_iter().any(|key| matches!(key, KeyFile::Ours(_)))
    }

    /// Whether it reads captures, which may be absent.
    pub fn needs_captures(&self) -> bool {
        let keys = self.keys.values().filter_map(|key| match key {
            KeyFile::Real(file) => Some(file.as_str()),
            KeyFile::Ours(_) => None,
        });
        let documents = self.documents.values().filter_map(Document::file);
        documents.chain(keys).any(|file| file.starts_with(CAPTURED))
    }

    /// What its documents really are; keys alone are no evidence of an index.
    fn evidence_of_documents(&self) -> Evidence {
        let mut files = self.documents.values().filter_map(Document::file);
        if files.any(|file| file.starts_with(CAPTURED)) {
            Evidence::Capture
        } else {
            Evidence::Sample
        }
    }
}

/// The bytes of a file that a case of this source names.
pub fn read(source: &str, file: &str, captures: Option<&Path>) -> Vec<u8> {
    let path = match (file.strip_prefix(CAPTURED), captures) {
        (Some(file), Some(captures)) => captures.join(file),
        _ => folder().join(source).join(file),
    };
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All cases of a source.
pub fn load(source: &str) -> Vec<Case> {
    let path = folder().join(source).join("case.yml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "source `{source}` has no case, `{}`: {error}",
            path.display()
        )
    });
    let file: File =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut cases = file.cases;
    for (number, case) in cases.iter_mut().enumerate() {
        case.name = format!("{source} {}", number + 1);
        source.clone_into(&mut case.source);
        assert_eq!(
            case.evidence,
            case.evidence_of_documents(),
            "{}: its documents are something else",
            case.name
        );
        assert_ne!(
            case.newest.is_some(),
            case.fails.is_some(),
            "{}: expected either `newest` or `fails`",
            case.name
        );
    }
    cases
}

/// Whether a source is a user's own, whose text lies beside its cases.
pub fn is_own(source: &str) -> bool {
    own(source).is_file()
}

/// The text of a source.
pub fn text(source: &str) -> String {
    if is_own(source) {
        std::fs::read_to_string(own(source)).unwrap()
    } else {
        built_in(source)
    }
}

fn own(source: &str) -> PathBuf {
    folder().join(source).join("source.yml")
}

/// The sources that have a folder of cases.
pub fn with_cases() -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sources")
}
