//! Upstream indexes: the text of an upstream's list → its newest build. One file per format.
//!
//! A pointer may lead the way; then an engine reads the list.
//! Engines are pure step functions: they say which documents they need, or what they have found. One loop outside
//! fetches what all images need and asks again. The newest build is the one with the greatest version, whatever the
//! order in the document; if it is not complete there is an error, never an older one.

mod document;
mod github;
mod json;
mod links;
mod listing;
mod pointer;
mod simplestreams;

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use url::Url;

use super::checksum::{Algorithm, Checksum};
use super::source::{Digest, DiskDigest, Engine, Index, ParameterError, Source};
use super::template::{Escape, Variables};
use super::version::Order;
use crate::domain::pattern::Pattern;

pub use document::{Document, Entry};
use pointer::Lead;

/// A document that is needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Its URL.
    pub url: String,
    /// What it is expected to be.
    pub kind: Kind,
}

/// What a document is expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A JSON index.
    Json,
    /// A directory listing.
    Listing,
    /// A small text that names the newest build, or what stands in for one.
    Pointer,
    /// A checksum manifest.
    Manifest,
    /// A signature.
    Signature,
    /// An OpenPGP key.
    Key,
    /// What is inside an image, or has changed in it.
    Packages,
}

impl Kind {
    /// Its name in sentences.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "a JSON index",
            Self::Listing => "a directory listing",
            Self::Pointer => "a pointer to the newest build",
            Self::Manifest => "a checksum manifest",
            Self::Signature => "an OpenPGP signature",
            Self::Key => "an OpenPGP key",
            Self::Packages => "a list of packages",
        }
    }
}

/// The documents at hand, by the URL that was asked for.
pub type Fetched = BTreeMap<String, Arc<Document>>;

/// What an engine says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It needs these documents too.
    Need(Vec<Request>),
    /// This is the newest build: under each name that its file may have, the first one preferred.
    Found(Vec<Candidate>),
}

/// A build that an upstream lists; nothing of it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The upstream's name of the build, by which builds order.
    pub build: String,
    /// The name that a definition gives it, if its siblings have no other form.
    pub version: String,
    /// When it was built, where the index tells it.
    pub build_date: Option<NaiveDate>,
    /// The image.
    pub url: String,
    /// The name of the image's file.
    pub file: String,
    /// The digest of that file, where the index itself tells it.
    pub checksum: Option<Checksum>,
    /// The digest of the disk in that file, where the index itself tells it.
    pub disk_checksum: Option<Checksum>,
    /// The document that told of this build.
    pub told_by: String,
    /// Every document that was read, in this order.
    pub documents: Vec<String>,
    /// What templates may name from here on.
    pub variables: Variables,
}

/// An index does not tell the newest build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The definition's parameters do not fit the source.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// An error page, most likely.
    #[error("`{url}` is an HTML page; expected {expected}")]
    Html {
        /// The document.
        url: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Broken or something else.
    #[error("`{url}` is not {expected}: {reason}")]
    Malformed {
        /// The document.
        url: String,
        /// What it should be.
        expected: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// What was sought is not in it.
    #[error("`{url}` lists {found}; expected {expected}")]
    Absent {
        /// The document.
        url: String,
        /// What there is.
        found: String,
        /// What was sought.
        expected: String,
    },
    /// Several files for one build.
    #[error(
        "`{url}` lists both `{first}` and `{second}` for one build; expected one file that matches `{pattern}`"
    )]
    Ambiguous {
        /// The document.
        url: String,
        /// The pattern.
        pattern: String,
        /// One file.
        first: String,
        /// Another one.
        second: String,
    },
    /// A digest that is none, or proves nothing.
    #[error("`{url}` gives no usable digest of `{file}`: {reason}")]
    Digest {
        /// The document.
        url: String,
        /// The file, or the disk in it.
        file: String,
        /// Why.
        reason: String,
    },
    /// A path that makes no URL.
    #[error("`{url}` leads to `{target}`, which is no https URL of a file")]
    Target {
        /// The document.
        url: String,
        /// What it leads to.
        target: String,
    },
    /// A pattern that compiled when the source was read does not with these values.
    #[error("pattern `{pattern}` of source `{source_name}` is too large or none")]
    Pattern {
        /// The source.
        source_name: String,
        /// The pattern.
        pattern: String,
    },
}

