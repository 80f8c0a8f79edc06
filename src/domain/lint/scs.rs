//! The SCS standard scs-0102 (image metadata): properties that an image promises by naming any of them.
//!
//! Only images that others see and that speak of SCS at all are held against it. The rest of the standard, and
//! scs-0104, need the cloud.

use chrono::NaiveDate;

use super::warning;
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;
use crate::domain::snapshot::Visibility;

/// Who names one of these means the standard.
const SIGNS: [&str; 5] = [
    "os_purpose",
    "replace_frequency",
    "uuid_validity",
    "provided_until",
    "hotfix_hours",
];

/// Whether a value is allowed.
type Allowed = fn(&str) -> bool;

/// The mandatory properties that a definition itself must say, and what they may be.
const PROPERTIES: [(&str, Allowed, &str); 8] = [
    (
        "architecture",
        |value| ["x86_64", "aarch64", "risc-v"].contains(&value),
        "`x86_64`, `aarch64` or `risc-v`",
    ),
    (
        "hw_disk_bus",
        |value| ["scsi", "virtio"].contains(&value),
        "`scsi` or `virtio`",
    ),
    (
        "os_distro",
        |value| !value.is_empty() && value == value.to_lowercase(),
        "a distribution in lower case, such as `debian`",
    ),
    (
        "os_version",
        |value| !value.is_empty(),
        "the distribution's version, such as \"24.04\"",
    ),
    (
        "os_purpose",
        |value| {
            [
                "generic",
                "oldgeneric",
                "minimal",
                "k8snode",
                "gpu",
                "network",
                "custom",
            ]
            .contains(&value)
        },
        "`generic`, `minimal`, `k8snode`, `gpu`, `network` or `custom`",
    ),
    (
        "replace_frequency",
        |value| {
            [
                "yearly",
                "quarterly",
                "monthly",
                "weekly",
                "daily",
                "critical_bug",
                "never",
            ]
            .contains(&value)
        },
        "`yearly`, `quarterly`, `monthly`, `weekly`, `daily`, `critical_bug` or `never`",
    ),
    (
        "provided_until",
        |value| ["none", "notice"].contains(&value) || is_day(value),
        "a date, `none` or `notice`",
    ),
    (
        "uuid_validity",
        |value| ["none", "notice", "forever"].contains(&value) || is_day(value) || is_last(value),
        "`none`, `last-N`, a date, `notice` or `forever`",
    ),
];

pub(super) fn check(definition: &Definition) -> Vec<Finding> {
    let public = matches!(
        definition.visibility,
        Visibility::Public | Visibility::Community
    );
    if !public || !SIGNS.iter().any(|sign| definition.meta.contains_key(*sign)) {
        return Vec::new();
    }
    let mut missing = Vec::new();
    let mut findings = Vec::new();
    for (key, allowed, expected) in PROPERTIES {
        match definition.meta.get(key) {
            None if key == "os_version" && says_version(definition) => {}
            None if is_of_policy(definition, key) => {}
            None => missing.push(format!("`{key}` ({expected})")),
            Some(value) if allowed(value) => {}
            Some(value) => {
                let message =
                    format!("scs-0102 knows no `{key}` of `{value}`; expected {expected}");
                findings.push(warning(definition, definition.at, "scs-0102", message));
            }
        }
    }
    for (key, present) in [
        ("min_disk", definition.min_disk.is_some_and(|size| size > 0)),
        ("min_ram", definition.min_ram.is_some_and(|size| size > 0)),
        ("login", definition.login.is_some()),
    ] {
        if !present {
            missing.push(format!("`{key}`"));
        }
    }
    if !missing.is_empty() {
        let message = format!("scs-0102 asks for {} as well; add it", missing.join(", "));
        findings.push(warning(definition, definition.at, "scs-0102", message));
    }
    let undated = definition
        .versions
        .iter()
        .filter(|version| version.build_date.is_none() && !version.is_moving());
    findings.extend(undated.map(|version| {
        let message = format!(
            "version `{}` has no `build_date`, which scs-0102 asks for; add it",
            version.version
        );
        warning(definition, version.at, "scs-0102", message)
    }));
    findings
}

/// Whether each version says it: by a key of its own, or, without rotation, by what it is called.
fn says_version(definition: &Definition) -> bool {
    let versions = &definition.versions;
    let each =
        |version: &Version| version.os_version.is_some() || version.meta.contains_key("os_version");
    !definition.multi || (!versions.is_empty() && versions.iter().all(each))
}

/// Whether a template of the definition's own policy makes the property.
fn is_of_policy(definition: &Definition, key: &str) -> bool {
    let policy = definition.policy.as_ref();
    policy.is_some_and(|policy| policy.properties.contains_key(key))
}

fn is_day(value: &str) -> bool {
    NaiveDate::parse_from_str(value, "%Y-%m-%d").is_ok()
}

fn is_last(value: &str) -> bool {
    value
        .strip_prefix("last-")
        .is_some_and(|count| count.parse::<u32>().is_ok_and(|count| count > 0))
}
