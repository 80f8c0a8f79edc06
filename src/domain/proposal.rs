//! What a pull request proposes: new versions of images, put into groups, and what a reviewer needs to know of them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::attested::Attested;
use super::edit::{NewEntry, Position};
use super::finding::Finding;

pub mod body;
mod changes;
pub mod commit;
pub mod grouping;
pub mod packages;
mod paper;
#[cfg(test)]
mod sample;
pub mod title;
mod trust;

pub use body::{Around, Body, as_one, body};
pub use commit::{Message, commit_message};
pub use grouping::{Grouping, groups};
pub use title::title;

/// How many digits of a digest tell a build from another one of the same version.
const ENOUGH: usize = 16;

/// A new version of one image.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The definition's name.
    pub image: String,
    /// The file that it stands in, as a path from the root of the repository.
    pub file: String,
    /// The name of its source.
    pub source: String,
    /// Its source's name for people.
    pub source_title: String,
    /// The newest version that the file has so far, with the day of its build; absent: it has none.
    pub from: Option<(String, Option<NaiveDate>)>,
    /// What is added to the file.
    pub entry: NewEntry,
    /// The indexes in the file's list of the versions that leave it.
    pub remove: Vec<usize>,
    /// The names of those versions.
    pub leaving: Vec<String>,
    /// The end of the list at which the new one goes.
    pub position: Position,
    /// Who vouches for its digest.
    pub attested: Attested,
    /// When the pinned key signed; absent: no signature, or it does not tell.
    pub signed_at: Option<DateTime<Utc>>,
    /// The file's size in bytes, if the upstream told it.
    pub size: Option<u64>,
    /// What changed in the image, as far as the upstream tells.
    pub contents: Option<packages::Contents>,
    /// Pages that tell more: a label and a URL.
    pub links: Vec<(String, String)>,
    /// What needs a reviewer's eyes.
    pub findings: Vec<Finding>,
}

impl Offer {
    /// What tells this change from any other: the version and the beginning of its digest.
    ///
    /// It stands in the hidden part of a description, which must have room for hundreds.
    pub fn change(&self) -> String {
        let (_, digest) = self
            .entry
            .checksum
            .split_once(':')
            .unwrap_or(("", &self.entry.checksum));
        let digest = digest.get(..ENOUGH).unwrap_or(digest);
        format!("{} {digest}", self.entry.version)
    }
}

/// New versions that people review together.
#[derive(Debug, Clone)]
pub struct Group {
    /// What makes its branch: `ubuntu`, or the short form of an image's name, or `all`.
    pub key: String,
    /// Its name for people: `Ubuntu`.
    pub title: String,
    /// The versions, in the order of the files.
    pub offers: Vec<Offer>,
}

impl Group {
    /// What it changes: for each image the version and its digest.
    pub fn changes(&self) -> BTreeMap<String, String> {
        let changes = self.offers.iter();
        changes
            .map(|offer| (offer.image.clone(), offer.change()))
            .collect()
    }
}
