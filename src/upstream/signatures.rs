//! The signature of one document, and the keys to check it with: from `keys/`, from the cache, or from where they are
//! published.

use std::sync::Arc;

use super::prove::{Subject, evidence};
use super::{KeyError, Upstream, UpstreamError};
use crate::domain::attested::{ProofError, Signing};
use crate::domain::index::{Document, Kind, Request};
use crate::domain::signature::{Fingerprint, Keyring};
use crate::domain::source::{Form, Of, ParameterError, Signature};
use crate::domain::template::{Escape, Variables};

/// How one document is signed.
pub(super) struct Signatures<'a> {
    subject: Subject<'a>,
    signature: &'a Signature,
    variables: Variables,
    /// Its URL.
    document: &'a str,
    /// The full fingerprints that count.
    pub(super) pinned: Vec<Fingerprint>,
}

impl<'a> Signatures<'a> {
    fn new(
        subject: Subject<'a>,
        signature: &'a Signature,
        of: Of,
        document: &'a str,
    ) -> Result<Self, ParameterError> {
        let own_name = match of {
            Of::Manifest => Some("manifest"),
            Of::Index => Some("index"),
            Of::Image => None,
        };
        let mut variables = subject.variables.clone();
        for name in own_name.into_iter().chain(["document"]) {
            variables.insert(name.to_owned(), document.to_owned());
        }
        let pinned = subject.source.pinned(signature, &variables)?;
        Ok(Self {
            subject,
            signature,
            variables,
            document,
            pinned,
        })
    }

    /// What is checked, once both have been fetched.
    pub(super) fn signing<'b>(
        &'b self,
        detached: Option<&'b Document>,
        keys: &'b Keyring,
    ) -> Signing<'b> {
        Signing {
            detached: detached.map(evidence),
            keys,
            pinned: &self.pinned,
        }
    }

    /// Where it lies, if it is not in the document itself.
    fn url(&self) -> Result<Option<String>, ParameterError> {
        let Form::Detached { url } = &self.signature.form else {
            return Ok(None);
        };
        let source = self.subject.source;
        source.fill(url, &self.variables, Escape::Nothing).map(Some)
    }

    fn key_url(&self, fingerprint: &Fingerprint) -> Result<String, ParameterError> {
        let source = self.subject.source;
        source.key_url(self.signature, &self.variables, fingerprint)
    }
}

impl Upstream {
    /// How a document is signed; nothing if its source does not say that it is, or nobody asks for signatures.
    pub(super) fn signatures<'a>(
        subject: Subject<'a>,
        of: Of,
        document: &'a str,
    ) -> Result<Option<Signatures<'a>>, ParameterError> {
        subject
            .index
            .signature_of(of)
            .filter(|_| subject.verify.wants_signature())
            .map(|signature| Signatures::new(subject, signature, of, document))
            .transpose()
    }

    /// Fetches the signature, if it is not in the document itself.
    pub(super) async fn detached(
        &self,
        signatures: &Signatures<'_>,
    ) -> Result<Option<Arc<Document>>, UpstreamError> {
        let Some(url) = signatures.url()? else {
            return Ok(None);
        };
        let kind = Kind::Signature;
        let request = Request { url, kind };
        match self
            .fetcher
            .document(&request, signatures.subject.hosts)
            .await
        {
            Ok(document) => Ok(Some(document)),
            Err(error) => Err(UpstreamError::Signature(
                error,
                signatures.document.to_owned(),
            )),
        }
    }

    /// A verdict; once more with newer copies of the keys, if those at hand may be too old.
    pub(super) async fn judged<T>(
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

    pub(super) async fn keys_at_hand(
        &self,
        signatures: &Signatures<'_>,
    ) -> Result<Keyring, UpstreamError> {
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
            .published(&self.fetcher, url, fingerprint, signatures.subject.hosts)
            .await
    }
}
