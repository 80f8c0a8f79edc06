//! The gate of the Sovereign Cloud Stack: what its tests look at, on the real Glance, as an unprivileged member.
//!
//! Written from the standards scs-0102 and scs-0104, v1 and v2, independently of the rules of `validate`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use reqwest::Method;
use serde_json::Value;

use super::story::Story;
use crate::account::{Account, wait};
use crate::stage::rules;

/// Property, and what the tests accept; nothing: any text but the empty one.
const MANDATORY: [(&str, &[&str]); 10] = [
    ("architecture", &["x86_64", "aarch64", "risc-v"]),
    ("os_distro", &[]),
    ("os_version", &[]),
    ("hw_disk_bus", &["virtio", "scsi"]),
    (
        "replace_frequency",
        &[
            "yearly",
            "quarterly",
            "monthly",
            "weekly",
            "daily",
            "critical_bug",
            "never",
        ],
    ),
    ("provided_until", &[]),
    ("image_description", &[]),
    ("image_original_user", &[]),
    ("image_source", &[]),
    ("image_build_date", &[]),
];

const PURPOSES: [&str; 7] = [
    "generic",
    "oldgeneric",
    "minimal",
    "k8snode",
    "gpu",
    "network",
    "custom",
];

/// Days after which a promise of replacement is broken, with the tenth that the tests add.
fn longest(frequency: &str) -> Option<TimeDelta> {
    let hours = match frequency {
        "yearly" => 365 * 24,
        "quarterly" => 92 * 24,
        "monthly" => 31 * 24,
        "weekly" => 7 * 25,
        "daily" => 25,
        _ => return None,
    };
    Some(TimeDelta::minutes(hours * 66))
}

/// Every image with this mark that a member of another project finds, in whatever list.
fn offered(mark: &str) -> Vec<Value> {
    let member = Account::of("tenant");
    let mut images = Vec::new();
    for visibility in ["public", "community"] {
        let path = format!("v2/images?tag={mark}&visibility={visibility}&limit=100");
        let (status, document) = wait(member.ask(Method::GET, &path, None));
        assert_eq!(status, 200, "{document}");
        images.extend(document["images"].as_array().unwrap().clone());
    }
    images
}

/// Everything that the standards' tests would object to, at a moment.
fn objections(images: &[Value], now: DateTime<Utc>) -> Vec<String> {
    let mut wrong: Vec<String> = images.iter().flat_map(|image| of_one(image, now)).collect();
    wrong.extend(several_generic(images));
    wrong.extend(
        images
            .iter()
            .filter_map(|image| outdated(image, images, now)),
    );
    wrong
}

fn text<'a>(image: &'a Value, key: &str) -> &'a str {
    image[key].as_str().unwrap_or_default()
}

fn of_one(image: &Value, now: DateTime<Utc>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut refuse = |what: &str| wrong.push(format!("{}: {what}", text(image, "name")));
    for (key, accepted) in MANDATORY {
        let value = text(image, key);
        if value.is_empty() || (!accepted.is_empty() && !accepted.contains(&value)) {
            refuse(&format!("{key} is `{value}`"));
        }
    }
    if !PURPOSES.contains(&text(image, "os_purpose")) {
        refuse("os_purpose");
    }
    let number = |key: &str| image[key].as_u64().unwrap_or_default();
    if number("min_disk") == 0 || number("min_disk") << 30 < number("size") {
        refuse("min_disk");
    }
    if number("min_ram") == 0 {
        refuse("min_ram");
    }
    if !["sha256", "sha512"].contains(&text(image, "os_hash_algo")) {
        refuse("os_hash_algo");
    }
    let source = text(image, "image_source");
    let codename = "https://cloud-images.ubuntu.com/releases/noble/";
    if source != "private" && !source.starts_with("https://") {
        refuse("image_source");
    }
    if text(image, "os_purpose") == "generic"
        && text(image, "os_distro") == "ubuntu"
        && !source.starts_with(codename)
    {
        refuse("image_source of scs-0104");
    }
    let promise = text(image, "uuid_validity");
    let is_promise = ["none", "notice", "forever"].contains(&promise)
        || promise
            .strip_prefix("last-")
            .is_some_and(|count| count.parse::<u32>().is_ok())
        || promise.parse::<NaiveDate>().is_ok();
    if !is_promise {
        refuse("uuid_validity");
    }
    match built(image) {
        Some(date) if date <= created(image) && date <= now => {}
        _ => refuse("image_build_date"),
    }
    wrong
}

fn built(image: &Value) -> Option<DateTime<Utc>> {
    let date: NaiveDate = text(image, "image_build_date").parse().ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc())
}

fn created(image: &Value) -> DateTime<Utc> {
    text(image, "created_at").parse().unwrap()
}

