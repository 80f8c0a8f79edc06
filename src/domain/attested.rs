//! Manifest + signature + pinned keys → a digest that somebody vouches for.
//!
//! An [`Attested`] is made here and nowhere else, so nothing unproven reaches a proposal or an upload. Which documents
//! to fetch is the source's word, fetching them the edge's.

mod by_bytes;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::checksum::{Algorithm, Checksum};
use super::definition::{Computed, Version};
use super::manifest::{self, ManifestError};
use super::proof::Mismatch;
use super::signature::{self, Fingerprint, Keyring, SignatureError, Signed};

pub use by_bytes::ByBytes;

/// A digest, and who vouches for it.
///
/// The algorithm is never a weak one. With [`Verified::Signature`] there is a key, and it is a pinned one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    checksum: Checksum,
    /// Another digest of the file, which people reviewed: it must hold too.
    reviewed: Option<Checksum>,
    disk: Option<Checksum>,
    computed: Computed,
    verified: Verified,
    signed_by: Option<Fingerprint>,
    signed_at: Option<DateTime<Utc>>,
    manifest: Option<String>,
    awaits_signature: bool,
}

/// What vouches for a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verified {
    /// A pinned key signed the manifest.
    Signature,
    /// An unsigned manifest, or the reviewed definition, gives it.
    Checksum,
    /// The upstream publishes none; it was computed from the bytes.
    Computed,
}

/// How much proof is asked for, the strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// Every image needs a signature by a pinned key.
    SignatureRequired,
    /// A signature where the source names a key, else the checksum.
    #[default]
    Signature,
    /// The checksum.
    Checksum,
}

impl Verify {
    /// The stricter of the two.
    #[must_use]
    pub fn and(self, other: Option<Self>) -> Self {
        other.map_or(self, |other| self.min(other))
    }

    /// Whether the signature is looked at, if the source names a key.
    pub const fn wants_signature(self) -> bool {
        matches!(self, Self::SignatureRequired | Self::Signature)
    }
}

/// A document of an upstream: where it lies and what it says.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Its URL.
    pub url: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// How a manifest is signed, and by whom it may be.
#[derive(Debug, Clone, Copy)]
pub struct Signing<'a> {
    /// The detached signature; absent: the manifest itself is clearsigned.
    pub detached: Option<Evidence<'a>>,
    /// The keys at hand.
    pub keys: &'a Keyring,
    /// The full fingerprints that count.
    pub pinned: &'a [Fingerprint],
}

/// Why a digest is not attested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The manifest gives no digest of the file.
    #[error("`{url}` does not vouch for `{file}`: {source}")]
    Manifest {
        /// The manifest.
        url: String,
        /// The file whose digest was sought.
        file: String,
        /// What is wrong.
        source: Box<ManifestError>,
    },
    /// Only MD5 or SHA-1.
    #[error(
        "`{url}` gives only the {algorithm} digest of `{file}`, which proves nothing any more; expected SHA-256 or SHA-512"
    )]
    Weak {
        /// The manifest, or the definition.
        url: String,
        /// The file.
        file: String,
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// The signature does not count.
    #[error("`{url}` is not proven by {signature}: {source}")]
    Signature {
        /// The manifest.
        url: String,
        /// Its signature, in words.
        signature: String,
        /// Why.
        source: Box<SignatureError>,
    },
    /// The manifest is not text.
    #[error("`{url}` is not UTF-8 text; expected a checksum manifest")]
    NotText {
        /// The manifest.
        url: String,
    },
    /// The bytes are others than those of which upstream documents speak.
    #[error("the bytes at `{image}` are not those that its upstream speaks of: {source}")]
    Bytes {
        /// The image's URL.
        image: String,
        /// What they are.
        source: Box<Mismatch>,
    },
    /// The settings want a signature, and there is none.
    #[error(
        "no key has signed the digest of `{image}`, but a signature is wanted; name a key in the source, or ask for less by `verify` in reglaze.yml and the policy"
    )]
    Unsigned {
        /// The image's URL or name.
        image: String,
    },
    /// The definition gives no digest.
    #[error(
        "version `{version}` has no checksum; expected `checksum: sha256:…`, as `update` writes it"
    )]
    NoChecksum {
        /// The version.
        version: String,
    },
    /// What was reviewed is not what the upstream says now.
    #[error(
        "`{url}` now gives `{found}` for `{file}`, but the definition has `{reviewed}`; find out which one is right before anything is uploaded"
    )]
    Changed {
        /// The manifest.
        url: String,
        /// The file.
        file: String,
        /// What the manifest says.
        found: Checksum,
        /// What the definition says.
        reviewed: Checksum,
    },
}

