//! The bytes of images, as a stream: from any https host or a file of this machine, since the digest proves them.
//!
//! One connection at a time: a second one to the same file gains nothing where the line is the limit, and is rude where
//! the server is.

use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::ahead::ahead;
use super::flow::Flow;
use super::place::Place;
use super::served::Served;
use super::{FetchError, Fetcher};

/// An image's bytes on their way.
pub struct Download {
    /// How many there are, if the server says so.
    pub size: Option<u64>,
    /// The bytes. What broke off goes on by itself, at the same place or the next one; an error is the end.
    pub body: BoxStream<'static, Result<Bytes, FetchError>>,
    /// Which places gave them.
    pub served: Served,
}

impl Fetcher {
    /// Begins to fetch the image of a version that people reviewed, at the first of `places` that has it: like
    /// [`Fetcher::stream`], or from this machine where a URL begins with `file:`. Fails with [`FetchError`].
    ///
    /// The places are copies of one file. If one breaks off for good, the next one goes on in the middle. To begin at a
    /// later one, give the rest of the list.
    pub async fn image(&self, places: &[&str]) -> Result<Download, FetchError> {
        let places = places.iter().map(|url| Place::of(&self.client, url, true));
        self.begun(places.collect()).await
    }

    /// Begins to fetch an image's bytes from any https host. Fails with [`FetchError`].
    pub async fn stream(&self, url: &str) -> Result<Download, FetchError> {
        self.begun(vec![Place::of(&self.client, url, false)]).await
    }

    async fn begun(&self, places: Vec<Place>) -> Result<Download, FetchError> {
        let flow = Flow::begin(self.client.clone(), places, self.image_size).await?;
        Ok(Download {
            size: flow.size(),
            served: flow.served(),
            body: ahead(flow),
        })
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Download")
            .field("size", &self.size)
            .field("served", &self.served)
            .finish_non_exhaustive()
    }
}
