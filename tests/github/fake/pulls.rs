//! Pull requests by REST.

use serde_json::json;

use super::compare::changed_file;
use super::gitdata;
use super::issues::{Issue, check_texts};
use super::pull_shapes::{shape, whole};
use super::request::{Answer, Answered, Request};
use super::tokens::{Access, Caller};
use super::world::World;

/// What a pull request is beside an issue.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "so many things are yes or no of it"
)]
pub struct Pull {
    /// Whose repository its branch lies in.
    pub owner: String,
    pub branch: String,
    /// The commit at its head; after it is closed, that of then.
    pub head: String,
    pub base: String,
    /// Where the base was when the head was pushed last.
    pub base_commit: String,
    pub is_draft: bool,
    pub merged: Option<Merged>,
    pub auto_merge: Option<AutoMerge>,
    pub reviewers: Vec<String>,
    pub teams: Vec<String>,
    pub reviews: Vec<Review>,
    pub checks: Checks,
    pub maintainer_can_modify: bool,
    /// GitHub computes in the background whether it can be merged, once somebody has asked.
    pub is_asked: bool,
    /// Its head was once its base: it cannot be opened again.
    pub is_sealed: bool,
}

#[derive(Debug, Clone)]
pub struct Merged {
    pub by: String,
    pub at: String,
    pub commit: String,
}

#[derive(Debug, Clone)]
pub struct AutoMerge {
    pub by: String,
    /// `merge`, `squash`, `rebase`.
    pub method: String,
}

