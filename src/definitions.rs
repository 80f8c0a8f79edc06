//! The user's definitions as text: which files there are, read to the end. Parsing is the domain's.

use std::path::{Path, PathBuf};

use crate::domain::definition::{self, Definition};
use crate::domain::finding::Finding;

/// The definitions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A folder or file cannot be read.
    #[error(
        "could not read the definitions `{path}`; expected a folder of *.yml files, or one file; set it by --images, or by \
         `images` in reglaze.yml"
    )]
    Unreadable {
        /// The path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing in the folder; an empty one must not look like a wish.
    #[error(
        "there is no *.yml file in the folder `{path}`; put your definitions there, or set another folder by --images, or by \
         `images` in reglaze.yml"
    )]
    Empty {
        /// The folder.
        path: String,
    },
}

/// One file of definitions.
#[derive(Debug, Clone)]
pub struct File {
    /// Where it lies.
    pub path: PathBuf,
    /// Its path as findings name it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Reads every `*.yml` and `*.yaml` of a folder, in the order of their names, or one file.
///
/// # Errors
/// [`ReadError`] if anything cannot be read: half a catalogue would look like a wish to retire the rest.
pub fn read(images: &Path) -> Result<Vec<File>, ReadError> {
    let fail = |path: &Path, source| ReadError::Unreadable {
        path: path.display().to_string(),
        source,
    };
    let mut paths = Vec::new();
    if images.is_dir() {
        for entry in std::fs::read_dir(images).map_err(|error| fail(images, error))? {
            let path = entry.map_err(|error| fail(images, error))?.path();
            let yaml = path
                .extension()
                .is_some_and(|extension| extension == "yml" || extension == "yaml");
            if yaml && path.is_file() {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            return Err(ReadError::Empty {
                path: images.display().to_string(),
            });
        }
        paths.sort();
    } else {
        paths.push(images.to_path_buf());
    }
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).map_err(|error| fail(&path, error))?;
            Ok(File {
                name: path.display().to_string(),
                path,
                text,
            })
        })
        .collect()
}

/// Parses all files and looks at them together.
///
/// # Errors
/// Every finding of level error: a broken definition stops `plan` and `apply`.
pub fn parse(files: &[File]) -> Result<Vec<Definition>, Vec<Finding>> {
    let mut definitions = Vec::new();
    let mut findings = Vec::new();
    for file in files {
        match definition::parse(&file.name, &file.text) {
            Ok(found) => definitions.extend(found),
            Err(found) => findings.extend(found),
        }
    }
    findings.extend(definition::duplicates(&definitions));
    if findings.is_empty() {
        Ok(definitions)
    } else {
        Err(findings)
    }
}
