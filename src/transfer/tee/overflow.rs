//! Pieces that wait in a file for those who are too slow to take them as they come.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::Piece;
use crate::transfer::guard::PIECE;
use crate::transfer::hash::DEPTH;
use crate::transfer::spool::{Spool, SpoolError};

/// How far the file is written.
#[derive(Debug, Clone, Default)]
struct Written {
    length: u64,
    /// No more comes; and why, if that is not the end of the stream.
    ended: Option<Result<(), String>>,
}

/// The file, and who reads from it.
pub(super) struct Overflow {
    pieces: mpsc::Sender<Bytes>,
    /// What was added, written or not.
    length: u64,
    written: Arc<watch::Sender<Written>>,
    file: Arc<File>,
    writer: JoinHandle<()>,
}

impl Overflow {
    /// Fails with [`SpoolError`] if there is no room.
    pub(super) fn begin(folder: &Path) -> Result<Self, SpoolError> {
        let spool = Spool::new(folder, None)?;
        let file = Arc::new(spool.reader()?);
        let (pieces, feed) = mpsc::channel(DEPTH);
        let written = Arc::new(watch::Sender::new(Written::default()));
        let tell = Arc::clone(&written);
        let writer = tokio::task::spawn_blocking(move || write(spool, feed, &tell));
        Ok(Self {
            pieces,
            length: 0,
            written,
            file,
            writer,
        })
    }

    /// Adds a piece for all who read; says whether the writer is there to take it. If it has gone, those who read know it.
    pub(super) async fn add(&mut self, piece: Bytes) -> bool {
        self.length += piece.len() as u64;
        self.pieces.send(piece).await.is_ok()
    }

    /// Lets somebody read from `back` bytes before the end of what was added.
    pub(super) fn read(&self, taker: mpsc::Sender<Piece>, back: usize) {
        let reading = Reading {
            file: Arc::clone(&self.file),
            written: self.written.subscribe(),
            at: self.length - back as u64,
            taker,
        };
        tokio::spawn(reading.run());
    }

    /// Whether somebody reads still.
    pub(super) fn is_read(&self) -> bool {
        self.written.receiver_count() > 0
    }

    /// No more comes.
    pub(super) async fn end(self, how: Result<(), String>) {
        drop(self.pieces);
        // One that failed has told so.
        let _ = self.writer.await;
        self.written.send_if_modified(|written| {
            let is_new = written.ended.is_none();
            if is_new {
                written.ended = Some(how);
            }
            is_new
        });
    }
}

fn write(mut spool: Spool, mut feed: mpsc::Receiver<Bytes>, tell: &watch::Sender<Written>) {
    while let Some(piece) = feed.blocking_recv() {
        if let Err(error) = spool.write(&piece) {
            tell.send_modify(|written| written.ended = Some(Err(error.to_string())));
            return;
        }
        tell.send_modify(|written| written.length += piece.len() as u64);
    }
}

/// One who reads.
struct Reading {
    file: Arc<File>,
    written: watch::Receiver<Written>,
    at: u64,
    taker: mpsc::Sender<Piece>,
}

impl Reading {
    async fn run(mut self) {
        while let Some(piece) = self.next().await {
            let is_end = piece.is_err();
            // One that takes nothing any more has gone.
            if self.taker.send(piece).await.is_err() || is_end {
                return;
            }
        }
    }

    /// The next piece; nothing at the end of the stream.
    async fn next(&mut self) -> Option<Piece> {
        let at = self.at;
        let there = self
            .written
            .wait_for(|written| written.length > at || written.ended.is_some())
            .await
            .map(|written| written.clone());
        let Ok(written) = there else {
            return Some(Err(io::Error::other("the transfer was given up")));
        };
        let length = usize::try_from(written.length - at)
            .unwrap_or(PIECE)
            .min(PIECE);
        if length == 0 {
            return match written.ended {
                Some(Err(reason)) => Some(Err(io::Error::other(reason))),
                _ => None,
            };
        }
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = BytesMut::zeroed(length);
            file.read_exact_at(&mut piece, at)?;
            Ok(piece.freeze())
        });
        self.at += length as u64;
        Some(
            read.await
                .unwrap_or_else(|error| Err(io::Error::other(error))),
        )
    }
}
