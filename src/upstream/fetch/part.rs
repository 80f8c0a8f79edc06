//! Whether an answer goes on where a body broke off: what is said of the file, held against what was said before.
//!
//! The digest proves the whole at the end, so nothing here has to: it only keeps a run from fetching gigabytes of which
//! it can be known that they do not belong together.

use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::is_fresh;
use crate::domain::checksum::shortened;

/// Which file it is, in the words of its server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Identity {
    etag: Option<String>,
    modified: Option<String>,
    /// Whether the file was left alone for a while before it was given, so that its date tells it from the next one
    /// (RFC 9110, section 8.8.2.2).
    is_settled: bool,
}

/// How far an image has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Point {
    /// How many bytes the taker has.
    pub received: u64,
    /// How many there are, once somebody has said so.
    pub size: Option<u64>,
    /// What this place said of the file; nothing of a place that was not asked yet.
    pub identity: Option<Identity>,
}

/// How an answer goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Begin {
    /// How many bytes of its body the taker has already.
    pub skip: u64,
    /// The offset in the image at which the body ends, if that was said.
    pub upto: Option<u64>,
    /// How many bytes the image has, if that was said.
    pub size: Option<u64>,
    /// What was said of the file.
    pub identity: Identity,
}

/// An answer that does not go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is another file: what it was, and what it is now.
    Changed { was: String, is: String },
    /// The answer makes no sense.
    Odd { found: String, expected: String },
}

impl Identity {
    pub fn of(headers: &HeaderMap) -> Self {
        let modified = text(headers, header::LAST_MODIFIED);
        Self {
            etag: text(headers, header::ETAG),
            is_settled: modified.is_some()
                && headers.contains_key(header::DATE)
                && !is_fresh(headers),
            modified,
        }
    }

    /// What `If-Range` may say: a strong entity tag, else a date that counts as strong (RFC 9110, section 13.1.5).
    fn strong(&self) -> Option<&str> {
        match &self.etag {
            Some(etag) => Some(etag.as_str()).filter(|etag| etag.starts_with('"')),
            None => self.modified.as_deref().filter(|_| self.is_settled),
        }
    }

    /// Whether both are of one file; nothing if there is nothing to compare.
    ///
    /// Servers behind one name often tag the same file differently (by inode), but copy its date with it. So equal dates
    /// outweigh unequal tags: where that is wrong, the digest says so.
    fn is_same(&self, now: &Self) -> Result<bool, Misfit> {
        let weak = |etag: &String| etag.trim_start_matches("W/").to_owned();
        let tags = self.etag.as_ref().zip(now.etag.as_ref());
        let dates = self.modified.as_ref().zip(now.modified.as_ref());
        if tags.is_some_and(|(was, is)| weak(was) == weak(is))
            || dates.is_some_and(|(was, is)| was == is)
        {
            return Ok(true);
        }
        match dates
            .map(|pair| ("Last-Modified", pair))
            .or(tags.map(|pair| ("ETag", pair)))
        {
            None => Ok(false),
            Some((name, (was, is))) => Err(Misfit::Changed {
                was: format!("`{name}: {}`", shortened(was)),
                is: format!("`{name}: {}`", shortened(is)),
            }),
        }
    }
}

