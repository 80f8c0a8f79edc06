//! Tables of numbers, of which a piece is held.

use super::Qcow2Error;
use super::source::Source;

/// How much of a table is held.
const TABLE_PIECE: u64 = 64 << 10;

/// Numbers of 64 bits in the file, read ahead.
pub(super) struct Words {
    bytes: Vec<u8>,
    offset: u64,
}

impl Words {
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            offset: 0,
        }
    }

    /// The number at `offset` in a table that lies in the file and ends at `end`. Fails with [`Qcow2Error::Read`].
    pub fn word(&mut self, source: &Source, offset: u64, end: u64) -> Result<u64, Qcow2Error> {
        if let Some(word) = self.held(offset) {
            return Ok(word);
        }
        let length = TABLE_PIECE.min(end - offset);
        self.bytes.clear();
        self.bytes
            .resize(usize::try_from(length).unwrap_or_default(), 0);
        self.offset = offset;
        source.fill(offset, &mut self.bytes)?;
        // There is at least the one that was asked for.
        Ok(self.held(offset).unwrap_or_default())
    }

    fn held(&self, offset: u64) -> Option<u64> {
        let within = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        let bytes = self.bytes.get(within..)?.first_chunk()?;
        Some(u64::from_be_bytes(*bytes))
    }
}
