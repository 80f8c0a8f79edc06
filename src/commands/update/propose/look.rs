//! What is there of ours: branches and open pull requests, read once; whose each is, when it is asked for.

use std::collections::BTreeMap;

use tokio::sync::OnceCell;

use super::Base;
use crate::domain::conduct::{
    Answers, Boxes, BranchSeen, Marker, Names, Seen, Trailers, Whose, answers, digest_of,
    is_same_change, whose,
};
use crate::domain::forge::PullRequest;
use crate::github::{GithubError, Repository};

/// What a repository has of ours.
pub struct State<'a> {
    repository: &'a Repository,
    names: Names<'a>,
    base: &'a Base,
    /// All branches under our prefix, with the commit of each.
    branches: BTreeMap<String, String>,
    open: Vec<PullRequest>,
    login: OnceCell<String>,
    starts_nothing: OnceCell<bool>,
}

impl<'a> State<'a> {
    /// Reads branches and open pull requests.
    pub async fn read(
        repository: &'a Repository,
        names: Names<'a>,
        base: &'a Base,
    ) -> Result<Self, GithubError> {
        let branches = repository.branches(names.prefix).await?;
        let open = repository.open_pull_requests().await?;
        Ok(Self {
            repository,
            names,
            base,
            branches: branches
                .into_iter()
                .map(|branch| (branch.name, branch.commit))
                .collect(),
            open: open.into_iter().filter(|one| !one.is_from_fork).collect(),
            login: OnceCell::new(),
            starts_nothing: OnceCell::new(),
        })
    }

    /// The open pull request of a group, if it is one of ours by its description.
    pub fn our_pull_request(&self, group: &str) -> Option<&PullRequest> {
        self.pull_request(group)
            .filter(|one| Marker::read(&one.body).is_some())
    }

    /// The open pull request of a group.
    pub fn pull_request(&self, group: &str) -> Option<&PullRequest> {
        let branch = self.names.branch(group);
        self.open.iter().find(|one| one.branch == branch)
    }

    /// What the open pull request of a group proposes.
    pub fn proposed(&self, group: &str) -> BTreeMap<String, String> {
        self.pull_request(group)
            .and_then(|one| Marker::read(&one.body))
            .map(|marker| marker.changes)
            .unwrap_or_default()
    }

    /// How many pull requests of ours are open.
    pub fn count(&self) -> usize {
        let is_ours = |one: &&PullRequest| {
            self.names.group(&one.branch).is_some() && Marker::read(&one.body).is_some()
        };
        self.open.iter().filter(is_ours).count()
    }

    /// The groups that have a branch or an open pull request under our prefix.
    pub fn groups(&self) -> Vec<String> {
        let branches = self.branches.keys().map(String::as_str);
        let open = self.open.iter().map(|one| one.branch.as_str());
        let mut groups: Vec<String> = branches
            .chain(open)
            .filter_map(|branch| self.names.group(branch))
            .map(str::to_owned)
            .collect();
        groups.sort();
        groups.dedup();
        groups
    }

    /// Branches that an earlier run needed for a moment and did not come to delete, each with its commit.
    pub fn scratch(&self) -> impl Iterator<Item = (&str, &str)> {
        let branches = self.branches.iter();
        branches
            .filter(|(name, _)| self.names.is_scratch(name))
            .map(|(name, commit)| (name.as_str(), commit.as_str()))
    }

    /// Everything that a decision about a group needs.
    pub async fn seen(&self, group: &str) -> Result<Seen, GithubError> {
        let pull_request = self.pull_request(group).cloned();
        let body = pull_request.as_ref().map_or("", |one| one.body.as_str());
        let Some(head) = self.branches.get(&self.names.branch(group)) else {
            return Ok(Seen {
                branch: None,
                boxes: Boxes::read(body, &[], ""),
                pull_request,
            });
        };
        let branch = match as_we_left_it(body, head, &self.base.head) {
            Some(branch) => branch,
            None => self.branch(group, head).await?,
        };
        let mut boxes = Boxes::read(body, &[], "");
        if let (Whose::Persons { .. }, Some(pull)) = (&branch.whose, &pull_request) {
            let comments = self.repository.comments(pull.number).await?;
            boxes = Boxes::read(body, &comments, self.login().await?);
        }
        Ok(Seen {
            branch: Some(branch),
            pull_request,
            boxes,
        })
    }

    async fn branch(&self, group: &str, head: &str) -> Result<BranchSeen, GithubError> {
        let base = &self.base.head;
        let comparison = self.repository.compare(base, head).await?;
        let mut whose = whose(&comparison, group);
        if let Whose::Merged { commit, .. } = &whose {
            let ours = self.repository.compare(base, commit).await?;
            let last = comparison.commits.last();
            whose = match digest_of(&comparison).filter(|_| is_same_change(&ours, &comparison)) {
                Some(files) => Whose::Ours {
                    commit: commit.clone(),
                    files,
                },
                None => Whose::Persons {
                    commit: head.to_owned(),
                    author: last.map_or_else(String::new, |last| last.author.clone()),
                },
            };
        }
        let mut messages = comparison
            .commits
            .iter()
            .rev()
            .map(|commit| &commit.message);
        let message = messages.find(|message| Trailers::read(message).is_some());
        Ok(BranchSeen {
            head: head.to_owned(),
            whose,
            behind: comparison.behind,
            message: message.cloned().unwrap_or_default(),
        })
    }

    /// What people have answered by closing pull requests of a group.
    pub async fn answers(&self, group: &str) -> Result<(Answers, bool), GithubError> {
        let branch = self.names.branch(group);
        let closed = self.repository.closed_pull_requests(&branch).await?;
        // What we closed ourselves is nobody's answer.
        let is_ended = |body: &str| Marker::read(body).is_some_and(|marker| marker.ended);
        let declined = closed
            .iter()
            .any(|one| !one.is_merged && !is_ended(&one.body));
        Ok((answers(&closed, group, &self.base.name), declined))
    }

    /// Whether what we do starts no workflows.
    pub async fn starts_nothing(&self) -> bool {
        *self
            .starts_nothing
            .get_or_init(|| self.repository.has_a_jobs_token())
            .await
    }

    /// Who we are.
    pub async fn login(&self) -> Result<&str, GithubError> {
        let login = self
            .login
            .get_or_try_init(|| self.repository.login())
            .await?;
        Ok(login)
    }
}

/// A branch that is as its description says that we left it, so that nothing has to be asked.
fn as_we_left_it(body: &str, head: &str, base: &str) -> Option<BranchSeen> {
    let built = Marker::read(body)?.settled?;
    (built.commit == head && built.base == base).then(|| BranchSeen {
        head: head.to_owned(),
        whose: Whose::Ours {
            commit: built.commit,
            files: built.files,
        },
        behind: 0,
        message: String::new(),
    })
}
