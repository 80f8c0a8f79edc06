//! Numbers at places of a header. One that is cut off before them is refused.

use super::Refusal;

/// The header of a format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    format: &'static str,
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) const fn new(format: &'static str, bytes: &'a [u8]) -> Self {
        Self { format, bytes }
    }

    /// So many bytes from a place. Fails with [`Refusal`], like all others, if the header ends before them.
    pub(super) fn slice(&self, at: usize, length: usize) -> Result<&'a [u8], Refusal> {
        at.checked_add(length)
            .and_then(|end| self.bytes.get(at..end))
            .ok_or_else(|| cut_off(self.format))
    }

    pub(super) fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Refusal> {
        let slice = self.slice(at, N)?;
        slice.try_into().map_err(|_| cut_off(self.format))
    }

    pub(super) fn le16(&self, at: usize) -> Result<u16, Refusal> {
        Ok(u16::from_le_bytes(self.array(at)?))
    }

    pub(super) fn le32(&self, at: usize) -> Result<u32, Refusal> {
        Ok(u32::from_le_bytes(self.array(at)?))
    }

    pub(super) fn le64(&self, at: usize) -> Result<u64, Refusal> {
        Ok(u64::from_le_bytes(self.array(at)?))
    }

    pub(super) fn be32(&self, at: usize) -> Result<u32, Refusal> {
        Ok(u32::from_be_bytes(self.array(at)?))
    }

    pub(super) fn be64(&self, at: usize) -> Result<u64, Refusal> {
        Ok(u64::from_be_bytes(self.array(at)?))
    }
}

/// An image that ends where something it needs should be.
pub(super) fn cut_off(format: &str) -> Refusal {
    Refusal::damaged(
        "cut-off",
        format!("the {format} image ends in the middle of its header"),
        "a whole one",
    )
}
