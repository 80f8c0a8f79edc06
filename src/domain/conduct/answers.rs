//! A pull request that people closed unmerged is an answer: for the versions that it proposed, not for the next ones.

use std::collections::BTreeMap;

use super::marker::Marker;
use crate::domain::forge::PullRequest;
use crate::domain::proposal::Group;

/// What people answered by closing: for each image and change the pull request's number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<(String, String), u64>);

/// Reads the answers out of closed pull requests of one group's branch.
pub fn answers(closed: &[PullRequest], group: &str, base: &str) -> Answers {
    let mut answers = BTreeMap::new();
    let of_group = closed
        .iter()
        .filter(|one| !one.is_open && !one.is_merged && !one.is_from_fork && one.base == base);
    for (number, marker) in of_group.filter_map(|one| Some((one.number, Marker::read(&one.body)?)))
    {
        if marker.group != group || marker.ended || marker.lifted {
            continue;
        }
        for change in marker.changes {
            let newest = answers.entry(change).or_insert(number);
            *newest = number.max(*newest);
        }
    }
    Answers(answers)
}

impl Answers {
    /// Leaves of a group what was not declined; gives the declined images, each with its version and the number of the
    /// pull request that was closed.
    pub fn part(&self, group: &mut Group) -> Vec<(String, String, u64)> {
        let mut declined = Vec::new();
        group.offers.retain(|offer| {
            let change = (offer.image.clone(), offer.change());
            let Some(number) = self.0.get(&change) else {
                return true;
            };
            declined.push((change.0, offer.entry.version.clone(), *number));
            false
        });
        declined
    }
}
