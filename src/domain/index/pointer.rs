//! Pointers: a small text, a redirect or a date that names the newest build, or where it is listed.

use chrono::DateTime;

use super::{Ask, Document, Find, IndexError, Kind, Step};
use crate::domain::source::{Pointer, PointerFrom};

/// What a pointer leads to: variables for the engine, or the request for its document.
pub(super) enum Lead {
    Need(Step),
    /// The document's URL and what it told.
    To(String, Find),
}

pub(super) fn follow(ask: &Ask, pointer: &Pointer) -> Result<Lead, IndexError> {
    let url = ask.fill(&pointer.url)?;
    let document = match ask.document(&url, Kind::Pointer) {
        Ok(document) => document,
        Err(need) => return Ok(Lead::Need(need)),
    };
    let find = match pointer.from {
        PointerFrom::Body => body(ask, pointer, document)?,
        PointerFrom::Location => {
            let pattern = ask.pattern(pointer.pattern.as_deref().unwrap_or_default())?;
            Find::new(&pattern, &document.location, ask.variables).ok_or_else(|| {
                IndexError::Absent {
                    url: url.clone(),
                    found: format!("the way to `{}`", document.location),
                    expected: format!("a redirect to what matches `{pattern}`"),
                }
            })?
        }
        PointerFrom::Modified => modified(ask, pointer, document)?,
    };
    Ok(Lead::To(url, find))
}

/// The newest line that matches.
fn body(ask: &Ask, pointer: &Pointer, document: &Document) -> Result<Find, IndexError> {
    let pattern = ask.pattern(pointer.pattern.as_deref().unwrap_or_default())?;
    let lines = document.lines(Kind::Pointer)?;
    let finds: Vec<(Find, &str)> = lines
        .iter()
        .filter_map(|line| Some((Find::new(&pattern, line, ask.variables)?, line.as_str())))
        .collect();
    let newest = finds
        .iter()
        .max_by(|(left, _), (right, _)| ask.compare(left, right));
    let Some((newest, line)) = newest else {
        return Err(IndexError::Absent {
            url: document.url.clone(),
            found: format!("{} lines", lines.len()),
            expected: format!("one that matches `{pattern}`"),
        });
    };
    // One build, two lines that tell different things of it: nobody knows which one is meant.
    let rival = finds
        .iter()
        .find(|(find, _)| find.build() == newest.build() && find.variables != newest.variables);
    if let Some((_, rival)) = rival {
        return Err(IndexError::Ambiguous {
            url: document.url.clone(),
            pattern: pattern.to_string(),
            first: (*line).to_owned(),
            second: (*rival).to_owned(),
        });
    }
    Ok(newest.clone())
}

/// The date of a document, as eight digits.
fn modified(ask: &Ask, pointer: &Pointer, document: &Document) -> Result<Find, IndexError> {
    let malformed = |reason: String| IndexError::Malformed {
        url: document.url.clone(),
        expected: "a document with a date",
        reason,
    };
    let Some(modified) = &document.modified else {
        return Err(malformed("its server gives no `Last-Modified`".to_owned()));
    };
    let date = DateTime::parse_from_rfc2822(modified)
        .map_err(|_| malformed("its `Last-Modified` is no date".to_owned()))?
        .format("%Y%m%d")
        .to_string();
    let told = Find {
        variables: ask.variables.clone(),
    };
    let mut told = told.with("date", &date).with("version", &date);
    if let Some(pattern) = &pointer.pattern {
        let pattern = ask.pattern(pattern)?;
        if !told.add(&pattern, &date) {
            return Err(IndexError::Absent {
                url: document.url.clone(),
                found: format!("the date `{date}`"),
                expected: format!("one that matches `{pattern}`"),
            });
        }
    }
    Ok(told)
}
