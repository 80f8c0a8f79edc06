//! Streams of one block each, decoded by some thread, which holds back what it has until its sum is right.
//!
//! Streams are taken in order, and what comes out is taken in order, so that no thread waits for one that waits for it.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::transfer::guard::PIECE;
use crate::transfer::unpack::fill;
use crate::transfer::workers::Workers;

/// How many pieces are held: a block of bytes that differ. One of zeros can be fifty times as much, and passes on.
const HELD: usize = 4;

/// A piece, or at the end nothing, or why there is none.
type Said = io::Result<Option<Vec<u8>>>;

/// A stream, and where its pieces go.
pub(super) struct Job {
    stream: Vec<u8>,
    pieces: SyncSender<Said>,
}

/// The threads that decode.
pub(super) fn decoders() -> Workers<Job> {
    Workers::new(|| |job: Job| run(&job.stream, &job.pieces))
}

/// A stream that is decoded by some thread.
pub(super) struct Decoding {
    pieces: Receiver<Said>,
    begun: bool,
    first: Option<Said>,
}

fn decoding() -> (SyncSender<Said>, Decoding) {
    let (sender, pieces) = sync_channel(HELD);
    let decoding = Decoding {
        pieces,
        begun: false,
        first: None,
    };
    (sender, decoding)
}

impl Decoding {
    /// Has a stream decoded by the next thread that is free.
    pub(super) fn by(decoders: &mut Workers<Job>, stream: Vec<u8>) -> Self {
        let (pieces, decoding) = decoding();
        decoders.give(Job { stream, pieces });
        decoding
    }

    /// One on a thread of its own.
    pub(super) fn alone(stream: Vec<u8>) -> Self {
        let (pieces, decoding) = decoding();
        // It ends at the latest when nobody takes its pieces.
        std::thread::spawn(move || run(&stream, &pieces));
        decoding
    }

    /// The next piece; nothing at the end.
    pub(super) fn next(&mut self) -> Said {
        let said = self.first.take().unwrap_or_else(|| self.receive());
        self.begun |= matches!(said, Ok(Some(_)));
        said
    }

    /// Whether a piece of it was given already.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether it begins well.
    pub(super) fn is_good(&mut self) -> bool {
        let said = self.receive();
        let is_good = said.is_ok();
        self.first = Some(said);
        is_good
    }

    fn receive(&self) -> Said {
        self.pieces
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("a thread that decoded it has ended")))
    }
}

/// Decodes a stream. Gives it up when nobody takes its pieces any more.
fn run(stream: &[u8], pieces: &SyncSender<Said>) {
    let mut decoder = bzip2::bufread::BzDecoder::new(stream);
    let mut held = Vec::new();
    let result = loop {
        let mut piece = vec![0; PIECE];
        match fill(&mut decoder, &mut piece) {
            Ok(0) => break Ok(None),
            Ok(length) => piece.truncate(length),
            Err(error) => break Err(error),
        }
        held.push(piece);
        if held.len() > HELD && pieces.send(Ok(Some(held.remove(0)))).is_err() {
            return;
        }
    };
    // What is in front of an error is none of its pieces, unless there were too many to hold.
    if result.is_ok() {
        for piece in held {
            if pieces.send(Ok(Some(piece))).is_err() {
                return;
            }
        }
    }
    let _ = pieces.send(result);
}
