//! What is asked of bytes before they count, and why they do not.

use std::collections::BTreeSet;

use crate::domain::pattern::Pattern;

use super::UnpackError;
use super::convert::Convert;
use super::qcow2::Qcow2Error;
use super::spool::SpoolError;
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::inspect::Refusal;
use crate::domain::packing::Packing;
use crate::domain::proof::{self, Measured, Mismatch, Received};
use crate::domain::signature::{Detached, SignatureError};

/// What is asked of a file on its way.
#[derive(Debug)]
pub struct Demand {
    /// The digests of the file as it comes.
    pub file: Vec<Want>,
    /// The digest of the disk in it.
    pub disk: Option<Want>,
    /// Whether a packed file is unpacked.
    pub unpacking: Unpacking,
    /// Which file of an archive is the disk: a pattern of its name.
    pub member: Option<Pattern>,
    /// The signature over the file as it comes.
    pub signature: Option<Detached>,
    /// What the receiver will compute over the disk.
    pub stored: Option<Algorithm>,
    /// How many bytes the file has, if the server says so.
    pub length: Option<u64>,
    /// The most bytes that file and disk may each have.
    pub limit: u64,
    /// The `disk_format` that the disk has by its definition; absent: it is not looked into.
    pub format: Option<String>,
    /// How the disk is converted to raw; absent: it goes on as it is.
    pub convert: Option<Convert>,
}

/// A digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// It must be this one.
    Expect(Checksum),
    /// It is not known yet.
    Compute(Algorithm),
}

impl Want {
    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Expect(checksum) => checksum.algorithm(),
            Self::Compute(algorithm) => *algorithm,
        }
    }
}

/// Whether a packed file is unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpacking {
    /// It passes as it is.
    Never,
    /// If it is packed, by its first bytes.
    IfPacked,
    /// It is expected to be packed.
    Always,
}

/// Why bytes did not arrive proven.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The source failed.
    #[error("the download broke off after {received} bytes")]
    Source {
        /// How many bytes had come.
        received: u64,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bytes are not the attested ones.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// Nobody who counts has signed the bytes.
    #[error("its bytes are not proven by their signature: {0}; nothing of it was kept")]
    Signature(#[from] SignatureError),
    /// There is no disk to be had from it.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The disk is not what its definition says, or nothing that may be booted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There was no room to keep the disk.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// It cannot be converted.
    #[error(transparent)]
    Convert(#[from] Qcow2Error),
    /// Not packed, though its source says so.
    #[error("it is not packed, so there is no disk in it; remove `disk:` from its source")]
    NotPacked,
    /// The source never ends, or is larger than allowed.
    #[error(
        "it is larger than {limit} bytes, the setting `limits.image_size`; raise it if the image is meant to be that large"
    )]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Nothing came.
    #[error("the download is empty; expected the bytes of an image; look at its source")]
    Empty,
    /// The other side stopped taking bytes.
    #[error("the receiver stopped taking bytes after {sent} of them")]
    Closed {
        /// How many it took.
        sent: u64,
    },
    /// An algorithm that cannot be computed here.
    #[error("the digest algorithm {algorithm} is not one of sha256, sha384, sha512")]
    Algorithm {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// A thread ended.
    #[error("hashing failed; this is a defect of reglaze")]
    Hashing,
}

impl TransferError {
    /// Whether the bytes are not what was expected of them: a copy elsewhere may be better.
    pub const fn is_of_the_bytes(&self) -> bool {
        matches!(
            self,
            Self::Mismatch(_)
                | Self::Signature(_)
                | Self::Unpack(_)
                | Self::Refused(_)
                | Self::Convert(_)
                | Self::NotPacked
                | Self::Empty
        )
    }
}

impl Demand {
    /// These digests of a file as it comes, and nothing of what is in it.
    pub const fn of_the_file(file: Vec<Want>, limit: u64) -> Self {
        Self {
            file,
            disk: None,
            unpacking: Unpacking::Never,
            member: None,
            signature: None,
            stored: None,
            length: None,
            limit,
            format: None,
            convert: None,
        }
    }

    /// How the file is unpacked, if its first bytes and the demand say so.
    ///
    /// Fails with [`TransferError`] if it is known already that it cannot be.
    pub(super) fn packing(&self, head: &[u8]) -> Result<Option<Packing>, TransferError> {
        let packing = match (self.unpacking, Packing::of(head)) {
            (Unpacking::Never, _) => None,
            (Unpacking::Always, None) => return Err(TransferError::NotPacked),
            (_, packing) => packing,
        };
        match packing {
            Some(packing @ Packing::Foreign(_)) => Err(UnpackError::Foreign { packing }.into()),
            Some(packing) if packing.is_archive() && self.member.is_none() => {
                Err(UnpackError::NoMember { packing }.into())
            }
            packing => Ok(packing),
        }
    }

    /// What is computed over the file, if that is not the disk.
    pub(super) fn of_file(&self) -> BTreeSet<Algorithm> {
        self.file.iter().map(Want::algorithm).collect()
    }

    /// What is computed over the disk.
    pub(super) fn of_disk(&self) -> BTreeSet<Algorithm> {
        let disk = self.disk.as_ref().map(Want::algorithm);
        self.stored.into_iter().chain(disk).collect()
    }

    /// Whether what came is what was expected. Fails with [`Mismatch`].
    pub(super) fn is_met(&self, received: &Received) -> Result<(), Mismatch> {
        type Matches = fn(&Checksum, &Measured) -> Result<(), Mismatch>;
        let of_disk = self
            .disk
            .as_ref()
            .map(|want| (want, received.disk(), proof::disk_matches as Matches));
        let of_file = self
            .file
            .iter()
            .map(|want| (want, &received.file, proof::matches as Matches));
        for (want, measured, matches) in of_file.chain(of_disk) {
            if let Want::Expect(expected) = want {
                matches(expected, measured)?;
            }
        }
        Ok(())
    }
}
