//! Uploads in parts: nothing of one is visible before it is completed.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::Utc;
use http::Method;

use super::S3;
use super::answers;
use super::ask::Ask;
use super::remedy::refusal;
use super::sending::parsed;
use crate::domain::checksum::Checksum;
use crate::domain::mirror::{Begun, Part};
use crate::store::error::StoreError;

impl S3 {
    /// Begins an upload in parts. The object bears the mark when it becomes visible.
    pub async fn begin(&self, name: &str, checksum: &Checksum) -> Result<Begun, StoreError> {
        let doing = format!("begin the upload of `{name}`");
        let ask = Ask::new(Method::POST, self.key(name), doing).query("uploads", "");
        let begun: answers::Begun = self.xml(&ask.marked(checksum), "a new upload").await?;
        Ok(Begun {
            name: name.to_owned(),
            id: begun.upload_id,
            at: Utc::now(),
            is_ours: true,
        })
    }

    /// Writes one part; all but the last have the same size. Its tag is the store's, which with some encryptions is no MD5.
    pub async fn put_part(
        &self,
        begun: &Begun,
        number: usize,
        bytes: Bytes,
    ) -> Result<Part, StoreError> {
        let doing = format!("write part {number}");
        let mut ask = self.of_upload(Method::PUT, begun, &doing);
        ask = ask.query("partNumber", number.to_string());
        ask.body = bytes;
        let answer = self.sent(&ask).await?;
        let tag = answer.headers.get("etag").and_then(|tag| tag.to_str().ok());
        Ok(Part {
            tag: tag
                .ok_or_else(|| StoreError::Malformed {
                    doing: ask.doing.clone(),
                    found: "without an ETag".to_owned(),
                    expected: "that of the part",
                })?
                .trim_matches('"')
                .to_owned(),
            size: ask.body.len() as u64,
        })
    }

    /// Makes an object of the parts, where there is none. From now on it is visible.
    pub async fn complete(
        &self,
        begun: &Begun,
        parts: &BTreeMap<usize, Part>,
    ) -> Result<(), StoreError> {
        let mut ask = self.of_upload(Method::POST, begun, "complete the upload");
        ask.body = Bytes::from(answers::complete(parts));
        let (ask, answer) = self.made(ask).await?;
        // An error may come after a status that says success, as the store begins to answer before it is done.
        match parsed::<answers::Completed>(&ask, &answer, "a completed upload") {
            Ok(completed) if !completed.tag.is_empty() => Ok(()),
            _ => Err(refusal(&ask.doing, answer.status, &answer.body)),
        }
    }

    /// Throws away an upload and its parts; it is no error if it is gone.
    pub async fn abandon(&self, begun: &Begun) -> Result<(), StoreError> {
        let ask = self.of_upload(Method::DELETE, begun, "abandon the upload");
        self.gone(&ask).await
    }
}
