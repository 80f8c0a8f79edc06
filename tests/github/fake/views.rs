//! What tests look at: branches, files, pull requests, comments and issues as plain values.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Fake;
use super::artifacts::Artifact;
use super::issue_shapes::comments_of;
use super::pulls::Checks;
use super::repository::Commit;
use super::world::World;

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pull {
    pub number: u64,
    pub title: String,
    pub body: String,
    pub author: String,
    pub is_open: bool,
    pub is_merged: bool,
    pub is_draft: bool,
    /// `OWNER:BRANCH` where it is from a fork.
    pub branch: String,
    pub head: String,
    pub base: String,
    pub labels: Vec<String>,
    pub assignees: Vec<String>,
    pub reviewers: Vec<String>,
    pub teams: Vec<String>,
    pub milestone: Option<u64>,
    /// `merge`, `squash`, `rebase`, once it is to merge itself.
    pub auto_merge: Option<String>,
    pub merge_commit: Option<String>,
    pub closed_by: Option<String>,
}

/// An issue that is no pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    pub number: u64,
    pub title: String,
    pub body: String,
    pub author: String,
    pub is_open: bool,
    pub labels: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comment {
    pub id: u64,
    pub author: String,
    pub body: String,
    /// Who changed it last.
    pub editor: Option<String>,
}

impl Fake {
    /// The repository's branches and the commits that they are at.
    pub fn branches(&self) -> BTreeMap<String, String> {
        let found = self.world().git.references("refs/heads/").into_iter();
        found
            .map(|(name, oid)| (name.trim_start_matches("refs/heads/").to_owned(), oid))
            .collect()
    }

    /// The commit that a branch is at.
    pub fn head(&self, branch: &str) -> String {
        self.world()
            .branch(branch)
            .unwrap_or_else(|| panic!("no branch `{branch}`"))
    }

    /// All files of a branch, or of a commit, with their texts.
    pub fn files(&self, name: &str) -> BTreeMap<String, String> {
        let world = self.world();
        let oid = world
            .git
            .resolve(name)
            .unwrap_or_else(|| panic!("no branch or commit `{name}`"));
        let entries = world.git.entries(&oid, true).expect("a tree").into_iter();
        let text =
            |oid: &str| String::from_utf8_lossy(&world.git.blob(oid).expect("a blob")).into_owned();
        entries
            .filter(|entry| entry.kind == "blob")
            .map(|entry| (entry.path, text(&entry.oid)))
            .collect()
    }

    /// A commit by its hash or its branch.
    pub fn commit(&self, name: &str) -> Commit {
        let world = self.world();
        let oid = world
            .git
            .resolve(name)
            .unwrap_or_else(|| panic!("no branch or commit `{name}`"));
        world.commit(&oid)
    }

    /// What the second has and the first has not, oldest first.
    pub fn commits_between(&self, base: &str, head: &str) -> Vec<Commit> {
        let world = self.world();
        world
            .git
            .between(base, head)
            .iter()
            .map(|oid| world.commit(oid))
            .collect()
    }

    /// Whether GitHub shows a commit as verified.
    pub fn is_verified(&self, commit: &str) -> bool {
        self.world().verified.contains(commit)
    }

    /// All pull requests, open or not, by number.
    pub fn pulls(&self) -> Vec<Pull> {
        let world = self.world();
        world
            .issues
            .values()
            .filter(|issue| issue.pull.is_some())
            .map(|issue| view(&world, issue.number))
            .collect()
    }

    pub fn open_pulls(&self) -> Vec<Pull> {
        self.pulls()
            .into_iter()
            .filter(|pull| pull.is_open)
            .collect()
    }

    pub fn pull(&self, number: u64) -> Pull {
        view(&self.world(), number)
    }

    /// All issues that are no pull requests.
    pub fn issues(&self) -> Vec<Issue> {
        let world = self.world();
        let own = world.issues.values().filter(|issue| issue.pull.is_none());
        own.map(|issue| Issue {
            number: issue.number,
            title: issue.title.clone(),
            body: issue.body.clone().unwrap_or_default(),
            author: issue.author.clone(),
            is_open: issue.is_open,
            labels: issue.labels.clone(),
        })
        .collect()
    }

    /// The comments on a pull request or issue, oldest first.
    pub fn comments(&self, number: u64) -> Vec<Comment> {
        let world = self.world();
        comments_of(&world, number)
            .into_iter()
            .map(|comment| Comment {
                id: comment.id,
                author: comment.author.clone(),
                body: comment.body.clone(),
                editor: comment.edit.as_ref().map(|edit| edit.by.clone()),
            })
            .collect()
    }

    /// The labels that the repository has.
    pub fn labels(&self) -> Vec<String> {
        self.world()
            .labels
            .iter()
            .map(|label| label.name.clone())
            .collect()
    }

    /// Its checks have an outcome; what was to merge itself does so when they pass.
    pub fn checks(&self, number: u64, checks: Checks) {
        self.world().set_checks(number, checks);
    }

    /// A run at a commit of a branch left this behind; gives its ID.
    pub fn artifact(&self, name: &str, branch: &str, commit: &str, zip: &[u8]) -> u64 {
        let mut world = self.world();
        let id = world.next_id();
        let created_at = world.now();
        world.artifacts.push(Artifact {
            id,
            name: name.to_owned(),
            zip: zip.to_vec(),
            is_expired: false,
            branch: branch.to_owned(),
            commit: commit.to_owned(),
            created_at,
        });
        id
    }

    /// An artifact's time is over.
    pub fn expire_artifact(&self, id: u64) {
        let mut world = self.world();
        let found = world
            .artifacts
            .iter_mut()
            .find(|artifact| artifact.id == id);
        found.expect("an artifact").is_expired = true;
    }

    /// Sets the moment of what is done next, as RFC 3339.
    pub fn set_clock(&self, moment: &str) {
        let moment = chrono::DateTime::parse_from_rfc3339(moment).expect("a moment");
        self.world().set_clock(moment.to_utc());
    }

    pub fn add_team(&self, slug: &str) {
        self.world().teams.insert(slug.to_owned());
    }
}

fn view(world: &World, number: u64) -> Pull {
    let issue = &world.issues[&number];
    let pull = issue.pull.as_ref().expect("a pull request");
    let is_fork = pull.owner != world.owner;
    Pull {
        number,
        title: issue.title.clone(),
        body: issue.body.clone().unwrap_or_default(),
        author: issue.author.clone(),
        is_open: issue.is_open,
        is_merged: pull.merged.is_some(),
        is_draft: pull.is_draft,
        branch: if is_fork {
            format!("{}:{}", pull.owner, pull.branch)
        } else {
            pull.branch.clone()
        },
        head: pull.head.clone(),
        base: pull.base.clone(),
        labels: issue.labels.clone(),
        assignees: issue.assignees.clone(),
        reviewers: pull.reviewers.clone(),
        teams: pull.teams.clone(),
        milestone: issue.milestone,
        auto_merge: pull.auto_merge.as_ref().map(|auto| auto.method.clone()),
        merge_commit: pull.merged.as_ref().map(|merged| merged.commit.clone()),
        closed_by: issue.closed_by.clone(),
    }
}