impl ProofError {
    /// Whether a newer copy of a pinned key could turn the verdict.
    pub fn may_be_an_old_copy_of_the_key(&self) -> bool {
        matches!(self, Self::Signature { source, .. } if source.may_be_an_old_copy_of_the_key())
    }
}

impl Attested {
    /// The digest.
    pub const fn checksum(&self) -> &Checksum {
        &self.checksum
    }

    /// Every digest that the file must have: the one that is vouched for, and the reviewed one if that is another.
    pub fn checksums(&self) -> impl Iterator<Item = &Checksum> {
        std::iter::once(&self.checksum).chain(&self.reviewed)
    }

    /// The digest of the disk in the file, where that is packed and the digest known.
    pub const fn disk(&self) -> Option<&Checksum> {
        self.disk.as_ref()
    }

    /// Which of the two digests were computed from a download of ours.
    pub const fn computed(&self) -> Computed {
        self.computed
    }

    /// Whether it counts only together with a good signature over the bytes themselves.
    pub const fn awaits_signature(&self) -> bool {
        self.awaits_signature
    }

    /// The same with the digest of the disk in the file. Fails with [`ProofError`] if that is a weak one.
    pub fn with_disk(mut self, disk: Option<Checksum>, image: &str) -> Result<Self, ProofError> {
        if let Some(weak) = disk.as_ref().filter(|disk| disk.is_weak()) {
            return Err(ProofError::Weak {
                url: self.manifest.unwrap_or_else(|| "the definition".to_owned()),
                file: format!("the disk in {image}"),
                algorithm: weak.algorithm(),
            });
        }
        self.disk = disk;
        Ok(self)
    }

    /// The same, to be held against a signature over the bytes too.
    #[must_use]
    pub fn awaiting_signature(mut self) -> Self {
        self.awaits_signature = true;
        self
    }

    /// A digest in a document of an upstream, with the verdict on that document.
    fn by_document(checksum: Checksum, url: &str, signed: Option<Signed>) -> Self {
        Self {
            checksum,
            reviewed: None,
            disk: None,
            computed: Computed::default(),
            verified: if signed.is_some() {
                Verified::Signature
            } else {
                Verified::Checksum
            },
            signed_at: signed.as_ref().map(|signed| signed.made_at),
            signed_by: signed.map(|signed| signed.key),
            manifest: Some(url.to_owned()),
            awaits_signature: false,
        }
    }

    /// What vouches for it.
    pub const fn verified(&self) -> Verified {
        self.verified
    }

    /// The pinned primary key that signed.
    pub const fn signed_by(&self) -> Option<&Fingerprint> {
        self.signed_by.as_ref()
    }

    /// When it signed, as its signature says; absent where only the reviewed definition tells who did.
    pub const fn signed_at(&self) -> Option<DateTime<Utc>> {
        self.signed_at
    }

    /// The URL of the manifest.
    pub fn manifest(&self) -> Option<&str> {
        self.manifest.as_deref()
    }
}

/// Takes the digest of `file` from a manifest, after its signature was checked.
///
/// Of a clearsigned manifest only the signed text counts. Gives notes for people beside the result.
/// Fails with [`ProofError`].
pub fn attest(
    file: &str,
    manifest: Evidence,
    algorithm: Option<Algorithm>,
    signing: Option<Signing>,
    now: DateTime<Utc>,
) -> Result<(Attested, Vec<String>), ProofError> {
    let (text, signed) = match signing {
        None => (utf8(manifest)?, None),
        Some(signing) => {
            let (text, signed) = signed_text(manifest, signing, now)?;
            (text, Some(signed))
        }
    };
    let checksum =
        manifest::digest_of(&text, file, algorithm).map_err(|source| ProofError::Manifest {
            url: manifest.url.to_owned(),
            file: file.to_owned(),
            source: Box::new(source),
        })?;
    told(file, checksum, manifest.url, signed)
}

/// Takes a digest that a document tells: an index, or a manifest.
///
/// `signed`: the verdict on that document, if it is signed. Fails with [`ProofError`] on a weak digest.
pub fn told(
    file: &str,
    checksum: Checksum,
    document: &str,
    signed: Option<Signed>,
) -> Result<(Attested, Vec<String>), ProofError> {
    if checksum.is_weak() {
        return Err(ProofError::Weak {
            url: document.to_owned(),
            file: file.to_owned(),
            algorithm: checksum.algorithm(),
        });
    }
    let notes = signed
        .as_ref()
        .map(|signed| signed.notes.clone())
        .unwrap_or_default();
    Ok((Attested::by_document(checksum, document, signed), notes))
}

