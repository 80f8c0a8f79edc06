//! How a pull request looks in REST answers.

use serde_json::{Value, json};

use super::issue_shapes::{association, comments_of};
use super::issues::Issue;
use super::labels::{labels_of, milestone_of};
use super::pulls::{Pull, fork_of};
use super::shapes;
use super::world::World;

/// A pull request as lists tell it.
pub fn shape(world: &World, issue: &Issue) -> Value {
    let pull = issue.pull.as_ref().expect("a pull request");
    let url = format!("{}/pulls/{}", world.api(), issue.number);
    let of_issue = format!("{}/issues/{}", world.api(), issue.number);
    let page = format!("{}/pull/{}", world.page(), issue.number);
    let statuses = format!("{}/statuses/{}", world.api(), pull.head);
    let assignees = shapes::users(world, &issue.assignees);
    let side = |owner: &str, branch: &str, oid: &str| {
        json!({
            "label": format!("{owner}:{branch}"), "ref": branch, "sha": oid,
            "user": shapes::user(world, owner), "repo": shapes::repository(world, owner),
        })
    };
    let link = |address: &str| json!({"href": address});
    json!({
        "url": url,
        "id": issue.id,
        "node_id": issue.node_id(),
        "html_url": page,
        "diff_url": format!("{page}.diff"),
        "patch_url": format!("{page}.patch"),
        "issue_url": of_issue,
        "commits_url": format!("{url}/commits"),
        "review_comments_url": format!("{url}/comments"),
        "review_comment_url": format!("{}/pulls/comments{{/number}}", world.api()),
        "comments_url": format!("{of_issue}/comments"),
        "statuses_url": statuses,
        "number": issue.number,
        "state": if issue.is_open { "open" } else { "closed" },
        "locked": false,
        "active_lock_reason": null,
        "title": issue.title,
        "body": issue.body,
        "user": shapes::user(world, &issue.author),
        "labels": labels_of(world, issue),
        "milestone": milestone_of(world, issue),
        "assignee": assignees.first(),
        "assignees": assignees,
        "requested_reviewers": shapes::users(world, &pull.reviewers),
        "requested_teams": pull.teams.iter().map(|team| team_shape(world, team)).collect::<Vec<_>>(),
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "closed_at": issue.closed_at,
        "merged_at": pull.merged.as_ref().map(|merged| &merged.at),
        "merge_commit_sha": merge_commit(pull),
        "head": side(&pull.owner, &pull.branch, &pull.head),
        "base": side(&world.owner, &pull.base, &pull.base_commit),
        "_links": {
            "self": link(&url), "html": link(&page), "issue": link(&of_issue),
            "comments": link(&format!("{of_issue}/comments")), "commits": link(&format!("{url}/commits")),
            "review_comments": link(&format!("{url}/comments")),
            "review_comment": link(&format!("{}/pulls/comments{{/number}}", world.api())),
            "statuses": link(&statuses),
        },
        "author_association": association(world, &issue.author),
        "auto_merge": pull.auto_merge.as_ref().map(|auto| json!({
            "enabled_by": shapes::user(world, &auto.by), "merge_method": auto.method,
            "commit_title": issue.title, "commit_message": "",
        })),
        "draft": pull.is_draft,
    })
}

/// Of an open pull request GitHub names the commit of a trial merge, which is on no branch.
fn merge_commit(pull: &Pull) -> Option<String> {
    match &pull.merged {
        Some(merged) => Some(merged.commit.clone()),
        None => pull.is_asked.then(|| pull.head.chars().rev().collect()),
    }
}

fn team_shape(world: &World, team: &str) -> Value {
    let url = format!("{}/teams/{team}", world.url);
    json!({
        "id": shapes::number_of(team), "node_id": format!("T_{team}"), "url": url, "name": team, "slug": team,
        "html_url": format!("https://github.com/orgs/{}/teams/{team}", world.owner), "description": null,
        "permission": "push", "privacy": "closed", "members_url": format!("{url}/members{{/member}}"),
        "repositories_url": format!("{url}/repos"), "parent": null, "type": "organization",
        "organization_id": shapes::number_of(&world.owner),
    })
}

/// A pull request as it is told alone.
pub fn whole(world: &World, issue: &Issue) -> Value {
    let mut whole = shape(world, issue);
    let pull = issue.pull.as_ref().expect("a pull request");
    let fork = fork_of(world, pull);
    let files = world.git.differences(&fork, &pull.head);
    let known = pull.is_asked && issue.is_open;
    let state = if known {
        world.merge_state(pull)
    } else {
        "unknown"
    };
    let rest = json!({
        "merged": pull.merged.is_some(),
        "mergeable": known.then_some(state != "dirty"),
        "rebaseable": known.then_some(state != "dirty"),
        "mergeable_state": state,
        "merged_by": pull.merged.as_ref().map(|merged| shapes::user(world, &merged.by)),
        "comments": comments_of(world, issue.number).len(),
        "review_comments": 0,
        "maintainer_can_modify": pull.maintainer_can_modify,
        "commits": world.git.between(&fork, &pull.head).len(),
        "additions": files.iter().map(|file| file.additions).sum::<usize>(),
        "deletions": files.iter().map(|file| file.deletions).sum::<usize>(),
        "changed_files": files.len(),
    });
    whole
        .as_object_mut()
        .expect("an object")
        .extend(rest.as_object().expect("an object").clone());
    whole
}
