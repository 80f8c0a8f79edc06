//! Directory listings: choose the newest sub-directory by its name, or the newest file.

use std::borrow::Cow;

use crate::domain::pattern::Pattern;

use super::{Ask, Document, Entry, Find, IndexError, Kind, Step};
use crate::domain::manifest;
use crate::domain::source::{Digest, Engine, Names};
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
    // A text may list files that lie beside it.
    let folder = match (names, base.rfind('/')) {
        (Names::Text, Some(slash)) => &base[..=slash],
        _ => base.as_str(),
    };
    let mut place = Find {
        variables: ask.variables.clone(),
    }
    .with("folder", folder);
    let mut told_by = base.clone();
    if let Some(directory) = directory {
        let (url, kind) = address(*names, &base);
        let listing = match ask.document(&url, kind) {
            Ok(document) => document,
            Err(need) => return Ok(need),
        };
        let pattern = ask.pattern(directory)?;
        let entries = match names {
            Names::Jsontable => listing.jsontable()?,
            _ => listing.entries()?,
        };
        let (newest, name) = newest(ask, entries, &pattern, &place)
            .ok_or_else(|| nothing(listing, entries.len(), "a directory", &pattern))?;
        let name = name.trim_end_matches('/');
        place = newest.with("folder", &format!("{base}{name}/"));
        told_by = url;
    }
    let Some(file) = file else {
        return ask.found(&told_by, &place);
    };
    let pattern = ask.pattern_with(file, &place.variables)?;
    let folder = place.variables.get("folder").cloned().unwrap_or_default();
    let (url, kind) = match (names, &ask.index.checksum) {
        (Names::Manifest, Digest::Manifest { url, .. }) => (
            ask.source.fill(url, &place.variables, Escape::Nothing)?,
            Kind::Manifest,
        ),
        (Names::Text, _) => (base, Kind::Listing),
        _ => address(*names, &folder),
    };
    let document = match ask.document(&url, kind) {
        Ok(document) => document,
        Err(need) => return Ok(need),
    };
    let entries = listed(document, *names)?;
    let (find, name) = newest(ask, &entries, &pattern, &place)
        .ok_or_else(|| nothing(document, entries.len(), "a file", &pattern))?;
    refuse_rival(&url, &entries, &pattern, &find, name, &place)?;
    ask.found(&url, &find.with("file", name))
}

/// The names in a document of this kind.
fn listed(document: &Document, names: Names) -> Result<Cow<'_, [Entry]>, IndexError> {
    Ok(match names {
        Names::Html => Cow::Borrowed(document.entries()?),
        Names::Jsontable => Cow::Borrowed(document.jsontable()?),
        Names::Manifest => Cow::Owned(manifest_names(document)?),
        Names::Text => Cow::Owned(text_names(document)?),
    })
}

/// One build, two files: the pattern admits too much, and which of them is meant nobody knows.
fn refuse_rival(
    url: &str,
    entries: &[Entry],
    pattern: &Pattern,
    find: &Find,
    name: &str,
    place: &Find,
) -> Result<(), IndexError> {
    let rival = entries.iter().find(|entry| {
        entry.name != name
            && Find::new(pattern, &entry.name, &place.variables)
                .is_some_and(|rival| rival.build() == find.build())
    });
    match rival {
        None => Ok(()),
        Some(rival) => Err(IndexError::Ambiguous {
            url: url.to_owned(),
            pattern: pattern.to_string(),
            first: name.to_owned(),
            second: rival.name.clone(),
        }),
    }
}

/// Where a directory is listed.
fn address(names: Names, folder: &str) -> (String, Kind) {
    match names {
        Names::Jsontable => (format!("{folder}?jsontable"), Kind::Json),
        _ => (folder.to_owned(), Kind::Listing),
    }
}

/// The newest entry that matches, and its name.
fn newest<'a>(
    ask: &Ask,
    entries: &'a [Entry],
    pattern: &Pattern,
    place: &Find,
) -> Option<(Find, &'a str)> {
    let finds = entries.iter().filter_map(|entry| {
        let mut find = Find::new(pattern, &entry.name, &place.variables)?;
        // Names tell dates better than servers, whose copies may be younger.
        if let Some(date) = &entry.date
            && !find.variables.contains_key("date")
        {
            find = find.with("date", date);
        }
        Some((find, entry.name.as_str()))
    });
    finds.max_by(|(left, _), (right, _)| ask.compare(left, right))
}

fn manifest_names(document: &Document) -> Result<Vec<Entry>, IndexError> {
    let text = String::from_utf8_lossy(&document.bytes);
    let names = manifest::names(&text).map_err(|error| IndexError::Malformed {
        url: document.url.clone(),
        expected: Kind::Manifest.name(),
        reason: error.to_string(),
    })?;
    Ok(names.into_iter().map(Entry::named).collect())
}

fn text_names(document: &Document) -> Result<Vec<Entry>, IndexError> {
    let lines = document.lines(Kind::Listing)?;
    let names = lines
        .iter()
        .map(|line| line.strip_prefix("./").unwrap_or(line))
        .filter(|name| !name.is_empty() && !name.starts_with('#'));
    Ok(names.map(|name| Entry::named(name.to_owned())).collect())
}

fn nothing(document: &Document, count: usize, what: &str, pattern: &Pattern) -> IndexError {
    IndexError::Absent {
        url: document.url.clone(),
        found: format!("{count} entries"),
        expected: format!("{what} whose name matches `{pattern}`"),
    }
}
