//! One call and its answer, as values.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::domain::checksum::Checksum;
use crate::store::MARK;

/// One call.
pub struct Ask<'a> {
    /// What it does, as in "could not …".
    pub doing: String,
    /// `GET`, …
    pub method: Method,
    /// The whole name of the object; empty: the bucket.
    pub key: String,
    /// Names and values.
    pub query: Vec<(&'a str, String)>,
    /// The headers of its own; they are signed.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
}

impl<'a> Ask<'a> {
    /// A call without a query or a body.
    pub fn new(method: Method, key: String, doing: String) -> Self {
        Self {
            doing,
            method,
            key,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// Adds to the query.
    pub fn query(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Only if nothing is there under this name.
    pub fn where_nothing_is(mut self) -> Self {
        let anything = HeaderValue::from_static("*");
        self.headers.insert(http::header::IF_NONE_MATCH, anything);
        self
    }

    /// The digest that will be proven before the object becomes visible, as a mark on it.
    pub fn marked(mut self, checksum: &Checksum) -> Self {
        if let Ok(value) = HeaderValue::from_str(&checksum.to_string()) {
            self.headers.insert(mark(), value);
        }
        self
    }
}

/// The header that carries the mark.
pub fn mark() -> HeaderName {
    // A constant of lower-case letters and dashes.
    HeaderName::try_from(format!("x-amz-meta-{MARK}")).unwrap_or(http::header::ETAG)
}

/// An answer that was read to its end.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}
