//! The disk in a qcow2 file, read from its beginning to its end. Runs of zeros are told and not read.
//!
//! Memory stays constant: one piece, two pieces of tables, and one packed cluster with what is in it. No length that the
//! file names is believed: what is not in the file is an error. Whether a header may be trusted at all says
//! [`inspect`](crate::domain::inspect::qcow2); snapshots are not looked at.

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

use bytes::Bytes;

pub use error::Qcow2Error;
use packed::Unpacker;
use source::Source;
use walk::{Extent, Place, Walk};

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
    source: Source,
    walk: Walk,
    unpacker: Unpacker,
    /// What is left of the last extent.
    rest: Option<Extent>,
    has_failed: bool,
}

impl Reader {
    /// Reads the disk in `file`, which begins with `header`. Where the file stands does not matter, nor is it moved.
    ///
    /// Fails with [`Qcow2Error`] if the size of the file is not to be had.
    pub fn new(file: File, header: Header) -> Result<Self, Qcow2Error> {
        Ok(Self {
            source: Source::new(file)?,
            walk: Walk::new(header),
            unpacker: Unpacker::new(&header),
            rest: None,
            has_failed: false,
        })
    }

    /// The next run; nothing at the end. Fails with [`Qcow2Error`].
    fn run(&mut self) -> Result<Option<Run>, Qcow2Error> {
        let mut piece = Vec::new();
        while piece.len() < PIECE {
            let next = match self.rest.take() {
                Some(rest) => Some(rest),
                None => self.walk.extent(&self.source)?,
            };
            let Some(extent) = next else {
                break;
            };
            if extent.place == Place::Zero {
                if piece.is_empty() {
                    return Ok(Some(Run::Zero(extent.size)));
                }
                self.rest = Some(extent);
                break;
            }
            let size = extent.size.min((PIECE - piece.len()) as u64);
            self.append(&extent, size, &mut piece)?;
            self.rest = extent.without(size);
        }
        Ok((!piece.is_empty()).then(|| Run::Data(piece.into())))
    }

    /// Appends the first `size` bytes of `extent`. Fails with [`Qcow2Error`].
    fn append(
        &mut self,
        extent: &Extent,
        size: u64,
        piece: &mut Vec<u8>,
    ) -> Result<(), Qcow2Error> {
        // At most a piece.
        let size = usize::try_from(size).unwrap_or(PIECE);
        match extent.place {
            Place::Zero => {}
            Place::Plain { offset } => {
                let filled = piece.len();
                // All room at once if much comes, little if little does.
                piece.resize(filled + size, 0);
                self.source.fill(offset, &mut piece[filled..])?;
            }
            Place::Packed { stretch, skip } => {
                let cluster = self.unpacker.cluster(&self.source, stretch, extent.at)?;
                let bytes = cluster.get(skip..skip + size);
                piece.extend_from_slice(bytes.unwrap_or_default());
            }
        }
        Ok(())
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
