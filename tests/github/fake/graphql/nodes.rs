//! How things look in GraphQL: JSON objects with the name of their type.

use serde_json::{Value, json};

use super::super::issue_shapes::association;
use super::super::issues::{Edit, Issue};
use super::super::pulls::{Checks, Review};
use super::super::repository::Signature;
use super::super::shapes::{is_bot, number_of};
use super::super::world::{World, login_of};

/// GraphQL calls a bot without the end that REST gives it.
pub fn actor(login: &str) -> Value {
    let name = login.trim_end_matches("[bot]");
    let mut actor = user(login);
    if is_bot(login) {
        actor["__typename"] = "Bot".into();
        actor["login"] = name.into();
        actor["id"] = format!("BOT_{}", number_of(login)).into();
    }
    actor
}

pub fn user(login: &str) -> Value {
    json!({
        "__typename": "User", "login": login, "name": login, "id": format!("U_{}", number_of(login)),
        "databaseId": number_of(login), "url": format!("https://github.com/{login}"),
        "resourcePath": format!("/{login}"), "avatarUrl": "https://avatars.githubusercontent.com/u/1", "email": "",
    })
}

pub fn rate_limit() -> Value {
    json!({
        "__typename": "RateLimit", "cost": 1, "limit": 5000, "remaining": 4900, "used": 100, "nodeCount": 1,
        "resetAt": super::super::repository::moment(chrono::Utc::now() + chrono::TimeDelta::hours(1)),
    })
}

pub fn repository(world: &World, owner: &str) -> Value {
    let full_name = format!("{owner}/{}", world.name);
    json!({
        "__typename": "Repository", "id": format!("R_{}", number_of(&full_name)), "name": world.name,
        "nameWithOwner": full_name, "owner": user(owner), "databaseId": number_of(&full_name),
        "url": format!("https://github.com/{full_name}"), "isArchived": world.settings.archived,
        "isPrivate": world.settings.private, "isFork": owner != world.owner,
        "hasIssuesEnabled": world.settings.has_issues, "autoMergeAllowed": world.settings.allow_auto_merge,
        "mergeCommitAllowed": true, "squashMergeAllowed": true, "rebaseMergeAllowed": true,
        "viewerPermission": "WRITE", "parent": null,
    })
}

pub fn reference(world: &World, name: &str) -> Value {
    let Some(oid) = world.git.reference(name) else {
        return Value::Null;
    };
    json!({
        "__typename": "Ref", "id": format!("REF_{name}"), "name": name.trim_start_matches("refs/heads/"),
        "prefix": "refs/heads/", "target": commit(world, &oid), "repository": repository(world, &world.owner),
    })
}

/// Any object of git, by its hash or as `REVISION:PATH`.
pub fn object(world: &World, name: &str) -> Value {
    let Some(oid) = world.git.name_of(name) else {
        return Value::Null;
    };
    match world.git.kind(&oid).as_deref() {
        Some("blob") => {
            let content = world.git.blob(&oid).unwrap_or_default();
            let is_binary = content.contains(&0);
            // GitHub gives up at half a megabyte.
            let is_cut = content.len() > 512_000;
            let shown = &content[..content.len().min(512_000)];
            json!({
                "__typename": "Blob", "id": format!("B_{oid}"), "oid": oid, "abbreviatedOid": &oid[..7],
                "byteSize": content.len(), "isBinary": is_binary, "isTruncated": is_cut,
                "text": (!is_binary).then(|| String::from_utf8_lossy(shown)),
                "repository": repository(world, &world.owner),
            })
        }
        Some("commit") => commit(world, &oid),
        Some("tree") => {
            json!({"__typename": "Tree", "id": format!("T_{oid}"), "oid": oid, "abbreviatedOid": &oid[..7]})
        }
        _ => Value::Null,
    }
}

