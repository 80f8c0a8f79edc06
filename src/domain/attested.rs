//! Manifest + signature + pinned keys → a digest that somebody vouches for.
//!
//! An [`Attested`] is made here and nowhere else, so nothing unproven reaches a proposal or an upload. Which documents
//! to fetch is the source's word, fetching them the edge's.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::checksum::{Algorithm, Checksum};
use super::definition::Version;
use super::manifest::{self, ManifestError};
use super::signature::{self, Fingerprint, Keyring, SignatureError, Signed};

/// A digest, and who vouches for it.
///
/// The algorithm is never a weak one. With [`Verified::Signature`] there is a key, and it is a pinned one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    checksum: Checksum,
    verified: Verified,
    signed_by: Option<Fingerprint>,
    manifest: Option<String>,
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

/// How much proof is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
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
    /// The settings want a signature, and there is none.
    #[error(
        "no key has signed the digest of `{image}`, but a signature is wanted; name a key in the source, or set `verify: checksum` in reglaze.yml"
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

    /// What vouches for it.
    pub const fn verified(&self) -> Verified {
        self.verified
    }

    /// The pinned primary key that signed.
    pub const fn signed_by(&self) -> Option<&Fingerprint> {
        self.signed_by.as_ref()
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
    if checksum.is_weak() {
        return Err(ProofError::Weak {
            url: manifest.url.to_owned(),
            file: file.to_owned(),
            algorithm: checksum.algorithm(),
        });
    }
    let notes = signed
        .as_ref()
        .map(|signed| signed.notes.clone())
        .unwrap_or_default();
    let attested = Attested {
        checksum,
        verified: if signed.is_some() {
            Verified::Signature
        } else {
            Verified::Checksum
        },
        signed_by: signed.map(|signed| signed.key),
        manifest: Some(manifest.url.to_owned()),
    };
    Ok((attested, notes))
}

/// Takes a digest that an index itself tells.
///
/// `signed`: the verdict on that index, if it is signed. Fails with [`ProofError`] on a weak digest.
pub fn told(
    file: &str,
    checksum: Checksum,
    index: &str,
    signed: Option<Signed>,
) -> Result<(Attested, Vec<String>), ProofError> {
    if checksum.is_weak() {
        return Err(ProofError::Weak {
            url: index.to_owned(),
            file: file.to_owned(),
            algorithm: checksum.algorithm(),
        });
    }
    let notes = signed
        .as_ref()
        .map(|signed| signed.notes.clone())
        .unwrap_or_default();
    let attested = Attested {
        checksum,
        verified: if signed.is_some() {
            Verified::Signature
        } else {
            Verified::Checksum
        },
        signed_by: signed.map(|signed| signed.key),
        manifest: Some(index.to_owned()),
    };
    Ok((attested, notes))
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
    Ok(Attested {
        checksum,
        verified: if signed_by.is_some() {
            Verified::Signature
        } else {
            Verified::Checksum
        },
        signed_by,
        manifest: version.manifest.clone(),
    })
}

/// Says whether `found` is still what people reviewed; fails with [`ProofError::Changed`].
///
/// Digests of different algorithms cannot be compared: both hold until the bytes say otherwise, and the reviewed one
/// is what the bytes are held against.
pub fn unchanged(found: &Attested, file: &str, reviewed: &Checksum) -> Result<(), ProofError> {
    if found.checksum.algorithm() == reviewed.algorithm() && found.checksum != *reviewed {
        return Err(ProofError::Changed {
            url: found.manifest.clone().unwrap_or_default(),
            file: file.to_owned(),
            found: found.checksum.clone(),
            reviewed: reviewed.clone(),
        });
    }
    Ok(())
}

/// Says whether what vouches for a digest is as much as the settings ask for.
///
/// `names_key`: the source of the image names a key. Fails with [`ProofError::Unsigned`].
pub fn suffices(
    attested: &Attested,
    verify: Verify,
    names_key: bool,
    image: &str,
) -> Result<(), ProofError> {
    let wanted = match verify {
        Verify::SignatureRequired => true,
        Verify::Signature => names_key,
        Verify::Checksum => false,
    };
    if wanted && attested.verified != Verified::Signature {
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
