//! Blobs, trees and commits by REST.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::repository::{Commit, Signature};
use super::request::{Answer, Answered, Request};
use super::shapes;
use super::tokens::{Access, Kind};
use super::world::{World, login_of};

/// `GET git/blobs/…`
pub fn blob(world: &World, oid: &str) -> Answered {
    let content = world.git.blob(oid).ok_or_else(Answer::missing)?;
    let lines: Vec<_> = STANDARD.encode(&content).into_bytes();
    // GitHub breaks it into lines of sixty.
    let lines: Vec<_> = lines.chunks(60).map(String::from_utf8_lossy).collect();
    Answer::ok(json!({
        "sha": oid,
        "node_id": format!("B_{oid}"),
        "size": content.len(),
        "url": format!("{}/git/blobs/{oid}", world.api()),
        "content": lines.join("\n") + "\n",
        "encoding": "base64",
    }))
}

/// `POST git/blobs`
pub fn create_blob(world: &World, request: &Request) -> Answered {
    request.caller.needs("contents", Access::Write)?;
    let content = request.text("content").unwrap_or_default();
    let bytes = match request.text("encoding") {
        Some("base64") => STANDARD.decode(content.replace(['\n', ' '], "")),
        _ => Ok(content.as_bytes().to_vec()),
    };
    let bytes = bytes.map_err(|_| Answer::error(422, "content is not valid Base64"))?;
    let oid = world.git.write_blob(&bytes);
    Answer::created(json!({"sha": oid, "url": format!("{}/git/blobs/{oid}", world.api())}))
}

/// `GET git/trees/…`; a commit and a branch count too.
pub fn tree(world: &World, request: &Request, name: &str) -> Answered {
    let recursive = request
        .parameter("recursive")
        .is_some_and(|value| !value.is_empty());
    let entries = world
        .git
        .entries(name, recursive)
        .ok_or_else(Answer::missing)?;
    let is_cut = entries.len() > world.settings.tree_size;
    let shown = entries.iter().take(world.settings.tree_size).map(|entry| {
        let mut shape = json!({
            "path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.oid,
            "url": format!("{}/git/{}s/{}", world.api(), entry.kind, entry.oid),
        });
        if let Some(size) = entry.size {
            shape["size"] = size.into();
        }
        shape
    });
    Answer::ok(json!({
        "sha": name,
        "url": format!("{}/git/trees/{name}", world.api()),
        "tree": shown.collect::<Vec<_>>(),
        "truncated": is_cut,
    }))
}

/// `POST git/trees`
pub fn create_tree(world: &World, request: &Request) -> Answered {
    request.caller.needs("contents", Access::Write)?;
    let base = request.text("base_tree");
    let mut changes = BTreeMap::new();
    for entry in request.body["tree"].as_array().into_iter().flatten() {
        let Some(path) = entry["path"].as_str() else {
            return Err(Answer::error(422, "tree.path is missing"));
        };
        let mode = entry["mode"].as_str().unwrap_or("100644").to_owned();
        let change = match (&entry["sha"], entry["content"].as_str()) {
            (Value::String(oid), _) if world.git.kind(oid).as_deref() == Some("blob") => {
                Some((mode, oid.clone()))
            }
            (_, Some(content)) => Some((mode, world.git.write_blob(content.as_bytes()))),
            (Value::Null, None) if entry.get("sha").is_some() => None,
            _ => return Err(Answer::error(422, "tree.sha is not the name of a blob")),
        };
        changes.insert(path.to_owned(), change);
    }
    let oid = world.git.tree_with(base, &changes);
    let oid = oid.ok_or_else(|| Answer::error(422, "The tree could not be made"))?;
    let mut answer = tree(world, request, &oid)?;
    answer.status = 201;
    Ok(answer)
}

/// `GET git/commits/…`
pub fn commit(world: &World, oid: &str) -> Answered {
    let commit = world.git.commit(oid).filter(|commit| commit.oid == oid);
    Answer::ok(plain(world, &commit.ok_or_else(Answer::missing)?))
}

