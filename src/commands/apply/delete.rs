//! The deletion of an image at the end of its life: looked at again and asked about again, the moment before.

use anyhow::{Context as _, bail};

use super::Target;
use crate::domain::ending::{self, Stays};
use crate::domain::finding::Finding;
use crate::domain::snapshot::CloudImage;
use crate::domain::step::{Ending, Step};
use crate::domain::usage::Usage;
use crate::openstack;

/// What became of it.
pub enum Ended {
    /// It is gone.
    Deleted,
    /// Somebody uses it, or wants it to stay by a promise or protection; a finding says who.
    Stays,
    /// Nobody could say who uses it, so it stays; the reason stands in a finding.
    Unknown(String),
}

/// Deletes an image, if nobody uses it and it is still what was planned.
///
/// The services that know its users may take their time, so the image itself is looked at last.
pub async fn delete(
    target: Target<'_>,
    step: &Step,
    id: &str,
    ending: Ending,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<Ended> {
    let service = target.service;
    let uses = openstack::uses_of(service.session(), target.cloud.in_use, id).await;
    match uses.of(id) {
        Usage::Unused => {}
        Usage::Used(by) => {
            findings.push(used(step, id, &by.who()));
            return Ok(Ended::Stays);
        }
        Usage::Unknown(reason) => return Ok(Ended::Unknown(reason.to_owned())),
    }
    let Some(image) = service.image(id).await? else {
        return Ok(Ended::Deleted);
    };
    match ending::stays(&image, step, ending, target.ours()) {
        None => {}
        Some(Stays::Other(what)) => {
            bail!("image `{id}` {what}, so it was not deleted; plan again")
        }
        Some(Stays::Wanted(finding)) => {
            findings.push(finding);
            return Ok(Ended::Stays);
        }
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
            Ok(Ended::Stays)
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
