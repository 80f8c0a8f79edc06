//! Bytes, a signature and keys → verdict: is this the pinned key's word, and is it still good?
//!
//! rPGP does the mathematics; what a signature must be beyond that is decided in
//! `policy.rs`, what a key may do in `standing.rs`. A signature counts if all of this holds:
//!
//! - its issuer is a pinned primary key, named by full fingerprint, or a subkey which that key has
//!   bound for signing and which has signed back;
//! - it is over data (binary or text), with SHA-256, SHA-384 or SHA-512;
//! - it is not expired, not from the future and not older than its key;
//! - no valid revocation of the primary key or of that subkey exists;
//! - **the key had not expired when it signed.** A key that expired later is accepted with a note,
//!   as `gpg` does (good signature, exit code 0, "key has expired"): upstreams renew signing
//!   subkeys every year and do not sign old releases again.
//!
//! Of several signatures one good one by a pinned key suffices.
//! Fetching keys and data is left to the edges; which digest to take from the text, to `manifest.rs`.

use chrono::{DateTime, TimeDelta, Utc};
use pgp::packet::{Packet, PacketParser, Signature, SignatureType};
use pgp::types::Timestamp;

use armor::Block;
pub use fingerprint::{Fingerprint, FingerprintError};
pub use keyring::{KeyError, Keyring};
pub use passing::{Detached, Passing};

mod armor;
mod clearsigned;
mod fingerprint;
mod keyring;
mod passing;
mod policy;
mod standing;

/// More signatures than this on one file are refused: each costs a pass over the data.
const MOST_SIGNATURES: usize = 32;

/// A good signature by a pinned key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The pinned primary key, also where a subkey of it signed.
    pub key: Fingerprint,
    /// When the signature says that it was made.
    pub made_at: DateTime<Utc>,
    /// What a person may want to know although the signature is good.
    pub notes: Vec<String>,
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not readable as what it should be.
    #[error("the signature cannot be read: {reason}")]
    Malformed {
        /// What is wrong with it, without its text.
        reason: &'static str,
    },
    /// None of the pinned keys was at hand.
    #[error(
        "the pinned key `{expected}` is not among the keys at hand, so the signature cannot be checked; fetch that key or put it into `keys/`"
    )]
    NoPinnedKey {
        /// The pinned fingerprints, with commas.
        expected: String,
    },
    /// Somebody else's signature, or a subkey which our copy of the key does not have.
    #[error(
        "signed by the foreign key `{found}`, expected `{expected}` or a subkey that our copy of it knows"
    )]
    ForeignKey {
        /// The issuer: a full fingerprint where known, else the key ID that the signature claims.
        found: String,
        /// The pinned fingerprints, with commas.
        expected: String,
    },
    /// The mathematics fail.
    #[error("bad signature by `{key}`: the data is not what was signed")]
    Bad {
        /// The key or subkey that the signature names.
        key: Fingerprint,
    },
    /// A hash for which two files with one digest can be made, or one that we do not take.
    #[error("the signature by `{key}` uses {hash}, expected SHA256, SHA384 or SHA512")]
    WeakHash {
        /// The key or subkey that the signature names.
        key: Fingerprint,
        /// The hash's name.
        hash: String,
    },
    /// A certification, revocation or the like, not over data.
    #[error("the signature by `{key}` is not one over a file, expected the type binary or text")]
    NotOverData {
        /// The key or subkey that the signature names.
        key: Fingerprint,
    },
    /// The signature's own end.
    #[error("the signature by `{key}` expired on {at}, expected one that still holds")]
    Expired {
        /// The key or subkey that signed.
        key: Fingerprint,
        /// When it expired.
        at: DateTime<Utc>,
    },
    /// The key was past its end when it signed.
    #[error(
        "key `{key}` expired on {at}, before it signed on {made_at}; if the upstream has prolonged the key, fetch it anew"
    )]
    KeyExpired {
        /// The key or subkey that signed.
        key: Fingerprint,
        /// When the key expired.
        at: DateTime<Utc>,
        /// When it signed.
        made_at: DateTime<Utc>,
    },
    /// The key's owner has withdrawn it.
    #[error("key `{key}` has been revoked by its owner, so nothing signed with it counts")]
    KeyRevoked {
        /// The key or subkey.
        key: Fingerprint,
    },
    /// The primary key says nothing valid about itself.
    #[error("key `{key}` has no valid self-signature, so how long it holds is unknown")]
    NoSelfSignature {
        /// The primary key.
        key: Fingerprint,
    },
    /// The primary key has not bound the subkey, or the subkey not the primary key.
    #[error(
        "subkey `{key}` is not validly bound to `{primary}`, expected a binding signed by both with SHA256 or better"
    )]
    NotBound {
        /// The subkey.
        key: Fingerprint,
        /// The primary key.
        primary: Fingerprint,
    },
    /// The key is for something else.
    #[error("key `{key}` is not meant for signing data, expected one with the signing flag")]
    NotForSigning {
        /// The key or subkey.
        key: Fingerprint,
    },
    /// Made later than now.
    #[error(
        "the signature by `{key}` is from the future ({made_at}), expected one made before {now}"
    )]
    FromTheFuture {
        /// The key or subkey that signed.
        key: Fingerprint,
        /// When the signature says that it was made.
        made_at: DateTime<Utc>,
        /// The time of the check.
        now: DateTime<Utc>,
    },
    /// Made before its key.
    #[error("the signature by `{key}` was made on {made_at}, before the key itself ({created_at})")]
    OlderThanKey {
        /// The key or subkey that signed.
        key: Fingerprint,
        /// When the signature says that it was made.
        made_at: DateTime<Utc>,
        /// When the key was made.
        created_at: DateTime<Utc>,
    },
}

