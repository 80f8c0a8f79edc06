//! The loop around the engines: fetch what they need, ask again; then fetch what proves the find.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::{join_all, try_join};

use super::fetch::FetchError;
use super::{KeyError, Tracked, Upstream, UpstreamError};
use crate::domain::attested::{self, Attested, ByBytes, Evidence, ProofError, Signing, Verified};
use crate::domain::checksum::Algorithm;
use crate::domain::index::{self, Candidate, Document, Fetched, IndexError, Kind, Request, Step};
use crate::domain::signature::{Detached, Fingerprint, Keyring, Signed};
use crate::domain::source::{
    Digest, DiskDigest, Form, Index, Of, ParameterError, Signature, Source,
};
use crate::domain::template::{Escape, Variables};
use crate::domain::version::Order;

/// An engine that asks more often than this asks in a circle.
const MOST_STEPS: usize = 24;

/// The newest build of an upstream, and what proves it.
#[derive(Debug, Clone)]
pub struct Newest {
    /// The build.
    pub candidate: Candidate,
    /// Who vouches for its digest.
    pub proof: Proof,
    /// How its versions order.
    pub order: Order,
    /// What a person may want to know.
    pub notes: Vec<String>,
}

/// What proves a build.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Documents of its upstream.
    Documents(Attested),
    /// Its bytes, which have to be fetched once if it is new.
    Bytes(Box<ByBytes>),
}

impl Proof {
    /// What documents say of it.
    pub fn told(&self) -> Option<&Attested> {
        match self {
            Self::Documents(attested) => Some(attested),
            Self::Bytes(by_bytes) => by_bytes.told.as_ref(),
        }
    }
}

/// What went wrong, and how far it came.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The build, if it was found.
    pub candidate: Option<Candidate>,
    /// Why it was not, or is not proven.
    pub error: UpstreamError,
}

/// The verdicts on signed documents, by their URLs.
type Verdicts = BTreeMap<String, Signed>;

/// How a source signs, with the values of one image.
struct Signatures<'a> {
    source: &'a Source,
    signature: &'a Signature,
    variables: &'a Variables,
    hosts: &'a Arc<BTreeSet<String>>,
    pinned: Vec<Fingerprint>,
}

impl<'a> Signatures<'a> {
    fn new(
        source: &'a Source,
        signature: &'a Signature,
        variables: &'a Variables,
        hosts: &'a Arc<BTreeSet<String>>,
    ) -> Result<Self, UpstreamError> {
        Ok(Self {
            source,
            signature,
            variables,
            hosts,
            pinned: source.pinned(signature, variables)?,
        })
    }

    fn key_url(&self, fingerprint: &Fingerprint) -> Result<String, ParameterError> {
        self.source
            .key_url(self.signature, self.variables, fingerprint)
    }
}

impl Upstream {
    /// Finds and proves the newest build. `order`: in place of the source's. Fails with [`Failure`].
    pub async fn newest(
        &self,
        tracked: &Tracked<'_>,
        order: Option<Order>,
    ) -> Result<Newest, Box<Failure>> {
        let source = tracked.source;
        let early = |error: UpstreamError| {
            Box::new(Failure {
                candidate: None,
                error,
            })
        };
        let index = source
            .index(&tracked.parameters)
            .map_err(|error| early(error.into()))?;
        let variables = source
            .variables(&tracked.parameters)
            .map_err(|error| early(error.into()))?;
        let order = order.unwrap_or(index.order);
        let hosts = Arc::new(source.hosts(index, &variables));
        let (candidates, signed) = self
            .discover(source, index, &variables, order, &hosts)
            .await
            .map_err(early)?;
        let mut absent: Option<Box<Failure>> = None;
        for candidate in candidates {
            let proven = self.proven(source, index, &candidate, &signed, &hosts);
            match proven.await {
                Ok((proof, notes)) => {
                    return Ok(Newest {
                        candidate: self.dated(candidate, proof.told(), &hosts).await,
                        proof,
                        order,
                        notes,
                    });
                }
                Err(error) if error.is_gone() => {
                    absent = Some(match absent {
                        Some(mut failure) => {
                            failure.error = failure.error.nor_at(&candidate.url);
                            failure
                        }
                        None => Box::new(Failure {
                            candidate: Some(candidate),
                            error,
                        }),
                    });
                }
                Err(error) => {
                    return Err(Box::new(Failure {
                        candidate: Some(candidate),
                        error,
                    }));
                }
            }
        }
        // An engine that has found something gives at least one place.
        Err(absent.unwrap_or_else(|| early(endless(String::new()))))
    }

