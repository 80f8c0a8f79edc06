//! What an upstream says today of a version that is pinned: its manifest, its image, and whether an upload would still
//! accept the proof. What that means is decided in `domain::pinned`.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::DateTime;
use futures_util::future::{join, join_all};

use super::{Tracked, Upstream, UpstreamError};
use crate::domain::attested::{ProofError, Verify};
use crate::domain::checksum::Checksum;
use crate::domain::definition::{Definition, Version};
use crate::domain::index::{self, Document, Kind, Request};
use crate::domain::manifest::{self, ManifestError};
use crate::domain::pinned::{self, Answer, Asked, Facts, File, Seen, Told};
use crate::domain::source::Digest;
use crate::domain::template::Escape;

/// A manifest that may still give a version's digest.
struct Manifest {
    request: Request,
    /// The name of the image in it.
    file: String,
    /// Absent: any. Nothing is proven by it; it is only held against what was reviewed.
    hosts: Option<Arc<BTreeSet<String>>>,
}

impl Upstream {
    /// Asks what became of a version. `asked` beside others, only its manifest is fetched, no image, and a signature only
    /// if the manifest says something against the version. `verify`: how much proof an upload would ask for.
    pub async fn pinned(
        &self,
        definition: &Definition,
        version: &Version,
        asked: Asked,
        verify: Verify,
    ) -> Facts {
        let manifest = self.manifest_of(definition, version);
        let (told, files) = join(
            async {
                match (manifest, &version.checksum) {
                    (Some(manifest), Some(checksum)) => self.told(manifest, checksum).await,
                    _ => Told::Nothing,
                }
            },
            async {
                match asked {
                    Asked::Beside => Vec::new(),
                    Asked::ForItself => self.files(version).await,
                }
            },
        )
        .await;
        let facts = Facts {
            told,
            files,
            refused: None,
        };
        if asked == Asked::ForItself || pinned::is_accused(definition, version, &facts) {
            let proven = self.held_against_the_proof(definition, version, facts, verify);
            return proven.await;
        }
        facts
    }

    /// The manifest of a version: where its source keeps it, else what the version itself names.
    fn manifest_of(&self, definition: &Definition, version: &Version) -> Option<Manifest> {
        if version.is_moving() || version.computed.checksum {
            return None;
        }
        let (url, folder, file) = index::parts(version.url.as_deref()?)?;
        let tracked = self
            .inferred(&url)
            .ok()
            .flatten()
            .or_else(|| self.tracked(definition).ok().flatten());
        if let Some(tracked) = tracked {
            match manifest_of_source(&tracked, version, &url, &folder, &file) {
                Where::At(manifest) => return Some(manifest),
                Where::Nowhere => return None,
                Where::Elsewhere => {}
            }
        }
        let named = [
            &version.manifest,
            &version.checksums_url,
            &version.checksum_url,
        ];
        let url = named.into_iter().flatten().next()?.clone();
        Some(Manifest {
            request: Request {
                url,
                kind: Kind::Manifest,
            },
            file,
            hosts: None,
        })
    }

    async fn told(&self, manifest: Manifest, pinned: &Checksum) -> Told {
        let Manifest {
            request,
            file,
            hosts,
        } = manifest;
        let fetched = match &hosts {
            Some(hosts) => self.fetcher.document(&request, hosts).await,
            None => self.fetcher.document_from_anywhere(&request).await,
        };
        match fetched {
            Ok(document) => said(&document, &file, pinned),
            Err(error) if error.is_gone() => Told::Gone { url: request.url },
            Err(error) => Told::Unknown {
                reason: error.to_string(),
            },
        }
    }

    async fn files(&self, version: &Version) -> Vec<File> {
        let mirrors = version.mirrors.iter().map(|mirror| (&mirror.url, true));
        let named = version.url.iter().map(|url| (url, false)).chain(mirrors);
        let named = named.map(|(url, is_mirror)| async move {
            let answer = match self.fetcher.probe(url).await {
                Ok(probe) => Answer::There(Seen {
                    modified: probe.modified.as_deref().and_then(time),
                    host: probe.host,
                }),
                Err(error) if error.is_gone() => Answer::Gone,
                Err(error) => Answer::Unknown {
                    reason: error.to_string(),
                },
            };
            File {
                url: url.clone(),
                is_mirror,
                answer,
            }
        });
        join_all(named).await
    }

