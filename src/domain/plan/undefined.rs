//! Images of ours whose definition is gone or disabled: they stay as they are, or get the last stage if the policy says so.

use std::collections::{BTreeMap, BTreeSet};

use super::image::{self, ImagePlan};
use super::images::Images;
use super::{Context, is_unpublished};
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::policy::{self, Undefined};
use crate::domain::snapshot::{CloudImage, Status};

/// Plans for all names that no enabled definition bears.
pub fn plan(
    definitions: &[Definition],
    selected: &impl Fn(&str) -> bool,
    images: &Images<'_>,
    context: &Context<'_>,
    withheld: bool,
) -> (Vec<ImagePlan>, Vec<Finding>) {
    let mut plans = Vec::new();
    let mut findings = Vec::new();
    let mut disabled = BTreeMap::new();
    let mut enabled = BTreeSet::new();
    for definition in definitions {
        if definition.enable {
            enabled.insert(definition.name.as_str());
        }
        disabled.entry(&*definition.name).or_insert(definition);
    }
    for (name, images) in images.ours().by_definition() {
        if enabled.contains(name) || !selected(name) {
            continue;
        }
        let images: Vec<&CloudImage> = images.filter(|image| is_published(image)).collect();
        if images.is_empty() {
            continue;
        }
        let bare;
        let definition = if let Some(disabled) = disabled.get(name) {
            disabled
        } else {
            bare = Definition::bare(name);
            &bare
        };
        match policy::of(definition, context.policies) {
            Ok(policy) if policy.undefined == Undefined::Retire => {
                plans.push(image::retire(
                    definition, &policy, &images, context, withheld,
                ));
            }
            // A preset that does not exist is told where a definition asks for it.
            Ok(_) | Err(_) => findings.push(kept(name, images.len())),
        }
    }
    (plans, findings)
}

fn is_published(image: &CloudImage) -> bool {
    let bootable = matches!(image.status, Status::Active | Status::Deactivated);
    bootable && !is_unpublished(image)
}

fn kept(name: &str, count: usize) -> Finding {
    Finding::note(
        "undefined-image",
        format!("no enabled definition names `{name}`; its {count} image(s) stay as they are"),
    )
    .image(name)
}
