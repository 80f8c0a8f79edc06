//! An image's data as Glance stores it, as a stream. For telling what it is: nothing keeps it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use reqwest::{Method, Response, StatusCode};

use super::answer::Answer;
use super::call::{Call, shown};
use super::error::Error;
use super::image::Image;

/// A token with less left is renewed before the download begins.
const TOKEN_LEFT: Duration = Duration::from_mins(5);

/// A download of which nothing moves for so long is given up.
pub(super) const STALLED: Duration = Duration::from_mins(2);

impl Image {
    /// Begins to read the data of an active image; nothing if it has none.
    pub async fn download(
        &self,
        id: &str,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, Error>>>, Error> {
        self.session.keep_for(TOKEN_LEFT).await?;
        let url = self.url(&["images", id, "file"]);
        let call = Call::new(Method::GET, url, format!("read the data of image `{id}`"));
        let begun = Instant::now();
        let file = self.session.cloud().described_in.clone();
        let (doing, url) = (call.doing.clone(), shown(&call.url));
        let wrong = move |error| Error::of_call(error, &doing, &url, &file, begun.elapsed());
        let sent = self.session.streaming(Method::GET, call.url.clone()).send();
        let response = sent.await.map_err(&wrong)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Ok(None),
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

/// The body of an answer in pieces, to its end or to the first error: what `wrong` makes of the client's, or `stalled`.
pub(super) fn pieces(
    response: Response,
    wrong: impl FnOnce(reqwest::Error) -> Error + Send + 'static,
    stalled: impl FnOnce() -> Error + Send + 'static,
) -> BoxStream<'static, Result<Bytes, Error>> {
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
