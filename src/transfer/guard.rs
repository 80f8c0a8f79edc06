//! One stream in, one stream out: the same bytes, the disk that is packed in them, or that disk in another form. Digests,
//! signature and inspection beside it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::sync::{mpsc, oneshot};

use super::arrival::Arrival;
use super::hash::{DEPTH, Hashers};
use super::incoming::Incoming;
use super::meter::{Meter, Shift};
use super::outgoing::Outgoing;
use super::unfolding::Unfolding;
use super::unpack;
use super::{Demand, Progress, TransferError, UnpackError};
use crate::domain::packing::Packing;
use crate::domain::proof::{Measured, Received};
use crate::domain::signature::Signed;

/// Pieces go on in this size: Glance behind uWSGI answers 500 to an HTTP chunk of 1 MiB.
pub const PIECE: usize = 256 * 1024;

/// A guarded stream: what to send on, and what becomes of it.
pub struct Guarded {
    /// What is sent on.
    pub sends: Sends,
    /// The disk in pieces of at most [`PIECE`]. Its last piece comes only when the demand is met; else an error comes,
    /// which breaks off whatever sends it.
    pub body: mpsc::Receiver<Result<Bytes, std::io::Error>>,
    /// What arrived, after all of it has passed on; or why it did not.
    pub verdict: oneshot::Receiver<Result<Received, TransferError>>,
    /// What each stage did.
    pub meter: Meter,
}

/// What is sent on of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sends {
    /// All of it, as it came.
    File,
    /// The disk from inside it, whose size nobody knows yet.
    Disk,
    /// A disk of so many bytes, converted from what came.
    Converted(u64),
}

impl Sends {
    /// How many bytes are sent, of a file with so many, as far as that is known.
    pub const fn size(self, file: Option<u64>) -> Option<u64> {
        match self {
            Self::File => file,
            Self::Disk => None,
            Self::Converted(size) => Some(size),
        }
    }
}

/// Passes `source` on, and holds it against `demand`. Waits until there is something to send: until the first piece was
/// looked into, or of a disk that is converted its header was read.
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
    let meter = Meter::default();
    let source = Incoming::begin(source, demand.limit, progress, &meter).await?;
    let packing = demand.packing(source.head())?;
    let (pieces, body) = mpsc::channel(DEPTH);
    let (begun, is_begun) = oneshot::channel();
    let (tell, verdict) = oneshot::channel();
    let outgoing = Outgoing::new(pieces.clone(), begun, meter.clock("upload"));
    let mut arrival = Arrival::new(&demand, packing, outgoing, &meter)?;
    let clocks = meter.clone();
    tokio::spawn(async move {
        let passed = match packing {
            None => plain(source, &demand, &mut arrival, &clocks).await,
            Some(packing) => packed(source, &demand, packing, &mut arrival, &clocks).await,
        };
        let result = match passed {
            Ok(received) => arrival.release(received, &demand).await,
            Err(error) => Err(error),
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
    // It is dropped unsent where nothing was to be sent.
    match is_begun.await {
        Ok(sends) => Ok(Guarded {
            sends: match packing {
                Some(_) if sends == Sends::File => Sends::Disk,
                _ => sends,
            },
            body,
            verdict,
            meter,
        }),
        Err(_) => Err(match verdict.await {
            Ok(Err(error)) => error,
            Ok(Ok(_)) | Err(_) => TransferError::Hashing,
        }),
    }
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

/// The file is the disk.
async fn plain<E>(
    mut source: Incoming<E>,
    demand: &Demand,
    arrival: &mut Arrival,
    meter: &Meter,
) -> Result<Received, TransferError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let algorithms = &demand.of_file() | &demand.of_disk();
    let mut hashers = Hashers::start(&algorithms, demand.signature.as_ref(), meter)?;
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
            arrival.take(piece).await?;
        }
        if is_end {
            break;
        }
    }
    let (file, signed) = hashers.end().await?;
    Ok(received(file, None, signed))
}

/// The disk is in the file.
async fn packed<E>(
    mut source: Incoming<E>,
    demand: &Demand,
    packing: Packing,
    arrival: &mut Arrival,
    meter: &Meter,
) -> Result<Received, TransferError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut of_file = Hashers::start(&demand.of_file(), demand.signature.as_ref(), meter)?;
    let mut of_disk = Hashers::start(&demand.of_disk(), None, meter)?;
    let (packed, unpacker_in) = mpsc::channel::<Bytes>(DEPTH);
    let (unpacker_out, mut disk) = mpsc::channel::<Bytes>(DEPTH);
    let (member, limit) = (demand.member.clone(), demand.limit);
    let clock = meter.clock("unpack");
    let unpacker = tokio::task::spawn_blocking(move || {
        let shift = Shift::begin(clock);
        let (packed, disk) = (unpacker_in, unpacker_out);
        let unpacked = unpack::unpack(packed, packing, member.as_ref(), limit, disk, &shift);
        shift.end();
        unpacked
    });
    let unfolding = Arc::new(Unfolding::new(demand.length));
    let comes = Arc::clone(&unfolding);
    // Both own what they use: what one drops when it fails ends the others.
    let incoming = async move {
        while let Some(chunk) = source.next().await? {
            of_file.take(&chunk).await?;
            comes.comes(chunk.len());
            // The unpacker has gone: why, it says itself.
            if packed.send(chunk).await.is_err() {
                break;
            }
        }
        Ok::<_, TransferError>(of_file)
    };
    let relayed = async move {
        while let Some(piece) = disk.recv().await {
            unfolding.gives(piece.len())?;
            of_disk.take(&piece).await?;
            arrival.take(piece).await?;
        }
        Ok::<_, TransferError>(of_disk)
    };
    let (incoming, relayed) = tokio::join!(incoming, relayed);
    // What fails first takes the others down with it: the download, the receiver, the unpacking.
    let of_file = incoming?;
    let of_disk = relayed?;
    match unpacker.await {
        Ok(Ok(())) => {}
        Ok(Err(UnpackError::Closed)) | Err(_) => return Err(TransferError::Hashing),
        Ok(Err(error)) => return Err(error.into()),
    }
    let (file, signed) = of_file.end().await?;
    let (disk, _) = of_disk.end().await?;
    Ok(received(file, Some(disk), signed))
}

fn received(file: Measured, disk: Option<Measured>, signed: Option<Signed>) -> Received {
    Received {
        file,
        disk,
        signed,
        inspected: None,
        converted: None,
    }
}

#[cfg(test)]
mod tests;