pub fn commit(world: &World, oid: &str) -> Value {
    let commit = world.commit(oid);
    let (headline, body) = commit
        .message
        .split_once('\n')
        .unwrap_or((&commit.message, ""));
    let by = |signature: &Signature| {
        json!({
            "__typename": "GitActor", "name": signature.name, "email": signature.email, "date": signature.date,
            "user": login_of(signature).filter(|login| !is_bot(login)).map(|login| user(&login)),
        })
    };
    let signature = world.verified.contains(oid).then(|| {
        json!({"__typename": "GpgSignature", "isValid": true, "state": "VALID", "email": "noreply@github.com",
            "payload": "", "signature": "", "wasSignedByGitHub": true})
    });
    json!({
        "__typename": "Commit", "id": format!("C_{oid}"), "oid": oid, "abbreviatedOid": &oid[..7],
        "url": format!("{}/commit/{oid}", world.page()), "message": commit.message,
        "messageHeadline": headline, "messageBody": body.trim(),
        "committedDate": commit.committer.date, "authoredDate": commit.author.date,
        "author": by(&commit.author), "committer": by(&commit.committer), "signature": signature,
        "authors": {
            "__typename": "GitActorConnection", "totalCount": 1, "nodes": [by(&commit.author)],
            "pageInfo": {"__typename": "PageInfo", "hasNextPage": false, "hasPreviousPage": false},
        },
        "tree": {"__typename": "Tree", "id": format!("T_{}", commit.tree), "oid": commit.tree},
        "statusCheckRollup": null,
    })
}

pub fn label(world: &World, name: &str) -> Value {
    let label = world.labels.iter().find(|label| label.name == name);
    label.map_or(Value::Null, |label| {
        json!({"__typename": "Label", "id": format!("LA_{}", label.id), "name": name, "color": label.color,
            "description": null, "isDefault": false})
    })
}

fn edited(node: &mut Value, edit: Option<&Edit>) {
    node["editor"] = edit.map_or(Value::Null, |edit| actor(&edit.by));
    node["lastEditedAt"] = edit.map_or(Value::Null, |edit| edit.at.as_str().into());
    node["includesCreatedEdit"] = edit.is_some().into();
}

pub fn comment(world: &World, id: u64) -> Value {
    let comment = &world.comments[&id];
    let kind = if world.issues[&comment.issue].pull.is_some() {
        "pull"
    } else {
        "issues"
    };
    let mut node = json!({
        "__typename": "IssueComment", "id": format!("IC_{id}"), "databaseId": id, "fullDatabaseId": id.to_string(),
        "body": comment.body, "bodyText": comment.body, "author": actor(&comment.author),
        "authorAssociation": association(world, &comment.author),
        "url": format!("{}/{kind}/{}#issuecomment-{id}", world.page(), comment.issue),
        "createdAt": comment.created_at, "updatedAt": comment.updated_at, "publishedAt": comment.created_at,
        "isMinimized": false, "minimizedReason": null, "viewerDidAuthor": false, "reactionGroups": [],
        "createdViaEmail": false,
    });
    edited(&mut node, comment.edit.as_ref());
    node
}

pub fn review(world: &World, number: u64, index: usize, review: &Review) -> Value {
    json!({
        "__typename": "PullRequestReview", "id": format!("PRR_{number}_{index}"), "author": actor(&review.author),
        "authorAssociation": association(world, &review.author), "body": review.body, "state": review.state,
        "submittedAt": review.at, "createdAt": review.at, "includesCreatedEdit": false, "reactionGroups": [],
        "url": format!("{}/pull/{number}#pullrequestreview-{index}", world.page()),
        "commit": commit(world, &review.commit),
    })
}

pub fn state_of(issue: &Issue) -> &'static str {
    let is_merged = issue
        .pull
        .as_ref()
        .is_some_and(|pull| pull.merged.is_some());
    match (issue.is_open, is_merged) {
        (true, _) => "OPEN",
        (_, true) => "MERGED",
        _ => "CLOSED",
    }
}

