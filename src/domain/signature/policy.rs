//! Which signatures count: the rules at the head of `signature.rs`, one function each.
//!
//! rPGP's own check of a whole key is not used: one odd old signature would fail it.

use chrono::{DateTime, TimeDelta, Utc};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType, SubpacketData};
use pgp::types::{KeyDetails, KeyVersion, Tag};

use super::fingerprint::Fingerprint;
use super::keyring::{Certificate, Keyring, may_be_by};
use super::{SignatureError, Signed, instant, is_over_data, malformed};

/// How far the clocks of the signer and of this machine may disagree.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// Finds one good signature by a pinned key; else tells what is wrong with the one that came
/// furthest, as a [`SignatureError`].
pub(super) fn judge(
    signatures: &[Signature],
    data: &[u8],
    keys: &Keyring,
    pinned: &[Fingerprint],
    now: DateTime<Utc>,
) -> Result<Signed, SignatureError> {
    let check = Check {
        data,
        keys,
        trusted: &keys.only(pinned),
        pinned,
        now,
    };
    if check.trusted.is_empty() {
        return Err(SignatureError::NoPinnedKey {
            expected: listed(pinned),
        });
    }
    let mut furthest: Option<SignatureError> = None;
    for signature in signatures {
        match check.signature(signature) {
            Ok(signed) => return Ok(signed),
            Err(error) => {
                if furthest
                    .as_ref()
                    .is_none_or(|known| error.depth() > known.depth())
                {
                    furthest = Some(error);
                }
            }
        }
    }
    Err(furthest.unwrap_or(malformed("it holds no signature")))
}

/// What one check knows.
struct Check<'a> {
    data: &'a [u8],
    /// All keys, to name a foreign signer.
    keys: &'a Keyring,
    /// The pinned ones of them.
    trusted: &'a Keyring,
    pinned: &'a [Fingerprint],
    now: DateTime<Utc>,
}

/// A key that may have made a signature: the primary key or the subkey with this index.
#[derive(Clone, Copy)]
struct Issuer<'a> {
    certificate: &'a Certificate,
    subkey: Option<usize>,
}

