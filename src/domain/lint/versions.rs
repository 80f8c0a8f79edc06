//! Versions that prove nothing, or whose order misleads.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::warning;
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;

/// Versions that could never be uploaded: without a digest, or without a place to fetch from.
pub(super) fn incomplete(definition: &Definition) -> Vec<Finding> {
    let mut findings = Vec::new();
    let versions = definition.versions.iter().filter(|one| !one.is_moving());
    for version in versions {
        let mut refuse = |rule, message| {
            let finding = Finding::error(rule, message)
                .at(&definition.file, version.at)
                .image(&definition.name);
            findings.push(finding);
        };
        // With an `id` it is an image that was taken over: it is there, and nobody knows where it came from.
        if version.places().is_empty() && version.id.is_none() {
            let message = format!(
                "version `{}` has no `url`; add one, or the `id` of the image if it is in the cloud already",
                version.version
            );
            refuse("missing-url", message);
        }
        if version.checksum.is_some() {
            continue;
        }
        let elsewhere = version
            .checksum_url
            .as_ref()
            .or(version.checksums_url.as_ref());
        let message = match elsewhere {
            Some(url) => format!(
                "version `{}` only says where a digest is published, and nobody reviewed that one; add `checksum` with \
                 the value from `{url}`",
                version.version
            ),
            None => format!(
                "version `{}` has no `checksum`, so its bytes cannot be proven; add upstream's SHA-256 or SHA-512, or remove \
                 the version and let `reglaze update --write` add the newest",
                version.version
            ),
        };
        refuse("missing-checksum", message);
    }
    findings
}

/// Weak digests, one digest twice, versions in no order or in one that misleads.
pub(super) fn odd(definition: &Definition) -> Vec<Finding> {
    let mut findings = weak(definition);
    findings.extend(same_digest(definition));
    let versions: Vec<_> = definition
        .versions
        .iter()
        .filter(|version| !version.is_moving())
        .collect();
    // Where schemes are mixed every other word on the order would only follow from that.
    if let Some(finding) = mixed(definition, &versions) {
        findings.push(finding);
    } else {
        findings.extend(unordered(definition, &versions));
        findings.extend(contradicted(definition, &versions));
    }
    findings
}

fn weak(definition: &Definition) -> Vec<Finding> {
    let mut findings = Vec::new();
    for version in &definition.versions {
        let Some(checksum) = version.checksum.as_ref().filter(|one| one.is_weak()) else {
            continue;
        };
        let message = format!(
            "the checksum of version `{}` is {}, for which two files with one digest can be made; replace it by upstream's \
             SHA-256 or SHA-512, or the version will not be uploaded",
            version.version,
            checksum.algorithm()
        );
        findings.push(warning(
            definition,
            version.checksum_at,
            "weak-checksum",
            message,
        ));
    }
    findings
}

/// Two builds never have the same bytes: one of the two entries was copied and not finished.
pub(super) fn same_digest(definition: &Definition) -> Vec<Finding> {
    let mut first: BTreeMap<String, &Version> = BTreeMap::new();
    let mut findings = Vec::new();
    for version in &definition.versions {
        let Some(checksum) = &version.checksum else {
            continue;
        };
        if let Some(known) = first.get(&checksum.to_string()) {
            let message = format!(
                "version `{}` has the checksum of version `{}` at line {}; look up which of the two it belongs to",
                version.version, known.version, known.at.line
            );
            findings.push(warning(
                definition,
                version.checksum_at,
                "same-checksum",
                message,
            ));
        } else {
            first.insert(checksum.to_string(), version);
        }
    }
    findings
}

/// What a version begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// `20260725`, `2026-07-25`.
    Date,
    /// `2211`, `1.2.3`.
    Number,
    /// `v1.2.3`, `Build16.2`.
    Letter,
}

impl Scheme {
    fn of(version: &str) -> Self {
        let day = |text: Option<&str>, form| {
            text.is_some_and(|text| {
                NaiveDate::parse_from_str(text, form)
                    .is_ok_and(|date| (1990..2100).contains(&chrono::Datelike::year(&date)))
            })
        };
        let digits = version
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(version.len());
        let compact = digits >= 8 && day(version.get(..8), "%Y%m%d");
        if compact || day(version.get(..10), "%Y-%m-%d") {
            Self::Date
        } else if digits > 0 {
            Self::Number
        } else {
            Self::Letter
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Date => "begins with a date",
            Self::Number => "begins with a number that is no date",
            Self::Letter => "begins with a letter",
        }
    }
}

fn mixed(definition: &Definition, versions: &[&Version]) -> Option<Finding> {
    let first = versions.first()?;
    let scheme = Scheme::of(&first.version);
    let other = versions
        .iter()
        .find(|version| Scheme::of(&version.version) != scheme)?;
    let message = format!(
        "version `{}` {}, but `{}` {}: they have no common order, so the wrong one would become the newest; write all in one scheme",
        other.version,
        Scheme::of(&other.version).describe(),
        first.version,
        scheme.describe()
    );
    Some(warning(definition, other.at, "version-scheme", message))
}

fn order(definition: &Definition, one: &str, other: &str) -> std::cmp::Ordering {
    let order = definition
        .upstream
        .as_ref()
        .and_then(|upstream| upstream.order)
        .unwrap_or_default();
    order.compare(one, other)
}

fn unordered(definition: &Definition, versions: &[&Version]) -> Option<Finding> {
    let greater = |pair: &[&Version]| order(definition, &pair[0].version, &pair[1].version).is_gt();
    let mut pairs = versions.windows(2);
    let descending = greater(pairs.next()?);
    let odd = pairs.find(|pair| greater(pair) != descending)?;
    let direction = if descending {
        "newest first"
    } else {
        "oldest first"
    };
    let message = format!(
        "the list begins {direction}, but version `{}` stands after `{}`; put it in its place, or move other lines of releases \
         to definitions of their own",
        odd[1].version, odd[0].version
    );
    Some(warning(definition, odd[1].at, "version-order", message))
}

/// A version that sorts before another but was built after it: the older build would be published as the newest.
fn contradicted(definition: &Definition, versions: &[&Version]) -> Option<Finding> {
    let mut dated: Vec<(&Version, NaiveDate)> = versions
        .iter()
        .filter_map(|version| Some((*version, version.build_date?)))
        .collect();
    dated.sort_by(|one, other| order(definition, &one.0.version, &other.0.version));
    let pair = dated.windows(2).find(|pair| pair[0].1 > pair[1].1)?;
    let [(lower, later), (higher, earlier)] = pair else {
        return None;
    };
    let message = format!(
        "version `{}` counts as newer than `{}`, but was built earlier ({earlier}, the other {later}); correct `build_date`, \
         or set `upstream.order`",
        higher.version, lower.version
    );
    Some(warning(definition, higher.at, "build-date-order", message))
}

#[cfg(test)]
mod tests {
    use super::Scheme;

    #[test]
    fn a_scheme_is_told_by_how_a_version_begins() {
        for (version, scheme) in [
            ("20260725", Scheme::Date),
            ("20260725.1", Scheme::Date),
            ("20150628_01", Scheme::Date),
            ("2026-07-25", Scheme::Date),
            ("202607251200", Scheme::Date),
            ("2211", Scheme::Number),
            ("99999999", Scheme::Number),
            ("1.10", Scheme::Number),
            ("v1.10", Scheme::Letter),
            ("", Scheme::Letter),
            ("äöü", Scheme::Letter),
        ] {
            assert_eq!(Scheme::of(version), scheme, "{version}");
        }
    }
}
