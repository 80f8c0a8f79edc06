//! A pinned digest, proven once more right before its upload.

use std::sync::Arc;

use crate::domain::pattern::Pattern;

use super::prove::Subject;
use super::{Tracked, Upstream, UpstreamError};
use crate::domain::attested::{self, Attested, Verify};
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;
use crate::domain::index;
use crate::domain::signature::Detached;
use crate::domain::source::{Digest, Of};

/// A digest that was proven again before an upload, and what to tell about it.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// What the bytes must be.
    pub attested: Attested,
    /// The signature that the bytes must have, if it is over them.
    pub signature: Option<Detached>,
    /// Which file of an archive is the disk.
    pub member: Option<Pattern>,
    /// Notes and warnings.
    pub findings: Vec<Finding>,
}

impl Upstream {
    /// Proves a version's digest again, right before its upload.
    ///
    /// The manifest or index must still give the reviewed digest, under a good signature by a pinned key. What is gone
    /// leaves the reviewed `signed_by`, and a note says so. A signature over the image itself is fetched here, and checked
    /// while the bytes pass. Without a source, or a key in it, the reviewed digest stands alone. Fails with
    /// [`UpstreamError`] on any other verdict. `verify`: how much proof this definition asks for.
    pub async fn attest(
        &self,
        definition: &Definition,
        version: &Version,
        verify: Verify,
    ) -> Result<Attestation, UpstreamError> {
        let image = version.url.as_deref().unwrap_or(&definition.name);
        let tracked = self.tracked_version(definition, version)?;
        let (Some(tracked), Some(url)) = (tracked, version.url.as_deref()) else {
            return reviewed(version, image, verify, false, None);
        };
        let index = tracked.source.index(&tracked.parameters)?;
        let (names_key, member) = (index.signs_digest(), index.member());
        if !names_key || !verify.wants_signature() {
            return reviewed(version, image, verify, names_key, member);
        }
        let Some((url, folder, file)) = index::parts(url) else {
            return reviewed(version, image, verify, names_key, member);
        };
        let variables = tracked.variables_of(&url, &folder, &file)?;
        let hosts = Arc::new(tracked.source.hosts(index, &variables));
        let subject = Subject {
            source: tracked.source,
            index,
            variables: &variables,
            hosts: &hosts,
            verify,
        };
        let reviewed = attested::reviewed(version, true)?;
        let proven = self.proven_again(&tracked, subject, version, &url, &file);
        let (attested, signature, findings) = match proven.await {
            Ok((found, signature, notes)) => {
                let notes = notes.into_iter();
                let notes = notes.map(|note| Finding::note("signature", note)).collect();
                (
                    attested::unchanged(found, &file, &reviewed)?,
                    signature,
                    notes,
                )
            }
            Err(error) if error.is_gone() => {
                let message = format!(
                    "version `{}`: {error}; the reviewed `signed_by` of the definition counts",
                    version.version
                );
                (
                    reviewed,
                    None,
                    vec![Finding::note("manifest-gone", message)],
                )
            }
            Err(error) => return Err(error),
        };
        if signature.is_none() {
            attested::suffices(attested.verified(), verify, names_key, image)?;
        }
        let at = |finding: Finding| {
            finding
                .at(&definition.file, version.at)
                .image(&definition.name)
        };
        Ok(Attestation {
            attested,
            signature,
            member,
            findings: findings.into_iter().map(at).collect(),
        })
    }

    /// How the definition of a version is tracked: its own URL tells it best.
    fn tracked_version(
        &self,
        definition: &Definition,
        version: &Version,
    ) -> Result<Option<Tracked<'_>>, UpstreamError> {
        match version.url.as_deref().map(|url| self.inferred(url)) {
            Some(Ok(Some(tracked))) => Ok(Some(tracked)),
            Some(Err(error)) if definition.upstream.is_none() => Err(error),
            // What the definition says decides.
            Some(Ok(None) | Err(_)) | None => self.tracked(definition),
        }
    }

    /// What vouches for a build now, with the signature that its bytes must have and notes beside it.
    async fn proven_again(
        &self,
        tracked: &Tracked<'_>,
        subject: Subject<'_>,
        version: &Version,
        url: &str,
        file: &str,
    ) -> Result<(Attested, Option<Detached>, Vec<String>), UpstreamError> {
        let index = subject.index;
        if index.signature_of(Of::Image).is_some() {
            let over_image = self.over_image(subject, url);
            let signature = over_image.await.map_err(|error| match error {
                // The digest of the bytes is reviewed, so they prove as much as they did then.
                UpstreamError::Signature(error, _) => UpstreamError::Fetch(error),
                error => error,
            })?;
            let found = attested::reviewed(version, false)?.awaiting_signature();
            return Ok((found, signature, Vec::new()));
        }
        let (found, notes) = if matches!(index.checksum, Digest::Told { .. }) {
            self.told_again(tracked, url, subject.verify).await?
        } else {
            self.prove(subject, file, version.manifest.as_deref())
                .await?
        };
        Ok((found, None, notes))
    }

    /// What an index tells of a build now, if that is still its newest.
    async fn told_again(
        &self,
        tracked: &Tracked<'_>,
        url: &str,
        verify: Verify,
    ) -> Result<(Attested, Vec<String>), UpstreamError> {
        let newest = self
            .newest(tracked, None, verify)
            .await
            .map_err(|failure| failure.error)?;
        if newest.candidate.url == url
            && let Some(told) = newest.proof.told()
        {
            return Ok((told.clone(), newest.notes));
        }
        Err(UpstreamError::NoLongerTold {
            url: url.to_owned(),
            index: newest.candidate.told_by,
            newest: newest.candidate.build,
        })
    }
}

/// What people reviewed, where nothing else is to be had.
fn reviewed(
    version: &Version,
    image: &str,
    verify: Verify,
    names_key: bool,
    member: Option<Pattern>,
) -> Result<Attestation, UpstreamError> {
    let attested = attested::reviewed(version, false)?;
    attested::suffices(attested.verified(), verify, names_key, image)?;
    Ok(Attestation {
        attested,
        signature: None,
        member,
        findings: Vec::new(),
    })
}
