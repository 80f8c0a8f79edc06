//! Sources: where an upstream lists its builds, and what proves them; data over a few engines.
//!
//! A new distribution is one file of `sources/` and no Rust. Text becomes values in `schema`; a value of these types is
//! valid: its patterns compile and its templates name only variables that there are.

mod infer;
mod parameters;
mod schema;
mod sides;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::pattern::Pattern;

use super::checksum::Algorithm;
use super::endoflife::Meaning;
use super::finding::Finding;
use super::signature::Fingerprint;
use super::template::Variables;
use super::version::Order;

pub use infer::{AmbiguousUrl, Inferred, infer};
pub use parameters::{ParameterError, Pin};
pub use sides::{PackageForm, PackageLists, Sides};

/// The sources that the binary carries, by name: name and text. `build.rs` lists the files of `sources/`.
pub const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// One upstream.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name: that of its file.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What a definition may say of it: `release`, `arch`, `stream`, `variant`, …
    pub parameters: BTreeMap<String, Parameter>,
    /// How the upstream calls an architecture.
    pub architectures: BTreeMap<String, String>,
    /// Values that follow from parameters.
    pub map: BTreeMap<String, Mapping>,
    /// Where builds are listed; the first whose `when` holds is asked.
    pub indexes: Vec<Index>,
    /// How an image's URL tells the parameters.
    pub infer: Vec<Infer>,
    /// Hosts beside those of the URLs to which documents may be redirected.
    pub redirect_hosts: Vec<String>,
    /// In days, how often a new build is to be expected.
    pub expected_every: Option<u32>,
    /// What a new definition says.
    pub defaults: Defaults,
    /// What endoflife.date says of its lines of releases, and what that means.
    pub endoflife: Option<Meaning>,
    /// What its test reads.
    pub tested_on: Option<TestedOn>,
    /// Why its facts are not proven yet.
    pub unproven: Option<String>,
}

/// What a source's test reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestedOn {
    /// Documents that the upstream gave.
    Capture,
    /// Documents that we wrote from a description of their format.
    Sample,
}

impl TestedOn {
    /// The word in source files and lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Sample => "sample",
        }
    }
}

/// A parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameter {
    /// Taken where a definition says nothing; absent: it must say something.
    pub default: Option<String>,
    /// What it may be; empty: anything.
    pub values: Vec<String>,
    /// Values that are known to be there, for whoever chooses one; others are taken as well.
    pub known: Vec<String>,
}

/// A value that follows from a parameter: the codename of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The parameter.
    pub of: String,
    /// The value for each of its values.
    pub values: BTreeMap<String, String>,
    /// For all others.
    pub default: Option<String>,
}

/// One list of builds and what proves them.
#[derive(Debug, Clone)]
pub struct Index {
    /// The parameters for which it is asked.
    pub when: BTreeMap<String, String>,
    /// What names the newest, or where it is listed, before the engine is asked.
    pub pointer: Option<Pointer>,
    /// How it is read.
    pub engine: Engine,
    /// Templates of the image's URL: one, and others where the same file may lie if its manifest is not there.
    pub images: Vec<String>,
    /// Template of a new version's name.
    pub version: String,
    /// How its versions order.
    pub order: Order,
    /// Where the digest of the file is from.
    pub checksum: Digest,
    /// Where the digest of the disk in a packed file is from.
    pub disk: Option<Disk>,
    /// Who signs what.
    pub signature: Option<Signature>,
    /// What lies beside an image for whoever reviews it.
    pub sides: Sides,
}

impl Index {
    /// Whether the documents that the engine reads are clearsigned.
    pub fn is_clearsigned(&self) -> bool {
        self.signature_of(Of::Index)
            .is_some_and(|signature| signature.form == Form::Clearsigned)
    }

    /// Which file of an archive is the disk; the pattern compiled when the source was read.
    pub fn member(&self) -> Option<Pattern> {
        Pattern::new(self.disk.as_ref()?.member.as_ref()?).ok()
    }

    /// By which algorithm the digest of the disk in a packed file is computed, if nobody tells it.
    pub fn computed_disk(&self) -> Option<Algorithm> {
        match self.disk.as_ref()?.digest {
            DiskDigest::Computed(algorithm) => Some(algorithm),
            DiskDigest::Told { .. } => None,
        }
    }

    /// Whether somebody signs what tells the digest, or the image itself.
    pub fn signs_digest(&self) -> bool {
        let of = match self.checksum {
            Digest::Manifest { .. } => Some(Of::Manifest),
            Digest::Told { .. } => Some(Of::Index),
            Digest::Computed(_) => None,
        };
        let signed = |of| self.signature_of(of).is_some();
        of.is_some_and(signed) || signed(Of::Image)
    }

    /// The signature, if it is over this.
    pub fn signature_of(&self, of: Of) -> Option<&Signature> {
        self.signature
            .as_ref()
            .filter(|signature| signature.of.contains(&of))
    }
}

/// A small document or a redirect that tells more than can be known before. Its groups are variables of the engine.
#[derive(Debug, Clone)]
pub struct Pointer {
    /// Template of its URL.
    pub url: String,
    /// What of it is read.
    pub from: PointerFrom,
    /// A pattern with named groups; absent: its date is all that it tells.
    pub pattern: Option<String>,
}

/// What of a pointer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointerFrom {
    /// Each line; the newest that matches counts.
    Body,
    /// The URL after redirects.
    Location,
    /// `Last-Modified`, as YYYYMMDD.
    Modified,
}

