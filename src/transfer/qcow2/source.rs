//! The qcow2 file as bytes at places.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::Qcow2Error;

/// A file whose size does not change.
pub(super) struct Source {
    file: File,
    size: u64,
}

impl Source {
    /// Fails with [`Qcow2Error`] if its size is not to be had.
    pub fn new(file: File) -> Result<Self, Qcow2Error> {
        let metadata = file.metadata();
        let metadata = metadata.map_err(|source| Qcow2Error::Read { offset: 0, source })?;
        Ok(Self {
            file,
            size: metadata.len(),
        })
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    /// How many of `length` bytes at `offset` are in the file.
    pub fn within(&self, offset: u64, length: u64) -> u64 {
        length.min(self.size.saturating_sub(offset))
    }

    /// Fills a buffer of zeros with what is at `offset`. Behind the end of the file are zeros: QEMU leaves a last
    /// cluster unfinished whose end was never written.
    ///
    /// Fails with [`Qcow2Error::Read`].
    pub fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Qcow2Error> {
        let length = self.within(offset, buffer.len() as u64);
        let there = usize::try_from(length).unwrap_or(usize::MAX);
        let there = there.min(buffer.len());
        let read = self.file.read_exact_at(&mut buffer[..there], offset);
        read.map_err(|source| Qcow2Error::Read { offset, source })
    }
}
