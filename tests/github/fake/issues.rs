//! Issues by REST; a pull request is one of them, with more.

use serde_json::{Value, json};

use super::issue_shapes::shape;
use super::pulls::Pull;
use super::request::{Answer, Answered, Request};
use super::tokens::{Access, Caller};
use super::world::World;

/// GitHub's limits, in characters.
pub const LONGEST_BODY: usize = 65_536;
pub const LONGEST_TITLE: usize = 256;

/// That somebody changed a text afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub by: String,
    pub at: String,
}

#[derive(Debug, Clone)]
pub struct Issue {
    pub number: u64,
    pub id: u64,
    pub title: String,
    pub body: Option<String>,
    pub author: String,
    pub is_open: bool,
    pub state_reason: Option<String>,
    pub labels: Vec<String>,
    pub assignees: Vec<String>,
    pub milestone: Option<u64>,
    pub created_at: String,
    pub updated_at: String,
    pub closed_at: Option<String>,
    pub closed_by: Option<String>,
    /// Who changed the body last.
    pub edit: Option<Edit>,
    pub pull: Option<Pull>,
}

impl Issue {
    /// The word by which permissions and errors call it.
    pub fn resource(&self) -> &'static str {
        if self.pull.is_some() {
            "PullRequest"
        } else {
            "Issue"
        }
    }

    fn permission(&self) -> &'static str {
        if self.pull.is_some() {
            "pull_requests"
        } else {
            "issues"
        }
    }

    pub fn node_id(&self) -> String {
        format!(
            "{}_{}",
            if self.pull.is_some() { "PR" } else { "I" },
            self.id
        )
    }
}

/// A comment on an issue or a pull request.
#[derive(Debug, Clone)]
pub struct Comment {
    pub id: u64,
    pub issue: u64,
    pub author: String,
    pub body: String,
    pub created_at: String,
    pub updated_at: String,
    pub edit: Option<Edit>,
}

impl World {
    pub fn issue(&self, number: u64) -> Result<&Issue, Answer> {
        self.issues.get(&number).ok_or_else(Answer::missing)
    }

    pub fn issue_mut(&mut self, number: u64) -> &mut Issue {
        self.issues
            .get_mut(&number)
            .expect("an issue that is there")
    }

    pub fn touch(&mut self, number: u64) {
        let now = self.now();
        self.issue_mut(number).updated_at = now;
    }

    /// A new issue, or the one that a new pull request is.
    pub fn open_issue(
        &mut self,
        actor: &Caller,
        title: &str,
        body: Option<&str>,
        pull: Option<Pull>,
    ) -> u64 {
        let number = self.next_number();
        let id = self.next_id();
        self.tell(actor, "opened", format!("#{number}"));
        self.issues.insert(
            number,
            Issue {
                number,
                id,
                title: title.to_owned(),
                body: body.map(str::to_owned),
                author: actor.login.clone(),
                is_open: true,
                state_reason: None,
                labels: Vec::new(),
                assignees: Vec::new(),
                milestone: None,
                created_at: self.now(),
                updated_at: self.now(),
                closed_at: None,
                closed_by: None,
                edit: None,
                pull,
            },
        );
        number
    }

    pub fn close(&mut self, actor: &Caller, number: u64, reason: Option<&str>) {
        if !self.issues[&number].is_open {
            return;
        }
        self.tell(actor, "closed", format!("#{number}"));
        let now = self.now();
        let issue = self.issue_mut(number);
        issue.is_open = false;
        if issue.pull.is_none() {
            issue.state_reason = Some(reason.unwrap_or("completed").to_owned());
        }
        if let Some(pull) = &mut issue.pull {
            pull.auto_merge = None;
        }
        issue.closed_at = Some(now);
        issue.closed_by = Some(actor.login.clone());
        self.touch(number);
    }

    pub fn reopen(&mut self, actor: &Caller, number: u64) {
        self.tell(actor, "reopened", format!("#{number}"));
        if let Ok((_, pull)) = self.pull(number) {
            // While it was closed it did not follow its branch.
            let head = self
                .git
                .reference(&self.reference(&pull.owner, &pull.branch));
            self.pull_mut(number).head = head.expect("only what has its branch is opened again");
        }
        let issue = self.issue_mut(number);
        issue.is_open = true;
        issue.state_reason = issue.pull.is_none().then(|| "reopened".to_owned());
        issue.closed_at = None;
        issue.closed_by = None;
        self.touch(number);
    }

    pub fn set_title(&mut self, actor: &Caller, number: u64, title: &str) {
        if self.issues[&number].title == title {
            return;
        }
        self.tell(actor, "renamed", format!("#{number}"));
        title.clone_into(&mut self.issue_mut(number).title);
        self.touch(number);
    }

    pub fn set_body(&mut self, actor: &Caller, number: u64, body: Option<&str>) {
        if self.issues[&number].body.as_deref() == body {
            return;
        }
        self.tell(actor, "edited", format!("#{number}"));
        let edit = Edit {
            by: actor.login.clone(),
            at: self.now(),
        };
        let issue = self.issue_mut(number);
        issue.body = body.map(str::to_owned);
        issue.edit = Some(edit);
        self.touch(number);
    }
}

