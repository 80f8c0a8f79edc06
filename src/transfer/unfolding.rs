//! How far a packed file may unfold: a bomb is small, and pours for hours.

use std::sync::atomic::{AtomicU64, Ordering};

use super::UnpackError;

/// So many bytes may come of however few.
const FREE: u64 = 256 << 20;

/// The same where nobody says how long the file is: what is empty in front comes before what is not.
const FREE_AT_FIRST: u64 = 4 << 30;

/// A disk may have so many times the bytes of the file in which it is packed.
///
/// Empty parts of good disks shrink as far as the format allows: to a thousandth with gzip, to a six thousandth with xz,
/// to a millionth with bzip2. But a system is some ten MiB of what does not shrink so, and few disks have over ten GiB.
const RATIO: u64 = 1000;

/// How far one file has unfolded. What comes and what leaves is counted side by side.
pub(super) struct Unfolding {
    /// What the server says that the file has.
    length: Option<u64>,
    came: AtomicU64,
    left: AtomicU64,
}

impl Unfolding {
    /// Of a file with so many bytes, as far as that is known. Else what has come is all that there is to go by.
    pub(super) const fn new(length: Option<u64>) -> Self {
        Self {
            length,
            came: AtomicU64::new(0),
            left: AtomicU64::new(0),
        }
    }

    /// So many more packed bytes are here.
    pub(super) fn comes(&self, bytes: usize) {
        self.came.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// So many more bytes of the disk are. Fails with [`UnpackError::Unfolds`] if that is too much from too little.
    pub(super) fn gives(&self, bytes: usize) -> Result<(), UnpackError> {
        let disk = self.left.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        let came = self.came.load(Ordering::Relaxed);
        let (packed, free) = match self.length {
            Some(length) => (length.max(came), FREE),
            None => (came, FREE_AT_FIRST),
        };
        if disk > free.max(packed.saturating_mul(RATIO)) {
            return Err(UnpackError::Unfolds {
                packed,
                disk,
                most: RATIO,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn ends(length: Option<u64>, came: usize, disk: usize) -> bool {
        let unfolding = Unfolding::new(length);
        unfolding.comes(came);
        (0..disk).any(|_| unfolding.gives(MIB).is_err())
    }

    #[test]
    fn a_bomb_ends_and_a_disk_that_is_nearly_empty_does_not() {
        assert!(!ends(Some(100), 100, 256));
        assert!(ends(Some(100), 100, 257));
        assert!(!ends(Some(1 << 20), MIB, 1000));
        assert!(ends(Some(1 << 20), MIB, 1001));
    }

    #[test]
    fn what_is_empty_in_front_counts_with_what_will_come() {
        assert!(!ends(Some(20 << 20), 100, 20_000));
        assert!(ends(Some(20 << 20), 100, 20_001));
        assert!(!ends(None, 100, 4096));
        assert!(ends(None, 100, 4097));
    }
}
