//! What proves a build: manifests, signed indexes, signatures over images. They are fetched here and judged in
//! `domain::attested`.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::{join, try_join};

use super::{Upstream, UpstreamError};
use crate::domain::attested::{self, Attested, Evidence, ProofError, Signing, Verify};
use crate::domain::index::{Document, IndexError, Kind, Request};
use crate::domain::signature::{Detached, Keyring, Signed};
use crate::domain::source::{Digest, Index, Of, Source};
use crate::domain::template::{Escape, Variables};

/// What is asked about: an image of a source, and what is known of it by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) source: &'a Source,
    pub(super) index: &'a Index,
    pub(super) variables: &'a Variables,
    /// Where its documents may come from.
    pub(super) hosts: &'a Arc<BTreeSet<String>>,
    /// How much proof is asked for.
    pub(super) verify: Verify,
}

impl Upstream {
    /// Fetches manifest, signature and keys, and takes the digest of `file`; notes come beside it.
    ///
    /// `manifest`: its URL, if not the source's.
    pub(super) async fn prove(
        &self,
        subject: Subject<'_>,
        file: &str,
        manifest: Option<&str>,
    ) -> Result<(Attested, Vec<String>), UpstreamError> {
        let (template, algorithm) = match &subject.index.checksum {
            Digest::Manifest { url, algorithm } => (Some(url), *algorithm),
            Digest::Told { .. } | Digest::Computed(_) => (None, None),
        };
        let url = match (manifest, template) {
            (Some(url), _) => url.to_owned(),
            (None, Some(template)) => {
                let source = subject.source;
                source.fill(template, subject.variables, Escape::Nothing)?
            }
            (None, None) => {
                return Err(UpstreamError::NoManifest {
                    file: file.to_owned(),
                });
            }
        };
        let attest = |manifest: &Document, signing: Option<Signing>| {
            attested::attest(file, evidence(manifest), algorithm, signing, self.now)
        };
        let Some(signatures) = Self::signatures(subject, Of::Manifest, &url)? else {
            let manifest = self.manifest(&url, subject.hosts).await?;
            return Ok(attest(&manifest, None)?);
        };
        let documents = async {
            // The manifest's failure is told before the signature's: without the one the other means nothing.
            let manifest = self.manifest(&url, subject.hosts);
            let (manifest, detached) = join(manifest, self.detached(&signatures)).await;
            Ok((manifest?, detached?))
        };
        let keys = self.keys_at_hand(&signatures);
        let ((manifest, detached), keys) = try_join(documents, keys).await?;
        let judge = |keys: &Keyring| {
            let signing = signatures.signing(detached.as_deref(), keys);
            attest(&manifest, Some(signing))
        };
        self.judged(keys, &signatures, judge).await
    }

    /// The verdict on a document of an index; nothing if it is not signed.
    pub(super) async fn signed(
        &self,
        subject: Subject<'_>,
        document: &Document,
        kind: Kind,
    ) -> Result<Option<Signed>, UpstreamError> {
        let Some(signatures) = Self::signatures(subject, Of::Index, &document.url)? else {
            return Ok(None);
        };
        if kind != Kind::Listing {
            refuse_a_page(document, kind)?;
        }
        let detached = self.detached(&signatures);
        let (detached, keys) = try_join(detached, self.keys_at_hand(&signatures)).await?;
        let judge = |keys: &Keyring| {
            let signing = signatures.signing(detached.as_deref(), keys);
            attested::signed(evidence(document), signing, self.now)
        };
        self.judged(keys, &signatures, judge).await.map(Some)
    }

    /// The signature over an image, if its source has one and it is asked for; all but the bytes is judged.
    pub(super) async fn over_image(
        &self,
        subject: Subject<'_>,
        image: &str,
    ) -> Result<Option<Detached>, UpstreamError> {
        let Some(signatures) = Self::signatures(subject, Of::Image, image)? else {
            return Ok(None);
        };
        let detached = self.detached(&signatures);
        let (detached, keys) = try_join(detached, self.keys_at_hand(&signatures)).await?;
        let Some(detached) = detached else {
            return Ok(None);
        };
        let judge = |keys: &Keyring| {
            Detached::read(&detached.bytes, keys, &signatures.pinned, self.now).map_err(|source| {
                ProofError::Signature {
                    url: image.to_owned(),
                    signature: format!("`{}`", detached.url),
                    source: Box::new(source),
                }
            })
        };
        self.judged(keys, &signatures, judge).await.map(Some)
    }

    async fn manifest(
        &self,
        url: &str,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<Arc<Document>, UpstreamError> {
        let kind = Kind::Manifest;
        let url = url.to_owned();
        let manifest = self.fetcher.document(&Request { url, kind }, hosts).await?;
        refuse_a_page(&manifest, kind)?;
        Ok(manifest)
    }
}

/// Asked before the signature is looked at: an error page is no forgery.
fn refuse_a_page(document: &Document, kind: Kind) -> Result<(), IndexError> {
    if document.is_html() {
        return Err(IndexError::Html {
            url: document.url.clone(),
            expected: kind.name(),
        });
    }
    Ok(())
}

pub(super) fn evidence(document: &Document) -> Evidence<'_> {
    Evidence {
        url: &document.url,
        bytes: &document.bytes,
    }
}
