//! The loop around the engines: fetch what they need, ask again; then prove what they found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;

use super::prove::Subject;
use super::{Tracked, Upstream, UpstreamError};
use crate::domain::attested::{self, Attested, ByBytes, Verified, Verify};
use crate::domain::checksum::Algorithm;
use crate::domain::index::{self, Candidate, Fetched, IndexError, Kind, Request, Step};
use crate::domain::signature::Signed;
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

impl Upstream {
    /// Finds and proves the newest build. `order`: in place of the source's. `verify`: how much proof is asked for.
    /// Fails with [`Failure`].
    pub async fn newest(
        &self,
        tracked: &Tracked<'_>,
        order: Option<Order>,
        verify: Verify,
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
        let subject = Subject {
            source,
            index,
            variables: &variables,
            hosts: &hosts,
            verify,
        };
        let (candidates, signed) = self.discover(subject, order).await.map_err(early)?;
        let mut absent: Option<Box<Failure>> = None;
        for candidate in candidates {
            match self.proven(subject, &candidate, &signed).await {
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

    /// Proves a candidate as far as is asked for. `signed`: the verdicts on what the index consists of.
    async fn proven(
        &self,
        subject: Subject<'_>,
        candidate: &Candidate,
        signed: &Verdicts,
    ) -> Result<(Proof, Vec<String>), UpstreamError> {
        let (index, file) = (subject.index, &candidate.file);
        let subject = Subject {
            variables: &candidate.variables,
            ..subject
        };
        let (told, notes) = self.told_of(subject, candidate, signed).await?.unzip();
        let signature = self.over_image(subject, &candidate.url).await?;
        let verified = match (&told, &signature) {
            (_, Some(_)) => Verified::Signature,
            (Some(told), None) => told.verified(),
            (None, None) => Verified::Computed,
        };
        attested::suffices(
            verified,
            subject.verify,
            index.signs_digest(),
            &candidate.url,
        )?;
        let disk = candidate.disk_checksum.clone();
        let proof = match (told, signature, index.computed_disk()) {
            (Some(told), None, None) => Proof::Documents(told.with_disk(disk, file)?),
            (told, signature, compute_disk) => Proof::Bytes(Box::new(ByBytes {
                told,
                algorithm: index.checksum.computed().unwrap_or(Algorithm::Sha256),
                disk,
                compute_disk,
                member: index.member(),
                signature,
            })),
        };
        Ok((proof, notes.unwrap_or_default()))
    }

    /// What documents say of a candidate, with notes; nothing where its digest is to be computed.
    async fn told_of(
        &self,
        subject: Subject<'_>,
        candidate: &Candidate,
        signed: &Verdicts,
    ) -> Result<Option<(Attested, Vec<String>)>, UpstreamError> {
        let file = &candidate.file;
        if let Some(checksum) = &candidate.checksum {
            let signed = signed.get(&candidate.told_by).cloned();
            let told = attested::told(file, checksum.clone(), &candidate.told_by, signed)?;
            return Ok(Some(told));
        }
        if subject.index.checksum.computed().is_some() {
            return Ok(None);
        }
        self.prove(subject, file, None).await.map(Some)
    }

    /// The newest build, and the verdict on each document that told of it, if they are signed.
    ///
    /// A document that does not verify does not reach the engine.
    async fn discover(
        &self,
        subject: Subject<'_>,
        order: Order,
    ) -> Result<(Vec<Candidate>, Verdicts), UpstreamError> {
        let Subject {
            source,
            index,
            variables,
            hosts,
            ..
        } = subject;
        let mut fetched = Fetched::new();
        let mut signed = Verdicts::new();
        for _ in 0..MOST_STEPS {
            let requests = match index::step(source, index, variables, order, &fetched)? {
                Step::Found(candidates) => return Ok((candidates, signed)),
                Step::Need(requests) => requests,
            };
            let documents = requests
                .iter()
                .map(|request| self.fetcher.document(request, hosts));
            for (request, document) in requests.iter().zip(join_all(documents).await) {
                let document = document?;
                let verdict = self.signed(subject, &document, request.kind).await?;
                signed.extend(verdict.map(|verdict| (request.url.clone(), verdict)));
                fetched.insert(request.url.clone(), document);
            }
        }
        Err(endless(fetched.into_keys().next().unwrap_or_default()))
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
