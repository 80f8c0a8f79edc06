//! Fields that take arguments, or are too dear to be made for everybody; all others are keys of the nodes.

use serde_json::{Value, json};

use super::super::issue_shapes::comments_of;
use super::super::shapes::number_of;
use super::super::tokens::Caller;
use super::super::world::World;
use super::{Refusal, nodes, refusal};

/// One field of an object.
pub fn field(
    world: &World,
    caller: &Caller,
    object: &Value,
    field: &str,
    arguments: &Value,
) -> Result<Value, Refusal> {
    let kind = object["__typename"].as_str().unwrap_or_default();
    let text = |name: &str| arguments[name].as_str().unwrap_or_default();
    let number = arguments["number"].as_u64().unwrap_or(0);
    match (kind, field) {
        ("Query", "viewer") => Ok(nodes::user(&caller.login)),
        ("Query", "rateLimit") => Ok(nodes::rate_limit()),
        ("Query", "repository") => {
            let name = format!("{}/{}", text("owner"), text("name"));
            if !name.eq_ignore_ascii_case(&world.full_name()) {
                return Err(refusal(
                    "NOT_FOUND",
                    format!("Could not resolve to a Repository with the name '{name}'."),
                ));
            }
            Ok(nodes::repository(world, &world.owner))
        }
        ("Query", "node") => node(world, text("id")),
        ("Query", "nodes") => {
            let ids = arguments["ids"].as_array().into_iter().flatten();
            ids.map(|id| node(world, id.as_str().unwrap_or_default()))
                .collect()
        }
        ("Repository", "object") => {
            let name = arguments["oid"]
                .as_str()
                .or(arguments["expression"].as_str());
            Ok(nodes::object(world, name.unwrap_or_default()))
        }
        ("Repository", "ref") => {
            let name = text("qualifiedName");
            let full = if name.starts_with("refs/") {
                name.to_owned()
            } else {
                format!("refs/heads/{name}")
            };
            Ok(nodes::reference(world, &full))
        }
        ("Repository", "defaultBranchRef") => Ok(nodes::reference(
            world,
            &world.reference(&world.owner, &world.settings.default_branch),
        )),
        ("Repository", "pullRequest") => match world.pull(number) {
            Ok(_) => Ok(nodes::pull(world, number)),
            Err(_) => Err(missing("PullRequest", number)),
        },
        ("Repository", "issue") => match world.issue(number) {
            Ok(issue) if issue.pull.is_none() => Ok(nodes::issue(world, number)),
            _ => Err(missing("Issue", number)),
        },
        ("Repository", "issueOrPullRequest") => match world.issue(number) {
            Ok(issue) if issue.pull.is_some() => Ok(nodes::pull(world, number)),
            Ok(_) => Ok(nodes::issue(world, number)),
            Err(_) => Err(missing("issue or pull request", number)),
        },
        ("Repository", "pullRequests") => Ok(pull_requests(world, arguments)),
        ("Ref", "associatedPullRequests") => {
            let filter = json!({"headRefName": object["name"], "states": arguments["states"], "first": arguments["first"]});
            Ok(pull_requests(world, &filter))
        }
        ("PullRequest" | "Issue", _) => Ok(of_issue(world, object, field, arguments)),
        ("Commit", "associatedPullRequests") => {
            let oid = object["oid"].as_str().unwrap_or_default();
            let own = world.issues.values().filter(|issue| {
                issue.pull.as_ref().is_some_and(|pull| {
                    pull.head == oid
                        || pull
                            .merged
                            .as_ref()
                            .is_some_and(|merged| merged.commit == oid)
                })
            });
            let items = own.map(|issue| nodes::pull(world, issue.number));
            Ok(connection("PullRequest", items, arguments))
        }
        _ => Ok(object[field].clone()),
    }
}

fn missing(kind: &str, number: u64) -> Refusal {
    refusal(
        "NOT_FOUND",
        format!("Could not resolve to {kind} with the number of {number}."),
    )
}

fn node(world: &World, id: &str) -> Result<Value, Refusal> {
    if id == format!("R_{}", number_of(&world.full_name())) {
        return Ok(nodes::repository(world, &world.owner));
    }
    if let Some(issue) = world.issues.values().find(|issue| issue.node_id() == id) {
        let is_pull = issue.pull.is_some();
        return Ok(if is_pull {
            nodes::pull(world, issue.number)
        } else {
            nodes::issue(world, issue.number)
        });
    }
    let comment = id.strip_prefix("IC_").and_then(|id| id.parse().ok());
    if let Some(id) = comment.filter(|id| world.comments.contains_key(id)) {
        return Ok(nodes::comment(world, id));
    }
    Err(refusal(
        "NOT_FOUND",
        format!("Could not resolve to a node with the global id of '{id}'"),
    ))
}

