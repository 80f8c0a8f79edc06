//! Which plan was reviewed with the commit that is deployed: its merged pull request, the comment, and what it binds.
//!
//! Whoever can write a comment under our login can bind a deployment; who may write to a repository can change the text of
//! any comment in it, so that the last one who did so counts too. Everything else that does not fit is a refusal: without
//! a reviewed plan nothing is done.

use serde::Deserialize;

use super::hidden::{self, PlanComment};
use crate::domain::forge::{Comment, LastEdit, PullRequest};
use crate::domain::step::{self, Step};

/// There is no plan that a deployment could insist on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreviewed {
    /// Pushed directly.
    #[error(
        "no merged pull request into `{branch}` brought commit `{commit}`, so nobody reviewed a plan for it and nothing is done; \
         run `plan`, and `apply` with its fingerprint"
    )]
    NoPullRequest {
        /// The commit that is deployed.
        commit: String,
        /// The branch that it is on.
        branch: String,
    },
    /// More than one, and none of them made the commit.
    #[error(
        "several merged pull requests brought commit `{commit}` ({}), so which plan counts is not known and nothing is done; \
         run `plan`, and `apply` with its fingerprint",
        listed(numbers)
    )]
    Several {
        /// The commit that is deployed.
        commit: String,
        /// Their numbers.
        numbers: Vec<u64>,
    },
    /// No comment at all.
    #[error(
        "pull request #{number} has no plan in its comments, so nothing is done; let `plan --pull-request` run on pull requests, \
         and for this commit run `plan`, and `apply` with its fingerprint"
    )]
    NoComment {
        /// The pull request.
        number: u64,
    },
    /// Somebody else's.
    #[error(
        "the plan in the comments of pull request #{number} is by `{found}` and not by `{expected}`, so nothing is done; set \
         `pull_requests.author` if that is who plans, else run `plan`, and `apply` with its fingerprint"
    )]
    OtherAuthor {
        /// The pull request.
        number: u64,
        /// Who wrote it.
        found: String,
        /// Who should have.
        expected: String,
    },
    /// Of another release of this program, or damaged.
    #[error(
        "the plan in the comments of pull request #{number} cannot be read by this release, so nothing is done; plan and apply \
         with the same one"
    )]
    Unreadable {
        /// The pull request.
        number: u64,
    },
    /// Planned before the last commit.
    #[error(
        "the plan in the comments of pull request #{number} is of commit `{found}`, and `{head}` was merged, so nothing is done; \
         run `plan`, and `apply` with its fingerprint, and require the job that plans before a merge"
    )]
    OlderCommit {
        /// The pull request.
        number: u64,
        /// The commit that was planned.
        found: String,
        /// The pull request's last one.
        head: String,
    },
    /// Ours, and changed by somebody else.
    #[error(
        "the plan in the comments of pull request #{number} was changed by {} after `{expected}` wrote it, so it says no more \
         what was planned and nothing is done; run `plan`, and `apply` with its fingerprint",
        named(editor.as_deref())
    )]
    Edited {
        /// The pull request.
        number: u64,
        /// Who changed it last; absent: an account that is gone.
        editor: Option<String>,
        /// Who wrote it.
        expected: String,
    },
}

fn named(login: Option<&str>) -> String {
    login.map_or("somebody".to_owned(), |login| format!("`{login}`"))
}

fn listed(numbers: &[u64]) -> String {
    let numbers: Vec<_> = numbers.iter().map(|number| format!("#{number}")).collect();
    numbers.join(", ")
}

/// What one cloud is held to.
#[derive(Debug, Clone, PartialEq)]
pub enum Bond {
    /// These steps, of which an interrupted run may do the rest.
    Steps(Vec<Step>),
    /// The whole plan, by its fingerprint: the steps stand elsewhere, if anywhere.
    Fingerprint(String),
    /// Nothing may be done, and why.
    Nothing(String),
}

/// The merged pull request that brought a commit: by a merge, squashed, or rebased.
///
/// # Errors
/// There is none, or it cannot be told which.
pub fn pull_request<'a>(
    of_commit: &'a [PullRequest],
    commit: &str,
    branch: &str,
) -> Result<&'a PullRequest, Unreviewed> {
    let merged = of_commit
        .iter()
        .filter(|pull| pull.is_merged && pull.base == branch);
    let merged: Vec<_> = merged.collect();
    let made_it = |pull: &&&PullRequest| pull.merge_commit.as_deref() == Some(commit);
    match (merged.iter().find(made_it), merged.as_slice()) {
        (Some(pull), _) => Ok(pull),
        (None, [only]) => Ok(only),
        (None, []) => Err(Unreviewed::NoPullRequest {
            commit: commit.to_owned(),
            branch: branch.to_owned(),
        }),
        (None, several) => Err(Unreviewed::Several {
            commit: commit.to_owned(),
            numbers: several.iter().map(|pull| pull.number).collect(),
        }),
    }
}

