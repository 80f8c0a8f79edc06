//! What a change does to the definitions: images and versions that come and go, and what of them is edited.
//!
//! Pinned digests and signers are told first: whoever changes one changes what an image may be.

mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde::Serialize;

use crate::domain::definition::{Definition, Version, WantedStatus};
use crate::domain::finding::{Finding, Place};
use crate::domain::policy::PolicyOverride;

/// All that is different, what needs eyes first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    changes: Vec<Change>,
}

/// One thing that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Whether a reviewer should look twice.
    pub loud: bool,
    /// What happened.
    pub change: Kind,
    /// The definition's name.
    pub image: String,
    /// The version, if it is about one.
    pub version: Option<String>,
    /// The key, if one was edited.
    pub key: Option<&'static str>,
    /// Its value before, or the URL of a version that is gone.
    pub from: Option<String>,
    /// Its value after, or the URL of a version that is new.
    pub to: Option<String>,
    /// The file in which it stands, or stood.
    pub file: String,
    #[serde(skip)]
    at: Place,
}

/// The kinds of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An image or a version that was not there.
    Added,
    /// One that is no longer there.
    Removed,
    /// A key with another value.
    Edited,
}

/// Compares the definitions of a pull request's base with its own.
pub fn difference(base: &[Definition], head: &[Definition]) -> Difference {
    let by_name = |definitions: &'_ [Definition]| -> BTreeMap<String, Definition> {
        let named = definitions.iter().cloned();
        named.map(|one| (one.name.clone(), one)).collect()
    };
    let (base, head) = (by_name(base), by_name(head));
    let names: BTreeSet<&String> = base.keys().chain(head.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        match (base.get(name), head.get(name)) {
            (None, Some(new)) => changes.push(of_image(new, Kind::Added)),
            (Some(old), None) => changes.push(Change {
                loud: true,
                ..of_image(old, Kind::Removed)
            }),
            (Some(old), Some(new)) => {
                changes.extend(of_keys(old, new));
                changes.extend(of_versions(old, new));
            }
            (None, None) => {}
        }
    }
    changes.sort_by_key(|change| !change.loud);
    Difference { changes }
}

impl Difference {
    /// The changes, what needs eyes first.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Findings for pinned values that were edited, so that they are seen on their lines.
    pub fn findings(&self) -> Vec<Finding> {
        let is_pinned = |change: &&Change| {
            change.loud && change.change == Kind::Edited && change.version.is_some()
        };
        let of = |change: &Change| {
            let (key, version) = (change.key.unwrap_or_default(), change.version.as_deref());
            let was = change.from.as_deref().unwrap_or("nothing");
            let message = format!(
                "this change edits `{key}` of version `{}`, which was `{was}`; a version is another image with other bytes \
                 or another signer: check it at the upstream, and add a new version instead",
                version.unwrap_or_default()
            );
            Finding::warning("pin-edited", message)
                .at(&change.file, change.at)
                .image(&change.image)
        };
        self.changes.iter().filter(is_pinned).map(of).collect()
    }
}

fn of_image(definition: &Definition, kind: Kind) -> Change {
    Change {
        loud: false,
        change: kind,
        image: definition.name.clone(),
        version: None,
        key: None,
        from: None,
        to: None,
        file: definition.file.clone(),
        at: definition.at,
    }
}

/// A key's values before and after, as texts.
struct Pair {
    key: &'static str,
    loud: bool,
    from: Option<String>,
    to: Option<String>,
}

/// Shows values as people write them; the same text means that nothing was edited.
fn pair<T: Debug>(key: &'static str, from: &T, to: &T) -> Pair {
    Pair {
        key,
        loud: false,
        from: told::value(from),
        to: told::value(to),
    }
}

/// The same of a key that decides what an image may be, or who sees it.
fn loud(pair: Pair) -> Pair {
    Pair { loud: true, ..pair }
}

fn of_keys(old: &Definition, new: &Definition) -> Vec<Change> {
    let (before, after) = (plain(old.policy.as_ref()), plain(new.policy.as_ref()));
    let stops = new.status == WantedStatus::Deactivated || !new.enable;
    let pairs = [
        Pair {
            loud: new.visibility > old.visibility,
            ..pair("visibility", &old.visibility, &new.visibility)
        },
        Pair {
            loud: stops,
            ..pair("status", &old.status, &new.status)
        },
        Pair {
            loud: stops,
            ..pair("enable", &old.enable, &new.enable)
        },
        Pair {
            loud: old.keep && !new.keep,
            ..pair("keep", &old.keep, &new.keep)
        },
        loud(pair("policy", &before, &after)),
        loud(pair("upstream", &tracked(old), &tracked(new))),
        pair("format", &old.format, &new.format),
        pair("transfer", &old.transfer, &new.transfer),
        pair("login", &old.login, &new.login),
        // A password in a comment would be one more place where it stands.
        Pair {
            from: None,
            to: (old.password != new.password).then(|| "edited".to_owned()),
            ..pair("password", &(), &())
        },
        pair("min_disk", &old.min_disk, &new.min_disk),
        pair("min_ram", &old.min_ram, &new.min_ram),
        pair("multi", &old.multi, &new.multi),
        pair("separator", &old.separator, &new.separator),
        pair("shortname", &old.shortname, &new.shortname),
        pair("meta", &old.meta, &new.meta),
        pair("tags", &old.tags, &new.tags),
        pair("vars", &old.vars, &new.vars),
        pair("latest_url", &old.latest_url, &new.latest_url),
        pair(
            "latest_checksum_url",
            &old.latest_checksum_url,
            &new.latest_checksum_url,
        ),
    ];
    edited(pairs, &of_image(new, Kind::Edited))
}

