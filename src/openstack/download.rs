//! An image's data as Glance stores it, as a stream. For telling what it is: nothing keeps it.

use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Method, Response, StatusCode};

use super::answer::Answer;
use super::call::{Call, shown};
use super::error::Error;
use super::image::Image;

/// A token with less left is renewed before the download begins.
const TOKEN_LEFT: Duration = Duration::from_mins(5);

/// A download of which nothing moves for so long is given up.
pub(super) const STALLED: Duration = Duration::from_mins(2);

/// Data on its way.
pub type Data = BoxStream<'static, Result<Bytes, Error>>;

impl Image {
    /// Begins to read the data of an active image; nothing if it has none.
    pub async fn download(&self, id: &str) -> Result<Option<Data>, Error> {
        self.data(id, None).await
    }

    /// Begins to read these bytes of it; nothing where Glance or the store in which it lies gives no parts.
    pub async fn download_part(&self, id: &str, part: Range<u64>) -> Result<Option<Data>, Error> {
        self.data(id, Some(part)).await
    }

    async fn data(&self, id: &str, part: Option<Range<u64>>) -> Result<Option<Data>, Error> {
        self.session.keep_for(TOKEN_LEFT).await?;
        let url = self.url(&["images", id, "file"]);
        let call = Call::new(Method::GET, url, format!("read the data of image `{id}`"));
        let begun = Instant::now();
        let file = self.session.cloud().described_in.clone();
        let (doing, url) = (call.doing.clone(), shown(&call.url));
        let wrong = move |error| Error::of_call(error, &doing, &url, &file, begun.elapsed());
        let mut request = self.session.streaming(Method::GET, call.url.clone());
        if let Some(Range { start, end }) = part {
            request = request.header(RANGE, format!("bytes={start}-{}", end.saturating_sub(1)));
        }
        let response = request.send().await.map_err(&wrong)?;
        match (response.status(), &part) {
            (StatusCode::OK, None) => {}
            (StatusCode::PARTIAL_CONTENT, Some(part)) if is_part(&response, part) => {}
            (StatusCode::NO_CONTENT, None) => return Ok(None),
            // A store without parts: Glance answers 400 for it, and a proxy that does not know them 200.
            (status, Some(_)) if status.is_success() || status == StatusCode::BAD_REQUEST => {
                return Ok(None);
            }
            _ => {
                let answer = Answer::read(response).await.map_err(wrong)?;
                return Err(self.refused(&call, &answer));
            }
        }
        let id = id.to_owned();
        let stalled = move || Error::Stalled { id, after: STALLED };
        Ok(Some(pieces(response, wrong, stalled)))
    }
}

/// Whether these bytes are what an answer has.
fn is_part(response: &Response, part: &Range<u64>) -> bool {
    let said = response.headers().get(CONTENT_RANGE);
    let begin = format!("bytes {}-{}/", part.start, part.end.saturating_sub(1));
    said.is_some_and(|said| said.as_bytes().starts_with(begin.as_bytes()))
}

/// The body of an answer in pieces, to its end or to the first error: what `wrong` makes of the client's, or `stalled`.
pub(super) fn pieces(
    response: Response,
    wrong: impl FnOnce(reqwest::Error) -> Error + Send + 'static,
    stalled: impl FnOnce() -> Error + Send + 'static,
) -> Data {
    let pieces = stream::unfold(Some((response, wrong, stalled)), |state| async {
        let (mut response, wrong, stalled) = state?;
        match tokio::time::timeout(STALLED, response.chunk()).await {
            Ok(Ok(Some(piece))) => Some((Ok(piece), Some((response, wrong, stalled)))),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some((Err(wrong(error)), None)),
            Err(_) => Some((Err(stalled()), None)),
        }
    });
    pieces.fuse().boxed()
}
