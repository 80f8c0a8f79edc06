//! Images and definitions: which image is which version, by the strongest evidence there is. What is ambiguous is told
//! and left alone.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Context;
use super::candidate::{about, is_looked_at};
use super::evidence::{self, Bytes, Evidence};
use super::identity::identity;
use super::naming;
use crate::domain::checksum::Checksum;
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;
use crate::domain::patch::Patch;
use crate::domain::plan::is_unpublished;
use crate::domain::policy::{self, Policy};
use crate::domain::snapshot::{CloudImage, Visibility};
use crate::domain::step::{Action, Step, Work};
use crate::domain::wanted::{self, IMAGE_NAME, INTERNAL_VERSION, digest_property};

/// An image and what it is.
#[derive(Debug, Clone)]
pub(super) struct Match<'a> {
    pub image: &'a CloudImage,
    /// The definition's name.
    pub name: String,
    pub version: String,
    /// What it rests on; absent for an image that gets a definition of its own.
    pub evidence: Option<Evidence>,
    /// The digest of the version's file that the stored bytes have.
    pub proven: Option<Checksum>,
}

/// What became of all candidates.
#[derive(Debug, Default)]
pub(super) struct Matched<'a> {
    pub matches: Vec<Match<'a>>,
    /// Images that no definition speaks of.
    pub unmatched: Vec<&'a CloudImage>,
    pub findings: Vec<Finding>,
}

/// A definition with its policy; a definition whose policy cannot be used is known by everything but names.
struct Known<'a> {
    definition: &'a Definition,
    policy: Option<Policy>,
}

/// What is to be said of one image.
enum Verdict<'a> {
    Is {
        definition: &'a Definition,
        version: String,
        listed: Option<&'a Version>,
        evidence: Evidence,
    },
    Refused(Finding),
    Unknown,
}

/// Matches every candidate.
pub(super) fn matched<'a>(
    definitions: &[Definition],
    images: &[CloudImage],
    candidates: &[&'a CloudImage],
    context: &Context<'_>,
) -> Matched<'a> {
    let known: Vec<Known> = definitions
        .iter()
        .map(|definition| Known {
            definition,
            policy: policy_of(definition, context),
        })
        .collect();
    let mut matched = Matched::default();
    let mut claims = Vec::new();
    for image in candidates.iter().copied() {
        match verdict(&known, image, context) {
            Verdict::Unknown if is_looked_at(image, context) => matched.unmatched.push(image),
            Verdict::Unknown => {}
            Verdict::Refused(finding) => {
                if is_looked_at(image, context) {
                    matched.findings.push(about(finding, image));
                }
            }
            Verdict::Is {
                definition,
                version,
                listed,
                evidence,
            } => {
                if !(context.looks_at)(&definition.name) && !is_looked_at(image, context) {
                    continue;
                }
                let proven = listed.and_then(|listed| {
                    match evidence::bytes(image, definition, listed, context) {
                        Bytes::Same(checksum) => Some(checksum),
                        Bytes::Other | Bytes::Unknown => None,
                    }
                });
                if let Some(finding) = refused(definition, listed, image, proven.is_some()) {
                    matched.findings.push(about(finding, image));
                    continue;
                }
                claims.push(Match {
                    image,
                    name: definition.name.clone(),
                    version,
                    evidence: Some(evidence),
                    proven: proven.flatten(),
                });
            }
        }
    }
    settle(claims, definitions, images, context, &mut matched);
    matched
}

/// Whether a definition tells a digest of the image that only reading it back could confirm.
pub(super) fn may_be_told_by_reading(
    definitions: &[Definition],
    image: &CloudImage,
    context: &Context<'_>,
) -> bool {
    let enabled = definitions.iter().filter(|one| {
        one.enable && ((context.looks_at)(&one.name) || is_looked_at(image, context))
    });
    let mut pairs = enabled.flat_map(|one| one.versions.iter().map(move |version| (one, version)));
    let is_told = |(definition, version): (&Definition, &Version)| {
        matches!(
            evidence::bytes(image, definition, version, context),
            Bytes::Same(_)
        )
    };
    !pairs.clone().any(is_told)
        && pairs.any(|(definition, version)| {
            evidence::reading_helps(image, definition, version, context)
        })
}

fn policy_of(definition: &Definition, context: &Context<'_>) -> Option<Policy> {
    policy::of(definition, context.plan.policies).ok()
}

