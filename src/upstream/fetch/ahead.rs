//! Reading ahead: the network goes on while the taker is busy, up to a bound.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::FetchError;
use super::flow::Flow;

/// Pieces that wait for the taker.
const DEPTH: usize = 4;

/// Reads an image in a task of its own, which ends with the stream that is given back.
pub(super) fn ahead(mut flow: Flow) -> BoxStream<'static, Result<Bytes, FetchError>> {
    let (pieces, taken) = mpsc::channel(DEPTH);
    tokio::spawn(async move {
        loop {
            let piece = tokio::select! {
                piece = flow.next() => piece.transpose(),
                () = pieces.closed() => return,
            };
            let Some(piece) = piece else { return };
            let is_last = piece.is_err();
            if pieces.send(piece).await.is_err() || is_last {
                return;
            }
        }
    });
    let stream = stream::unfold(taken, |mut taken| async {
        let piece = taken.recv().await?;
        Some((piece, taken))
    });
    // Whoever unpacks while it comes asks once more after the end.
    stream.fuse().boxed()
}
