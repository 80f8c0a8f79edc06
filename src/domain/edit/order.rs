//! Where a new version goes in a list, and which old ones it pushes out.

use std::cmp::Ordering;

/// The end of the list at which a new version is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Above all others: the list is written newest first.
    First,
    /// Below all others: the list is written oldest first.
    Last,
}

/// The name of the version that is not one: what the upstream has at the moment.
const MOVING: &str = "latest";

/// Says at which end the newest of `existing` stands, so that the order in the file is kept.
///
/// With fewer than two versions there is no order to keep, and the new one goes first.
pub fn position(existing: &[&str], order: impl Fn(&str, &str) -> Ordering) -> Position {
    let mut pinned = existing.iter().filter(|version| **version != MOVING);
    match (pinned.next(), pinned.next_back()) {
        (Some(first), Some(last)) if order(first, last) == Ordering::Less => Position::Last,
        _ => Position::First,
    }
}

/// Gives the indexes in `existing` of the oldest versions beyond `keep`, counted with `new`.
///
/// The new version itself is never among them, nor is an entry `latest`, which is not counted.
pub fn pruned(
    existing: &[&str],
    new: &str,
    keep: usize,
    order: impl Fn(&str, &str) -> Ordering,
) -> Vec<usize> {
    let mut oldest_first: Vec<usize> = (0..existing.len())
        .filter(|&index| existing[index] != MOVING && existing[index] != new)
        .collect();
    oldest_first.sort_by(|&left, &right| order(existing[left], existing[right]));
    let beyond = (oldest_first.len() + 1).saturating_sub(keep.max(1));
    oldest_first.truncate(beyond);
    oldest_first.sort_unstable();
    oldest_first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(left: &str, right: &str) -> Ordering {
        left.cmp(right)
    }

    #[test]
    fn the_new_version_goes_to_the_end_where_the_newest_stands() {
        assert_eq!(position(&["1", "2", "3"], text), Position::Last);
        assert_eq!(position(&["3", "2", "1"], text), Position::First);
        assert_eq!(position(&["latest", "1", "2"], text), Position::Last);
    }

    #[test]
    fn with_fewer_than_two_siblings_the_new_version_goes_first() {
        assert_eq!(position(&[], text), Position::First);
        assert_eq!(position(&["1"], text), Position::First);
        assert_eq!(position(&["1", "latest"], text), Position::First);
        assert_eq!(position(&["1", "1"], text), Position::First);
    }

    #[test]
    fn the_oldest_go_whatever_the_order_in_the_file() {
        assert_eq!(pruned(&["1", "2", "3"], "4", 3, text), [0]);
        assert_eq!(pruned(&["3", "2", "1"], "4", 3, text), [2]);
        assert_eq!(pruned(&["2", "3", "1"], "4", 2, text), [0, 2]);
        assert!(pruned(&["1", "2"], "3", 3, text).is_empty());
    }

    #[test]
    fn latest_is_neither_counted_nor_pruned() {
        assert_eq!(pruned(&["latest", "1", "2"], "3", 2, text), [1]);
    }

    #[test]
    fn the_new_version_stays_even_if_none_may() {
        assert_eq!(pruned(&["1", "2"], "0", 0, text), [0, 1]);
        assert_eq!(pruned(&["1", "2"], "2", 1, text), [0]);
    }
}
