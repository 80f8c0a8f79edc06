//! Sources: where an upstream lists its builds, and what proves them; data over a few engines.
//!
//! A new distribution is one file of `sources/` and no Rust. Text becomes values in `schema`; a value of these types is
//! valid: its patterns compile and its templates name only variables that there are.

mod infer;
mod parameters;
mod schema;

use std::collections::BTreeMap;

use regex::Regex;

use super::checksum::Algorithm;
use super::finding::Finding;
use super::signature::Fingerprint;
use super::version::Order;

pub use infer::Inferred;
pub use parameters::ParameterError;

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
    /// The product's name at endoflife.date.
    pub endoflife: Option<String>,
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
    /// How it is read.
    pub engine: Engine,
    /// Templates of the image's URL: one, and others where the same file may lie if its manifest is not there.
    pub images: Vec<String>,
    /// Template of a new version's name.
    pub version: String,
    /// How its versions order.
    pub order: Order,
    /// The checksum manifest.
    pub checksum: Manifest,
    /// Who signs it.
    pub signature: Option<Signature>,
}

/// How a list of builds is read. Patterns and URLs are templates.
#[derive(Debug, Clone)]
pub enum Engine {
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
    /// A directory listing in HTML.
    Listing {
        /// The directory; ends with a slash.
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
}

/// Where the names of files are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// The directory's HTML listing.
    Html,
    /// The checksum manifest, which many upstreams keep better than their listings.
    Manifest,
}

/// A checksum manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Template of its URL.
    pub url: String,
    /// The algorithm to take; absent: the strongest that it has.
    pub algorithm: Option<Algorithm>,
}

/// The signature of a checksum manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Its form.
    pub form: Form,
    /// The full fingerprints of the primary keys that count.
    pub keys: Vec<Fingerprint>,
    /// Template of the URL where a key is published.
    pub key_url: String,
}

/// The form of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A file beside the manifest.
    Detached {
        /// Template of its URL.
        url: String,
    },
    /// Around the manifest.
    Clearsigned,
}

/// How an image's URL tells the parameters.
#[derive(Debug, Clone)]
pub struct Infer {
    /// A pattern over URLs; its groups are parameters, mapped values, and `version`.
    pub pattern: Regex,
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