#[derive(Debug, Clone)]
pub struct Review {
    pub author: String,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`.
    pub state: String,
    pub body: String,
    pub at: String,
    pub commit: String,
}

/// How its checks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    None,
    Pending,
    Failed,
    Passed,
}

impl World {
    pub fn pull(&self, number: u64) -> Result<(&Issue, &Pull), Answer> {
        let issue = self.issue(number)?;
        Ok((issue, issue.pull.as_ref().ok_or_else(Answer::missing)?))
    }

    pub fn pull_mut(&mut self, number: u64) -> &mut Pull {
        self.issue_mut(number)
            .pull
            .as_mut()
            .expect("a pull request")
    }

    pub fn set_merged(&mut self, actor: &Caller, number: u64, commit: &str) {
        self.tell(actor, "merged", format!("#{number}"));
        let (by, at) = (actor.login.clone(), self.now());
        let commit = commit.to_owned();
        self.pull_mut(number).merged = Some(Merged {
            by: by.clone(),
            at: at.clone(),
            commit,
        });
        let issue = self.issue_mut(number);
        issue.is_open = false;
        issue.closed_at = Some(at);
        issue.closed_by = Some(by);
        self.touch(number);
    }

    /// `clean`, `dirty`, `blocked`, `unstable`, `draft`
    pub fn merge_state(&self, pull: &Pull) -> &'static str {
        let base = self.branch(&pull.base);
        let fits = base.is_some_and(|base| self.git.merged_tree(&base, &pull.head).is_some());
        match pull.checks {
            _ if pull.is_draft => "draft",
            _ if !fits => "dirty",
            Checks::Passed => "clean",
            _ if self.settings.needs_checks => "blocked",
            Checks::None => "clean",
            _ => "unstable",
        }
    }
}

/// `GET pulls`
pub fn list(world: &World, request: &Request) -> Answered {
    let state = request.parameter("state").unwrap_or("open");
    // A head without an owner is no filter at all.
    let head = request
        .parameter("head")
        .and_then(|head| head.split_once(':'));
    let mut found: Vec<_> = world
        .issues
        .values()
        .filter(|issue| {
            let Some(pull) = &issue.pull else {
                return false;
            };
            (state == "all" || issue.is_open == (state == "open"))
                && head.is_none_or(|(owner, branch)| pull.owner == owner && pull.branch == branch)
                && request
                    .parameter("base")
                    .is_none_or(|base| pull.base == base)
        })
        .collect();
    let sort = request.parameter("sort").unwrap_or("created");
    match sort {
        "updated" => found.sort_by_key(|issue| issue.updated_at.clone()),
        _ => found.sort_by_key(|issue| issue.number),
    }
    let usual = if sort == "created" { "desc" } else { "asc" };
    if request.parameter("direction").unwrap_or(usual) == "desc" {
        found.reverse();
    }
    Answer::list(found.into_iter().map(|issue| shape(world, issue)).collect())
}

/// `GET pulls/N`
pub fn one(world: &mut World, number: u64) -> Answered {
    let (issue, _) = world.pull(number)?;
    let answer = whole(world, issue);
    world.pull_mut(number).is_asked = true;
    Answer::ok(answer)
}

/// `GET pulls/N/files`
pub fn files(world: &World, number: u64) -> Answered {
    let (_, pull) = world.pull(number)?;
    let fork = fork_of(world, pull);
    let files = world.git.differences(&fork, &pull.head);
    Answer::list(
        files
            .iter()
            .map(|file| changed_file(world, &pull.head, file))
            .collect(),
    )
}

/// `GET pulls/N/commits`
pub fn commits(world: &World, number: u64) -> Answered {
    let (_, pull) = world.pull(number)?;
    let commits = world.git.between(&fork_of(world, pull), &pull.head);
    Answer::list(
        commits
            .iter()
            .map(|oid| gitdata::rich(world, &world.commit(oid)))
            .collect(),
    )
}

/// `GET commits/SHA/pulls`
pub fn of_commit(world: &World, oid: &str) -> Answered {
    if world.git.kind(oid).as_deref() != Some("commit") {
        return Err(Answer::error(
            422,
            &format!("No commit found for SHA: {oid}"),
        ));
    }
    let found = world.issues.values().filter(|issue| {
        issue.pull.as_ref().is_some_and(|pull| {
            let is_result = pull
                .merged
                .as_ref()
                .is_some_and(|merged| merged.commit == oid);
            let is_part = issue.is_open || pull.merged.is_some();
            is_result
                || is_part
                    && world
                        .git
                        .between(&fork_of(world, pull), &pull.head)
                        .iter()
                        .any(|own| own == oid)
        })
    });
    Answer::list(found.map(|issue| shape(world, issue)).collect())
}

/// `POST pulls`
pub fn create(world: &mut World, request: &Request) -> Answered {
    let caller = &request.caller;
    caller.needs("pull_requests", Access::Write)?;
    if caller.is_actions() && !world.settings.actions_may_open_pulls {
        return Err(Answer::error(
            403,
            "GitHub Actions is not permitted to create or approve pull requests.",
        ));
    }
    check_texts(request, "PullRequest", true)?;
    let base = request.text("base").unwrap_or_default().to_owned();
    let Some(base_commit) = world.branch(&base) else {
        return Err(Answer::field("PullRequest", "base", "invalid"));
    };
    let name = request.text("head").unwrap_or_default();
    let (owner, branch) = name.split_once(':').unwrap_or((&world.owner, name));
    let Some(head) = world.git.reference(&world.reference(owner, branch)) else {
        return Err(Answer::field("PullRequest", "head", "invalid"));
    };
    if is_taken(world, owner, branch, &base) {
        return Err(Answer::refused(
            "PullRequest",
            &format!("A pull request already exists for {owner}:{branch}."),
        ));
    }
    if world.git.is_ancestor(&head, &base_commit) {
        return Err(Answer::refused(
            "PullRequest",
            &format!("No commits between {base} and {branch}"),
        ));
    }
    let pull = Pull {
        owner: owner.to_owned(),
        branch: branch.to_owned(),
        head,
        base,
        base_commit,
        is_draft: request.body["draft"] == true,
        merged: None,
        auto_merge: None,
        reviewers: Vec::new(),
        teams: Vec::new(),
        reviews: Vec::new(),
        checks: Checks::None,
        maintainer_can_modify: request.body["maintainer_can_modify"] == true,
        is_asked: false,
        is_sealed: false,
    };
    let title = request.text("title").unwrap_or_default();
    let number = world.open_issue(caller, title, request.text("body"), Some(pull));
    Answer::created(whole(world, world.issue(number)?))
}

/// `PATCH pulls/N`
pub fn update(world: &mut World, request: &Request, number: u64) -> Answered {
    world.pull(number)?;
    let caller = &request.caller;
    caller.needs("pull_requests", Access::Write)?;
    check_texts(request, "PullRequest", false)?;
    if let Some(base) = request.text("base")
        && world.branch(base).is_none()
    {
        return Err(Answer::field("PullRequest", "base", "invalid"));
    }
    match request.text("state") {
        Some("open") if !world.issues[&number].is_open => {
            check_reopening(world, number)?;
            world.reopen(caller, number);
        }
        Some("closed") => world.close(caller, number, None),
        _ => {}
    }
    if let Some(base) = request.text("base") {
        base.clone_into(&mut world.pull_mut(number).base);
        world.touch(number);
    }
    if let Some(title) = request.text("title") {
        world.set_title(caller, number, title);
    }
    if request.has("body") {
        world.set_body(caller, number, request.text("body"));
    }
    Answer::ok(whole(world, world.issue(number)?))
}

/// An error if a closed pull request must stay closed.
pub fn check_reopening(world: &World, number: u64) -> Result<(), Answer> {
    let (_, pull) = world.pull(number)?;
    let refused = |why: String| {
        let message = format!("state cannot be changed. {why}");
        Err(Answer::invalid(&[
            json!({"resource": "PullRequest", "field": "state", "code": "invalid", "message": message}),
        ]))
    };
    let branch = &pull.branch;
    if pull.merged.is_some() {
        return refused("The pull request is merged.".to_owned());
    }
    if is_taken(world, &pull.owner, branch, &pull.base) {
        return refused(format!(
            "There is already an open pull request from {branch} to {}.",
            pull.base
        ));
    }
    let Some(now) = world.git.reference(&world.reference(&pull.owner, branch)) else {
        return refused(format!("The {branch} branch has been deleted."));
    };
    if pull.is_sealed || !world.git.is_ancestor(&pull.head, &now) {
        return refused(format!(
            "The {branch} branch was force-pushed or recreated."
        ));
    }
    if world
        .branch(&pull.base)
        .is_none_or(|base| world.git.is_ancestor(&now, &base))
    {
        return refused(format!(
            "There are no new commits between base branch '{}' and head branch '{branch}'.",
            pull.base
        ));
    }
    Ok(())
}

/// Whether there is an open pull request for this pair of branches.
fn is_taken(world: &World, owner: &str, branch: &str, base: &str) -> bool {
    world
        .issues
        .values()
        .filter(|issue| issue.is_open)
        .any(|issue| {
            issue.pull.as_ref().is_some_and(|pull| {
                pull.owner == owner && pull.branch == branch && pull.base == base
            })
        })
}

/// `POST pulls/N/requested_reviewers`
pub fn request_reviewers(world: &mut World, request: &Request, number: u64) -> Answered {
    let (issue, _) = world.pull(number)?;
    request.caller.needs("pull_requests", Access::Write)?;
    let reviewers = request.texts("reviewers").unwrap_or_default();
    let teams = request.texts("team_reviewers").unwrap_or_default();
    if reviewers.contains(&issue.author) {
        return Err(Answer::error(
            422,
            "Review cannot be requested from pull request author.",
        ));
    }
    if !reviewers.iter().all(|login| world.people.contains(login))
        || !teams.iter().all(|team| world.teams.contains(team))
    {
        return Err(Answer::error(
            422,
            &format!(
                "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a \
             collaborator of the {} repository.",
                world.full_name()
            ),
        ));
    }
    world.tell(&request.caller, "review requested", format!("#{number}"));
    let pull = world.pull_mut(number);
    for (list, new) in [(&mut pull.reviewers, reviewers), (&mut pull.teams, teams)] {
        for one in new {
            if !list.contains(&one) {
                list.push(one);
            }
        }
    }
    world.touch(number);
    Answer::created(shape(world, world.issue(number)?))
}

/// Where the branch left its base.
pub fn fork_of(world: &World, pull: &Pull) -> String {
    let base = match &pull.merged {
        Some(_) => Some(pull.base_commit.clone()),
        None => world.branch(&pull.base),
    };
    let fork = base.and_then(|base| world.git.merge_base(&base, &pull.head));
    fork.unwrap_or_else(|| pull.head.clone())
}
