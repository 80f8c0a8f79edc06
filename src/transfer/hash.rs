//! Digests and signatures over pieces as they pass, each on a thread of its own.

use std::collections::BTreeSet;

use bytes::Bytes;
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::TransferError;
use super::meter::{Clock, Meter};
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::proof::Measured;
use crate::domain::signature::{Detached, Passing, SignatureError, Signed};

/// Pieces in flight between two stages.
pub(super) const DEPTH: usize = 4;

/// All that is computed over one stream.
pub(super) struct Hashers {
    size: u64,
    feeds: Vec<mpsc::Sender<Bytes>>,
    digests: Vec<JoinHandle<Option<Checksum>>>,
    signature: Option<JoinHandle<Result<Signed, SignatureError>>>,
}

impl Hashers {
    /// Starts a thread for each algorithm, and one for the signature. Fails with [`TransferError`].
    pub(super) fn start(
        algorithms: &BTreeSet<Algorithm>,
        signature: Option<&Detached>,
        meter: &Meter,
    ) -> Result<Self, TransferError> {
        let mut hashers = Self {
            size: 0,
            feeds: Vec::new(),
            digests: Vec::new(),
            signature: None,
        };
        for algorithm in algorithms {
            let algorithm = *algorithm;
            let hash = match algorithm {
                Algorithm::Sha256 => hash::<Sha256>,
                Algorithm::Sha384 => hash::<Sha384>,
                Algorithm::Sha512 => hash::<Sha512>,
                Algorithm::Md5 | Algorithm::Sha1 | Algorithm::Sha224 => {
                    return Err(TransferError::Algorithm { algorithm });
                }
            };
            let feed = hashers.feed();
            let clock = meter.clock(algorithm.name());
            let digest = tokio::task::spawn_blocking(move || hash(feed, algorithm, &clock));
            hashers.digests.push(digest);
        }
        if let Some(signature) = signature {
            let passing = signature.begin()?;
            let feed = hashers.feed();
            hashers.signature = Some(tokio::task::spawn_blocking(move || check(feed, passing)));
        }
        Ok(hashers)
    }

    fn feed(&mut self) -> mpsc::Receiver<Bytes> {
        let (sender, feed) = mpsc::channel(DEPTH);
        self.feeds.push(sender);
        feed
    }

    /// Takes the next piece. Fails with [`TransferError`] if a thread has ended.
    pub(super) async fn take(&mut self, piece: &Bytes) -> Result<(), TransferError> {
        self.size += piece.len() as u64;
        for feed in &self.feeds {
            let sent = feed.send(piece.clone()).await;
            sent.map_err(|_| TransferError::Hashing)?;
        }
        Ok(())
    }

    /// What passed, and the verdict on its signature. Fails with [`TransferError`].
    pub(super) async fn end(self) -> Result<(Measured, Option<Signed>), TransferError> {
        drop(self.feeds);
        let mut checksums = Vec::new();
        for digest in self.digests {
            let checksum = digest.await.ok().flatten();
            checksums.push(checksum.ok_or(TransferError::Hashing)?);
        }
        let signed = match self.signature {
            Some(signature) => Some(signature.await.map_err(|_| TransferError::Hashing)??),
            None => None,
        };
        let size = self.size;
        Ok((Measured { size, checksums }, signed))
    }
}

fn hash<D: Digest>(
    mut feed: mpsc::Receiver<Bytes>,
    algorithm: Algorithm,
    clock: &Clock,
) -> Option<Checksum> {
    let mut hasher = D::new();
    while let Some(piece) = feed.blocking_recv() {
        clock.doing(|| hasher.update(&piece));
        clock.passed(piece.len());
    }
    Checksum::from_digest(algorithm, &hasher.finalize()).ok()
}

fn check(mut feed: mpsc::Receiver<Bytes>, mut passing: Passing) -> Result<Signed, SignatureError> {
    while let Some(piece) = feed.blocking_recv() {
        passing.update(&piece);
    }
    passing.verdict()
}
