//! A folder of documents as they came, for conditional requests. Safe to lose, and never evidence: what counts is what
//! the server says today.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::checksum::hex;

/// The folder.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// A document of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The validators that its server gave.
    pub validators: Validators,
    /// Its body.
    pub body: Vec<u8>,
}

/// What a server gives to ask whether something has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    url: String,
    #[serde(flatten)]
    validators: Validators,
    sha256: String,
}

impl Cache {
    /// A cache below `folder`, which need not exist.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.join("http"),
        }
    }

    /// What was kept of a URL, if it is whole.
    pub fn get(&self, url: &str) -> Option<Entry> {
        let file = std::fs::read(self.path(url)).ok()?;
        let end = file.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&file[..end]).ok()?;
        let body = file[end + 1..].to_vec();
        (head.url == url && head.sha256 == digest(&body)).then_some(Entry {
            validators: head.validators,
            body,
        })
    }

    /// Keeps a document; a cache that cannot be written is none.
    pub fn put(&self, url: &str, validators: &Validators, body: &[u8]) {
        if *validators == Validators::default() {
            return;
        }
        let head = Head {
            url: url.to_owned(),
            validators: validators.clone(),
            sha256: digest(body),
        };
        let Ok(mut file) = serde_json::to_vec(&head) else {
            return;
        };
        file.push(b'\n');
        file.extend_from_slice(body);
        if let Err(error) = write(&self.path(url), &file) {
            tracing::debug!("the cache keeps nothing: {error}");
        }
    }

    fn path(&self, url: &str) -> PathBuf {
        self.folder.join(digest(url.as_bytes()))
    }
}

/// Writes a file in one step, so that a reader never sees half of it; its folder is made.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let fresh = path.with_extension(format!("{}-{count}.new", std::process::id()));
    std::fs::write(&fresh, bytes)?;
    std::fs::rename(&fresh, path)
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_and_what_was_damaged_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        let validators = Validators {
            etag: Some("\"1\"".to_owned()),
            last_modified: None,
        };
        cache.put("https://a.example/x", &validators, b"body\nof two lines");
        let entry = cache.get("https://a.example/x").unwrap();
        assert_eq!(
            (entry.validators, entry.body.as_slice()),
            (validators, &b"body\nof two lines"[..])
        );
        assert_eq!(cache.get("https://a.example/y"), None);

        let path = cache.path("https://a.example/x");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.pop();
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(cache.get("https://a.example/x"), None);
    }

    #[test]
    fn without_validators_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        cache.put("https://a.example/x", &Validators::default(), b"body");
        assert_eq!(cache.get("https://a.example/x"), None);
    }
}
