//! Shards: the definitions parted among runs that know nothing of each other.

use std::fmt;

use sha2::{Digest, Sha256};

/// Share I of N, by a hash of the name: a new definition moves no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub index: u64,
    /// How many there are.
    pub count: u64,
}

impl Shard {
    /// Reads `I/N`.
    pub fn parse(text: &str) -> Option<Self> {
        let (index, count) = text.split_once('/')?;
        let shard = Self {
            index: index.parse().ok()?,
            count: count.parse().ok()?,
        };
        (1..=shard.count).contains(&shard.index).then_some(shard)
    }

    /// All shards of so many.
    pub fn all(count: u64) -> impl Iterator<Item = Self> {
        (1..=count).map(move |index| Self { index, count })
    }

    /// Whether a definition belongs to this share.
    pub fn holds(self, name: &str) -> bool {
        let digest = Sha256::digest(name.as_bytes());
        let number = digest
            .iter()
            .take(8)
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        number % self.count == self.index - 1
    }

    /// This share of a bound on the whole cloud; what cannot be parted goes to the first shards.
    pub fn of(self, limit: usize) -> usize {
        let limit = limit as u64;
        let more = u64::from(self.index <= limit % self.count);
        // Never more than `limit`, so it fits.
        usize::try_from(limit / self.count + more).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_part_the_names_without_overlap() {
        for name in ["Ubuntu 24.04", "Debian 13", "Flatcar", "ä"] {
            let holding = Shard::all(3).filter(|shard| shard.holds(name));
            assert_eq!(holding.count(), 1, "{name}");
        }
    }

    #[test]
    fn a_shard_is_one_of_those_that_there_are() {
        for wrong in ["0/3", "4/3", "x", "1/0", "/", "1", "-1/2"] {
            assert_eq!(Shard::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Shard::parse("2/3").unwrap().to_string(), "2/3");
    }

    #[test]
    fn the_shares_of_a_bound_are_the_bound() {
        for (limit, count) in [(0, 3), (1, 4), (10, 3), (7, 7), (5, 8)] {
            let shares: Vec<_> = Shard::all(count).map(|shard| shard.of(limit)).collect();
            assert_eq!(shares.iter().sum::<usize>(), limit, "{shares:?}");
            assert!(shares.is_sorted_by(|one, next| one >= next), "{shares:?}");
        }
    }
}
