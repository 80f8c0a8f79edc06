//! Upstreams over HTTP: what is the newest build, what proves it, and the bytes of images.
//!
//! Which documents to ask for and what they say is decided in `domain::source`, `domain::index` and
//! `domain::attested`; here they are fetched, each URL once a run.

mod cache;
mod discover;
mod endoflife;
pub mod fetch;
mod keys;
mod mapping;
mod pinned;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use regex::Regex;

use crate::domain::attested::{self, Attested, ProofError, Verify};
use crate::domain::definition::{Definition, Version};
use crate::domain::endoflife::EndOfLifeError;
use crate::domain::finding::Finding;
use crate::domain::index::{self, Document, IndexError};
use crate::domain::signature::Detached;
use crate::domain::source::{self, AmbiguousUrl, Digest, Index, Of, ParameterError, Pin, Source};
use crate::domain::template::Variables;
use crate::settings::Settings;
pub use cache::write as write_file;
pub use discover::{Failure, Newest, Proof};
use fetch::{Download, FetchError, Fetcher};
pub use keys::KeyError;
use keys::Keys;
pub use sources::{SourcesError, load as load_sources};

/// The sources, and a client that speaks to their upstreams.
#[derive(Debug)]
pub struct Upstream {
    sources: Vec<Source>,
    fetcher: Fetcher,
    keys: Keys,
    verify: Verify,
    now: DateTime<Utc>,
}

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

    /// The same, after another place was tried in vain.
    fn nor_at(self, other: &str) -> Self {
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
    fn is_gone(&self) -> bool {
        match self {
            Self::Fetch(error) => error.is_gone(),
            Self::NoLongerTold { .. } => true,
            _ => false,
        }
    }
}

/// A digest that was proven again before an upload, and what to tell about it.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// What the bytes must be.
    pub attested: Attested,
    /// The signature that the bytes must have, if it is over them.
    pub signature: Option<Detached>,
    /// Which file of an archive is the disk.
    pub member: Option<Regex>,
    /// Notes and warnings.
    pub findings: Vec<Finding>,
}

/// A build that is proven again.
struct Again<'a> {
    tracked: &'a Tracked<'a>,
    index: &'a Index,
    variables: &'a Variables,
    url: &'a str,
    file: &'a str,
    hosts: &'a Arc<BTreeSet<String>>,
}

/// How a definition is tracked.
#[derive(Debug, Clone)]
pub struct Tracked<'a> {
    /// Its source.
    pub source: &'a Source,
    /// Its parameters, in the words of definitions.
    pub parameters: BTreeMap<String, String>,
}

impl Upstream {
    /// Makes the client. Fails with [`FetchError`] if there are no certificates to trust.
    pub fn new(settings: &Settings, sources: Vec<Source>) -> Result<Self, FetchError> {
        let fetcher = Fetcher::new(
            &settings.upstream_map,
            settings.cache.as_deref(),
            settings.limits.image_size,
        )?
        .with_token(settings.github_token.as_ref());
        Ok(Self {
            sources,
            fetcher,
            keys: Keys::new(&settings.keys, settings.cache.as_deref()),
            verify: settings.verify,
            now: Utc::now(),
        })
    }

