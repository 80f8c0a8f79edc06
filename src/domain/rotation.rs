//! Which version has which stage: the newest is latest, those before it move on.

use std::cmp::Ordering;

use super::definition::Version;
use super::policy::Policy;
use super::snapshot::{CloudImage, Visibility};

/// One version of a definition: listed in the file, there in the cloud, or both.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its name.
    pub version: &'a str,
    /// What the file says of it.
    pub listed: Option<&'a Version>,
    /// Its image in the cloud.
    pub image: Option<&'a CloudImage>,
}

/// A version and the index of its stage in the policy.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// The version.
    pub known: Known<'a>,
    /// The stage.
    pub stage: usize,
}

/// All versions of a definition, ranked.
#[derive(Debug, Clone, Default)]
pub struct Ranking<'a> {
    /// The newest first. Only the first has stage 0 where the policy rotates.
    pub ranked: Vec<Ranked<'a>>,
    /// In the cloud, newer than every listed version: taken back by whoever edited the file.
    pub withdrawn: Vec<Known<'a>>,
}

/// Ranks versions by `order`, the newest first.
///
/// Nothing is ranked, so nothing moves, unless a listed version is there: what is no longer in a file is not thereby
/// removed. Versions that are no longer listed keep their place in the line.
pub fn rank<'a>(
    mut versions: Vec<Known<'a>>,
    policy: &Policy,
    order: impl Fn(&str, &str) -> Ordering,
) -> Ranking<'a> {
    versions.sort_by(|left, right| order(right.version, left.version));
    let Some(newest) = versions.iter().position(|known| known.listed.is_some()) else {
        return Ranking::default();
    };
    if !policy.rotate {
        // Without rotation nothing is newest: every listed version has the first stage, the others stay as they are.
        let listed = versions.into_iter().filter(|known| known.listed.is_some());
        return Ranking {
            ranked: listed.map(|known| Ranked { known, stage: 0 }).collect(),
            withdrawn: Vec::new(),
        };
    }
    let line = versions.split_off(newest);
    Ranking {
        ranked: line
            .into_iter()
            .enumerate()
            .map(|(position, known)| Ranked {
                known,
                stage: stage_at(position, policy),
            })
            .collect(),
        withdrawn: versions,
    }
}

/// The stage of the image at a position in the line, 0 the newest.
fn stage_at(position: usize, policy: &Policy) -> usize {
    let mut end = 0;
    for (index, stage) in policy.stages.iter().enumerate() {
        // The latest is one image, whatever a policy says.
        let keep = if index == 0 {
            Some(1)
        } else {
            stage.exits.keep
        };
        match keep {
            Some(keep) if position >= end + keep => end += keep,
            _ => return index,
        }
    }
    policy.stages.len() - 1
}

/// Whether an image of this stage can still be found in default lists, so that bringing in a missing one makes sense.
pub fn is_offered(policy: &Policy, stage: usize, ceiling: Visibility) -> bool {
    stage == 0
        || policy.stages.get(stage).is_some_and(|stage| {
            stage.hidden != Some(true)
                && stage
                    .visibility
                    .is_none_or(|visibility| visibility >= ceiling)
        })
}

#[cfg(test)]
mod tests {
    use super::super::policy;
    use super::super::version::Order;
    use super::*;

    fn unlisted(version: &str) -> Known<'_> {
        Known {
            version,
            listed: None,
            image: None,
        }
    }

    #[test]
    fn the_osism_line_is_one_then_two_then_all_the_rest() {
        let policy = policy::resolve(true, &[]).unwrap();
        let stages: Vec<_> = (0..5).map(|position| stage_at(position, &policy)).collect();
        assert_eq!(stages, [0, 1, 1, 2, 2]);
    }

    #[test]
    fn nothing_moves_when_nothing_is_listed() {
        let policy = policy::resolve(true, &[]).unwrap();
        let ranking = rank(
            vec![unlisted("1"), unlisted("2")],
            &policy,
            |left, right| Order::Natural.compare(left, right),
        );
        assert!(ranking.ranked.is_empty() && ranking.withdrawn.is_empty());
    }

    #[test]
    fn a_retired_version_is_not_brought_in_anew() {
        let policy = policy::resolve(true, &[]).unwrap();
        assert!(is_offered(&policy, 1, Visibility::Public));
        assert!(!is_offered(&policy, 2, Visibility::Public));
        assert!(is_offered(&policy, 2, Visibility::Private));
    }
}