/// Asks a source's index for its newest build; fails with [`IndexError`].
pub fn step(
    source: &Source,
    index: &Index,
    variables: &Variables,
    order: Order,
    fetched: &Fetched,
) -> Result<Step, IndexError> {
    let ask = Ask {
        source,
        index,
        variables,
        order,
        fetched,
        read: RefCell::default(),
    };
    let Some(pointer) = &index.pointer else {
        return read(&ask);
    };
    match pointer::follow(&ask, pointer)? {
        Lead::Need(need) => Ok(need),
        Lead::To(url, find) if matches!(index.engine, Engine::Pointed) => ask.found(&url, &find),
        Lead::To(_, find) => read(&Ask {
            variables: &find.variables,
            ..ask
        }),
    }
}

fn read(ask: &Ask) -> Result<Step, IndexError> {
    match &ask.index.engine {
        // A source without an engine has a pointer, which has told everything.
        Engine::Pointed => Ok(Step::Need(Vec::new())),
        Engine::Simplestreams { .. } => simplestreams::step(ask),
        Engine::Listing { .. } => listing::step(ask),
        Engine::Json { .. } => json::step(ask),
        Engine::Github { .. } => github::step(ask),
    }
}

/// Everything that an engine is asked with.
struct Ask<'a> {
    source: &'a Source,
    index: &'a Index,
    variables: &'a Variables,
    order: Order,
    fetched: &'a Fetched,
    /// The documents that were at hand when they were asked for.
    read: RefCell<Vec<String>>,
}

impl Ask<'_> {
    fn fill(&self, template: &str) -> Result<String, IndexError> {
        Ok(self
            .source
            .fill(template, self.variables, Escape::Nothing)?)
    }

    fn pattern(&self, template: &str) -> Result<Pattern, IndexError> {
        self.pattern_with(template, self.variables)
    }

    fn pattern_with(&self, template: &str, variables: &Variables) -> Result<Pattern, IndexError> {
        let filled = self.source.fill(template, variables, Escape::Regex)?;
        Pattern::new(&filled).map_err(|_| IndexError::Pattern {
            source_name: self.source.name.clone(),
            pattern: filled,
        })
    }

    /// The document, or the request for it.
    fn document(&self, url: &str, kind: Kind) -> Result<&Document, Step> {
        let Some(document) = self.fetched.get(url) else {
            return Err(Step::Need(vec![Request {
                url: url.to_owned(),
                kind,
            }]));
        };
        let mut read = self.read.borrow_mut();
        if !read.iter().any(|known| known == url) {
            read.push(url.to_owned());
        }
        Ok(document)
    }

    /// The newest of some finds; several with one version are no matter here.
    fn newest(&self, finds: impl IntoIterator<Item = Find>) -> Option<Find> {
        finds
            .into_iter()
            .max_by(|left, right| self.compare(left, right))
    }

    fn compare(&self, left: &Find, right: &Find) -> Ordering {
        self.order.compare(left.build(), right.build())
    }

    /// Finishes a find: where the image may be, its version, date and digests. `from` is the document that told it.
    fn found(&self, from: &str, find: &Find) -> Result<Step, IndexError> {
        let templates = self.index.images.iter();
        let candidates = templates.map(|image| self.candidate(from, find, image));
        Ok(Step::Found(candidates.collect::<Result<_, _>>()?))
    }

    fn is_empty(&self, template: &str, variables: &Variables) -> Result<bool, IndexError> {
        let filled = self.source.fill(template, variables, Escape::Nothing)?;
        Ok(filled.trim().is_empty())
    }

    fn candidate(&self, from: &str, find: &Find, image: &str) -> Result<Candidate, IndexError> {
        let build = find.build().to_owned();
        let mut variables = find.variables.clone();
        let build_date = variables.get("date").and_then(|date| parsed(date));
        let target = self.source.fill(image, &variables, Escape::Nothing)?;
        let (url, folder, file) = parts(&target).ok_or_else(|| IndexError::Target {
            url: from.to_owned(),
            target,
        })?;
        for (name, value) in [("url", &url), ("folder", &folder), ("file", &file)] {
            variables.insert(name.to_owned(), value.clone());
        }
        let version = self
            .source
            .fill(&self.index.version, &variables, Escape::Nothing)?;
        let told = |template: &str, algorithm, what: String| {
            let digest = self.source.fill(template, &variables, Escape::Nothing)?;
            told(&digest, algorithm).map_err(|reason| IndexError::Digest {
                url: from.to_owned(),
                file: what,
                reason,
            })
        };
        let checksum = match &self.index.checksum {
            Digest::Told {
                digest,
                otherwise: Some(_),
                ..
            } if self.is_empty(digest, &variables)? => None,
            Digest::Told {
                digest, algorithm, ..
            } => Some(told(digest, *algorithm, file.clone())?),
            Digest::Manifest { .. } | Digest::Computed(_) => None,
        };
        let disk_checksum = match self.index.disk.as_ref().map(|disk| &disk.digest) {
            Some(DiskDigest::Told { digest, algorithm }) => {
                Some(told(digest, *algorithm, format!("the disk in {file}"))?)
            }
            Some(DiskDigest::Computed(_)) | None => None,
        };
        Ok(Candidate {
            build,
            version,
            build_date,
            url,
            file,
            checksum,
            disk_checksum,
            told_by: from.to_owned(),
            documents: self.read.borrow().clone(),
            variables,
        })
    }
}

