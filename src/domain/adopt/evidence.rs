//! What speaks for an image being a certain version, the strongest first, and what speaks against it.

use std::fmt;

use super::Context;
use super::identity::identity;
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::definition::{Definition, Version};
use crate::domain::policy::Policy;
use crate::domain::snapshot::CloudImage;
use crate::domain::wanted::{self, Scene, digest_property};

/// What a match rests on, the strongest first. Only the first proves bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    /// The digest of the stored bytes.
    Digest,
    /// A digest that somebody recorded as a property.
    RecordedDigest,
    /// The URL that somebody recorded as `image_source`.
    Source,
    /// The properties `image_name` and `internal_version`.
    Identity,
    /// The display name.
    Name,
}

impl Evidence {
    pub(super) const ALL: [Self; 5] = [
        Self::Digest,
        Self::RecordedDigest,
        Self::Source,
        Self::Identity,
        Self::Name,
    ];
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digest => "by the digest of its bytes",
            Self::RecordedDigest => {
                "by the digest recorded in its properties; its bytes were not proven"
            }
            Self::Source => "by its recorded source; its bytes were not proven",
            Self::Identity => "by its recorded name and version; its bytes were not proven",
            Self::Name => "by its name alone; its bytes were not proven",
        })
    }
}

/// What is known of an image's bytes against a version's digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bytes {
    /// They are the version's: by the digest of the file, or (`None`) of the disk inside a packed one.
    Same(Option<Checksum>),
    /// They are others.
    Other,
    /// No digest of both is known.
    Unknown,
}

/// Compares an image's bytes with a version's digests, as far as Glance or reading back told them.
pub(super) fn bytes(
    image: &CloudImage,
    definition: &Definition,
    version: &Version,
    context: &Context<'_>,
) -> Bytes {
    let known = known(image, context);
    let found = |wanted: &Checksum| {
        let mut same = known
            .iter()
            .filter(|one| one.algorithm() == wanted.algorithm());
        same.next().map(|one| one == wanted)
    };
    let file = version.checksum.as_ref().filter(|one| !one.is_weak());
    let disk = version.disk_checksum.as_ref().filter(|one| !one.is_weak());
    match (file.and_then(found), disk.and_then(found)) {
        (Some(true), _) => Bytes::Same(file.cloned()),
        (_, Some(true)) => Bytes::Same(None),
        // A store that converts holds other bytes of the same image; so does one to which a packed file came unpacked.
        (_, Some(false)) if is_as_defined(image, definition) => Bytes::Other,
        (Some(false), None) if is_as_defined(image, definition) && !is_packed(version) => {
            Bytes::Other
        }
        _ => Bytes::Unknown,
    }
}

/// Whether reading the image back could tell more of a version than Glance's own digest did.
pub(super) fn reading_helps(
    image: &CloudImage,
    definition: &Definition,
    version: &Version,
    context: &Context<'_>,
) -> bool {
    let computed =
        |one: &&Checksum| matches!(one.algorithm(), Algorithm::Sha256 | Algorithm::Sha384);
    let digests = [version.disk_checksum.as_ref(), version.checksum.as_ref()];
    let is_comparable = version.disk_checksum.is_some() || !is_packed(version);
    digests.into_iter().flatten().any(|one| computed(&one))
        && is_comparable
        && is_as_defined(image, definition)
        && bytes(image, definition, version, context) == Bytes::Unknown
}

/// Whether one piece of evidence speaks for a listed version. Bytes that are known to be others speak against all.
pub(super) fn speaks(
    evidence: Evidence,
    image: &CloudImage,
    definition: &Definition,
    version: &Version,
    policy: Option<&Policy>,
    context: &Context<'_>,
) -> bool {
    let bytes = bytes(image, definition, version, context);
    if bytes == Bytes::Other {
        return false;
    }
    match evidence {
        Evidence::Digest => matches!(bytes, Bytes::Same(_)),
        Evidence::RecordedDigest => recorded(image, version) == Some(true),
        _ if recorded(image, version) == Some(false) => false,
        Evidence::Source => is_source(image, version),
        Evidence::Identity => identity(image)
            .is_some_and(|one| one.name == definition.name && one.version == version.version),
        Evidence::Name => {
            policy.is_some_and(|policy| is_named(image, definition, version, policy, context))
        }
    }
}

/// Whether one of the names that the policy gives a version is the image's.
pub(super) fn is_named(
    image: &CloudImage,
    definition: &Definition,
    version: &Version,
    policy: &Policy,
    context: &Context<'_>,
) -> bool {
    let Some(name) = &image.name else {
        return false;
    };
    let scene = Scene {
        definition,
        policy,
        mark: context.plan.tag,
        newest: None,
        run: context.plan.run,
        uploaded: None,
    };
    policy.stages.iter().any(|stage| {
        wanted::stage_name(&scene, version, stage, Some(image))
            .is_ok_and(|stage_name| stage_name == *name)
    })
}

/// The digests that are known of an image's stored bytes.
fn known(image: &CloudImage, context: &Context<'_>) -> Vec<Checksum> {
    let mut known: Vec<Checksum> = stored(image).into_iter().collect();
    known.extend(context.read.get(&image.id).into_iter().flatten().cloned());
    known
}

/// Glance's digest over the stored bytes.
pub(super) fn stored(image: &CloudImage) -> Option<Checksum> {
    let (algorithm, value) = (
        image.os_hash_algo.as_deref()?,
        image.os_hash_value.as_deref()?,
    );
    let checksum = Checksum::new(algorithm.parse().ok()?, value).ok()?;
    (!checksum.is_weak()).then_some(checksum)
}

/// Whether the digest in the image's properties is the version's; absent if there is none of its algorithm.
fn recorded(image: &CloudImage, version: &Version) -> Option<bool> {
    let checksum = version.checksum.as_ref()?;
    let recorded = image
        .properties
        .get(digest_property(checksum.algorithm())?)?;
    Some(recorded.eq_ignore_ascii_case(checksum.hex()))
}

fn is_source(image: &CloudImage, version: &Version) -> bool {
    let Some(source) = image.properties.get("image_source") else {
        return false;
    };
    version.places().iter().any(|url| url == source)
}

fn is_as_defined(image: &CloudImage, definition: &Definition) -> bool {
    image.disk_format.as_deref() == Some(definition.format.as_str())
}

/// Whether a version's file is packed, by its name: then its digest is not that of what Glance holds.
fn is_packed(version: &Version) -> bool {
    version.url.as_deref().is_some_and(is_packed_url)
}

/// Whether a URL's file name says that the file is packed.
pub(super) fn is_packed_url(url: &str) -> bool {
    let path = url
        .split(['?', '#'])
        .next()
        .unwrap_or(url)
        .to_ascii_lowercase();
    [".xz", ".gz", ".tgz", ".bz2", ".zst", ".zip", ".tar"]
        .iter()
        .any(|ending| path.ends_with(ending))
}
