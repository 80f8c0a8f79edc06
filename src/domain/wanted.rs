//! What one image in Glance shall look like: a definition, one of its versions, and a stage, made into attributes.

mod disk;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::applied::APPLIED;
use super::checksum::Algorithm;
use super::definition::{Computed, Definition, Version, WantedStatus};
use super::patch::Patch;
use super::policy::{Policy, Stage};
use super::proof::Proven;
use super::record::{MEMBERS, PROTECTED, Record};
use super::snapshot::{CloudImage, Status, Visibility};
use super::template::{TemplateError, Variables};
pub use disk::{VIRTUAL_SIZE, as_inspected, raised};
pub use variables::{Moment, completed, needs_creation, of_the_newest};

/// The definition's name, on every image of ours; the display name changes, this does not.
pub const IMAGE_NAME: &str = "image_name";
/// The version, as openstack-image-manager writes it too.
pub const INTERNAL_VERSION: &str = "internal_version";
/// Present from creation until publishing: [`UNPROVEN`], or [`STAGED`] where more than the proof is asked for.
pub const STATE: &str = "reglaze_state";
/// The bytes were not proven: never visible to others.
pub const UNPROVEN: &str = "unproven";
/// The bytes are proven and the digest is recorded; the image is private until a server was started from it.
pub const STAGED: &str = "staged";
/// The property keys that we set, so that only those are removed when no longer wanted.
pub const KEYS: &str = "reglaze_keys";
/// The tags that we set, for the same reason.
pub const TAGS: &str = "reglaze_tags";

/// The pinned key whose signature was checked.
const SIGNED_BY: &str = "source_signed_by";
/// The SHA-512 of the disk as it is stored, where that is another form than the upstream's.
const CONVERTED: &str = "converted_sha512sum";

/// What was proven of an image's bytes.
pub const PROOFS: [&str; 4] = ["source_sha256sum", "source_sha512sum", SIGNED_BY, CONVERTED];

/// What images of one definition are looked at with.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The definition.
    pub definition: &'a Definition,
    /// Its policy.
    pub policy: &'a Policy,
    /// The mark's tag.
    pub mark: &'a str,
    /// The name of the newest image.
    pub newest: Option<&'a str>,
    /// Environment variables that templates may name.
    pub run: &'a Variables,
    /// The upload date of images that are not there; absent: it stays a placeholder until they are.
    pub uploaded: Option<NaiveDate>,
}

/// Attributes that one image shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The display name.
    pub name: String,
    /// Who may see it: the definition's word, narrowed by the stage.
    pub visibility: Visibility,
    /// Whether default lists leave it out.
    pub hidden: bool,
    /// Whether it can be booted.
    pub status: WantedStatus,
    /// Whether Glance refuses to delete it; absent: as it is.
    pub protected: Option<bool>,
    /// The smallest disk, in GiB.
    pub min_disk: Option<u64>,
    /// The smallest memory, in MiB.
    pub min_ram: Option<u64>,
    /// Its tags, the mark included.
    pub tags: BTreeSet<String>,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
    /// Properties that are written at publishing and never compared.
    pub once: BTreeMap<String, String>,
}

