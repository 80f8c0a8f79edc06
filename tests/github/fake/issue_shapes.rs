//! How an issue looks in REST answers.

use serde_json::{Value, json};

use super::issues::{Comment, Issue};
use super::labels::{labels_of, milestone_of};
use super::shapes;
use super::world::World;

pub fn comments_of(world: &World, number: u64) -> Vec<&Comment> {
    world
        .comments
        .values()
        .filter(|comment| comment.issue == number)
        .collect()
}

/// What somebody is to the repository.
pub fn association(world: &World, login: &str) -> &'static str {
    if login == world.owner {
        "OWNER"
    } else if shapes::is_bot(login) {
        "CONTRIBUTOR"
    } else if world.people.contains(login) {
        "COLLABORATOR"
    } else {
        "NONE"
    }
}

pub fn shape(world: &World, issue: &Issue) -> Value {
    let url = format!("{}/issues/{}", world.api(), issue.number);
    let kind = if issue.pull.is_some() {
        "pull"
    } else {
        "issues"
    };
    let assignees = shapes::users(world, &issue.assignees);
    let mut shape = json!({
        "id": issue.id,
        "node_id": issue.node_id(),
        "url": url,
        "repository_url": world.api(),
        "labels_url": format!("{url}/labels{{/name}}"),
        "comments_url": format!("{url}/comments"),
        "events_url": format!("{url}/events"),
        "timeline_url": format!("{url}/timeline"),
        "html_url": format!("{}/{kind}/{}", world.page(), issue.number),
        "number": issue.number,
        "state": if issue.is_open { "open" } else { "closed" },
        "state_reason": issue.state_reason,
        "title": issue.title,
        "body": issue.body,
        "user": shapes::user(world, &issue.author),
        "labels": labels_of(world, issue),
        "assignee": assignees.first(),
        "assignees": assignees,
        "milestone": milestone_of(world, issue),
        "locked": false,
        "active_lock_reason": null,
        "comments": comments_of(world, issue.number).len(),
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "closed_at": issue.closed_at,
        "closed_by": issue.closed_by.as_ref().map(|login| shapes::user(world, login)),
        "author_association": association(world, &issue.author),
        "performed_via_github_app": null,
    });
    if let Some(pull) = &issue.pull {
        let page = format!("{}/pull/{}", world.page(), issue.number);
        shape["draft"] = pull.is_draft.into();
        shape["pull_request"] = json!({
            "url": format!("{}/pulls/{}", world.api(), issue.number),
            "html_url": page, "diff_url": format!("{page}.diff"), "patch_url": format!("{page}.patch"),
            "merged_at": pull.merged.as_ref().map(|merged| &merged.at),
        });
    }
    shape
}
