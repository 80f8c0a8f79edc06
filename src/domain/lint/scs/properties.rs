//! The properties of scs-0102: who must say them, and what they may be.
//!
//! Where the standard's text and its tests differ, the stricter counts.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};

use super::Standard;

/// How much the standard asks for a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Mandatory,
    /// Version 1 recommends it, version 2 demands it.
    MandatorySince2,
    Recommended,
    Optional,
}

/// What a value must look like.
enum Form {
    OneOf(&'static [&'static str]),
    Is(fn(&str) -> bool, &'static str),
}

/// One property of an image in Glance.
pub(super) struct Property {
    pub key: &'static str,
    /// What makes it, where that is not `meta`: a key of the definition or of a version.
    pub made_by: Option<&'static str>,
    pub need: Need,
    form: Form,
}

const fn row(key: &'static str, need: Need, form: Form) -> Property {
    Property {
        key,
        made_by: None,
        need,
        form,
    }
}

const fn made(key: &'static str, by: &'static str, form: Form) -> Property {
    Property {
        key,
        made_by: Some(by),
        need: Need::Mandatory,
        form,
    }
}

use Form::{Is, OneOf};
use Need::{Mandatory, MandatorySince2, Optional, Recommended};

const BOOLEAN: Form = Is(
    |value| value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
    "`true` or `false`",
);
const TEXT: Form = Is(|value| !value.trim().is_empty(), "a text");

pub(super) const PROPERTIES: &[Property] = &[
    row(
        "architecture",
        Mandatory,
        OneOf(&["x86_64", "aarch64", "risc-v"]),
    ),
    made("min_disk", "min_disk", Is(is_count, "GiB, from 1")),
    made(
        "min_ram",
        "min_ram",
        Is(
            |value| value.parse().is_ok_and(|size: u64| size >= 64),
            "MiB, from 64",
        ),
    ),
    row(
        "os_distro",
        Mandatory,
        Is(
            is_distribution,
            "the distribution in lower case, such as `debian`",
        ),
    ),
    row(
        "os_version",
        Mandatory,
        Is(
            is_version,
            "the distribution's version, a number where it has one, such as \"24.04\"",
        ),
    ),
    row(
        "os_purpose",
        MandatorySince2,
        OneOf(&[
            "generic",
            "minimal",
            "k8snode",
            "gpu",
            "network",
            "custom",
            "oldgeneric",
        ]),
    ),
    row("hw_disk_bus", Mandatory, OneOf(&["scsi", "virtio"])),
    row(
        "hypervisor_type",
        Recommended,
        OneOf(&["qemu", "kvm", "xen", "hyper-v", "esxi"]),
    ),
    row("hw_rng_model", Recommended, OneOf(&["virtio"])),
    row("os_hash_algo", Optional, OneOf(&["sha512", "sha256"])),
    row(
        "os_secure_boot",
        Optional,
        OneOf(&["required", "optional", "disabled"]),
    ),
    row("hw_firmware_type", Optional, OneOf(&["uefi", "bios"])),
    row(
        "hw_watchdog_action",
        Optional,
        OneOf(&["reset", "poweroff", "pause", "none", "disabled"]),
    ),
    row("hw_mem_encryption", Optional, BOOLEAN),
    row("hw_pmu", Optional, BOOLEAN),
    row("hw_video_ram", Optional, Is(is_count, "MB, from 1")),
    row("hw_vif_multiqueue_enabled", Optional, BOOLEAN),
    row(
        "replace_frequency",
        Mandatory,
        OneOf(&[
            "yearly",
            "quarterly",
            "monthly",
            "weekly",
            "daily",
            "critical_bug",
            "never",
        ]),
    ),
    row(
        "provided_until",
        Mandatory,
        Is(
            |value| matches!(value, "none" | "notice") || day(value).is_some(),
            "a date such as `2029-04-30`, `none` or `notice`",
        ),
    ),
    row(
        "uuid_validity",
        Mandatory,
        Is(
            is_validity,
            "`none`, `last-N`, a date, `notice` or `forever`",
        ),
    ),
    row(
        "hotfix_hours",
        Optional,
        Is(
            |value| !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit()),
            "hours in digits, such as \"48\"",
        ),
    ),
    made(
        "image_source",
        "url",
        Is(is_source, "an http(s) or ftp(s) URL, or `private`"),
    ),
    made("image_description", "image_description", TEXT),
    made(
        "image_build_date",
        "build_date",
        Is(
            |value| built(value).is_some(),
            "a date such as `2026-07-25`, with or without a time in UTC",
        ),
    ),
    made(
        "image_original_user",
        "login",
        Is(
            |value| !value.trim().is_empty(),
            "the user to log in as, or `none`",
        ),
    ),
    row("patchlevel", Optional, TEXT),
    row("license_included", Optional, BOOLEAN),
    row("license_required", Optional, BOOLEAN),
    row("subscription_included", Optional, BOOLEAN),
    row("subscription_required", Optional, BOOLEAN),
    row(
        "maintained_until",
        Optional,
        Is(|value| day(value).is_some(), "a date such as `2029-04-30`"),
    ),
    row(
        "l1_support_contact",
        Optional,
        Is(
            |value| url::Url::parse(value).is_ok(),
            "a URI such as `https://…` or `mailto:…`",
        ),
    ),
];

