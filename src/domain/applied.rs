//! What we last wanted of an image, recorded on it: so a change by hand is told from an edit of its definition.
//!
//! Where drift is repaired both come to the same. Where it is only told, an edit that was reviewed must still be made.
//! The record holds a digest of each value, since a value may be long.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::checksum;
use super::patch::Patch;
use super::snapshot::CloudImage;

/// The property that holds the record.
pub const APPLIED: &str = "reglaze_applied";
/// In place of a digest: the value is known only when it is written.
const LATER: &str = "?";
/// Hexadecimal digits of a digest. Nobody attacks here; two values that happen to look alike would hide a change.
const DIGITS: usize = 12;

/// The digests of values, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied(BTreeMap<String, String>);

impl Applied {
    /// Reads it from an image; absent on one that was written without.
    pub fn of(image: &CloudImage) -> Option<Self> {
        let text = image.properties.get(APPLIED)?;
        let entries = text.split(',').filter_map(|entry| entry.rsplit_once('='));
        let entries = entries.map(|(key, digest)| (key.to_owned(), digest.to_owned()));
        Some(Self(entries.collect()))
    }

    /// Notes a value that is wanted.
    pub fn note(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), digest(value));
    }

    /// Notes that a value is known only when it is written.
    pub fn note_later(&mut self, key: &str) {
        self.0.insert(key.to_owned(), LATER.to_owned());
    }

    /// Leaves a key's record as it was before, if there was one.
    pub fn keep(&mut self, key: &str, before: Option<&Self>) {
        if let Some(digest) = before.and_then(|before| before.0.get(key)) {
            self.0.insert(key.to_owned(), digest.clone());
        }
    }

    /// Whether there is a record of this key.
    pub fn knows(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Whether an image still has what was last wanted of it.
    pub fn is(&self, key: &str, value: Option<&str>) -> bool {
        self.0.get(key) == value.map(digest).as_ref()
    }

    /// The record as it is written.
    pub fn text(&self) -> String {
        let entries: Vec<_> = self
            .0
            .iter()
            .map(|(key, digest)| format!("{key}={digest}"))
            .collect();
        entries.join(",")
    }
}

/// Completes the record in a PATCH whose other values are complete.
pub fn completed(mut patch: Patch) -> Patch {
    let Some(text) = patch.set.get(APPLIED) else {
        return patch;
    };
    let value = |key: &str| match key {
        "name" => patch.name.clone(),
        "min_disk" => patch.min_disk.map(|value| value.to_string()),
        "tags" => patch.tags.as_ref().map(joined),
        key => patch.set.get(key).cloned(),
    };
    let complete = |entry: &str| {
        let Some(key) = entry.strip_suffix("=?") else {
            return Some(entry.to_owned());
        };
        Some(format!("{key}={}", digest(&value(key)?)))
    };
    let entries: Vec<_> = text.split(',').filter_map(complete).collect();
    let text = entries.join(",");
    patch.set.insert(APPLIED.to_owned(), text);
    patch
}

/// Tags as one value.
pub fn joined(tags: &std::collections::BTreeSet<String>) -> String {
    tags.iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(",")
}

/// Booleans are the same in any case, as everywhere else.
fn digest(value: &str) -> String {
    let lower = value.to_ascii_lowercase();
    let value = if ["true", "false"].contains(&lower.as_str()) {
        &lower
    } else {
        value
    };
    let mut hex = checksum::hex(&Sha256::digest(value));
    hex.truncate(DIGITS);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(applied: &Applied) -> CloudImage {
        CloudImage {
            properties: [(APPLIED.to_owned(), applied.text())].into(),
            ..CloudImage::default()
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut applied = Applied::default();
        applied.note("name", "Ubuntu 24.04");
        applied.note("odd=key", "");
        let read = Applied::of(&written(&applied)).unwrap();
        assert_eq!(read, applied);
        assert!(read.is("name", Some("Ubuntu 24.04")) && read.is("odd=key", Some("")));
        assert!(!read.is("name", Some("Ubuntu")) && !read.is("name", None));
        assert!(read.is("never", None) && !read.is("never", Some("")));
        assert_eq!(Applied::of(&CloudImage::default()), None);
    }

    #[test]
    fn booleans_are_the_same_in_any_case() {
        let mut applied = Applied::default();
        applied.note("hw_rescue", "true");
        assert!(applied.is("hw_rescue", Some("True")));
    }

    #[test]
    fn what_was_not_known_at_planning_is_completed_from_the_patch_itself() {
        let mut applied = Applied::default();
        for key in ["name", "min_disk", "tags", "image_build_date", "gone"] {
            applied.note_later(key);
        }
        applied.note("os_distro", "ubuntu");
        let patch = completed(Patch {
            name: Some("Ubuntu (2026-11-21)".to_owned()),
            min_disk: Some(8),
            tags: Some(["a".to_owned(), "b".to_owned()].into()),
            set: [
                ("image_build_date".to_owned(), "2026-11-20".to_owned()),
                (APPLIED.to_owned(), applied.text()),
            ]
            .into(),
            ..Patch::default()
        });
        let image = CloudImage {
            properties: patch.set,
            ..CloudImage::default()
        };
        let read = Applied::of(&image).unwrap();
        for (key, value) in [
            ("name", "Ubuntu (2026-11-21)"),
            ("min_disk", "8"),
            ("tags", "a,b"),
            ("image_build_date", "2026-11-20"),
            ("os_distro", "ubuntu"),
        ] {
            assert!(read.is(key, Some(value)), "{key}");
        }
        assert!(!read.knows("gone"));
    }
}