/// `POST git/commits`
pub fn create_commit(world: &mut World, request: &Request) -> Answered {
    request.caller.needs("contents", Access::Write)?;
    let message = request.text("message").unwrap_or_default();
    let tree = request.text("tree").unwrap_or_default();
    if world.git.kind(tree).as_deref() != Some("tree") {
        return Err(Answer::error(422, "Tree SHA does not exist"));
    }
    let parents = request.texts("parents").unwrap_or_default();
    if parents
        .iter()
        .any(|parent| world.git.kind(parent).as_deref() != Some("commit"))
    {
        return Err(Answer::error(
            422,
            "Parent SHA does not exist or is not a commit object",
        ));
    }
    let given = |field: &str| {
        let value = request.body.get(field)?;
        Some(Signature {
            name: value["name"].as_str()?.to_owned(),
            email: value["email"].as_str()?.to_owned(),
            date: value["date"]
                .as_str()
                .map_or_else(|| world.now(), str::to_owned),
        })
    };
    let own = world.signature(&request.caller.login);
    // Those of apps are signed, unless somebody else is named.
    let is_signed = request.caller.kind != Kind::User
        && given("author").is_none()
        && given("committer").is_none();
    let author = given("author").unwrap_or(own);
    let committer = given("committer").unwrap_or_else(|| {
        if is_signed {
            world.web_flow()
        } else {
            author.clone()
        }
    });
    let oid = world
        .git
        .write_commit(tree, &parents, message, &author, &committer)
        .expect("a commit");
    if is_signed {
        world.verified.insert(oid.clone());
    }
    Answer::created(plain(world, &world.commit(&oid)))
}

fn parents(world: &World, commit: &Commit) -> Vec<Value> {
    let parent = |oid: &String| {
        json!({
            "sha": oid,
            "url": format!("{}/git/commits/{oid}", world.api()),
            "html_url": format!("{}/commit/{oid}", world.page()),
        })
    };
    commit.parents.iter().map(parent).collect()
}

fn signature(signature: &Signature) -> Value {
    json!({"name": signature.name, "email": signature.email, "date": signature.date})
}

fn verification(world: &World, oid: &str) -> Value {
    if world.verified.contains(oid) {
        json!({"verified": true, "reason": "valid", "signature": "-----BEGIN PGP SIGNATURE-----",
            "payload": "tree", "verified_at": world.now()})
    } else {
        json!({"verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null})
    }
}

/// A commit as `git/commits` tells it.
fn plain(world: &World, commit: &Commit) -> Value {
    json!({
        "sha": commit.oid,
        "node_id": format!("C_{}", commit.oid),
        "url": format!("{}/git/commits/{}", world.api(), commit.oid),
        "html_url": format!("{}/commit/{}", world.page(), commit.oid),
        "author": signature(&commit.author),
        "committer": signature(&commit.committer),
        "tree": {"sha": commit.tree, "url": format!("{}/git/trees/{}", world.api(), commit.tree)},
        "message": commit.message,
        "parents": parents(world, commit),
        "verification": verification(world, &commit.oid),
    })
}

/// A commit as comparisons tell it, with the users behind its addresses.
pub fn rich(world: &World, commit: &Commit) -> Value {
    let user = |signature: &Signature| match login_of(signature) {
        Some(login) => shapes::user(world, &login),
        None => Value::Null,
    };
    json!({
        "sha": commit.oid,
        "node_id": format!("C_{}", commit.oid),
        "url": format!("{}/commits/{}", world.api(), commit.oid),
        "html_url": format!("{}/commit/{}", world.page(), commit.oid),
        "comments_url": format!("{}/commits/{}/comments", world.api(), commit.oid),
        "commit": {
            "url": format!("{}/git/commits/{}", world.api(), commit.oid),
            "author": signature(&commit.author),
            "committer": signature(&commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": format!("{}/git/trees/{}", world.api(), commit.tree)},
            "comment_count": 0,
            "verification": verification(world, &commit.oid),
        },
        "author": user(&commit.author),
        "committer": user(&commit.committer),
        "parents": parents(world, commit),
    })
}
