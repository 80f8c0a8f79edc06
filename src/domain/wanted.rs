//! What one image in Glance shall look like: a definition, one of its versions, and a stage, made into attributes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::checksum::Algorithm;
use super::definition::{Computed, Definition, Version};
use super::patch::Patch;
use super::policy::{Policy, Stage};
use super::snapshot::{CloudImage, Visibility};
use super::template::{self, Escape, TemplateError, Variables};

/// The definition's name, on every image of ours; the display name changes, this does not.
pub const IMAGE_NAME: &str = "image_name";
/// The version, as openstack-image-manager writes it too.
pub const INTERNAL_VERSION: &str = "internal_version";
/// Present with the value [`UNPROVEN`] from creation until the digest is recorded.
pub const STATE: &str = "reglaze_state";
/// The bytes were not proven: never visible to others.
pub const UNPROVEN: &str = "unproven";
/// The property keys that we set, so that only those are removed when no longer wanted.
pub const KEYS: &str = "reglaze_keys";
/// The tags that we set, for the same reason.
pub const TAGS: &str = "reglaze_tags";

/// What was proven of an image's bytes.
const PROOFS: [&str; 3] = ["source_sha256sum", "source_sha512sum", "source_signed_by"];

/// Attributes that one image shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The display name.
    pub name: String,
    /// Who may see it: the definition's word, narrowed by the stage.
    pub visibility: Visibility,
    /// Whether default lists leave it out.
    pub hidden: bool,
    /// The smallest disk, in GiB.
    pub min_disk: Option<u64>,
    /// The smallest memory, in MiB.
    pub min_ram: Option<u64>,
    /// Its tags, the mark included.
    pub tags: BTreeSet<String>,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
}

/// Makes the attributes of a listed version in a stage.
///
/// `image` is the one in the cloud, if it is there: what was proven at its upload is not stated anew.
///
/// # Errors
/// A template of the policy cannot be filled.
pub fn wanted(
    definition: &Definition,
    version: &Version,
    policy: &Policy,
    stage: &Stage,
    mark: &str,
    today: NaiveDate,
    image: Option<&CloudImage>,
) -> Result<Wanted, TemplateError> {
    let variables = variables(definition, version, image, today);
    let ceiling = version.visibility.unwrap_or(definition.visibility);
    let mut properties = properties(definition, version, image);
    for (key, value) in &policy.properties {
        if let Some(value) = filled(value, &variables)? {
            properties.insert(key.clone(), value);
        }
    }
    replace(&mut properties, stage);
    let mut tags: BTreeSet<_> = definition.tags.iter().cloned().collect();
    for tag in &policy.tags {
        tags.extend(filled(tag, &variables)?);
    }
    properties.insert(TAGS.to_owned(), joined(&tags));
    tags.insert(mark.to_owned());
    // Proofs stay for ever, so they are not among what a later run may remove.
    let keys = properties
        .keys()
        .filter(|key| !PROOFS.contains(&key.as_str()));
    let keys: BTreeSet<_> = keys.cloned().collect();
    properties.insert(KEYS.to_owned(), joined(&keys));
    Ok(Wanted {
        name: name(stage, &variables)?,
        visibility: narrowed(ceiling, stage),
        hidden: version.hidden.unwrap_or(false) || stage.hidden.unwrap_or(false),
        min_disk: definition.min_disk,
        min_ram: definition.min_ram,
        tags,
        properties,
    })
}

/// The name of a version in a stage, also of one that is no longer in the file.
///
/// # Errors
/// The name's template cannot be filled.
pub fn stage_name(
    definition: &Definition,
    version: &Version,
    stage: &Stage,
    today: NaiveDate,
    image: Option<&CloudImage>,
) -> Result<String, TemplateError> {
    name(stage, &variables(definition, version, image, today))
}

