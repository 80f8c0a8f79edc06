//! S3: each method one call, but for lists. Credentials, addresses and signatures are `object_store`'s; the calls are ours, since it
//! can neither list what a dead run left nor say what a store answered in one sentence.

mod answers;
mod remedy;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use chrono::Utc;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use md5::Digest;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::patience::{Patience, is_passing, within};
use super::{MARK, STALLED};
use crate::domain::checksum::Checksum;
use crate::domain::mirror::{Begun, Object, Part, Stored};
use remedy::refusal;

/// How long a signed URL holds: each is used at once.
const VALID: Duration = Duration::from_mins(15);

/// The longest answer that is read.
const LONGEST: usize = 16 << 20;

/// A bucket, and the beginning of the names of all that is ours in it.
#[derive(Debug)]
pub struct S3 {
    to: String,
    endpoint: String,
    prefix: String,
    signer: AmazonS3,
    http: reqwest::Client,
}

/// One call.
struct Ask<'a> {
    doing: String,
    method: Method,
    /// The whole name of the object; empty: the bucket.
    key: String,
    query: Vec<(&'a str, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl<'a> Ask<'a> {
    fn new(method: Method, key: String, doing: String) -> Self {
        Self {
            doing,
            method,
            key,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    fn query(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// The digest that will be proven before the object becomes visible, as a mark on it.
    fn marked(mut self, checksum: &Checksum) -> Self {
        if let Ok(value) = HeaderValue::from_str(&checksum.to_string()) {
            self.headers.insert(mark(), value);
        }
        self
    }
}

fn mark() -> HeaderName {
    // A constant of lower-case letters and dashes.
    HeaderName::try_from(format!("x-amz-meta-{MARK}")).unwrap_or(http::header::ETAG)
}

/// An answer that was read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl S3 {
    /// Makes the client; calls nobody. Fails with [`StoreError`] if the settings or the environment cannot be used.
    pub fn new(
        bucket: &str,
        prefix: &str,
        endpoint: Option<&str>,
        region: Option<&str>,
    ) -> Result<Self, StoreError> {
        let to = format!("s3://{bucket}/{prefix}");
        let unusable = |problem: String| StoreError::Settings {
            to: to.clone(),
            problem,
        };
        let once = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 1,
            retry_timeout: Duration::from_secs(20),
        };
        let options = ClientOptions::new()
            .with_connect_timeout(Duration::from_secs(3))
            .with_timeout(Duration::from_secs(10));
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_retry(once)
            .with_client_options(options);
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
            builder = builder.with_allow_http(endpoint.starts_with("http:"));
        }
        if let Some(region) = region {
            builder = builder.with_region(region);
        }
        let signer = builder
            .build()
            .map_err(|error| unusable(super::error::innermost(&error)))?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("reglaze/", env!("CARGO_PKG_VERSION")))
            // A signature is for one host.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(20))
            .tcp_keepalive(Duration::from_secs(30))
            .build()
            .map_err(|error| unusable(super::error::innermost(&error)))?;
        Ok(Self {
            endpoint: endpoint.unwrap_or("AWS").to_owned(),
            prefix: prefix.to_owned(),
            to,
            signer,
            http,
        })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

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
            let next = page.next_continuation_token.clone();
            all.extend(page.objects(&self.prefix));
            match next {
                None => return Ok(all),
                Some(next) if token.as_ref() == Some(&next) => {
                    return Err(circle(&ask));
                }
                next => token = next,
            }
        }
    }

    /// What the store says of one object; nothing if it is not there.
    pub async fn look(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        let ask = Ask::new(Method::HEAD, self.key(name), format!("look at `{name}`"));
        let answer = self.send(&ask).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = accepted(&ask, answer)?;
        let text = |name: &str| answer.headers.get(name)?.to_str().ok();
        let size = text("content-length").and_then(|size| size.parse().ok());
        let none = || StoreError::Malformed {
            doing: ask.doing.clone(),
            found: "without a size".to_owned(),
            expected: "that of the object",
        };
        Ok(Some(Stored {
            size: size.ok_or_else(none)?,
            checksum: text(mark().as_str()).and_then(|mark| mark.parse().ok()),
        }))
    }

    /// Begins to read an object.
    pub async fn read(
        &self,
        name: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        let ask = Ask::new(Method::GET, self.key(name), format!("read `{name}`"));
        let mut patience = Patience::new();
        let response = loop {
            let response = self.response(&ask).await;
            let is_passing = match &response {
                Ok(response) => is_passing(response.status()),
                Err(error) => is_of_the_way(error),
            };
            if !is_passing || !patience.again().await {
                break response?;
            }
        };
        if !response.status().is_success() {
            let answer = self.whole(&ask, response).await?;
            return Err(refusal(&ask.doing, answer.status, &answer.body));
        }
        let (doing, endpoint) = (ask.doing, self.endpoint.clone());
        let pieces = stream::unfold(Some(response), move |response| {
            let (doing, endpoint) = (doing.clone(), endpoint.clone());
            async move {
                let mut response = response?;
                match tokio::time::timeout(STALLED, response.chunk()).await {
                    Ok(Ok(Some(piece))) => Some((Ok(piece), Some(response))),
                    Ok(Ok(None)) => None,
                    Ok(Err(error)) => Some((Err(unreachable(doing, endpoint, error)), None)),
                    Err(_) => Some((
                        Err(StoreError::Stalled {
                            doing,
                            seconds: STALLED.as_secs(),
                        }),
                        None,
                    )),
                }
            }
        });
        Ok(pieces.fuse().boxed())
    }

    /// Writes a whole object that fits into memory.
    pub async fn put(
        &self,
        name: &str,
        bytes: Bytes,
        checksum: &Checksum,
    ) -> Result<(), StoreError> {
        let mut ask = Ask::new(Method::PUT, self.key(name), format!("write `{name}`"));
        ask.body = bytes;
        self.sent(&ask.marked(checksum)).await.map(drop)
    }

    /// Removes an object; it is no error if it is gone.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let ask = Ask::new(Method::DELETE, self.key(name), format!("remove `{name}`"));
        self.gone(&ask).await
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
            let before = next;
            next = page.next();
            all.extend(page.all.into_iter().filter_map(|upload| {
                Some(Begun {
                    name: upload.key.strip_prefix(&self.prefix)?.to_owned(),
                    id: upload.id,
                    at: upload.initiated,
                })
            }));
            match &next {
                None => return Ok(all),
                Some(_) if next == before => return Err(circle(&ask)),
                Some(_) => {}
            }
        }
    }

    /// Begins an upload in parts. The object bears the mark when it becomes visible.
    pub async fn begin(&self, name: &str, checksum: &Checksum) -> Result<Begun, StoreError> {
        let doing = format!("begin the upload of `{name}`");
        let ask = Ask::new(Method::POST, self.key(name), doing).query("uploads", "");
        let begun: answers::Begun = self.xml(&ask.marked(checksum), "a new upload").await?;
        Ok(Begun {
            name: name.to_owned(),
            id: begun.upload_id,
            at: Utc::now(),
        })
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
            match next {
                None => return Ok(all),
                Some(next) if marker.as_ref() == Some(&next) => return Err(circle(&ask)),
                next => marker = next,
            }
        }
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

    /// Makes an object of the parts. From now on it is visible.
    pub async fn complete(
        &self,
        begun: &Begun,
        parts: &BTreeMap<usize, Part>,
    ) -> Result<(), StoreError> {
        let mut ask = self.of_upload(Method::POST, begun, "complete the upload");
        ask.body = Bytes::from(answers::complete(parts));
        let answer = self.sent(&ask).await?;
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

    fn of_bucket(&self, doing: &str) -> Ask<'static> {
        let doing = format!("{doing} of `{}`", self.to);
        Ask::new(Method::GET, String::new(), doing)
    }

    fn of_upload(&self, method: Method, begun: &Begun, doing: &str) -> Ask<'static> {
        let doing = format!("{doing} of `{}`", begun.name);
        Ask::new(method, self.key(&begun.name), doing).query("uploadId", &begun.id)
    }

    async fn gone(&self, ask: &Ask<'_>) -> Result<(), StoreError> {
        let answer = self.send(ask).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        accepted(ask, answer).map(drop)
    }

    async fn xml<T: DeserializeOwned>(
        &self,
        ask: &Ask<'_>,
        expected: &'static str,
    ) -> Result<T, StoreError> {
        parsed(ask, &self.sent(ask).await?, expected)
    }

    /// Makes a call that must succeed.
    async fn sent(&self, ask: &Ask<'_>) -> Result<Answer, StoreError> {
        accepted(ask, self.send(ask).await?)
    }

    /// Makes a call, again and again where its failure may pass.
    async fn send(&self, ask: &Ask<'_>) -> Result<Answer, StoreError> {
        let mut patience = Patience::new();
        loop {
            let answer = match self.response(ask).await {
                Ok(response) => self.whole(ask, response).await,
                Err(error) => Err(error),
            };
            let is_passing = match &answer {
                Ok(answer) => is_passing(answer.status),
                Err(error) => is_of_the_way(error),
            };
            if !is_passing || !patience.again().await {
                return answer;
            }
        }
    }

    /// Signs a call and makes it once.
    async fn response(&self, ask: &Ask<'_>) -> Result<reqwest::Response, StoreError> {
        let query = ask
            .query
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let mut options = SignedUrlOptions::new().with_query(query);
        options.signed_headers = ask.headers.clone();
        let path = Path::parse(&ask.key).map_err(|error| StoreError::Settings {
            to: self.to.clone(),
            problem: error.to_string(),
        })?;
        let signed = self
            .signer
            .signed_url_opts(ask.method.clone(), &path, VALID, &options);
        let url = signed.await.map_err(|error| StoreError::Credentials {
            to: self.to.clone(),
            reason: super::error::innermost(&error),
        })?;
        let mut request = self
            .http
            .request(ask.method.clone(), url)
            .headers(ask.headers.clone());
        if matches!(ask.method, Method::PUT | Method::POST) {
            request = request
                .header("content-md5", BASE64.encode(md5::Md5::digest(&ask.body)))
                .header("content-length", ask.body.len())
                .body(ask.body.clone());
        }
        let sent = tokio::time::timeout(within(ask.body.len()), request.send());
        match sent.await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(unreachable(ask.doing.clone(), self.endpoint.clone(), error)),
            Err(_) => Err(StoreError::Stalled {
                doing: ask.doing.clone(),
                seconds: within(ask.body.len()).as_secs(),
            }),
        }
    }

    async fn whole(
        &self,
        ask: &Ask<'_>,
        mut response: reqwest::Response,
    ) -> Result<Answer, StoreError> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        loop {
            let piece = tokio::time::timeout(STALLED, response.chunk()).await;
            match piece.map_err(|_| StoreError::Stalled {
                doing: ask.doing.clone(),
                seconds: STALLED.as_secs(),
            })? {
                Ok(Some(piece)) if body.len() + piece.len() <= LONGEST => {
                    body.extend_from_slice(&piece);
                }
                // Cut XML does not parse, so nobody takes it for the whole.
                Ok(_) => break,
                Err(error) => {
                    return Err(unreachable(ask.doing.clone(), self.endpoint.clone(), error));
                }
            }
        }
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

/// Who could not be reached may be reached another time; who gave no credentials will not.
const fn is_of_the_way(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unreachable { .. } | StoreError::Stalled { .. }
    )
}

fn unreachable(doing: String, endpoint: String, error: reqwest::Error) -> StoreError {
    StoreError::Unreachable {
        doing,
        endpoint,
        // Its URL is signed.
        reason: super::error::innermost(&error.without_url()),
    }
}

fn accepted(ask: &Ask<'_>, answer: Answer) -> Result<Answer, StoreError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    Err(refusal(&ask.doing, answer.status, &answer.body))
}

fn parsed<T: DeserializeOwned>(
    ask: &Ask<'_>,
    answer: &Answer,
    expected: &'static str,
) -> Result<T, StoreError> {
    // Where the answer took long there is white space before it.
    let text = String::from_utf8_lossy(&answer.body);
    quick_xml::de::from_str(text.trim()).map_err(|_| StoreError::Malformed {
        doing: ask.doing.clone(),
        found: format!("{} with something else", answer.status),
        expected,
    })
}

fn circle(ask: &Ask<'_>) -> StoreError {
    StoreError::Malformed {
        doing: ask.doing.clone(),
        found: "with pages in a circle".to_owned(),
        expected: "a list with an end",
    }
}
