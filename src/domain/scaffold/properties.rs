//! The image properties of a new definition: what the SCS standard demands and what a KVM guest needs.

use std::collections::BTreeMap;

use super::{USUAL_ARCHITECTURE, VERSIONS, value};
use crate::domain::source::Source;

/// Image properties in the order in which they are written.
pub(super) struct Meta(Vec<(String, String)>);

impl Meta {
    /// Sets a property, at the place that it has already; an empty value takes it out.
    pub(super) fn set(&mut self, key: &str, value: String) {
        let at = self.0.iter().position(|(known, _)| known == key);
        match (at, value.is_empty()) {
            (Some(at), true) => drop(self.0.remove(at)),
            (Some(at), false) => self.0[at].1 = value,
            (None, true) => {}
            (None, false) => self.0.push((key.to_owned(), value)),
        }
    }

    /// Key and value of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(known, _)| known == key)
    }
}

/// What every image has, whatever the distribution: the mandatory properties of scs-0102, and how a KVM guest of this
/// architecture is built (<https://docs.openstack.org/glance/latest/admin/useful-image-properties.html>).
pub(super) fn common_properties(
    source: &Source,
    said: &BTreeMap<String, String>,
    architecture: Option<&str>,
) -> Meta {
    let architecture = architecture.unwrap_or(USUAL_ARCHITECTURE);
    // Glance and Nova know no levels of an architecture such as `x86_64_v3`.
    let family = architecture.split("_v").next().unwrap_or(architecture);
    let machine: &[(&str, &str)] = match family {
        "x86_64" => &[("hw_watchdog_action", "reset")],
        // These machines have no BIOS to boot from.
        "aarch64" => &[("hw_firmware_type", "uefi"), ("hw_machine_type", "virt")],
        _ => &[],
    };
    let mut meta = Meta(Vec::new());
    let mut put = |key: &str, value: &str| meta.set(key, value.to_owned());
    put("architecture", family);
    put("hw_disk_bus", "scsi");
    put("hw_scsi_model", "virtio-scsi");
    put("hw_rng_model", "virtio");
    for (key, value) in machine {
        put(key, value);
    }
    put("hypervisor_type", "qemu");
    put("os_type", "linux");
    put("os_distro", &source.name.to_lowercase());
    if source
        .parameters
        .get("release")
        .is_some_and(|release| release.default.is_none())
    {
        put(
            "os_version",
            value(source, said, "release").unwrap_or_default(),
        );
    }
    put("os_purpose", purpose(source, said));
    put("replace_frequency", replace_frequency(source));
    put("uuid_validity", &format!("last-{VERSIONS}"));
    put("provided_until", "none");
    meta
}

/// One image of a distribution, release and architecture may be `generic` (scs-0102), so only the usual one is.
fn purpose(source: &Source, said: &BTreeMap<String, String>) -> &'static str {
    let mut unusual = source.parameters.iter().filter_map(|(name, parameter)| {
        let usual = parameter.default.as_deref()?;
        let value = value(source, said, name)?;
        (name != "arch" && value != usual).then_some(value)
    });
    let is_level = value(source, said, "arch").is_some_and(|arch| arch.contains("_v"));
    match unusual.next() {
        None if !is_level => "generic",
        Some("minimal") => "minimal",
        _ => "custom",
    }
}

/// The strongest promise that the upstream's own rhythm lets an operator keep, with half of the time to spare.
fn replace_frequency(source: &Source) -> &'static str {
    match source.expected_every {
        Some(days) if days <= 60 => "quarterly",
        Some(days) if days <= 240 => "yearly",
        _ => "never",
    }
}
