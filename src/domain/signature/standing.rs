//! What a key may do at a given time, by the newest valid word of its owner.
//!
//! Judged signature by signature: rPGP's own check of a whole key fails on one odd old signature.

use chrono::{DateTime, TimeDelta, Utc};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType, SignatureVersion, SubpacketData};
use pgp::types::{KeyDetails, KeyVersion, Tag, VerifyingKey};

use super::fingerprint::Fingerprint;
use super::keyring::Certificate;
use super::policy::CLOCK_SKEW;
use super::{SignatureError, instant};

/// A key that may have made a signature: the primary key or the subkey with this index.
#[derive(Clone, Copy)]
pub(super) struct Issuer<'a> {
    pub(super) certificate: &'a Certificate,
    pub(super) subkey: Option<usize>,
}

impl Issuer<'_> {
    pub(super) fn fingerprint(self) -> Fingerprint {
        match self.subkey {
            Some(index) => Fingerprint::of(&self.certificate.subkeys[index].0),
            None => Fingerprint::of(&self.certificate.primary),
        }
    }

    /// Whether the signature is this key's over the data.
    pub(super) fn verifies(self, signature: &Signature, data: &[u8]) -> bool {
        match self.subkey {
            Some(index) => signature.verify(&self.certificate.subkeys[index].0, data),
            None => signature.verify(&self.certificate.primary, data),
        }
        .is_ok()
    }

    /// Whether the signature is this key's over data that is hashed already, with all that belongs to it.
    pub(super) fn verifies_digest(self, signature: &Signature, digest: &[u8]) -> bool {
        let (Some(hash), Some(bytes)) = (signature.hash_alg(), signature.signature()) else {
            return false;
        };
        let is_v6 = self.certificate.primary.version() == KeyVersion::V6;
        if is_v6 != (signature.version() == SignatureVersion::V6)
            || signature
                .signed_hash_value()
                .as_ref()
                .map(<[u8; 2]>::as_slice)
                != digest.get(..2)
        {
            return false;
        }
        match self.subkey {
            Some(index) => self.certificate.subkeys[index]
                .0
                .verify(hash, digest, bytes),
            None => self.certificate.primary.verify(hash, digest, bytes),
        }
        .is_ok()
    }
}

/// What a key may do, by its newest valid self-signature.
pub(super) struct Standing {
    /// A signature cannot be older.
    pub(super) created_at: DateTime<Utc>,
    /// Nor can it be younger.
    pub(super) expires_at: Option<DateTime<Utc>>,
    may_sign: bool,
}

impl Standing {
    /// What the primary key says about itself and, if a subkey signed, about that.
    ///
    /// Fails with [`SignatureError`] if the key must not sign at all.
    pub(super) fn of(
        issuer: Issuer<'_>,
        now: DateTime<Utc>,
        notes: &mut Vec<String>,
    ) -> Result<Self, SignatureError> {
        let primary = primary_standing(issuer.certificate, now, notes)?;
        let Some(index) = issuer.subkey else {
            if primary.may_sign {
                return Ok(primary);
            }
            return Err(SignatureError::NotForSigning {
                key: issuer.fingerprint(),
            });
        };
        let subkey = subkey_standing(issuer.certificate, index, now)?;
        Ok(Self {
            created_at: primary.created_at.max(subkey.created_at),
            expires_at: [primary.expires_at, subkey.expires_at]
                .into_iter()
                .flatten()
                .min(),
            may_sign: true,
        })
    }
}

/// The primary key by its newest valid self-signature.
fn primary_standing(
    certificate: &Certificate,
    now: DateTime<Utc>,
    notes: &mut Vec<String>,
) -> Result<Standing, SignatureError> {
    let primary = &certificate.primary;
    let key = Fingerprint::of(primary);
    // A revocation holds whatever its hash and date: doubt goes against the key.
    let is_revoked = certificate.direct.iter().any(|signature| {
        signature.typ() == Some(SignatureType::KeyRevocation)
            && signature.verify_key(primary).is_ok()
    });
    if is_revoked {
        return Err(SignatureError::KeyRevoked { key });
    }
    let newest = self_signature(certificate, now)
        .ok_or_else(|| SignatureError::NoSelfSignature { key: key.clone() })?;
    if uses_sha1(newest) {
        notes.push(format!("the self-signature of key `{key}` uses SHA-1"));
    }
    let created_at = instant(primary.created_at());
    Ok(Standing {
        created_at,
        expires_at: key_expiry(newest, created_at),
        may_sign: may_sign(newest).unwrap_or(true),
    })
}

/// The newest valid self-signature: over the key itself or over a user ID that is not revoked.
///
/// A version 6 key speaks of itself only over itself (RFC 9580, 10.1.1); of two made in the same
/// second that one is taken for the others too.
fn self_signature(certificate: &Certificate, now: DateTime<Utc>) -> Option<&Signature> {
    let direct = direct_signatures(certificate).map(|signature| (signature, true));
    let of_users = (certificate.primary.version() != KeyVersion::V6)
        .then(|| certifications(certificate).map(|signature| (signature, false)));
    direct
        .chain(of_users.into_iter().flatten())
        .filter(|(signature, _)| holds(signature, now))
        .max_by_key(|(signature, is_direct)| (signature.created().map(instant), *is_direct))
        .map(|(signature, _)| signature)
}

