//! Which request is answered by what.

use super::request::{Answer, Answered, Request};
use super::shapes::{number_of, whole_repository, whole_user};
use super::tokens::{Access, Kind};
use super::world::World;
use super::{
    apps, artifacts, comments, compare, gitdata, graphql, issues, labels, merging, pulls, refs,
};

pub fn answer(world: &mut World, request: &Request) -> Answered {
    // Of the beginning of a name the slash at its end is a part.
    let is_prefix = request.path.contains("/git/matching-refs/");
    let path = request.path.trim_start_matches('/');
    let path = if is_prefix {
        path
    } else {
        path.trim_end_matches('/')
    };
    let parts: Vec<_> = path.split('/').collect();
    let own = number_of(&world.full_name()).to_string();
    match (request.method.as_str(), parts.as_slice()) {
        ("POST", ["graphql"]) => graphql::answer(world, request),
        ("GET", ["user"]) => match request.caller.kind {
            Kind::User => Answer::ok(whole_user(world, &request.caller.login)),
            Kind::Stranger => Err(Answer::error(401, "Requires authentication")),
            _ => Err(Answer::error(403, request.caller.forbidden())),
        },
        ("GET", ["app"]) => apps::own(world, request),
        ("POST", ["app", "installations", id, "access_tokens"]) => {
            apps::token(world, request, number(id)?)
        }
        ("GET", ["rate_limit"]) => Answer::ok(serde_json::json!({})),
        (_, ["repos", owner, name, rest @ ..])
            if owner.eq_ignore_ascii_case(&world.owner)
                && name.eq_ignore_ascii_case(&world.name) =>
        {
            of_repository(world, request, rest)
        }
        (_, ["repositories", id, rest @ ..]) if *id == own => of_repository(world, request, rest),
        _ => Err(Answer::missing()),
    }
}

fn number(text: &str) -> Result<u64, Answer> {
    text.parse().map_err(|_| Answer::missing())
}

fn of_repository(world: &mut World, request: &Request, rest: &[&str]) -> Answered {
    let is_read = request.method == "GET";
    if let ("GET", ["installation"]) = (request.method.as_str(), rest) {
        return apps::installation(world, request);
    }
    if request.caller.kind == Kind::App {
        return Err(Answer::error(401, "Bad credentials"));
    }
    if world.settings.private && !request.caller.may("metadata", Access::Read) {
        return Err(Answer::missing());
    }
    if !is_read && world.settings.archived {
        return Err(Answer::error(
            403,
            "Repository was archived so is read-only.",
        ));
    }
    if is_read {
        read(world, request, rest)
    } else {
        write(world, request, rest)
    }
}

/// An error where a private repository's content is not for this token.
fn may_read(world: &World, request: &Request, permission: &str) -> Result<(), Answer> {
    if world.settings.private {
        request.caller.needs(permission, Access::Read)?;
    }
    Ok(())
}

fn read(world: &mut World, request: &Request, rest: &[&str]) -> Answered {
    let permission = match rest.first() {
        Some(&("git" | "compare" | "commits")) => "contents",
        Some(&"pulls") => "pull_requests",
        Some(&("issues" | "milestones")) => "issues",
        _ => "metadata",
    };
    // The comments of a pull request are its own.
    let of_pull = matches!(rest, ["issues", id, ..] if world.pull(number(id).unwrap_or(0)).is_ok());
    may_read(
        world,
        request,
        if of_pull { "pull_requests" } else { permission },
    )?;
    match rest {
        [] => Answer::ok(whole_repository(world, &request.caller)),
        ["git", "ref", name @ ..] => refs::one(world, &name.join("/")),
        ["git", "matching-refs", prefix @ ..] => refs::matching(world, &prefix.join("/")),
        ["git", "commits", oid] => gitdata::commit(world, oid),
        ["git", "trees", name @ ..] => gitdata::tree(world, request, &name.join("/")),
        ["git", "blobs", oid] => gitdata::blob(world, oid),
        ["compare", names @ ..] => compare::compare(world, request, &names.join("/")),
        ["commits", oid, "pulls"] => pulls::of_commit(world, oid),
        ["pulls"] => pulls::list(world, request),
        ["pulls", id] => pulls::one(world, number(id)?),
        ["pulls", id, "files"] => pulls::files(world, number(id)?),
        ["pulls", id, "commits"] => pulls::commits(world, number(id)?),
        ["issues"] => issues::list(world, request),
        ["issues", "comments", id] => comments::one(world, number(id)?),
        ["issues", id] => issues::one(world, number(id)?),
        ["issues", id, "comments"] => comments::list(world, number(id)?),
        ["milestones"] => labels::milestones(world, request),
        ["actions", "artifacts"] => artifacts::list(world, request),
        ["actions", "artifacts", id, "zip"] => artifacts::zip(world, request, number(id)?),
        _ => Err(Answer::missing()),
    }
}

fn write(world: &mut World, request: &Request, rest: &[&str]) -> Answered {
    match (request.method.as_str(), rest) {
        ("POST", ["git", "refs"]) => refs::create(world, request),
        ("PATCH", ["git", "refs", name @ ..]) => refs::update(world, request, &name.join("/")),
        ("DELETE", ["git", "refs", name @ ..]) => refs::delete(world, request, &name.join("/")),
        ("POST", ["git", "blobs"]) => gitdata::create_blob(world, request),
        ("POST", ["git", "trees"]) => gitdata::create_tree(world, request),
        ("POST", ["git", "commits"]) => gitdata::create_commit(world, request),
        ("POST", ["pulls"]) => pulls::create(world, request),
        ("PATCH", ["pulls", id]) => pulls::update(world, request, number(id)?),
        ("POST", ["pulls", id, "requested_reviewers"]) => {
            pulls::request_reviewers(world, request, number(id)?)
        }
        ("PUT", ["pulls", id, "merge"]) => merging::merge(world, request, number(id)?),
        ("POST", ["issues"]) => issues::create(world, request),
        ("PATCH", ["issues", "comments", id]) => comments::update(world, request, number(id)?),
        ("DELETE", ["issues", "comments", id]) => comments::delete(world, request, number(id)?),
        ("PATCH", ["issues", id]) => issues::update(world, request, number(id)?),
        ("POST", ["issues", id, "comments"]) => comments::create(world, request, number(id)?),
        _ => Err(Answer::missing()),
    }
}
