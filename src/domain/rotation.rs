//! Which version has which stage: the newest is latest, those before it move on by the exits of their stages.
//!
//! `keep` is a matter of the place in the line. `for` and `until` count only for an image that an earlier day put into
//! the stage, by its record: so a run that was cut and began anew comes to the same end.

use std::cmp::Ordering;

use chrono::{Days, NaiveDate};

use super::definition::Version;
use super::policy::{Policy, Stage, Until};
use super::record::Record;
use super::snapshot::{CloudImage, Visibility};
use super::usage::{Usage, Uses};

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

/// What decides beside the line itself.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The date of all decisions.
    pub today: NaiveDate,
    /// Who uses which image.
    pub uses: &'a Uses,
}

/// A version and the index of its stage in the policy.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// The version.
    pub known: Known<'a>,
    /// The stage.
    pub stage: usize,
    /// Its place among the images that are there or come, 0 the newest.
    pub position: usize,
    /// Whether a version that is not there is worth an upload: it would be found, and would not go by itself.
    pub comes: bool,
    /// Whether its last stage has ended: it may be deleted if nothing else speaks against it.
    pub gone: bool,
}

/// All versions of a definition, ranked.
#[derive(Debug, Clone, Default)]
pub struct Ranking<'a> {
    /// The newest first. Only the first has stage 0 where the policy rotates.
    pub ranked: Vec<Ranked<'a>>,
    /// In the cloud, newer than every listed version: taken back by whoever edited the file.
    pub withdrawn: Vec<Known<'a>>,
    /// Whether some image would have moved on, if only it were known that nobody uses it.
    pub waits_for_use: bool,
}

/// Ranks versions by `order`, the newest first. `ceiling` is the widest visibility that a listed version may have.
///
/// Nothing is ranked, so nothing moves, unless a listed version is there: what is no longer in a file is not thereby
/// removed. Versions that are no longer listed keep their place in the line.
pub fn rank<'a>(
    mut versions: Vec<Known<'a>>,
    policy: &Policy,
    facts: Facts<'_>,
    ceiling: impl Fn(&Version) -> Visibility,
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
            ranked: listed
                .map(|known| Ranked {
                    known,
                    stage: 0,
                    position: 0,
                    comes: known.image.is_none(),
                    gone: false,
                })
                .collect(),
            ..Ranking::default()
        };
    }
    let line = versions.split_off(newest);
    let mut placing = Placing {
        policy,
        facts,
        held: vec![0; policy.stages.len()],
        position: 0,
        waits_for_use: false,
    };
    Ranking {
        ranked: line
            .into_iter()
            .map(|known| placing.place(known, known.listed.map(&ceiling)))
            .collect(),
        withdrawn: versions,
        waits_for_use: placing.waits_for_use,
    }
}

/// The line, while its images are put into stages one by one.
struct Placing<'a> {
    policy: &'a Policy,
    facts: Facts<'a>,
    /// How many each stage holds already.
    held: Vec<usize>,
    position: usize,
    waits_for_use: bool,
}

impl Placing<'_> {
    fn place<'k>(&mut self, known: Known<'k>, ceiling: Option<Visibility>) -> Ranked<'k> {
        let (stage, gone) = if self.position == 0 {
            (0, false)
        } else {
            self.stage(known.image)
        };
        let comes = known.image.is_none()
            && ceiling.is_some_and(|ceiling| self.is_worth_an_upload(stage, ceiling));
        let ranked = Ranked {
            known,
            stage,
            position: self.position,
            comes,
            gone,
        };
        // What neither is there nor comes takes nobody's place.
        if comes || known.image.is_some() {
            self.held[stage] += 1;
            self.position += 1;
        }
        ranked
    }

    /// The stage of a replaced image, and whether that has ended too.
    fn stage(&mut self, image: Option<&CloudImage>) -> (usize, bool) {
        let last = self.policy.stages.len() - 1;
        for index in 1.min(last)..=last {
            if !self.leaves(index, image) {
                return (index, false);
            }
        }
        let today = self.facts.today;
        let stage = self.policy.stages[last].stage;
        let settled = image
            .and_then(Record::of)
            .is_some_and(|record| record.stage >= stage && record.since < today);
        (last, settled && self.is_unused(image))
    }

    /// Whether every exit of a stage stands open.
    fn leaves(&mut self, index: usize, image: Option<&CloudImage>) -> bool {
        let policy = self.policy;
        let stage = &policy.stages[index];
        let exits = &stage.exits;
        if !exits.ends() || exits.until.contains(&Until::Booted) {
            return false;
        }
        if exits.keep.is_some_and(|keep| self.held[index] < keep) {
            return false;
        }
        let record = image.and_then(Record::of);
        if record.is_some_and(|record| record.stage > stage.stage) {
            return true;
        }
        if exits.stay.is_none() && !exits.until.contains(&Until::Unused) {
            return true;
        }
        let today = self.facts.today;
        let began = record
            .filter(|record| record.stage == stage.stage && record.since < today)
            .map(|record| record.since);
        let Some(began) = began else { return false };
        let stayed = exits.stay.is_none_or(|stay| {
            began
                .checked_add_days(Days::new(stay.0.into()))
                .is_some_and(|end| end <= today)
        });
        stayed && (!exits.until.contains(&Until::Unused) || self.is_unused(image))
    }

    fn is_unused(&mut self, image: Option<&CloudImage>) -> bool {
        match image.map(|image| self.facts.uses.of(&image.id)) {
            Some(Usage::Unused) => true,
            Some(Usage::Unknown(_)) => {
                self.waits_for_use = true;
                false
            }
            Some(Usage::Used(_)) | None => false,
        }
    }

    /// Whether a missing image of this stage would be found in default lists, and would stay there for a while.
    fn is_worth_an_upload(&self, index: usize, ceiling: Visibility) -> bool {
        index == 0
            || self.policy.stages.get(index).is_some_and(|stage| {
                let exits = &stage.exits;
                let has_place = exits.keep.is_some_and(|keep| self.held[index] < keep);
                let goes_by_itself = exits.stay.is_some() || exits.until.contains(&Until::Unused);
                is_offered(stage, ceiling) && (has_place || !exits.ends() || !goes_by_itself)
            })
    }
}

/// Whether an image of this stage can still be found in default lists and booted.
fn is_offered(stage: &Stage, ceiling: Visibility) -> bool {
    stage.hidden != Some(true)
        && stage.status != Some(super::definition::WantedStatus::Deactivated)
        && stage
            .visibility
            .is_none_or(|visibility| visibility >= ceiling)
}

#[cfg(test)]
mod tests;
