//! All that the fake GitHub knows, and what follows when a branch moves.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::apps::App;
use super::artifacts::Artifact;
use super::issues::{Comment, Issue};
use super::labels::{Label, Milestone};
use super::repository::{Commit, Repository, Signature, moment};
use super::tokens::{Caller, Token};

/// What the repository's owner has chosen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "as many switches as the settings' pages have"
)]
pub struct Settings {
    pub default_branch: String,
    pub allow_auto_merge: bool,
    pub archived: bool,
    pub has_issues: bool,
    pub private: bool,
    /// "Automatically delete head branches".
    pub delete_branch_on_merge: bool,
    /// "Allow GitHub Actions to create and approve pull requests".
    pub actions_may_open_pulls: bool,
    /// The branch protection asks for checks before a merge.
    pub needs_checks: bool,
    /// No page is longer than this.
    pub page_size: usize,
    /// How many commits and files a page of a comparison has.
    pub comparison_size: (usize, usize),
    /// Lists of a tree's files end here, and say that they are cut.
    pub tree_size: usize,
    /// A server without GraphQL answers 404 there.
    pub has_graphql: bool,
    /// GitHub's own Link headers name a repository by its number.
    pub links_by_number: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_branch: "main".to_owned(),
            allow_auto_merge: true,
            archived: false,
            has_issues: true,
            private: false,
            delete_branch_on_merge: false,
            actions_may_open_pulls: true,
            needs_checks: false,
            page_size: 100,
            comparison_size: (250, 300),
            tree_size: 100_000,
            has_graphql: true,
            links_by_number: true,
        }
    }
}

/// Something that was done, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    pub actor: String,
    /// `push`, `create`, `delete`, `opened`, `closed`, `merged`, `edited`, `labeled`, `commented`, …
    pub what: String,
    /// The branch, or `#` and the number.
    pub subject: String,
    /// What the `GITHUB_TOKEN` of a run does starts no workflow.
    pub starts_workflows: bool,
}

pub struct World {
    pub owner: String,
    pub name: String,
    /// Where it is answered, without a slash at the end.
    pub url: String,
    /// Where the content of artifacts lies: another server.
    pub storage: String,
    pub git: Repository,
    pub settings: Settings,
    pub tokens: Vec<Token>,
    pub apps: Vec<App>,
    /// Logins that exist; the owner's collaborators.
    pub people: BTreeSet<String>,
    pub teams: BTreeSet<String>,
    pub issues: BTreeMap<u64, Issue>,
    pub comments: BTreeMap<u64, Comment>,
    pub labels: Vec<Label>,
    pub milestones: Vec<Milestone>,
    pub artifacts: Vec<Artifact>,
    /// Commits that GitHub has signed.
    pub verified: BTreeSet<String>,
    pub events: Vec<Event>,
    /// What was wrong with GraphQL requests.
    pub violations: Vec<String>,
    clock: DateTime<Utc>,
    last_id: u64,
}

