//! One stream to several takers. A slow one holds the others up for a bounded time, then it reads from a file; one that
//! goes away leaves the others alone.

mod overflow;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::select_all;
use futures_util::{FutureExt, future};
use tokio::sync::mpsc;

use super::hash::DEPTH;
use overflow::Overflow;

/// How long one taker may keep the others waiting in all.
const PATIENCE: Duration = Duration::from_secs(5);

/// A piece, or what broke the stream off.
pub type Piece = Result<Bytes, std::io::Error>;

/// How a stream is parted.
#[derive(Debug, Clone)]
pub struct Tee {
    /// How long one taker may keep the others waiting in all.
    pub patience: Duration,
    /// The folder in which pieces wait for a slow one.
    pub spool: PathBuf,
}

impl Tee {
    /// Parts streams as usual.
    pub const fn new(spool: PathBuf) -> Self {
        Self {
            patience: PATIENCE,
            spool,
        }
    }

    /// Gives so many streams that all carry what comes from `body`. When all takers are gone, `body` is dropped.
    pub fn part(self, body: mpsc::Receiver<Piece>, takers: usize) -> Vec<mpsc::Receiver<Piece>> {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..takers).map(|_| mpsc::channel(DEPTH)).unzip();
        let parting = Parting {
            takers: senders.into_iter().map(Taker::new).collect(),
            overflow: None,
            may_spool: true,
            tee: self,
        };
        tokio::spawn(parting.run(body));
        receivers
    }
}

/// A stream on its way to several takers.
struct Parting {
    tee: Tee,
    /// Those who take pieces as they come.
    takers: Vec<Taker>,
    /// Pieces for those who do not.
    overflow: Option<Overflow>,
    /// Whether there was room for that.
    may_spool: bool,
}

struct Taker {
    pieces: mpsc::Sender<Piece>,
    /// How long others waited for it.
    owes: Duration,
    has_piece: bool,
}

impl Taker {
    const fn new(pieces: mpsc::Sender<Piece>) -> Self {
        Self {
            pieces,
            owes: Duration::ZERO,
            has_piece: false,
        }
    }
}

impl Parting {
    async fn run(mut self, mut body: mpsc::Receiver<Piece>) {
        while let Some(piece) = body.recv().await {
            match piece {
                Ok(bytes) => self.pass(&bytes).await,
                Err(error) => return self.break_off(&error).await,
            }
            self.takers.retain(|taker| !taker.pieces.is_closed());
            let is_read = self.overflow.as_ref().is_some_and(Overflow::is_read);
            if self.takers.is_empty() && !is_read {
                return;
            }
        }
        if let Some(overflow) = self.overflow {
            overflow.end(Ok(())).await;
        }
    }

    async fn break_off(self, error: &std::io::Error) {
        let again = || std::io::Error::other(error.to_string());
        // One that has gone needs no telling.
        let told = self
            .takers
            .iter()
            .map(|taker| taker.pieces.send(Err(again())));
        future::join_all(told).await;
        if let Some(overflow) = self.overflow {
            overflow.end(Err(error.to_string())).await;
        }
    }

    /// Gives a piece to everybody.
    async fn pass(&mut self, piece: &Bytes) {
        self.keep(piece).await;
        for taker in &mut self.takers {
            taker.has_piece = false;
        }
        loop {
            self.give(piece);
            if self.takers.iter().all(|taker| taker.has_piece) {
                return;
            }
            self.wait().await;
            self.set_aside(piece).await;
        }
    }

    /// Keeps a piece for those who read from the file, if somebody does. One that could not be written on has told them, and
    /// nobody else is to be set aside into it.
    async fn keep(&mut self, piece: &Bytes) {
        self.overflow.take_if(|overflow| !overflow.is_read());
        let Some(overflow) = &mut self.overflow else {
            return;
        };
        if !overflow.add(piece.clone()).await {
            self.overflow = None;
            self.may_spool = false;
        }
    }

    /// Gives the piece to whoever has room for it.
    fn give(&mut self, piece: &Bytes) {
        for taker in self.takers.iter_mut().filter(|taker| !taker.has_piece) {
            let sent = taker.pieces.try_send(Ok(piece.clone()));
            // One that is closed is taken out after this piece.
            taker.has_piece = !matches!(sent, Err(mpsc::error::TrySendError::Full(_)));
        }
    }

    /// Waits until somebody has room, or has kept the others waiting for too long.
    async fn wait(&mut self) {
        let late = || self.takers.iter().filter(|taker| !taker.has_piece);
        // As long as all are slow, nobody waits for another.
        let others_wait = self.may_spool && self.takers.iter().any(|taker| taker.has_piece);
        let left = late().map(|taker| self.tee.patience.saturating_sub(taker.owes));
        let left = left.min().unwrap_or_default();
        let room = select_all(late().map(|taker| taker.pieces.reserve().boxed()));
        let begun = Instant::now();
        if others_wait {
            // Whether it was the time or the room is seen by the next look.
            let _ = tokio::time::timeout(left, room).await;
        } else {
            let _ = room.await;
            return;
        }
        let waited = begun.elapsed();
        for taker in self.takers.iter_mut().filter(|taker| !taker.has_piece) {
            taker.owes += waited;
        }
    }

    /// Lets those who kept others waiting for too long read this piece and all that follow from a file.
    async fn set_aside(&mut self, piece: &Bytes) {
        let patience = self.tee.patience;
        let is_slow = |taker: &Taker| !taker.has_piece && taker.owes >= patience;
        if !self.may_spool || !self.takers.iter().any(is_slow) {
            return;
        }
        if self.overflow.is_none() {
            match Overflow::begin(&self.tee.spool) {
                Ok(mut overflow) => {
                    // If that fails already, those who read are told.
                    overflow.add(piece.clone()).await;
                    self.overflow = Some(overflow);
                }
                Err(error) => {
                    tracing::warn!(
                        "one cloud is slower than the others, which wait for it: {error}"
                    );
                    self.may_spool = false;
                    return;
                }
            }
        }
        let Some(overflow) = &mut self.overflow else {
            return;
        };
        let (slow, others) = self.takers.drain(..).partition(is_slow);
        self.takers = others;
        for taker in slow {
            // This piece is the last that was added.
            overflow.read(taker.pieces, piece.len());
        }
    }
}
