//! The loop around the engines: fetch what they need, ask again; then fetch what proves the find.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::{join_all, try_join};

use super::fetch::FetchError;
use super::{Tracked, Upstream, UpstreamError};
use crate::domain::attested::{self, Attested, Evidence, Signing};
use crate::domain::index::{self, Candidate, Document, Fetched, IndexError, Kind, Request, Step};
use crate::domain::signature::Keyring;
use crate::domain::source::{Form, Index, Signature, Source};
use crate::domain::template::{Escape, Variables};
use crate::domain::version::Order;

/// An engine that asks more often than this asks in a circle.
const MOST_STEPS: usize = 16;

/// The newest build of an upstream, proven.
#[derive(Debug, Clone)]
pub struct Newest {
    /// The build.
    pub candidate: Candidate,
    /// Its digest.
    pub attested: Attested,
    /// How its versions order.
    pub order: Order,
    /// What a person may want to know.
    pub notes: Vec<String>,
}

/// What went wrong, and how far it came.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The build, if it was found.
    pub candidate: Option<Candidate>,
    /// Why it was not, or is not proven.
    pub error: UpstreamError,
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
        let candidates = self
            .discover(source, index, &variables, order, &hosts)
            .await
            .map_err(early)?;
        let mut absent: Option<Box<Failure>> = None;
        for candidate in candidates {
            match self.proven(source, index, &candidate, &hosts).await {
                Ok((attested, notes)) => {
                    return Ok(Newest {
                        candidate,
                        attested,
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

    /// Proves a candidate as far as the settings ask for.
    async fn proven(
        &self,
        source: &Source,
        index: &Index,
        candidate: &Candidate,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<(Attested, Vec<String>), UpstreamError> {
        let (variables, file) = (&candidate.variables, &candidate.file);
        let (attested, notes) = self
            .prove(source, index, variables, file, None, hosts)
            .await?;
        let names_key = index.signature.is_some();
        attested::suffices(&attested, self.verify, names_key, &candidate.url)?;
        Ok((attested, notes))
    }

    async fn discover(
        &self,
        source: &Source,
        index: &Index,
        variables: &Variables,
        order: Order,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<Vec<Candidate>, UpstreamError> {
        let mut fetched = Fetched::new();
        for _ in 0..MOST_STEPS {
            match index::step(source, index, variables, order, &fetched)? {
                Step::Found(candidates) => return Ok(candidates),
                Step::Need(requests) => {
                    let documents = requests
                        .iter()
                        .map(|request| self.fetcher.document(request, hosts));
                    for (request, document) in requests.iter().zip(join_all(documents).await) {
                        fetched.insert(request.url.clone(), document?);
                    }
                }
            }
        }
        Err(endless(fetched.into_keys().next().unwrap_or_default()))
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
        let url = match manifest {
            Some(url) => url.to_owned(),
            None => filled(&index.checksum.url, variables)?,
        };
        let mut variables = variables.clone();
        variables.insert("manifest".to_owned(), url.clone());
        let algorithm = index.checksum.algorithm;
        let signature = index
            .signature
            .as_ref()
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
            self.keys_at_hand(source, signature, hosts),
        )
        .await?;
        let judge = |keys: &Keyring| {
            let signing = Signing {
                detached: detached.as_deref().map(evidence),
                keys,
                pinned: &signature.keys,
            };
            attested::attest(
                file,
                evidence(&manifest),
                algorithm,
                Some(signing),
                self.now,
            )
        };
        match judge(&keys) {
            Err(error) if error.may_be_an_old_copy_of_the_key() => {
                // Upstreams add subkeys and prolong keys. If theirs cannot be had, the first verdict stands.
                match self.refreshed_keys(keys, source, signature, hosts).await {
                    Some(keys) => Ok(judge(&keys)?),
                    None => Err(error.into()),
                }
            }
            verdict => Ok(verdict?),
        }
    }

    async fn keys_at_hand(
        &self,
        source: &Source,
        signature: &Signature,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Result<Keyring, UpstreamError> {
        let mut keyring = self.keys.kept(&signature.keys);
        for fingerprint in &signature.keys {
            if !keyring.fingerprints().any(|known| known == fingerprint) {
                match self
                    .keys
                    .published(&self.fetcher, source, signature, fingerprint, hosts)
                    .await
                {
                    Ok(key) => keyring.extend(key),
                    // One of several pinned keys may be out of reach, as long as there is one to check with.
                    Err(error) if signature.keys.len() == 1 => return Err(error.into()),
                    Err(error) => tracing::debug!("{error}"),
                }
            }
        }
        Ok(keyring)
    }

    async fn refreshed_keys(
        &self,
        mut keyring: Keyring,
        source: &Source,
        signature: &Signature,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Option<Keyring> {
        let before = keyring.clone();
        for fingerprint in &signature.keys {
            let key = self
                .keys
                .published(&self.fetcher, source, signature, fingerprint, hosts)
                .await;
            match key {
                Ok(key) => keyring.extend(key),
                Err(error) => tracing::debug!("{error}"),
            }
        }
        (keyring != before).then_some(keyring)
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
