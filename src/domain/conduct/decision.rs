//! What becomes of one group's branch and pull request.

use std::collections::{BTreeMap, BTreeSet};

use super::marker::{FORM, Marker};
use super::rules::{Rebase, Rules};
use super::texts::Boxes;
use super::whose::Whose;
use crate::domain::forge::PullRequest;

/// What is to be proposed.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The group's key.
    pub group: &'a str,
    /// The branch that it goes to.
    pub base: &'a str,
    /// The commit that this branch is at.
    pub base_head: &'a str,
    /// For each image the version and its digest; empty: nothing.
    pub changes: &'a BTreeMap<String, String>,
    /// What the files are to be.
    pub files: &'a str,
    /// The images of which nothing is known in this run.
    pub unknown: &'a BTreeSet<String>,
    /// Whether one more pull request may be opened.
    pub may_open: bool,
}

/// What is there.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The group's branch.
    pub branch: Option<BranchSeen>,
    /// The open pull request from it.
    pub pull_request: Option<PullRequest>,
    /// What people have answered.
    pub boxes: Boxes,
}

/// A branch that is there.
#[derive(Debug, Clone)]
pub struct BranchSeen {
    /// The commit that it is at.
    pub head: String,
    /// Whose it is.
    pub whose: Whose,
    /// How many commits of the base it lacks.
    pub behind: u64,
    /// What our newest commit on it says; empty where that makes no difference.
    pub message: String,
}

/// What is done with a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchDeed {
    /// Nothing.
    Keep,
    /// It is made.
    Create,
    /// It is at its base, and gets our commit.
    Fill {
        /// Where it was seen.
        seen: String,
    },
    /// Our commit is made anew on the base, and the branch moves there.
    Rebuild {
        /// Where it was seen.
        seen: String,
    },
    /// It goes.
    Delete {
        /// Where it was seen.
        seen: String,
    },
}

/// What is done with a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullDeed {
    /// Nothing.
    Keep,
    /// It is opened.
    Open,
    /// Title and description are brought up to date, and what an earlier run left undone is done.
    Edit,
    /// It is closed with a reason.
    Close,
}

/// How it ends, if nothing goes wrong; the words of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Was not there.
    Opened,
    /// Has changed.
    Updated,
    /// Is as it should be.
    Current,
    /// Had become pointless.
    Closed,
    /// Is left alone.
    Untouched,
    /// Something went wrong.
    Failed,
}

impl Outcome {
    /// The word in JSON and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Current => "current",
            Self::Closed => "closed",
            Self::Untouched => "untouched",
            Self::Failed => "failed",
        }
    }
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// With the branch; before the pull request.
    pub branch: BranchDeed,
    /// With the pull request.
    pub pull_request: PullDeed,
    /// How it ends.
    pub outcome: Outcome,
    /// Why it is left alone.
    pub reason: Option<Reason>,
    /// Whether people are told that somebody's commit keeps us away: who, and which commit.
    pub hands_off: Option<(String, String)>,
    /// Whether we take over again from this commit, as we were asked to.
    pub take_over: Option<String>,
}

/// Why something is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Its base is another one than the settings say.
    OtherBase(String),
    /// Of these images nothing is known in this run, and it proposes them too.
    Unknown(Vec<String>),
    /// A person has worked on it: who.
    Person(String),
    /// A branch of its name holds somebody else's commits: which one, whose.
    Occupied(String, String),
    /// As many as may be open are open.
    Limit,
}

impl Decision {
    fn of(branch: BranchDeed, pull_request: PullDeed, outcome: Outcome) -> Self {
        Self {
            branch,
            pull_request,
            outcome,
            reason: None,
            hands_off: None,
            take_over: None,
        }
    }

    fn untouched(reason: Reason) -> Self {
        Self {
            reason: Some(reason),
            ..Self::of(BranchDeed::Keep, PullDeed::Keep, Outcome::Untouched)
        }
    }
}

