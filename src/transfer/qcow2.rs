//! The disk in a qcow2 file, read from its beginning to its end. Runs of zeros are told and not read.
//!
//! Memory stays constant: one piece, two pieces of tables, and a few packed clusters with what is in them. No length that
//! the file names is believed: what is not in the file is an error. Whether a header may be trusted at all says
//! [`inspect`](crate::domain::inspect::qcow2); snapshots are not looked at.

mod ahead;
mod error;
mod packed;
mod source;
mod walk;
mod words;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod test_file;

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;

use ahead::{Ahead, Part};
pub use error::Qcow2Error;
pub(super) use source::Source;

use super::PIECE;
use crate::domain::inspect::qcow2::Header;

/// Some of the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// At most [`PIECE`] bytes.
    Data(Bytes),
    /// So many zeros, never none.
    Zero(u64),
}

/// The disk, as an iterator over its [`Run`]s in their order. Together they have its virtual size. After an error it
/// ends. Blocks.
pub struct Reader {
    source: Arc<Source>,
    ahead: Ahead,
    /// What is left of the last part.
    rest: Option<Part>,
    has_failed: bool,
}

impl Reader {
    /// Reads the disk in `file`, which begins with `header`. Where the file stands does not matter, nor is it moved.
    ///
    /// Fails with [`Qcow2Error`] if the size of the file is not to be had.
    pub fn new(file: File, header: Header) -> Result<Self, Qcow2Error> {
        Ok(Self::of(Source::new(file)?, header))
    }

    /// The same, also of a file that is not all there.
    pub(super) fn of(source: Source, header: Header) -> Self {
        let source = Arc::new(source);
        Self {
            ahead: Ahead::new(Arc::clone(&source), header),
            source,
            rest: None,
            has_failed: false,
        }
    }

    /// The next run; nothing at the end. Fails with [`Qcow2Error`].
    fn run(&mut self) -> Result<Option<Run>, Qcow2Error> {
        let mut piece = Vec::new();
        while piece.len() < PIECE {
            let next = match self.rest.take() {
                Some(rest) => Some(rest),
                None => self.ahead.next()?,
            };
            match next {
                None => break,
                Some(Part::Zero(size)) if piece.is_empty() => return Ok(Some(Run::Zero(size))),
                Some(zeros @ Part::Zero(_)) => {
                    self.rest = Some(zeros);
                    break;
                }
                Some(part) => self.rest = self.append(part, &mut piece)?,
            }
        }
        Ok((!piece.is_empty()).then(|| Run::Data(piece.into())))
    }

    /// Fills a piece with what a part begins with; gives what is left of the part. Fails with [`Qcow2Error`].
    fn append(&self, part: Part, piece: &mut Vec<u8>) -> Result<Option<Part>, Qcow2Error> {
        let filled = piece.len();
        let room = PIECE - filled;
        Ok(match part {
            Part::Zero(_) => Some(part),
            Part::Plain { offset, size } => {
                let here = size.min(room as u64);
                // All room at once if much comes, little if little does.
                piece.resize(filled + usize::try_from(here).unwrap_or(room), 0);
                self.source.fill(offset, &mut piece[filled..])?;
                (size > here).then(|| Part::Plain {
                    offset: offset + here,
                    size: size - here,
                })
            }
            Part::Unpacked(mut bytes) => {
                piece.extend_from_slice(&bytes.split_to(room.min(bytes.len())));
                (!bytes.is_empty()).then_some(Part::Unpacked(bytes))
            }
        })
    }
}

impl Iterator for Reader {
    type Item = Result<Run, Qcow2Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let run = self.run();
        self.has_failed = run.is_err();
        run.transpose()
    }
}
