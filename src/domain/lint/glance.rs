//! What Glance would refuse: names and values that are too long, too many of them, names that it keeps for itself.
//!
//! The limits are those of Glance 33's defaults (`image_property_quota`, `image_tag_quota`) and of its database.

use std::collections::BTreeMap;

use super::offers::Offer;
use crate::domain::finding::{Finding, Level};

/// Characters of an image's name, a tag, and a property's name.
const LONGEST_NAME: usize = 255;

/// Bytes of a property's value: Glance answers 500 to more.
const LONGEST_VALUE: usize = 65_535;

/// Properties of an image.
const PROPERTIES: usize = 128;

/// Tags of an image.
const TAGS: usize = 128;

/// Attributes that an image has by itself; a property of this name is none.
const ATTRIBUTES: [&str; 25] = [
    "id",
    "name",
    "status",
    "visibility",
    "protected",
    "os_hidden",
    "owner",
    "tags",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "size",
    "virtual_size",
    "min_disk",
    "min_ram",
    "disk_format",
    "container_format",
    "created_at",
    "updated_at",
    "file",
    "self",
    "schema",
    "locations",
    "direct_url",
    "stores",
];

/// Everything that Glance would refuse of one image.
pub fn check(offer: &Offer) -> Vec<Finding> {
    let mut findings = Vec::new();
    name(offer, &mut findings);
    tags(offer, &mut findings);
    properties(offer, &mut findings);
    findings
}

fn error(offer: &Offer, key: Option<&str>, rule: &'static str, message: String) -> Finding {
    let at = key.map_or(offer.definition.at, |key| offer.place(key));
    offer.finding(Level::Error, rule, at, message)
}

fn name(offer: &Offer, findings: &mut Vec<Finding>) {
    let length = offer.wanted.name.chars().count();
    if length > LONGEST_NAME {
        let message = format!(
            "the policy makes a name of {length} characters (`{}`); expected at most Glance's {LONGEST_NAME}; shorten the name or \
             its template",
            shortened(&offer.wanted.name)
        );
        findings.push(error(offer, None, "too-long", message));
    }
}

fn tags(offer: &Offer, findings: &mut Vec<Finding>) {
    // The mark is one of them, and not known here.
    let count = offer
        .wanted
        .tags
        .iter()
        .filter(|tag| !tag.is_empty())
        .count()
        + 1;
    if count > TAGS {
        let message = format!(
            "the image has {count} tags with those of the policy and the mark; expected at most Glance's {TAGS}; remove some"
        );
        findings.push(error(offer, None, "too-many", message));
    }
    for tag in &offer.wanted.tags {
        let length = tag.chars().count();
        if length > LONGEST_NAME {
            let message = format!(
                "the tag `{}` has {length} characters; expected at most Glance's {LONGEST_NAME}; shorten it",
                shortened(tag)
            );
            findings.push(error(offer, None, "too-long", message));
        }
    }
}

fn properties(offer: &Offer, findings: &mut Vec<Finding>) {
    let properties = &offer.wanted.properties;
    if properties.len() > PROPERTIES {
        let message = format!(
            "the image has {} properties with those that reglaze writes; expected at most Glance's {PROPERTIES}; remove some",
            properties.len()
        );
        findings.push(error(offer, None, "too-many", message));
    }
    let mut lower: BTreeMap<String, &str> = BTreeMap::new();
    for (key, value) in properties {
        let length = key.chars().count();
        if length > LONGEST_NAME {
            let message = format!(
                "the property `{}` has a name of {length} characters; expected at most Glance's {LONGEST_NAME}; shorten it",
                shortened(key)
            );
            findings.push(error(offer, Some(key), "too-long", message));
        }
        if value.len() > LONGEST_VALUE {
            let message = format!(
                "the property `{key}` has a value of {} bytes; expected at most Glance's {LONGEST_VALUE}; shorten it",
                value.len()
            );
            findings.push(error(offer, Some(key), "too-long", message));
        }
        if ATTRIBUTES.contains(&key.as_str()) || key.starts_with("os_glance_") {
            let message = format!(
                "the property `{key}` has a name that Glance keeps for itself, so it would refuse the image; remove it"
            );
            findings.push(error(offer, Some(key), "reserved-property", message));
        }
        if let Some(twin) = lower.insert(key.to_lowercase(), key) {
            let message = format!(
                "the properties `{twin}` and `{key}` differ in case only, which Glance's database takes for one name; remove one"
            );
            findings.push(error(offer, Some(key), "property-case", message));
        }
    }
}

/// The beginning of a text, for a sentence that has to be read.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
