//! The file as it comes: its first bytes, its count, its limit.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};

use super::meter::{Clock, Meter};
use super::{Progress, TransferError};
use crate::domain::packing::HEAD;

/// Bytes from wherever they come.
type Source<E> = Pin<Box<dyn Stream<Item = Result<Bytes, E>> + Send>>;

/// What comes, counted.
pub(super) struct Incoming<E> {
    source: Source<E>,
    head: Bytes,
    received: u64,
    limit: u64,
    progress: Progress,
    clock: Clock,
}

impl<E: std::error::Error + Send + Sync + 'static> Incoming<E> {
    /// Waits for the first bytes, as many as tell how a file is packed. Fails with [`TransferError`].
    pub(super) async fn begin(
        source: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
        limit: u64,
        progress: Progress,
        meter: &Meter,
    ) -> Result<Self, TransferError> {
        let mut source: Source<E> = Box::pin(source);
        let clock = meter.clock("download");
        let mut head = BytesMut::new();
        while head.len() < HEAD {
            let Some(chunk) = clock.during(source.next()).await else {
                break;
            };
            let received = head.len() as u64;
            head.extend_from_slice(&chunk.map_err(|error| broken_off(received, error))?);
        }
        if head.is_empty() {
            return Err(TransferError::Empty);
        }
        let head = head.freeze();
        Ok(Self {
            source: Box::pin(stream::iter([Ok(head.clone())]).chain(source)),
            head,
            received: 0,
            limit,
            progress,
            clock,
        })
    }

    /// The first bytes.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The next bytes; nothing at the end. Fails with [`TransferError`].
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, TransferError> {
        let Some(chunk) = self.clock.during(self.source.next()).await else {
            self.progress.end();
            return Ok(None);
        };
        let chunk = chunk.map_err(|error| broken_off(self.received, error))?;
        self.received += chunk.len() as u64;
        if self.received > self.limit {
            return Err(TransferError::TooLarge { limit: self.limit });
        }
        self.clock.passed(chunk.len());
        self.progress.reach(self.received);
        Ok(Some(chunk))
    }
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
