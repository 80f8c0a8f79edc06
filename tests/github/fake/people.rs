//! What people do at GitHub's pages and with git.

use std::collections::BTreeMap;

use super::Fake;
use super::labels::Milestone;
use super::pulls::{Checks, Pull, Review};
use super::tokens::Caller;

/// Somebody who works on the repository.
pub struct Person<'a> {
    fake: &'a Fake,
    caller: Caller,
}

impl<'a> Person<'a> {
    pub(super) fn new(fake: &'a Fake, login: &str) -> Self {
        Self {
            fake,
            caller: Caller::person(login),
        }
    }

    /// Pushes a commit with these texts; a branch that is not there begins at the default one. Gives the commit.
    pub fn commit(&self, branch: &str, files: &[(&str, &str)], message: &str) -> String {
        let owner = self.fake.world().owner.clone();
        self.commit_to(
            &owner,
            branch,
            &files
                .iter()
                .map(|(path, text)| (*path, Some(*text)))
                .collect(),
            message,
        )
    }

    /// Pushes a commit that takes a file away.
    pub fn remove(&self, branch: &str, path: &str, message: &str) -> String {
        let owner = self.fake.world().owner.clone();
        self.commit_to(&owner, branch, &[(path, None)].into(), message)
    }

    /// Pushes a commit to a branch of the person's own fork.
    pub fn commit_to_fork(&self, branch: &str, files: &[(&str, &str)], message: &str) -> String {
        let changes = files
            .iter()
            .map(|(path, text)| (*path, Some(*text)))
            .collect();
        self.commit_to(&self.caller.login, branch, &changes, message)
    }

    fn commit_to(
        &self,
        owner: &str,
        branch: &str,
        files: &BTreeMap<&str, Option<&str>>,
        message: &str,
    ) -> String {
        let mut world = self.fake.world();
        let name = world.reference(owner, branch);
        let parent = world
            .git
            .reference(&name)
            .or_else(|| world.branch(&world.settings.default_branch));
        let base = parent.as_deref().map(|parent| world.commit(parent).tree);
        let change = |(path, text): (&&str, Option<&str>)| {
            let blob =
                text.map(|text| ("100644".to_owned(), world.git.write_blob(text.as_bytes())));
            ((*path).to_owned(), blob)
        };
        let changes = files
            .iter()
            .map(|(path, text)| change((path, *text)))
            .collect();
        let tree = world
            .git
            .tree_with(base.as_deref(), &changes)
            .expect("a tree");
        let author = world.signature(&self.caller.login);
        let parents: Vec<_> = parent.into_iter().collect();
        let oid = world
            .git
            .write_commit(&tree, &parents, message, &author, &author)
            .expect("a commit");
        assert!(
            world.move_references(&self.caller, &[(name, Some(oid.clone()))]),
            "no such branch can be"
        );
        oid
    }

    /// Pushes a branch to where a commit is, by force.
    pub fn push(&self, branch: &str, commit: &str) {
        let mut world = self.fake.world();
        let name = world.reference(&world.owner, branch);
        assert!(
            world.move_references(&self.caller, &[(name, Some(commit.to_owned()))]),
            "no such commit"
        );
    }

    pub fn delete_branch(&self, branch: &str) {
        let mut world = self.fake.world();
        let name = world.reference(&world.owner, branch);
        assert!(
            world.move_references(&self.caller, &[(name, None)]),
            "no such branch"
        );
    }

    /// Opens a pull request from a branch of the repository, or, as `OWNER:BRANCH`, of a fork.
    pub fn open_pull(&self, head: &str, base: &str, title: &str, body: &str) -> u64 {
        let mut world = self.fake.world();
        let (owner, branch) = head.split_once(':').unwrap_or((&world.owner, head));
        let pull = Pull {
            owner: owner.to_owned(),
            branch: branch.to_owned(),
            head: world
                .git
                .reference(&world.reference(owner, branch))
                .expect("a branch"),
            base: base.to_owned(),
            base_commit: world.branch(base).expect("a base"),
            is_draft: false,
            merged: None,
            auto_merge: None,
            reviewers: Vec::new(),
            teams: Vec::new(),
            reviews: Vec::new(),
            checks: Checks::None,
            maintainer_can_modify: true,
            is_asked: false,
            is_sealed: false,
        };
        world.open_issue(&self.caller, title, Some(body), Some(pull))
    }

