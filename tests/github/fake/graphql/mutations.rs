//! What GraphQL changes: commits, several references at once, merging by itself.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::issues::LONGEST_BODY;
use super::super::pulls::AutoMerge;
use super::super::repository::NOTHING;
use super::super::shapes::number_of;
use super::super::tokens::{Access, Caller, Kind};
use super::super::world::World;
use super::{Refusal, nodes, refusal};

pub fn field(
    world: &mut World,
    caller: &Caller,
    field: &str,
    input: &Value,
) -> Result<Value, Refusal> {
    if world.settings.archived {
        return Err(refusal(
            "FORBIDDEN",
            "Repository was archived so is read-only.",
        ));
    }
    match field {
        "createCommitOnBranch" => create_commit(world, caller, input),
        "updateRefs" => update_references(world, caller, input),
        "enablePullRequestAutoMerge" => enable_auto_merge(world, caller, input),
        "addComment" => add_comment(world, caller, input),
        _ => Err(refusal(
            "NOT_IMPLEMENTED",
            format!("the fake does not know the mutation {field}"),
        )),
    }
}

fn needs(caller: &Caller, permission: &str) -> Result<(), Refusal> {
    let allowed = caller.may(permission, Access::Write);
    allowed
        .then_some(())
        .ok_or_else(|| refusal("FORBIDDEN", caller.forbidden()))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn create_commit(world: &mut World, caller: &Caller, input: &Value) -> Result<Value, Refusal> {
    let repository = text(&input["branch"], "repositoryNameWithOwner");
    if !repository.eq_ignore_ascii_case(&world.full_name()) {
        let message = format!("Could not resolve to a Repository with the name '{repository}'.");
        return Err(refusal("NOT_FOUND", message));
    }
    needs(caller, "contents")?;
    let branch = text(&input["branch"], "branchName").trim_start_matches("refs/heads/");
    let Some(head) = world.branch(branch) else {
        return Err(refusal(
            "NOT_FOUND",
            format!("Could not resolve to a Ref with the name '{branch}'."),
        ));
    };
    let expected = text(input, "expectedHeadOid");
    if head != expected {
        let message = format!(
            "Expected branch to point to \"{expected}\" but it did not. Pull and try again."
        );
        return Err(refusal("STALE_DATA", message));
    }
    let before = world.commit(&head);
    let known = world.git.entries(&before.tree, true).unwrap_or_default();
    let mode_of = |path: &str| {
        known
            .iter()
            .find(|entry| entry.path == path)
            .map(|entry| entry.mode.clone())
    };
    let mut changes = BTreeMap::new();
    for addition in input["fileChanges"]["additions"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let path = text(addition, "path");
        let Ok(content) = STANDARD.decode(text(addition, "contents")) else {
            return Err(refusal(
                "UNPROCESSABLE",
                "A file's contents were not valid Base64",
            ));
        };
        let mode = mode_of(path).unwrap_or_else(|| "100644".to_owned());
        changes.insert(
            path.to_owned(),
            Some((mode, world.git.write_blob(&content))),
        );
    }
    for deletion in input["fileChanges"]["deletions"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let path = text(deletion, "path");
        if mode_of(path).is_none() {
            let message = format!(
                "A path was requested for deletion which does not exist as of commit oid `{head}`"
            );
            return Err(refusal("UNPROCESSABLE", message));
        }
        changes.insert(path.to_owned(), None);
    }
    let workflow = changes
        .keys()
        .find(|path| path.starts_with(".github/workflows/"));
    if let Some(path) = workflow
        && caller.kind != Kind::User
        && !caller.may("workflows", Access::Write)
    {
        let message = format!(
            "refusing to allow a GitHub App to create or update workflow `{path}` without `workflows` permission"
        );
        return Err(refusal("FORBIDDEN", message));
    }
    let Some(tree) = world.git.tree_with(Some(&before.tree), &changes) else {
        return Err(refusal("UNPROCESSABLE", "A path is not valid"));
    };
    let message = match text(&input["message"], "body") {
        "" => text(&input["message"], "headline").to_owned(),
        body => format!("{}\n\n{body}", text(&input["message"], "headline")),
    };
    let (author, committer) = (world.signature(&caller.login), world.web_flow());
    let oid = world
        .git
        .write_commit(&tree, &[head], &message, &author, &committer)
        .expect("a commit");
    world.verified.insert(oid.clone());
    let name = world.reference(&world.owner, branch);
    world.move_references(caller, &[(name.clone(), Some(oid.clone()))]);
    Ok(json!({
        "__typename": "CreateCommitOnBranchPayload",
        "clientMutationId": input["clientMutationId"],
        "commit": nodes::commit(world, &oid),
        "ref": nodes::reference(world, &name),
    }))
}

fn update_references(world: &mut World, caller: &Caller, input: &Value) -> Result<Value, Refusal> {
    let id = text(input, "repositoryId");
    if id != format!("R_{}", number_of(&world.full_name())) {
        let message = format!("Could not resolve to a node with the global id of '{id}'");
        return Err(refusal("NOT_FOUND", message));
    }
    needs(caller, "contents")?;
    let mut changes = Vec::new();
    for update in input["refUpdates"].as_array().into_iter().flatten() {
        let name = text(update, "name");
        let after = text(update, "afterOid");
        let Some(branch) = name
            .strip_prefix("refs/heads/")
            .filter(|branch| world.git.is_branch_name(branch))
        else {
            return Err(refusal(
                "UNPROCESSABLE",
                format!("{name} is not a fully qualified name of a branch or tag"),
            ));
        };
        let now = world.branch(branch);
        let expected = update["beforeOid"].as_str();
        if expected.is_some_and(|expected| expected != now.as_deref().unwrap_or(NOTHING)) {
            return Err(refusal(
                "STALE_DATA",
                format!(
                    "Reference {name} is not at the expected {}",
                    expected.unwrap_or_default()
                ),
            ));
        }
        if after == NOTHING {
            if now.is_none() {
                return Err(refusal(
                    "UNPROCESSABLE",
                    format!("Reference {name} does not exist"),
                ));
            }
            if branch == world.settings.default_branch {
                return Err(refusal(
                    "UNPROCESSABLE",
                    "The default branch cannot be deleted",
                ));
            }
            changes.push((name.to_owned(), None));
            continue;
        }
        if world.git.kind(after).as_deref() != Some("commit") {
            return Err(refusal(
                "UNPROCESSABLE",
                format!("Object {after} does not exist"),
            ));
        }
        if let Some(now) = now
            && update["force"] != true
            && !world.git.is_ancestor(&now, after)
        {
            return Err(refusal(
                "UNPROCESSABLE",
                format!("Update of {name} is not a fast-forward"),
            ));
        }
        changes.push((name.to_owned(), Some(after.to_owned())));
    }
    if !world.move_references(caller, &changes) {
        return Err(refusal(
            "UNPROCESSABLE",
            "The references could not be updated",
        ));
    }
    Ok(json!({"__typename": "UpdateRefsPayload", "clientMutationId": input["clientMutationId"]}))
}

fn enable_auto_merge(world: &mut World, caller: &Caller, input: &Value) -> Result<Value, Refusal> {
    let id = text(input, "pullRequestId");
    let found = world
        .issues
        .values()
        .find(|issue| issue.pull.is_some() && issue.node_id() == id);
    let Some(number) = found.map(|issue| issue.number) else {
        return Err(refusal(
            "NOT_FOUND",
            format!("Could not resolve to a node with the global id of '{id}'"),
        ));
    };
    needs(caller, "pull_requests")?;
    needs(caller, "contents")?;
    let unprocessable = |message: &str| Err(refusal("UNPROCESSABLE", message));
    if !world.settings.allow_auto_merge {
        return unprocessable("Auto merge is not allowed for this repository");
    }
    let (issue, pull) = world
        .pull(number)
        .map_err(|_| refusal("NOT_FOUND", "no pull request"))?;
    if !issue.is_open {
        return unprocessable(
            "Can't enable auto-merge for this pull request: the pull request is closed",
        );
    }
    if input["expectedHeadOid"]
        .as_str()
        .is_some_and(|oid| oid != pull.head)
    {
        return unprocessable("The head of the pull request is not the expected one");
    }
    match world.merge_state(pull) {
        "clean" => return unprocessable("Pull request Pull request is in clean status"),
        "unstable" => return unprocessable("Pull request Pull request is in unstable status"),
        _ => {}
    }
    let method = input["mergeMethod"]
        .as_str()
        .unwrap_or("MERGE")
        .to_lowercase();
    world.tell(caller, "auto-merge enabled", format!("#{number}"));
    world.pull_mut(number).auto_merge = Some(AutoMerge {
        by: caller.login.clone(),
        method,
    });
    world.touch(number);
    Ok(json!({
        "__typename": "EnablePullRequestAutoMergePayload",
        "clientMutationId": input["clientMutationId"],
        "actor": nodes::actor(&caller.login),
        "pullRequest": nodes::pull(world, number),
    }))
}

fn add_comment(world: &mut World, caller: &Caller, input: &Value) -> Result<Value, Refusal> {
    let id = text(input, "subjectId");
    let Some(issue) = world.issues.values().find(|issue| issue.node_id() == id) else {
        return Err(refusal(
            "NOT_FOUND",
            format!("Could not resolve to a node with the global id of '{id}'"),
        ));
    };
    needs(
        caller,
        if issue.pull.is_some() {
            "pull_requests"
        } else {
            "issues"
        },
    )?;
    let (number, body) = (issue.number, text(input, "body"));
    if body.chars().count() > LONGEST_BODY {
        return Err(refusal(
            "UNPROCESSABLE",
            "Body is too long (maximum is 65536 characters)",
        ));
    }
    let id = world.add_comment(caller, number, body);
    Ok(json!({
        "__typename": "AddCommentPayload",
        "commentEdge": {"__typename": "IssueCommentEdge", "cursor": id.to_string(), "node": nodes::comment(world, id)},
    }))
}