/// A digest that an index tells; the error is a reason.
fn told(digest: &str, algorithm: Option<Algorithm>) -> Result<Checksum, String> {
    if digest.trim().is_empty() {
        return Err("there is none; expected a SHA-256 or SHA-512".to_owned());
    }
    let checksum = Checksum::from_any(digest, algorithm).map_err(|error| error.to_string())?;
    if checksum.is_weak() {
        return Err(format!(
            "it is {} only, which proves nothing any more; expected a SHA-256 or SHA-512",
            checksum.algorithm()
        ));
    }
    Ok(checksum)
}

/// Something that matched: the variables so far, with its named groups.
#[derive(Clone)]
struct Find {
    variables: Variables,
}

impl Find {
    /// Matches a text; nothing if it does not.
    fn new(pattern: &Pattern, text: &str, variables: &Variables) -> Option<Self> {
        let mut find = Self {
            variables: variables.clone(),
        };
        find.add(pattern, text).then_some(find)
    }

    /// Adds the groups of another match; says whether it matched. A group that took no part is empty.
    fn add(&mut self, pattern: &Pattern, text: &str) -> bool {
        let Some(captures) = pattern.captures(text) else {
            return false;
        };
        for name in pattern.capture_names().flatten() {
            match captures.name(name) {
                Some(value) => {
                    let value = value.as_str().to_owned();
                    self.variables.insert(name.to_owned(), value);
                }
                // A build needs its name; another variable may be told by something else.
                None if name == "version" => return false,
                None => {
                    self.variables.entry(name.to_owned()).or_default();
                }
            }
        }
        true
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn build(&self) -> &str {
        self.variables.get("version").map_or("", String::as_str)
    }
}

/// Splits an https URL of a file: the URL as it is written, its folder with the slash, the decoded name.
pub fn parts(url: &str) -> Option<(String, String, String)> {
    let url = Url::parse(url)
        .ok()
        .filter(|url| url.scheme() == "https" && url.has_host())?;
    let name = url.path_segments()?.next_back()?;
    if name.is_empty() {
        return None;
    }
    let file = document::decoded(name);
    let folder = url.join(".").ok()?;
    Some((url.to_string(), folder.to_string(), file))
}

fn parsed(date: &str) -> Option<NaiveDate> {
    ["%Y%m%d", "%Y-%m-%d"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(date, format).ok())
}

#[cfg(test)]
mod tests;
