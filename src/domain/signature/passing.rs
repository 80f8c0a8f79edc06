//! A detached signature over a file that is too large to hold: the file is hashed while it passes.
//!
//! Everything but the mathematics is judged before a byte has come, by the same rules as for files at
//! hand: nobody downloads an image to learn that its key is the wrong one.

use std::fmt;

use chrono::{DateTime, Utc};
use digest::DynDigest;
use pgp::packet::{Signature, SignatureType, SignatureVersionSpecific};

use super::{Fingerprint, Keyring, SignatureError, Signed, malformed, policy, read_detached};

/// Each signature that may count costs a hash over the whole file.
const MOST_HASHED: usize = 4;

/// A detached signature and the keys that may have made it, of which all but the data is judged.
#[derive(Debug, Clone)]
pub struct Detached {
    signatures: Vec<Signature>,
    keys: Keyring,
    pinned: Vec<Fingerprint>,
    now: DateTime<Utc>,
}

impl Detached {
    /// Reads a signature file, armored or binary.
    ///
    /// Fails with [`SignatureError`] unless one of its signatures could be good by a key in `pinned`.
    pub fn read(
        file: &[u8],
        keys: &Keyring,
        pinned: &[Fingerprint],
        now: DateTime<Utc>,
    ) -> Result<Self, SignatureError> {
        let signatures = read_detached(file)?;
        let could_be_good =
            |signatures: &[Signature]| policy::judge(signatures, |_, _| true, keys, pinned, now);
        could_be_good(&signatures)?;
        let signatures: Vec<_> = signatures
            .into_iter()
            .filter(|one| could_be_good(std::slice::from_ref(one)).is_ok())
            // Line ends of an image are not changed for a signature over text.
            .filter(|one| one.typ() == Some(SignatureType::Binary))
            .take(MOST_HASHED)
            .collect();
        if signatures.is_empty() {
            return Err(malformed(
                "it is one over a text, expected one over the bytes of a file",
            ));
        }
        Ok(Self {
            signatures,
            keys: keys.clone(),
            pinned: pinned.to_vec(),
            now,
        })
    }

    /// Begins to hash. Fails with [`SignatureError`].
    pub fn begin(&self) -> Result<Passing, SignatureError> {
        let hashers = self.signatures.iter().map(hasher);
        Ok(Passing {
            hashers: hashers.collect::<Result<_, _>>()?,
            detached: self.clone(),
        })
    }
}

/// A file on its way past its signature.
pub struct Passing {
    hashers: Vec<Box<dyn DynDigest + Send>>,
    detached: Detached,
}

impl Passing {
    /// Takes the next bytes of the file.
    pub fn update(&mut self, piece: &[u8]) {
        for hasher in &mut self.hashers {
            hasher.update(piece);
        }
    }

    /// The verdict after the last byte; fails with [`SignatureError`].
    pub fn verdict(self) -> Result<Signed, SignatureError> {
        let Detached {
            signatures,
            keys,
            pinned,
            now,
        } = self.detached;
        let digests = signatures
            .iter()
            .zip(self.hashers)
            .map(|(signature, hasher)| digest(signature, hasher))
            .collect::<Result<Vec<_>, _>>()?;
        let proves = |at: usize, issuer: super::standing::Issuer<'_>| {
            issuer.verifies_digest(&signatures[at], &digests[at])
        };
        policy::judge(&signatures, proves, &keys, &pinned, now)
    }
}

impl fmt::Debug for Passing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Passing")
            .field("detached", &self.detached)
            .finish_non_exhaustive()
    }
}

/// What hashes the data of a signature; one of version 6 salts it first.
fn hasher(signature: &Signature) -> Result<Box<dyn DynDigest + Send>, SignatureError> {
    let unknown = || malformed("its hash algorithm is unknown to us");
    let config = signature.config().ok_or_else(unknown)?;
    let mut hasher = config.hash_alg.new_hasher().map_err(|_| unknown())?;
    if let SignatureVersionSpecific::V6 { salt } = &config.version_specific {
        if config.hash_alg.salt_len() != Some(salt.len()) {
            return Err(malformed("its salt has another length than its hash wants"));
        }
        hasher.update(salt);
    }
    Ok(hasher)
}

/// The digest of data and signature together, as it was signed.
fn digest(
    signature: &Signature,
    mut hasher: Box<dyn DynDigest + Send>,
) -> Result<Box<[u8]>, SignatureError> {
    let broken = || malformed("its own parts cannot be hashed");
    let config = signature.config().ok_or_else(broken)?;
    let length = config
        .hash_signature_data(&mut hasher)
        .map_err(|_| broken())?;
    let trailer = config.trailer(length).map_err(|_| broken())?;
    hasher.update(&trailer);
    Ok(hasher.finalize())
}
