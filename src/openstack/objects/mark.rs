//! The digest of an object as metadata on it.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::checksum::Checksum;

/// The header of a piece of metadata.
pub fn metadata(mark: &str) -> String {
    format!("x-object-meta-{mark}")
}

/// The headers that put the mark on an object.
pub fn marked((name, checksum): (&str, &Checksum)) -> HeaderMap {
    let name = HeaderName::try_from(metadata(name)).ok();
    let value = HeaderValue::from_str(&checksum.to_string()).ok();
    name.zip(value).into_iter().collect()
}
