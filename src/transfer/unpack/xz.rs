//! xz: streams one after the other, several blocks at once where their headers tell their sizes.
//!
//! Only files that were packed by several threads (`xz -T0`) have such blocks; of others one thread does it all.

use std::io::{self, BufRead, Read};

use liblzma::stream::{Action, Error, MtStreamBuilder, Status, Stream};

use crate::transfer::workers;

/// What a decoder may use: `xz -9` needs 65 MiB, and nobody who packs images needs twice that.
pub(super) const MEMORY: u64 = 160 << 20;

/// What several threads may use beside a dictionary for two of them: two blocks of 24 MiB, as `xz -6` makes them, packed
/// and unpacked. With larger blocks or dictionaries one thread goes on alone, which holds no block.
const THREADING: u64 = 64 << 20;

/// Decodes a file of xz.
pub(super) struct Xz<R> {
    packed: R,
    dictionary: u64,
    /// Nothing between two streams.
    stream: Option<Stream>,
    is_first: bool,
}

impl<R: BufRead> Xz<R> {
    /// `dictionary` is what the first block asks for.
    pub(super) const fn new(packed: R, dictionary: u64) -> Self {
        Self {
            packed,
            dictionary,
            stream: None,
            is_first: true,
        }
    }

    /// Begins the next stream. Says whether there is one.
    fn begin(&mut self) -> io::Result<bool> {
        // Between streams and behind the last there may be zeros, in fours.
        let mut zeros = 0_usize;
        loop {
            let piece = self.packed.fill_buf()?;
            let length = piece.iter().take_while(|byte| **byte == 0).count();
            let is_over = piece.is_empty();
            let is_next = length < piece.len();
            self.packed.consume(length);
            zeros += length;
            if !is_over && !is_next {
                continue;
            }
            if !zeros.is_multiple_of(4) || (zeros != 0 && self.is_first) {
                return Err(Error::Data.into());
            }
            if is_over {
                return Ok(false);
            }
            break;
        }
        let threads = u32::try_from(workers::threads()).unwrap_or(1);
        let stream = MtStreamBuilder::new()
            .threads(threads)
            .memlimit_threading((2 * self.dictionary + THREADING).min(MEMORY))
            .memlimit_stop(MEMORY)
            .decoder()?;
        self.stream = Some(stream);
        self.is_first = false;
        Ok(true)
    }
}

impl<R: BufRead> Read for Xz<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.stream.is_none() && !self.begin()? {
                return Ok(0);
            }
            let Some(stream) = &mut self.stream else {
                return Ok(0);
            };
            let piece = self.packed.fill_buf()?;
            let is_over = piece.is_empty();
            let (before_in, before_out) = (stream.total_in(), stream.total_out());
            let action = if is_over { Action::Finish } else { Action::Run };
            let status = stream.process(piece, buffer, action)?;
            let taken = usize::try_from(stream.total_in() - before_in).unwrap_or(usize::MAX);
            let given = usize::try_from(stream.total_out() - before_out).unwrap_or(usize::MAX);
            self.packed.consume(taken);
            if status == Status::StreamEnd {
                self.stream = None;
            } else if is_over && given == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if given > 0 {
                return Ok(given);
            }
        }
    }
}
