//! Which way an image's bytes take into a cloud's Glance, and how they are proven on it: decided before anything is begun.
//!
//! What the server says it can do counts. A setting that it cannot follow begins no upload there, and the rest goes on.

use serde_json::{Map, Value, json};

use super::attested::Verify;
use super::checksum::Algorithm;
use super::definition::{Definition, Version};
use super::finding::Finding;
use super::import::{self, Offered};
use super::transfer::{Method, Transfer};

/// Says for ever that nobody could prove an image's bytes, and which way they came.
pub const UNVERIFIED: &str = "reglaze_unverified";
/// What an image bears from its creation until its bytes are proven, beside its state: nobody looks into what Glance fetches
/// itself, whatever its digest, until a run has done so.
pub fn mark(method: Method) -> Option<(&'static str, &'static str)> {
    (method == Method::WebDownload).then(|| (UNVERIFIED, method.as_str()))
}

/// Says that the cloud's import plugins made another format of proven bytes, so that their digest is not to be compared.
pub const CONVERTED: &str = "reglaze_converted";

/// The endings of packed files. What is inside tells for sure, but nobody has it when a plan is made.
const PACKED: [&str; 12] = [
    ".gz", ".xz", ".bz2", ".zst", ".zstd", ".zip", ".tar", ".tgz", ".txz", ".7z", ".lz4", ".Z",
];

/// How an image's bytes come into a cloud's Glance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Way {
    /// By whom, and through what.
    pub method: Method,
    /// The store that takes them; absent: the cloud's default.
    pub store: Option<String>,
    /// When they are proven.
    pub proof: Proof,
}

/// When bytes are proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Proof {
    /// Before the last of them leaves.
    #[default]
    OnTheWay,
    /// Afterwards, by the digest that Glance computed; read back where that turns out to be another one.
    Afterwards,
    /// By reading them back.
    ReadBack,
    /// Never: the cloud's settings allow it.
    Never,
}

impl Way {
    /// Writes down what is not the default, so that it is seen and part of the fingerprint.
    pub fn note(&self, changes: &mut Map<String, Value>) {
        if self.method != Method::Upload {
            changes.insert("method".to_owned(), json!(self.method.as_str()));
        }
        if let Some(store) = &self.store {
            changes.insert("store".to_owned(), json!(store));
        }
        if self.is_unverified() {
            changes.insert("unverified".to_owned(), json!(true));
        }
    }

    /// The same for people; empty for the default.
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        if self.method != Method::Upload {
            words.push(format!("by {}", self.method.as_str()));
        }
        if let Some(store) = &self.store {
            words.push(format!("into store {store}"));
        }
        if self.is_unverified() {
            words.push("never proven".to_owned());
        }
        words.join(", ")
    }

    /// Whether nobody will have proven the bytes when the image is published.
    pub fn is_unverified(&self) -> bool {
        self.proof == Proof::Never
    }
}

/// Why nothing can be uploaded to a cloud as its settings ask.
pub fn refusal(transfer: &Transfer, offered: &Offered) -> Option<Finding> {
    let names = |names: Vec<&str>| {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    };
    let method = match transfer.method {
        Method::Upload => None,
        Method::GlanceDirect => Some(import::Method::GlanceDirect),
        Method::WebDownload => Some(import::Method::WebDownload),
    };
    let copies = (transfer.stores.len() > 1).then_some(import::Method::CopyImage);
    for method in method.into_iter().chain(copies) {
        if !offered.has(method) {
            let offered = names(offered.methods.iter().map(String::as_str).collect());
            return Some(Finding::error(
                "way-not-offered",
                format!(
                    "the cloud's Glance does not offer the import method `{}`, which `transfer` needs; it offers: \
                     {offered}; no upload is begun there; change `transfer.{}`",
                    method.as_str(),
                    if method == import::Method::CopyImage {
                        "stores"
                    } else {
                        "method"
                    },
                ),
            ));
        }
    }
    let missing = transfer
        .stores
        .iter()
        .find(|store| offered.store(store).is_none())?;
    let stores = names(
        offered
            .stores
            .iter()
            .filter(|store| !store.is_read_only)
            .map(|store| store.id.as_str())
            .collect(),
    );
    Some(Finding::error(
        "no-such-store",
        format!(
            "the cloud's Glance has no store `{missing}` that takes data; it has: {stores}; no upload is begun there; \
             change `transfer.stores`"
        ),
    ))
}

/// The way of one version into a cloud that offers it. `verify`: how much proof is asked for.
///
/// # Errors
/// It cannot come this way; the finding says what can be done.
pub fn way(
    definition: &Definition,
    version: &Version,
    stored: &str,
    transfer: &Transfer,
    verify: Verify,
) -> Result<Way, Box<Finding>> {
    let way = |proof| Way {
        method: transfer.method,
        store: transfer.stores.first().cloned(),
        proof,
    };
    if transfer.method != Method::WebDownload {
        return Ok(way(Proof::OnTheWay));
    }
    if let Some(reason) = not_by_download(definition, version, stored) {
        return Err(Box::new(Finding::error(
            "not-by-web-download",
            format!(
                "version `{}` {reason}, and Glance stores what it fetches as it is; set `transfer.method: upload` for this \
                 cloud",
                version.version
            ),
        )));
    }
    let is_comparable = version
        .checksum
        .as_ref()
        .is_some_and(|checksum| checksum.algorithm() == Algorithm::Sha512);
    match (is_comparable, verify.wants_signature()) {
        (true, _) => Ok(way(Proof::Afterwards)),
        (false, true) => Ok(way(Proof::ReadBack)),
        (false, false) if transfer.allow_unverified => Ok(way(Proof::Never)),
        (false, false) => Err(Box::new(Finding::error(
            "unverified",
            format!(
                "version `{}` would be fetched by Glance, whose SHA-512 nothing can be compared with, and `verify: checksum` \
                 does not read it back, so it is not uploaded; set `verify: signature`, or `transfer.method: upload`, or \
                 `transfer.allow_unverified: true` to publish what nobody has proven",
                version.version
            ),
        ))),
    }
}

/// Why Glance cannot fetch a version by itself.
fn not_by_download(
    definition: &Definition,
    version: &Version,
    stored: &str,
) -> Option<&'static str> {
    if stored != definition.format {
        return Some("is to be converted");
    }
    let url = *version.places().first()?;
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Some("lies where Glance cannot fetch it");
    }
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let is_packed = version.disk_checksum.is_some() || PACKED.iter().any(|end| path.ends_with(end));
    (is_packed && !super::packing::is_packed_by_nature(&definition.format)).then_some("is packed")
}

#[cfg(test)]
mod tests;
