//! Bytes that arrived, held against the digest that is attested: only a [`Proven`] is published.

use super::attested::Attested;
use super::checksum::{Algorithm, Checksum};

/// What arrived: how much, and its digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Bytes.
    pub size: u64,
    /// Digests, by as many algorithms as were asked for.
    pub checksums: Vec<Checksum>,
}

/// Bytes whose digest is the attested one. Only [`prove`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    received: Received,
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
    /// The attested algorithm was not computed.
    #[error(
        "its {algorithm} digest was not computed, so nothing is proven; nothing of it was kept"
    )]
    NotComputed {
        /// The algorithm.
        algorithm: Algorithm,
    },
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
    matches(attested.checksum(), &received)?;
    Ok(Proven { received })
}

/// Whether bytes have the expected digest.
pub fn matches(expected: &Checksum, received: &Received) -> Result<(), Mismatch> {
    let algorithm = expected.algorithm();
    match received
        .checksums
        .iter()
        .find(|one| one.algorithm() == algorithm)
    {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(Mismatch::Digest {
            size: received.size,
            found: found.clone(),
            expected: expected.clone(),
        }),
        None => Err(Mismatch::NotComputed { algorithm }),
    }
}

impl Proven {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.received.size
    }

    /// Compares with the digest that Glance computed over what it stored, where it is one that was computed here too.
    pub fn stored(&self, algorithm: Option<&str>, value: Option<&str>) -> Result<(), Mismatch> {
        let (Some("sha512"), Some(found)) = (algorithm, value) else {
            return Ok(());
        };
        let sent = self
            .received
            .checksums
            .iter()
            .find(|one| one.algorithm() == Algorithm::Sha512);
        match sent {
            Some(sent) if sent.hex() != found => Err(Mismatch::Stored {
                found: found.to_owned(),
                expected: sent.hex().to_owned(),
            }),
            _ => Ok(()),
        }
    }
}