/// Version 2: at most one public image that is `generic` for each architecture and release.
fn several_generic(images: &[Value]) -> Vec<String> {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    let generic = |image: &&Value| {
        text(image, "os_purpose") == "generic" && text(image, "visibility") == "public"
    };
    for image in images.iter().filter(generic) {
        let release = ["architecture", "os_distro", "os_version"].map(|key| text(image, key));
        *counts.entry(release).or_default() += 1;
    }
    let several = counts.into_iter().filter(|(_, count)| *count > 1);
    several
        .map(|(release, count)| format!("{count} generic images of {release:?}"))
        .collect()
}

fn is_outdated(image: &Value, now: DateTime<Utc>) -> bool {
    let limit = longest(text(image, "replace_frequency"));
    let built = built(image).unwrap_or_else(|| created(image));
    limit.is_some_and(|limit| now > built + limit)
}

/// An outdated image is tolerated where a fresh one bears its name up to the last space.
fn outdated(image: &Value, images: &[Value], now: DateTime<Utc>) -> Option<String> {
    let until = text(image, "provided_until");
    let is_over = until
        .parse::<NaiveDate>()
        .is_ok_and(|until| now.date_naive() > until);
    if !is_outdated(image, now) || ["none", "notice"].contains(&until) || is_over {
        return None;
    }
    let name = text(image, "name");
    let successor = name.rsplit_once(' ').map(|(start, _)| start)?;
    let fresh = images
        .iter()
        .any(|other| text(other, "name") == successor && !is_outdated(other, now));
    (!fresh).then(|| format!("{name}: outdated, and no fresh `{successor}`"))
}

const STANDARD: &str = "  meta:\n    architecture: x86_64\n    os_distro: ubuntu\n    os_version: '24.04'\n    os_purpose: generic\n    \
                        hw_disk_bus: scsi\n    hw_scsi_model: virtio-scsi\n    hypervisor_type: kvm\n    replace_frequency: quarterly\n    \
                        provided_until: '2999-12-31'\n    uuid_validity: last-3\n    image_description: https://ubuntu.com\n";

/// A story whose versions come from Ubuntu's own address, as scs-0104 asks.
struct Gate {
    story: Story,
}

impl Gate {
    fn new(preset: &str) -> Self {
        let settings = format!("policy: {{preset: {preset}}}\n");
        let name = format!("gate-{preset}");
        Self {
            story: Story::new(&name, "Ubuntu 24.04", &settings, STANDARD),
        }
    }

    /// A build of so many days before the story began.
    fn build(&mut self, days: u64) {
        let date = self.story.date_before(days);
        let version = date.format("%Y%m%d").to_string();
        let bytes = format!("build {version} of {}", self.story.stage.tag);
        let entry = self.story.stage.publish(&version, bytes.as_bytes());
        let source = "https://cloud-images.ubuntu.com/releases/noble";
        let entry = entry
            .replace("url: ", "mirror_url: ")
            .replace("build_date: 2026-07-25", &format!("build_date: {date}"));
        self.story.list(&format!(
            "{entry}    url: {source}/release-{version}/ubuntu.img\n"
        ));
    }

    fn passes(&self, days: i64) {
        let images = offered(&self.story.stage.tag);
        assert!(!images.is_empty());
        let found = objections(&images, Utc::now() + TimeDelta::days(days));
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn what_scs_tests_look_at_holds_after_apply_after_rotation_and_a_hundred_days_later() {
    for preset in ["osism", "scs"] {
        let mut gate = Gate::new(preset);
        gate.build(60);
        gate.story.day(0);
        gate.passes(0);
        gate.build(30);
        gate.build(0);
        gate.story.day(0);
        gate.passes(0);
        assert_eq!(offered(&gate.story.stage.tag).len(), 3);
        // Ninety-two days and a tenth are promised: the newest is due, and said to be, but not yet broken.
        let later = gate.story.on(&gate.story.date(100), &["plan"]);
        assert!(
            rules(&serde_json::from_str(&later.stdout).unwrap()).contains(&"replace-due"),
            "{}",
            later.stdout
        );
        gate.story.day(100);
        gate.passes(100);
    }
}

#[test]
fn the_gate_would_see_what_is_wrong() {
    let mut gate = Gate::new("osism");
    gate.build(60);
    gate.story.day(0);
    let images = offered(&gate.story.stage.tag);
    assert!(
        !objections(&images, Utc::now() + TimeDelta::days(100)).is_empty(),
        "a promise that is broken"
    );
    for (key, value) in [
        ("os_purpose", "other"),
        ("image_source", "https://example.org/"),
        ("image_build_date", "2999-01-01"),
        ("uuid_validity", "perhaps"),
        ("min_ram", ""),
    ] {
        let mut images = images.clone();
        images[0][key] = value.into();
        assert!(!objections(&images, Utc::now()).is_empty(), "{key}");
    }
    let twice = [images.clone(), images].concat();
    assert!(!objections(&twice, Utc::now()).is_empty());
}
