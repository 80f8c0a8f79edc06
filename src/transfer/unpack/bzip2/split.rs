//! A file of bzip2 → the parts between the marks of blocks and of the ends of streams, at whatever bit they lie.

use std::io::{self, BufRead};

use super::bits::Bits;
use super::damaged;

/// The bits of a mark.
pub(super) const MARK: usize = 48;

/// How a block begins.
const BLOCK: u64 = 0x3141_5926_5359;

/// How the end of a stream begins.
pub(super) const END: u64 = 0x1772_4538_5090;

/// More bits than any block has: 900,000 symbols of at most 20 bits, and what tells them apart.
const LONGEST: usize = 24_000_000;

/// What a part begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The beginning of the file.
    Start,
    /// The mark of a block, or bits that look like it.
    Block,
    /// The mark of the end of a stream, or bits that look like it.
    End,
}

/// What lies before the next mark, or the end of the file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    /// The bit of the file at which it begins, of which only the last three bits count.
    pub(super) start: usize,
    pub(super) bits: Bits,
    /// The size of blocks, as the header of the stream has it: a digit.
    pub(super) level: u8,
    pub(super) is_last: bool,
}

impl Part {
    pub(super) fn append(&mut self, next: &Self) {
        self.bits.append(&next.bits);
        self.is_last = next.is_last;
    }

    pub(super) const fn is_too_long(&self) -> bool {
        self.bits.length() > LONGEST
    }
}

/// Splits a file.
pub(super) struct Split<R> {
    packed: R,
    /// The bytes of the part that is sought the end of.
    bytes: Vec<u8>,
    /// The bit of these bytes at which it begins.
    start: usize,
    kind: Kind,
    level: u8,
    /// The last eight bytes.
    window: u64,
    is_over: bool,
}

impl<R: BufRead> Split<R> {
    pub(super) const fn new(packed: R) -> Self {
        Self {
            packed,
            bytes: Vec::new(),
            start: 0,
            kind: Kind::Start,
            level: b'9',
            window: 0,
            is_over: false,
        }
    }

    /// The next part; nothing after the last one.
    pub(super) fn next(&mut self) -> io::Result<Option<Part>> {
        if self.is_over {
            return Ok(None);
        }
        loop {
            let piece = match self.packed.fill_buf() {
                Ok(piece) => piece,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if piece.is_empty() {
                self.is_over = true;
                let length = self.bytes.len() * 8 - self.start;
                return Ok(Some(self.part(length, true)));
            }
            let found = find(&mut self.window, piece);
            let taken = found.map_or(piece.len(), |(taken, ..)| taken);
            self.bytes.extend_from_slice(&piece[..taken]);
            self.packed.consume(taken);
            if let Some((_, behind, kind)) = found {
                let end = self.bytes.len() * 8 - behind - MARK;
                let part = self.part(end - self.start, false);
                self.bytes.drain(..end / 8);
                self.start = end % 8;
                self.kind = kind;
                return Ok(Some(part));
            }
            if self.bytes.len() * 8 > LONGEST + 16 {
                return Err(damaged(match self.kind {
                    Kind::End => "something follows its end",
                    _ => "one of its blocks is longer than any can be",
                }));
            }
        }
    }

    fn part(&mut self, length: usize, is_last: bool) -> Part {
        let bits = Bits::of(&self.bytes, self.start, length);
        if self.kind != Kind::Block {
            self.level = level(&bits).unwrap_or(self.level);
        }
        Part {
            kind: self.kind,
            start: self.start,
            bits,
            level: self.level,
            is_last,
        }
    }
}

/// The digit of the header of a stream that these bits end with.
pub(super) fn level(bits: &Bits) -> Option<u8> {
    let start = bits.length().checked_sub(32)?;
    match bits.number(start, 32).to_be_bytes() {
        [b'B', b'Z', b'h', level @ b'1'..=b'9'] => Some(level),
        _ => None,
    }
}

/// The first mark that ends in these bytes: how many of them it takes, how many bits of the last are behind it, and what
/// it is of.
fn find(window: &mut u64, bytes: &[u8]) -> Option<(usize, usize, Kind)> {
    let mut last = *window;
    let mut found = None;
    for (byte, taken) in bytes.iter().zip(1..) {
        last = last << 8 | u64::from(*byte);
        // The byte before the last two is inside every mark that ends in the last one.
        if IN_MARKS[(last >> 16 & 0xff) as usize] {
            found = (0..8).rev().find_map(|behind| {
                let kind = match last >> behind & ((1 << MARK) - 1) {
                    BLOCK => Kind::Block,
                    END => Kind::End,
                    _ => return None,
                };
                Some((taken, behind, kind))
            });
            if found.is_some() {
                break;
            }
        }
    }
    *window = last;
    found
}

/// Which bytes can be the one before the last two of a mark.
const IN_MARKS: [bool; 256] = {
    let mut table = [false; 256];
    let mut behind = 0;
    while behind < 8 {
        table[(BLOCK >> (16 - behind) & 0xff) as usize] = true;
        table[(END >> (16 - behind) & 0xff) as usize] = true;
        behind += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_at_every_bit_and_over_the_edge_of_pieces() {
        for (number, expected) in [(BLOCK, Kind::Block), (END, Kind::End)] {
            for before in 0..24 {
                let mut bits = Bits::default();
                bits.push_number(0, 64);
                bits.push_number(0, before + 1);
                bits.push_number(number, MARK);
                bits.push_number(0, 40);
                let bytes = bits.into_bytes();
                for size in [1, 2, 5, 7, 100] {
                    let pieces = io::BufReader::with_capacity(size, &bytes[..]);
                    let mut split = Split::new(pieces);
                    let first = split.next().unwrap().unwrap();
                    assert_eq!(first.bits.length(), 65 + before, "{before} {size}");
                    let second = split.next().unwrap().unwrap();
                    assert_eq!((second.kind, second.is_last), (expected, true));
                    let lowest = u32::try_from(number & 0xffff_ffff).unwrap();
                    assert_eq!(second.bits.number(16, 32), lowest);
                    assert!(split.next().unwrap().is_none());
                }
            }
        }
    }
}
