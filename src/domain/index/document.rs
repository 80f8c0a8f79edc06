//! A fetched document, and what it says as JSON or as a directory listing: read once, however many images ask.

use std::sync::OnceLock;

use scraper::{Html, Selector};
use serde_json::Value;
use url::Url;

use super::{IndexError, Kind};

/// A document of an upstream.
#[derive(Debug)]
pub struct Document {
    /// The URL that was asked for.
    pub url: String,
    /// Where it was found after redirects.
    pub location: String,
    /// What it says.
    pub bytes: Vec<u8>,
    json: OnceLock<Result<Value, String>>,
    entries: OnceLock<Result<Vec<String>, IndexError>>,
}

impl Document {
    /// A document as it came.
    pub fn new(url: String, location: String, bytes: Vec<u8>) -> Self {
        Self {
            url,
            location,
            bytes,
            json: OnceLock::new(),
            entries: OnceLock::new(),
        }
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
                serde_json::from_slice(&self.bytes).map_err(|error| {
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
    pub fn entries(&self) -> Result<&[String], IndexError> {
        self.entries
            .get_or_init(|| self.read_entries())
            .as_deref()
            .map_err(Clone::clone)
    }

    fn read_entries(&self) -> Result<Vec<String>, IndexError> {
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
        let Ok(anchors) = Selector::parse("a[href]") else {
            return Err(refuse("links cannot be selected"));
        };
        let mut names = Vec::new();
        for anchor in Html::parse_document(&text).select(&anchors) {
            let name = anchor.attr("href").and_then(|href| child(&base, href));
            if let Some(name) = name.filter(|name| !names.contains(name)) {
                names.push(name);
            }
        }
        Ok(names)
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
