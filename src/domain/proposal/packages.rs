//! What changed inside an image: packages added, removed and upgraded.
//!
//! Upstreams list packages beside some images. These lists prove nothing and are nobody's duty: what cannot be read is as
//! good as absent.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::markdown::line;
use crate::domain::source::PackageForm;

/// What changed inside an image, as its upstream tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Packages that came: name and version.
    pub added: Vec<(String, String)>,
    /// Packages that went: name and version.
    pub removed: Vec<(String, String)>,
    /// Packages with another version: name, old and new version.
    pub changed: Vec<(String, String, String)>,
}

/// How soon a reader wants to know of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The kernel: what makes machines start, or not.
    Kernel,
    /// What else bears its name.
    BesideKernel,
    /// OpenSSL.
    OpenSsl,
    /// Any other.
    Other,
}

/// The packages of an image: versions by name.
pub type Packages = BTreeMap<String, String>;

/// Images have some hundred packages; longer lists are something else.
const MOST_PACKAGES: usize = 20_000;

/// Longer names and versions are none, in bytes.
const LONGEST_WORD: usize = 256;

/// The rank of a package by its name.
pub fn rank(name: &str) -> Rank {
    let begins = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    if begins(&["linux-image", "kernel"]) {
        Rank::Kernel
    } else if begins(&["linux-"]) {
        Rank::BesideKernel
    } else if begins(&["openssl", "libssl"]) {
        Rank::OpenSsl
    } else {
        Rank::Other
    }
}

impl Contents {
    /// How many packages came, went or changed.
    pub fn count(&self) -> usize {
        self.added.len() + self.removed.len() + self.changed.len()
    }

    /// The difference of two lists, kernel and OpenSSL first, then by name.
    pub fn between(old: &Packages, new: &Packages) -> Self {
        let only = |one: &Packages, other: &Packages| {
            let only = one.iter().filter(|(name, _)| !other.contains_key(*name));
            only.map(|(name, version)| (name.clone(), version.clone()))
                .collect()
        };
        let changed = old.iter().filter_map(|(name, from)| {
            let to = new.get(name).filter(|to| *to != from)?;
            Some((name.clone(), from.clone(), to.clone()))
        });
        Self {
            added: only(new, old),
            removed: only(old, new),
            changed: changed.collect(),
        }
        .in_order()
    }

    fn in_order(mut self) -> Self {
        fn place(name: &str) -> (Rank, String) {
            (rank(name), name.to_owned())
        }
        self.added.sort_by_cached_key(|(name, _)| place(name));
        self.removed.sort_by_cached_key(|(name, _)| place(name));
        self.changed.sort_by_cached_key(|(name, _, _)| place(name));
        self
    }
}

/// Reads a list of packages; nothing if it is none.
pub fn packages(form: PackageForm, bytes: &[u8]) -> Option<Packages> {
    let packages = match form {
        PackageForm::Lines => of_lines(std::str::from_utf8(bytes).ok()?)?,
        PackageForm::Debian => of_debian(&serde_json::from_slice(bytes).ok()?)?,
    };
    (!packages.is_empty()).then_some(packages)
}

/// A line for each package; Ubuntu's snaps have a channel before their revision. A page of an error is no such list: its
/// lines have more words, or no number.
fn of_lines(text: &str) -> Option<Packages> {
    let mut packages = Packages::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [name, version] if version.contains(|letter: char| letter.is_ascii_digit()) => {
                put(&mut packages, name, version)?;
            }
            [name, channel, revision] if name.starts_with("snap:") => {
                put(&mut packages, name, &format!("{channel} {revision}"))?;
            }
            _ => return None,
        }
    }
    Some(packages)
}

/// <https://salsa.debian.org/cloud-team/debian-cloud-images>: the item of kind `Build` lists all packages.
fn of_debian(document: &Value) -> Option<Packages> {
    let items = document.get("items")?.as_array()?;
    let build = items
        .iter()
        .find(|item| item.get("kind").and_then(Value::as_str) == Some("Build"))?;
    let mut packages = Packages::new();
    for package in build.get("data")?.get("packages")?.as_array()? {
        let word = |key| package.get(key)?.as_str();
        put(&mut packages, word("name")?, word("version")?)?;
    }
    Some(packages)
}

/// Several versions of one package, as kernels on some systems, stand side by side.
fn put(packages: &mut Packages, name: &str, version: &str) -> Option<()> {
    let (name, version) = (word(name)?, word(version)?);
    match packages.get_mut(&name) {
        Some(known) if known.split(", ").any(|known| known == version) => {}
        Some(known) if known.len() < LONGEST_WORD => {
            known.push_str(", ");
            known.push_str(&version);
        }
        Some(_) => {}
        None => {
            packages.insert(name, version);
        }
    }
    (packages.len() <= MOST_PACKAGES).then_some(())
}

fn word(text: &str) -> Option<String> {
    let word = line(text).trim().to_owned();
    (!word.is_empty() && word.len() <= LONGEST_WORD).then_some(word)
}

/// Reads what Ubuntu says has changed since the build before; nothing if it says nothing that we know.
///
/// <https://github.com/canonical/ubuntu-cloud-image-changelog> makes these documents: `diff`, `added` and `removed`, each
/// with lists `deb` and `snap` of packages.
pub fn changes(bytes: &[u8]) -> Option<Contents> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    let mut contents = Contents::default();
    for (name, from, to) in listed(&document, "diff")? {
        contents.changed.push((name, from?, to?));
    }
    for (name, _, to) in listed(&document, "added")? {
        contents.added.push((name, to?));
    }
    for (name, from, _) in listed(&document, "removed")? {
        contents.removed.push((name, from?));
    }
    (contents.count() <= MOST_PACKAGES).then(|| contents.in_order())
}

/// The packages of a part of that document: name, version before, version after.
#[expect(
    clippy::type_complexity,
    reason = "three words of a line, read in the next step"
)]
fn listed(document: &Value, part: &str) -> Option<Vec<(String, Option<String>, Option<String>)>> {
    let part = document.get(part)?.as_object()?;
    let mut listed = Vec::new();
    for kind in ["deb", "snap"] {
        for package in part
            .get(kind)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let name = word(package.get("name")?.as_str()?)?;
            let version = |key| word(package.get(key)?.get("version")?.as_str()?);
            listed.push((name, version("from_version"), version("to_version")));
        }
    }
    Some(listed)
}

#[cfg(test)]
mod tests;
