//! The names of branches, and the lines of commit messages by which we know our own commits again.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::domain::checksum::hex;
use crate::domain::forge::{Comparison, NewFile, blob};

/// Where branches lie that live for a moment only; no group has this key.
const SCRATCH: &str = "scratch/";

const GROUP: &str = "Reglaze-Group";
const FILES: &str = "Reglaze-Files";

/// How our branches are called.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// How all of them begin.
    pub prefix: &'a str,
}

impl Names<'_> {
    /// The branch of a group.
    pub fn branch(&self, group: &str) -> String {
        format!("{}{group}", self.prefix)
    }

    /// The group of a branch; nothing if it is none of ours by its name.
    pub fn group<'b>(&self, branch: &'b str) -> Option<&'b str> {
        let group = branch.strip_prefix(self.prefix)?;
        (!group.is_empty() && !group.contains('/')).then_some(group)
    }

    /// A branch on which a commit is made before the group's branch moves to it. `run` tells runs apart.
    pub fn scratch(&self, group: &str, run: &str) -> String {
        format!("{}{SCRATCH}{group}-{run}", self.prefix)
    }

    /// Whether it is such a branch.
    pub fn is_scratch(&self, branch: &str) -> bool {
        let rest = branch.strip_prefix(self.prefix);
        rest.is_some_and(|rest| rest.starts_with(SCRATCH))
    }
}

/// What our commits say of themselves at the end of their messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailers {
    /// The group's key.
    pub group: String,
    /// What the files of the branch are, as [`digest`] tells it: an amended commit keeps its message, but not this.
    pub files: String,
}

impl Trailers {
    /// Those of a commit that gives files this content.
    pub fn of(group: &str, files: &[NewFile]) -> Self {
        let blobs = files.iter();
        let blobs = blobs.map(|file| (file.path.as_str(), blob(file.text.as_bytes())));
        Self {
            group: group.to_owned(),
            files: digest(blobs.collect()),
        }
    }

    /// The lines, as pairs.
    pub fn pairs(&self) -> [(&str, &str); 2] {
        [(GROUP, &self.group), (FILES, &self.files)]
    }

    /// Reads them out of a message; nothing if it is not one of ours.
    pub fn read(message: &str) -> Option<Self> {
        let value = |key: &str| {
            let mut lines = message.lines().rev();
            lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
        };
        Some(Self {
            group: value(GROUP)?.trim().to_owned(),
            files: value(FILES)?.trim().to_owned(),
        })
    }
}

/// What the files of a branch are that differ from its base; nothing if the forge did not say it.
pub fn digest_of(comparison: &Comparison) -> Option<String> {
    let blobs = comparison.files.iter();
    let blobs = blobs.map(|file| {
        let blob = file.blob.clone().filter(|_| file.status == "modified");
        Some((file.path.as_str(), blob?))
    });
    Some(digest(blobs.collect::<Option<_>>()?))
}

fn digest(blobs: BTreeMap<&str, String>) -> String {
    let mut hash = Sha256::new();
    for (path, blob) in blobs {
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(blob.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forge::ChangedFile;

    #[test]
    fn a_branch_tells_its_group() {
        let names = Names {
            prefix: "bots/reglaze/",
        };
        let branch = names.branch("ubuntu");
        assert_eq!(names.group(&branch), Some("ubuntu"));
        let scratch = names.scratch("ubuntu", "7");
        assert!(names.is_scratch(&scratch) && names.group(&scratch).is_none());
        for foreign in [
            "main",
            "bots/reglaze/",
            "bots/reglazed/ubuntu",
            "reglaze/ubuntu",
        ] {
            assert_eq!(names.group(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_commit_is_known_by_its_message_and_its_files() {
        let file = NewFile {
            path: "images/a.yml".to_owned(),
            text: "a".to_owned(),
        };
        let trailers = Trailers::of("ubuntu", std::slice::from_ref(&file));
        let lines: Vec<_> = trailers
            .pairs()
            .iter()
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
        let message = format!(
            "Ubuntu: new\n\nText.\n\n{}\nSigned-off-by: A <a@b>\n",
            lines.join("\n")
        );
        assert_eq!(Trailers::read(&message), Some(trailers.clone()));
        assert_eq!(Trailers::read("Ubuntu: new"), None);
        let changed = ChangedFile {
            path: file.path,
            blob: Some(blob(b"a")),
            status: "modified".to_owned(),
            patch: None,
        };
        let comparison = Comparison {
            files: vec![changed],
            ..Comparison::default()
        };
        assert_eq!(digest_of(&comparison), Some(trailers.files));
    }
}
