//! Upstreams over HTTP: what is the newest build, what proves it, and the bytes of images.
//!
//! Which documents to ask for and what they say is decided in `domain::source`, `domain::index` and
//! `domain::attested`; here they are fetched, each URL once a run.

mod attest;
mod discover;
mod endoflife;
mod error;
pub mod fetch;
mod keys;
mod mapping;
mod pinned;
mod prove;
mod sides;
mod signatures;
mod sources;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use crate::cache::write as write_file;
use crate::domain::definition::Definition;
use crate::domain::index::Document;
use crate::domain::source::{self, ParameterError, Pin, Source};
use crate::domain::template::Variables;
use crate::settings::Settings;
pub use attest::Attestation;
pub use discover::{Failure, Newest, Proof};
pub use error::UpstreamError;
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
    now: DateTime<Utc>,
}

/// How a definition is tracked.
#[derive(Debug, Clone)]
pub struct Tracked<'a> {
    /// Its source.
    pub source: &'a Source,
    /// Its parameters, in the words of definitions.
    pub parameters: BTreeMap<String, String>,
}

impl Tracked<'_> {
    /// What is known by name of the build at a URL, given with its parts. Fails with [`ParameterError`].
    fn variables_of(
        &self,
        url: &str,
        folder: &str,
        file: &str,
    ) -> Result<Variables, ParameterError> {
        let mut variables = self.source.variables(&self.parameters)?;
        let build = self.source.infer(url).and_then(|inferred| inferred.version);
        let parts = [("url", url), ("folder", folder), ("file", file)];
        let parts = parts.map(|(name, value)| (name, value.to_owned()));
        let named = build
            .map(|build| ("version", build))
            .into_iter()
            .chain(parts);
        variables.extend(named.map(|(name, value)| (name.to_owned(), value)));
        Ok(variables)
    }
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
            keys: Keys::new(&settings.files, &settings.keys, settings.cache.as_deref()),
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

    /// Whether an image is there, without its bytes: its size, if its server tells that. Fails with [`FetchError`] if not.
    pub async fn is_there(&self, url: &str) -> Result<Option<u64>, FetchError> {
        Ok(self.fetcher.probe(url).await?.size)
    }

    /// Where an image is really fetched from: what somebody else is told who fetches it.
    pub fn mapped(&self, url: &str) -> String {
        self.fetcher.mapped(url)
    }

    /// How large an image is, if its server tells that without sending it.
    pub async fn size(&self, url: &str) -> Option<u64> {
        self.fetcher.probe(url).await.ok()?.size
    }

    /// Begins to fetch the bytes of a version that people reviewed, at the first of `places` that has it; one may lie on
    /// this machine. Fails with [`FetchError`].
    pub async fn image(&self, places: &[&str]) -> Result<Download, FetchError> {
        self.fetcher.image(places).await
    }

    /// Begins to fetch the bytes of a build that an upstream names. Fails with [`FetchError`].
    pub async fn stream(&self, url: &str) -> Result<Download, FetchError> {
        self.fetcher.stream(url).await
    }
}
