//! The hosts of a run: how many requests each has at a time, and when one is given up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::FetchError;
use super::error::shown;

/// Requests to one host at a time.
pub(super) const PER_HOST: usize = 8;

/// Documents in a row that did not come. As many are under way at once, so that one bad moment of a good host, in which
/// each of them has tried several times, is the least that gives it up.
const GIVEN_UP: usize = PER_HOST;

/// All hosts, by name.
#[derive(Debug, Default)]
pub(super) struct Hosts(Mutex<HashMap<String, Arc<Host>>>);

/// One host.
#[derive(Debug)]
pub(super) struct Host {
    name: String,
    places: Arc<Semaphore>,
    failed: AtomicUsize,
    told: AtomicBool,
}

impl Hosts {
    /// The host of a URL.
    pub fn of(&self, url: &Url) -> Arc<Host> {
        let name = url.host_str().unwrap_or_default();
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Host {
                name: name.to_owned(),
                places: Arc::new(Semaphore::new(PER_HOST)),
                failed: AtomicUsize::new(0),
                told: AtomicBool::new(false),
            })
        });
        Arc::clone(host)
    }
}

impl Host {
    /// Waits for a place; fails with [`FetchError::GivenUp`] if the host has shown that waiting is in vain.
    pub async fn place(&self, url: &Url) -> Result<OwnedSemaphorePermit, FetchError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let failed = self.failed.load(Ordering::Relaxed);
        // The semaphore is never closed.
        place
            .ok()
            .filter(|_| failed < GIVEN_UP)
            .ok_or_else(|| FetchError::GivenUp {
                url: shown(url),
                host: self.name.clone(),
                failed,
            })
    }

    /// Takes note of how a document ended.
    pub fn ended<T>(&self, outcome: &Result<T, FetchError>) {
        match outcome {
            Err(FetchError::Unreachable { .. } | FetchError::TooSlow { .. }) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
            // Other hosts' failures, and those of a connection, say nothing of this one.
            Err(FetchError::GivenUp { .. } | FetchError::Cut { .. }) => {}
            _ => self.failed.store(0, Ordering::Relaxed),
        }
    }

    /// Tells people once that they wait for this host.
    pub fn is_waited_for(&self) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::info!("waiting for `{}`", self.name);
        }
    }
}
