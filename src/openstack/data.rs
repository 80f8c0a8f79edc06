//! Data on its way to Glance as a stream, which can be sent once only: into a store or into the staging area.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Method, StatusCode};

use super::answer::Answer;
use super::call::{Call, log, shown};
use super::error::Error;
use super::image::Image;
use crate::domain::snapshot::Status;

/// The largest piece that is sent. Without a known size each is one HTTP chunk,
/// and Glance behind uWSGI answers 500 to a chunk of 1 MiB.
const PIECE: usize = 256 << 10;

/// A token with less left is renewed before the upload begins.
pub(super) const TOKEN_LEFT: Duration = Duration::from_mins(15);

/// An upload of which nothing moves for so long is given up.
pub(super) const STALLED: Duration = Duration::from_mins(10);

pub(super) type Cause = Box<dyn StdError + Send + Sync>;

/// Where data goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum To<'a> {
    /// Into a store, the cloud's default if none is named: the image is active afterwards.
    Store(Option<&'a str>),
    /// Beside the stores, where an import takes it up.
    Staging,
}

impl Image {
    /// Sends the data of a queued image, of `size` bytes if that is known.
    ///
    /// An error in `data` breaks it off: Glance then has no complete data.
    /// A 401 has renewed the token when this returns: the whole may be tried again.
    pub(super) async fn send_data<S, E>(
        &self,
        id: &str,
        to: To<'_>,
        size: Option<u64>,
        data: S,
    ) -> Result<(), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Cause> + 'static,
    {
        self.session.keep_for(TOKEN_LEFT).await?;
        let token = self.session.token();
        let watch = Arc::new(Watch::default());
        let (path, doing) = match to {
            To::Store(_) => ("file", format!("upload the data of image `{id}`")),
            To::Staging => ("stage", format!("stage the data of image `{id}`")),
        };
        let call = Call::new(Method::PUT, self.url(&["images", id, path]), doing);
        let mut request = self
            .session
            .streaming(Method::PUT, call.url.clone())
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(Body::wrap_stream(watched(data, Arc::clone(&watch))));
        if let To::Store(Some(store)) = to {
            request = request.header("x-image-meta-store", store);
        }
        if let Some(size) = size {
            // With it there are no chunks at all; Glance compares the second with what came.
            request = request
                .header(CONTENT_LENGTH, size)
                .header("x-openstack-image-size", size);
        }
        let begun = Instant::now();
        let sent = async { Answer::read(request.send().await?).await };
        let answer = tokio::select! {
            answer = sent => answer,
            () = watch.stalled() => {
                return Err(Error::Stalled { id: id.to_owned(), after: STALLED });
            }
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                if let Some(source) = watch.cause() {
                    return Err(Error::DataBrokeOff {
                        id: id.to_owned(),
                        source,
                    });
                }
                let within = begun.elapsed();
                return Err(self.interrupted(id, &call, error, within).await);
            }
        };
        log(&call.method, &call.url, &answer, begun);
        match answer.status {
            StatusCode::NO_CONTENT => Ok(()),
            StatusCode::UNAUTHORIZED => {
                self.session.renewed(&token).await?;
                Err(self.refused(&call, &answer))
            }
            _ => Err(self.refused(&call, &answer)),
        }
    }

    /// Finds out what became of the image whose data broke off on the way.
    async fn interrupted(
        &self,
        id: &str,
        call: &Call,
        error: reqwest::Error,
        within: Duration,
    ) -> Error {
        let (state, status) = match self.image(id).await {
            Ok(None) => ("not there any more".to_owned(), Some(404)),
            Ok(Some(image)) => match image.status {
                Status::Queued | Status::Saving => {
                    (format!("`{}` and has no data", image.status), None)
                }
                // Glance notices later that nobody sends any more; or it has all, and its answer was lost.
                Status::Uploading if call.url.path().ends_with("/stage") => {
                    ("`uploading`, with what of it was staged".to_owned(), None)
                }
                other => (format!("`{other}` and takes no other data"), Some(409)),
            },
            // The cloud is not there: that is what there is to say.
            Err(_) => {
                let file = &self.session.cloud().described_in;
                return Error::of_call(error, &call.doing, &shown(&call.url), file, within);
            }
        };
        Error::Interrupted {
            doing: call.doing.clone(),
            state,
            status,
            source: error.without_url(),
        }
    }
}

/// What the stream of data tells while it flows.
#[derive(Default)]
pub(super) struct Watch {
    pieces: AtomicU64,
    /// Whether Glance would take the next piece, and it is not there: no fault of Glance's.
    is_waiting: AtomicBool,
    cause: Mutex<Option<Cause>>,
}

impl Watch {
    /// Ends when no piece was taken for too long that was there to be taken.
    pub(super) async fn stalled(&self) {
        let mut before = self.pieces.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(STALLED).await;
            let now = self.pieces.load(Ordering::Relaxed);
            if now == before && !self.is_waiting.load(Ordering::Relaxed) {
                return;
            }
            before = now;
        }
    }

    fn cause(&self) -> Option<Cause> {
        self.cause
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Cuts the data into pieces that Glance takes, and remembers an error in it, which HTTP would hide.
pub(super) fn watched<S, E>(
    data: S,
    watch: Arc<Watch>,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Into<Cause> + 'static,
{
    let pieces = stream::unfold((Box::pin(data), watch), |(mut data, watch)| async move {
        watch.is_waiting.store(true, Ordering::Relaxed);
        let piece = data.next().await;
        watch.is_waiting.store(false, Ordering::Relaxed);
        watch.pieces.fetch_add(1, Ordering::Relaxed);
        let pieces = match piece? {
            Ok(bytes) => cut(bytes).map(Ok).collect::<Vec<_>>(),
            Err(error) => {
                *watch.cause.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.into());
                vec![Err(std::io::Error::other("the data broke off"))]
            }
        };
        Some((stream::iter(pieces), (data, watch)))
    });
    pieces.flatten()
}

fn cut(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let piece = bytes.split_to(bytes.len().min(PIECE));
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a stream of one piece is told to stand still, of which so many are taken before that.
    async fn stands_still(taken: usize, is_more: bool) -> bool {
        let watch = Arc::new(Watch::default());
        let one = stream::iter([Ok::<_, Cause>(Bytes::from_static(b"a"))]);
        let more = stream::once(async move {
            if is_more {
                std::future::pending::<()>().await;
            }
            Ok(Bytes::from_static(b"b"))
        });
        let mut data = Box::pin(watched(one.chain(more), Arc::clone(&watch)));
        for _ in 0..taken {
            data.next().await.unwrap().unwrap();
        }
        let receiver = async {
            while data.next().await.is_some() {}
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = receiver, if is_more => false,
            () = tokio::time::sleep(STALLED * 5) => false,
            () = watch.stalled() => true,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_stands_still_where_glance_takes_nothing_and_not_where_nothing_comes() {
        assert!(stands_still(1, false).await);
        assert!(!stands_still(1, true).await);
    }

    #[test]
    fn large_pieces_are_cut_and_no_byte_is_lost() {
        let data: Bytes = (0..=u8::MAX).cycle().take(2 * PIECE + 1).collect();
        let pieces: Vec<Bytes> = cut(data.clone()).collect();
        assert_eq!(
            pieces.iter().map(Bytes::len).collect::<Vec<_>>(),
            [PIECE, PIECE, 1]
        );
        assert_eq!(pieces.concat(), data);
        assert_eq!(cut(Bytes::new()).count(), 0);
    }
}
