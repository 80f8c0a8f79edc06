//! A body that is held in the middle for as long as a test wants.

use std::io;

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt};
use tokio::sync::watch;

/// What is to become of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Wait,
    GoOn,
    BreakOff,
}

/// Holds a body until it is told what is to become of it.
pub struct Gate(watch::Sender<Word>);

impl Gate {
    /// Makes one, and what waits before it.
    pub(super) fn new() -> (Self, Held) {
        let (gate, held) = watch::channel(Word::Wait);
        (Self(gate), Held(held))
    }

    /// Lets the rest of the body pass.
    pub fn open(self) {
        self.0.send_replace(Word::GoOn);
    }

    /// Ends both connections.
    pub fn break_off(self) {
        self.0.send_replace(Word::BreakOff);
    }
}

/// What waits before a gate.
#[derive(Clone)]
pub(super) struct Held(watch::Receiver<Word>);

impl Held {
    /// A body of which only the first piece passes at once.
    pub(super) fn hold(&self, body: Body) -> Body {
        let mut pieces = body.into_data_stream();
        let held = self.clone();
        let first = async move { (pieces.next().await, pieces) };
        let all = futures_util::stream::once(first).flat_map(move |(first, rest)| {
            let held = held.clone();
            let first =
                futures_util::stream::iter(first).map(|piece| piece.map_err(io::Error::other));
            first.chain(held.behind(rest))
        });
        Body::from_stream(all)
    }

    fn behind(
        mut self,
        rest: impl Stream<Item = Result<Bytes, axum::Error>>,
    ) -> impl Stream<Item = io::Result<Bytes>> {
        let opens = async move {
            let word = self.0.wait_for(|word| *word != Word::Wait).await;
            // A gate that is gone is that of a test that has failed.
            match word.map(|word| *word) {
                Ok(Word::GoOn) => Ok(Bytes::new()),
                _ => Err(io::Error::other("cut")),
            }
        };
        let rest = rest.map(|piece| piece.map_err(io::Error::other));
        futures_util::stream::once(opens).chain(rest)
    }

    /// Whether the body broke off.
    pub(super) fn is_broken(&self) -> bool {
        *self.0.borrow() != Word::GoOn
    }
}
