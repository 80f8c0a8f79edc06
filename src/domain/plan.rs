//! Definitions and a cloud's snapshot make a plan. The same inputs always give the same plan.
//!
//! Steps are ordered so that stopping after any of them leaves every name usable. A foreign image is never in a plan.

mod image;
mod images;
mod undefined;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::attested::Verify;
use super::definition::Definition;
use super::finding::Finding;
use super::import::Offered;
use super::policy::{self, PolicyOverride};
use super::snapshot::{CloudImage, Snapshot};
use super::step::{self, Step, Work};
use super::template::Variables;
use super::transfer::Transfer;
use super::usage::{self, Uses};
use super::wanted::{IMAGE_NAME, INTERNAL_VERSION, STAGED, STATE, UNPROVEN};
use super::way;
use images::Images;

/// What a plan is made with, beside definitions and cloud.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The mark's tag.
    pub tag: &'a str,
    /// Policies, the weaker first: the catalogue's, the cloud's. The definition's comes after them.
    pub policies: &'a [&'a PolicyOverride],
    /// How many withdrawals one run may do.
    pub withdrawals: usize,
    /// How many images one run may delete by policy.
    pub deletions: usize,
    /// With how many projects an image may be shared.
    pub members: usize,
    /// Who uses which image, as far as the policies ask.
    pub uses: &'a Uses,
    /// The projects of the domains that the policies share with, by the word that names the domain there. One that is
    /// missing could not be resolved.
    pub domains: &'a BTreeMap<String, BTreeSet<String>>,
    /// How bytes come into the cloud.
    pub transfer: &'a Transfer,
    /// What the cloud's Glance says that it can do; asked only where `transfer` needs it.
    pub offered: &'a Offered,
    /// How much proof the settings ask for; a policy may ask for more.
    pub verify: Verify,
    /// Environment variables that templates may name.
    pub run: &'a Variables,
    /// The date of all decisions.
    pub today: NaiveDate,
}

/// What would happen in one cloud.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The steps, in the order in which they are done.
    pub steps: Vec<Step>,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// The fingerprint of its steps.
    pub fn fingerprint(&self) -> String {
        step::fingerprint(&self.steps)
    }
}

/// Compares what the definitions want with what the cloud has.
///
/// `selected` says which definitions are looked at; the others are known, so that their images are not called undefined.
pub fn plan(
    definitions: &[Definition],
    selected: impl Fn(&str) -> bool,
    snapshot: &Snapshot,
    context: &Context<'_>,
) -> Plan {
    let images = Images::new(snapshot);
    let mut plan = all(definitions, &selected, &images, context, false);
    limit_withdrawals(&mut plan, context.withdrawals, || {
        all(definitions, &selected, &images, context, true)
    });
    limit_deletions(&mut plan, context.deletions);
    plan
}

fn all(
    definitions: &[Definition],
    selected: &impl Fn(&str) -> bool,
    images: &Images<'_>,
    context: &Context<'_>,
    withheld: bool,
) -> Plan {
    let mut plan = Plan::default();
    let mut plans = Vec::new();
    for definition in definitions
        .iter()
        .filter(|one| one.enable && selected(&one.name))
    {
        match policy::of(definition, context.policies) {
            Ok(policy) => {
                plans.push(image::plan(definition, &policy, images, context, withheld));
            }
            Err(finding) => plan.findings.push(
                finding
                    .at(&definition.file, definition.at)
                    .image(&definition.name),
            ),
        }
    }
    let (retired, notes) = undefined::plan(definitions, selected, images, context, withheld);
    plans.extend(retired);
    // Two images under one name, left by a run that died in between, are parted before anything else is begun.
    for one in &mut plans {
        plan.steps.append(&mut one.finishing);
    }
    let waits_for_use = plans.iter().any(|one| one.waits_for_use);
    let waits_for_way = plans.iter().any(|one| one.waits_for_way);
    let mut deletions = Vec::new();
    for one in plans {
        plan.steps.extend(one.steps);
        plan.findings.extend(one.findings);
        deletions.extend(one.deletions);
    }
    // What cannot be taken back comes when all the rest is done.
    plan.steps.extend(deletions);
    plan.findings.extend(notes);
    if waits_for_way {
        // Said once for the cloud, and only if something would be uploaded.
        plan.findings
            .extend(way::refusal(context.transfer, context.offered));
    }
    if let (true, Some(reason)) = (waits_for_use, context.uses.gap()) {
        plan.findings.push(usage::unknown(reason));
    }
    plan
}

/// The definition's name that an image of ours belongs to.
///
/// openstack-image-manager wrote it as `image_description` alone before it had `image_name`.
pub fn belongs_to(image: &CloudImage) -> Option<&str> {
    let name = image.properties.get(IMAGE_NAME);
    name.or_else(|| image.properties.get("image_description"))
        .map(String::as_str)
}

/// The version that an image of ours holds.
pub fn version_of(image: &CloudImage) -> Option<&str> {
    image.properties.get(INTERNAL_VERSION).map(String::as_str)
}

/// Whether an image was never published: an upload that is under way, was cut off, or waits for its boot test.
pub fn is_unpublished(image: &CloudImage) -> bool {
    image
        .properties
        .get(STATE)
        .is_some_and(|state| [UNPROVEN, STAGED].contains(&state.as_str()))
}

/// Above the limit none is done: more at once than an operator expects is more likely a mistake than a wish. What else
/// would be done goes on.
fn limit_withdrawals(plan: &mut Plan, limit: usize, withheld: impl FnOnce() -> Plan) {
    let count = plan.steps.iter().filter(|step| step.withdrawal).count();
    if count <= limit {
        return;
    }
    *plan = withheld();
    plan.findings.push(Finding::error(
        "too-many-withdrawals",
        format!(
            "{count} steps would take images away from tenants, and `limits.withdrawals` allows {limit}; none of them \
             is done; raise the limit if all of them are meant"
        ),
    ));
}

/// The same of deletions.
fn limit_deletions(plan: &mut Plan, limit: usize) {
    let count = plan.steps.iter().filter(|step| is_deletion(step)).count();
    if count <= limit {
        return;
    }
    plan.steps.retain(|step| !is_deletion(step));
    plan.findings.push(Finding::error(
        "too-many-deletions",
        format!(
            "{count} images have reached their end, and `limits.deletions` allows {limit} deletions in one run; none of \
             them is done; raise the limit if all of them are meant"
        ),
    ));
}

/// Whether a policy deletes an image here. What a dead run left is another matter.
fn is_deletion(step: &Step) -> bool {
    matches!(step.work, Work::Delete(_))
}

#[cfg(test)]
mod tests;
