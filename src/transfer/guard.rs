//! One stream in, one stream out, digests beside it.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::sync::{mpsc, oneshot};

use super::Progress;
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::proof::{self, Mismatch, Received};

/// Pieces go on in this size: Glance behind uWSGI answers 500 to an HTTP chunk of 1 MiB.
pub const PIECE: usize = 256 * 1024;

/// Pieces in flight between two stages.
const DEPTH: usize = 4;

/// Why bytes did not arrive proven.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The source failed.
    #[error("the download broke off after {received} bytes")]
    Source {
        /// How many bytes had come.
        received: u64,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bytes are not the attested ones.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The source never ends, or is larger than allowed.
    #[error("it is larger than {limit} bytes, the setting `limits.image_size`")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Nothing came.
    #[error("the download is empty; expected the bytes of an image")]
    Empty,
    /// The other side stopped taking bytes.
    #[error("the receiver stopped taking bytes after {sent} of them")]
    Closed {
        /// How many it took.
        sent: u64,
    },
    /// An algorithm that cannot be computed here.
    #[error("the digest algorithm {algorithm} is not one of sha256, sha384, sha512")]
    Algorithm {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A hashing thread ended.
    #[error("hashing failed; this is a defect of reglaze")]
    Hashing,
}

/// A guarded stream: what to send on, and what becomes of it.
pub struct Guarded {
    /// The same bytes in pieces of at most [`PIECE`]. Its last piece comes only when every digest has matched; else an
    /// error comes, which breaks off whatever sends it.
    pub body: mpsc::Receiver<Result<Bytes, std::io::Error>>,
    /// What arrived, after all of it has passed on; or why it did not.
    pub verdict: oneshot::Receiver<Result<Received, TransferError>>,
}

/// Passes `source` on, hashing it with the algorithm of `expected` and with SHA-512, which Glance computes too.
pub fn guard<E>(
    source: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    expected: Checksum,
    limit: u64,
    progress: Progress,
) -> Guarded
where
    E: std::error::Error + Send + Sync + 'static,
{
    let (pieces, body) = mpsc::channel(DEPTH);
    let (tell, verdict) = oneshot::channel();
    tokio::spawn(async move {
        let result = pump(source, &expected, limit, progress, &pieces).await;
        if let Err(error) = &result {
            // An error in the stream makes the HTTP client break off, so that Glance drops what it has. If nobody
            // listens any more, nothing is left to break off.
            let _ = pieces
                .send(Err(std::io::Error::other(error.to_string())))
                .await;
        }
        // The end of the stream first, then the verdict.
        drop(pieces);
        let _ = tell.send(result);
    });
    Guarded { body, verdict }
}

async fn pump<E>(
    source: impl Stream<Item = Result<Bytes, E>>,
    expected: &Checksum,
    limit: u64,
    mut progress: Progress,
    pieces: &mpsc::Sender<Result<Bytes, std::io::Error>>,
) -> Result<Received, TransferError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut algorithms = vec![expected.algorithm(), Algorithm::Sha512];
    algorithms.dedup();
    let hashers: Vec<_> = algorithms
        .into_iter()
        .map(Hasher::start)
        .collect::<Result<_, _>>()?;
    let mut source = std::pin::pin!(source);
    let mut buffer = BytesMut::with_capacity(PIECE);
    let mut held: Option<Bytes> = None;
    let (mut received, mut sent) = (0_u64, 0_u64);
    loop {
        let next = source
            .next()
            .await
            .transpose()
            .map_err(|source| TransferError::Source {
                received,
                source: Box::new(source),
            })?;
        let is_end = next.is_none();
        let mut chunk = next.unwrap_or_default();
        received += chunk.len() as u64;
        if received > limit {
            return Err(TransferError::TooLarge { limit });
        }
        loop {
            let room = PIECE - buffer.len();
            buffer.extend_from_slice(&chunk.split_to(room.min(chunk.len())));
            let is_last = is_end && !buffer.is_empty();
            if buffer.len() < PIECE && !is_last {
                break;
            }
            let piece = std::mem::replace(&mut buffer, BytesMut::with_capacity(PIECE)).freeze();
            for hasher in &hashers {
                hasher
                    .pieces
                    .send(piece.clone())
                    .await
                    .map_err(|_| TransferError::Hashing)?;
            }
            if let Some(piece) = held.replace(piece) {
                let size = piece.len() as u64;
                pieces
                    .send(Ok(piece))
                    .await
                    .map_err(|_| TransferError::Closed { sent })?;
                sent += size;
                progress.reach(sent);
            }
        }
        if is_end {
            break;
        }
    }
    let last = held.ok_or(TransferError::Empty)?;
    let mut checksums = Vec::new();
    for hasher in hashers {
        checksums.push(hasher.end().await?);
    }
    let all = Received {
        size: received,
        checksums,
    };
    proof::matches(expected, &all)?;
    pieces
        .send(Ok(last))
        .await
        .map_err(|_| TransferError::Closed { sent })?;
    progress.reach(received);
    Ok(all)
}