/// Checks the signature of a document, whatever it says. Fails with [`ProofError`].
pub fn signed(
    document: Evidence,
    signing: Signing,
    now: DateTime<Utc>,
) -> Result<Signed, ProofError> {
    signed_text(document, signing, now).map(|(_, signed)| signed)
}

/// Takes what people reviewed and merged: the digest of the definition.
///
/// With `trust_signed_by` the reviewed `signed_by` counts as a signature: for manifests that the upstream has removed
/// since. Fails with [`ProofError`] if there is no digest, or a weak one only.
pub fn reviewed(version: &Version, trust_signed_by: bool) -> Result<Attested, ProofError> {
    let checksum = version
        .checksum
        .clone()
        .ok_or_else(|| ProofError::NoChecksum {
            version: version.version.clone(),
        })?;
    if checksum.is_weak() {
        return Err(ProofError::Weak {
            url: "the definition".to_owned(),
            file: version.version.clone(),
            algorithm: checksum.algorithm(),
        });
    }
    let signed_by: Option<Fingerprint> = version
        .signed_by
        .as_ref()
        .filter(|_| trust_signed_by)
        .and_then(|text| text.parse().ok());
    let verified = match (&signed_by, version.computed.checksum) {
        (Some(_), _) => Verified::Signature,
        (None, true) => Verified::Computed,
        (None, false) => Verified::Checksum,
    };
    let attested = Attested {
        checksum,
        reviewed: None,
        disk: None,
        computed: version.computed,
        verified,
        signed_by,
        signed_at: None,
        manifest: version.manifest.clone(),
        awaits_signature: false,
    };
    attested.with_disk(version.disk_checksum.clone(), &version.version)
}

/// Makes of what an upstream says now what the bytes must be, if people reviewed the same.
///
/// Digests of different algorithms cannot be compared, so the bytes are held against both. Of the disk in a packed file
/// the reviewed digest counts. Fails with [`ProofError::Changed`].
pub fn unchanged(found: Attested, file: &str, reviewed: &Attested) -> Result<Attested, ProofError> {
    let changed = |found: &Checksum, reviewed: &Checksum, url: Option<&str>| {
        let differ = found.algorithm() == reviewed.algorithm() && found != reviewed;
        differ.then(|| ProofError::Changed {
            url: url.unwrap_or_default().to_owned(),
            file: file.to_owned(),
            found: found.clone(),
            reviewed: reviewed.clone(),
        })
    };
    let pairs = [
        Some((&found.checksum, &reviewed.checksum)),
        found.disk.as_ref().zip(reviewed.disk.as_ref()),
    ];
    for (now, then) in pairs.into_iter().flatten() {
        if let Some(error) = changed(now, then, found.manifest()) {
            return Err(error);
        }
    }
    let other = (found.checksum != reviewed.checksum).then(|| reviewed.checksum.clone());
    Ok(Attested {
        reviewed: other,
        disk: reviewed.disk.clone().or(found.disk.clone()),
        computed: reviewed.computed,
        ..found
    })
}

/// Says whether what vouches for a digest is as much as the settings ask for.
///
/// `names_key`: the source of the image names a key. Fails with [`ProofError::Unsigned`].
pub fn suffices(
    verified: Verified,
    verify: Verify,
    names_key: bool,
    image: &str,
) -> Result<(), ProofError> {
    let wanted = match verify {
        Verify::SignatureRequired => true,
        Verify::Signature => names_key,
        Verify::Checksum => false,
    };
    if wanted && verified != Verified::Signature {
        return Err(ProofError::Unsigned {
            image: image.to_owned(),
        });
    }
    Ok(())
}

fn signed_text(
    manifest: Evidence,
    signing: Signing,
    now: DateTime<Utc>,
) -> Result<(String, Signed), ProofError> {
    let refuse = |signature: String| {
        move |source| ProofError::Signature {
            url: manifest.url.to_owned(),
            signature,
            source: Box::new(source),
        }
    };
    let (keys, pinned) = (signing.keys, signing.pinned);
    match signing.detached {
        Some(detached) => {
            let signed =
                signature::verify_detached(manifest.bytes, detached.bytes, keys, pinned, now)
                    .map_err(refuse(format!("`{}`", detached.url)))?;
            Ok((utf8(manifest)?, signed))
        }
        None => signature::verify_clearsigned(manifest.bytes, keys, pinned, now)
            .map_err(refuse("the signature in it".to_owned())),
    }
}

fn utf8(document: Evidence) -> Result<String, ProofError> {
    std::str::from_utf8(document.bytes)
        .map(str::to_owned)
        .map_err(|_| ProofError::NotText {
            url: document.url.to_owned(),
        })
}

#[cfg(test)]
mod tests;
