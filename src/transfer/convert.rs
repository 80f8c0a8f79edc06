//! The two halves of a conversion: a qcow2 file that is written, and the raw disk that is read from it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::guard::PIECE;
use super::hash::{DEPTH, Hashers};
use super::meter::{Clock, Meter};
use super::outgoing::Outgoing;
use super::qcow2::{Qcow2Error, Reader, Run, Source};
use super::spool::{Growing, Growth, Spool, SpoolError, growth};
use super::{Sends, TransferError};
use crate::domain::inspect::Refusal;
use crate::domain::inspect::qcow2::{HEAD, Header};

/// Zeros are sent from here, whatever their number.
static ZEROS: [u8; PIECE] = [0; PIECE];

/// How a disk becomes raw.
#[derive(Debug, Clone)]
pub struct Convert {
    /// The folder in which it waits.
    pub spool: PathBuf,
    /// When it begins to leave.
    pub leaves: Leaves,
}

/// When the pieces of a converted disk leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// Each as soon as what it is made of is there, where it is known how long the file is.
    WhileItComes,
    /// When all of the file is there and proven.
    WhenProven,
}

/// A file that is being written on a thread of its own.
pub(super) struct Spooling {
    /// Nothing when all of it came.
    pieces: Option<mpsc::Sender<Bytes>>,
    writer: JoinHandle<Result<u64, SpoolError>>,
    reader: File,
    growth: Growth,
}

impl Spooling {
    /// In `folder`, for `length` bytes if that is known. Fails with [`TransferError`] if there is no room.
    pub(super) fn begin(
        folder: &Path,
        length: Option<u64>,
        meter: &Meter,
    ) -> Result<Self, TransferError> {
        let spool = Spool::new(folder, length)?;
        let reader = spool.reader()?;
        let (growing, growth) = growth();
        let (pieces, feed) = mpsc::channel(DEPTH);
        let clock = meter.clock("spool");
        let writer = tokio::task::spawn_blocking(move || write(spool, feed, &growing, &clock));
        Ok(Self {
            pieces: Some(pieces),
            writer,
            reader,
            growth,
        })
    }

    /// Takes the next piece. Fails with [`TransferError`].
    pub(super) async fn take(&mut self, piece: Bytes) -> Result<(), TransferError> {
        if let Some(pieces) = &self.pieces
            && pieces.send(piece).await.is_ok()
        {
            return Ok(());
        }
        // The writer has gone: why, it says itself.
        self.finish().await?;
        Err(TransferError::Hashing)
    }

    /// How many bytes the file has, when all are there. Fails with [`TransferError`].
    pub(super) async fn finish(&mut self) -> Result<u64, TransferError> {
        self.pieces = None;
        let written = (&mut self.writer).await;
        Ok(written.map_err(|_| TransferError::Hashing)??)
    }

    /// The file for somebody who reads it while it grows. Fails with [`TransferError`].
    pub(super) fn reader(&self) -> Result<(File, Growth), TransferError> {
        let file = self.reader.try_clone();
        let file = file.map_err(|source| Qcow2Error::Read { offset: 0, source })?;
        Ok((file, self.growth.clone()))
    }
}

fn write(
    mut spool: Spool,
    mut feed: mpsc::Receiver<Bytes>,
    growing: &Growing,
    clock: &Clock,
) -> Result<u64, SpoolError> {
    while let Some(piece) = feed.blocking_recv() {
        clock.doing(|| spool.write(&piece))?;
        clock.passed(piece.len());
        growing.reached(spool.written());
    }
    Ok(spool.written())
}

/// A disk that comes as raw from a thread of its own.
pub(super) struct Converted {
    size: u64,
    pieces: mpsc::Receiver<Bytes>,
    reader: JoinHandle<Result<(), Qcow2Error>>,
}

