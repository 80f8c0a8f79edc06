//! Our commit on a group's branch. GraphQL makes signed commits and moves branches only from where they were seen; where
//! it is missing, git's own objects and a forward move give the same.

use std::cell::Cell;

use super::Base;
use crate::domain::conduct::{BranchDeed, Names};
use crate::domain::forge::{Created, NewFile};
use crate::domain::proposal::Message;
use crate::github::{GithubError, Repository};

/// What makes and moves branches in one run.
pub struct Branches<'a> {
    pub repository: &'a Repository,
    pub names: Names<'a>,
    pub base: &'a Base,
    /// Tells this run's scratch branches from those of others.
    pub run: String,
    /// Whether the server has said that it has no GraphQL.
    pub without_graphql: Cell<bool>,
}

/// What a branch is to get.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    pub group: &'a str,
    pub files: &'a [NewFile],
    pub message: &'a Message,
}

impl Branches<'_> {
    /// Does what was decided; gives the commit, if one was made.
    pub async fn carry_out(
        &self,
        deed: &BranchDeed,
        work: Work<'_>,
    ) -> Result<Option<String>, GithubError> {
        let name = self.names.branch(work.group);
        let commit = match deed {
            // What goes, goes after its pull request.
            BranchDeed::Keep | BranchDeed::Delete { .. } => return Ok(None),
            BranchDeed::Create => self.create(&name, work).await?,
            BranchDeed::Fill { seen } => self.fill(&name, seen, work).await?,
            BranchDeed::Rebuild { seen } => self.rebuild(&name, seen, work).await?,
        };
        Ok(Some(commit))
    }

    async fn create(&self, name: &str, work: Work<'_>) -> Result<String, GithubError> {
        if !self.without_graphql.get() {
            self.make(name, &self.base.head).await?;
            return self.fill(name, &self.base.head, work).await;
        }
        let parents = [self.base.head.clone()];
        let commit = self.by_git_data(&parents, work).await?;
        self.make(name, &commit).await?;
        Ok(commit)
    }

    async fn fill(&self, name: &str, seen: &str, work: Work<'_>) -> Result<String, GithubError> {
        if let Some(commit) = self.signed(name, seen, work).await? {
            return Ok(commit);
        }
        let commit = self.by_git_data(&[seen.to_owned()], work).await?;
        self.repository.forward_branch(name, &commit).await?;
        Ok(commit)
    }

    /// The branch is never at its base while it moves: a pull request without a difference is closed for good.
    async fn rebuild(&self, name: &str, seen: &str, work: Work<'_>) -> Result<String, GithubError> {
        let base = &self.base.head;
        if !self.without_graphql.get() {
            let scratch = self.names.scratch(work.group, &self.run);
            self.make(&scratch, base).await?;
            let moved = self.by_scratch(&scratch, name, seen, work).await;
            match moved {
                Ok(Some(commit)) => return Ok(commit),
                // What is left is found by the next run.
                Ok(None) => self.repository.delete_branch_by_rest(&scratch).await?,
                Err(error) => {
                    if let Err(left) = self.drop_scratch(&scratch).await {
                        tracing::debug!("the branch `{scratch}` is left for the next run: {left}");
                    }
                    return Err(error);
                }
            }
        }
        let commit = self
            .by_git_data(&[seen.to_owned(), base.clone()], work)
            .await?;
        self.repository.forward_branch(name, &commit).await?;
        Ok(commit)
    }

    async fn by_scratch(
        &self,
        scratch: &str,
        name: &str,
        seen: &str,
        work: Work<'_>,
    ) -> Result<Option<String>, GithubError> {
        let Some(commit) = self.signed(scratch, &self.base.head, work).await? else {
            return Ok(None);
        };
        self.repository.move_branch(name, seen, &commit).await?;
        self.repository.delete_branch(scratch, &commit).await?;
        Ok(Some(commit))
    }

    async fn drop_scratch(&self, scratch: &str) -> Result<(), GithubError> {
        match self.repository.commit_of(scratch).await? {
            Some(commit) => self.delete(scratch, &commit).await,
            None => Ok(()),
        }
    }

    /// Deletes a branch that is still where it was seen.
    pub async fn delete(&self, name: &str, seen: &str) -> Result<(), GithubError> {
        if !self.without_graphql.get() {
            match self.repository.delete_branch(name, seen).await {
                Err(error @ GithubError::NoGraphql { .. }) => self.settle_without(error).await?,
                done => return done,
            }
        }
        match self.repository.commit_of(name).await? {
            Some(commit) if commit == seen => self.repository.delete_branch_by_rest(name).await,
            // Gone, or somebody's again.
            _ => Ok(()),
        }
    }

    async fn make(&self, name: &str, commit: &str) -> Result<(), GithubError> {
        match self.repository.create_branch(name, commit).await? {
            Created::Done => Ok(()),
            Created::Exists => Err(GithubError::Moved {
                doing: format!("make the branch `{name}`"),
                message: "another run has just made it".to_owned(),
            }),
        }
    }

    /// A commit by GraphQL; nothing where there is none.
    async fn signed(
        &self,
        branch: &str,
        head: &str,
        work: Work<'_>,
    ) -> Result<Option<String>, GithubError> {
        if self.without_graphql.get() {
            return Ok(None);
        }
        let Message { headline, body } = work.message;
        match self
            .repository
            .commit(branch, head, work.files, headline, body)
            .await
        {
            Ok(commit) => Ok(Some(commit)),
            Err(error @ GithubError::NoGraphql { .. }) => {
                self.settle_without(error).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Goes on without GraphQL, if it is not missing for this moment only: a commit of git's own objects is not signed.
    async fn settle_without(&self, error: GithubError) -> Result<(), GithubError> {
        if self.repository.has_graphql().await {
            return Err(error);
        }
        self.without_graphql.set(true);
        Ok(())
    }

    async fn by_git_data(&self, parents: &[String], work: Work<'_>) -> Result<String, GithubError> {
        let Message { headline, body } = work.message;
        let message = format!("{headline}\n\n{body}");
        // A tree may be named by a commit that has it, but not here.
        let tree = self.repository.tree(&self.base.head).await?;
        self.repository
            .commit_by_git_data(parents, &tree, work.files, &message)
            .await
    }
}
