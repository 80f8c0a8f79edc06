//! Images that no definition speaks of, put together by what they seem to be versions of, and given definitions.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::candidate::{about, is_looked_at};
use super::draft::Draft;
use super::identity::identity;
use super::matching::Match;
use super::naming;
use super::shape::{self, Shape};
use super::{Adoption, Context};
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::plan::is_unpublished;
use crate::domain::snapshot::{CloudImage, Status};
use crate::domain::version::Order;

/// Images that seem to be versions of one thing, the newest first.
#[derive(Debug, Clone)]
pub(super) struct Group<'a> {
    /// The name that a definition of all of them has.
    pub name: String,
    pub members: Vec<Member<'a>>,
}

/// One image of a group.
#[derive(Debug, Clone)]
pub(super) struct Member<'a> {
    pub image: &'a CloudImage,
    pub version: String,
    /// The template that gives its display name back from the group's name and its version.
    pub template: String,
}

/// Properties in which versions of one thing do not differ.
const SAME: [&str; 4] = ["architecture", "os_distro", "os_version", "os_purpose"];

/// Drafts definitions for `unmatched` images, and for images of ours that have none any more.
///
/// What cannot be defined without changing it is told and left alone.
pub(super) fn drafted(
    definitions: &[Definition],
    images: &[CloudImage],
    unmatched: &[&CloudImage],
    context: &Context<'_>,
    adoption: &mut Adoption,
) {
    let mut names: BTreeSet<String> = definitions.iter().map(|one| one.name.clone()).collect();
    let undefined = images.iter().filter(|image| {
        image.is_ours(context.plan.tag, context.owner)
            && matches!(image.status, Status::Active | Status::Deactivated)
            && !is_unpublished(image)
            && is_looked_at(image, context)
            && identity(image).is_some_and(|known| !names.contains(known.name))
    });
    let all: Vec<&CloudImage> = undefined.chain(unmatched.iter().copied()).collect();
    for group in groups(&all) {
        let together = is_one_thing(&group)
            .then(|| fitting(&group, &names, images, context))
            .flatten();
        if let Some(draft) = together {
            take(draft, &group, context, &mut names, adoption);
            continue;
        }
        for member in &group.members {
            let single = alone(member);
            match fitting(&single, &names, images, context) {
                Some(draft) => take(draft, &single, context, &mut names, adoption),
                None => adoption.findings.push(unfit(member.image)),
            }
        }
    }
}

fn take(
    draft: Draft,
    group: &Group<'_>,
    context: &Context<'_>,
    names: &mut BTreeSet<String>,
    adoption: &mut Adoption,
) {
    names.insert(draft.name.clone());
    let steps = matches(group, &draft.name);
    adoption.steps.extend(
        steps
            .iter()
            .rev()
            .filter_map(|one| one.step(context.plan.tag)),
    );
    adoption.drafts.push(draft);
}

/// The images of a group as what a draft says that they are.
pub(super) fn matches<'a>(group: &Group<'a>, name: &str) -> Vec<Match<'a>> {
    let of_member = |member: &Member<'a>| Match {
        image: member.image,
        name: name.to_owned(),
        version: member.version.clone(),
        evidence: None,
        proven: None,
    };
    group.members.iter().map(of_member).collect()
}

/// The first shape in which the group's definition changes nothing of its images but what describes them.
fn fitting(
    group: &Group<'_>,
    names: &BTreeSet<String>,
    images: &[CloudImage],
    context: &Context<'_>,
) -> Option<Draft> {
    if names.contains(&group.name) {
        return None;
    }
    let shapes = shape::shapes(group, context);
    let mut drafts = shapes
        .iter()
        .filter_map(|shape: &Shape| super::draft::draft(group, shape, context));
    drafts.find(|draft| shape::leaves_all_in_place(draft, group, images, context))
}

fn unfit(image: &CloudImage) -> Finding {
    about(
        Finding::warning(
            "adopt-unfit",
            "no definition can be written that leaves it as it is: its name is not its own, its format is none that \
             definitions know, Glance has no digest of it, or the policy would move it; it is left alone; rename it, or \
             write a definition for it",
        ),
        image,
    )
}

