//! Dynamic large objects: an empty object that points to a folder, and is all that a list of the folder has.
//!
//! A list may lag behind, and whatever else lies in the folder would be a part of the object. So it is made only after Swift itself has
//! made the same of the folder under a name that is hidden among the segments.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, StatusCode};

use super::mark::marked;
use super::segments::{folder, is_ours, number};
use super::sending::With;
use super::{Objects, SEGMENTS};
use crate::domain::checksum::Checksum;
use crate::domain::mirror::{Begun, Part};
use crate::openstack::answer::Answer;
use crate::openstack::error::Error;
use crate::openstack::service::malformed;

/// Waits for a list that lags behind: half a minute.
const WAITS: [u64; 6] = [0, 1, 2, 4, 8, 15];

impl Objects {
    /// Makes an object of the folder, which has exactly these segments.
    pub(super) async fn point(
        &self,
        begun: &Begun,
        parts: &BTreeMap<usize, Part>,
        mark: (&str, &Checksum),
    ) -> Result<(), Error> {
        let hidden = hidden(begun);
        let doing = format!("complete the object `{}`", begun.name);
        let expected: u64 = parts.values().map(|part| part.size).sum();
        let mut with = With {
            headers: self.points_to(&folder(begun)),
            body: Bytes::new(),
        };
        self.sent(&self.call(Method::PUT, &hidden, doing.clone()), &with)
            .await?;
        let mut found = None;
        for wait in WAITS {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            if self.listed_as(begun, parts).await? {
                found = self.head(&hidden).await?.and_then(|answer| size(&answer));
            }
            if found == Some(expected) {
                break;
            }
        }
        self.gone(&hidden, doing.clone()).await?;
        let call = self.call(Method::PUT, &begun.name, doing);
        if found != Some(expected) {
            let found =
                "with another list of its segments than those that were written, for half a minute"
                    .to_owned();
            return Err(malformed(
                &call,
                found,
                "all of them; run again, and see whether the container's lists are up to date",
            ));
        }
        with.headers.extend(marked(mark));
        self.sent(&call, &with).await.map(drop)
    }

    /// Whether a list has these segments; removes others, which a dead run has left of other bytes.
    async fn listed_as(&self, begun: &Begun, parts: &BTreeMap<usize, Part>) -> Result<bool, Error> {
        let folder = folder(begun);
        let mut left = parts.clone();
        for one in self.listed(&folder).await? {
            let number = one.name.strip_prefix(&folder).and_then(number);
            match number.and_then(|number| left.remove(&number)) {
                Some(part) if part.tag == one.hash && part.size == one.bytes => {}
                Some(_) => return Ok(false),
                None => {
                    let doing = format!("remove what is no part of `{}`", begun.name);
                    self.gone(&one.name, doing).await?;
                    return Ok(false);
                }
            }
        }
        Ok(left.is_empty())
    }

    /// The segments of an object, if it is one of ours that points to a folder.
    pub(super) fn pointed_to(&self, name: &str, looked: &Answer) -> Option<Begun> {
        let pointer = looked.headers.get("x-object-manifest")?.to_str().ok()?;
        let folders = self.pointer(&format!("{SEGMENTS}{name}/"));
        let id = pointer.strip_prefix(&folders)?.strip_suffix('/')?;
        is_ours(id).then(|| Begun {
            name: name.to_owned(),
            id: id.to_owned(),
            at: crate::openstack::call::now(),
            is_ours: true,
        })
    }

    /// Removes one object that is no large one, or only its manifest; it is no error if it is gone.
    pub(super) async fn gone(&self, name: &str, doing: String) -> Result<(), Error> {
        let call = self.call(Method::DELETE, name, doing);
        let answer = self.send(&call, &With::default()).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        self.accepted(&call, answer).map(drop)
    }
}

/// What is tried before readers see it. It lies beside the folder, not in it.
pub fn hidden(begun: &Begun) -> String {
    folder(begun).trim_end_matches('/').to_owned()
}

fn size(answer: &Answer) -> Option<u64> {
    let size = answer.headers.get("content-length")?;
    size.to_str().ok()?.parse().ok()
}