/// Makes the attributes of a listed version in a stage.
///
/// `image` is the one in the cloud, if it is there: what was proven at its upload is not stated anew.
///
/// # Errors
/// A template of the policy cannot be filled.
pub fn wanted(
    scene: &Scene<'_>,
    version: &Version,
    stage: &Stage,
    image: Option<&CloudImage>,
) -> Result<Wanted, TemplateError> {
    let (definition, policy) = (scene.definition, scene.policy);
    let variables = variables::variables(scene, version, image);
    let ceiling = version.visibility.unwrap_or(definition.visibility);
    let mut properties = properties(definition, version, image);
    for (key, value) in policy.properties.iter().chain(&stage.properties) {
        if let Some(value) = variables::filled(value, &variables)? {
            properties.insert(key.clone(), value);
        }
    }
    replace(&mut properties, stage);
    let mut tags: BTreeSet<_> = definition.tags.iter().cloned().collect();
    for tag in policy.tags.iter().chain(&stage.tags) {
        tags.extend(variables::filled(tag, &variables)?);
    }
    properties.insert(TAGS.to_owned(), joined(&tags));
    tags.insert(scene.mark.to_owned());
    if policy.rotate {
        properties.extend(Record::properties(stage.stage, image));
    }
    // Proofs stay for ever, so they are not among what a later run may remove.
    let keys = properties
        .keys()
        .filter(|key| !PROOFS.contains(&key.as_str()));
    let keys: BTreeSet<_> = keys.cloned().collect();
    properties.insert(KEYS.to_owned(), joined(&keys));
    let of_any_run = variables::of_any_run(variables.clone());
    let mut once = BTreeMap::new();
    for (key, value) in &policy.properties_once {
        if let Some(value) = variables::filled(value, &of_any_run)? {
            once.insert(key.clone(), value);
        }
    }
    Ok(Wanted {
        name: variables::name(&stage.name, &variables)?,
        visibility: narrowed(ceiling, stage),
        hidden: version.hidden.unwrap_or(false) || stage.hidden.unwrap_or(false),
        status: match definition.status {
            WantedStatus::Deactivated => WantedStatus::Deactivated,
            WantedStatus::Active => stage.status.unwrap_or(WantedStatus::Active),
        },
        protected: stage.protected,
        min_disk: definition.min_disk,
        min_ram: definition.min_ram,
        tags,
        properties,
        once,
    })
}

/// The attributes of an image whose version is no longer in the file: as it is, but for what the stage says, and never
/// wider.
///
/// # Errors
/// A template of the policy cannot be filled.
pub fn unlisted(
    scene: &Scene<'_>,
    version: &Version,
    stage: &Stage,
    image: &CloudImage,
) -> Result<Wanted, TemplateError> {
    let policy = scene.policy;
    let variables = variables::variables(scene, version, Some(image));
    let mut properties = image.properties.clone();
    let (mut keys, mut ours) = (
        listed(image, KEYS).map(owned),
        listed(image, TAGS).map(owned),
    );
    let mut tags = image.tags.clone();
    for other in &policy.stages {
        for key in other.properties.keys() {
            if !policy.properties.contains_key(key)
                && keys.as_mut().is_some_and(|keys| keys.remove(key))
            {
                properties.remove(key);
            }
        }
        for tag in &other.tags {
            if let Some(tag) = variables::filled(tag, &variables)?
                && ours.as_mut().is_some_and(|ours| ours.remove(&tag))
            {
                tags.remove(&tag);
            }
        }
    }
    for (key, value) in &stage.properties {
        if let Some(value) = variables::filled(value, &variables)? {
            properties.insert(key.clone(), value);
            keys.get_or_insert_default().insert(key.clone());
        }
    }
    for tag in &stage.tags {
        if let Some(tag) = variables::filled(tag, &variables)? {
            tags.insert(tag.clone());
            ours.get_or_insert_default().insert(tag);
        }
    }
    replace(&mut properties, stage);
    if policy.rotate {
        properties.extend(Record::properties(stage.stage, Some(image)));
    }
    for (key, values) in [(KEYS, keys), (TAGS, ours)] {
        if let Some(values) = values {
            properties.insert(key.to_owned(), joined(&values));
        }
    }
    let deactivated =
        image.status == Status::Deactivated || stage.status == Some(WantedStatus::Deactivated);
    Ok(Wanted {
        name: variables::name(&stage.name, &variables)?,
        visibility: narrowed(image.visibility, stage),
        hidden: image.hidden || stage.hidden == Some(true),
        status: if deactivated {
            WantedStatus::Deactivated
        } else {
            WantedStatus::Active
        },
        protected: stage.protected,
        min_disk: None,
        min_ram: None,
        tags,
        properties,
        once: BTreeMap::new(),
    })
}

/// The name of a version in a stage, also of one that is no longer in the file.
///
/// # Errors
/// The name's template cannot be filled.
pub fn stage_name(
    scene: &Scene<'_>,
    version: &Version,
    stage: &Stage,
    image: Option<&CloudImage>,
) -> Result<String, TemplateError> {
    variables::name(&stage.name, &variables::variables(scene, version, image))
}

