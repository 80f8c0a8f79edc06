//! The deletion of an image at the end of its life: looked at again and asked about again, the moment before.

use anyhow::{Context as _, bail};

use super::Target;
use crate::domain::finding::Finding;
use crate::domain::plan::{belongs_to, version_of};
use crate::domain::policy::StageName;
use crate::domain::record;
use crate::domain::snapshot::CloudImage;
use crate::domain::step::Step;
use crate::domain::usage::Usage;
use crate::openstack;

/// What became of it.
pub enum Ended {
    /// It is gone.
    Deleted,
    /// Somebody uses it, so it stays.
    Used,
    /// Nobody could say who uses it, so it stays; the reason stands in a finding.
    Unknown(String),
}

/// Deletes an image, if it is still what was planned and nobody uses it.
pub async fn delete(
    target: Target<'_>,
    step: &Step,
    id: &str,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<Ended> {
    let service = target.service;
    let Some(image) = service.image(id).await? else {
        return Ok(Ended::Deleted);
    };
    if let Some(moved) = moved(&image, step, target) {
        bail!("image `{id}` {moved}, so it was not deleted; plan again");
    }
    let uses = openstack::uses_of(service.session(), target.cloud.in_use, id).await;
    match uses.of(id) {
        Usage::Unused => {}
        Usage::Used(by) => {
            findings.push(used(step, id, &by.who()));
            return Ok(Ended::Used);
        }
        Usage::Unknown(reason) => return Ok(Ended::Unknown(reason.to_owned())),
    }
    match service.delete(id).await {
        Ok(_) => Ok(Ended::Deleted),
        Err(error) if error.is_conflict() => {
            as_it_was(target, &image).await?;
            findings.push(used(
                step,
                id,
                &format!("data of the image store ({error})"),
            ));
            Ok(Ended::Used)
        }
        Err(error) if error.is_forbidden() => {
            as_it_was(target, &image).await?;
            Err(error).with_context(|| {
                format!("image `{id}` stays as it was; if somebody protected it meanwhile, that is respected")
            })
        }
        Err(error) => Err(error.into()),
    }
}

fn used(step: &Step, id: &str, by: &str) -> Finding {
    let message =
        format!("not deleted, as it is used by {by}; a later run deletes it once nobody uses it");
    Finding::note("image-in-use", message)
        .image(&step.image)
        .id(id)
}

/// Says what changed since the plan so that the image is none that ends.
fn moved(image: &CloudImage, step: &Step, target: Target<'_>) -> Option<&'static str> {
    let tag = &target.run.settings.tag;
    if !image.is_ours(tag, target.owner) {
        return Some("is not ours any more");
    }
    if image.protected {
        return Some("is protected");
    }
    if belongs_to(image) != Some(&step.image) || version_of(image) != step.version.as_deref() {
        return Some("is of another definition or version now");
    }
    if image.properties.get(record::STAGE).map(String::as_str) == Some(StageName::Latest.as_str()) {
        return Some("is the newest again");
    }
    if image.import_task.is_some() {
        return Some("is being worked on by Glance");
    }
    None
}

/// Makes sure that a refused deletion left the image whole.
async fn as_it_was(target: Target<'_>, before: &CloudImage) -> anyhow::Result<()> {
    let id = &before.id;
    match target.service.image(id).await? {
        Some(now)
            if now.status == before.status
                && now.visibility == before.visibility
                && now.hidden == before.hidden =>
        {
            Ok(())
        }
        Some(now) => bail!(
            "Glance refused to delete image `{id}` and changed it: it was `{}` and {}, now it is `{}` and {}; look at it",
            before.status,
            before.visibility,
            now.status,
            now.visibility
        ),
        None => {
            bail!("Glance refused to delete image `{id}`, and now it is gone; look at Glance's log")
        }
    }
}
