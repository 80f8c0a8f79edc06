//! Definitions: what the operator wants in the catalogue.
//!
//! A superset of openstack-image-manager's format, whose files work unchanged. Text becomes values here; a value of
//! these types is valid. The keys themselves stand in `schema`.

mod one_or_more;
mod schema;
mod shape;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::checksum::Checksum;
use super::finding::{Finding, Place};
use super::policy::PolicyOverride;
use super::snapshot::Visibility;
use super::transfer::ImageTransfer;
use super::version::Order;

/// What one image of the catalogue shall be.
#[derive(Debug, Clone)]
pub struct Definition {
    /// The file, relative to the root of the user's repository.
    pub file: String,
    /// Where the entry's name stands.
    pub at: Place,
    /// The catalogue name, unique among all definitions.
    pub name: String,
    /// Glance's `disk_format`.
    pub format: String,
    /// The user to log in as.
    pub login: Option<String>,
    /// That user's password, where the image has one.
    pub password: Option<String>,
    /// The smallest disk, in GiB.
    pub min_disk: Option<u64>,
    /// The smallest memory, in MiB.
    pub min_ram: Option<u64>,
    /// Whether tenants may boot it.
    pub status: WantedStatus,
    /// Who may see it; a ceiling for every stage.
    pub visibility: Visibility,
    /// Whether the newest version bears the plain name.
    pub multi: bool,
    /// What stands between name and version.
    pub separator: String,
    /// Never deleted.
    pub keep: bool,
    /// Whether this definition counts.
    pub enable: bool,
    /// A short name for templates.
    pub shortname: Option<String>,
    /// Image properties.
    pub meta: BTreeMap<String, String>,
    /// Where their values stand, for findings.
    pub meta_at: BTreeMap<String, Place>,
    /// Tags, beside the mark and the policy's.
    pub tags: Vec<String>,
    /// Where `versions` stands.
    pub versions_at: Place,
    /// The versions, in the file's order.
    pub versions: Vec<Version>,
    /// OIM's pointer to the newest image.
    pub latest_url: Option<String>,
    /// OIM's pointer to its checksum.
    pub latest_checksum_url: Option<String>,
    /// Which source tracks it.
    pub upstream: Option<Upstream>,
    /// Free values for templates.
    pub vars: BTreeMap<String, String>,
    /// Overrides of the policy.
    pub policy: Option<PolicyOverride>,
    /// How its bytes are stored, where that differs from the cloud's way.
    pub transfer: ImageTransfer,
}

impl Definition {
    /// The definition of images of which nothing is known but this name.
    pub fn bare(name: &str) -> Self {
        Self {
            file: String::new(),
            at: Place::default(),
            name: name.to_owned(),
            format: String::new(),
            login: None,
            password: None,
            min_disk: None,
            min_ram: None,
            status: WantedStatus::Active,
            visibility: Visibility::Public,
            multi: true,
            separator: " ".to_owned(),
            keep: true,
            enable: false,
            shortname: None,
            meta: BTreeMap::new(),
            meta_at: BTreeMap::new(),
            tags: Vec::new(),
            versions_at: Place::default(),
            versions: Vec::new(),
            latest_url: None,
            latest_checksum_url: None,
            upstream: None,
            vars: BTreeMap::new(),
            policy: None,
            transfer: ImageTransfer::default(),
        }
    }
}