impl SignatureError {
    /// Whether a newer copy of the same pinned key could turn the verdict: upstreams add subkeys
    /// and prolong keys.
    pub const fn may_be_an_old_copy_of_the_key(&self) -> bool {
        matches!(
            self,
            Self::NoPinnedKey { .. }
                | Self::ForeignKey { .. }
                | Self::KeyExpired { .. }
                | Self::NoSelfSignature { .. }
                | Self::NotBound { .. }
                | Self::NotForSigning { .. }
        )
    }

    /// How far the check came: of several failed signatures the one that came furthest is told.
    const fn depth(&self) -> u8 {
        match self {
            Self::Malformed { .. } | Self::NoPinnedKey { .. } => 0,
            Self::ForeignKey { .. } => 1,
            Self::NotOverData { .. } | Self::WeakHash { .. } => 2,
            Self::Bad { .. } => 3,
            _ => 4,
        }
    }
}

/// Checks a detached signature, armored or binary, over `data`.
///
/// Fails with [`SignatureError`] unless one of its signatures is good by a key in `pinned`.
pub fn verify_detached(
    data: &[u8],
    signature: &[u8],
    keys: &Keyring,
    pinned: &[Fingerprint],
    now: DateTime<Utc>,
) -> Result<Signed, SignatureError> {
    let signatures = read_detached(signature)?;
    policy::judge(
        &signatures,
        |at, issuer| issuer.verifies(&signatures[at], data),
        keys,
        pinned,
        now,
    )
}

/// Checks a clearsigned text and gives only what was signed, with `\n` at the end of each line.
///
/// What stands before or after the signed part is dropped, with a note.
/// Fails with [`SignatureError`] unless one of its signatures is good by a key in `pinned`.
pub fn verify_clearsigned(
    text: &[u8],
    keys: &Keyring,
    pinned: &[Fingerprint],
    now: DateTime<Utc>,
) -> Result<(String, Signed), SignatureError> {
    let parts = clearsigned::split(text)?;
    let signatures = signatures_in(&parts.signature)?;
    let text = parts.hashed();
    let mut signed = policy::judge(
        &signatures,
        |at, issuer| issuer.verifies(&signatures[at], text.as_bytes()),
        keys,
        pinned,
        now,
    )?;
    if parts.surrounded {
        signed
            .notes
            .push("text outside the signed part was ignored".to_owned());
    }
    Ok((parts.into_text(), signed))
}

/// The signed part of a clearsigned text, **unproven**; nothing if the text is not clearsigned.
///
/// For those who asked not to check signatures: also then nothing outside the armor is meant.
/// Fails with [`SignatureError`] if it is not whole.
pub(super) fn signed_part(text: &[u8]) -> Result<Option<String>, SignatureError> {
    if !clearsigned::is_clearsigned(text) {
        return Ok(None);
    }
    clearsigned::split(text).map(|parts| Some(parts.into_text()))
}

/// Reads the signature packets of a detached signature file; fails with [`SignatureError`].
fn read_detached(file: &[u8]) -> Result<Vec<Signature>, SignatureError> {
    if file.trim_ascii().is_empty() {
        return Err(malformed("the file is empty"));
    }
    if armor::is_binary(file) {
        return signatures_in(file);
    }
    let blocks = armor::blocks(file, Block::Signature)
        .map_err(|_| malformed("its armor is damaged, expected Base64 lines up to the END line"))?;
    if blocks.is_empty() {
        return Err(malformed(if armor::is_html(file) {
            "it is an HTML page, expected an OpenPGP signature"
        } else {
            "it holds no OpenPGP signature, neither armored nor binary"
        }));
    }
    signatures_in(&blocks.concat())
}

/// Reads signature packets; others, and broken ones beside good ones, are passed over.
fn signatures_in(packets: &[u8]) -> Result<Vec<Signature>, SignatureError> {
    let signatures: Vec<Signature> = PacketParser::new(packets)
        .filter_map(|packet| match packet {
            Ok(Packet::Signature(signature)) => Some(signature),
            _ => None,
        })
        .take(MOST_SIGNATURES + 1)
        .collect();
    if signatures.is_empty() {
        return Err(malformed("it holds no signature packet that we can read"));
    }
    if signatures.len() > MOST_SIGNATURES {
        return Err(malformed("it holds more than 32 signatures"));
    }
    Ok(signatures)
}

/// Shorthand for an unreadable signature.
const fn malformed(reason: &'static str) -> SignatureError {
    SignatureError::Malformed { reason }
}

/// Whether the signature is over a file or a text.
fn is_over_data(signature: &Signature) -> bool {
    matches!(
        signature.typ(),
        Some(SignatureType::Binary | SignatureType::Text)
    )
}

/// OpenPGP counts seconds since 1970 in 32 bits.
fn instant(timestamp: Timestamp) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(i64::from(timestamp.as_secs()))
}

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod both_ways;
#[cfg(test)]
mod captured_tests;
#[cfg(test)]
mod forged_tests;
#[cfg(test)]
mod gpg;
