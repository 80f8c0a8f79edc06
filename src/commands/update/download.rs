//! Builds whose upstream does not tell everything: their bytes are fetched once and kept nowhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, Semaphore};

use crate::domain::attested::{Attested, ByBytes};
use crate::domain::index::Candidate;
use crate::transfer::{self, Demand, Progress, Unpacking, Want};
use crate::upstream::Upstream;

/// Downloads at a time: each keeps a core busy with hashing and unpacking.
const AT_ONCE: usize = 2;

/// What the bytes of builds have told in this run, each fetched once however many images ask.
pub(super) struct Downloads<'a> {
    upstream: &'a Upstream,
    /// The most bytes that a file, and the disk in it, may have.
    limit: u64,
    places: Semaphore,
    known: Mutex<HashMap<Key, Arc<OnceCell<Outcome>>>>,
}

/// A source's name and the build's URL.
type Key = (String, String);
type Outcome = Result<(Attested, Vec<String>), String>;

impl<'a> Downloads<'a> {
    pub(super) fn new(upstream: &'a Upstream, limit: u64) -> Self {
        Self {
            upstream,
            limit,
            places: Semaphore::new(AT_ONCE),
            known: Mutex::default(),
        }
    }

    /// Makes a digest that counts of a build's bytes, with notes beside it; else gives the reason in one sentence.
    pub(super) async fn attest(
        &self,
        source: &str,
        candidate: &Candidate,
        by_bytes: &ByBytes,
    ) -> Outcome {
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (source.to_owned(), candidate.url.clone());
            Arc::clone(known.entry(key).or_default())
        };
        cell.get_or_init(|| self.fetch(candidate, by_bytes))
            .await
            .clone()
    }

    async fn fetch(&self, candidate: &Candidate, by_bytes: &ByBytes) -> Outcome {
        // It is never closed.
        let _place = self.places.acquire().await.ok();
        let url = &candidate.url;
        let of_image = |error: &dyn std::fmt::Display| format!("`{url}`: {error}");
        tracing::info!(
            "fetching `{url}` once: its upstream does not tell all that has to be known of it"
        );
        let download = self
            .upstream
            .stream(url)
            .await
            .map_err(|error| error.to_string())?;
        let progress = Progress::new(candidate.file.clone(), download.size);
        let demand = self.demand(by_bytes, download.size);
        let received = transfer::measure(download.body, demand, progress)
            .await
            .map_err(|error| of_image(&chain(&error)))?;
        by_bytes
            .attest(received, url)
            .map_err(|error| error.to_string())
    }

    fn demand(&self, by_bytes: &ByBytes, length: Option<u64>) -> Demand {
        let file = match by_bytes.expected() {
            Some(checksum) => Want::Expect(checksum.clone()),
            None => Want::Compute(by_bytes.algorithm),
        };
        let (disk, unpacking) = match (by_bytes.compute_disk, &by_bytes.disk) {
            (Some(algorithm), _) => (Some(Want::Compute(algorithm)), Unpacking::Always),
            // As the file passes anyhow, the index is held to its word on the disk too.
            (None, Some(told)) => (Some(Want::Expect(told.clone())), Unpacking::Always),
            (None, None) => (None, Unpacking::Never),
        };
        Demand {
            disk,
            unpacking,
            member: by_bytes.member.clone(),
            signature: by_bytes.signature.clone(),
            length,
            ..Demand::of_the_file(vec![file], self.limit)
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
