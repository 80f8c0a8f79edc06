//! What an image's own properties promise to those who use it, as published in the cloud. Promises come before policy.
//!
//! `uuid_validity` protects the UUID: every project that could boot the image still can. `provided_until` protects the
//! catalogue name.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;

use super::record::Record;
use super::snapshot::CloudImage;

/// The property that promises the UUID.
pub const UUID_VALIDITY: &str = "uuid_validity";
/// The property that promises the catalogue name.
pub const PROVIDED_UNTIL: &str = "provided_until";
/// The property that gives notice: `true`.
pub const DEPRECATED: &str = "deprecated";

/// How long the UUID stays usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// No promise.
    None,
    /// While it is among so many replaced ones.
    Last(usize),
    /// To the end of this day.
    Until(NaiveDate),
    /// Until a notice was published.
    Notice,
    /// As long as the cloud runs.
    Forever,
    /// A word that nobody knows: it may mean anything, so it counts as for ever.
    Unreadable(String),
}

/// How long the catalogue name resolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provided {
    No,
    Until(NaiveDate),
    Notice,
}

/// A promise that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bond {
    /// What was promised, as it is written on the image.
    pub promise: String,
    /// When it ends, if it does.
    pub ends: Option<String>,
}

impl fmt::Display for Bond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the image promises `{}`", self.promise)?;
        match &self.ends {
            Some(ends) => write!(f, ", which ends {ends}"),
            None => f.write_str(", which does not end"),
        }
    }
}

impl Validity {
    /// Reads the word. No word promises nothing.
    pub fn parse(word: Option<&str>) -> Self {
        let Some(word) = word.map(str::trim) else {
            return Self::None;
        };
        let last = || word.strip_prefix("last-")?.parse().ok().map(Self::Last);
        let date = || word.parse().ok().map(Self::Until);
        match word {
            "none" => Self::None,
            "notice" => Self::Notice,
            "forever" => Self::Forever,
            _ => last()
                .or_else(date)
                .unwrap_or_else(|| Self::Unreadable(word.to_owned())),
        }
    }

    /// Whether whoever was given `self` loses nothing by being given `other` in its place.
    fn is_kept_by(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, _) | (_, Self::Forever) => true,
            (Self::Last(one), Self::Last(other)) => other >= one,
            (Self::Until(one), Self::Until(other)) => other >= one,
            (one, other) => one == other,
        }
    }
}

impl Provided {
    fn of(properties: &BTreeMap<String, String>) -> Self {
        match properties.get(PROVIDED_UNTIL).map(|word| word.trim()) {
            Some("notice") => Self::Notice,
            // A word that nobody knows names no day on which a promise could be held.
            Some(word) => word.parse().map_or(Self::No, Self::Until),
            None => Self::No,
        }
    }
}

fn validity(properties: &BTreeMap<String, String>) -> Validity {
    Validity::parse(properties.get(UUID_VALIDITY).map(String::as_str))
}

/// Whether the image said so before today: what a run writes is no notice to anybody on the same day.
fn has_given_notice(image: &CloudImage, today: NaiveDate) -> bool {
    let deprecated = image.properties.get(DEPRECATED);
    deprecated.is_some_and(|value| value.eq_ignore_ascii_case("true"))
        && Record::of(image).is_none_or(|record| record.since < today)
}

/// Whether the image's promise cannot be read.
pub fn unreadable(image: &CloudImage) -> Option<String> {
    match validity(&image.properties) {
        Validity::Unreadable(word) => Some(word),
        _ => None,
    }
}

/// Why the UUID of an image must stay usable for everybody who can boot it. `position` is its place in the line, 0 the
/// newest.
pub fn of_uuid(image: &CloudImage, position: usize, today: NaiveDate) -> Option<Bond> {
    let bond = |ends: Option<String>| {
        Some(Bond {
            promise: format!("{UUID_VALIDITY}: {}", image.properties[UUID_VALIDITY]),
            ends,
        })
    };
    match validity(&image.properties) {
        Validity::None => None,
        Validity::Last(count) => {
            let provided = Provided::of(&image.properties);
            let over = matches!(provided, Provided::Until(day) if day < today);
            if over || position > count {
                return None;
            }
            let newer = count + 1 - position;
            let builds = if newer == 1 { "build" } else { "builds" };
            bond(Some(match provided {
                Provided::Until(day) => {
                    format!("with {newer} more {builds}, or after {day}")
                }
                _ => format!("with {newer} more {builds}"),
            }))
        }
        Validity::Until(day) if day < today => None,
        Validity::Until(day) => bond(Some(format!("after {day}"))),
        Validity::Notice if has_given_notice(image, today) => None,
        Validity::Notice => bond(Some(format!(
            "the day after `{DEPRECATED}: \"true\"` was written on it"
        ))),
        Validity::Forever | Validity::Unreadable(_) => bond(None),
    }
}

/// Why an image must stay in default lists under its name.
pub fn of_name(image: &CloudImage, today: NaiveDate) -> Option<Bond> {
    let bond = |ends: String| {
        Some(Bond {
            promise: format!("{PROVIDED_UNTIL}: {}", image.properties[PROVIDED_UNTIL]),
            ends: Some(ends),
        })
    };
    match Provided::of(&image.properties) {
        Provided::No => None,
        Provided::Until(day) if day < today => None,
        Provided::Until(day) => bond(format!("after {day}")),
        Provided::Notice if has_given_notice(image, today) => None,
        Provided::Notice => bond(format!(
            "the day after `{DEPRECATED}: \"true\"` was written on it"
        )),
    }
}

/// Leaves the promises of an image that is there as strong as they are: `properties` are those that it shall have. Gives
/// the keys of those that would have been weakened.
pub fn keep(
    image: &CloudImage,
    position: usize,
    today: NaiveDate,
    properties: &mut BTreeMap<String, String>,
) -> Vec<&'static str> {
    let mut kept = Vec::new();
    let mut hold = |key: &'static str, properties: &mut BTreeMap<String, String>| {
        if let Some(value) = image.properties.get(key) {
            properties.insert(key.to_owned(), value.clone());
            kept.push(key);
        }
    };
    let name = of_name(image, today).is_some() && {
        let (old, new) = (Provided::of(&image.properties), Provided::of(properties));
        match (old, new) {
            (Provided::Until(old), Provided::Until(new)) => new < old,
            (old, new) => old != new,
        }
    };
    if of_uuid(image, position, today).is_some()
        && !validity(&image.properties).is_kept_by(&validity(properties))
    {
        hold(UUID_VALIDITY, properties);
    }
    if name {
        hold(PROVIDED_UNTIL, properties);
    }
    kept
}

#[cfg(test)]
mod tests;