/// Decides about a group of which there is something to propose.
pub fn decide(wanted: &Wanted<'_>, seen: &Seen, rules: &Rules) -> Decision {
    let pull = seen.pull_request.as_ref();
    if let Some(left) = left_alone(wanted, pull) {
        return left;
    }
    let Some(branch) = &seen.branch else {
        return opened(wanted, BranchDeed::Create);
    };
    let seen_at = branch.head.clone();
    let deed = match &branch.whose {
        Whose::Persons { commit, author } => match pull.filter(|pull| is_ours(pull)) {
            None => return Decision::untouched(Reason::Occupied(commit.clone(), author.clone())),
            Some(_) if seen.boxes.take_over => {
                let rebuild = BranchDeed::Rebuild { seen: seen_at };
                return Decision {
                    take_over: Some(branch.head.clone()),
                    ..Decision::of(rebuild, PullDeed::Edit, Outcome::Updated)
                };
            }
            Some(_) => return persons(seen, commit, author),
        },
        Whose::Nobodys if branch.head == wanted.base_head => BranchDeed::Fill { seen: seen_at },
        // What the base brought is not ours to judge: the same is done on it anew.
        Whose::Nobodys | Whose::Merged { .. } => BranchDeed::Rebuild { seen: seen_at },
        Whose::Ours { files, .. } => {
            let is_behind = branch.behind > 0 && rules.rebase == Rebase::Always;
            if files != wanted.files || is_behind || seen.boxes.rebase {
                BranchDeed::Rebuild { seen: seen_at }
            } else {
                BranchDeed::Keep
            }
        }
    };
    let Some(pull) = pull else {
        return opened(wanted, deed);
    };
    if deed == BranchDeed::Keep && is_told(pull, wanted, &branch.whose) {
        return Decision::of(deed, PullDeed::Keep, Outcome::Current);
    }
    Decision::of(deed, PullDeed::Edit, Outcome::Updated)
}

/// Decides about a branch or pull request of ours of which there is nothing to propose any more.
///
/// `answered`: pull requests from the branch were closed or merged by people, who may want to keep it.
pub fn decide_unwanted(wanted: &Wanted<'_>, seen: &Seen, declined: bool) -> Decision {
    let pull = seen.pull_request.as_ref();
    if let Some(left) = left_alone(wanted, pull) {
        return left;
    }
    let delete = match &seen.branch {
        None => BranchDeed::Keep,
        Some(branch) => match (&branch.whose, pull) {
            (Whose::Persons { commit, author }, Some(pull)) if is_ours(pull) => {
                return persons(seen, commit, author);
            }
            // Somebody else's, whatever its name.
            (Whose::Persons { .. }, _) => {
                return Decision::of(BranchDeed::Keep, PullDeed::Keep, Outcome::Current);
            }
            (_, None) if declined => BranchDeed::Keep,
            _ => BranchDeed::Delete {
                seen: branch.head.clone(),
            },
        },
    };
    let (deed, outcome) = match pull {
        Some(_) => (PullDeed::Close, Outcome::Closed),
        None => (PullDeed::Keep, Outcome::Current),
    };
    Decision::of(delete, deed, outcome)
}

/// What nobody but people may go on with.
fn left_alone(wanted: &Wanted<'_>, pull: Option<&PullRequest>) -> Option<Decision> {
    let pull = pull?;
    if pull.base != wanted.base {
        return Some(Decision::untouched(Reason::OtherBase(pull.base.clone())));
    }
    let proposed = Marker::read(&pull.body)?.changes;
    let unknown: Vec<String> = proposed
        .into_keys()
        .filter(|image| wanted.unknown.contains(image))
        .collect();
    (!unknown.is_empty()).then(|| Decision::untouched(Reason::Unknown(unknown)))
}

/// Whether a pull request is ours by its description. One that a person opened of our branch becomes so.
fn is_ours(pull: &PullRequest) -> bool {
    Marker::read(&pull.body).is_some()
}

fn opened(wanted: &Wanted<'_>, branch: BranchDeed) -> Decision {
    if wanted.may_open {
        Decision::of(branch, PullDeed::Open, Outcome::Opened)
    } else {
        Decision::untouched(Reason::Limit)
    }
}

fn persons(seen: &Seen, commit: &str, author: &str) -> Decision {
    let said = seen.boxes.told.is_some();
    Decision {
        hands_off: (!said).then(|| (author.to_owned(), commit.to_owned())),
        ..Decision::untouched(Reason::Person(author.to_owned()))
    }
}

/// Whether a pull request says all that there is to say, and everything around it was done.
fn is_told(pull: &PullRequest, wanted: &Wanted<'_>, whose: &Whose) -> bool {
    let (Some(marker), Whose::Ours { commit, .. }) = (Marker::read(&pull.body), whose) else {
        return false;
    };
    marker.form == FORM
        && marker.group == wanted.group
        && marker.changes == *wanted.changes
        && marker.settled.is_some_and(|built| built.commit == *commit)
}

#[cfg(test)]
mod tests;
