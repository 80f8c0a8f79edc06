//! Images that were in a cloud before reglaze, and what makes them ours: mark and identity, in one PATCH each.
//!
//! Matches them to definitions, and drafts definitions for those that have none. Nothing else of an image changes:
//! names, visibility and properties are for `plan`. What a drafted definition would lead to is asked of the plan
//! itself, so that taking over never means an upload, another name or less visibility.

mod candidate;
mod draft;
mod evidence;
mod group;
mod identity;
mod matching;
mod naming;
mod shape;

use std::collections::BTreeMap;

use super::checksum::Checksum;
use super::definition::Definition;
use super::finding::Finding;
use super::lint::Scope;
use super::plan;
use super::snapshot::CloudImage;
use super::step::Step;
pub use draft::{Draft, HEADER};

/// What taking over is decided with, beside definitions and images.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What a plan is made with: the mark, the policies, the date.
    pub plan: plan::Context<'a>,
    /// The project whose images may be taken over.
    pub owner: &'a str,
    /// Which names are looked at, of definitions and of images.
    pub looks_at: &'a dyn Fn(&str) -> bool,
    /// Whether a filter names what is looked at, so that snapshots of servers may be meant.
    pub is_filtered: bool,
    /// Digests of images' bytes that were read back, by ID.
    pub read: &'a BTreeMap<String, Vec<Checksum>>,
    /// Where definitions apply, to hold drafted ones against the rules.
    pub scopes: &'a [Scope<'a>],
    /// The file that drafted definitions go to, as findings name it.
    pub file: &'a str,
}

/// What would be taken over in one cloud.
#[derive(Debug, Default)]
pub struct Adoption {
    /// One for each image, the definitions' order first.
    pub steps: Vec<Step>,
    /// Definitions for images that had none.
    pub drafts: Vec<Draft>,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

/// Decides what of a cloud's `images` is taken over, and as what. The same inputs always give the same answer.
pub fn adopt(definitions: &[Definition], images: &[CloudImage], context: &Context<'_>) -> Adoption {
    let candidates = candidate::candidates(images, context);
    let matched = matching::matched(definitions, images, &candidates.images, context);
    let mut adoption = Adoption {
        findings: candidates.findings,
        ..Adoption::default()
    };
    adoption.findings.extend(matched.findings);
    adoption.steps.extend(
        matched
            .matches
            .iter()
            .filter_map(|one| one.step(context.plan.tag)),
    );
    group::drafted(
        definitions,
        images,
        &matched.unmatched,
        context,
        &mut adoption,
    );
    adoption
}

/// The images whose bytes must be read back to know which version they are: a definition tells a digest that Glance did
/// not compute.
pub fn to_read<'a>(
    definitions: &[Definition],
    images: &'a [CloudImage],
    context: &Context<'_>,
) -> Vec<&'a CloudImage> {
    let candidates = candidate::candidates(images, context);
    let mut unread: Vec<&CloudImage> = candidates.images;
    unread.retain(|image| matching::may_be_told_by_reading(definitions, image, context));
    unread
}

#[cfg(test)]
mod tests;