/// One version of an image.
#[derive(Debug, Clone)]
pub struct Version {
    /// Where the version's text stands.
    pub at: Place,
    /// Its name, always text: `"12.10"` is not 12.1.
    pub version: String,
    /// Where the bytes come from.
    pub url: Option<String>,
    /// Where the URL stands, for findings.
    pub url_at: Place,
    /// Copies of the file at `url`, of which the first that has it is fetched in its place.
    pub mirrors: Vec<Mirror>,
    /// The digest of the file at `url`.
    pub checksum: Option<Checksum>,
    /// Where the digest stands, for findings.
    pub checksum_at: Place,
    /// The digest of the disk inside the file at `url`, where that is packed.
    pub disk_checksum: Option<Checksum>,
    /// Which of the two no document of the upstream gave.
    pub computed: Computed,
    /// OIM: the URL of this file's digest.
    pub checksum_url: Option<String>,
    /// OIM: the URL of a manifest of digests.
    pub checksums_url: Option<String>,
    /// When upstream built it.
    pub build_date: Option<NaiveDate>,
    /// Overrides the property `os_version`.
    pub os_version: Option<String>,
    /// Overrides the image's visibility.
    pub visibility: Option<Visibility>,
    /// Whether default lists leave it out.
    pub hidden: Option<bool>,
    /// Properties over the image's.
    pub meta: BTreeMap<String, String>,
    /// Overrides the property `image_source`.
    pub source: Option<String>,
    /// The ID that the image shall have in Glance.
    pub id: Option<String>,
    /// Overrides the property `image_description`.
    pub image_description: Option<String>,
    /// The manifest that proved the digest.
    pub manifest: Option<String>,
    /// The full fingerprint of the primary key that signed the manifest, in upper case.
    pub signed_by: Option<String>,
}

/// A copy of a version's file, which `mirror_url` names. It proves nothing: the bytes are held against the same digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Its URL.
    pub url: String,
    /// Where the URL stands, for findings.
    pub at: Place,
}

/// The digests of a version that reglaze computed from its own download, because the upstream gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Computed {
    /// That of the file.
    pub checksum: bool,
    /// That of the disk inside.
    pub disk_checksum: bool,
}

impl Computed {
    /// The keys of a version that it speaks of, as `computed` lists them.
    pub fn keys(self) -> Vec<&'static str> {
        let keys = [
            ("checksum", self.checksum),
            ("disk_checksum", self.disk_checksum),
        ];
        let computed = keys.into_iter().filter(|(_, is_computed)| *is_computed);
        computed.map(|(key, _)| key).collect()
    }
}

impl Version {
    /// OIM's moving version: fetched by nobody until `update` has pinned it.
    pub fn is_moving(&self) -> bool {
        self.version == "latest"
    }

    /// Where the bytes are fetched, the first place first: the mirrors, then the upstream.
    pub fn places(&self) -> Vec<&str> {
        let mirrors = self.mirrors.iter().map(|mirror| mirror.url.as_str());
        mirrors.chain(self.url.as_deref()).collect()
    }
}

/// A definition's status: Glance's word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WantedStatus {
    /// Usable.
    Active,
    /// Kept, but not bootable.
    Deactivated,
}

/// Which source tracks an image, and with which parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Where the entry stands.
    pub at: Place,
    /// The source's name: a file of `sources/`.
    pub from: String,
    /// The parameters that the source names: `release`, `arch`, `stream`, `variant`, …
    pub parameters: BTreeMap<String, String>,
    /// How many versions stay in the file; absent: all.
    pub versions: Option<usize>,
    /// Overrides the source's order of versions.
    pub order: Option<Order>,
}

/// Parses one file of definitions.
///
/// # Errors
/// Every finding of level error, with file, line and column. A file with one is not used at all: what no definition
/// wants may be retired, so a typo must never look like a wish.
pub fn parse(file: &str, text: &str) -> Result<Vec<Definition>, Vec<Finding>> {
    schema::parse(file, text)
}

/// How many definitions a file's text holds, also where [`parse`] refuses it.
pub fn entries(text: &str) -> usize {
    shape::entries(text)
}

/// Finds names that several enabled or disabled definitions bear. Each but the first is a finding.
pub fn duplicates(definitions: &[Definition]) -> Vec<Finding> {
    let mut first: BTreeMap<&str, &Definition> = BTreeMap::new();
    let mut findings = Vec::new();
    for definition in definitions {
        if let Some(known) = first.get(definition.name.as_str()) {
            findings.push(
                Finding::error(
                    "duplicate-name",
                    format!(
                        "`{}` is defined at {}:{} already; give one of the two another name",
                        definition.name, known.file, known.at.line
                    ),
                )
                .at(&definition.file, definition.at)
                .image(&definition.name),
            );
        } else {
            first.insert(&definition.name, definition);
        }
    }
    findings
}

#[cfg(test)]
mod tests;
