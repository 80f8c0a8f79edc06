//! Bytes that arrived, held against what is attested: only a [`Proven`] is published.

use super::attested::Attested;
use super::checksum::{Algorithm, Checksum};
use super::inspect::Inspected;
use super::signature::Signed;

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The file as the upstream has it.
    pub file: Measured,
    /// The disk inside, if the file is packed; else the file is the disk.
    pub disk: Option<Measured>,
    /// The good signature over the file, where one was checked.
    pub signed: Option<Signed>,
    /// What the disk is, where it was looked into.
    pub inspected: Option<Inspected>,
    /// The disk in the form that was sent on, where that is another one.
    pub converted: Option<Measured>,
}

impl Received {
    /// The disk: what is in the file, or the file itself.
    pub fn disk(&self) -> &Measured {
        self.disk.as_ref().unwrap_or(&self.file)
    }
}

/// How much of something there was, and its digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Bytes.
    pub size: u64,
    /// Digests, by as many algorithms as were asked for.
    pub checksums: Vec<Checksum>,
}

impl Measured {
    /// The digest by this algorithm, if it was computed.
    pub fn checksum(&self, algorithm: Algorithm) -> Option<&Checksum> {
        self.checksums
            .iter()
            .find(|one| one.algorithm() == algorithm)
    }
}

/// Bytes that are the attested ones. Only [`prove`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What was sent: the file, the disk in it, or that disk in another form.
    sent: Measured,
    is_converted: bool,
    inspected: Option<Inspected>,
    signed_by: Option<String>,
}

/// The bytes are not the attested ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another digest.
    #[error(
        "its {size} bytes have the digest `{found}`; expected `{expected}`; nothing of it was kept"
    )]
    Digest {
        /// How many bytes there were.
        size: u64,
        /// Their digest.
        found: Checksum,
        /// The attested one.
        expected: Checksum,
    },
    /// Another digest of the disk inside.
    #[error(
        "the disk in it has {size} bytes with the digest `{found}`; expected `{expected}`; nothing of it was kept"
    )]
    Disk {
        /// How many bytes there were.
        size: u64,
        /// Their digest.
        found: Checksum,
        /// The attested one.
        expected: Checksum,
    },
    /// The attested algorithm was not computed.
    #[error(
        "its {algorithm} digest was not computed, so nothing is proven; nothing of it was kept"
    )]
    NotComputed {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// The signature over the bytes was not checked.
    #[error(
        "the signature over its bytes was not checked, so nothing is proven; nothing of it was kept"
    )]
    Unsigned,
    /// The store has other bytes than were sent.
    #[error(
        "the store says that it holds `{found}`; sent was `{expected}`; nothing of it was kept"
    )]
    Stored {
        /// The store's SHA-512.
        found: String,
        /// The SHA-512 of what was sent.
        expected: String,
    },
}

/// Compares what arrived with what is attested.
pub fn prove(attested: &Attested, received: Received) -> Result<Proven, Mismatch> {
    for checksum in attested.checksums() {
        matches(checksum, &received.file)?;
    }
    if let Some(expected) = attested.disk() {
        disk_matches(expected, received.disk())?;
    }
    if attested.awaits_signature() && received.signed.is_none() {
        return Err(Mismatch::Unsigned);
    }
    let signed = received.signed.map(|signed| signed.key);
    Ok(Proven {
        signed_by: signed
            .as_ref()
            .or(attested.signed_by())
            .map(ToString::to_string),
        inspected: received.inspected,
        is_converted: received.converted.is_some(),
        sent: received
            .converted
            .or(received.disk)
            .unwrap_or(received.file),
    })
}

/// Whether a file has the expected digest.
pub fn matches(expected: &Checksum, file: &Measured) -> Result<(), Mismatch> {
    let algorithm = expected.algorithm();
    match file.checksum(algorithm) {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(Mismatch::Digest {
            size: file.size,
            found: found.clone(),
            expected: expected.clone(),
        }),
        None => Err(Mismatch::NotComputed { algorithm }),
    }
}

/// Whether a disk has the expected digest.
pub fn disk_matches(expected: &Checksum, disk: &Measured) -> Result<(), Mismatch> {
    match matches(expected, disk) {
        Err(Mismatch::Digest {
            size,
            found,
            expected,
        }) => Err(Mismatch::Disk {
            size,
            found,
            expected,
        }),
        other => other,
    }
}

impl Proven {
    /// How many bytes were sent.
    pub fn size(&self) -> u64 {
        self.sent.size
    }

    /// What it is, where it was looked into.
    pub const fn inspected(&self) -> Option<&Inspected> {
        self.inspected.as_ref()
    }

    /// The SHA-512 of what was sent, where that is not what the upstream has: the disk in another form.
    pub fn converted(&self) -> Option<&Checksum> {
        self.is_converted
            .then(|| self.sent.checksum(Algorithm::Sha512))?
    }

    /// The pinned key whose signature was checked.
    pub fn signed_by(&self) -> Option<&str> {
        self.signed_by.as_deref()
    }

    /// Compares with the digest that Glance computed over what it stored, where it is one that was computed here too.
    pub fn stored(&self, algorithm: Option<&str>, value: Option<&str>) -> Result<(), Mismatch> {
        let (Some("sha512"), Some(found)) = (algorithm, value) else {
            return Ok(());
        };
        match self.sent.checksum(Algorithm::Sha512) {
            Some(sent) if sent.hex() != found => Err(Mismatch::Stored {
                found: found.to_owned(),
                expected: sent.hex().to_owned(),
            }),
            _ => Ok(()),
        }
    }
}
