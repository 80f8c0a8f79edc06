//! The user's definitions as text: which files there are, read to the end. Parsing is the domain's.

use std::path::{Path, PathBuf};

use crate::domain::definition::{self, Definition};
use crate::domain::finding::Finding;
use crate::files::Files;

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
pub fn read(files: &Files, images: &Path) -> Result<Vec<File>, ReadError> {
    let fail = |path: &Path, source| ReadError::Unreadable {
        path: path.display().to_string(),
        source,
    };
    let is_yaml = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml")
    };
    let mut paths = vec![images.to_path_buf()];
    if files.is_folder(images) {
        paths = files.list(images).map_err(|error| fail(images, error))?;
        paths.retain(is_yaml);
        if paths.is_empty() {
            return Err(ReadError::Empty {
                path: images.display().to_string(),
            });
        }
    }
    paths
        .into_iter()
        .map(|path| {
            let text = files.text(&path).map_err(|error| fail(&path, error))?;
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
