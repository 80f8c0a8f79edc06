//! The plain upload: data goes into a store, and the image is active.

use bytes::Bytes;
use futures_util::Stream;

use super::data::{Cause, To};
use super::error::Error;
use super::image::Image;

impl Image {
    /// Sends the data of a queued image, of `size` bytes if that is known, into the cloud's default store.
    /// Afterwards it is active.
    ///
    /// An error in `data` breaks the upload off: Glance then has no complete image, and it stays queued.
    /// A 401 has renewed the token when this returns: the whole upload may be tried again.
    pub async fn upload<S, E>(&self, id: &str, size: Option<u64>, data: S) -> Result<(), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Cause> + 'static,
    {
        self.send_data(id, To::Store(None), size, data).await
    }

    /// The same into a store that is named. One that the cloud has not is a 400.
    pub async fn upload_into<S, E>(
        &self,
        id: &str,
        store: Option<&str>,
        size: Option<u64>,
        data: S,
    ) -> Result<(), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Cause> + 'static,
    {
        self.send_data(id, To::Store(store), size, data).await
    }
}
