//! One object as it comes: for a Swift that makes no object of segments. It can be sent once only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::Stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Method};

use super::Objects;
use super::mark::marked;
use crate::domain::checksum::Checksum;
use crate::openstack::answer::Answer;
use crate::openstack::call::{log, shown};
use crate::openstack::data::{STALLED, TOKEN_LEFT, Watch, watched};
use crate::openstack::error::Error;

impl Objects {
    /// Writes an object of `size` bytes, if that is known, with its digest as metadata.
    ///
    /// It is visible when all of `data` is there; an error in it breaks the call off, and Swift keeps nothing.
    pub async fn put_stream<S>(
        &self,
        name: &str,
        size: Option<u64>,
        data: S,
        mark: (&str, &Checksum),
    ) -> Result<(), Error>
    where
        S: Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
    {
        self.session.keep_for(TOKEN_LEFT).await?;
        let call = self.call(Method::PUT, name, format!("write the object `{name}`"));
        let watch = Arc::new(Watch::default());
        let mut request = self
            .session
            .streaming(Method::PUT, call.url.clone())
            .headers(marked(mark))
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(Body::wrap_stream(watched(data, Arc::clone(&watch))));
        if let Some(size) = size {
            request = request.header(CONTENT_LENGTH, size);
        }
        let begun = Instant::now();
        let failed = |error, within: Duration| {
            let file = &self.session.cloud().described_in;
            Error::of_call(error, &call.doing, &shown(&call.url), file, within)
        };
        let sent = async { Answer::read(request.send().await?).await };
        let answer = tokio::select! {
            answer = sent => answer.map_err(|error| failed(error, begun.elapsed()))?,
            () = watch.stalled() => {
                let (doing, url) = (call.doing.clone(), shown(&call.url));
                return Err(Error::Timeout { doing, url, within: STALLED });
            }
        };
        log(&call.method, &call.url, &answer, begun);
        self.accepted(&call, answer).map(drop)
    }
}