/// The version that the strongest evidence speaks for. Weaker evidence decides only between equals.
fn verdict<'a>(known: &[Known<'a>], image: &CloudImage, context: &Context<'_>) -> Verdict<'a> {
    let spoken_for = |evidence: Evidence| -> Vec<(&'a Definition, &'a Version)> {
        let pairs = known.iter().flat_map(|one| {
            let versions = one.definition.versions.iter();
            versions.map(move |version| (one, version))
        });
        pairs
            .filter(|(one, version)| {
                !version.is_moving()
                    && evidence::speaks(
                        evidence,
                        image,
                        one.definition,
                        version,
                        one.policy.as_ref(),
                        context,
                    )
            })
            .map(|(one, version)| (one.definition, version))
            .collect()
    };
    let mut evidences = Evidence::ALL.into_iter();
    let strongest = evidences.find_map(|evidence| {
        let pairs = spoken_for(evidence);
        (!pairs.is_empty()).then_some((evidence, pairs))
    });
    let Some((evidence, mut pairs)) = strongest else {
        return unlisted(known, image, context);
    };
    for weaker in evidences {
        if pairs.len() > 1 {
            narrow(&mut pairs, &spoken_for(weaker));
        }
    }
    if pairs.len() > 1 {
        let dated: Vec<_> = pairs
            .iter()
            .copied()
            .filter(|(_, version)| is_of_its_date(image, version))
            .collect();
        narrow(&mut pairs, &dated);
    }
    match pairs.as_slice() {
        [(definition, version)] => Verdict::Is {
            definition,
            version: version.version.clone(),
            listed: Some(version),
            evidence,
        },
        several => Verdict::Refused(ambiguous(several, evidence)),
    }
}

fn narrow<'a>(
    pairs: &mut Vec<(&'a Definition, &'a Version)>,
    by: &[(&'a Definition, &'a Version)],
) {
    let same = |one: &(&Definition, &Version)| {
        by.iter().any(|(definition, version)| {
            std::ptr::eq(one.0, *definition) && std::ptr::eq(one.1, *version)
        })
    };
    if pairs.iter().any(same) {
        pairs.retain(same);
    }
}

fn is_of_its_date(image: &CloudImage, version: &Version) -> bool {
    let date = image.properties.get("image_build_date");
    let date = date.and_then(|date| date.get(..10));
    version
        .build_date
        .is_some_and(|build_date| date == Some(build_date.to_string().as_str()))
}

fn ambiguous(pairs: &[(&Definition, &Version)], evidence: Evidence) -> Finding {
    let listed: Vec<_> = pairs
        .iter()
        .take(4)
        .map(|(definition, version)| format!("`{}` {}", definition.name, version.version))
        .collect();
    let more = if pairs.len() > 4 { " and others" } else { "" };
    Finding::warning(
        "adopt-ambiguous",
        format!(
            "{evidence} it may be {}{more}, so it is left alone; `--read` tells versions apart by their bytes, or set \
             `internal_version` on it",
            listed.join(" or ")
        ),
    )
}

/// A version of a definition that is no longer listed, or not yet.
fn unlisted<'a>(known: &[Known<'a>], image: &CloudImage, context: &Context<'_>) -> Verdict<'a> {
    let Some((one, version, evidence)) = known
        .iter()
        .find_map(|one| unlisted_version(one, image, context))
    else {
        return match known.iter().find(|one| bears_its_name(one, image, context)) {
            Some(one) => Verdict::Refused(Finding::warning(
                "adopt-other-bytes",
                format!(
                    "it bears a name of `{}`, but nothing tells which version it is, or its bytes are of none that is \
                     listed, so it is left alone; list its version, or rename it",
                    one.definition.name
                ),
            )),
            None => Verdict::Unknown,
        };
    };
    let definition = one.definition;
    let order = definition.upstream.as_ref().and_then(|one| one.order);
    let order = order
        .or(one.policy.as_ref().and_then(|policy| policy.order))
        .unwrap_or_default();
    let mut listed = definition.versions.iter().filter(|one| !one.is_moving());
    // What is newer than all that is listed counts as withdrawn, and would be retired.
    if !listed.any(|listed| order.compare(&listed.version, &version) == Ordering::Greater) {
        return Verdict::Refused(Finding::warning(
            "adopt-newer",
            format!(
                "it is version `{version}` of `{}`, which lists nothing newer; taken over like this it would count as \
                 withdrawn, so it is left alone; list that version or a newer one first, best by `reglaze update --write`",
                definition.name
            ),
        ));
    }
    Verdict::Is {
        definition,
        version,
        listed: None,
        evidence,
    }
}

/// The version that an image's record, or its name, says of a definition that does not list it.
fn unlisted_version<'a, 'k>(
    one: &'k Known<'a>,
    image: &CloudImage,
    context: &Context<'_>,
) -> Option<(&'k Known<'a>, String, Evidence)> {
    let definition = one.definition;
    let is_listed = |version: &str| {
        let mut versions = definition.versions.iter();
        versions.any(|listed| listed.version == version)
    };
    if let Some(identity) = identity(image).filter(|identity| identity.name == definition.name) {
        let version = identity.version;
        return (!is_listed(version)).then(|| (one, version.to_owned(), Evidence::Identity));
    }
    let policy = one.policy.as_ref().filter(|policy| policy.rotate)?;
    let parsed = naming::parsed(image.name.as_deref()?);
    let version = parsed.version.filter(|version| !is_listed(version))?;
    let remembered = wanted::remembered(definition, version, image);
    evidence::is_named(image, definition, &remembered, policy, context)
        .then(|| (one, version.to_owned(), Evidence::Name))
}

