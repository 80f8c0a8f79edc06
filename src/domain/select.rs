//! The newest build of an upstream + a definition → is it new, and what does its entry say?

use chrono::NaiveDate;

use super::attested::Attested;
use super::checksum::Checksum;
use super::definition::{Definition, Version};
use super::edit::{NewEntry, Position, position, pruned};
use super::index::Candidate;
use super::version::Order;

/// What the newest build means for a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The definition has it.
    Known {
        /// Its place in the list.
        at: usize,
        /// The digest that the upstream gives now, if it is not the one in the definition.
        changed: Option<Checksum>,
    },
    /// The definition has a newer one.
    Older {
        /// The place of the newest in the list.
        newest: usize,
    },
    /// The definition does not have it yet.
    New(Addition),
}

/// A version to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// What its entry says.
    pub entry: NewEntry,
    /// The versions that leave the file.
    pub remove: Vec<usize>,
    /// The end of the list where it goes.
    pub position: Position,
}

/// A build that cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Its name is taken.
    #[error(
        "the new build at `{url}` would be version `{version}`, but that is at line {line} with another URL and digest; expected a new name; find out which one is right"
    )]
    NameTaken {
        /// The build's URL.
        url: String,
        /// The name.
        version: String,
        /// Where it stands.
        line: u64,
    },
}

/// Says what the newest build means for a definition.
///
/// `build_of` gives the upstream's name of the build that a URL belongs to. Fails with [`SelectError`].
pub fn select(
    definition: &Definition,
    candidate: &Candidate,
    attested: &Attested,
    order: Order,
    build_of: impl Fn(&str) -> Option<String>,
) -> Result<Selection, SelectError> {
    let found = Some(attested.checksum());
    let name = match place(definition, candidate, found, order, build_of)? {
        Place::Settled(selection) => return Ok(selection),
        Place::New(name) => name,
    };
    let existing: Vec<&str> = definition
        .versions
        .iter()
        .map(|version| version.version.as_str())
        .collect();
    let compare = |left: &str, right: &str| order.compare(left, right);
    let keep = definition
        .upstream
        .as_ref()
        .and_then(|upstream| upstream.versions);
    let computed = attested.computed().keys();
    Ok(Selection::New(Addition {
        remove: keep.map_or_else(Vec::new, |keep| pruned(&existing, &name, keep, compare)),
        position: position(&existing, compare),
        entry: NewEntry {
            version: name,
            url: candidate.url.clone(),
            checksum: attested.checksum().to_string(),
            disk_checksum: attested.disk().map(ToString::to_string),
            computed: computed.into_iter().map(str::to_owned).collect(),
            build_date: candidate.build_date.map(|date| date.to_string()),
            manifest: attested.manifest().map(str::to_owned),
            signed_by: attested.signed_by().map(ToString::to_string),
        },
    }))
}

/// Says what the newest build means before its bytes were fetched; nothing if it is new.
///
/// `found`: its digest, if a document tells it. Fails with [`SelectError`].
pub fn settled(
    definition: &Definition,
    candidate: &Candidate,
    found: Option<&Checksum>,
    order: Order,
    build_of: impl Fn(&str) -> Option<String>,
) -> Result<Option<Selection>, SelectError> {
    Ok(
        match place(definition, candidate, found, order, build_of)? {
            Place::Settled(selection) => Some(selection),
            Place::New(_) => None,
        },
    )
}

/// What the newest build is to a definition.
enum Place {
    /// Nothing to add.
    Settled(Selection),
    /// A new version of this name.
    New(String),
}