/// A version that is no longer in the file, as far as its image still tells.
pub fn remembered(definition: &Definition, version: &str, image: &CloudImage) -> Version {
    Version {
        at: definition.versions_at,
        version: version.to_owned(),
        url: image.properties.get("image_source").cloned(),
        url_at: definition.versions_at,
        mirror_url: None,
        checksum: None,
        checksum_at: definition.versions_at,
        disk_checksum: None,
        computed: Computed::default(),
        checksum_url: None,
        checksums_url: None,
        build_date: image
            .properties
            .get("image_build_date")
            .and_then(|date| date.parse().ok()),
        os_version: None,
        visibility: None,
        hidden: None,
        meta: BTreeMap::new(),
        source: None,
        id: None,
        image_description: None,
        manifest: None,
        signed_by: image.properties.get("source_signed_by").cloned(),
    }
}

/// The widest visibility that definition and stage both allow.
pub fn narrowed(ceiling: Visibility, stage: &Stage) -> Visibility {
    stage
        .visibility
        .map_or(ceiling, |visibility| visibility.min(ceiling))
}

/// Replaces property values as the stage says: `generic` becomes `oldgeneric`.
pub fn replace(properties: &mut BTreeMap<String, String>, stage: &Stage) {
    for (key, values) in &stage.replace {
        if let Some(value) = properties.get_mut(key)
            && let Some(new) = values.get(value)
        {
            value.clone_from(new);
        }
    }
}

/// The property that records a proven digest.
pub fn digest_property(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Sha256 => Some("source_sha256sum"),
        Algorithm::Sha512 => Some("source_sha512sum"),
        _ => None,
    }
}

