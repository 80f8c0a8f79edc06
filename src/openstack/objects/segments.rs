//! Uploads in segments: nothing of one is visible before it is completed.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::list::Listed;
use super::mark::marked;
use super::sending::With;
use super::{Objects, SEGMENTS};
use crate::domain::checksum::Checksum;
use crate::domain::mirror::{Begun, Part};
use crate::openstack::call::now;
use crate::openstack::error::Error;
use crate::openstack::service::malformed;

impl Objects {
    /// Segments that no object consists of.
    pub async fn unfinished(&self) -> Result<Vec<Begun>, Error> {
        let all = self.listed("").await?;
        let mut begun: BTreeMap<(&str, &str), DateTime<Utc>> = BTreeMap::new();
        for one in &all {
            let Some(path) = one.name.strip_prefix(SEGMENTS) else {
                continue;
            };
            let mut path = path.rsplitn(3, '/').skip(1);
            let (Some(id), Some(name), Some(at)) = (path.next(), path.next(), one.modified())
            else {
                continue;
            };
            // What was written last tells whether somebody is at it.
            let newest = begun.entry((name, id)).or_insert(at);
            *newest = at.max(*newest);
        }
        let is_whole = |name: &str| all.iter().any(|one| one.name == name);
        let begun = begun.into_iter().filter(|((name, _), _)| !is_whole(name));
        Ok(begun
            .map(|((name, id), at)| Begun {
                name: name.to_owned(),
                id: id.to_owned(),
                at,
            })
            .collect())
    }

    /// An upload in segments: known by what it is to become, so that it is the same one each time. Calls nobody.
    pub fn begin(&self, name: &str, checksum: &Checksum, segment: usize) -> Begun {
        Begun {
            name: name.to_owned(),
            id: format!("{}-{segment}", checksum.hex()),
            at: now(),
        }
    }

    /// The segments of an upload that lie there, by number from 1.
    pub async fn parts(&self, begun: &Begun) -> Result<BTreeMap<usize, Part>, Error> {
        let folder = folder(begun);
        let part = |one: Listed| {
            let number = one.name.strip_prefix(&folder)?.parse().ok()?;
            let (tag, size) = (one.hash, one.bytes);
            Some((number, Part { tag, size }))
        };
        let all = self.listed(&folder).await?;
        Ok(all.into_iter().filter_map(part).collect())
    }

    /// Writes one segment.
    pub async fn put_part(
        &self,
        begun: &Begun,
        number: usize,
        bytes: Bytes,
    ) -> Result<Part, Error> {
        let doing = format!("write part {number} of `{}`", begun.name);
        let call = self.call(Method::PUT, &segment(begun, number), doing);
        let with = With {
            headers: HeaderMap::new(),
            body: bytes,
        };
        let answer = self.sent(&call, &with).await?;
        let tag = answer.headers.get("etag").and_then(|tag| tag.to_str().ok());
        let none = || malformed(&call, "without an ETag".to_owned(), "that of the segment");
        Ok(Part {
            tag: tag.ok_or_else(none)?.trim_matches('"').to_owned(),
            size: with.body.len() as u64,
        })
    }

    /// Makes an object of the segments. From now on it is visible.
    pub async fn complete(
        &self,
        begun: &Begun,
        parts: &BTreeMap<usize, Part>,
        mark: (&str, &Checksum),
    ) -> Result<(), Error> {
        let segments = parts.iter().map(|(number, part)| {
            let path = format!(
                "/{}/{}{}",
                self.container,
                self.prefix,
                segment(begun, *number)
            );
            json!({"path": path, "etag": part.tag, "size_bytes": part.size})
        });
        let doing = format!("complete the object `{}`", begun.name);
        let mut call = self.call(Method::PUT, &begun.name, doing);
        call.url.set_query(Some("multipart-manifest=put"));
        let with = With {
            headers: marked(mark),
            body: Value::Array(segments.collect()).to_string().into(),
        };
        self.sent(&call, &with).await.map(drop)
    }

    /// Throws away the segments of an upload; it is no error if they are gone.
    ///
    /// `sent`: how many there are at least; lists of containers lag behind.
    pub async fn abandon(&self, begun: &Begun, sent: usize) -> Result<(), Error> {
        let mut numbers: BTreeSet<usize> = self.parts(begun).await?.into_keys().collect();
        numbers.extend(1..=sent);
        for number in numbers {
            let doing = format!("remove part {number} of `{}`", begun.name);
            let call = self.call(Method::DELETE, &segment(begun, number), doing);
            let answer = self.send(&call, &With::default()).await?;
            if answer.status != StatusCode::NOT_FOUND {
                self.accepted(&call, answer)?;
            }
        }
        Ok(())
    }
}

fn folder(begun: &Begun) -> String {
    format!("{SEGMENTS}{}/{}/", begun.name, begun.id)
}

fn segment(begun: &Begun, number: usize) -> String {
    format!("{}{number:08}", folder(begun))
}