    pub fn open_issue(&self, title: &str, body: &str) -> u64 {
        self.fake
            .world()
            .open_issue(&self.caller, title, Some(body), None)
    }

    /// Presses "Update branch".
    pub fn update_branch(&self, number: u64) -> String {
        self.fake
            .world()
            .update_branch(&self.caller, number)
            .expect("a branch that can be updated")
    }

    /// Merges by `merge`, `squash` or `rebase`; gives the commit that the base is at.
    pub fn merge(&self, number: u64, method: &str) -> String {
        self.fake
            .world()
            .merge(&self.caller, number, method)
            .expect("a pull request that can be merged")
    }

    pub fn close(&self, number: u64) {
        self.fake.world().close(&self.caller, number, None);
    }

    pub fn reopen(&self, number: u64) {
        let mut world = self.fake.world();
        if world.pull(number).is_ok() {
            super::pulls::check_reopening(&world, number).expect("one that can be opened again");
        }
        world.reopen(&self.caller, number);
    }

    pub fn comment(&self, number: u64, body: &str) -> u64 {
        self.fake.world().add_comment(&self.caller, number, body)
    }

    pub fn edit_comment(&self, id: u64, body: &str) {
        self.fake.world().edit_comment(&self.caller, id, body);
    }

    pub fn edit_title(&self, number: u64, title: &str) {
        self.fake.world().set_title(&self.caller, number, title);
    }

    pub fn edit_body(&self, number: u64, body: &str) {
        self.fake.world().set_body(&self.caller, number, Some(body));
    }

    /// Ticks the box of the line that has these words, in the body of a pull request or issue.
    pub fn tick(&self, number: u64, words: &str) {
        let mut world = self.fake.world();
        let body = world.issues[&number].body.clone().unwrap_or_default();
        let body = ticked(&body, words);
        world.set_body(&self.caller, number, Some(&body));
    }

    /// Ticks the box of the line that has these words, in a comment.
    pub fn tick_in_comment(&self, id: u64, words: &str) {
        let mut world = self.fake.world();
        let body = ticked(&world.comments[&id].body.clone(), words);
        world.edit_comment(&self.caller, id, &body);
    }

    pub fn label(&self, number: u64, labels: &[&str]) {
        let labels: Vec<_> = labels.iter().map(|label| (*label).to_owned()).collect();
        self.fake.world().set_labels(&self.caller, number, &labels);
    }

    /// Reviews: `APPROVED`, `CHANGES_REQUESTED` or `COMMENTED`.
    pub fn review(&self, number: u64, state: &str, body: &str) {
        let mut world = self.fake.world();
        world.tell(&self.caller, "reviewed", format!("#{number}"));
        let review = Review {
            author: self.caller.login.clone(),
            state: state.to_owned(),
            body: body.to_owned(),
            at: world.now(),
            commit: world.pull_mut(number).head.clone(),
        };
        world.pull_mut(number).reviews.push(review);
        world.touch(number);
    }

    pub fn new_milestone(&self, title: &str) -> u64 {
        let mut world = self.fake.world();
        let number = world.milestones.len() as u64 + 1;
        world.milestones.push(Milestone {
            number,
            title: title.to_owned(),
            is_open: true,
        });
        number
    }
}

fn ticked(text: &str, words: &str) -> String {
    let line = text
        .lines()
        .find(|line| line.contains("[ ]") && line.contains(words));
    let line = line.unwrap_or_else(|| panic!("no empty box with `{words}` in:\n{text}"));
    text.replacen(line, &line.replacen("[ ]", "[x]", 1), 1)
}