/// A subkey by its newest valid binding.
fn subkey_standing(
    certificate: &Certificate,
    index: usize,
    now: DateTime<Utc>,
) -> Result<Standing, SignatureError> {
    let primary = &certificate.primary;
    let (subkey, signatures) = &certificate.subkeys[index];
    let key = Fingerprint::of(subkey);
    let of_type = |wanted: SignatureType| {
        signatures.iter().filter(move |signature| {
            signature.typ() == Some(wanted)
                && signature.verify_subkey_binding(primary, subkey).is_ok()
        })
    };
    if of_type(SignatureType::SubkeyRevocation).next().is_some() {
        return Err(SignatureError::KeyRevoked { key });
    }
    let not_bound = || SignatureError::NotBound {
        key: key.clone(),
        primary: Fingerprint::of(primary),
    };
    // SHA-1 is accepted where the owner speaks of the pinned key, not where a key is added to it:
    // there a collision would be worth its price.
    let binds = |signature: &Signature| holds(signature, now) && !uses_sha1(signature);
    let binding = of_type(SignatureType::SubkeyBinding)
        .filter(|signature| binds(signature))
        .max_by_key(|signature| signature.created().map(instant))
        .ok_or_else(not_bound)?;
    if may_sign(binding) != Some(true) {
        return Err(SignatureError::NotForSigning { key });
    }
    // Without this a stranger could bind our subkey to their key and claim our signatures.
    let signed_back = binding.embedded_signature().is_some_and(|back| {
        binds(back) && back.verify_primary_key_binding(subkey, primary).is_ok()
    });
    if !signed_back {
        return Err(not_bound());
    }
    let created_at = instant(subkey.created_at());
    Ok(Standing {
        created_at,
        expires_at: key_expiry(binding, created_at),
        may_sign: true,
    })
}

/// Whether a signature among a key's own parts is acceptable: dated, not from the future, not
/// expired, not made with a hash worse than SHA-1, nothing critical and unknown in it.
fn holds(signature: &Signature, now: DateTime<Utc>) -> bool {
    let is_past = signature
        .created()
        .is_some_and(|made| instant(made) <= now + CLOCK_SKEW);
    let is_over = expiry(signature).is_some_and(|at| at <= now);
    let has_usable_hash = matches!(
        signature.hash_alg(),
        Some(
            HashAlgorithm::Sha1
                | HashAlgorithm::Sha224
                | HashAlgorithm::Sha256
                | HashAlgorithm::Sha384
                | HashAlgorithm::Sha512
                | HashAlgorithm::Sha3_256
                | HashAlgorithm::Sha3_512
        )
    );
    is_past && !is_over && has_usable_hash && !has_unknown_critical_part(signature)
}

/// Valid signatures of a primary key over itself.
fn direct_signatures(certificate: &Certificate) -> impl Iterator<Item = &Signature> {
    certificate.direct.iter().filter(|signature| {
        signature.typ() == Some(SignatureType::Key)
            && signature.verify_key(&certificate.primary).is_ok()
    })
}

/// Valid signatures of a primary key over its user IDs, newer than their last revocation.
fn certifications(certificate: &Certificate) -> impl Iterator<Item = &Signature> {
    certificate
        .users
        .iter()
        .flat_map(move |(user, signatures)| {
            let valid = signatures.iter().filter(move |signature| {
                signature
                    .verify_certification(&certificate.primary, Tag::UserId, user)
                    .is_ok()
            });
            let is_revocation =
                |signature: &Signature| signature.typ() == Some(SignatureType::CertRevocation);
            let revoked_at = valid
                .clone()
                .filter(|signature| is_revocation(signature))
                .filter_map(|signature| signature.created().map(instant))
                .max();
            valid.filter(move |signature| {
                !is_revocation(signature) && signature.created().map(instant) > revoked_at
            })
        })
}

/// Whether a signature carries a part that its maker calls critical and that we do not know:
/// RFC 9580 wants such a signature to be refused. Notations are private words, none is known here.
pub(super) fn has_unknown_critical_part(signature: &Signature) -> bool {
    signature.config().is_some_and(|config| {
        config.hashed_subpackets().any(|part| {
            part.is_critical
                && matches!(
                    part.data,
                    SubpacketData::Notation(_)
                        | SubpacketData::Experimental(..)
                        | SubpacketData::Other(..)
                )
        })
    })
}

/// The end of a signature itself.
pub(super) fn expiry(signature: &Signature) -> Option<DateTime<Utc>> {
    let seconds = signature.signature_expiration_time()?.as_secs();
    let made_at = instant(signature.created()?);
    (seconds > 0).then(|| made_at + TimeDelta::seconds(i64::from(seconds)))
}

/// The end of a key by its self-signature, which counts from the key's creation.
fn key_expiry(signature: &Signature, created_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let seconds = signature.key_expiration_time()?.as_secs();
    (seconds > 0).then(|| created_at + TimeDelta::seconds(i64::from(seconds)))
}

/// What the key flags say about signing; without flags nothing.
fn may_sign(signature: &Signature) -> Option<bool> {
    signature
        .config()?
        .hashed_subpackets()
        .find_map(|part| match &part.data {
            SubpacketData::KeyFlags(flags) => Some(flags.sign()),
            _ => None,
        })
}

fn uses_sha1(signature: &Signature) -> bool {
    signature.hash_alg() == Some(HashAlgorithm::Sha1)
}

/// The subkeys of a key that may sign on that day, with their end: for tests with real keys of
/// which no signature was captured.
#[cfg(test)]
pub(super) fn signing_subkeys(
    keys: &super::Keyring,
    primary: &Fingerprint,
    day: DateTime<Utc>,
) -> Vec<String> {
    let (_, certificate) = keys
        .certificates()
        .find(|(fingerprint, _)| *fingerprint == primary)
        .unwrap();
    (0..certificate.subkeys.len())
        .filter_map(|index| {
            let issuer = Issuer {
                certificate,
                subkey: Some(index),
            };
            let standing = Standing::of(issuer, day, &mut Vec::new()).ok()?;
            let end = standing.expires_at?;
            (end > day).then(|| format!("{} until {end}", issuer.fingerprint()))
        })
        .collect()
}
