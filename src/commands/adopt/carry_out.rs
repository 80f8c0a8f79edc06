//! One request for each image. Images do not depend on each other: one that fails holds up none of the others.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};

use super::super::stop::{STOPPED, Stop};
use crate::domain::outcome::{Outcome, Tried};
use crate::domain::snapshot::CloudImage;
use crate::domain::step::{Step, Work};
use crate::openstack::Image;

/// Carries the steps out, each against the image as it was when it was decided.
pub async fn carry_out(
    service: &Image,
    stop: &Stop,
    images: &[CloudImage],
    steps: Vec<Step>,
) -> Vec<Tried> {
    let known: BTreeMap<&str, &CloudImage> = images
        .iter()
        .map(|image| (image.id.as_str(), image))
        .collect();
    let mut tried = Vec::new();
    for step in steps {
        if stop.is_wanted() {
            tried.push(Tried {
                step,
                outcome: Some(Outcome::Skipped),
                error: Some(STOPPED.to_owned()),
                transferred: None,
            });
            continue;
        }
        tracing::info!("{}", step.line());
        let (outcome, error) = match perform(service, &known, &step).await {
            Ok(()) => (Outcome::Done, None),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!("{}: {error}", step.image);
                (Outcome::Failed, Some(error))
            }
        };
        tried.push(Tried {
            step,
            outcome: Some(outcome),
            error,
            transferred: None,
        });
    }
    tried
}

async fn perform(
    service: &Image,
    known: &BTreeMap<&str, &CloudImage>,
    step: &Step,
) -> anyhow::Result<()> {
    let (Some(id), Work::Patch(patch)) = (&step.id, &step.work) else {
        bail!("this step was read from a file and cannot be done");
    };
    let now = service.image(id).await?;
    let now = now.with_context(|| format!("image `{id}` is not there any more; run again"))?;
    let then = known.get(id.as_str()).copied();
    // The PATCH writes all tags: one that somebody added meanwhile would be lost.
    let is_same = then.is_some_and(|then| {
        let now = CloudImage {
            updated_at: then.updated_at,
            ..now
        };
        now == *then
    });
    if !is_same {
        bail!(
            "image `{id}` was changed by somebody else meanwhile, so it was left alone; run again"
        );
    }
    service.patch(id, patch).await?;
    Ok(())
}
