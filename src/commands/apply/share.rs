//! An image that its users keep seeing when others do not: shared with projects, accepted for them, read back.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};

use crate::domain::finding::Finding;
use crate::domain::patch::Patch;
use crate::domain::snapshot::Visibility;
use crate::domain::step::{Sharing, Step};
use crate::openstack::{self, Image};

/// Changes who sees an image. If it does not work out, the image has its former visibility again.
pub async fn share(
    service: &Image,
    step: &Step,
    id: &str,
    sharing: &Sharing,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<()> {
    let becomes_shared = sharing.from != Visibility::Shared;
    if becomes_shared {
        set(service, id, Visibility::Shared).await?;
    }
    let pending = match widened(service, id, sharing).await {
        Ok(pending) => pending,
        Err(error) => return Err(taken_back(service, id, sharing, error).await),
    };
    if !pending.is_empty() {
        let list: Vec<&str> = pending.iter().map(String::as_str).collect();
        let message = format!(
            "shared with the projects `{}`, but this login may not accept it for them, so their lists do not show it until they \
             accept it themselves; their servers go on, and they can boot it by its ID",
            list.join("`, `")
        );
        findings.push(
            Finding::warning("share-pending", message)
                .image(&step.image)
                .id(id),
        );
    }
    for project in &sharing.remove {
        service.remove_member(id, project).await?;
    }
    Ok(())
}

/// Adds the projects, accepts for them, and reads all of it back; gives those for which nobody may accept.
async fn widened(
    service: &Image,
    id: &str,
    sharing: &Sharing,
) -> Result<BTreeSet<String>, anyhow::Error> {
    for project in &sharing.add {
        service.add_member(id, project).await?;
    }
    let mut refused = false;
    for project in &sharing.add {
        if refused {
            break;
        }
        match service.accept_member(id, project).await {
            Ok(()) => {}
            Err(error) if error.is_forbidden() => refused = true,
            Err(error) => return Err(error.into()),
        }
    }
    let image = service
        .image(id)
        .await?
        .context("the image has vanished; run again")?;
    if image.visibility != Visibility::Shared {
        bail!(
            "image `{id}` is {} again, and nobody but somebody else did that; run again",
            image.visibility
        );
    }
    let members = service.members(id).await?;
    let mut pending = BTreeSet::new();
    for project in &sharing.add {
        let member = members.iter().find(|member| member.project == *project);
        match member.map(|member| member.status.as_str()) {
            Some("pending") => {
                pending.insert(project.clone());
            }
            // Accepted; or refused by a project that does not want to see it, which loses nothing.
            Some(_) => {}
            None => bail!(
                "image `{id}` is not shared with project `{project}`, though Glance said so; run again"
            ),
        }
    }
    Ok(pending)
}

/// Gives the image its former visibility, and ends what was begun.
async fn taken_back(
    service: &Image,
    id: &str,
    sharing: &Sharing,
    error: anyhow::Error,
) -> anyhow::Error {
    if sharing.from == Visibility::Shared {
        return error.context(format!("image `{id}` stays shared as far as it is"));
    }
    for project in &sharing.add {
        // What stays counts for nothing while the image is not shared.
        if let Err(left) = service.remove_member(id, project).await {
            tracing::debug!("image `{id}` keeps the member `{project}`: {left:#}");
        }
    }
    match set(service, id, sharing.from).await {
        Ok(()) => error.context(format!("image `{id}` is {} again, as it was", sharing.from)),
        Err(left) => error.context(format!(
            "image `{id}` stays shared, as it could not be made {} again ({left}); the next run sees to it",
            sharing.from
        )),
    }
}

async fn set(service: &Image, id: &str, visibility: Visibility) -> Result<(), openstack::Error> {
    let patch = Patch {
        visibility: Some(visibility),
        ..Patch::default()
    };
    service.patch(id, &patch).await.map(|_| ())
}
