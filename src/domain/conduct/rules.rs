//! How a repository wants its pull requests, as `pull_requests` of the settings says.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::forge::MergeMethod;
use crate::domain::proposal::Grouping;

/// How a repository wants its pull requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What one pull request holds.
    pub group: Grouping,
    /// The branch that they go to; absent: the repository's default one.
    pub base: Option<String>,
    /// How the names of our branches begin.
    pub branch_prefix: String,
    /// How many may be open at one time; absent: any number.
    pub limit: Option<usize>,
    /// How many days old a build must be before it is proposed.
    pub minimum_age: u64,
    /// Set when a pull request is opened, and never again.
    pub labels: Vec<String>,
    /// Who is asked for a review: users.
    pub reviewers: Vec<String>,
    /// Who is asked for a review: teams of the organisation, by their short names.
    pub team_reviewers: Vec<String>,
    /// To whom it is assigned.
    pub assignees: Vec<String>,
    /// The milestone's title.
    pub milestone: Option<String>,
    /// Whether it is opened as a draft.
    pub draft: bool,
    /// How it is merged by itself where a signature proved all of it; absent: people merge.
    pub automerge: Option<MergeMethod>,
    /// When a branch is built anew on its base.
    pub rebase: Rebase,
    /// `Name <mail>` for the commit's `Signed-off-by`.
    pub sign_off: Option<String>,
    /// Whether an issue shows the state of all images.
    pub dashboard: bool,
    /// The login that opens pull requests and writes plans into them; absent: that of this run's token.
    pub author: Option<String>,
    /// How long to wait between two writes.
    pub pause: Duration,
    /// How long one run waits for the platform's limits, all in all.
    pub patience: Duration,
}

impl Rules {
    /// Whether a pull request is to have nothing but title and text.
    pub fn is_bare(&self) -> bool {
        let lists = [
            &self.labels,
            &self.reviewers,
            &self.team_reviewers,
            &self.assignees,
        ];
        lists.iter().all(|list| list.is_empty())
            && self.milestone.is_none()
            && self.automerge.is_none()
    }
}

/// When a branch is built anew on its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rebase {
    /// Whenever the base has moved.
    #[default]
    Always,
    /// When the base has changed a file of the pull request.
    Changed,
}
