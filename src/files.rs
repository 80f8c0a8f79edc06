//! The user's files, wherever they are: on this machine, or in one commit of a repository.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Where the user's files are read from.
#[derive(Debug, Clone, Default)]
pub enum Files {
    /// This machine; relative paths begin at the working directory.
    #[default]
    Here,
    /// A commit: its files by their paths from the root. What was not fetched is not there.
    Commit(Arc<BTreeMap<PathBuf, Vec<u8>>>),
}

impl Files {
    /// The files of a commit.
    pub fn of_commit(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let files = files
            .into_iter()
            .map(|(path, bytes)| (PathBuf::from(path), bytes));
        Self::Commit(Arc::new(files.collect()))
    }

    /// Whether there is a folder of this path.
    pub fn is_folder(&self, path: &Path) -> bool {
        match self {
            Self::Here => path.is_dir(),
            Self::Commit(files) => in_commit(path)
                .is_some_and(|folder| files.keys().any(|file| is_below(file, &folder))),
        }
    }

    /// The files straight in a folder, by name.
    pub fn list(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        match self {
            Self::Here => {
                for entry in std::fs::read_dir(folder)? {
                    let path = entry?.path();
                    if path.is_file() {
                        paths.push(path);
                    }
                }
                paths.sort();
            }
            Self::Commit(files) => {
                let place = in_commit(folder).ok_or_else(missing)?;
                if !self.is_folder(folder) {
                    return Err(missing());
                }
                let of_folder = files.keys().filter(|file| file.parent() == Some(&place));
                let names = of_folder.filter_map(|file| file.file_name());
                // As on this machine: the folder as it was given, and the name.
                paths.extend(names.map(|name| folder.join(name)));
            }
        }
        Ok(paths)
    }

    /// The content of a file.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>> {
        match self {
            Self::Here => std::fs::read(path),
            Self::Commit(files) => in_commit(path)
                .and_then(|path| files.get(&path).cloned())
                .ok_or_else(missing),
        }
    }

    /// The content of a file of text.
    pub fn text(&self, path: &Path) -> Result<String> {
        String::from_utf8(self.read(path)?)
            .map_err(|error| Error::new(ErrorKind::InvalidData, error.utf8_error()))
    }
}

/// A path as commits have it; nothing if it leads out of the repository.
pub fn in_commit(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir if plain.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

fn is_below(file: &Path, folder: &Path) -> bool {
    file.parent()
        .is_some_and(|parent| parent.starts_with(folder))
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "no such file or folder in the commit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit() -> Files {
        let files = [
            "reglaze.yml",
            "images/b.yml",
            "images/a.yml",
            "images/old/c.yml",
        ];
        Files::of_commit(files.map(|path| (path.to_owned(), path.as_bytes().to_vec())))
    }

    #[test]
    fn a_commit_has_folders_and_files_like_a_disk() {
        let files = commit();
        let listed = files.list(Path::new("./images")).unwrap();
        assert_eq!(
            listed,
            [Path::new("./images/a.yml"), Path::new("./images/b.yml")]
        );
        assert_eq!(files.text(&listed[1]).unwrap(), "images/b.yml");
        assert!(files.is_folder(Path::new("")) && files.is_folder(Path::new("images/")));
        assert!(!files.is_folder(Path::new("images/a.yml")));
    }

    #[test]
    fn what_a_commit_has_not_is_missing_as_on_a_disk() {
        let files = commit();
        for path in ["sources", "../images", "/images", "images/../../x"] {
            let kind = files.list(Path::new(path)).unwrap_err().kind();
            assert_eq!(kind, ErrorKind::NotFound, "{path}");
        }
        let error = files.read(Path::new("images/z.yml")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
