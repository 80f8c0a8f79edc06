//! The files of `sources/`: those that the binary carries, and the user's, which replace a built-in one whole.

use std::path::Path;

use crate::domain::finding::Finding;
use crate::domain::source::{self, BUILT_IN, Source};
use crate::files::Files;

/// The sources cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not read the sources `{path}`; expected a folder of *.yml files; set it by --sources"
)]
pub struct SourcesError {
    path: String,
    source: std::io::Error,
}

/// Reads all sources, by name, each with the file that it is from: nothing for a built-in one.
///
/// The inner error holds what is wrong in them, with file, line and column.
/// Fails with [`SourcesError`] if a file cannot be read.
#[expect(
    clippy::type_complexity,
    reason = "both kinds of failure end differently"
)]
pub fn load(
    files: &Files,
    folder: &Path,
) -> Result<Result<Vec<(Source, Option<String>)>, Vec<Finding>>, SourcesError> {
    let mut texts: Vec<(String, Option<String>, String)> = BUILT_IN
        .iter()
        .map(|(name, text)| ((*name).to_owned(), None, (*text).to_owned()))
        .collect();
    for (name, file, text) in own(files, folder)? {
        texts.retain(|(known, ..)| *known != name);
        texts.push((name, Some(file), text));
    }
    texts.sort();
    let mut sources = Vec::new();
    let mut findings = Vec::new();
    for (name, file, text) in texts {
        let shown = file
            .clone()
            .unwrap_or_else(|| format!("sources/{name}.yml"));
        match source::parse(&name, &shown, &text) {
            Ok(source) => sources.push((source, file)),
            Err(found) => findings.extend(found),
        }
    }
    Ok(if findings.is_empty() {
        Ok(sources)
    } else {
        Err(findings)
    })
}

fn own(files: &Files, folder: &Path) -> Result<Vec<(String, String, String)>, SourcesError> {
    let fail = |path: &Path, source| SourcesError {
        path: path.display().to_string(),
        source,
    };
    let paths = match files.list(folder) {
        Ok(paths) => paths,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(folder, error)),
    };
    let mut texts = Vec::new();
    for path in paths {
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml");
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else {
            continue;
        };
        if is_yaml {
            let text = files.text(&path).map_err(|error| fail(&path, error))?;
            texts.push((name.to_owned(), path.display().to_string(), text));
        }
    }
    Ok(texts)
}
