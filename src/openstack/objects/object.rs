//! Calls about one object.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use reqwest::{Method, StatusCode};
use serde::Deserialize;

use super::Objects;
use super::mark::{marked, metadata};
use super::sending::{With, is_passing};
use crate::domain::checksum::Checksum;
use crate::domain::mirror::Stored;
use crate::openstack::answer::Answer;
use crate::openstack::call::{Retries, shown};
use crate::openstack::download::{STALLED, pieces};
use crate::openstack::error::Error;
use crate::openstack::service::malformed;

/// What a removal of many says, whatever its HTTP status.
#[derive(Debug, Deserialize)]
struct Removal {
    #[serde(rename = "Response Status")]
    status: String,
}

impl Objects {
    /// What Swift says of one object; `mark` is the name of the metadata that holds its digest.
    pub async fn look(&self, name: &str, mark: &str) -> Result<Option<Stored>, Error> {
        let Some(answer) = self.head(name).await? else {
            return Ok(None);
        };
        let text = |name: &str| answer.headers.get(name)?.to_str().ok();
        let size = text("content-length").and_then(|size| size.parse().ok());
        let none = || {
            let call = self.call(Method::HEAD, name, format!("look at the object `{name}`"));
            malformed(&call, "without a size".to_owned(), "that of the object")
        };
        Ok(Some(Stored {
            size: size.ok_or_else(none)?,
            checksum: text(&metadata(mark)).and_then(|mark| mark.parse().ok()),
        }))
    }

    /// Begins to read an object.
    pub async fn read(
        &self,
        name: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        self.session.keep_for(Duration::from_mins(5)).await?;
        let call = self.call(Method::GET, name, format!("read the object `{name}`"));
        let begun = Instant::now();
        let file = self.session.cloud().described_in.clone();
        let (doing, url) = (call.doing.clone(), shown(&call.url));
        let wrong = move |error| Error::of_call(error, &doing, &url, &file, begun.elapsed());
        let mut attempt = 0;
        let response = loop {
            attempt += 1;
            let sent = self.session.streaming(Method::GET, call.url.clone()).send();
            let sent = sent.await;
            let is_passing = match &sent {
                Ok(response) => is_passing(response.status()),
                Err(_) => true,
            };
            if !is_passing || attempt == 4 {
                break sent.map_err(&wrong)?;
            }
            tokio::time::sleep(Retries::default().first_wait * 3_u32.pow(attempt)).await;
        };
        if !response.status().is_success() {
            let answer = Answer::read(response).await.map_err(wrong)?;
            return Err(self.refused(&call, &answer));
        }
        let (doing, url) = (call.doing.clone(), shown(&call.url));
        let within = STALLED;
        let stalled = move || Error::Timeout { doing, url, within };
        Ok(pieces(response, wrong, stalled))
    }

    /// Writes a whole object that fits into memory, with its digest as metadata.
    pub async fn put(
        &self,
        name: &str,
        bytes: Bytes,
        mark: (&str, &Checksum),
    ) -> Result<(), Error> {
        let call = self.call(Method::PUT, name, format!("write the object `{name}`"));
        let with = With {
            headers: marked(mark),
            body: bytes,
        };
        self.sent(&call, &with).await.map(drop)
    }

    /// Removes an object, with its segments if it has some; it is no error if it is gone.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        let Some(looked) = self.head(name).await? else {
            return Ok(());
        };
        let doing = format!("remove the object `{name}`");
        let is_static = looked.headers.get("x-static-large-object");
        if is_static.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true")) {
            return self.remove_static(name, doing).await;
        }
        // The manifest first: an object without some of its segments would be a wrong one.
        self.gone(name, doing).await?;
        match self.pointed_to(name, &looked) {
            Some(folder) => self.abandon(&folder, 0).await,
            None => Ok(()),
        }
    }

    /// Removes a manifest and what it names in one call.
    async fn remove_static(&self, name: &str, doing: String) -> Result<(), Error> {
        let mut call = self.call(Method::DELETE, name, doing);
        call.url.set_query(Some("multipart-manifest=delete"));
        let answer = self.send(&call, &With::default()).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        let expected = "a removal of all segments";
        let removal: Removal = self
            .accepted(&call, answer)?
            .json()
            .map_err(|found| malformed(&call, found, expected))?;
        if removal.status.starts_with("200") {
            return Ok(());
        }
        Err(malformed(&call, format!("`{}`", removal.status), expected))
    }

    /// What Swift says of an object; nothing if it is not there.
    pub(super) async fn head(&self, name: &str) -> Result<Option<Answer>, Error> {
        let call = self.call(Method::HEAD, name, format!("look at the object `{name}`"));
        let answer = self.send(&call, &With::default()).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.accepted(&call, answer).map(Some)
    }
}
