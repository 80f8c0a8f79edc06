//! What goes on: every piece but the last one, until that may follow.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::meter::Clock;
use super::{Sends, TransferError};

/// Where pieces go; an error among them breaks off whatever sends them.
pub(super) type Pieces = mpsc::Sender<Result<Bytes, std::io::Error>>;

/// The way out, with the last piece in the hand.
pub(super) struct Outgoing {
    pieces: Pieces,
    /// Tells once that there is something to send, and what.
    begun: Option<oneshot::Sender<Sends>>,
    held: Option<Bytes>,
    sent: u64,
    clock: Clock,
}

impl Outgoing {
    pub(super) const fn new(pieces: Pieces, begun: oneshot::Sender<Sends>, clock: Clock) -> Self {
        Self {
            pieces,
            begun: Some(begun),
            held: None,
            sent: 0,
            clock,
        }
    }

    /// Tells whoever waits that pieces come.
    pub(super) fn begin(&mut self, sends: Sends) {
        if let Some(begun) = self.begun.take() {
            // Nobody waits where a transfer was given up: the next piece finds that out.
            let _ = begun.send(sends);
        }
    }

    /// Holds this piece back and sends the one before. Fails with [`TransferError`].
    pub(super) async fn take(&mut self, piece: Bytes) -> Result<(), TransferError> {
        self.begin(Sends::File);
        match self.held.replace(piece) {
            Some(before) => self.send(before).await,
            None => Ok(()),
        }
    }

    /// Sends the last piece: everything has matched. Fails with [`TransferError`].
    pub(super) async fn release(&mut self) -> Result<(), TransferError> {
        let last = self.held.take().ok_or(TransferError::Empty)?;
        self.send(last).await
    }

    async fn send(&mut self, piece: Bytes) -> Result<(), TransferError> {
        let size = piece.len();
        let sent = self.clock.during(self.pieces.send(Ok(piece))).await;
        sent.map_err(|_| TransferError::Closed { sent: self.sent })?;
        self.clock.passed(size);
        self.sent += size as u64;
        Ok(())
    }
}