impl Check<'_> {
    fn signature(&self, signature: &Signature) -> Result<Signed, SignatureError> {
        if signature.config().is_none() {
            return Err(malformed("its version is unknown to us"));
        }
        let mut furthest: Option<SignatureError> = None;
        for issuer in issuers(self.trusted, signature) {
            match self.by(issuer, signature) {
                Ok(signed) => return Ok(signed),
                Err(error) => {
                    if furthest
                        .as_ref()
                        .is_none_or(|known| error.depth() > known.depth())
                    {
                        furthest = Some(error);
                    }
                }
            }
        }
        Err(furthest.unwrap_or_else(|| SignatureError::ForeignKey {
            found: claimed_issuer(self.keys, signature),
            expected: listed(self.pinned),
        }))
    }

    /// Judges a signature as one by this key.
    fn by(&self, issuer: Issuer<'_>, signature: &Signature) -> Result<Signed, SignatureError> {
        let key = issuer.fingerprint();
        if !is_over_data(signature) {
            return Err(SignatureError::NotOverData { key });
        }
        check_hash(signature, &key)?;
        if has_unknown_critical_part(signature) {
            return Err(malformed(
                "it demands something of its reader that we do not know",
            ));
        }
        let made_at = signature
            .created()
            .map(instant)
            .ok_or_else(|| malformed("it does not say when it was made"))?;
        issuer
            .verify(signature, self.data)
            .map_err(|()| SignatureError::Bad { key: key.clone() })?;
        self.check_dates(signature, made_at, &key)?;

        let mut notes = Vec::new();
        let standing = self.standing(issuer, &mut notes)?;
        if made_at < standing.created_at {
            return Err(SignatureError::OlderThanKey {
                key,
                made_at,
                created_at: standing.created_at,
            });
        }
        if let Some(at) = standing.expires_at {
            if at <= made_at {
                return Err(SignatureError::KeyExpired { key, at, made_at });
            }
            if at <= self.now {
                notes.push(format!("key `{key}` expired on {at}, after it had signed"));
            }
        }
        Ok(Signed {
            key: Fingerprint::of(&issuer.certificate.primary),
            made_at,
            notes,
        })
    }

    /// Refuses a signature that is from the future or over.
    fn check_dates(
        &self,
        signature: &Signature,
        made_at: DateTime<Utc>,
        key: &Fingerprint,
    ) -> Result<(), SignatureError> {
        if made_at > self.now + CLOCK_SKEW {
            return Err(SignatureError::FromTheFuture {
                key: key.clone(),
                made_at,
                now: self.now,
            });
        }
        match expiry(signature) {
            Some(at) if at <= self.now => Err(SignatureError::Expired {
                key: key.clone(),
                at,
            }),
            _ => Ok(()),
        }
    }

    /// What the primary key says about itself and, if a subkey signed, about that.
    fn standing(
        &self,
        issuer: Issuer<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Standing, SignatureError> {
        let primary = self.primary_standing(issuer.certificate, notes)?;
        let Some(index) = issuer.subkey else {
            if primary.may_sign {
                return Ok(primary);
            }
            return Err(SignatureError::NotForSigning {
                key: issuer.fingerprint(),
            });
        };
        let subkey = self.subkey_standing(issuer.certificate, index, notes)?;
        Ok(Standing {
            created_at: primary.created_at.max(subkey.created_at),
            expires_at: [primary.expires_at, subkey.expires_at]
                .into_iter()
                .flatten()
                .min(),
            may_sign: true,
        })
    }

    /// The primary key by its newest valid self-signature.
    fn primary_standing(
        &self,
        certificate: &Certificate,
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
        let newest = self
            .self_signature(certificate)
            .ok_or_else(|| SignatureError::NoSelfSignature { key: key.clone() })?;
        note_sha1(newest, &format!("the self-signature of key `{key}`"), notes);
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
    fn self_signature<'a>(&self, certificate: &'a Certificate) -> Option<&'a Signature> {
        let direct = direct_signatures(certificate).map(|signature| (signature, true));
        let of_users = (certificate.primary.version() != KeyVersion::V6)
            .then(|| certifications(certificate).map(|signature| (signature, false)));
        direct
            .chain(of_users.into_iter().flatten())
            .filter(|(signature, _)| self.holds_now(signature))
            .max_by_key(|(signature, is_direct)| (signature.created().map(instant), *is_direct))
            .map(|(signature, _)| signature)
    }

    /// A subkey by its newest valid binding.
    fn subkey_standing(
        &self,
        certificate: &Certificate,
        index: usize,
        notes: &mut Vec<String>,
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
        let binding = of_type(SignatureType::SubkeyBinding)
            .filter(|signature| self.holds_now(signature))
            .max_by_key(|signature| signature.created().map(instant))
            .ok_or_else(not_bound)?;
        if may_sign(binding) != Some(true) {
            return Err(SignatureError::NotForSigning { key });
        }
        // Without this a stranger could bind our subkey to their key and claim our signatures.
        let signed_back = binding.embedded_signature().is_some_and(|back| {
            self.holds_now(back) && back.verify_primary_key_binding(subkey, primary).is_ok()
        });
        if !signed_back {
            return Err(not_bound());
        }
        note_sha1(binding, &format!("the binding of subkey `{key}`"), notes);
        let created_at = instant(subkey.created_at());
        Ok(Standing {
            created_at,
            expires_at: key_expiry(binding, created_at),
            may_sign: true,
        })
    }

    /// Whether a signature among a key's own parts is acceptable: dated, not from the future, not
    /// expired, not made with a hash worse than SHA-1, nothing critical and unknown in it.
    fn holds_now(&self, signature: &Signature) -> bool {
        let is_past = signature
            .created()
            .is_some_and(|made| instant(made) <= self.now + CLOCK_SKEW);
        let is_over = expiry(signature).is_some_and(|at| at <= self.now);
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

/// What a key may do, by its newest valid self-signature.
struct Standing {
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    may_sign: bool,
}

impl Issuer<'_> {
    fn fingerprint(self) -> Fingerprint {
        match self.subkey {
            Some(index) => Fingerprint::of(&self.certificate.subkeys[index].0),
            None => Fingerprint::of(&self.certificate.primary),
        }
    }

    fn verify(self, signature: &Signature, data: &[u8]) -> Result<(), ()> {
        match self.subkey {
            Some(index) => signature.verify(&self.certificate.subkeys[index].0, data),
            None => signature.verify(&self.certificate.primary, data),
        }
        .map_err(drop)
    }
}

