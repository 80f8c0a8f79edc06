//! What S3 answers: the parts of its XML that are read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::domain::mirror::{self, Object};

/// One page of a list of objects.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Objects {
    #[serde(default)]
    contents: Vec<Content>,
    #[serde(default)]
    is_truncated: bool,
    next_continuation_token: Option<String>,
}

/// What comes after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<T> {
    /// Nothing.
    End,
    /// Another page, which begins there.
    Page(T),
    /// There is more, and nobody says where: half a list must not look like a whole one.
    Lost,
}

fn next<T>(is_truncated: bool, marker: Option<T>) -> Next<T> {
    match (is_truncated, marker) {
        (false, _) => Next::End,
        (true, Some(marker)) => Next::Page(marker),
        (true, None) => Next::Lost,
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    key: String,
    size: u64,
    last_modified: DateTime<Utc>,
}

impl Objects {
    /// Where the next page begins. Some stores tell it and forget to say that the page is not the last.
    pub fn next(&self) -> Next<String> {
        let token = self.next_continuation_token.clone();
        next(self.is_truncated || token.is_some(), token)
    }

    /// The objects, by their names after `prefix`.
    pub fn objects(self, prefix: &str) -> impl Iterator<Item = Object> {
        self.contents.into_iter().filter_map(move |content| {
            Some(Object {
                name: content.key.strip_prefix(prefix)?.to_owned(),
                size: content.size,
                modified: content.last_modified,
            })
        })
    }
}

/// One page of a list of uploads that nobody has completed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Uploads {
    /// The uploads.
    #[serde(default, rename = "Upload")]
    pub all: Vec<Upload>,
    #[serde(default)]
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
}

/// An upload that nobody has completed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Upload {
    /// The whole name of the object that it is to become.
    pub key: String,
    /// Its ID.
    #[serde(rename = "UploadId")]
    pub id: String,
    /// When it was begun.
    pub initiated: DateTime<Utc>,
}

impl Uploads {
    /// Where the next page begins: key and ID.
    pub fn next(&self) -> Next<(String, String)> {
        let id = || self.next_upload_id_marker.clone().unwrap_or_default();
        let marker = self.next_key_marker.clone();
        next(self.is_truncated, marker.map(|key| (key, id())))
    }
}

/// One page of the parts of an upload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Parts {
    #[serde(default, rename = "Part")]
    all: Vec<Part>,
    #[serde(default)]
    is_truncated: bool,
    next_part_number_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    #[serde(rename = "PartNumber")]
    number: usize,
    #[serde(rename = "ETag")]
    tag: String,
    size: u64,
}

impl Parts {
    /// Where the next page begins.
    pub fn next(&self) -> Next<String> {
        next(self.is_truncated, self.next_part_number_marker.clone())
    }

    /// The parts, by number.
    pub fn parts(self) -> BTreeMap<usize, mirror::Part> {
        let part = |part: Part| {
            let tag = part.tag.trim_matches('"').to_owned();
            let size = part.size;
            (part.number, mirror::Part { tag, size })
        };
        self.all.into_iter().map(part).collect()
    }
}

/// A new upload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Begun {
    /// Its ID.
    pub upload_id: String,
}

/// What a completed upload has become.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Completed {
    /// The object's tag; an error that comes with status 200 has none.
    #[serde(rename = "ETag")]
    pub tag: String,
}

/// A refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Refusal {
    /// Its word for it.
    pub code: String,
    /// The same in a sentence.
    pub message: String,
}

/// The request that completes an upload.
pub fn complete(parts: &BTreeMap<usize, mirror::Part>) -> String {
    use std::fmt::Write;
    let mut text = "<CompleteMultipartUpload>".to_owned();
    for (number, part) in parts {
        let tag = quick_xml::escape::escape(&part.tag);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "<Part><PartNumber>{number}</PartNumber><ETag>\"{tag}\"</ETag></Part>"
        );
    }
    text + "</CompleteMultipartUpload>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_cut_off_and_says_not_where_is_no_end() {
        let next = |inner: &str| {
            let text = format!("<ListBucketResult>{inner}</ListBucketResult>");
            quick_xml::de::from_str::<Objects>(&text).unwrap().next()
        };
        let token = "<NextContinuationToken>a</NextContinuationToken>";
        assert_eq!(next("<IsTruncated>false</IsTruncated>"), Next::End);
        assert_eq!(next(""), Next::End);
        assert_eq!(next(token), Next::Page("a".to_owned()));
        assert_eq!(next("<IsTruncated>true</IsTruncated>"), Next::Lost);
    }
}
