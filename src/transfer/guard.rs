//! One stream in, one stream out: the same bytes, or the disk that is packed in them. Digests and signature beside it.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{mpsc, oneshot};

use super::hash::{DEPTH, Hashers};
use super::unpack;
use super::{Demand, Progress, TransferError, UnpackError};
use crate::domain::packing::{HEAD, Packing};
use crate::domain::proof::Received;

/// Pieces go on in this size: Glance behind uWSGI answers 500 to an HTTP chunk of 1 MiB.
pub const PIECE: usize = 256 * 1024;

/// A guarded stream: what to send on, and what becomes of it.
pub struct Guarded {
    /// Whether what is sent on is a disk from inside the file, so that nobody knows its size yet.
    pub is_unpacked: bool,
    /// The disk in pieces of at most [`PIECE`]. Its last piece comes only when the demand is met; else an error comes,
    /// which breaks off whatever sends it.
    pub body: mpsc::Receiver<Result<Bytes, std::io::Error>>,
    /// What arrived, after all of it has passed on; or why it did not.
    pub verdict: oneshot::Receiver<Result<Received, TransferError>>,
}

type Pieces = mpsc::Sender<Result<Bytes, std::io::Error>>;

/// Passes `source` on, and holds it against `demand`. Waits for its first bytes, which tell whether it is packed.
///
/// Fails with [`TransferError`] if it does not even begin well.
pub async fn guard<E>(
    source: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    demand: Demand,
    progress: Progress,
) -> Result<Guarded, TransferError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut source: Source<E> = Box::pin(source);
    let head = head(&mut source).await?;
    let packing = demand.packing(&head)?;
    let source = Incoming {
        source: Box::pin(stream::iter([Ok(head)]).chain(source)),
        received: 0,
        limit: demand.limit,
        progress,
    };
    let (pieces, body) = mpsc::channel(DEPTH);
    let (tell, verdict) = oneshot::channel();
    let mut algorithms = demand.of_file();
    if packing.is_none() {
        algorithms.extend(demand.of_disk());
    }
    let hashers = Hashers::start(&algorithms, demand.signature.as_ref())?;
    tokio::spawn(async move {
        let result = match packing {
            None => plain(source, hashers, &demand, &pieces).await,
            Some(packing) => packed(source, hashers, &demand, packing, &pieces).await,
        };
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
    Ok(Guarded {
        is_unpacked: packing.is_some(),
        body,
        verdict,
    })
}

/// Holds `source` against `demand` and keeps nothing of it. Fails with [`TransferError`].
pub async fn measure<E>(
    source: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    demand: Demand,
    progress: Progress,
) -> Result<Received, TransferError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut guarded = guard(source, demand, progress).await?;
    while guarded.body.recv().await.is_some() {}
    guarded.verdict.await.map_err(|_| TransferError::Hashing)?
}

type Source<E> = Pin<Box<dyn Stream<Item = Result<Bytes, E>> + Send>>;

/// The first bytes: as many as tell how a file is packed, unless it is shorter. Fails with [`TransferError`].
async fn head<E>(source: &mut Source<E>) -> Result<Bytes, TransferError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut head = BytesMut::new();
    while head.len() < HEAD {
        let Some(chunk) = source.next().await else {
            break;
        };
        let received = head.len() as u64;
        head.extend_from_slice(&chunk.map_err(|error| broken_off(received, error))?);
    }
    if head.is_empty() {
        return Err(TransferError::Empty);
    }
    Ok(head.freeze())
}

fn broken_off<E>(received: u64, error: E) -> TransferError
where
    E: std::error::Error + Send + Sync + 'static,
{
    TransferError::Source {
        received,
        source: Box::new(error),
    }
}

/// What comes, counted.
struct Incoming<E> {
    source: Source<E>,
    received: u64,
    limit: u64,
    progress: Progress,
}

impl<E: std::error::Error + Send + Sync + 'static> Incoming<E> {
    /// The next bytes; nothing at the end. Fails with [`TransferError`].
    async fn next(&mut self) -> Result<Option<Bytes>, TransferError> {
        let Some(chunk) = self.source.next().await else {
            self.progress.reach(self.received);
            return Ok(None);
        };
        let chunk = chunk.map_err(|error| broken_off(self.received, error))?;
        self.received += chunk.len() as u64;
        if self.received > self.limit {
            return Err(TransferError::TooLarge { limit: self.limit });
        }
        self.progress.reach(self.received);
        Ok(Some(chunk))
    }
}

