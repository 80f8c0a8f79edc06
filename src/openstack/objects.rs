//! Swift: the objects of one container, each method one call, but for lists and removals.
//!
//! What is large lies in segments beside the objects, below `.segments/`, and one call makes an object of them. That is
//! a static large object, which every Swift since 2013 and Ceph's gateway know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, NaiveDateTime, Utc};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{Call, Retries, log, now, shown};
use super::error::Error;
use super::service::malformed;
use super::session::Session;
use crate::domain::checksum::Checksum;
use crate::domain::mirror::{Begun, Object, Part, Stored};

/// Where segments lie, below the prefix.
const SEGMENTS: &str = ".segments/";

/// Swift's pages have at most so many.
const PAGE: &str = "10000";

/// A download of which nothing moves for so long is given up.
const STALLED: Duration = Duration::from_mins(2);

/// A container of one cloud, and the beginning of the names of all that is ours in it.
#[derive(Debug)]
pub struct Objects {
    session: Arc<Session>,
    endpoint: url::Url,
    container: String,
    prefix: String,
}

/// An object as a list has it.
#[derive(Debug, Deserialize)]
struct Listed {
    name: String,
    #[serde(default)]
    bytes: u64,
    #[serde(default)]
    hash: String,
    last_modified: String,
}

impl Listed {
    /// Swift tells times in UTC without saying so.
    fn modified(&self) -> Option<DateTime<Utc>> {
        let text = self.last_modified.trim_end_matches('Z');
        let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
        time.ok().map(|time| time.and_utc())
    }
}

/// What a removal of many says, whatever its HTTP status.
#[derive(Debug, Deserialize)]
struct Removal {
    #[serde(rename = "Response Status")]
    status: String,
}

/// What goes with a call.
#[derive(Default)]
struct With {
    headers: HeaderMap,
    body: Bytes,
}