impl Point {
    /// What is said to get the rest. Nothing asks for compression, so that offsets are those of the file.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        if self.received > 0 {
            let range = HeaderValue::from_str(&format!("bytes={}-", self.received));
            headers.extend(range.ok().map(|range| (header::RANGE, range)));
            let strong = self.identity.as_ref().and_then(Identity::strong);
            let strong = strong.and_then(|strong| HeaderValue::from_str(strong).ok());
            headers.extend(strong.map(|strong| (header::IF_RANGE, strong)));
        }
        headers
    }

    /// Holds an answer against what is here; `length` is that of its body.
    pub fn begin(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        length: Option<u64>,
    ) -> Result<Begin, Misfit> {
        if let Some(encoding) = text(headers, header::CONTENT_ENCODING)
            .filter(|encoding| !encoding.trim().eq_ignore_ascii_case("identity"))
        {
            return Err(Misfit::Odd {
                found: format!("`Content-Encoding: {}`", shortened(&encoding)),
                expected: "the bytes as they lie there, since nothing else was asked for"
                    .to_owned(),
            });
        }
        match status {
            StatusCode::PARTIAL_CONTENT => self.part(headers, length),
            StatusCode::RANGE_NOT_SATISFIABLE => self.beyond(headers),
            _ => self.whole(headers, length),
        }
    }

    /// 200: all of it, from its first byte.
    fn whole(&self, headers: &HeaderMap, length: Option<u64>) -> Result<Begin, Misfit> {
        let identity = Identity::of(headers);
        if self.received > 0 {
            self.is_same_file(&identity, length)?;
        } else if let Some((was, is)) = self.size.zip(length).filter(|(was, is)| was != is) {
            // Nothing is lost yet, but whoever takes the image may count on its size.
            return Err(other_size(was, is));
        }
        Ok(Begin {
            skip: self.received,
            upto: length.or(self.size),
            size: length.or(self.size),
            identity,
        })
    }

    /// 206: a part of it.
    fn part(&self, headers: &HeaderMap, length: Option<u64>) -> Result<Begin, Misfit> {
        let expected = || format!("`Content-Range: bytes {}-…`", self.received);
        let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
        if kind
            .to_ascii_lowercase()
            .starts_with("multipart/byteranges")
        {
            return Err(Misfit::Odd {
                found: "several parts in one body".to_owned(),
                expected: format!("the one part that was asked for, with {}", expected()),
            });
        }
        let said = text(headers, header::CONTENT_RANGE);
        let range = said.as_deref().and_then(ContentRange::parse);
        let Some(range) = range.filter(|range| range.first == self.received) else {
            return Err(Misfit::Odd {
                found: said.map_or_else(
                    || "a part without `Content-Range`".to_owned(),
                    |said| format!("`Content-Range: {}`", shortened(&said)),
                ),
                expected: expected(),
            });
        };
        let upto = range.last + 1;
        let counted = upto - range.first;
        if let Some(length) = length.filter(|length| *length != counted) {
            return Err(Misfit::Odd {
                found: format!(
                    "{length} bytes under `Content-Range: {}`",
                    said.unwrap_or_default()
                ),
                expected: format!("{counted} bytes"),
            });
        }
        let identity = Identity::of(headers);
        self.is_same_file(&identity, range.size)?;
        let size = self.size.or(range.size);
        if let Some(size) = size.filter(|size| upto > *size) {
            return Err(other_size(size, upto));
        }
        Ok(Begin {
            skip: 0,
            upto: Some(upto),
            size,
            // A part need not repeat what was said of the whole.
            identity: self.identity.clone().unwrap_or(identity),
        })
    }

    /// 416: there is nothing behind this byte. That is the end of a body whose length nobody had said.
    fn beyond(&self, headers: &HeaderMap) -> Result<Begin, Misfit> {
        let said = text(headers, header::CONTENT_RANGE).unwrap_or_default();
        let size = said
            .strip_prefix("bytes */")
            .and_then(|size| size.trim().parse().ok());
        let Some(size) = size else {
            return Err(Misfit::Odd {
                found: "416 Range Not Satisfiable".to_owned(),
                expected: format!("the bytes from {} on", self.received),
            });
        };
        if size != self.received || self.size.is_some_and(|known| known != size) {
            return Err(other_size(self.size.unwrap_or(self.received), size));
        }
        Ok(Begin {
            skip: 0,
            upto: Some(size),
            size: Some(size),
            identity: self.identity.clone().unwrap_or_default(),
        })
    }

    /// Fails if this is another file. Where nothing speaks for one and the same (no tag, no date, no size), it counts as
    /// another: the digest would say so as well, but only after the last byte.
    fn is_same_file(&self, now: &Identity, size: Option<u64>) -> Result<(), Misfit> {
        let sizes = self.size.zip(size);
        if let Some((was, is)) = sizes.filter(|(was, is)| was != is) {
            return Err(other_size(was, is));
        }
        let is_short = size.is_some_and(|size| size < self.received);
        if let (true, Some(size)) = (is_short, size) {
            return Err(other_size(self.received, size));
        }
        let known = self.identity.as_ref();
        let is_same = known.map_or(Ok(false), |known| known.is_same(now))?;
        // Of another place there is nothing but the size to compare.
        if is_same || sizes.is_some() || (known.is_none() && self.size.is_none()) {
            return Ok(());
        }
        Err(Misfit::Odd {
            found: "neither a size nor `ETag` nor `Last-Modified`".to_owned(),
            expected: "something that tells this file from another one".to_owned(),
        })
    }
}

/// `Content-Range: bytes FIRST-LAST/SIZE`.
struct ContentRange {
    first: u64,
    last: u64,
    /// Absent: `*`.
    size: Option<u64>,
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let size = match size {
            "*" => None,
            size => Some(number(size)?),
        };
        let fits = first <= last && last < size.unwrap_or(u64::MAX);
        fits.then_some(Self { first, last, size })
    }
}

/// Digits and nothing else: a sign is none.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn other_size(was: u64, is: u64) -> Misfit {
    Misfit::Changed {
        was: format!("{was} bytes"),
        is: format!("{is} bytes"),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests;
