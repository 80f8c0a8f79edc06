//! Which images may be taken over: the owner's, complete, and offered as images rather than made of somebody's server.

use super::Context;
use super::identity::identity;
use crate::domain::finding::Finding;
use crate::domain::plan::is_unpublished;
use crate::domain::snapshot::{CloudImage, Status};

/// Properties that Nova, Cinder and their clients write on snapshots and backups of servers and volumes.
const OF_SERVERS: [&str; 7] = [
    "backup_type",
    "base_image_ref",
    "bdm_v2",
    "block_device_mapping",
    "instance_uuid",
    "instance_type_id",
    "snapshot_id",
];

/// Images to look at, and what was left out that a person should know.
#[derive(Debug, Default)]
pub(super) struct Candidates<'a> {
    pub images: Vec<&'a CloudImage>,
    pub findings: Vec<Finding>,
}

/// Gives the owner's images that are complete and not yet ours with an identity, the elder first.
pub(super) fn candidates<'a>(images: &'a [CloudImage], context: &Context<'_>) -> Candidates<'a> {
    let mut candidates = Candidates::default();
    let mut servers = 0;
    for image in images {
        let is_foreign = image.owner.as_deref() != Some(context.owner);
        let is_done = image.is_ours(context.plan.tag, context.owner) && identity(image).is_some();
        if is_foreign || is_done || !is_complete(image) {
            continue;
        }
        let is_looked_at = is_looked_at(image, context);
        if is_of_a_server(image) && !(context.is_filtered && is_looked_at) {
            servers += 1;
        } else if is_unpublished(image) {
            if !is_looked_at {
                continue;
            }
            let finding = Finding::warning(
                "adopt-unproven",
                "a run of reglaze with another mark began it and never published it, so it is not taken over; delete it, or \
                 finish that run",
            );
            candidates.findings.push(about(finding, image));
        } else {
            candidates.images.push(image);
        }
    }
    candidates
        .images
        .sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    if servers > 0 {
        candidates.findings.push(Finding::note(
            "adopt-snapshot",
            format!(
                "{servers} snapshot(s) or backup(s) of servers are left alone; name one by --filter if it is meant for \
                 the catalogue"
            ),
        ));
    }
    candidates
}

/// A finding about an image that may have no definition: it goes by its display name.
pub(super) fn about(finding: Finding, image: &CloudImage) -> Finding {
    let finding = finding.id(&image.id);
    match &image.name {
        Some(name) => finding.image(name),
        None => finding,
    }
}

/// Whether the filter finds the image's own name, or the one that another tool recorded.
pub(super) fn is_looked_at(image: &CloudImage, context: &Context<'_>) -> bool {
    let recorded = identity(image).map(|known| known.name);
    let mut names = image.name.as_deref().into_iter().chain(recorded);
    names.any(|name| (context.looks_at)(name))
}

fn is_complete(image: &CloudImage) -> bool {
    matches!(image.status, Status::Active | Status::Deactivated)
        && image.import_task.is_none()
        && image.size.is_none_or(|size| size > 0)
}

fn is_of_a_server(image: &CloudImage) -> bool {
    let kind = image.properties.get("image_type").map(String::as_str);
    let place = image.properties.get("image_location").map(String::as_str);
    matches!(kind, Some("snapshot" | "backup"))
        || place == Some("snapshot")
        || OF_SERVERS
            .iter()
            .any(|key| image.properties.contains_key(*key))
}