fn place(
    definition: &Definition,
    candidate: &Candidate,
    found: Option<&Checksum>,
    order: Order,
    build_of: impl Fn(&str) -> Option<String>,
) -> Result<Place, SelectError> {
    let pinned: Vec<(usize, &Version)> = definition
        .versions
        .iter()
        .enumerate()
        .filter(|(_, version)| !version.is_moving())
        .collect();
    if let Some(known) = known(&pinned, candidate, found) {
        return Ok(Place::Settled(known));
    }
    let build = |version: &Version| version.url.as_deref().and_then(&build_of);
    let newest = pinned
        .iter()
        .max_by(|(_, left), (_, right)| order.compare(&left.version, &right.version));
    let mut name = newest.map_or_else(
        || candidate.version.clone(),
        |(_, sibling)| named_like(sibling, build(sibling), candidate),
    );
    let taken = |name: &str| {
        pinned
            .iter()
            .find(|(_, version)| version.version == name)
            .map(|(_, version)| version.at.line)
    };
    // Two builds of one day, where the siblings are named by the day.
    if taken(&name).is_some() {
        name.clone_from(&candidate.version);
    }
    if let Some(line) = taken(&name) {
        return Err(SelectError::NameTaken {
            url: candidate.url.clone(),
            version: name,
            line,
        });
    }
    if let Some((newest, sibling)) = newest {
        let is_older = match build(sibling) {
            Some(theirs) => order.compare(&candidate.build, &theirs).is_lt(),
            None => {
                shape(&name) == shape(&sibling.version)
                    && order.compare(&name, &sibling.version).is_lt()
            }
        };
        if is_older {
            return Ok(Place::Settled(Selection::Older { newest: *newest }));
        }
    }
    Ok(Place::New(name))
}

/// The build among the versions, by URL or digest.
fn known(
    pinned: &[(usize, &Version)],
    candidate: &Candidate,
    found: Option<&Checksum>,
) -> Option<Selection> {
    let by_digest = pinned
        .iter()
        .find(|(_, version)| found.is_some() && version.checksum.as_ref() == found);
    if let Some((at, _)) = by_digest {
        return Some(Selection::Known {
            at: *at,
            changed: None,
        });
    }
    let (at, version) = pinned
        .iter()
        .find(|(_, version)| version.url.as_deref() == Some(candidate.url.as_str()))?;
    let changed = version
        .checksum
        .as_ref()
        .zip(found)
        .is_some_and(|(known, found)| known.algorithm() == found.algorithm());
    Some(Selection::Known {
        at: *at,
        changed: found.filter(|_| changed).cloned(),
    })
}

/// The candidate's name in the form of a sibling's.
fn named_like(sibling: &Version, sibling_build: Option<String>, candidate: &Candidate) -> String {
    let ours = forms(&candidate.build, &candidate.version, candidate.build_date);
    // Where the sibling's URL tells its build, its form is certain.
    if let Some(build) = sibling_build {
        let date = sibling.build_date.or_else(|| leading_date(&build));
        let theirs = forms(&build, &build, date);
        let same = theirs
            .iter()
            .position(|form| form.as_deref() == Some(sibling.version.as_str()));
        if let Some(form) = same.and_then(|at| ours.get(at)?.clone()) {
            return form;
        }
    }
    let wanted = shape(&sibling.version);
    ours.into_iter()
        .flatten()
        .find(|form| shape(form) == wanted)
        .unwrap_or_else(|| candidate.version.clone())
}

/// The forms that a build's name takes in definitions, always in the same order.
fn forms(build: &str, version: &str, date: Option<NaiveDate>) -> Vec<Option<String>> {
    let dated = |format: &str| date.map(|date| date.format(format).to_string());
    vec![
        Some(version.to_owned()),
        Some(build.to_owned()),
        Some(format!("v{build}")),
        dated("%Y%m%d"),
        dated("%Y-%m-%d"),
        dated("%Y.%m.%d"),
    ]
}

/// Whether two names are of one form, so that their order means something.
pub fn same_form(one: &str, other: &str) -> bool {
    shape(one) == shape(other)
}

/// What two names of one form have in common: dates, numbers, and the text between them.
fn shape(name: &str) -> String {
    let mut shape = String::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() {
            let end = rest
                .find(|letter: char| !letter.is_ascii_digit())
                .unwrap_or(rest.len());
            let (digits, after) = rest.split_at(end);
            shape.push_str(if leading_date(digits).is_some() && digits.len() == 8 {
                "DATE"
            } else {
                "N"
            });
            rest = after;
        } else {
            shape.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    shape
}

fn leading_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.get(..8)?, "%Y%m%d").ok()
}

#[cfg(test)]
mod tests;
