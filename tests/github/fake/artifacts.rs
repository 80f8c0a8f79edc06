//! Files that workflow runs left; their content lies on another server, for which the token is not meant.

use serde_json::{Value, json};

use super::request::{Answer, Answered, Body, Request};
use super::tokens::Access;
use super::world::World;

#[derive(Debug, Clone)]
pub struct Artifact {
    pub id: u64,
    pub name: String,
    /// The packed content.
    pub zip: Vec<u8>,
    pub is_expired: bool,
    /// The run's branch and commit.
    pub branch: String,
    pub commit: String,
    pub created_at: String,
}

/// `GET actions/artifacts`
pub fn list(world: &World, request: &Request) -> Answered {
    request.caller.needs("actions", Access::Read)?;
    let wanted = request.parameter("name");
    let own = world
        .artifacts
        .iter()
        .rev()
        .filter(|artifact| wanted.is_none_or(|name| artifact.name == name));
    let items = own.map(|artifact| shape(world, artifact)).collect();
    Ok(Answer::new(200, Body::List(items, Some("artifacts"))))
}

/// `GET actions/artifacts/ID/zip`
pub fn zip(world: &World, request: &Request, id: u64) -> Answered {
    request.caller.needs("actions", Access::Read)?;
    let artifact = world
        .artifacts
        .iter()
        .find(|artifact| artifact.id == id)
        .ok_or_else(Answer::missing)?;
    if artifact.is_expired {
        return Err(Answer::error(410, "Artifact has expired"));
    }
    Ok(Answer::new(302, Body::None)
        .with("location", format!("{}/{id}.zip?sig=signed", world.storage)))
}

/// The storage's own answer.
pub fn stored(world: &mut World, request: &Request) -> Answered {
    if request.headers.contains_key("authorization") {
        world
            .violations
            .push("the token was sent to the storage of artifacts".to_owned());
        return Err(Answer::error(400, "InvalidAuthenticationInfo"));
    }
    let name = request
        .path
        .trim_start_matches('/')
        .trim_end_matches(".zip");
    let found = world
        .artifacts
        .iter()
        .find(|artifact| artifact.id.to_string() == name);
    let found = found.filter(|_| request.parameter("sig") == Some("signed"));
    let zip = found.ok_or_else(Answer::missing)?.zip.clone();
    Ok(Answer::new(200, Body::Bytes("application/zip", zip)))
}

fn shape(world: &World, artifact: &Artifact) -> Value {
    let url = format!("{}/actions/artifacts/{}", world.api(), artifact.id);
    json!({
        "id": artifact.id,
        "node_id": format!("AR_{}", artifact.id),
        "name": artifact.name,
        "size_in_bytes": artifact.zip.len(),
        "url": url,
        "archive_download_url": format!("{url}/zip"),
        "expired": artifact.is_expired,
        "created_at": artifact.created_at,
        "updated_at": artifact.created_at,
        "expires_at": "2099-01-01T00:00:00Z",
        "workflow_run": {
            "id": 1, "repository_id": 1, "head_repository_id": 1,
            "head_branch": artifact.branch, "head_sha": artifact.commit,
        },
    })
}