/// A thread that hashes pieces as they come.
struct Hasher {
    pieces: mpsc::Sender<Bytes>,
    digest: tokio::task::JoinHandle<Option<Checksum>>,
}

impl Hasher {
    fn start(algorithm: Algorithm) -> Result<Self, TransferError> {
        let (pieces, feed) = mpsc::channel(DEPTH);
        let digest = match algorithm {
            Algorithm::Sha256 => {
                tokio::task::spawn_blocking(move || hash::<Sha256>(feed, algorithm))
            }
            Algorithm::Sha384 => {
                tokio::task::spawn_blocking(move || hash::<Sha384>(feed, algorithm))
            }
            Algorithm::Sha512 => {
                tokio::task::spawn_blocking(move || hash::<Sha512>(feed, algorithm))
            }
            Algorithm::Md5 | Algorithm::Sha1 | Algorithm::Sha224 => {
                return Err(TransferError::Algorithm { algorithm });
            }
        };
        Ok(Self { pieces, digest })
    }

    async fn end(self) -> Result<Checksum, TransferError> {
        drop(self.pieces);
        self.digest
            .await
            .ok()
            .flatten()
            .ok_or(TransferError::Hashing)
    }
}

fn hash<D: Digest>(mut feed: mpsc::Receiver<Bytes>, algorithm: Algorithm) -> Option<Checksum> {
    let mut hasher = D::new();
    while let Some(piece) = feed.blocking_recv() {
        hasher.update(&piece);
    }
    Checksum::from_digest(algorithm, &hasher.finalize()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(
        chunks: Vec<&'static [u8]>,
    ) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
        futures_util::stream::iter(
            chunks
                .into_iter()
                .map(|chunk| Ok(Bytes::from_static(chunk))),
        )
    }

    fn sum(bytes: &[u8]) -> Checksum {
        Checksum::from_digest(Algorithm::Sha256, &Sha256::digest(bytes)).unwrap()
    }

    /// Takes all that passes; the error that breaks it off, if one does.
    async fn drain(mut guarded: Guarded) -> (Vec<u8>, bool, Result<Received, TransferError>) {
        let (mut bytes, mut broken) = (Vec::new(), false);
        while let Some(piece) = guarded.body.recv().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(_) => broken = true,
            }
        }
        (bytes, broken, guarded.verdict.await.unwrap())
    }

    #[tokio::test]
    async fn proven_bytes_pass_whole_whatever_the_pieces() {
        static LARGE: [u8; 3 * PIECE + 17] = [7; 3 * PIECE + 17];
        for chunks in [
            vec![&b"a"[..]],
            vec![b"ab", b"", b"c"],
            vec![&LARGE[..]],
            vec![&LARGE[..PIECE], &LARGE[PIECE..]],
        ] {
            let whole = chunks.concat();
            let guarded = guard(stream(chunks), sum(&whole), u64::MAX, Progress::silent());
            let (bytes, broken, verdict) = drain(guarded).await;
            assert!(!broken && bytes == whole);
            let received = verdict.unwrap();
            assert_eq!(received.size, whole.len() as u64);
            assert_eq!(received.checksums.len(), 2);
        }
    }

    #[tokio::test]
    async fn the_last_piece_of_wrong_bytes_never_passes() {
        static LARGE: [u8; 2 * PIECE] = [7; 2 * PIECE];
        let guarded = guard(
            stream(vec![&LARGE]),
            sum(b"other"),
            u64::MAX,
            Progress::silent(),
        );
        let (bytes, broken, verdict) = drain(guarded).await;
        assert!(broken);
        assert_eq!(bytes.len(), PIECE);
        assert!(matches!(
            verdict,
            Err(TransferError::Mismatch(Mismatch::Digest { .. }))
        ));
    }

    #[tokio::test]
    async fn a_broken_an_empty_and_an_endless_source_fail() {
        let cut = stream(vec![b"abc"]).chain(futures_util::stream::iter([Err(
            std::io::Error::other("cut"),
        )]));
        let (_, broken, verdict) =
            drain(guard(cut, sum(b"abc"), u64::MAX, Progress::silent())).await;
        assert!(broken && matches!(verdict, Err(TransferError::Source { received: 3, .. })));

        let (_, broken, verdict) = drain(guard(
            stream(vec![]),
            sum(b""),
            u64::MAX,
            Progress::silent(),
        ))
        .await;
        assert!(broken && matches!(verdict, Err(TransferError::Empty)));

        let endless = futures_util::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from_static(&[0; 4096]))
        });
        let (_, broken, verdict) =
            drain(guard(endless, sum(b""), 1 << 20, Progress::silent())).await;
        assert!(broken && matches!(verdict, Err(TransferError::TooLarge { .. })));
    }

    #[tokio::test]
    async fn a_receiver_that_goes_away_ends_the_transfer() {
        static LARGE: [u8; 20 * PIECE] = [7; 20 * PIECE];
        let guarded = guard(
            stream(vec![&LARGE]),
            sum(&LARGE),
            u64::MAX,
            Progress::silent(),
        );
        drop(guarded.body);
        assert!(matches!(
            guarded.verdict.await.unwrap(),
            Err(TransferError::Closed { .. })
        ));
    }
}
