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
    /// Where the next page begins.
    pub next_continuation_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    key: String,
    size: u64,
    last_modified: DateTime<Utc>,
}

impl Objects {
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
    pub fn next(&self) -> Option<(String, String)> {
        let id = || self.next_upload_id_marker.clone().unwrap_or_default();
        let next = self.next_key_marker.clone().filter(|_| self.is_truncated);
        next.map(|key| (key, id()))
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
    pub fn next(&self) -> Option<String> {
        let next = self.next_part_number_marker.clone();
        next.filter(|_| self.is_truncated)
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
