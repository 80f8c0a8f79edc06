//! The SCS standards scs-0102 (image metadata) and scs-0104 (standard images), held against the images that `apply` would make.
//!
//! What a definition, its versions and the policy give together is checked, so a property counts whoever says it. What
//! only a cloud can tell stays out: sizes, creation times, whether a mandatory image is there.

mod images;
mod properties;
mod vendors;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Deserialize;

use super::Scope;
use super::offers::{Offer, offers};
use crate::domain::definition::Definition;
use crate::domain::finding::{Finding, Level};
use crate::domain::policy;

use properties::{Need, PROPERTIES};

/// The version of the standards that the settings name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standard {
    /// scs-0102 v1 and scs-0104 v1, which the certificate asks for.
    V1,
    /// scs-0102 v2 and scs-0104 v2, their stricter successors.
    V2,
    /// Nothing is held against them.
    Off,
}

/// Who names one of these means the standard.
const SIGNS: [&str; 5] = [
    "os_purpose",
    "replace_frequency",
    "uuid_validity",
    "provided_until",
    "hotfix_hours",
];

/// Holds every enabled definition against the standard, as each cloud's policy makes it.
///
/// Without a word of the settings, those count that name a property of the standard, and version 2 counts.
pub(super) fn check(
    definitions: &[Definition],
    scopes: &[Scope],
    said: Option<Standard>,
    today: NaiveDate,
) -> Vec<Finding> {
    let standard = said.unwrap_or(Standard::V2);
    if standard == Standard::Off {
        return Vec::new();
    }
    let mut findings = Vec::new();
    // What is wrong for all clouds, or all versions, is said once.
    let mut said_already = BTreeSet::new();
    for scope in scopes {
        let offers: Vec<_> = definitions
            .iter()
            .filter(|definition| {
                definition.enable && (said.is_some() || speaks_of_it(definition, scope))
            })
            .flat_map(|definition| offers(definition, scope, today))
            .collect();
        let mut found: Vec<_> = offers
            .iter()
            .filter(|offer| offer.is_offered())
            .flat_map(|offer| one(offer, standard, today))
            .collect();
        found.extend(images::check(&offers, standard));
        for finding in found {
            if said_already.insert((
                finding.file.clone(),
                finding.line,
                finding.column,
                finding.message.clone(),
            )) {
                findings.push(match scope.cloud {
                    Some(cloud) => finding.cloud(cloud),
                    None => finding,
                });
            }
        }
    }
    findings
}

fn speaks_of_it(definition: &Definition, scope: &Scope) -> bool {
    let versions = definition.versions.iter().map(|version| &version.meta);
    let policies = policy::layers(definition, &scope.policies).into_iter();
    let mut all = std::iter::once(&definition.meta)
        .chain(versions)
        .chain(policies.map(|policy| &policy.properties));
    all.any(|properties| SIGNS.iter().any(|sign| properties.contains_key(*sign)))
}

/// What is wrong with one image by itself.
fn one(offer: &Offer, standard: Standard, today: NaiveDate) -> Vec<Finding> {
    let mut properties = offer.wanted.properties.clone();
    for (key, value) in [
        ("min_disk", offer.wanted.min_disk),
        ("min_ram", offer.wanted.min_ram),
    ] {
        properties.extend(value.map(|value| (key.to_owned(), value.to_string())));
    }
    let mut findings = values(offer, &properties);
    findings.extend(missing(offer, &properties, standard));
    let odd = properties::contradictions(&properties)
        .into_iter()
        .map(|(key, message)| {
            offer.finding(
                Level::Warning,
                "scs-0102",
                offer.place(&key),
                format!("{message}, as scs-0102 says"),
            )
        });
    findings.extend(odd);
    findings.extend(images::dates(offer, today));
    let vendors = vendors::check(offer, standard).into_iter();
    findings.extend(vendors.map(|(key, message)| {
        offer.finding(Level::Warning, "scs-0104", offer.place(key), message)
    }));
    findings
}

fn values(offer: &Offer, properties: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for property in PROPERTIES {
        let Some(value) = properties
            .get(property.key)
            .filter(|value| !property.allows(value))
        else {
            continue;
        };
        // The first version of an empty list is yet to come, and so are its URL and date.
        if offer.listed.is_none() && matches!(property.key, "image_source" | "image_build_date") {
            continue;
        }
        let from = property
            .made_by
            .filter(|by| *by != property.key)
            .map_or_else(String::new, |by| format!(" (made from `{by}`)"));
        let message = format!(
            "`{}`{from} is `{value}`, which scs-0102 does not allow; write {}",
            property.key,
            property.expected()
        );
        findings.push(offer.finding(
            Level::Warning,
            "scs-0102",
            offer.place(property.key),
            message,
        ));
    }
    findings
}

fn missing(
    offer: &Offer,
    properties: &BTreeMap<String, String>,
    standard: Standard,
) -> Vec<Finding> {
    let absent: Vec<_> = PROPERTIES
        .iter()
        .filter(|property| !properties.contains_key(property.key))
        .collect();
    let of_version = |key: &str| matches!(key, "image_source" | "image_build_date");
    let mut findings = Vec::new();
    let mandatory = absent
        .iter()
        .filter(|property| property.is_mandatory(standard));
    let (versions, images): (Vec<_>, Vec<_>) =
        mandatory.partition(|property| of_version(property.key));
    let listed = |properties: &[&&properties::Property]| {
        let each = properties.iter().map(|property| {
            format!(
                "`{}` ({})",
                property.made_by.unwrap_or(property.key),
                property.expected()
            )
        });
        each.collect::<Vec<_>>().join(", ")
    };
    if !images.is_empty() {
        let message = format!("scs-0102 asks for {} as well; add it", listed(&images));
        findings.push(offer.finding(Level::Warning, "scs-0102", offer.definition.at, message));
    }
    if let (Some(version), false) = (offer.listed, versions.is_empty()) {
        let message = format!(
            "version `{}` has no {}, which scs-0102 asks for; add it",
            version.version,
            listed(&versions)
        );
        findings.push(offer.finding(Level::Warning, "scs-0102", version.at, message));
    }
    let mut advice: Vec<_> = absent
        .iter()
        .filter(|property| {
            matches!(property.need, Need::Recommended | Need::MandatorySince2)
                && !property.is_mandatory(standard)
        })
        .map(|property| format!("`{}` ({})", property.key, property.expected()))
        .collect();
    if properties
        .get("hw_disk_bus")
        .is_some_and(|bus| bus == "scsi")
        && !properties.contains_key("hw_scsi_model")
    {
        advice.push("`hw_scsi_model` (`virtio-scsi`)".to_owned());
    }
    let tagged = offer.wanted.tags.iter().any(|tag| tag.starts_with("os:"));
    if properties.contains_key("os_distro") && !tagged {
        advice.push("a tag `os:NAME`".to_owned());
    }
    if !advice.is_empty() {
        let message = format!(
            "scs-0102 recommends {} as well; add it where it is true",
            advice.join(", ")
        );
        findings.push(offer.finding(Level::Note, "scs-0102", offer.definition.at, message));
    }
    findings
}

#[cfg(test)]
mod tests;
