//! Uploads in segments: nothing of one is visible before it is completed.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use reqwest::Method;
use reqwest::header::{ETAG, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::abilities::Large;
use super::dynamic::hidden;
use super::list::Listed;
use super::mark::marked;
use super::sending::With;
use super::{Objects, SEGMENTS};
use crate::domain::checksum::{Checksum, hex};
use crate::domain::mirror::{Begun, Part};
use crate::openstack::call::now;
use crate::openstack::error::Error;
use crate::openstack::service::malformed;

impl Objects {
    /// Segments that no object consists of, if their names are of the form that ours have.
    pub async fn unfinished(&self) -> Result<Vec<Begun>, Error> {
        let all = self.listed("").await?;
        let mut begun: BTreeMap<(&str, &str), DateTime<Utc>> = BTreeMap::new();
        for one in &all {
            let path = one.name.strip_prefix(SEGMENTS);
            let (Some((name, id)), Some(at)) = (path.and_then(upload), one.modified()) else {
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
                is_ours: true,
            })
            .collect())
    }

    /// An upload in segments: known by what it is to become, so that it is the same one each time. Calls nobody.
    pub fn begin(&self, name: &str, checksum: &Checksum, segment: usize) -> Begun {
        Begun {
            name: name.to_owned(),
            id: format!("{}-{segment}", checksum.hex()),
            at: now(),
            is_ours: true,
        }
    }

    /// The segments of an upload that lie there, by number from 1.
    pub async fn parts(&self, begun: &Begun) -> Result<BTreeMap<usize, Part>, Error> {
        let folder = folder(begun);
        let part = |one: Listed| {
            let number = number(one.name.strip_prefix(&folder)?)?;
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
        let large = self.abilities().await?.large;
        if large == Large::Dynamic {
            return self.point(begun, parts, mark).await;
        }
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
        let mut with = With {
            headers: marked(mark),
            body: Value::Array(segments.collect()).to_string().into(),
        };
        if large == Large::Untold {
            // Who knows of no manifests would make an object of this one's text. Its digest is not that of what it names.
            with.headers.extend(tag(parts));
        }
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
            self.gone(&segment(begun, number), doing).await?;
        }
        let doing = format!("abandon the upload of `{}`", begun.name);
        self.gone(&hidden(begun), doing).await
    }
}

/// Where the segments of an upload lie.
pub fn folder(begun: &Begun) -> String {
    format!("{SEGMENTS}{}/{}/", begun.name, begun.id)
}

fn segment(begun: &Begun, number: usize) -> String {
    format!("{}{number:08}", folder(begun))
}

/// Which upload a path below `.segments/` belongs to: name and ID. `NAME/ID/NUMBER` is a segment, `NAME/ID` what was tried of them.
fn upload(path: &str) -> Option<(&str, &str)> {
    let (before, last) = path.rsplit_once('/')?;
    let whole = match number(last) {
        Some(_) => before,
        None => path,
    };
    let (name, id) = whole.rsplit_once('/')?;
    is_ours(id).then_some((name, id))
}

/// The number of a segment.
pub fn number(text: &str) -> Option<usize> {
    let is_one = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_one)
}

/// Whether an ID is one that we give: the digest in hex, and the size of segments.
pub fn is_ours(id: &str) -> bool {
    let Some((digest, size)) = id.split_once('-') else {
        return false;
    };
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digest.len() >= 56 && digest.bytes().all(is_hex) && size.parse::<u64>().is_ok()
}

/// The digest of a static large object, as its tag: that of its segments' tags.
fn tag(parts: &BTreeMap<usize, Part>) -> Option<(HeaderName, HeaderValue)> {
    let tags: String = parts.values().map(|part| part.tag.as_str()).collect();
    let value = HeaderValue::from_str(&hex(&Md5::digest(tags))).ok()?;
    Some((ETAG, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_our_own_form_are_of_an_upload() {
        let id = format!("{}-8388608", "a".repeat(64));
        let upload = |path: &str| upload(&path.replace("ID", &id)).is_some();
        assert!(upload("sha256/a/a.img/ID/00000001") && upload("a.img/ID"));
        for foreign in [
            "ID",
            "ID/00000001",
            "a.img/ID/1",
            "a.img/ID/0000000x",
            "a.img/ID/b/00000001",
            "a.img/1690000000.0/00000001",
            ".try",
        ] {
            assert!(!upload(foreign), "{foreign}");
        }
    }
}
