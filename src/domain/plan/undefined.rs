//! Images of ours whose definition is gone or disabled: they stay as they are, or get the last stage if the policy says so.

use std::collections::BTreeMap;

use super::image::{self, ImagePlan};
use super::{Context, belongs_to, is_unpublished};
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::policy::{self, Undefined};
use crate::domain::snapshot::{CloudImage, Snapshot, Status};

/// Plans for all names that no enabled definition bears.
pub fn plan(
    definitions: &[Definition],
    selected: &impl Fn(&str) -> bool,
    snapshot: &Snapshot,
    context: &Context<'_>,
    withheld: bool,
) -> (Vec<ImagePlan>, Vec<Finding>) {
    let mut plans = Vec::new();
    let mut findings = Vec::new();
    for (name, images) in images(definitions, selected, snapshot) {
        let disabled = definitions.iter().find(|one| one.name == name);
        let bare;
        let definition = if let Some(disabled) = disabled {
            disabled
        } else {
            bare = Definition::bare(name);
            &bare
        };
        let mut policies = context.policies.to_vec();
        policies.extend(&definition.policy);
        let policy = policy::resolve(definition.multi, &policies);
        match policy {
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

fn images<'a>(
    definitions: &[Definition],
    selected: &impl Fn(&str) -> bool,
    snapshot: &'a Snapshot,
) -> BTreeMap<&'a str, Vec<&'a CloudImage>> {
    let mut images = BTreeMap::<&str, Vec<&CloudImage>>::new();
    for image in snapshot.ours() {
        let is_defined = |name: &str| definitions.iter().any(|one| one.enable && one.name == name);
        let bootable = matches!(image.status, Status::Active | Status::Deactivated);
        if let Some(name) = belongs_to(image)
            && !is_defined(name)
            && selected(name)
            && bootable
            && !is_unpublished(image)
        {
            images.entry(name).or_default().push(image);
        }
    }
    images
}

fn kept(name: &str, count: usize) -> Finding {
    Finding::note(
        "undefined-image",
        format!("no enabled definition names `{name}`; its {count} image(s) stay as they are"),
    )
    .image(name)
}