    /// The sources, by name.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The source of a definition and its parameters: what it says, else what its URLs tell.
    ///
    /// Nothing, if no source knows the image. Fails with [`UpstreamError`] if it names a source that there is not.
    pub fn tracked(&self, definition: &Definition) -> Result<Option<Tracked<'_>>, UpstreamError> {
        if let Some(upstream) = &definition.upstream {
            let source = self.source(&upstream.from)?;
            return Ok(Some(Tracked {
                source,
                parameters: upstream.parameters.clone(),
            }));
        }
        let newest = definition
            .versions
            .iter()
            .filter(|version| !version.is_moving())
            .max_by(|left, right| {
                crate::domain::version::Order::default().compare(&left.version, &right.version)
            });
        let urls = [
            definition.latest_url.as_deref(),
            newest.and_then(|version| version.url.as_deref()),
        ];
        urls.into_iter()
            .flatten()
            .chain(
                definition
                    .versions
                    .iter()
                    .filter_map(|version| version.url.as_deref()),
            )
            .find_map(|url| self.inferred(url).transpose())
            .transpose()
    }

    fn inferred(&self, url: &str) -> Result<Option<Tracked<'_>>, UpstreamError> {
        let inferred = source::infer(&self.sources, url)?;
        Ok(inferred.map(|(source, inferred)| Tracked {
            source,
            parameters: inferred.parameters,
        }))
    }

    fn source(&self, name: &str) -> Result<&Source, UpstreamError> {
        self.sources
            .iter()
            .find(|source| source.name == name)
            .ok_or_else(|| UpstreamError::NoSource {
                name: name.to_owned(),
                known: self
                    .sources
                    .iter()
                    .map(|source| format!("`{}`", source.name))
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// Proves a version's digest again, right before its upload.
    ///
    /// The manifest or index must still give the reviewed digest, under a good signature by a pinned key. What is gone
    /// leaves the reviewed `signed_by`, and a note says so. A signature over the image itself is fetched here, and checked
    /// while the bytes pass. Without a source, or a key in it, the reviewed digest stands alone. Fails with
    /// [`UpstreamError`] on any other verdict.
    pub async fn attest(
        &self,
        definition: &Definition,
        version: &Version,
    ) -> Result<Attestation, UpstreamError> {
        let image = version
            .url
            .clone()
            .unwrap_or_else(|| definition.name.clone());
        let by_url = match version.url.as_deref().map(|url| self.inferred(url)) {
            Some(Ok(tracked)) => tracked,
            Some(Err(error)) if definition.upstream.is_none() => return Err(error),
            // What the definition says decides.
            Some(Err(_)) | None => None,
        };
        let tracked = match by_url {
            Some(tracked) => Some(tracked),
            None => self.tracked(definition)?,
        };
        let plain = |names_key, member| -> Result<Attestation, UpstreamError> {
            let attested = attested::reviewed(version, false)?;
            attested::suffices(attested.verified(), self.verify, names_key, &image)?;
            Ok(Attestation {
                attested,
                signature: None,
                member,
                findings: Vec::new(),
            })
        };
        let (Some(tracked), Some(url)) = (tracked, version.url.as_deref()) else {
            return plain(false, None);
        };
        let index = tracked.source.index(&tracked.parameters)?;
        let names_key = index.signs_digest();
        let member = index.member();
        if !names_key || !self.verify.wants_signature() {
            return plain(names_key, member);
        }
        let mut variables = tracked.source.variables(&tracked.parameters)?;
        let Some((url, folder, file)) = index::parts(url) else {
            return plain(names_key, member);
        };
        if let Some(build) = tracked
            .source
            .infer(&url)
            .and_then(|inferred| inferred.version)
        {
            variables.insert("version".to_owned(), build);
        }
        variables.extend(
            [("url", &url), ("folder", &folder), ("file", &file)]
                .map(|(name, value)| (name.to_owned(), value.clone())),
        );
        let hosts = Arc::new(tracked.source.hosts(index, &variables));
        let reviewed = attested::reviewed(version, true)?;
        let again = Again {
            tracked: &tracked,
            index,
            variables: &variables,
            url: &url,
            file: &file,
            hosts: &hosts,
        };
        let proven = self.proven_again(&again, version).await;
        let at = |finding: Finding| {
            finding
                .at(&definition.file, version.at)
                .image(&definition.name)
        };
        match proven {
            Ok((found, signature, notes)) => {
                let attested = attested::unchanged(found, &file, &reviewed)?;
                if signature.is_none() {
                    attested::suffices(attested.verified(), self.verify, names_key, &image)?;
                }
                Ok(Attestation {
                    attested,
                    signature,
                    member,
                    findings: notes
                        .into_iter()
                        .map(|note| at(Finding::note("signature", note)))
                        .collect(),
                })
            }
            Err(error) if error.is_gone() => {
                attested::suffices(reviewed.verified(), self.verify, names_key, &image)?;
                let message = format!(
                    "version `{}`: {error}; the reviewed `signed_by` of the definition counts",
                    version.version
                );
                Ok(Attestation {
                    attested: reviewed,
                    signature: None,
                    member,
                    findings: vec![at(Finding::note("manifest-gone", message))],
                })
            }
            Err(error) => Err(error),
        }
    }

    /// What vouches for a build now, with the signature that its bytes must have and notes beside it.
    async fn proven_again(
        &self,
        again: &Again<'_>,
        version: &Version,
    ) -> Result<(Attested, Option<Detached>, Vec<String>), UpstreamError> {
        let Again {
            tracked,
            index,
            variables,
            url,
            file,
            hosts,
        } = *again;
        if index.signature_of(Of::Image).is_some() {
            let over_image = self.over_image(tracked.source, index, variables, url, hosts);
            let signature = over_image.await.map_err(|error| match error {
                // The digest of the bytes is reviewed, so they prove as much as they did then.
                UpstreamError::Signature(error, _) => UpstreamError::Fetch(error),
                error => error,
            })?;
            let found = attested::reviewed(version, false)?.awaiting_signature();
            return Ok((found, signature, Vec::new()));
        }
        let (found, notes) = if matches!(index.checksum, Digest::Told { .. }) {
            self.told_again(tracked, url).await?
        } else {
            let manifest = version.manifest.as_deref();
            self.prove(tracked.source, index, variables, file, manifest, hosts)
                .await?
        };
        Ok((found, None, notes))
    }

    /// What an index tells of a build now, if that is still its newest.
    async fn told_again(
        &self,
        tracked: &Tracked<'_>,
        url: &str,
    ) -> Result<(Attested, Vec<String>), UpstreamError> {
        let newest = self
            .newest(tracked, None)
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

    /// The file in which a pinned key is published, known to hold it. Fails with [`KeyError`].
    pub async fn key_file(
        &self,
        source: &Source,
        pin: &Pin<'_>,
    ) -> Result<Arc<Document>, KeyError> {
        let hosts = Arc::new(source.key_hosts(pin.signature, &pin.variables));
        let url = source.key_url(pin.signature, &pin.variables, pin.fingerprint)?;
        keys::file(&self.fetcher, url, pin.fingerprint, &hosts).await
    }

    /// Begins to fetch an image's bytes. Fails with [`FetchError`].
    pub async fn stream(&self, url: &str) -> Result<Download, FetchError> {
        self.fetcher.stream(url).await
    }
}