/// The plans in a pull request's comments that count, with these comments: ours, of its last commit. `author`: the login
/// that plans.
///
/// # Errors
/// There is none; the reason is that of the newest that is none.
pub fn plans<'a>(
    pull: &PullRequest,
    comments: &'a [Comment],
    author: &str,
) -> Result<Vec<(&'a Comment, PlanComment)>, Unreviewed> {
    let number = pull.number;
    let mut reason = Unreviewed::NoComment { number };
    let mut plans = Vec::new();
    for comment in comments.iter().filter(|one| hidden::is_plan(&one.body)) {
        if !is_same_login(&comment.author, author) {
            // What others write says nothing of ours.
            if reason == (Unreviewed::NoComment { number }) {
                reason = Unreviewed::OtherAuthor {
                    number,
                    found: comment.author.clone(),
                    expected: author.to_owned(),
                };
            }
            continue;
        }
        match hidden::read(&comment.body) {
            None => reason = Unreviewed::Unreadable { number },
            Some(plan) if plan.head != pull.head => {
                reason = Unreviewed::OlderCommit {
                    number,
                    found: plan.head,
                    head: pull.head.clone(),
                };
            }
            Some(plan) => plans.push((comment, plan)),
        }
    }
    if plans.is_empty() {
        Err(reason)
    } else {
        Ok(plans)
    }
}

/// Whether a plan tells of any of these clouds.
pub fn is_of_any(plan: &PlanComment, clouds: &[&str]) -> bool {
    let mut told = plan.clouds.iter();
    told.any(|mark| clouds.contains(&mark.name.as_str()))
}

/// That a plan still stands as `author`, the login that plans, left it.
///
/// # Errors
/// Somebody else has changed it since.
pub fn unedited(pull: &PullRequest, author: &str, last: &LastEdit) -> Result<(), Unreviewed> {
    let editor = match last {
        LastEdit::None => return Ok(()),
        LastEdit::By(login) if is_same_login(login, author) => return Ok(()),
        LastEdit::By(login) => Some(login.clone()),
        LastEdit::ByUnknown => None,
    };
    Err(Unreviewed::Edited {
        number: pull.number,
        editor,
        expected: author.to_owned(),
    })
}

/// Logins ignore case.
fn is_same_login(one: &str, other: &str) -> bool {
    !other.is_empty() && one.eq_ignore_ascii_case(other)
}

/// What the reviewed plans bind one cloud to.
pub fn bond(plans: &[PlanComment], cloud: &str) -> Bond {
    let marks = plans.iter().flat_map(|plan| {
        let of_cloud = plan.clouds.iter().filter(|mark| mark.name == cloud);
        of_cloud.map(move |mark| (plan, mark.fingerprint.as_deref()))
    });
    let marks: Vec<_> = marks.collect();
    let Some((_, fingerprint)) = marks.first() else {
        return Bond::Nothing(format!(
            "no reviewed plan of the pull request names the cloud `{cloud}`; plan with the same --cloud as apply"
        ));
    };
    if marks.iter().any(|(_, other)| other != fingerprint) {
        return Bond::Nothing(
            "two reviewed plans of the pull request differ for this cloud; plan each cloud in one job only".to_owned(),
        );
    }
    let Some(fingerprint) = fingerprint else {
        return Bond::Nothing(
            "the cloud could not be planned when the pull request was reviewed; run `plan`, and `apply` with its fingerprint"
                .to_owned(),
        );
    };
    let mut texts = marks.iter().filter_map(|(plan, _)| plan.plan.as_deref());
    texts
        .find_map(|text| steps(text, cloud, fingerprint))
        .map_or_else(|| Bond::Fingerprint((*fingerprint).to_owned()), Bond::Steps)
}

/// The steps of one cloud in the JSON of a plan; nothing, if they are not those of the fingerprint.
pub fn steps(plan: &str, cloud: &str, fingerprint: &str) -> Option<Vec<Step>> {
    #[derive(Deserialize)]
    struct Document {
        clouds: Vec<Cloud>,
    }
    #[derive(Deserialize)]
    struct Cloud {
        name: String,
        #[serde(default)]
        steps: Vec<Step>,
    }
    let document: Document = serde_json::from_str(plan).ok()?;
    let mut clouds = document.clouds.into_iter();
    let steps = clouds.find(|one| one.name == cloud)?.steps;
    (step::fingerprint(&steps) == fingerprint).then_some(steps)
}

#[cfg(test)]
mod tests;