impl Converted {
    /// Begins to read the disk in a file that has `size` bytes in the end; `limit` is for the disk.
    ///
    /// Fails with [`TransferError`].
    pub(super) async fn begin(
        (file, growth): (File, Growth),
        size: u64,
        limit: u64,
        meter: &Meter,
    ) -> Result<Self, TransferError> {
        let (sender, pieces) = mpsc::channel(DEPTH);
        let clock = meter.clock("convert");
        let source = Source::growing(file, size, growth.clone());
        let opened = tokio::task::spawn_blocking(move || open(source, limit)).await;
        let (size, reader) = opened.map_err(|_| TransferError::Hashing)??;
        let work = move || read(reader, &sender, &growth, &clock);
        let reader = tokio::task::spawn_blocking(work);
        Ok(Self {
            size,
            pieces,
            reader,
        })
    }

    /// What is sent.
    pub(super) const fn sends(&self) -> Sends {
        Sends::Converted(self.size)
    }

    /// Passes all of it on, the last piece is held back still. Fails with [`TransferError`].
    pub(super) async fn pass(
        mut self,
        hashers: &mut Hashers,
        outgoing: &mut Outgoing,
    ) -> Result<(), TransferError> {
        while let Some(piece) = self.pieces.recv().await {
            hashers.take(&piece).await?;
            outgoing.take(piece).await?;
        }
        Ok(self.reader.await.map_err(|_| TransferError::Hashing)??)
    }
}

/// The size of the disk, and who reads it.
fn open(source: Source, limit: u64) -> Result<(u64, Reader), TransferError> {
    let size = source.size();
    let length = usize::try_from(size).unwrap_or(HEAD).min(HEAD);
    let mut head = vec![0; length];
    source.fill(0, &mut head)?;
    let header = Header::parse(&head).map_err(Refusal::from)?;
    header.check(size, limit).map_err(Refusal::from)?;
    Ok((header.virtual_size(), Reader::of(source, header)))
}

/// Reads runs and sends them in pieces of [`PIECE`]: small clusters would be small packets on the wire.
fn read(
    reader: Reader,
    pieces: &mpsc::Sender<Bytes>,
    growth: &Growth,
    clock: &Clock,
) -> Result<(), Qcow2Error> {
    let mut packer = Packer {
        pieces,
        clock,
        buffer: BytesMut::new(),
    };
    let mut runs = reader;
    loop {
        let (begun, waited) = (Instant::now(), growth.waited());
        let run = runs.next();
        // To wait for the file is no work.
        let waited = growth.waited().saturating_sub(waited);
        clock.worked(begun.elapsed().saturating_sub(waited));
        let Some(run) = run else { break };
        // Nobody takes pieces any more: why, the taker says itself.
        if packer.take(run?).is_none() {
            return Ok(());
        }
    }
    packer.flush();
    Ok(())
}

/// Puts runs together to pieces. Its functions give nothing when nobody takes pieces any more.
struct Packer<'a> {
    pieces: &'a mpsc::Sender<Bytes>,
    clock: &'a Clock,
    buffer: BytesMut,
}

impl Packer<'_> {
    fn take(&mut self, run: Run) -> Option<()> {
        match run {
            Run::Data(data) => self.add(data),
            Run::Zero(mut length) => {
                while length > 0 {
                    let room = (PIECE - self.buffer.len()) as u64;
                    let part = usize::try_from(length.min(room)).unwrap_or(PIECE);
                    self.add(Bytes::from_static(&ZEROS[..part]))?;
                    length -= part as u64;
                }
                Some(())
            }
        }
    }

    fn add(&mut self, mut data: Bytes) -> Option<()> {
        while !data.is_empty() {
            if self.buffer.is_empty() && data.len() >= PIECE {
                self.send(data.split_to(PIECE))?;
                continue;
            }
            let room = PIECE - self.buffer.len();
            let part = data.split_to(room.min(data.len()));
            self.buffer.reserve(PIECE - self.buffer.len());
            self.buffer.extend_from_slice(&part);
            if self.buffer.len() == PIECE {
                self.flush()?;
            }
        }
        Some(())
    }

    fn flush(&mut self) -> Option<()> {
        if self.buffer.is_empty() {
            return Some(());
        }
        let piece = std::mem::take(&mut self.buffer).freeze();
        self.send(piece)
    }

    fn send(&self, piece: Bytes) -> Option<()> {
        self.clock.passed(piece.len());
        self.pieces.blocking_send(piece).ok()
    }
}