impl Wanted {
    /// The free properties, tags, `min_disk` and `min_ram` in which `image` differs. Properties that are not ours stay.
    pub fn drift(&self, image: &CloudImage) -> Patch {
        let listed = |key: &str| -> BTreeSet<&str> {
            let list = image.properties.get(key).map_or("", String::as_str);
            list.split(',').filter(|one| !one.is_empty()).collect()
        };
        let set = self
            .properties
            .iter()
            .filter(|(key, value)| {
                !image
                    .properties
                    .get(*key)
                    .is_some_and(|now| same(now, value))
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let remove = listed(KEYS)
            .into_iter()
            .filter(|key| {
                !self.properties.contains_key(*key) && image.properties.contains_key(*key)
            })
            .map(str::to_owned)
            .collect();
        let ours = listed(TAGS);
        let tags: BTreeSet<_> = image
            .tags
            .iter()
            .filter(|tag| !ours.contains(tag.as_str()))
            .chain(&self.tags)
            .cloned()
            .collect();
        let min_disk = raised(self.min_disk, image);
        Patch {
            min_disk: min_disk.filter(|wanted| *wanted != image.min_disk),
            min_ram: self.min_ram.filter(|wanted| *wanted != image.min_ram),
            tags: (tags != image.tags).then_some(tags),
            set,
            remove,
            ..Patch::default()
        }
    }
}

/// The wanted `min_disk`, raised to what holds the image: Nova refuses a root disk below its virtual size.
pub fn raised(min_disk: Option<u64>, image: &CloudImage) -> Option<u64> {
    let needed = image.virtual_size.unwrap_or(0).div_ceil(1 << 30);
    min_disk.map(|wanted| wanted.max(needed))
}

/// Booleans are the same in any case: openstack-image-manager writes Python's `True`.
fn same(left: &str, right: &str) -> bool {
    let boolean = |text: &str| matches!(text.to_ascii_lowercase().as_str(), "true" | "false");
    left == right || (boolean(left) && left.eq_ignore_ascii_case(right))
}

fn joined(values: &BTreeSet<String>) -> String {
    values
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(",")
}

fn name(stage: &Stage, variables: &Variables) -> Result<String, TemplateError> {
    let template = stage.name.as_str();
    template::fill(template, &with_absent(template, variables), Escape::Nothing)
}

/// A value, or nothing if a variable of it is empty: `os:{meta.os_distro}` without a distribution is no tag.
fn filled(text: &str, variables: &Variables) -> Result<Option<String>, TemplateError> {
    let variables = with_absent(text, variables);
    let empty = |name: &&str| variables.get(*name).is_some_and(String::is_empty);
    if template::variables(text).iter().any(empty) {
        return Ok(None);
    }
    template::fill(text, &variables, Escape::Nothing).map(Some)
}

/// A key of `meta` or `vars` that this definition does not have is empty, not unknown.
fn with_absent(template: &str, variables: &Variables) -> Variables {
    let mut all = variables.clone();
    for name in template::variables(template) {
        if name.starts_with("meta.") || name.starts_with("vars.") {
            all.entry(name.to_owned()).or_default();
        }
    }
    all
}

fn variables(
    definition: &Definition,
    version: &Version,
    image: Option<&CloudImage>,
    today: NaiveDate,
) -> Variables {
    let uploaded = image.map_or(today, |image| image.created_at.date_naive());
    let digest = |algorithm: Algorithm| {
        let checksum = version.checksum.as_ref();
        checksum
            .filter(|checksum| checksum.algorithm() == algorithm)
            .map(|checksum| checksum.hex().to_owned())
    };
    let mut variables = Variables::new();
    for (key, value) in [
        ("name", Some(definition.name.clone())),
        ("version", Some(version.version.clone())),
        ("separator", Some(definition.separator.clone())),
        ("arch", definition.meta.get("architecture").cloned()),
        (
            "visibility",
            Some(definition.visibility.as_str().to_owned()),
        ),
        ("shortname", definition.shortname.clone()),
        (
            "build_date",
            version.build_date.map(|date| date.to_string()),
        ),
        ("upload_date", Some(uploaded.to_string())),
        ("url", version.url.clone()),
        ("checksum.sha256", digest(Algorithm::Sha256)),
        ("checksum.sha512", digest(Algorithm::Sha512)),
        ("signed_by", version.signed_by.clone()),
        ("login", definition.login.clone()),
    ] {
        variables.insert(key.to_owned(), value.unwrap_or_default());
    }
    for (prefix, values) in [
        ("meta", &definition.meta),
        ("meta", &version.meta),
        ("vars", &definition.vars),
    ] {
        let named = values
            .iter()
            .map(|(key, value)| (format!("{prefix}.{key}"), value.clone()));
        variables.extend(named);
    }
    variables
}

/// The properties of a version, named and filled as openstack-image-manager does, so that its catalogues carry over.
fn properties(
    definition: &Definition,
    version: &Version,
    image: Option<&CloudImage>,
) -> BTreeMap<String, String> {
    let mut properties = definition.meta.clone();
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            properties.insert(key.to_owned(), value.to_owned());
        }
    };
    put("image_original_user", definition.login.as_deref());
    let source = version.source.as_deref().or(version.url.as_deref());
    put("image_source", source.map(public_source));
    put(
        "image_build_date",
        version.build_date.map(|date| date.to_string()).as_deref(),
    );
    let os_version = if definition.multi {
        version.os_version.as_deref()
    } else {
        Some(version.version.as_str())
    };
    put("os_version", os_version);
    properties.extend(version.meta.clone());
    if let Some(description) = &version.image_description {
        properties.insert("image_description".to_owned(), description.clone());
    }
    properties
        .entry("image_description".to_owned())
        .or_insert_with(|| definition.name.clone());
    properties.insert(IMAGE_NAME.to_owned(), definition.name.clone());
    properties.insert(INTERNAL_VERSION.to_owned(), version.version.clone());
    proof(version, image, &mut properties);
    properties
}

/// What was proven: stated for an image that this run uploads, kept as it is on one that was there before.
fn proof(version: &Version, image: Option<&CloudImage>, properties: &mut BTreeMap<String, String>) {
    if let Some(image) = image {
        for key in PROOFS {
            if let Some(value) = image.properties.get(key) {
                properties.insert(key.to_owned(), value.clone());
            }
        }
    } else if let Some(checksum) = &version.checksum {
        if let Some(key) = digest_property(checksum.algorithm()) {
            properties.insert(key.to_owned(), checksum.hex().to_owned());
        }
        if let Some(key) = &version.signed_by {
            properties.insert("source_signed_by".to_owned(), key.clone());
        }
    }
}

/// A `file:` URL shows no more than the file's name: paths of the operator's machine are nobody's business.
fn public_source(url: &str) -> &str {
    if url.starts_with("file:") {
        url.rsplit('/').next().unwrap_or(url)
    } else {
        url
    }
}