/// An error if a title or body is too long, or the title is missing.
pub fn check_texts(request: &Request, resource: &str, is_new: bool) -> Result<(), Answer> {
    match request.text("title") {
        Some(title) if title.trim().is_empty() => {
            return Err(Answer::field(resource, "title", "missing_field"));
        }
        None if is_new => return Err(Answer::field(resource, "title", "missing_field")),
        Some(title) if title.chars().count() > LONGEST_TITLE => {
            return Err(Answer::too_long(resource, "title", LONGEST_TITLE));
        }
        _ => {}
    }
    if request
        .text("body")
        .is_some_and(|body| body.chars().count() > LONGEST_BODY)
    {
        return Err(Answer::too_long(resource, "body", LONGEST_BODY));
    }
    Ok(())
}

/// `GET issues`
pub fn list(world: &World, request: &Request) -> Answered {
    if !world.settings.has_issues {
        return Err(Answer::error(
            410,
            "Issues has been disabled in this repository.",
        ));
    }
    let state = request.parameter("state").unwrap_or("open");
    let labels: Vec<_> = request
        .parameter("labels")
        .unwrap_or_default()
        .split(',')
        .filter(|label| !label.is_empty())
        .map(str::to_lowercase)
        .collect();
    let mut found: Vec<_> = world
        .issues
        .values()
        .filter(|issue| {
            let has = |wanted: &String| {
                issue
                    .labels
                    .iter()
                    .any(|label| label.to_lowercase() == *wanted)
            };
            (state == "all" || issue.is_open == (state == "open"))
                && labels.iter().all(has)
                && request
                    .parameter("creator")
                    .is_none_or(|creator| issue.author == creator)
                && request
                    .parameter("assignee")
                    .is_none_or(|login| issue.assignees.iter().any(|own| own == login))
        })
        .collect();
    match request.parameter("sort") {
        Some("updated") => found.sort_by_key(|issue| issue.updated_at.clone()),
        _ => found.sort_by_key(|issue| issue.number),
    }
    if request.parameter("direction") != Some("asc") {
        found.reverse();
    }
    Answer::list(found.into_iter().map(|issue| shape(world, issue)).collect())
}

/// `GET issues/N`
pub fn one(world: &World, number: u64) -> Answered {
    Answer::ok(shape(world, world.issue(number)?))
}

/// `POST issues`
pub fn create(world: &mut World, request: &Request) -> Answered {
    request.caller.needs("issues", Access::Write)?;
    if !world.settings.has_issues {
        return Err(Answer::error(
            410,
            "Issues has been disabled in this repository.",
        ));
    }
    check_texts(request, "Issue", true)?;
    check_people(world, request)?;
    let title = request.text("title").unwrap_or_default();
    let number = world.open_issue(&request.caller, title, request.text("body"), None);
    apply_rest(world, request, number);
    Answer::created(shape(world, world.issue(number)?))
}

/// `PATCH issues/N`
pub fn update(world: &mut World, request: &Request, number: u64) -> Answered {
    let issue = world.issue(number)?;
    request.caller.needs(issue.permission(), Access::Write)?;
    let is_pull = issue.pull.is_some();
    check_texts(request, issue.resource(), false)?;
    check_people(world, request)?;
    let caller = &request.caller;
    match request.text("state") {
        Some("open") if !world.issues[&number].is_open => {
            if is_pull {
                super::pulls::check_reopening(world, number)?;
            }
            world.reopen(caller, number);
        }
        Some("closed") => world.close(caller, number, request.text("state_reason")),
        _ => {}
    }
    if let Some(title) = request.text("title") {
        world.set_title(caller, number, title);
    }
    if request.has("body") {
        world.set_body(caller, number, request.text("body"));
    }
    apply_rest(world, request, number);
    Answer::ok(shape(world, world.issue(number)?))
}

fn check_people(world: &World, request: &Request) -> Result<(), Answer> {
    let invalid = |field: &str, value: Value| {
        Answer::invalid(&[
            json!({"value": value, "resource": "Issue", "field": field, "code": "invalid"}),
        ])
    };
    let assignees = request.texts("assignees").unwrap_or_default();
    if let Some(login) = assignees
        .iter()
        .find(|login| !world.people.contains(*login))
    {
        return Err(invalid("assignees", login.as_str().into()));
    }
    if let Some(number) = request.body["milestone"].as_u64()
        && !world
            .milestones
            .iter()
            .any(|milestone| milestone.number == number)
    {
        return Err(invalid("milestone", number.into()));
    }
    Ok(())
}

fn apply_rest(world: &mut World, request: &Request, number: u64) {
    if let Some(labels) = request.texts("labels") {
        world.set_labels(&request.caller, number, &labels);
    }
    if let Some(assignees) = request.texts("assignees")
        && world.issues[&number].assignees != assignees
    {
        world.tell(&request.caller, "assigned", format!("#{number}"));
        world.issue_mut(number).assignees = assignees;
        world.touch(number);
    }
    if request.has("milestone")
        && world.issues[&number].milestone != request.body["milestone"].as_u64()
    {
        world.tell(&request.caller, "milestoned", format!("#{number}"));
        world.issue_mut(number).milestone = request.body["milestone"].as_u64();
        world.touch(number);
    }
}