/// Whether an image has a name that belongs to a definition, whatever its version.
fn bears_its_name(one: &Known<'_>, image: &CloudImage, context: &Context<'_>) -> bool {
    let name = one.definition.name.as_str();
    let is_recorded = identity(image).is_some_and(|identity| identity.name == name);
    let mut versions = one.definition.versions.iter();
    is_recorded
        || image.name.as_deref() == Some(name)
        || one.policy.as_ref().is_some_and(|policy| {
            versions
                .any(|version| evidence::is_named(image, one.definition, version, policy, context))
        })
}

/// Why a match is not acted upon.
fn refused(
    definition: &Definition,
    listed: Option<&Version>,
    image: &CloudImage,
    is_proven: bool,
) -> Option<Finding> {
    if !definition.enable {
        return Some(Finding::note(
            "adopt-disabled",
            format!(
                "it is an image of `{}`, whose definition is disabled, so it is left alone",
                definition.name
            ),
        ));
    }
    let ceiling = listed
        .and_then(|version| version.visibility)
        .unwrap_or(definition.visibility);
    // `apply` would widen what nobody proved. Who is no longer listed is never widened.
    let would_widen =
        listed.is_some() && image.visibility < Visibility::Community && image.visibility < ceiling;
    (would_widen && !is_proven).then(|| {
        Finding::warning(
            "adopt-unproven",
            format!(
                "it seems to be an image of `{}`, which is {ceiling}, but its bytes are not proven and it is {} so far, so \
                 it is left alone; `--read` proves them, if the definition has their digest",
                definition.name, image.visibility
            ),
        )
    })
}

/// Of several images of one version one is taken: with the stronger evidence, then the one in default lists, then the
/// elder. One that is ours already counts before all.
fn settle<'a>(
    mut claims: Vec<Match<'a>>,
    definitions: &[Definition],
    images: &[CloudImage],
    context: &Context<'_>,
    matched: &mut Matched<'a>,
) {
    let mut taken: BTreeMap<(String, String), String> = images
        .iter()
        .filter(|image| image.is_ours(context.plan.tag, context.owner) && !is_unpublished(image))
        .filter_map(|image| {
            let known = identity(image)?;
            let key = (known.name.to_owned(), known.version.to_owned());
            Some((key, image.id.clone()))
        })
        .collect();
    claims.sort_by_key(|claim| {
        let image = claim.image;
        let listed = Reverse(image.is_in_the_catalogue());
        (claim.evidence, listed, image.created_at, image.id.clone())
    });
    for claim in claims {
        let key = (claim.name.clone(), claim.version.clone());
        if let Some(elder) = taken.get(&key) {
            let finding = Finding::warning(
                "adopt-duplicate",
                format!(
                    "it seems to be version `{}` of `{}`, which is there as `{elder}` already, so it is left alone; delete \
                     it if nobody uses it",
                    claim.version, claim.name
                ),
            );
            matched.findings.push(about(finding, claim.image));
        } else {
            taken.insert(key, claim.image.id.clone());
            matched.matches.push(claim);
        }
    }
    let position = |name: &str| definitions.iter().position(|one| one.name == name);
    matched.matches.sort_by_key(|one| {
        let image = one.image;
        (position(&one.name), image.created_at, image.id.clone())
    });
}

impl Match<'_> {
    /// The one PATCH that makes the image ours; nothing if it is already.
    pub(super) fn step(&self, tag: &str) -> Option<Step> {
        let image = self.image;
        let mut set = BTreeMap::new();
        let mut put = |key: &str, value: &str| {
            if image.properties.get(key).map(String::as_str) != Some(value) {
                set.insert(key.to_owned(), value.to_owned());
            }
        };
        put(IMAGE_NAME, &self.name);
        put(INTERNAL_VERSION, &self.version);
        let proven = self.proven.as_ref();
        if let Some((key, checksum)) =
            proven.and_then(|one| Some((digest_property(one.algorithm())?, one)))
        {
            put(key, checksum.hex());
        }
        let mut tags = image.tags.clone();
        tags.insert(tag.to_owned());
        let patch = Patch {
            tags: (tags != image.tags).then_some(tags),
            set,
            ..Patch::default()
        };
        if patch.is_empty() {
            return None;
        }
        let reason = match self.evidence {
            Some(evidence) => evidence.to_string(),
            None => "its definition is new".to_owned(),
        };
        Some(Step {
            action: Action::Adopt,
            image: self.name.clone(),
            id: Some(image.id.clone()),
            version: Some(self.version.clone()),
            from: json!(image.name),
            to: Value::Null,
            changes: patch.changes(),
            reason,
            work: Work::Patch(patch),
            withdrawal: false,
        })
    }
}
