//! Tables of numbers, of which a piece is held.

use super::Qcow2Error;
use super::source::{Missing, Source};

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

    /// The number at `offset` in a table that lies in the file and ends at `end`; nothing if it has not come and is not
    /// waited for. Fails with [`Qcow2Error::Read`].
    pub fn word(
        &mut self,
        source: &Source,
        offset: u64,
        end: u64,
        missing: Missing,
    ) -> Result<Option<u64>, Qcow2Error> {
        if let Some(word) = self.held(offset) {
            return Ok(Some(word));
        }
        let length = TABLE_PIECE.min(end - offset);
        if missing == Missing::Told && !source.has(offset, length) {
            return Ok(None);
        }
        self.bytes.clear();
        self.bytes
            .resize(usize::try_from(length).unwrap_or_default(), 0);
        self.offset = offset;
        source.fill(offset, &mut self.bytes)?;
        // There is at least the one that was asked for.
        Ok(Some(self.held(offset).unwrap_or_default()))
    }

    fn held(&self, offset: u64) -> Option<u64> {
        let within = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        let bytes = self.bytes.get(within..)?.first_chunk()?;
        Some(u64::from_be_bytes(*bytes))
    }
}
