//! Lists, each to its end: objects, unfinished uploads, and the parts of one.

use std::collections::BTreeMap;

use http::Method;

use super::S3;
use super::answers::{self, Next};
use super::ask::Ask;
use crate::domain::mirror::{Begun, Object, Part};
use crate::store::error::StoreError;

impl S3 {
    /// All objects of the mirror. A list that breaks off is an error.
    pub async fn list(&self) -> Result<Vec<Object>, StoreError> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut ask = self.of_bucket("list the objects");
            ask = ask.query("list-type", "2").query("prefix", &self.prefix);
            if let Some(token) = &token {
                ask = ask.query("continuation-token", token);
            }
            let page: answers::Objects = self.xml(&ask, "a list of objects").await?;
            let next = page.next();
            all.extend(page.objects(&self.prefix));
            token = match after(&ask, next, token.as_ref())? {
                None => return Ok(all),
                next => next,
            }
        }
    }

    /// The uploads below the prefix that nobody has completed.
    pub async fn unfinished(&self) -> Result<Vec<Begun>, StoreError> {
        let mut all = Vec::new();
        let mut next: Option<(String, String)> = None;
        loop {
            let mut ask = self.of_bucket("list the unfinished uploads");
            ask = ask.query("uploads", "").query("prefix", &self.prefix);
            if let Some((key, id)) = &next {
                ask = ask.query("key-marker", key).query("upload-id-marker", id);
            }
            let page: answers::Uploads = self.xml(&ask, "a list of uploads").await?;
            let after = after(&ask, page.next(), next.as_ref())?;
            all.extend(page.all.into_iter().filter_map(|upload| {
                Some(Begun {
                    name: upload.key.strip_prefix(&self.prefix)?.to_owned(),
                    id: upload.id,
                    at: upload.initiated,
                    is_ours: false,
                })
            }));
            next = match after {
                None => return Ok(all),
                next => next,
            }
        }
    }

    /// The parts of an upload that lie there, by number from 1.
    pub async fn parts(&self, begun: &Begun) -> Result<BTreeMap<usize, Part>, StoreError> {
        let mut all = BTreeMap::new();
        let mut marker: Option<String> = None;
        loop {
            let mut ask = self.of_upload(Method::GET, begun, "list the parts");
            if let Some(marker) = &marker {
                ask = ask.query("part-number-marker", marker);
            }
            let page: answers::Parts = self.xml(&ask, "a list of parts").await?;
            let next = page.next();
            all.extend(page.parts());
            marker = match after(&ask, next, marker.as_ref())? {
                None => return Ok(all),
                next => next,
            }
        }
    }

    fn of_bucket(&self, doing: &str) -> Ask<'static> {
        let doing = format!("{doing} of `{}`", self.to);
        Ask::new(Method::GET, String::new(), doing)
    }
}

/// Where the next page begins, if there is one; it is none of those that came before.
fn after<T: PartialEq>(
    ask: &Ask<'_>,
    next: Next<T>,
    before: Option<&T>,
) -> Result<Option<T>, StoreError> {
    let found = match next {
        Next::End => return Ok(None),
        Next::Page(next) if before != Some(&next) => return Ok(Some(next)),
        Next::Page(_) => "with pages in a circle",
        Next::Lost => "with a page that is not the last, and without where the next one begins",
    };
    Err(StoreError::Malformed {
        doing: ask.doing.clone(),
        found: found.to_owned(),
        expected: "a list with an end",
    })
}