/// Every key and subkey that a signature may be by. Key IDs are short, so there can be several.
fn issuers<'a>(keys: &'a Keyring, signature: &'a Signature) -> impl Iterator<Item = Issuer<'a>> {
    keys.certificates().flat_map(move |(_, certificate)| {
        let primary = may_be_by(signature, &certificate.primary).then_some(Issuer {
            certificate,
            subkey: None,
        });
        let subkeys = certificate
            .subkeys
            .iter()
            .enumerate()
            .filter(move |(_, (subkey, _))| may_be_by(signature, subkey))
            .map(move |(index, _)| Issuer {
                certificate,
                subkey: Some(index),
            });
        primary.into_iter().chain(subkeys)
    })
}

/// Who a foreign signature seems to be by: a key at hand, else what it claims itself.
fn claimed_issuer(keys: &Keyring, signature: &Signature) -> String {
    if let Some(issuer) = issuers(keys, signature).next() {
        return Fingerprint::of(&issuer.certificate.primary).to_string();
    }
    if let Some(fingerprint) = signature.issuer_fingerprint().first() {
        return Fingerprint::from_bytes(fingerprint.as_bytes()).to_string();
    }
    match signature.issuer_key_id().first() {
        Some(id) => format!("{id}").to_ascii_uppercase(),
        None => "unnamed".to_owned(),
    }
}

fn check_hash(signature: &Signature, key: &Fingerprint) -> Result<(), SignatureError> {
    match signature.hash_alg() {
        Some(HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512) => Ok(()),
        Some(hash) => Err(SignatureError::WeakHash {
            key: key.clone(),
            hash: hash.to_string(),
        }),
        None => Err(malformed("it names no hash algorithm")),
    }
}

/// Whether a signature carries a part that its maker calls critical and that we do not know:
/// RFC 9580 wants such a signature to be refused. Notations are private words, none is known here.
fn has_unknown_critical_part(signature: &Signature) -> bool {
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
fn expiry(signature: &Signature) -> Option<DateTime<Utc>> {
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

fn note_sha1(signature: &Signature, what: &str, notes: &mut Vec<String>) {
    if signature.hash_alg() == Some(HashAlgorithm::Sha1) {
        notes.push(format!("{what} uses SHA-1"));
    }
}

/// Fingerprints in a sentence.
fn listed(pinned: &[Fingerprint]) -> String {
    let texts: Vec<&str> = pinned.iter().map(Fingerprint::as_str).collect();
    texts.join("`, `")
}

/// The subkeys of a key that may sign on that day, with their end: for tests with real keys of
/// which no signature was captured.
#[cfg(test)]
pub(super) fn signing_subkeys(
    keys: &Keyring,
    primary: &Fingerprint,
    day: DateTime<Utc>,
) -> Vec<String> {
    let check = Check {
        data: b"",
        keys,
        trusted: keys,
        pinned: std::slice::from_ref(primary),
        now: day,
    };
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
            let standing = check.standing(issuer, &mut Vec::new()).ok()?;
            let end = standing.expires_at?;
            (end > day).then(|| format!("{} until {end}", issuer.fingerprint()))
        })
        .collect()
}