impl Property {
    pub fn allows(&self, value: &str) -> bool {
        match self.form {
            OneOf(values) => values.contains(&value),
            Is(test, _) => test(value),
        }
    }

    pub fn expected(&self) -> String {
        match self.form {
            OneOf(values) => {
                let mut quoted: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                let last = quoted.pop().unwrap_or_default();
                if quoted.is_empty() {
                    last
                } else {
                    format!("{} or {last}", quoted.join(", "))
                }
            }
            Is(_, words) => words.to_owned(),
        }
    }

    pub fn is_mandatory(&self, standard: Standard) -> bool {
        match self.need {
            Mandatory => true,
            MandatorySince2 => standard == Standard::V2,
            Recommended | Optional => false,
        }
    }
}

/// What is wrong with properties taken together: property, and what to do.
pub(super) fn contradictions(properties: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let is = |key: &str| {
        properties
            .get(key)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let mut found = Vec::new();
    if is("license_included") && is("license_required") {
        let message = "`license_required` and `license_included` exclude each other; keep the one that is true";
        found.push(("license_required".to_owned(), message.to_owned()));
    }
    let traits = properties
        .iter()
        .filter(|(key, value)| key.starts_with("trait:") && *value != "required");
    found.extend(traits.map(|(key, value)| {
        (
            key.clone(),
            format!("`{key}` is `{value}`; write `required`, or remove it"),
        )
    }));
    found
}

/// The moment of a build, in one of the forms that the standard's tests read.
pub(super) fn built(value: &str) -> Option<NaiveDateTime> {
    let forms = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];
    forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(value, form).ok())
        .or_else(|| day(value)?.and_hms_opt(0, 0, 0))
}

/// A day as the standard writes it, with all its zeros.
pub(super) fn day(value: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(value, "%Y-%m-%d").ok()?;
    (value.len() == "2026-07-25".len()).then_some(day)
}

fn is_count(value: &str) -> bool {
    value.parse().is_ok_and(|count: u64| count > 0)
}

fn is_distribution(value: &str) -> bool {
    !value.is_empty()
        && value.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte)
        })
}

/// A code name is no version: nobody looks for `noble` who wants 24.04.
fn is_version(value: &str) -> bool {
    !value.trim().is_empty() && !super::vendors::is_codename(value)
}

fn is_validity(value: &str) -> bool {
    let last = |count: &str| count.parse().is_ok_and(|count: u32| count > 0);
    matches!(value, "none" | "notice" | "forever")
        || day(value).is_some()
        || value.strip_prefix("last-").is_some_and(last)
}

fn is_source(value: &str) -> bool {
    let scheme = value.split_once("://").map(|(scheme, _)| scheme);
    value == "private" || matches!(scheme, Some("http" | "https" | "ftp" | "ftps"))
}
