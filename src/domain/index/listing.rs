//! Directory listings: choose the newest sub-directory by its name, or the newest file.

use regex::Regex;

use super::{Ask, Document, Find, IndexError, Kind, Step};
use crate::domain::manifest;
use crate::domain::source::{Engine, Names};
use crate::domain::template::Escape;

pub(super) fn step(ask: &Ask) -> Result<Step, IndexError> {
    let Engine::Listing {
        url,
        directory,
        file,
        names,
    } = &ask.index.engine
    else {
        return Ok(Step::Need(Vec::new()));
    };
    let base = ask.fill(url)?;
    let mut place = Find {
        variables: ask.variables.clone(),
    }
    .with("folder", &base);
    let mut told_by = base.clone();
    if let Some(directory) = directory {
        let listing = match ask.document(&base, Kind::Listing) {
            Ok(document) => document,
            Err(need) => return Ok(need),
        };
        let pattern = ask.pattern(directory)?;
        let entries = listing.entries()?;
        let newest = newest(ask, entries, &pattern, &place)
            .ok_or_else(|| nothing(listing, entries.len(), "a directory", &pattern))?;
        let folder = format!("{base}{}", newest.1);
        place = newest.0.with("folder", &folder);
    }
    let Some(file) = file else {
        return ask.found(&told_by, &place);
    };
    let pattern = ask.pattern_with(file, &place.variables)?;
    let folder = place.variables.get("folder").cloned().unwrap_or_default();
    let (url, kind) = match names {
        Names::Html => (folder, Kind::Listing),
        Names::Manifest => (
            ask.source
                .fill(&ask.index.checksum.url, &place.variables, Escape::Nothing)?,
            Kind::Manifest,
        ),
    };
    told_by.clone_from(&url);
    let document = match ask.document(&url, kind) {
        Ok(document) => document,
        Err(need) => return Ok(need),
    };
    let entries = match names {
        Names::Html => document.entries()?.to_vec(),
        Names::Manifest => manifest_names(document)?,
    };
    let (find, name) = newest(ask, &entries, &pattern, &place)
        .ok_or_else(|| nothing(document, entries.len(), "a file", &pattern))?;
    // One build, two files: the pattern admits too much, and which of them is meant nobody knows.
    let rival = entries.iter().find(|entry| {
        **entry != name
            && Find::new(&pattern, entry, &place.variables)
                .is_some_and(|rival| rival.build() == find.build())
    });
    if let Some(rival) = rival {
        return Err(IndexError::Ambiguous {
            url,
            pattern: pattern.to_string(),
            first: name,
            second: rival.clone(),
        });
    }
    ask.found(&told_by, &find.with("file", &name))
}

/// The newest entry that matches, and its name.
fn newest(ask: &Ask, entries: &[String], pattern: &Regex, place: &Find) -> Option<(Find, String)> {
    let finds = entries
        .iter()
        .filter_map(|entry| Some((Find::new(pattern, entry, &place.variables)?, entry.clone())));
    finds.max_by(|(left, _), (right, _)| ask.compare(left, right))
}

fn manifest_names(document: &Document) -> Result<Vec<String>, IndexError> {
    let text = String::from_utf8_lossy(&document.bytes);
    let entries = manifest::entries(&text).map_err(|error| IndexError::Malformed {
        url: document.url.clone(),
        expected: Kind::Manifest.name(),
        reason: error.to_string(),
    })?;
    Ok(entries.into_iter().map(|(name, _)| name).collect())
}

fn nothing(document: &Document, count: usize, what: &str, pattern: &Regex) -> IndexError {
    IndexError::Absent {
        url: document.url.clone(),
        found: format!("{count} entries"),
        expected: format!("{what} whose name matches `{pattern}`"),
    }
}
