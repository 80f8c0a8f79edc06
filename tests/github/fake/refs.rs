//! Branches by REST.

use serde_json::{Value, json};

use super::request::{Answer, Answered, Request};
use super::tokens::Access;
use super::world::World;

fn shape(world: &World, name: &str, oid: &str) -> Value {
    json!({
        "ref": name,
        "node_id": format!("REF_{name}"),
        "url": format!("{}/git/{name}", world.api()),
        "object": {"type": "commit", "sha": oid, "url": format!("{}/git/commits/{oid}", world.api())},
    })
}

/// `GET git/ref/heads/…`
pub fn one(world: &World, name: &str) -> Answered {
    let name = format!("refs/{name}");
    let oid = world.git.reference(&name).ok_or_else(Answer::missing)?;
    Answer::ok(shape(world, &name, &oid))
}

/// `GET git/matching-refs/heads/…`
pub fn matching(world: &World, prefix: &str) -> Answered {
    let found = world.git.references(&format!("refs/{prefix}"));
    Answer::list(
        found
            .iter()
            .map(|(name, oid)| shape(world, name, oid))
            .collect(),
    )
}

/// `POST git/refs`
pub fn create(world: &mut World, request: &Request) -> Answered {
    request.caller.needs("contents", Access::Write)?;
    let name = request.text("ref").unwrap_or_default();
    let oid = request.text("sha").unwrap_or_default();
    let Some(branch) = name.strip_prefix("refs/heads/") else {
        return Err(Answer::error(422, "Reference name must start with 'refs/'"));
    };
    if !world.git.is_branch_name(branch) {
        return Err(Answer::error(
            422,
            &format!("{name} is not a valid ref name."),
        ));
    }
    if world.git.reference(name).is_some() {
        return Err(Answer::error(422, "Reference already exists"));
    }
    if world.git.kind(oid).as_deref() != Some("commit") {
        return Err(Answer::error(422, "Object does not exist"));
    }
    if !world.move_references(&request.caller, &[(name.to_owned(), Some(oid.to_owned()))]) {
        // Git has no branch `a/b` beside a branch `a`.
        return Err(Answer::error(422, "Reference update failed"));
    }
    Answer::created(shape(world, name, oid))
}

/// `PATCH git/refs/heads/…`
pub fn update(world: &mut World, request: &Request, name: &str) -> Answered {
    request.caller.needs("contents", Access::Write)?;
    let name = format!("refs/{name}");
    let oid = request.text("sha").unwrap_or_default();
    let Some(before) = world.git.reference(&name) else {
        return Err(Answer::error(422, "Reference does not exist"));
    };
    if world.git.kind(oid).as_deref() != Some("commit") {
        return Err(Answer::error(422, "Object does not exist"));
    }
    if request.body["force"] != true && !world.git.is_ancestor(&before, oid) {
        return Err(Answer::error(422, "Update is not a fast forward"));
    }
    world.move_references(&request.caller, &[(name.clone(), Some(oid.to_owned()))]);
    Answer::ok(shape(world, &name, oid))
}

/// `DELETE git/refs/heads/…`
pub fn delete(world: &mut World, request: &Request, name: &str) -> Answered {
    request.caller.needs("contents", Access::Write)?;
    let name = format!("refs/{name}");
    if world.git.reference(&name).is_none() {
        return Err(Answer::error(422, "Reference does not exist"));
    }
    if name == world.reference(&world.owner, &world.settings.default_branch) {
        return Err(Answer::error(422, "Cannot delete the default branch"));
    }
    world.move_references(&request.caller, &[(name, None)]);
    Answer::nothing(204)
}