fn pull_requests(world: &World, arguments: &Value) -> Value {
    let wanted =
        |field: &str, value: &str| arguments[field].as_str().is_none_or(|text| text == value);
    let mut found: Vec<_> = world
        .issues
        .values()
        .filter(|issue| {
            let Some(pull) = &issue.pull else {
                return false;
            };
            let state = nodes::state_of(issue);
            let states = arguments["states"].as_array();
            let labels = arguments["labels"].as_array();
            states.is_none_or(|states| states.iter().any(|one| one == state))
                && labels.is_none_or(|labels| {
                    labels
                        .iter()
                        .any(|one| issue.labels.iter().any(|own| one == own.as_str()))
                })
                && wanted("headRefName", &pull.branch)
                && wanted("baseRefName", &pull.base)
        })
        .collect();
    if arguments["orderBy"]["direction"] == "DESC" {
        found.reverse();
    }
    connection(
        "PullRequest",
        found
            .into_iter()
            .map(|issue| nodes::pull(world, issue.number)),
        arguments,
    )
}

/// Lists of an issue or pull request.
fn of_issue(world: &World, object: &Value, field: &str, arguments: &Value) -> Value {
    let number = object["number"].as_u64().unwrap_or(0);
    let Ok(issue) = world.issue(number) else {
        return Value::Null;
    };
    match (field, &issue.pull) {
        ("comments", _) => {
            let own = comments_of(world, number);
            connection(
                "IssueComment",
                own.iter().map(|comment| nodes::comment(world, comment.id)),
                arguments,
            )
        }
        ("labels", _) => connection(
            "Label",
            issue.labels.iter().map(|name| nodes::label(world, name)),
            arguments,
        ),
        ("assignees", _) => connection(
            "User",
            issue.assignees.iter().map(|login| nodes::user(login)),
            arguments,
        ),
        ("projectCards", _) => connection("ProjectCard", [], arguments),
        ("closingIssuesReferences", _) => connection("Issue", [], arguments),
        ("commits", Some(pull)) => {
            let base = world.branch(&pull.base).unwrap_or_default();
            let commits = world.git.between(&base, &pull.head);
            let items = commits.iter().map(|oid| {
                json!({"__typename": "PullRequestCommit", "id": format!("PRC_{oid}"), "commit": nodes::commit(world, oid)})
            });
            connection("PullRequestCommit", items, arguments)
        }
        ("files", Some(pull)) => {
            let fork = world
                .git
                .merge_base(&pull.base_commit, &pull.head)
                .unwrap_or_default();
            let items = world.git.differences(&fork, &pull.head).into_iter().map(|file| {
                json!({
                    "__typename": "PullRequestChangedFile", "path": file.path, "additions": file.additions,
                    "deletions": file.deletions, "changeType": file.status.to_uppercase(), "viewerViewedState": "UNVIEWED",
                })
            });
            connection("PullRequestChangedFile", items, arguments)
        }
        ("reviews" | "latestReviews", Some(pull)) => {
            let items = pull
                .reviews
                .iter()
                .enumerate()
                .map(|(index, review)| nodes::review(world, number, index, review));
            connection("PullRequestReview", items, arguments)
        }
        ("reviewRequests", Some(pull)) => {
            let items = pull.reviewers.iter().map(|login| {
                json!({"__typename": "ReviewRequest", "id": format!("RR_{login}"), "requestedReviewer": nodes::user(login)})
            });
            connection("ReviewRequest", items, arguments)
        }
        _ => object[field].clone(),
    }
}

/// A page of a list, as GraphQL has them; a cursor is a position.
fn connection(kind: &str, items: impl IntoIterator<Item = Value>, arguments: &Value) -> Value {
    let place = |name: &str| {
        arguments[name]
            .as_str()
            .and_then(|text| text.parse::<usize>().ok())
    };
    let count = |name: &str| {
        arguments[name]
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
    };
    let items: Vec<_> = items.into_iter().collect();
    let total = items.len();
    let mut begin = place("after").unwrap_or(0).min(total);
    let mut end = place("before").map_or(total, |place| place.saturating_sub(1).min(total));
    if let Some(first) = count("first") {
        end = end.min(begin + first);
    }
    if let Some(last) = count("last") {
        begin = begin.max(end.saturating_sub(last));
    }
    let shown = &items[begin..end.max(begin)];
    let edges = shown.iter().enumerate().map(|(index, node)| {
        json!({"__typename": format!("{kind}Edge"), "cursor": (begin + index + 1).to_string(), "node": node})
    });
    json!({
        "__typename": format!("{kind}Connection"),
        "totalCount": total,
        "edges": edges.collect::<Vec<_>>(),
        "nodes": shown,
        "pageInfo": {
            "__typename": "PageInfo", "hasNextPage": end < total, "hasPreviousPage": begin > 0,
            "startCursor": (!shown.is_empty()).then(|| (begin + 1).to_string()),
            "endCursor": (!shown.is_empty()).then(|| end.to_string()),
        },
    })
}