    /// Proves the version as an upload would, unless it is known already that this cannot be.
    async fn held_against_the_proof(
        &self,
        definition: &Definition,
        version: &Version,
        mut facts: Facts,
        verify: Verify,
    ) -> Facts {
        let is_settled = matches!(facts.told, Told::Gone { .. } | Told::Unknown { .. });
        if is_settled || version.is_moving() || version.checksum.is_none() {
            return facts;
        }
        match self.attest(definition, version, verify).await {
            // What does not fit a source is told once, and not for each version.
            Ok(_)
            | Err(
                UpstreamError::NoSource { .. }
                | UpstreamError::Ambiguous(_)
                | UpstreamError::Parameters(_),
            ) => {}
            Err(UpstreamError::Proof(ProofError::Changed { url, found, .. })) => {
                if !matches!(facts.told, Told::Digest { .. }) {
                    facts.told = Told::Digest {
                        by: url,
                        checksum: found,
                        seen: Seen::default(),
                    };
                }
            }
            Err(error) if error.is_unasked() => {
                facts.told = Told::Unknown {
                    reason: error.to_string(),
                };
            }
            Err(error) if error.is_of_signature(facts.told.document()) => {
                facts.told = Told::Nothing;
                facts.refused = Some(error.to_string());
            }
            // A manifest that does not list the file proves nothing of it.
            Err(UpstreamError::Proof(ProofError::Manifest { .. }))
                if matches!(facts.told, Told::Unlisted { .. }) => {}
            Err(error) => facts.refused = Some(error.to_string()),
        }
        facts
    }
}

fn manifest_of_source(
    tracked: &Tracked<'_>,
    version: &Version,
    url: &str,
    folder: &str,
    file: &str,
) -> Where {
    let source = tracked.source;
    let (Ok(index), Ok(variables)) = (
        source.index(&tracked.parameters),
        tracked.variables_of(url, folder, file),
    ) else {
        return Where::Elsewhere;
    };
    let Digest::Manifest { url: template, .. } = &index.checksum else {
        // An index tells digests of its newest build only, and of no older one.
        return Where::Nowhere;
    };
    let url = match &version.manifest {
        Some(url) => url.clone(),
        None => match source.fill(template, &variables, Escape::Nothing) {
            Ok(url) => url,
            Err(_) => return Where::Elsewhere,
        },
    };
    let hosts = source.hosts(index, &variables);
    let host = url::Url::parse(&url).ok();
    let host = host.as_ref().and_then(url::Url::host_str);
    if !host.is_some_and(|host| hosts.contains(host)) {
        return Where::Elsewhere;
    }
    Where::At(Manifest {
        request: Request {
            url,
            kind: Kind::Manifest,
        },
        file: file.to_owned(),
        hosts: Some(Arc::new(hosts)),
    })
}

/// Where the manifest of a tracked version is.
enum Where {
    /// There.
    At(Manifest),
    /// There is none.
    Nowhere,
    /// Not at its source: the version is from somewhere else.
    Elsewhere,
}

/// What a manifest says of a file, in the algorithm that is pinned if it can.
fn said(document: &Document, file: &str, pinned: &Checksum) -> Told {
    let unknown = |reason: String| Told::Unknown {
        reason: format!("`{}` cannot be read: {reason}", document.url),
    };
    let Ok(text) = std::str::from_utf8(&document.bytes) else {
        return unknown("it is no UTF-8 text".to_owned());
    };
    match manifest::digest_of(text, file, Some(pinned.algorithm())) {
        Ok(checksum) => Told::Digest {
            by: document.url.clone(),
            checksum,
            seen: Seen {
                modified: document.modified.as_deref().and_then(time),
                host: host(&document.location),
            },
        },
        Err(ManifestError::NotListed { name, .. }) => Told::Unlisted {
            url: document.url.clone(),
            file: name,
        },
        Err(error @ ManifestError::NotWith { .. }) => Told::OtherDigests {
            by: document.url.clone(),
            reason: error.to_string(),
        },
        Err(error) => unknown(error.to_string()),
    }
}

fn host(url: &str) -> String {
    let url = url::Url::parse(url).ok();
    let host = url.as_ref().and_then(url::Url::host_str);
    host.unwrap_or_default().to_owned()
}

/// A date of HTTP.
fn time(text: &str) -> Option<DateTime<chrono::Utc>> {
    DateTime::parse_from_rfc2822(text)
        .ok()
        .map(|time| time.to_utc())
}
