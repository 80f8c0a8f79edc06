//! OpenPGP keys: sought in the user's `keys/`, then in the cache, then where the source says that they are published.
//!
//! A key counts only if its full fingerprint is a pinned one, wherever it comes from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::fetch::{FetchError, Fetcher};
use crate::cache;
use crate::domain::index::{Document, Kind, Request};
use crate::domain::signature::{self, Fingerprint, Keyring};
use crate::domain::source::ParameterError;
use crate::files::Files;

/// How long the cache's copy of a key stands for the published one: revocations are news too.
const RECENT: Duration = Duration::from_hours(30 * 24);

/// There is no key to check a signature with.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    /// It is nowhere kept and cannot be fetched.
    #[error(
        "the pinned key `{fingerprint}` is not at hand: {cause}; put it into `keys/` as a file *.asc, or try again"
    )]
    Fetch {
        /// The key.
        fingerprint: Fingerprint,
        /// Why.
        cause: FetchError,
    },
    /// What is published there is no key.
    #[error("`{url}` holds no OpenPGP key: {cause}; expected `{fingerprint}`")]
    Unreadable {
        /// Where it was sought.
        url: String,
        /// The key.
        fingerprint: Fingerprint,
        /// Why.
        cause: signature::KeyError,
    },
    /// Another key is published there.
    #[error(
        "`{url}` holds the key `{found}`; expected the pinned `{fingerprint}`, and no other counts"
    )]
    Foreign {
        /// Where it was sought.
        url: String,
        /// The key.
        fingerprint: Fingerprint,
        /// What there is.
        found: String,
    },
    /// The template of its URL cannot be filled.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
}

/// Where keys are kept.
#[derive(Debug)]
pub struct Keys {
    files: Files,
    folder: PathBuf,
    cache: Option<PathBuf>,
    own: OnceLock<Keyring>,
}

impl Keys {
    /// Keys in the user's `folder` and below `cache`; neither need exist.
    pub fn new(files: &Files, folder: &Path, cache: Option<&Path>) -> Self {
        let cache = cache.map(|cache| cache.join("keys"));
        if let Some(cache) = &cache {
            cache::sweep(cache);
        }
        Self {
            files: files.clone(),
            folder: folder.to_path_buf(),
            cache,
            own: OnceLock::new(),
        }
    }

    /// The pinned keys that are kept here: the user's, and of the others those that earlier runs fetched not long ago.
    pub fn kept(&self, pinned: &[Fingerprint]) -> Keyring {
        let mut keyring = self
            .own
            .get_or_init(|| read_folder(&self.files, &self.folder))
            .only(pinned);
        for fingerprint in pinned {
            let known = keyring.fingerprints().any(|known| known == fingerprint);
            let file = self.cached(fingerprint).filter(|_| !known);
            let recent = file.filter(|file| cache::is_younger(file, RECENT));
            if let Some(earlier) = recent.and_then(|file| earlier(&file, fingerprint)) {
                keyring.extend(earlier);
            }
        }
        keyring
    }

    fn cached(&self, fingerprint: &Fingerprint) -> Option<PathBuf> {
        let cache = self.cache.as_ref()?;
        Some(cache.join(format!("{fingerprint}.asc")))
    }

    /// The pinned key as it is published today at `url`, or as it was, if that cannot be had; fails with [`KeyError`].
    pub async fn published(
        &self,
        fetcher: &Fetcher,
        url: String,
        fingerprint: &Fingerprint,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<Keyring, KeyError> {
        let cached = self.cached(fingerprint);
        let document = match document(fetcher, url, fingerprint, hosts).await {
            Ok(document) => document,
            Err(error) => {
                let earlier = cached.and_then(|file| earlier(&file, fingerprint));
                tracing::debug!("{error}");
                return earlier.ok_or(error);
            }
        };
        let key = key_of(&document, fingerprint)?;
        if let Some(file) = cached
            && let Err(error) = cache::write(&file, &document.bytes)
        {
            tracing::debug!("the cache keeps no key: {error}");
        }
        Ok(key)
    }
}

/// The pinned key of a file of the cache.
fn earlier(file: &Path, fingerprint: &Fingerprint) -> Option<Keyring> {
    let keys = Keyring::parse(&cache::read(file)?).ok()?;
    Some(keys.only(std::slice::from_ref(fingerprint))).filter(|key| !key.is_empty())
}

/// The file in which a pinned key is published, known to hold it; fails with [`KeyError`].
pub async fn file(
    fetcher: &Fetcher,
    url: String,
    fingerprint: &Fingerprint,
    hosts: &Arc<BTreeSet<String>>,
) -> Result<Arc<Document>, KeyError> {
    let document = document(fetcher, url, fingerprint, hosts).await?;
    key_of(&document, fingerprint)?;
    Ok(document)
}

async fn document(
    fetcher: &Fetcher,
    url: String,
    fingerprint: &Fingerprint,
    hosts: &Arc<BTreeSet<String>>,
) -> Result<Arc<Document>, KeyError> {
    let request = Request {
        url,
        kind: Kind::Key,
    };
    fetcher
        .document(&request, hosts)
        .await
        .map_err(|cause| KeyError::Fetch {
            fingerprint: fingerprint.clone(),
            cause,
        })
}

fn key_of(document: &Document, fingerprint: &Fingerprint) -> Result<Keyring, KeyError> {
    let all = Keyring::parse(&document.bytes).map_err(|cause| KeyError::Unreadable {
        url: document.url.clone(),
        fingerprint: fingerprint.clone(),
        cause,
    })?;
    let key = all.only(std::slice::from_ref(fingerprint));
    if key.is_empty() {
        let found: Vec<_> = all.fingerprints().map(Fingerprint::as_str).collect();
        return Err(KeyError::Foreign {
            url: document.url.clone(),
            fingerprint: fingerprint.clone(),
            found: found.join("`, `"),
        });
    }
    Ok(key)
}

/// Every key of every `*.asc`; files that hold none are passed over, since only pinned keys matter.
fn read_folder(files: &Files, folder: &Path) -> Keyring {
    let mut keyring = Keyring::default();
    let Ok(paths) = files.list(folder) else {
        return keyring;
    };
    for path in paths {
        if path.extension().is_none_or(|extension| extension != "asc") {
            continue;
        }
        let keys = files
            .read(&path)
            .ok()
            .and_then(|bytes| Keyring::parse(&bytes).ok());
        if let Some(keys) = keys {
            keyring.extend(keys);
        } else {
            tracing::warn!("`{}` holds no OpenPGP key that can be read", path.display());
        }
    }
    keyring
}
