//! A fetched document, and what it says as JSON, as lines or as a directory listing: read once, however many images ask.
//!
//! Of a clearsigned document only the signed text is read, whether or not anybody asks for the signature.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate};
use serde_json::Value;
use url::Url;

use super::links::links;
use super::{IndexError, Kind};
use crate::domain::signature::signed_part;

/// A document of an upstream.
#[derive(Debug)]
pub struct Document {
    /// The URL that was asked for.
    pub url: String,
    /// Where it was found after redirects.
    pub location: String,
    /// What it says.
    pub bytes: Vec<u8>,
    /// `Last-Modified`, as the server gave it.
    pub modified: Option<String>,
    json: OnceLock<Result<Value, String>>,
    entries: OnceLock<Result<Vec<Entry>, IndexError>>,
    jsontable: OnceLock<Result<Vec<Entry>, IndexError>>,
}

/// One name in a directory listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name; those of directories end with a slash.
    pub name: String,
    /// Its date, where the listing tells it: `2026-07-25`.
    pub date: Option<String>,
}

impl Entry {
    /// A name alone.
    pub(super) const fn named(name: String) -> Self {
        Self { name, date: None }
    }
}

impl Document {
    /// A document as it came.
    pub fn new(url: String, location: String, bytes: Vec<u8>) -> Self {
        Self {
            url,
            location,
            bytes,
            modified: None,
            json: OnceLock::new(),
            entries: OnceLock::new(),
            jsontable: OnceLock::new(),
        }
    }

    /// The same with the date that its server gave.
    #[must_use]
    pub fn with_modified(mut self, modified: Option<String>) -> Self {
        self.modified = modified;
        self
    }

    /// The day of that date.
    pub fn changed_on(&self) -> Option<NaiveDate> {
        let date = DateTime::parse_from_rfc2822(self.modified.as_deref()?).ok()?;
        Some(date.to_utc().date_naive())
    }