fn of_versions(old: &Definition, new: &Definition) -> Vec<Change> {
    let find = |definition: &'_ Definition, version: &str| -> Option<Version> {
        let mut versions = definition.versions.iter();
        versions.find(|one| one.version == version).cloned()
    };
    let of = |definition: &Definition, version: &Version, kind| Change {
        version: Some(version.version.clone()),
        at: version.at,
        ..of_image(definition, kind)
    };
    let gone = old
        .versions
        .iter()
        .filter(|one| find(new, &one.version).is_none());
    let gone = gone.map(|version| Change {
        from: version.url.clone(),
        ..of(old, version, Kind::Removed)
    });
    let mut changes: Vec<Change> = gone.collect();
    for version in &new.versions {
        match find(old, &version.version) {
            None => changes.push(Change {
                to: version.url.clone(),
                ..of(new, version, Kind::Added)
            }),
            Some(before) => {
                let change = of(new, version, Kind::Edited);
                changes.extend(edited(pairs_of(&before, version), &change));
            }
        }
    }
    changes
}

fn pairs_of(old: &Version, new: &Version) -> [Pair; 16] {
    let checksum = |one: &Version| one.checksum.as_ref().map(ToString::to_string);
    let disk = |one: &Version| one.disk_checksum.as_ref().map(ToString::to_string);
    let mirrors = |one: &Version| {
        let urls: Vec<_> = one
            .mirrors
            .iter()
            .map(|mirror| mirror.url.as_str())
            .collect();
        (!urls.is_empty()).then(|| urls.join(", "))
    };
    [
        loud(pair("checksum", &checksum(old), &checksum(new))),
        loud(pair("disk_checksum", &disk(old), &disk(new))),
        loud(pair("signed_by", &old.signed_by, &new.signed_by)),
        loud(pair("id", &old.id, &new.id)),
        pair("computed", &old.computed.keys(), &new.computed.keys()),
        pair("url", &old.url, &new.url),
        pair("mirror_url", &mirrors(old), &mirrors(new)),
        pair("manifest", &old.manifest, &new.manifest),
        pair("checksum_url", &old.checksum_url, &new.checksum_url),
        pair("checksums_url", &old.checksums_url, &new.checksums_url),
        pair("build_date", &old.build_date, &new.build_date),
        pair("os_version", &old.os_version, &new.os_version),
        pair("visibility", &old.visibility, &new.visibility),
        pair("hidden", &old.hidden, &new.hidden),
        pair("meta", &old.meta, &new.meta),
        pair(
            "source",
            &(&old.source, &old.image_description),
            &(&new.source, &new.image_description),
        ),
    ]
}

fn edited<const N: usize>(pairs: [Pair; N], change: &Change) -> Vec<Change> {
    let pairs = pairs.into_iter().filter(|pair| pair.from != pair.to);
    let changes = pairs.map(|pair| Change {
        loud: pair.loud,
        key: Some(pair.key),
        from: pair.from,
        to: pair.to,
        ..change.clone()
    });
    changes.collect()
}

/// A policy without the place where it stands, which moves with every line above it.
fn plain(policy: Option<&PolicyOverride>) -> Option<PolicyOverride> {
    policy.map(|policy| PolicyOverride {
        origin: None,
        ..policy.clone()
    })
}

/// What follows which upstream, without the place.
fn tracked(definition: &Definition) -> Option<String> {
    let upstream = definition.upstream.as_ref()?;
    let parameters = upstream.parameters.iter();
    let parameters: Vec<_> = parameters
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let (versions, order) = (&upstream.versions, &upstream.order);
    let versions = versions.map_or(String::new(), |count| format!(" versions={count}"));
    let order = order.map_or(String::new(), |order| format!(" order={order:?}"));
    Some(format!(
        "{} {}{versions}{order}",
        upstream.from,
        parameters.join(" ")
    ))
}

#[cfg(test)]
mod tests;