    /// Where nothing tells the day of a build, that of the document with its digest stands for it: what it speaks of is no
    /// younger, and scs-0102 demands a date of every image.
    async fn dated(
        &self,
        mut candidate: Candidate,
        told: Option<&Attested>,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Candidate {
        let manifest = told.and_then(Attested::manifest);
        if let (None, Some(manifest)) = (candidate.build_date, manifest) {
            let request = Request {
                url: manifest.to_owned(),
                kind: Kind::Manifest,
            };
            // At hand since it was read as proof.
            let document = self.fetcher.document(&request, hosts).await;
            candidate.build_date = document.ok().and_then(|document| document.changed_on());
        }
        candidate
    }

    /// Proves a candidate as far as the settings ask for. `signed`: the verdicts on what the index consists of.
    async fn proven(
        &self,
        source: &Source,
        index: &Index,
        candidate: &Candidate,
        signed: &Verdicts,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<(Proof, Vec<String>), UpstreamError> {
        let (variables, file) = (&candidate.variables, &candidate.file);
        let (told, notes) = match (&candidate.checksum, &index.checksum) {
            (Some(checksum), _) => {
                let signed = signed.get(&candidate.told_by).cloned();
                let told = attested::told(file, checksum.clone(), &candidate.told_by, signed)?;
                (Some(told.0), told.1)
            }
            (
                None,
                Digest::Computed(_)
                | Digest::Told {
                    otherwise: Some(_), ..
                },
            ) => (None, Vec::new()),
            (None, _) => {
                let prove = self.prove(source, index, variables, file, None, hosts);
                let (told, notes) = prove.await?;
                (Some(told), notes)
            }
        };
        let signature = self
            .over_image(source, index, variables, &candidate.url, hosts)
            .await?;
        let verified = match (&told, &signature) {
            (_, Some(_)) => Verified::Signature,
            (Some(told), None) => told.verified(),
            (None, None) => Verified::Computed,
        };
        attested::suffices(verified, self.verify, index.signs_digest(), &candidate.url)?;
        let compute_disk = match index.disk.as_ref().map(|disk| &disk.digest) {
            Some(DiskDigest::Computed(algorithm)) => Some(*algorithm),
            Some(DiskDigest::Told { .. }) | None => None,
        };
        let disk = candidate.disk_checksum.clone();
        let proof = match (told, signature, compute_disk) {
            (Some(told), None, None) => Proof::Documents(told.with_disk(disk, file)?),
            (told, signature, compute_disk) => Proof::Bytes(Box::new(ByBytes {
                told,
                algorithm: match index.checksum {
                    Digest::Computed(algorithm)
                    | Digest::Told {
                        otherwise: Some(algorithm),
                        ..
                    } => algorithm,
                    Digest::Manifest { .. } | Digest::Told { .. } => Algorithm::Sha256,
                },
                disk,
                compute_disk,
                member: index.member(),
                signature,
            })),
        };
        Ok((proof, notes))
    }

    /// The signature over an image, if its source has one and it is asked for; all but the bytes is judged.
    pub(super) async fn over_image(
        &self,
        source: &Source,
        index: &Index,
        variables: &Variables,
        image: &str,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<Option<Detached>, UpstreamError> {
        let signature = index
            .signature_of(Of::Image)
            .filter(|_| self.verify.wants_signature());
        let Some(signature) = signature else {
            return Ok(None);
        };
        let mut names = variables.clone();
        names.insert("document".to_owned(), image.to_owned());
        let url = match &signature.form {
            Form::Detached { url } => Some(source.fill(url, &names, Escape::Nothing)?),
            Form::Clearsigned => None,
        };
        let signatures = Signatures::new(source, signature, variables, hosts)?;
        let (document, keys) = try_join(
            async {
                let document = self.detached(url, hosts).await;
                document.map_err(|error| UpstreamError::Signature(error, image.to_owned()))
            },
            self.keys_at_hand(&signatures),
        )
        .await?;
        let Some(document) = document else {
            return Ok(None);
        };
        let judge = |keys: &Keyring| {
            Detached::read(&document.bytes, keys, &signatures.pinned, self.now).map_err(|source| {
                ProofError::Signature {
                    url: image.to_owned(),
                    signature: format!("`{}`", document.url),
                    source: Box::new(source),
                }
            })
        };
        self.judged(keys, &signatures, judge).await.map(Some)
    }

    /// The newest build, and the verdict on each document that told of it, if they are signed.
    ///
    /// A document that does not verify does not reach the engine.
    async fn discover(
        &self,
        source: &Source,
        index: &Index,
        variables: &Variables,
        order: Order,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<(Vec<Candidate>, Verdicts), UpstreamError> {
        let signature = index
            .signature_of(Of::Index)
            .filter(|_| self.verify.wants_signature());
        let mut fetched = Fetched::new();
        let mut signed = Verdicts::new();
        for _ in 0..MOST_STEPS {
            match index::step(source, index, variables, order, &fetched)? {
                Step::Found(candidates) => return Ok((candidates, signed)),
                Step::Need(requests) => {
                    let documents = requests
                        .iter()
                        .map(|request| self.fetcher.document(request, hosts));
                    for (request, document) in requests.iter().zip(join_all(documents).await) {
                        let document = document?;
                        if let Some(signature) = signature {
                            let verdict = self
                                .signed(
                                    source,
                                    signature,
                                    variables,
                                    &document,
                                    request.kind,
                                    hosts,
                                )
                                .await?;
                            signed.insert(request.url.clone(), verdict);
                        }
                        fetched.insert(request.url.clone(), document);
                    }
                }
            }
        }
        Err(endless(fetched.into_keys().next().unwrap_or_default()))
    }

    /// Checks the signature of a document of an index.
    async fn signed(
        &self,
        source: &Source,
        signature: &Signature,
        variables: &Variables,
        document: &Document,
        kind: Kind,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<Signed, UpstreamError> {
        // Told before the signature is looked at: an error page is no forgery.
        if document.is_html() && kind != Kind::Listing {
            return Err(UpstreamError::Index(IndexError::Html {
                url: document.url.clone(),
                expected: kind.name(),
            }));
        }
        let mut names = variables.clone();
        for name in ["index", "document"] {
            names.insert(name.to_owned(), document.url.clone());
        }
        let detached_url = match &signature.form {
            Form::Detached { url } => Some(source.fill(url, &names, Escape::Nothing)?),
            Form::Clearsigned => None,
        };
        let signatures = Signatures::new(source, signature, variables, hosts)?;
        let (detached, keys) = try_join(
            async {
                let detached = self.detached(detached_url, hosts).await;
                detached.map_err(|error| UpstreamError::Signature(error, document.url.clone()))
            },
            self.keys_at_hand(&signatures),
        )
        .await?;
        let judge = |keys: &Keyring| {
            let signing = Signing {
                detached: detached.as_deref().map(evidence),
                keys,
                pinned: &signatures.pinned,
            };
            attested::signed(evidence(document), signing, self.now)
        };
        self.judged(keys, &signatures, judge).await
    }

    /// Fetches manifest, signature and keys, and takes the digest of `file`; notes come beside it.
    ///
    /// `manifest`: its URL, if not the source's.
    pub(super) async fn prove(
        &self,
        source: &Source,
        index: &Index,
        variables: &Variables,
        file: &str,
        manifest: Option<&str>,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<(Attested, Vec<String>), UpstreamError> {
        let filled = |template: &str, variables: &Variables| {
            source.fill(template, variables, Escape::Nothing)
        };
        let (template, algorithm) = match &index.checksum {
            Digest::Manifest { url, algorithm } => (Some(url), *algorithm),
            Digest::Told { .. } | Digest::Computed(_) => (None, None),
        };
        let url = match (manifest, template) {
            (Some(url), _) => url.to_owned(),
            (None, Some(template)) => filled(template, variables)?,
            (None, None) => {
                return Err(UpstreamError::NoManifest {
                    file: file.to_owned(),
                });
            }
        };
        let mut variables = variables.clone();
        for name in ["manifest", "document"] {
            variables.insert(name.to_owned(), url.clone());
        }
        let signature = index
            .signature_of(Of::Manifest)
            .filter(|_| self.verify.wants_signature());
        let Some(signature) = signature else {
            let manifest = self.manifest(url, hosts).await?;
            return Ok(attested::attest(
                file,
                evidence(&manifest),
                algorithm,
                None,
                self.now,
            )?);
        };
        let detached_url = match &signature.form {
            Form::Detached { url } => Some(filled(url, &variables)?),
            Form::Clearsigned => None,
        };
        let signatures = Signatures::new(source, signature, &variables, hosts)?;
        let ((manifest, detached), keys) = try_join(
            async {
                // The manifest's failure is told before the signature's: without the one the other means nothing.
                let (manifest, detached) = futures_util::future::join(
                    self.manifest(url.clone(), hosts),
                    self.detached(detached_url, hosts),
                )
                .await;
                let manifest = manifest?;
                let detached = detached.map_err(|error| UpstreamError::Signature(error, url))?;
                Ok((manifest, detached))
            },
            self.keys_at_hand(&signatures),
        )
        .await?;
        let judge = |keys: &Keyring| {
            let signing = Signing {
                detached: detached.as_deref().map(evidence),
                keys,
                pinned: &signatures.pinned,
            };
            attested::attest(
                file,
                evidence(&manifest),
                algorithm,
                Some(signing),
                self.now,
            )
        };
        self.judged(keys, &signatures, judge).await
    }

    /// A verdict; once more with newer copies of the keys, if those at hand may be too old.
    async fn judged<T>(
        &self,
        keys: Keyring,
        signatures: &Signatures<'_>,
        judge: impl Fn(&Keyring) -> Result<T, ProofError>,
    ) -> Result<T, UpstreamError> {
        match judge(&keys) {
            Err(error) if error.may_be_an_old_copy_of_the_key() => {
                // Upstreams add subkeys and prolong keys. If theirs cannot be had, the first verdict stands.
                match self.refreshed_keys(keys, signatures).await {
                    Some(keys) => Ok(judge(&keys)?),
                    None => Err(error.into()),
                }
            }
            verdict => Ok(verdict?),
        }
    }

    async fn keys_at_hand(&self, signatures: &Signatures<'_>) -> Result<Keyring, UpstreamError> {
        let pinned = &signatures.pinned;
        let mut keyring = self.keys.kept(pinned);
        for fingerprint in pinned {
            if !keyring.fingerprints().any(|known| known == fingerprint) {
                match self.published(signatures, fingerprint).await {
                    Ok(key) => keyring.extend(key),
                    // One of several pinned keys may be out of reach, as long as there is one to check with.
                    Err(error) if pinned.len() == 1 => return Err(error.into()),
                    Err(error) => tracing::debug!("{error}"),
                }
            }
        }
        Ok(keyring)
    }

    async fn refreshed_keys(
        &self,
        mut keyring: Keyring,
        signatures: &Signatures<'_>,
    ) -> Option<Keyring> {
        let before = keyring.clone();
        for fingerprint in &signatures.pinned {
            match self.published(signatures, fingerprint).await {
                Ok(key) => keyring.extend(key),
                Err(error) => tracing::debug!("{error}"),
            }
        }
        (keyring != before).then_some(keyring)
    }

    async fn published(
        &self,
        signatures: &Signatures<'_>,
        fingerprint: &Fingerprint,
    ) -> Result<Keyring, KeyError> {
        let url = signatures.key_url(fingerprint)?;
        self.keys
            .published(&self.fetcher, url, fingerprint, signatures.hosts)
            .await
    }

    async fn manifest(
        &self,
        url: String,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<Arc<Document>, UpstreamError> {
        let kind = Kind::Manifest;
        let request = Request { url, kind };
        let manifest = self.fetcher.document(&request, hosts).await?;
        // Told before the signature is looked at: an error page is no forgery.
        if manifest.is_html() {
            return Err(UpstreamError::Index(IndexError::Html {
                url: request.url,
                expected: kind.name(),
            }));
        }
        Ok(manifest)
    }

    async fn detached(
        &self,
        url: Option<String>,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<Option<Arc<Document>>, FetchError> {
        let Some(url) = url else { return Ok(None) };
        let request = Request {
            url,
            kind: Kind::Signature,
        };
        self.fetcher.document(&request, hosts).await.map(Some)
    }
}

/// An index that leads nowhere.
fn endless(url: String) -> UpstreamError {
    UpstreamError::Index(IndexError::Malformed {
        url,
        expected: Kind::Json.name(),
        reason: "following it never ends".to_owned(),
    })
}

fn evidence(document: &Document) -> Evidence<'_> {
    Evidence {
        url: &document.url,
        bytes: &document.bytes,
    }
}
