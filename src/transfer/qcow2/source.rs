//! The qcow2 file as bytes at places.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::Qcow2Error;
use crate::transfer::spool::Growth;

/// What is done about bytes that are in the file and have not come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// They are waited for.
    Awaited,
    /// It is said that they are.
    Told,
}

/// A file whose size is known.
pub(in crate::transfer) struct Source {
    file: File,
    size: u64,
    /// How far it has come, if it is not all there.
    growth: Option<Growth>,
}

impl Source {
    /// Fails with [`Qcow2Error`] if its size is not to be had.
    pub fn new(file: File) -> Result<Self, Qcow2Error> {
        let metadata = file.metadata();
        let metadata = metadata.map_err(|source| Qcow2Error::Read { offset: 0, source })?;
        Ok(Self {
            file,
            size: metadata.len(),
            growth: None,
        })
    }

    /// A file that has `size` bytes in the end. Whoever asks for what is not there yet waits for it.
    pub const fn growing(file: File, size: u64, growth: Growth) -> Self {
        Self {
            file,
            size,
            growth: Some(growth),
        }
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    /// How many of `length` bytes at `offset` are in the file.
    pub fn within(&self, offset: u64, length: u64) -> u64 {
        length.min(self.size.saturating_sub(offset))
    }

    /// Whether the bytes at `offset` have come, as far as they are in the file.
    pub fn has(&self, offset: u64, length: u64) -> bool {
        let end = offset.saturating_add(self.within(offset, length));
        let growth = self.growth.as_ref();
        growth.is_none_or(|growth| growth.is_at(end))
    }

    /// Fills a buffer of zeros with what is at `offset`. Behind the end of the file are zeros: QEMU leaves a last
    /// cluster unfinished whose end was never written.
    ///
    /// Fails with [`Qcow2Error::Read`].
    pub fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Qcow2Error> {
        let length = self.within(offset, buffer.len() as u64);
        let there = usize::try_from(length).unwrap_or(usize::MAX);
        let there = there.min(buffer.len());
        let wrong = |source| Qcow2Error::Read { offset, source };
        if let Some(growth) = &self.growth
            && !growth.has_reached(offset.saturating_add(there as u64))
        {
            return Err(wrong(std::io::ErrorKind::UnexpectedEof.into()));
        }
        let read = self.file.read_exact_at(&mut buffer[..there], offset);
        read.map_err(wrong)
    }
}