/// How a list of builds is read. Patterns and URLs are templates.
#[derive(Debug, Clone)]
pub enum Engine {
    /// No list: the pointer has told everything.
    Pointed,
    /// A simplestreams index and the products file that it names.
    Simplestreams {
        /// The root to which paths are relative; ends with a slash.
        mirror: String,
        /// The name of the products file in the index.
        content_id: String,
        /// The product.
        product: String,
        /// The item of a version that is the image.
        item: String,
        /// A version's key, with named groups.
        key: String,
        /// An item's path, with named groups.
        path: Option<String>,
    },
    /// A directory listing.
    Listing {
        /// The directory, with a slash at its end, or the text that lists files.
        url: String,
        /// A sub-directory's name, with named groups: the newest is entered.
        directory: Option<String>,
        /// A file's name, with named groups; absent: the template of the image's URL says it.
        file: Option<String>,
        /// Where the names of files are taken from.
        names: Names,
    },
    /// A JSON document.
    Json {
        /// Its URL.
        url: String,
        /// The JSON path (RFC 9535) of the builds.
        each: String,
        /// What a build must match: `key`, or a JSON path below it, and a pattern with named groups.
        matches: Vec<(String, String)>,
    },
    /// The releases of a repository on GitHub; drafts never count.
    Github {
        /// `owner/name`.
        repository: String,
        /// A release's tag, with named groups.
        tag: String,
        /// The name of the release's file that is the image, with named groups.
        asset: Option<String>,
        /// Whether pre-releases count.
        prereleases: bool,
    },
}

/// Where the names of files are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// The directory's HTML listing.
    Html,
    /// The checksum manifest, which many upstreams keep better than their listings.
    Manifest,
    /// The JSON that openSUSE's servers give for `?jsontable`.
    Jsontable,
    /// A text with one name per line.
    Text,
}

/// Where the digest of the file is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Digest {
    /// A checksum manifest.
    Manifest {
        /// Template of its URL.
        url: String,
        /// The algorithm to take; absent: the strongest that it has.
        algorithm: Option<Algorithm>,
    },
    /// The index itself.
    Told {
        /// Template of it: hex or Base64, alone or after `sha256:` and the like.
        digest: String,
        /// Its algorithm; absent: the value tells.
        algorithm: Option<Algorithm>,
        /// By which algorithm it is computed once from a download, where the index tells it of some builds only.
        otherwise: Option<Algorithm>,
    },
    /// Nobody gives it: it is computed once from a download.
    Computed(Algorithm),
}

impl Digest {
    /// By which algorithm it is computed where no document tells it.
    pub const fn computed(&self) -> Option<Algorithm> {
        match self {
            Self::Computed(algorithm) => Some(*algorithm),
            Self::Told { otherwise, .. } => *otherwise,
            Self::Manifest { .. } => None,
        }
    }
}

/// The disk in a packed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Where its digest is from.
    pub digest: DiskDigest,
    /// A pattern of its name in an archive.
    pub member: Option<String>,
}

/// Where the digest of a packed disk is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskDigest {
    /// The index itself.
    Told {
        /// Template of it, as in [`Digest::Told`].
        digest: String,
        /// Its algorithm; absent: the value tells.
        algorithm: Option<Algorithm>,
    },
    /// Nobody gives it: it is computed once from a download.
    Computed(Algorithm),
}

/// Who signs what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Its form.
    pub form: Form,
    /// What is signed.
    pub of: BTreeSet<Of>,
    /// The full fingerprints of the primary keys that count.
    pub keys: Vec<Fingerprint>,
    /// Those that count only for one value of a variable: variable, value, fingerprints.
    pub keys_by: BTreeMap<String, BTreeMap<String, Vec<Fingerprint>>>,
    /// Template of the URL where a key is published.
    pub key_url: String,
}

impl Signature {
    /// The fingerprints that count for these values.
    pub fn pinned(&self, variables: &Variables) -> Vec<Fingerprint> {
        let by_value = self
            .keys_by
            .iter()
            .filter_map(|(name, by_value)| by_value.get(variables.get(name)?));
        let mut pinned = self.keys.clone();
        for key in by_value.flatten() {
            if !pinned.contains(key) {
                pinned.push(key.clone());
            }
        }
        pinned
    }
}

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// The checksum manifest.
    Manifest,
    /// Every document that the engine reads.
    Index,
    /// The image.
    Image,
}

/// The form of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A file beside what it signs.
    Detached {
        /// Template of its URL; `{document}` is that of what it signs.
        url: String,
    },
    /// Around the text that it signs.
    Clearsigned,
}

/// How an image's URL tells the parameters.
#[derive(Debug, Clone)]
pub struct Infer {
    /// A pattern over URLs; its groups are parameters, mapped values, and `version`.
    pub pattern: Pattern,
    /// Parameters that follow from the match itself.
    pub with: BTreeMap<String, String>,
}

/// What a new definition says. Values are templates over the parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Defaults {
    /// The catalogue name.
    pub name: Option<String>,
    /// The short name.
    pub shortname: Option<String>,
    /// Glance's `disk_format`.
    pub format: Option<String>,
    /// The user to log in as.
    pub login: Option<String>,
    /// In GiB.
    pub min_disk: Option<u64>,
    /// In MiB.
    pub min_ram: Option<u64>,
    /// Image properties.
    pub meta: BTreeMap<String, String>,
}

/// Parses one file of `sources/`.
///
/// # Errors
/// Every finding of level error, with file, line and column.
pub fn parse(name: &str, file: &str, text: &str) -> Result<Source, Vec<Finding>> {
    schema::parse(name, file, text)
}

#[cfg(test)]
mod tests;
