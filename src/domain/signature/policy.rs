//! Which signatures count: the rules at the head of `signature.rs`, one function each.
//!
//! rPGP's own check of a whole key is not used: one odd old signature would fail it.

use chrono::{DateTime, TimeDelta, Utc};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::Signature;

use super::fingerprint::Fingerprint;
use super::keyring::{Keyring, may_be_by};
use super::standing::{Issuer, Standing, expiry, has_unknown_critical_part};
use super::{SignatureError, Signed, instant, is_over_data, malformed};

/// How far the clocks of the signer and of this machine may disagree.
pub(super) const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// Finds one good signature by a pinned key; else tells what is wrong with the one that came
/// furthest, as a [`SignatureError`].
///
/// `proves` does the mathematics: whether the signature with this place in the list is the issuer's
/// over the data.
pub(super) fn judge(
    signatures: &[Signature],
    proves: impl Fn(usize, Issuer<'_>) -> bool,
    keys: &Keyring,
    pinned: &[Fingerprint],
    now: DateTime<Utc>,
) -> Result<Signed, SignatureError> {
    let check = Check {
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
    for (at, signature) in signatures.iter().enumerate() {
        match check.signature(signature, |issuer| proves(at, issuer)) {
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
    /// All keys, to name a foreign signer.
    keys: &'a Keyring,
    /// The pinned ones of them.
    trusted: &'a Keyring,
    pinned: &'a [Fingerprint],
    now: DateTime<Utc>,
}

impl Check<'_> {
    fn signature(
        &self,
        signature: &Signature,
        proves: impl Fn(Issuer<'_>) -> bool,
    ) -> Result<Signed, SignatureError> {
        if signature.config().is_none() {
            return Err(malformed("its version is unknown to us"));
        }
        let mut furthest: Option<SignatureError> = None;
        for issuer in issuers(self.trusted, signature) {
            match self.by(issuer, signature, &proves) {
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
    fn by(
        &self,
        issuer: Issuer<'_>,
        signature: &Signature,
        proves: impl Fn(Issuer<'_>) -> bool,
    ) -> Result<Signed, SignatureError> {
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
        if !proves(issuer) {
            return Err(SignatureError::Bad { key });
        }
        self.check_dates(signature, made_at, &key)?;

        let mut notes = Vec::new();
        let standing = Standing::of(issuer, self.now, &mut notes)?;
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

/// Fingerprints in a sentence.
fn listed(pinned: &[Fingerprint]) -> String {
    let texts: Vec<&str> = pinned.iter().map(Fingerprint::as_str).collect();
    texts.join("`, `")
}