pub fn issue(world: &World, number: u64) -> Value {
    let issue = &world.issues[&number];
    let kind = if issue.pull.is_some() {
        "pull"
    } else {
        "issues"
    };
    let milestone = world
        .milestones
        .iter()
        .find(|one| Some(one.number) == issue.milestone);
    let mut node = json!({
        "__typename": "Issue", "id": issue.node_id(), "databaseId": issue.id, "number": number, "title": issue.title,
        "body": issue.body.clone().unwrap_or_default(), "author": actor(&issue.author),
        "authorAssociation": association(world, &issue.author), "state": state_of(issue),
        "url": format!("{}/{kind}/{number}", world.page()), "locked": false, "closed": !issue.is_open,
        "createdAt": issue.created_at, "updatedAt": issue.updated_at, "closedAt": issue.closed_at,
        "repository": repository(world, &world.owner), "reactionGroups": [], "isPinned": false,
        "milestone": milestone.map(|one| json!({
            "__typename": "Milestone", "id": format!("MI_{}", one.number), "number": one.number, "title": one.title,
            "description": null, "dueOn": null,
        })),
    });
    edited(&mut node, issue.edit.as_ref());
    node
}

pub fn pull(world: &World, number: u64) -> Value {
    let mut node = issue(world, number);
    let pull = world.issues[&number].pull.as_ref().expect("a pull request");
    let is_open = world.issues[&number].is_open;
    let state = if is_open {
        world.merge_state(pull)
    } else {
        "unknown"
    };
    let approved = pull.reviews.iter().any(|review| review.state == "APPROVED");
    let changes = world
        .git
        .merge_base(&pull.base_commit, &pull.head)
        .map(|fork| world.git.differences(&fork, &pull.head));
    let changes = changes.unwrap_or_default();
    let merged = pull.merged.as_ref();
    let rest = json!({
        "__typename": "PullRequest", "isDraft": pull.is_draft, "merged": merged.is_some(),
        "mergedAt": merged.map(|merged| &merged.at), "mergedBy": merged.map(|merged| actor(&merged.by)),
        "mergeCommit": merged.map(|merged| commit(world, &merged.commit)),
        "mergeable": match state { "dirty" => "CONFLICTING", "unknown" => "UNKNOWN", _ => "MERGEABLE" },
        "mergeStateStatus": state.to_uppercase(),
        "headRefName": pull.branch, "headRefOid": pull.head, "baseRefName": pull.base, "baseRefOid": pull.base_commit,
        "headRef": reference(world, &world.reference(&pull.owner, &pull.branch)),
        "headRepository": repository(world, &pull.owner), "headRepositoryOwner": user(&pull.owner),
        "isCrossRepository": pull.owner != world.owner, "maintainerCanModify": pull.maintainer_can_modify,
        "additions": changes.iter().map(|file| file.additions).sum::<usize>(),
        "deletions": changes.iter().map(|file| file.deletions).sum::<usize>(),
        "changedFiles": changes.len(), "reviewDecision": approved.then_some("APPROVED"), "isInMergeQueue": false,
        "autoMergeRequest": pull.auto_merge.as_ref().map(|auto| json!({
            "__typename": "AutoMergeRequest", "enabledBy": actor(&auto.by), "mergeMethod": auto.method.to_uppercase(),
            "commitHeadline": null, "commitBody": null, "authorEmail": null, "enabledAt": world.now(),
        })),
        "statusCheckRollup": match pull.checks {
            Checks::None => Value::Null,
            checks => json!({
                "__typename": "StatusCheckRollup", "id": format!("SCR_{number}"),
                "state": match checks { Checks::Passed => "SUCCESS", Checks::Failed => "FAILURE", _ => "PENDING" },
            }),
        },
    });
    node.as_object_mut()
        .expect("an object")
        .extend(rest.as_object().expect("an object").clone());
    node
}