impl World {
    pub fn new(full_name: &str) -> Self {
        let (owner, name) = full_name.split_once('/').expect("owner/name");
        let people = [owner, "octocat"].map(str::to_owned).into();
        Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
            url: String::new(),
            storage: String::new(),
            git: Repository::new(),
            settings: Settings::default(),
            tokens: Vec::new(),
            apps: Vec::new(),
            people,
            teams: BTreeSet::new(),
            issues: BTreeMap::new(),
            comments: BTreeMap::new(),
            labels: Vec::new(),
            milestones: Vec::new(),
            artifacts: Vec::new(),
            verified: BTreeSet::new(),
            events: Vec::new(),
            violations: Vec::new(),
            clock: Utc::now(),
            last_id: 1000,
        }
    }

    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Below which everything of the repository is answered.
    pub fn api(&self) -> String {
        format!("{}/repos/{}", self.url, self.full_name())
    }

    /// Where people look at it.
    pub fn page(&self) -> String {
        format!("https://github.com/{}", self.full_name())
    }

    /// The moment; time goes on by a second whenever something is done.
    pub fn now(&self) -> String {
        moment(self.clock)
    }

    pub fn clock(&self) -> DateTime<Utc> {
        self.clock
    }

    pub fn set_clock(&mut self, clock: DateTime<Utc>) {
        self.clock = clock;
    }

    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub fn next_number(&self) -> u64 {
        self.issues.keys().next_back().map_or(1, |last| last + 1)
    }

    pub fn tell(&mut self, actor: &Caller, what: &str, subject: impl Into<String>) {
        self.clock += TimeDelta::seconds(1);
        self.events.push(Event {
            actor: actor.login.clone(),
            what: what.to_owned(),
            subject: subject.into(),
            starts_workflows: !actor.is_actions(),
        });
    }

    /// A branch's full name; those of forks lie beside the repository's own.
    pub fn reference(&self, owner: &str, branch: &str) -> String {
        if owner == self.owner {
            format!("refs/heads/{branch}")
        } else {
            format!("refs/forks/{owner}/{branch}")
        }
    }

    pub fn branch(&self, branch: &str) -> Option<String> {
        self.git.reference(&self.reference(&self.owner, branch))
    }

    /// A person's or bot's signature.
    pub fn signature(&self, login: &str) -> Signature {
        Signature {
            name: login.to_owned(),
            email: format!("{login}@users.noreply.github.com"),
            date: self.now(),
        }
    }

    /// That of GitHub itself, which commits what is done on its pages.
    pub fn web_flow(&self) -> Signature {
        Signature {
            name: "GitHub".to_owned(),
            email: "noreply@github.com".to_owned(),
            date: self.now(),
        }
    }

    /// Moves branches, all or none, and lets follow what depends on them.
    pub fn move_references(
        &mut self,
        actor: &Caller,
        changes: &[(String, Option<String>)],
    ) -> bool {
        let before: Vec<_> = changes
            .iter()
            .map(|(name, _)| self.git.reference(name))
            .collect();
        if !self.git.set_references(changes) {
            return false;
        }
        for ((name, after), before) in changes.iter().zip(before) {
            let what = match (&before, after) {
                (None, _) => "create",
                (_, None) => "delete",
                _ => "push",
            };
            self.tell(actor, what, name.trim_start_matches("refs/heads/"));
        }
        for (name, after) in changes {
            self.follow(actor, name, after.as_deref());
        }
        true
    }

    /// Open pull requests follow their branches.
    fn follow(&mut self, actor: &Caller, reference: &str, after: Option<&str>) {
        let open = self.issues.values().filter(|issue| issue.is_open);
        let numbers: Vec<_> = open
            .filter(|issue| issue.pull.is_some())
            .map(|issue| issue.number)
            .collect();
        for number in numbers {
            let pull = self.issues[&number].pull.as_ref().expect("a pull request");
            let head_name = self.reference(&pull.owner, &pull.branch);
            let base_name = self.reference(&self.owner, &pull.base);
            if head_name != reference && base_name != reference {
                continue;
            }
            let Some(after) = after else {
                self.close(actor, number, None);
                continue;
            };
            if head_name == reference {
                let pull = self.pull_mut(number);
                after.clone_into(&mut pull.head);
                pull.is_asked = false;
                self.touch(number);
                let base = self.git.reference(&base_name);
                if base.is_some_and(|base| self.git.is_ancestor(after, &base)) {
                    // Nothing is left to merge: GitHub closes it, and it cannot be opened again.
                    self.pull_mut(number).is_sealed = true;
                    self.close(actor, number, None);
                }
            } else {
                let head = pull.head.clone();
                self.pull_mut(number).is_asked = false;
                if self.git.is_ancestor(&head, after) {
                    self.set_merged(actor, number, after);
                }
            }
        }
    }

    pub fn commit(&self, oid: &str) -> Commit {
        self.git.commit(oid).expect("a commit that is there")
    }
}

/// The login behind an address, as GitHub finds it.
pub fn login_of(signature: &Signature) -> Option<String> {
    if signature.email == "noreply@github.com" {
        return Some("web-flow".to_owned());
    }
    let login = signature.email.strip_suffix("@users.noreply.github.com")?;
    Some(
        login
            .split_once('+')
            .map_or(login, |(_, login)| login)
            .to_owned(),
    )
}
