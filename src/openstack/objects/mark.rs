//! The digest of an object as metadata on it.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};

use crate::domain::checksum::Checksum;

/// The header of a piece of metadata.
pub fn metadata(mark: &str) -> String {
    format!("x-object-meta-{mark}")
}

/// The headers that put the mark on an object, and let Swift write it only where there is none.
pub fn marked((name, checksum): (&str, &Checksum)) -> HeaderMap {
    let name = HeaderName::try_from(metadata(name)).ok();
    let value = HeaderValue::from_str(&checksum.to_string()).ok();
    let only_new = (IF_NONE_MATCH, HeaderValue::from_static("*"));
    name.zip(value).into_iter().chain([only_new]).collect()
}