/// Puts images together by the name that another tool recorded, else by what their display names share.
fn groups<'a>(images: &[&'a CloudImage]) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<&str, Vec<&'a CloudImage>> = BTreeMap::new();
    for image in images {
        let recorded = identity(image).map(|known| known.name);
        let display = image.name.as_deref().map(|name| naming::parsed(name).base);
        // An image without any name has none that a definition could bear.
        if let Some(name) = recorded.or(display).filter(|name| !name.trim().is_empty()) {
            groups.entry(name).or_default().push(image);
        }
    }
    groups
        .into_iter()
        .map(|(name, images)| group(name, &images))
        .collect()
}

fn group<'a>(name: &str, images: &[&'a CloudImage]) -> Group<'a> {
    let says_dashes = images.iter().any(|image| {
        said(image).is_some_and(|version| version.len() == 10 && version.matches('-').count() == 2)
    });
    let mut members: Vec<Member> = images
        .iter()
        .map(|image| {
            let version = said(image).map_or_else(|| dated(image, says_dashes), str::to_owned);
            Member {
                template: template(name, &version, image),
                image,
                version,
            }
        })
        .collect();
    members.sort_by(|one, other| {
        Order::Natural
            .compare(&other.version, &one.version)
            .then_with(|| other.image.created_at.cmp(&one.image.created_at))
    });
    Group {
        name: name.to_owned(),
        members,
    }
}

/// The same image under its own display name.
fn alone<'a>(member: &Member<'a>) -> Group<'a> {
    let name = member.image.name.clone().unwrap_or_default();
    Group {
        members: vec![Member {
            template: "{name}".to_owned(),
            ..member.clone()
        }],
        name,
    }
}

/// The version that another tool recorded, else the one in the display name.
fn said(image: &CloudImage) -> Option<&str> {
    match identity(image) {
        Some(known) => Some(known.version),
        None => naming::parsed(image.name.as_deref()?).version,
    }
}

/// The build date as a version, else the day on which the image was created.
fn dated(image: &CloudImage, dashes: bool) -> String {
    let recorded = image.properties.get("image_build_date");
    let recorded = recorded.and_then(|date| date.get(..10)?.parse().ok());
    let date: chrono::NaiveDate = recorded.unwrap_or_else(|| image.created_at.date_naive());
    date.format(if dashes { "%Y-%m-%d" } else { "%Y%m%d" })
        .to_string()
}

/// The template of an image's display name, with as little fixed text as possible.
fn template(name: &str, version: &str, image: &CloudImage) -> String {
    let display = image.name.as_deref().unwrap_or_default();
    let parsed = naming::parsed(display);
    if parsed.base == name && parsed.version.is_none_or(|one| one == version) {
        return parsed.template();
    }
    match display.strip_prefix(name) {
        Some("") => "{name}".to_owned(),
        Some(rest) => format!("{{name}}{}", rest.replacen(version, "{version}", 1)),
        None => display.to_owned(),
    }
}

/// Whether the images may be versions of one thing: one form, one system, one version each.
fn is_one_thing(group: &Group<'_>) -> bool {
    let Some(first) = group.members.first() else {
        return false;
    };
    let is_same = |member: &Member| {
        let (one, other) = (first.image, member.image);
        one.disk_format == other.disk_format
            && one.status == other.status
            && SAME.iter().all(|key| {
                let value = |image: &CloudImage| {
                    let value = image.properties.get(*key)?;
                    // What replaced images are called by a policy of SCS's.
                    Some(value.strip_prefix("old").unwrap_or(value).to_owned())
                };
                value(one) == value(other)
            })
    };
    let is_unique = |pair: &[Member]| {
        Order::Natural.compare(&pair[0].version, &pair[1].version) == Ordering::Greater
    };
    group.members.iter().all(is_same) && group.members.windows(2).all(is_unique)
}
