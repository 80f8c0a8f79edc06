//! Answers of earlier runs, for conditional requests, which GitHub does not count; and contents, which never change.
//!
//! Kept apart by repository and by who asked: what one token may see, another may not. Losing it costs requests only.

use std::path::{Path, PathBuf};

use url::Url;

use super::answer::{Answer, Kept};
use crate::cache::{self, Cache, Validators};
use crate::domain::forge::blob as blob_name;

/// The folder.
#[derive(Debug)]
pub(super) struct Documents {
    cache: Cache,
    blobs: PathBuf,
    whose: String,
}

impl Documents {
    /// Keeps below `folder`; `whose` tells the repository and who asks.
    pub(super) fn new(folder: &Path, whose: &str) -> Self {
        let folder = folder.join("github");
        let blobs = folder.join("blobs");
        for path in [&folder, &blobs] {
            make_private(path);
        }
        cache::sweep(&blobs);
        Self {
            cache: Cache::new(&folder, "answers"),
            blobs,
            whose: whose.to_owned(),
        }
    }

    pub(super) fn get(&self, url: &Url) -> Option<Kept> {
        let entry = self.cache.get(&self.key(url))?;
        let end = entry.body.iter().position(|byte| *byte == b'\n')?;
        let link = String::from_utf8(entry.body[..end].to_vec()).ok()?;
        Some(Kept {
            etag: entry.validators.etag?,
            link: (!link.is_empty()).then_some(link),
            body: entry.body[end + 1..].to_vec(),
        })
    }

    pub(super) fn put(&self, url: &Url, answer: &Answer) {
        let text = |name: &str| Some(answer.headers.get(name)?.to_str().ok()?.to_owned());
        let Some(etag) = text("etag") else {
            return;
        };
        let validators = Validators {
            etag: Some(etag),
            last_modified: None,
        };
        // No header holds a line break.
        let mut body = text("link").unwrap_or_default().into_bytes();
        body.push(b'\n');
        body.extend_from_slice(&answer.body);
        self.cache.put(&self.key(url), &validators, &body);
    }

    /// The next run asks as if it never had.
    pub(super) fn forget(&self, url: &Url) {
        self.cache.forget(&self.key(url));
    }

    /// A content by its name in git.
    pub(super) fn blob(&self, id: &str) -> Option<Vec<u8>> {
        let path = self.blobs.join(id);
        let bytes = is_id(id).then(|| cache::read(&path)).flatten()?;
        if blob_name(&bytes) != id {
            return None;
        }
        cache::used(&path);
        Some(bytes)
    }

    pub(super) fn put_blob(&self, id: &str, bytes: &[u8]) {
        if is_id(id)
            && let Err(error) = cache::write(&self.blobs.join(id), bytes)
        {
            tracing::debug!("the cache keeps nothing: {error}");
        }
    }

    fn key(&self, url: &Url) -> String {
        format!("{} {url}", self.whose)
    }
}

/// Whether a text is such a name and so may be that of a file.
fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Makes a folder that only its owner can look into, where the system knows of that.
fn make_private(path: &Path) {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    if let Err(error) = builder.create(path) {
        tracing::debug!("the cache keeps nothing: {error}");
    }
}
