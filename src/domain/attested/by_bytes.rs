//! Builds of which something is known from their bytes alone: they have to be fetched once, and never again.

use crate::domain::pattern::Pattern;

use super::{Attested, ProofError, Verified};
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::definition::Computed;
use crate::domain::proof::{self, Mismatch, Received};
use crate::domain::signature::Detached;

/// What the bytes of a build have to tell, beside what upstream documents say of it.
#[derive(Debug, Clone)]
pub struct ByBytes {
    /// What documents say; absent: not even the digest of the file.
    pub told: Option<Attested>,
    /// By which algorithm the file is hashed, where its digest is not told.
    pub algorithm: Algorithm,
    /// The digest of the disk in it, where documents tell that one.
    pub disk: Option<Checksum>,
    /// By which algorithm the disk is hashed, where nobody tells its digest.
    pub compute_disk: Option<Algorithm>,
    /// Which file of an archive is the disk.
    pub member: Option<Pattern>,
    /// The signature over the bytes.
    pub signature: Option<Detached>,
}

impl ByBytes {
    /// The digest that the file must have, if documents tell it.
    pub fn expected(&self) -> Option<&Checksum> {
        self.told.as_ref().map(Attested::checksum)
    }

    /// Makes a digest that counts of what was received. Gives notes for people beside it.
    ///
    /// Fails with [`ProofError`] if the bytes are not those that the documents speak of, or lack what they had to tell.
    pub fn attest(
        &self,
        received: Received,
        image: &str,
    ) -> Result<(Attested, Vec<String>), ProofError> {
        let refuse = |source: Mismatch| ProofError::Bytes {
            image: image.to_owned(),
            source: Box::new(source),
        };
        let measured = |algorithm: Algorithm, of: &proof::Measured| {
            let checksum = of.checksum(algorithm).cloned();
            checksum.ok_or_else(|| refuse(Mismatch::NotComputed { algorithm }))
        };
        let mut attested = match &self.told {
            Some(told) => {
                proof::matches(told.checksum(), &received.file).map_err(refuse)?;
                told.clone()
            }
            None => Attested {
                checksum: measured(self.algorithm, &received.file)?,
                reviewed: None,
                disk: None,
                computed: Computed {
                    checksum: true,
                    disk_checksum: false,
                },
                verified: Verified::Computed,
                signed_by: None,
                signed_at: None,
                manifest: None,
                awaits_signature: false,
            },
        };
        if let Some(disk) = &self.disk {
            attested = attested.with_disk(Some(disk.clone()), image)?;
        }
        if let Some(algorithm) = self.compute_disk {
            attested.disk = Some(measured(algorithm, received.disk())?);
            attested.computed.disk_checksum = true;
        }
        let mut notes = Vec::new();
        match (&self.signature, received.signed) {
            (Some(_), None) => return Err(refuse(Mismatch::Unsigned)),
            (Some(_), Some(signed)) => {
                attested.verified = Verified::Signature;
                attested.signed_at = Some(signed.made_at);
                attested.signed_by = Some(signed.key);
                notes = signed.notes;
            }
            (None, _) => {}
        }
        Ok((attested, notes))
    }
}
