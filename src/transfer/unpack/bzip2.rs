//! bzip2, several blocks at once.
//!
//! Each block can be decoded alone, but nothing says where it begins: it is sought, bit by bit, by the mark that all
//! blocks have (`split`). Threads decode what lies between two marks as a stream of one block, the results go on in
//! order, and the sum over each stream is compared with the one that it ends with. A mark may also be in compressed data
//! by chance: then what lies before it is no whole block, and is tried again together with what follows.
//!
//! The layout: <https://github.com/dsnet/compress/blob/master/doc/bzip2-format.pdf>.

mod bits;
mod decoding;
mod split;

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use bits::Bits;
use decoding::{Decoding, Job, decoders};
use split::{Kind, Part, Split};

use crate::transfer::workers::Workers;

/// How many parts a block may be in, by chance or by design: marks in compressed data.
const MOST_PARTS: usize = 16;

/// What follows the number of a stream's end and its sum: the header of another stream.
const HEADER: usize = 32;

/// Decodes a file of bzip2: one stream, or several.
pub(super) struct Bzip2<R> {
    split: Split<R>,
    // Dropped before the threads, which may wait for somebody to take what they have.
    parts: VecDeque<(Part, Option<Decoding>)>,
    decoders: Workers<Job>,
    /// Whether nothing is left to split.
    is_split: bool,
    /// The sum of the stream so far.
    sum: u32,
    piece: io::Cursor<Vec<u8>>,
    is_whole: bool,
}

impl<R: BufRead> Bzip2<R> {
    pub(super) fn new(packed: R) -> Self {
        Self {
            split: Split::new(packed),
            decoders: decoders(),
            parts: VecDeque::new(),
            is_split: false,
            sum: 0,
            piece: io::Cursor::default(),
            is_whole: false,
        }
    }

    /// Splits until all threads have something to do, and one part waits.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while !self.is_split && self.parts.len() < wanted {
            let Some(part) = self.split.next()? else {
                self.is_split = true;
                break;
            };
            let is_block = part.kind == Kind::Block && !part.is_last;
            let decoding = is_block.then(|| Decoding::by(&mut self.decoders, part.as_stream()));
            self.parts.push_back((part, decoding));
        }
        Ok(())
    }

    /// The next bytes; none at the end of the file.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            self.fill(self.decoders.threads() + 1)?;
            let Some((part, decoding)) = self.parts.front_mut() else {
                return if self.is_whole {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            };
            self.is_whole = false;
            match (part.kind, decoding) {
                (Kind::Block, Some(decoding)) => match decoding.next() {
                    Ok(Some(piece)) => return Ok(Some(piece)),
                    Ok(None) => {
                        self.sum = self.sum.rotate_left(1) ^ part.sum();
                        self.parts.pop_front();
                    }
                    Err(error) if decoding.has_begun() => return Err(error),
                    Err(error) => self.join(error)?,
                },
                (Kind::Block, None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                (Kind::Start | Kind::End, _) => {
                    if part.kind == Kind::End && part.sum() != self.sum {
                        return Err(damaged("its sum is not that of its blocks"));
                    }
                    self.sum = 0;
                    self.is_whole = part.ends()?;
                    self.parts.pop_front();
                }
            }
        }
    }

    /// Decodes the first part together with the next ones, of which one begins with no mark, but in the middle of a block.
    fn join(&mut self, error: io::Error) -> io::Result<()> {
        let Some((first, _)) = self.parts.pop_front() else {
            return Err(error);
        };
        let mut joined = first;
        for _ in 1..MOST_PARTS {
            self.fill(1)?;
            let Some((next, _)) = self.parts.pop_front() else {
                break;
            };
            joined.append(&next);
            if joined.is_last || joined.is_too_long() {
                break;
            }
            // On a thread of its own: the others may wait until somebody takes what they have.
            let mut decoding = Decoding::alone(joined.as_stream());
            if decoding.is_good() {
                self.parts.push_front((joined, Some(decoding)));
                return Ok(());
            }
        }
        Err(error)
    }
}

impl<R: BufRead> Read for Bzip2<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.next()? {
                Some(piece) => self.piece = io::Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}

impl Part {
    /// The sum that it gives: of the block, or of the stream that ends.
    fn sum(&self) -> u32 {
        self.bits.number(split::MARK, 32)
    }

    /// The part as a stream that holds nothing else.
    fn as_stream(&self) -> Vec<u8> {
        let mut stream = Bits::default();
        stream.push_number(
            u64::from(u32::from_be_bytes([b'B', b'Z', b'h', self.level])),
            HEADER,
        );
        stream.append(&self.bits);
        stream.push_number(split::END, split::MARK);
        // The sum over one block is its own.
        stream.push_number(self.sum().into(), 32);
        stream.into_bytes()
    }

    /// Whether the file ends with this part, of which only another stream may follow.
    fn ends(&self) -> io::Result<bool> {
        let end = match self.kind {
            Kind::Start => 0,
            // The mark, the sum, and bits up to a whole byte of the file.
            _ => (self.start + split::MARK + 32).next_multiple_of(8) - self.start,
        };
        match self.bits.length().checked_sub(end) {
            None => Err(io::ErrorKind::UnexpectedEof.into()),
            Some(0) if self.is_last && self.kind == Kind::End => Ok(true),
            Some(HEADER) if split::level(&self.bits).is_some() && !self.is_last => Ok(false),
            Some(HEADER) if split::level(&self.bits).is_some() => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Some(_) => Err(damaged(
                "something that is none of its blocks is in it, or follows its end",
            )),
        }
    }
}

fn damaged(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests;
