//! What is free where a file lies, and how much of it stays free for others.

use std::fs::File;

use rustix::fs::fstatvfs;

/// Of the whole file system one part in so many stays free…
const RESERVED_PART: u64 = 20;
/// …but never more than this.
const MOST_RESERVED: u64 = 1 << 30;

/// The room on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// What may be written.
    pub free: u64,
    /// What of that is left alone.
    pub reserve: u64,
}

impl Room {
    /// The room where `file` lies; nothing if that file system does not tell.
    pub fn on(file: &File) -> Option<Self> {
        let told = fstatvfs(file).ok()?;
        Self::of(
            told.f_blocks.checked_mul(told.f_frsize)?,
            told.f_bavail.checked_mul(told.f_frsize)?,
        )
    }

    /// The room on a file system of `total` bytes. Some tell nothing and mean no limit.
    fn of(total: u64, free: u64) -> Option<Self> {
        (total > 0).then(|| Self {
            free,
            reserve: (total / RESERVED_PART).min(MOST_RESERVED),
        })
    }

    /// Whether so many bytes fit beside what stays free.
    pub const fn takes(self, bytes: u64) -> bool {
        match bytes.checked_add(self.reserve) {
            Some(needed) => needed <= self.free,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twentieth_stays_free_and_at_most_a_gibibyte() {
        let reserve = |total| Room::of(total, 0).map(|room| room.reserve);
        assert_eq!(reserve(100 << 20), Some(5 << 20));
        assert_eq!(reserve(1 << 40), Some(1 << 30));
        assert_eq!(reserve(0), None);
    }

    #[test]
    fn what_is_free_takes_all_but_the_reserve() {
        let room = Room::of(200, 30).unwrap();
        assert!(room.takes(20));
        assert!(!room.takes(21));
        assert!(!room.takes(u64::MAX));
        assert!(!Room::of(200, 5).unwrap().takes(0));
    }
}
