//! Why an upstream did not tell or prove what was asked.

use super::KeyError;
use super::fetch::FetchError;
use crate::domain::attested::ProofError;
use crate::domain::endoflife::EndOfLifeError;
use crate::domain::index::IndexError;
use crate::domain::source::{AmbiguousUrl, ParameterError};

/// Why an upstream did not tell or prove what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpstreamError {
    /// A definition names a source that there is not.
    #[error("`upstream.from` names the source `{name}`; expected one of {known}")]
    NoSource {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// Several sources know its URL.
    #[error(transparent)]
    Ambiguous(#[from] AmbiguousUrl),
    /// What a definition says does not fit its source.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// A document could not be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The signature of a manifest could not be had, though the manifest could.
    #[error("{0}, without which `{manifest}` proves nothing", manifest = .1)]
    Signature(FetchError, String),
    /// A manifest is not there, under none of the names that it may have.
    #[error("{first}; nor is it beside `{others}`")]
    Nowhere {
        /// What was said of the first.
        first: Box<UpstreamError>,
        /// The images beside which it was sought too.
        others: String,
    },
    /// An index does not tell the newest build.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The source names no manifest.
    #[error(
        "the source of `{file}` names no checksum manifest, and its index tells no digest; expected `manifest:` in the definition"
    )]
    NoManifest {
        /// The image's file.
        file: String,
    },
    /// The index tells digests of its newest build only, and that is another one by now.
    #[error("`{index}` tells of `{newest}` now, no longer of `{url}`")]
    NoLongerTold {
        /// The image.
        url: String,
        /// The index.
        index: String,
        /// Its newest build.
        newest: String,
    },
    /// There is no key to check with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Nothing vouches for the digest.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A document of endoflife.date is none.
    #[error(transparent)]
    EndOfLife(#[from] EndOfLifeError),
}

impl UpstreamError {
    /// Whether the upstream gave no answer that can be read, as opposed to one that does not fit.
    pub fn is_upstreams(&self) -> bool {
        matches!(
            self,
            Self::Fetch(_) | Self::Index(IndexError::Html { .. } | IndexError::Malformed { .. })
        )
    }

    /// Whether it is proven, but by less than is asked for.
    pub const fn is_of_too_little_proof(&self) -> bool {
        matches!(self, Self::Proof(ProofError::Unsigned { .. }))
    }

    /// Whether the signature of this document failed: then nothing that it says counts.
    pub(super) fn is_of_signature(&self, document: Option<&str>) -> bool {
        matches!(self, Self::Proof(ProofError::Signature { url, .. }) if Some(url.as_str()) == document)
    }

    /// Whether somebody did not answer, as opposed to answering what does not count.
    pub const fn is_unasked(&self) -> bool {
        matches!(
            self,
            Self::Fetch(_) | Self::Signature(..) | Self::Index(_) | Self::Key(_)
        )
    }

    /// The same, after another place was tried in vain.
    pub(super) fn nor_at(self, other: &str) -> Self {
        match self {
            Self::Nowhere { first, others } => Self::Nowhere {
                first,
                others: format!("{others}`, `{other}"),
            },
            first => Self::Nowhere {
                first: Box::new(first),
                others: other.to_owned(),
            },
        }
    }

    /// Whether the document is not there (any more), as opposed to not to be had.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Fetch(error) => error.is_gone(),
            Self::NoLongerTold { .. } => true,
            _ => false,
        }
    }
}
