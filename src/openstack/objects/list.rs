//! Lists of the container, each to its end.

use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::{Method, StatusCode};
use serde::Deserialize;

use super::sending::With;
use super::{Objects, SEGMENTS};
use crate::domain::mirror::Object;
use crate::openstack::call::Call;
use crate::openstack::error::Error;
use crate::openstack::service::malformed;

impl Objects {
    /// All objects below the prefix, without segments.
    pub async fn list(&self) -> Result<Vec<Object>, Error> {
        let all = self.listed("").await?.into_iter();
        let all = all.filter(|one| !one.name.starts_with(SEGMENTS));
        let object = |one: Listed| {
            Some(Object {
                modified: one.modified()?,
                size: one.bytes,
                name: one.name,
            })
        };
        Ok(all.filter_map(object).collect())
    }

    /// Everything whose name begins with `beginning` after the prefix, to the end of the list.
    pub(super) async fn listed(&self, beginning: &str) -> Result<Vec<Listed>, Error> {
        let beginning = format!("{}{beginning}", self.prefix);
        let mut all: Vec<Listed> = Vec::new();
        loop {
            let doing = format!("list the objects of the container `{}`", self.container);
            let mut call = Call::new(Method::GET, self.url(""), doing);
            {
                let mut query = call.url.query_pairs_mut();
                // No `limit`: an operator may have set a smaller one than Swift's own, and more than that is refused.
                query.extend_pairs([("format", "json"), ("prefix", &beginning)]);
                if let Some(last) = all.last() {
                    query.append_pair("marker", &last.name);
                }
            }
            let answer = self.sent(&call, &With::default()).await?;
            if answer.status == StatusCode::NO_CONTENT {
                break;
            }
            let page: Vec<Listed> = answer
                .json()
                .map_err(|found| malformed(&call, found, "a page of a list of objects"))?;
            match (page.last(), all.last()) {
                (None, _) => break,
                (Some(new), Some(old)) if new.name <= old.name => {
                    let found = "pages in a circle".to_owned();
                    return Err(malformed(&call, found, "a list with an end"));
                }
                _ => all.extend(page),
            }
        }
        let relative = |mut one: Listed| {
            one.name = one.name.strip_prefix(&self.prefix)?.to_owned();
            Some(one)
        };
        Ok(all.into_iter().filter_map(relative).collect())
    }
}

/// An object as a list has it.
#[derive(Debug, Deserialize)]
pub struct Listed {
    /// Its name, after the prefix.
    pub name: String,
    /// Its bytes; 0 of one that consists of segments.
    #[serde(default)]
    pub bytes: u64,
    /// Its MD5 digest.
    #[serde(default)]
    pub hash: String,
    last_modified: String,
}

impl Listed {
    /// Swift tells times in UTC without saying so.
    pub fn modified(&self) -> Option<DateTime<Utc>> {
        let text = self.last_modified.trim_end_matches('Z');
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
        time.ok().map(|time| time.and_utc())
    }
}