/// A version that is no longer in the file, as far as its image still tells.
pub fn remembered(definition: &Definition, version: &str, image: &CloudImage) -> Version {
    Version {
        at: definition.versions_at,
        version: version.to_owned(),
        url: image.properties.get("image_source").cloned(),
        url_at: definition.versions_at,
        mirrors: Vec::new(),
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
    /// Everything that one PATCH can change and in which `image` differs. What is not ours stays.
    pub fn drift(&self, image: &CloudImage) -> Patch {
        let mut set: BTreeMap<_, _> = self
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
        let mut remove: BTreeSet<_> = listed(image, KEYS)
            .unwrap_or_default()
            .into_iter()
            .chain([MEMBERS, APPLIED])
            .filter(|key| {
                !self.properties.contains_key(*key) && image.properties.contains_key(*key)
            })
            .map(str::to_owned)
            .collect();
        let ours = listed(image, TAGS).unwrap_or_default();
        let tags: BTreeSet<_> = image
            .tags
            .iter()
            .filter(|tag| !ours.contains(tag.as_str()))
            .chain(&self.tags)
            .cloned()
            .collect();
        let protected = self.protection(image);
        match protected {
            Some(true) => set.extend([(PROTECTED.to_owned(), "true".to_owned())]),
            Some(false) => remove.extend([PROTECTED.to_owned()]),
            None => {}
        }
        let min_disk = raised(self.min_disk, image);
        Patch {
            name: (image.name.as_deref() != Some(&self.name)).then(|| self.name.clone()),
            visibility: (image.visibility != self.visibility).then_some(self.visibility),
            hidden: (image.hidden != self.hidden).then_some(self.hidden),
            protected,
            min_disk: min_disk.filter(|wanted| *wanted != image.min_disk),
            min_ram: self.min_ram.filter(|wanted| *wanted != image.min_ram),
            tags: (tags != image.tags).then_some(tags),
            set,
            remove,
        }
    }

    /// Leaves properties on the list of ours that are kept though nobody wants them any more.
    pub fn keep_listed(&mut self, image: &CloudImage, kept: &[&str]) {
        let ours = listed(image, KEYS).unwrap_or_default();
        if let Some(list) = self.properties.get_mut(KEYS) {
            let mut keys: BTreeSet<&str> = list.split(',').filter(|key| !key.is_empty()).collect();
            keys.extend(kept.iter().filter(|key| ours.contains(*key)));
            *list = keys.into_iter().collect::<Vec<_>>().join(",");
        }
    }

    /// Protection is added where it is wanted, and only our own is taken away.
    fn protection(&self, image: &CloudImage) -> Option<bool> {
        match self.protected {
            Some(true) if !image.protected => Some(true),
            Some(false) if image.protected && image.properties.contains_key(PROTECTED) => {
                Some(false)
            }
            _ => None,
        }
    }
}

/// The values of a list that we wrote on an image.
pub fn listed<'a>(image: &'a CloudImage, key: &str) -> Option<BTreeSet<&'a str>> {
    let list = image.properties.get(key)?;
    Some(list.split(',').filter(|one| !one.is_empty()).collect())
}

fn owned(values: BTreeSet<&str>) -> BTreeSet<String> {
    values.into_iter().map(str::to_owned).collect()
}

/// Adds to what is published what only the upload could tell.
pub fn as_proven(patch: &mut Patch, proven: &Proven) {
    match proven.signed_by() {
        Some(key) => patch.set.insert(SIGNED_BY.to_owned(), key.to_owned()),
        // The file names a key that this run did not see at work.
        None => patch.set.remove(SIGNED_BY),
    };
    if let Some(checksum) = proven.converted() {
        patch
            .set
            .insert(CONVERTED.to_owned(), checksum.hex().to_owned());
    }
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
pub fn proof(
    version: &Version,
    image: Option<&CloudImage>,
    properties: &mut BTreeMap<String, String>,
) {
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
            properties.insert(SIGNED_BY.to_owned(), key.clone());
        }
    }
}

/// What nobody else can fetch is `private`, in the words of the SCS standard: paths of the operator's machine are nobody's
/// business.
fn public_source(url: &str) -> &str {
    if url.starts_with("file:") {
        "private"
    } else {
        url
    }
}