impl Objects {
    /// Finds the service; calls nobody.
    pub fn connect(session: Arc<Session>, container: &str, prefix: &str) -> Result<Self, Error> {
        Ok(Self {
            endpoint: session.object_store_endpoint()?,
            session,
            container: container.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

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
        let pieces = stream::unfold(Some((response, wrong)), move |state| {
            let (doing, url) = (doing.clone(), url.clone());
            async move {
                let (mut response, wrong) = state?;
                match tokio::time::timeout(STALLED, response.chunk()).await {
                    Ok(Ok(Some(piece))) => Some((Ok(piece), Some((response, wrong)))),
                    Ok(Ok(None)) => None,
                    Ok(Err(error)) => Some((Err(wrong(error)), None)),
                    Err(_) => {
                        let within = STALLED;
                        Some((Err(Error::Timeout { doing, url, within }), None))
                    }
                }
            }
            .boxed()
        });
        Ok(pieces.fuse().boxed())
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
        let Some(answer) = self.head(name).await? else {
            return Ok(());
        };
        let is_large = answer.headers.get("x-static-large-object");
        let is_large = is_large.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        let mut call = self.call(Method::DELETE, name, format!("remove the object `{name}`"));
        if is_large {
            call.url.set_query(Some("multipart-manifest=delete"));
        }
        let answer = self.send(&call, &With::default()).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        let answer = self.accepted(&call, answer)?;
        if is_large {
            let expected = "a removal of all segments";
            let removal: Removal = answer
                .json()
                .map_err(|found| malformed(&call, found, expected))?;
            if !removal.status.starts_with("200") {
                return Err(malformed(&call, format!("`{}`", removal.status), expected));
            }
        }
        Ok(())
    }

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

    async fn head(&self, name: &str) -> Result<Option<Answer>, Error> {
        let call = self.call(Method::HEAD, name, format!("look at the object `{name}`"));
        let answer = self.send(&call, &With::default()).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.accepted(&call, answer).map(Some)
    }

    /// Everything whose name begins with `beginning` after the prefix, to the end of the list.
    async fn listed(&self, beginning: &str) -> Result<Vec<Listed>, Error> {
        let beginning = format!("{}{beginning}", self.prefix);
        let mut all: Vec<Listed> = Vec::new();
        loop {
            let doing = format!("list the objects of the container `{}`", self.container);
            let mut call = Call::new(Method::GET, self.url(""), doing);
            {
                let mut query = call.url.query_pairs_mut();
                query.extend_pairs([("format", "json"), ("limit", PAGE), ("prefix", &beginning)]);
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

    fn url(&self, name: &str) -> url::Url {
        let mut url = self.endpoint.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(&self.container);
            if !name.is_empty() {
                let whole = format!("{}{name}", self.prefix);
                segments.extend(whole.split('/'));
            }
        }
        url
    }

    fn call(&self, method: Method, name: &str, doing: String) -> Call {
        Call::new(method, self.url(name), doing)
    }

    async fn sent(&self, call: &Call, with: &With) -> Result<Answer, Error> {
        let answer = self.send(call, with).await?;
        self.accepted(call, answer)
    }

    fn accepted(&self, call: &Call, answer: Answer) -> Result<Answer, Error> {
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(self.refused(call, &answer))
    }

    /// Makes a call, again and again where its failure may pass; what it does twice is the same.
    async fn send(&self, call: &Call, with: &With) -> Result<Answer, Error> {
        let Retries {
            attempts,
            first_wait,
            within,
        } = Retries::default();
        let begun = Instant::now();
        let mut is_renewed = false;
        for attempt in 0.. {
            let token = self.session.token();
            let result = self.once(call, with).await;
            let is_passing = match &result {
                Ok(answer) if answer.status == StatusCode::UNAUTHORIZED && !is_renewed => {
                    is_renewed = true;
                    self.session.renewed(&token).await?;
                    continue;
                }
                Ok(answer) => is_passing(answer.status),
                Err(error) => matches!(error, Error::Unreachable { .. } | Error::Timeout { .. }),
            };
            if !is_passing || attempt + 1 >= attempts || begun.elapsed() > within {
                return result;
            }
            tokio::time::sleep(first_wait * 3_u32.saturating_pow(attempt)).await;
        }
        // The loop ends by itself.
        self.once(call, with).await
    }

    async fn once(&self, call: &Call, with: &With) -> Result<Answer, Error> {
        let begun = Instant::now();
        // A minute, and what 64 KiB/s need.
        let within = Duration::from_secs(60 + with.body.len() as u64 / (64 << 10));
        let mut request = self
            .session
            .streaming(call.method.clone(), call.url.clone())
            .headers(with.headers.clone())
            .timeout(within);
        if call.method == Method::PUT {
            request = request
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_LENGTH, with.body.len())
                .body(with.body.clone());
        }
        let answer = async { Answer::read(request.send().await?).await }.await;
        let file = &self.session.cloud().described_in;
        let answer = answer
            .map_err(|error| Error::of_call(error, &call.doing, &shown(&call.url), file, within))?;
        log(&call.method, &call.url, &answer, begun);
        Ok(answer)
    }

    fn refused(&self, call: &Call, answer: &Answer) -> Error {
        let remedy = match answer.status.as_u16() {
            401 | 403 => {
                "this login may not do that there: check the container's ACL and the user's roles"
            }
            404 if call.url.path() == self.url("").path() => {
                "create the container, or check `mirror.to` in the settings"
            }
            413 | 507 => "the store is full, or a quota is reached: make room, then run again",
            _ => "",
        };
        Error::Refused {
            doing: call.doing.clone(),
            service: "Swift",
            status: answer.status.as_u16(),
            message: self.session.without_secrets(&answer.message()),
            remedy: remedy.to_owned(),
        }
    }
}

fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502..=504)
}

fn folder(begun: &Begun) -> String {
    format!("{SEGMENTS}{}/{}/", begun.name, begun.id)
}

fn segment(begun: &Begun, number: usize) -> String {
    format!("{}{number:08}", folder(begun))
}

fn metadata(mark: &str) -> String {
    format!("x-object-meta-{mark}")
}

fn marked((name, checksum): (&str, &Checksum)) -> HeaderMap {
    let name = HeaderName::try_from(metadata(name)).ok();
    let value = HeaderValue::from_str(&checksum.to_string()).ok();
    name.zip(value).into_iter().collect()
}