    /// Whether it is a web page.
    pub fn is_html(&self) -> bool {
        let start = self
            .bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.bytes);
        let start = start.trim_ascii_start();
        [&b"<!doctype html"[..], b"<html"].iter().any(|tag| {
            start
                .get(..tag.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(tag))
        })
    }

    /// It as JSON; fails with [`IndexError`].
    pub fn json(&self) -> Result<&Value, IndexError> {
        if self.is_html() {
            return Err(IndexError::Html {
                url: self.url.clone(),
                expected: Kind::Json.name(),
            });
        }
        self.json
            .get_or_init(|| {
                serde_json::from_slice(&self.said()?).map_err(|error| {
                    if error.is_eof() {
                        "it breaks off in the middle".to_owned()
                    } else {
                        format!(
                            "it is no JSON at line {}, column {}",
                            error.line(),
                            error.column()
                        )
                    }
                })
            })
            .as_ref()
            .map_err(|reason| IndexError::Malformed {
                url: self.url.clone(),
                expected: Kind::Json.name(),
                reason: reason.clone(),
            })
    }

    /// The names that it lists as a directory, each once, in its order; those of directories end with a slash.
    ///
    /// Fails with [`IndexError`].
    pub fn entries(&self) -> Result<&[Entry], IndexError> {
        self.entries
            .get_or_init(|| self.read_entries())
            .as_deref()
            .map_err(Clone::clone)
    }

    /// The names that it lists as openSUSE's servers answer to `?jsontable`; fails with [`IndexError`].
    pub fn jsontable(&self) -> Result<&[Entry], IndexError> {
        self.jsontable
            .get_or_init(|| self.read_jsontable())
            .as_deref()
            .map_err(Clone::clone)
    }

    /// Its lines without blanks around them; fails with [`IndexError`] if it is no text, or a web page.
    pub fn lines(&self, kind: Kind) -> Result<Vec<String>, IndexError> {
        if self.is_html() {
            return Err(IndexError::Html {
                url: self.url.clone(),
                expected: kind.name(),
            });
        }
        let malformed = |reason: String| IndexError::Malformed {
            url: self.url.clone(),
            expected: kind.name(),
            reason,
        };
        let said = self.said().map_err(malformed)?;
        let text =
            std::str::from_utf8(&said).map_err(|_| malformed("it is no UTF-8 text".to_owned()))?;
        let text = text.trim_start_matches('\u{feff}');
        Ok(text.lines().map(|line| line.trim().to_owned()).collect())
    }

    /// The bytes that count; the error is a reason.
    fn said(&self) -> Result<Cow<'_, [u8]>, String> {
        match signed_part(&self.bytes) {
            Ok(Some(text)) => Ok(Cow::Owned(text.into_bytes())),
            Ok(None) => Ok(Cow::Borrowed(&self.bytes)),
            Err(error) => Err(format!("its signed part cannot be told: {error}")),
        }
    }

    fn read_jsontable(&self) -> Result<Vec<Entry>, IndexError> {
        let refuse = |reason: &str| IndexError::Malformed {
            url: self.url.clone(),
            expected: Kind::Listing.name(),
            reason: reason.to_owned(),
        };
        let table = self.json()?["data"]
            .as_array()
            .ok_or_else(|| refuse("it has no list `data`"))?;
        let mut seen = HashSet::new();
        let mut entries = Vec::new();
        for row in table {
            let name = row["name"]
                .as_str()
                .ok_or_else(|| refuse("an entry of `data` has no `name`"))?;
            let date = match &row["mtime"] {
                Value::Null => None,
                Value::Number(seconds) => seconds.as_i64(),
                Value::String(seconds) => seconds.parse().ok(),
                _ => return Err(refuse("an entry of `data` has a `mtime` that is no number")),
            };
            if seen.insert(name) {
                let date = date.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
                entries.push(Entry {
                    name: name.to_owned(),
                    date: date.map(|date| date.format("%Y-%m-%d").to_string()),
                });
            }
        }
        Ok(entries)
    }

    fn read_entries(&self) -> Result<Vec<Entry>, IndexError> {
        let refuse = |reason: &str| IndexError::Malformed {
            url: self.url.clone(),
            expected: Kind::Listing.name(),
            reason: reason.to_owned(),
        };
        let text = String::from_utf8_lossy(&self.bytes);
        if !self.is_html() {
            return Err(refuse("it is no HTML page"));
        }
        // Servers of listings end their page. Half a list would hide the newest build.
        if !text.to_ascii_lowercase().contains("</html>") {
            return Err(refuse("it breaks off in the middle"));
        }
        let base = Url::parse(&self.location).map_err(|_| refuse("its own URL is none"))?;
        let mut seen = HashSet::new();
        let mut entries = Vec::new();
        for href in links(&text) {
            let name = child(&base, &href);
            if let Some(name) = name.filter(|name| seen.insert(name.clone())) {
                entries.push(Entry::named(name));
            }
        }
        Ok(entries)
    }
}

/// The name of a link's target, if it lies right below `base`.
fn child(base: &Url, href: &str) -> Option<String> {
    let target = base.join(href.trim()).ok()?;
    // Links like `?C=N;O=D` sort the listing.
    if target.query().is_some() || target.origin() != base.origin() {
        return None;
    }
    let folder = base
        .path()
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    let below = target.path().strip_prefix(folder)?.strip_prefix('/')?;
    let name = below.strip_suffix('/').unwrap_or(below);
    if name.is_empty() || name.contains('/') {
        return None;
    }
    Some(decoded(below))
}

/// Undoes percent-encoding; what is no UTF-8 stays as it is.
pub(super) fn decoded(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2)));
        if let Some((high, low)) = pair.filter(|_| *byte == b'%') {
            plain.extend(u8::try_from(high * 16 + low));
            at += 3;
        } else {
            plain.push(*byte);
            at += 1;
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_| text.to_owned())
}
