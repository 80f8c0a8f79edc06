//! Comments on issues and pull requests by REST.

use serde_json::{Value, json};

use super::issue_shapes::{association, comments_of};
use super::issues::{Comment, Edit, LONGEST_BODY};
use super::request::{Answer, Answered, Request};
use super::shapes;
use super::tokens::{Access, Caller};
use super::world::World;

impl World {
    pub fn add_comment(&mut self, actor: &Caller, issue: u64, body: &str) -> u64 {
        let id = self.next_id();
        self.tell(actor, "commented", format!("#{issue}"));
        self.comments.insert(
            id,
            Comment {
                id,
                issue,
                author: actor.login.clone(),
                body: body.to_owned(),
                created_at: self.now(),
                updated_at: self.now(),
                edit: None,
            },
        );
        self.touch(issue);
        id
    }

    pub fn edit_comment(&mut self, actor: &Caller, id: u64, body: &str) {
        let comment = &self.comments[&id];
        if comment.body == body {
            return;
        }
        let subject = format!("#{}", comment.issue);
        self.tell(actor, "comment edited", subject);
        let now = self.now();
        let comment = self.comments.get_mut(&id).expect("a comment that is there");
        body.clone_into(&mut comment.body);
        comment.edit = Some(Edit {
            by: actor.login.clone(),
            at: now.clone(),
        });
        comment.updated_at = now;
    }
}

/// `GET issues/N/comments`
pub fn list(world: &World, number: u64) -> Answered {
    world.issue(number)?;
    Answer::list(
        comments_of(world, number)
            .into_iter()
            .map(|comment| shape(world, comment))
            .collect(),
    )
}

/// `GET issues/comments/ID`
pub fn one(world: &World, id: u64) -> Answered {
    Answer::ok(shape(
        world,
        world.comments.get(&id).ok_or_else(Answer::missing)?,
    ))
}

/// `POST issues/N/comments`
pub fn create(world: &mut World, request: &Request, number: u64) -> Answered {
    let issue = world.issue(number)?;
    let permission = if issue.pull.is_some() {
        "pull_requests"
    } else {
        "issues"
    };
    request.caller.needs(permission, Access::Write)?;
    let body = check_body(request)?;
    let id = world.add_comment(&request.caller, number, body);
    Answer::created(shape(world, &world.comments[&id]))
}

/// `PATCH issues/comments/ID`
pub fn update(world: &mut World, request: &Request, id: u64) -> Answered {
    let comment = world.comments.get(&id).ok_or_else(Answer::missing)?;
    let issue = world.issue(comment.issue)?;
    let permission = if issue.pull.is_some() {
        "pull_requests"
    } else {
        "issues"
    };
    request.caller.needs(permission, Access::Write)?;
    let body = check_body(request)?;
    world.edit_comment(&request.caller, id, body);
    Answer::ok(shape(world, &world.comments[&id]))
}

/// `DELETE issues/comments/ID`
pub fn delete(world: &mut World, request: &Request, id: u64) -> Answered {
    let comment = world.comments.get(&id).ok_or_else(Answer::missing)?;
    let issue = world.issue(comment.issue)?;
    let permission = if issue.pull.is_some() {
        "pull_requests"
    } else {
        "issues"
    };
    request.caller.needs(permission, Access::Write)?;
    let subject = format!("#{}", comment.issue);
    world.tell(&request.caller, "comment deleted", subject);
    world.comments.remove(&id);
    Answer::nothing(204)
}

fn check_body(request: &Request) -> Result<&str, Answer> {
    let body = request.text("body").unwrap_or_default();
    if body.trim().is_empty() {
        return Err(Answer::field("IssueComment", "body", "missing_field"));
    }
    if body.chars().count() > LONGEST_BODY {
        return Err(Answer::too_long("IssueComment", "body", LONGEST_BODY));
    }
    Ok(body)
}

fn shape(world: &World, comment: &Comment) -> Value {
    let issue = &world.issues[&comment.issue];
    let kind = if issue.pull.is_some() {
        "pull"
    } else {
        "issues"
    };
    json!({
        "id": comment.id,
        "node_id": format!("IC_{}", comment.id),
        "url": format!("{}/issues/comments/{}", world.api(), comment.id),
        "html_url": format!("{}/{kind}/{}#issuecomment-{}", world.page(), comment.issue, comment.id),
        "issue_url": format!("{}/issues/{}", world.api(), comment.issue),
        "body": comment.body,
        "user": shapes::user(world, &comment.author),
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
        "author_association": association(world, &comment.author),
        "performed_via_github_app": null,
    })
}
