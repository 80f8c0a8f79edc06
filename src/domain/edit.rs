//! Edits a definition file: a new version beside its siblings, old ones taken out.
//!
//! Every byte outside the change stays as it was. A new entry follows the layout of its neighbour:
//! order of keys, quotes, folding, indent. After the edit the whole file is read again, and unless
//! its data is the old data with exactly this change, the edit is refused. Which version is new, where
//! it goes and which ones are pruned is decided elsewhere ([`position`], [`pruned`]).
//!
//! **What of the neighbour goes into a new entry.** `visibility`, `hidden` and a `source` that is no URL
//! (`private`) limit who sees what, and a new version is not shown more widely than the one before.
//! `os_version`, `meta` and `image_description` come along if all versions of the image agree on them and
//! they do not mention the neighbour's version. Nothing else does: an `id`, a `mirror_url`, a
//! `checksum_url` and comments belong to one build.
//!
//! **Comments and blank lines.** Comments straight above an entry in the column of its dash are that
//! entry's and are pruned with it; those set apart by a blank line or another indent stay. Blank lines
//! between entries are kept up: one more gap with a new entry, one less with a pruned one.
//!
//! **What is refused**, with line and reason: an image that is not there or is there twice, several
//! documents, duplicate keys, an anchor of a pruned entry that is used elsewhere, a neighbour with an
//! anchor or a merge key, comments between the brackets of a flow list, a list left empty.

mod append;
mod carry;
mod check;
mod comments;
mod fill;
mod layout;
mod lines;
mod list;
mod many;
mod mirror;
mod order;
mod piece;
mod scalar;
mod tree;

use tree::Node;

pub use append::append;
pub use many::edit_all;
pub use mirror::set_mirror;
pub use order::{Position, position, pruned};

/// What a new version entry says, in the order in which a new file would write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The version, in the form that its siblings have.
    pub version: String,
    /// Where the image is.
    pub url: String,
    /// `ALGORITHM:DIGEST`.
    pub checksum: String,
    /// The same of the disk inside a packed file.
    pub disk_checksum: Option<String>,
    /// Which of the two were computed here; empty: none.
    pub computed: Vec<String>,
    /// When it was built, as `YYYY-MM-DD`.
    pub build_date: Option<String>,
    /// The checksum manifest that holds the digest.
    pub manifest: Option<String>,
    /// The full fingerprint of the primary key that signed the manifest.
    pub signed_by: Option<String>,
}

impl NewEntry {
    fn pairs(&self) -> Vec<(&'static str, Datum<'_>)> {
        fn maybe(value: Option<&String>) -> Option<Datum<'_>> {
            value.map(|text| Datum::Text(text))
        }
        let text = |value| Some(Datum::Text(value));
        let computed = (!self.computed.is_empty()).then_some(Datum::List(&self.computed));
        let pairs = [
            ("version", text(&self.version)),
            ("url", text(&self.url)),
            ("checksum", text(&self.checksum)),
            ("disk_checksum", maybe(self.disk_checksum.as_ref())),
            ("computed", computed),
            ("build_date", maybe(self.build_date.as_ref())),
            ("manifest", maybe(self.manifest.as_ref())),
            ("signed_by", maybe(self.signed_by.as_ref())),
        ];
        pairs
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
    }
}

/// What stands behind a key of a new entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Datum<'a> {
    /// One value.
    Text(&'a str),
    /// A list of words, written between brackets.
    List(&'a [String]),
}

impl Datum<'_> {
    /// The same as data.
    fn value(self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.into(),
            Self::List(words) => words.into(),
        }
    }
}

/// One change of one image's list of versions.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The `name` of the image, exactly as in the file.
    pub image: &'a str,
    /// The version to add.
    pub add: Option<&'a NewEntry>,
    /// The indexes in the file's list of the versions to take out.
    pub remove: &'a [usize],
    /// The end of the list at which the new version goes.
    pub position: Position,
}

/// A file that cannot be edited safely, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct Refusal {
    /// The line, counted from 1.
    pub line: u64,
    /// The column, counted from 1.
    pub column: u64,
    /// What stands there, and what to do about it.
    pub reason: String,
}

/// Applies `change` to the text of a definition file and leaves every other byte as it was.
///
/// The data of the result is the data of `text` with exactly this change, or there is no result.
pub fn edit(text: &str, change: &Change) -> Result<String, Refusal> {
    let root = tree::parse(text)?;
    let old = check::read(text)?;
    let target = Target::find(&root, change.image)?;
    if change.add.is_none() && change.remove.is_empty() {
        return Ok(text.to_owned());
    }
    let splices = list::splices(text, &root, &old, &target, change)?;
    let edited = piece::apply(text, splices.pieces);

    let expected = check::expected(old, target.index, change, &splices.carried);
    let new = check::read(&edited).map_err(|error| {
        target.versions.refuse(format!(
            "the edited list would not be readable ({}); edit it by hand",
            error.reason
        ))
    })?;
    if expected.as_ref() != Some(&new) {
        return Err(target.versions.refuse(
            "the edited file would say more or less than this change; edit the list by hand",
        ));
    }
    Ok(edited)
}

/// Writes a value as YAML: plain where every reader takes that for this text, else in single quotes.
pub fn written(value: &str) -> String {
    scalar::write(
        value,
        scalar::Quote::Plain,
        scalar::Quote::Single,
        scalar::Place::Block,
    )
}

/// The list of versions that is to change.
struct Target<'a> {
    index: usize,
    image: &'a Node,
    key: &'a Node,
    versions: &'a Node,
}

impl<'a> Target<'a> {
    fn find(root: &'a Node, name: &str) -> Result<Self, Refusal> {
        let images = root
            .pair("images")
            .and_then(|(_, images)| images.items())
            .ok_or_else(|| {
                root.refuse(
                    "a definition file is a mapping with a list `images`, but this has none",
                )
            })?;
        let is_named = |image: &Node| {
            image
                .pair("name")
                .is_some_and(|(_, value)| value.scalar() == Some(name))
        };
        let mut found = images
            .iter()
            .enumerate()
            .filter(|(_, image)| is_named(image));
        let Some((index, image)) = found.next() else {
            return Err(root.refuse(format!("no image in this file has the name `{name}`")));
        };
        if let Some((_, second)) = found.next() {
            return Err(second.refuse(format!(
                "a second image has the name `{name}` of the one in line {}; names are unique",
                image.line
            )));
        }
        let (key, versions) = image.pair("versions").ok_or_else(|| {
            image.refuse(format!(
                "the image `{name}` has no key `versions`; write `versions: []`"
            ))
        })?;
        Ok(Self {
            index,
            image,
            key,
            versions,
        })
    }
}

#[cfg(test)]
mod odd;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