/// What goes on: every piece but the last one, until that may follow.
struct Outgoing<'a> {
    pieces: &'a Pieces,
    held: Option<Bytes>,
    sent: u64,
}

impl<'a> Outgoing<'a> {
    const fn new(pieces: &'a Pieces) -> Self {
        Self {
            pieces,
            held: None,
            sent: 0,
        }
    }

    async fn send(&mut self, piece: Bytes) -> Result<(), TransferError> {
        let size = piece.len() as u64;
        let sent = self.pieces.send(Ok(piece)).await;
        sent.map_err(|_| TransferError::Closed { sent: self.sent })?;
        self.sent += size;
        Ok(())
    }

    /// Holds this piece back and sends the one before.
    async fn take(&mut self, piece: Bytes) -> Result<(), TransferError> {
        match self.held.replace(piece) {
            Some(before) => self.send(before).await,
            None => Ok(()),
        }
    }

    /// Sends the last piece: everything has matched.
    async fn release(&mut self) -> Result<(), TransferError> {
        let last = self.held.take().ok_or(TransferError::Empty)?;
        self.send(last).await
    }
}

/// The file is the disk.
async fn plain<E>(
    mut source: Incoming<E>,
    mut hashers: Hashers,
    demand: &Demand,
    pieces: &Pieces,
) -> Result<Received, TransferError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut outgoing = Outgoing::new(pieces);
    let mut buffer = BytesMut::with_capacity(PIECE);
    loop {
        let next = source.next().await?;
        let is_end = next.is_none();
        let mut chunk = next.unwrap_or_default();
        loop {
            let room = PIECE - buffer.len();
            buffer.extend_from_slice(&chunk.split_to(room.min(chunk.len())));
            let is_last = is_end && !buffer.is_empty();
            if buffer.len() < PIECE && !is_last {
                break;
            }
            let piece = std::mem::replace(&mut buffer, BytesMut::with_capacity(PIECE)).freeze();
            hashers.take(&piece).await?;
            outgoing.take(piece).await?;
        }
        if is_end {
            break;
        }
    }
    let (file, signed) = hashers.end().await?;
    let received = Received {
        file,
        disk: None,
        signed,
    };
    demand.is_met(&received)?;
    outgoing.release().await?;
    Ok(received)
}

/// The disk is in the file.
async fn packed<E>(
    mut source: Incoming<E>,
    mut of_file: Hashers,
    demand: &Demand,
    packing: Packing,
    pieces: &Pieces,
) -> Result<Received, TransferError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut of_disk = Hashers::start(&demand.of_disk(), None)?;
    let mut outgoing = Outgoing::new(pieces);
    let (packed, unpacker_in) = mpsc::channel::<Bytes>(DEPTH);
    let (unpacker_out, mut disk) = mpsc::channel::<Bytes>(DEPTH);
    let (member, limit) = (demand.member.clone(), demand.limit);
    let unpacker = tokio::task::spawn_blocking(move || {
        unpack::unpack(unpacker_in, packing, member.as_ref(), limit, unpacker_out)
    });
    // Both own what they use: what one drops when it fails ends the others.
    let incoming = async move {
        while let Some(chunk) = source.next().await? {
            of_file.take(&chunk).await?;
            // The unpacker has gone: why, it says itself.
            if packed.send(chunk).await.is_err() {
                break;
            }
        }
        Ok::<_, TransferError>(of_file)
    };
    let relayed = async move {
        while let Some(piece) = disk.recv().await {
            of_disk.take(&piece).await?;
            outgoing.take(piece).await?;
        }
        Ok::<_, TransferError>((of_disk, outgoing))
    };
    let (incoming, relayed) = tokio::join!(incoming, relayed);
    // What fails first takes the others down with it: the download, the receiver, the unpacking.
    let of_file = incoming?;
    let (of_disk, mut outgoing) = relayed?;
    match unpacker.await {
        Ok(Ok(())) => {}
        Ok(Err(UnpackError::Closed)) | Err(_) => return Err(TransferError::Hashing),
        Ok(Err(error)) => return Err(error.into()),
    }
    let (file, signed) = of_file.end().await?;
    let (disk, _) = of_disk.end().await?;
    let received = Received {
        file,
        disk: Some(disk),
        signed,
    };
    demand.is_met(&received)?;
    outgoing.release().await?;
    Ok(received)
}

#[cfg(test)]
mod tests;
