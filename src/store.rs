//! Object stores: S3 and what speaks like it, and Swift by a cloud's own login. Knows how, never whether.
//!
//! An object is visible only when it is whole: parts are written first, and one call makes an object of them. What a dead run left
//! of them is found again, and used or thrown away. Every object that is written bears a mark: the digest that was proven.

mod error;
mod patience;
mod s3;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use crate::domain::checksum::Checksum;
use crate::domain::mirror::{Begun, Object, Offer, Part, Stored};
use crate::openstack::Objects;
pub use error::StoreError;
pub use s3::S3;

/// The name of the mark among an object's metadata; its value is the digest.
pub const MARK: &str = "reglaze-checksum";

/// A call of which nothing moves for so long is given up.
const STALLED: Duration = Duration::from_mins(2);

/// A place for the mirror's objects.
#[derive(Debug)]
pub enum Store {
    /// A bucket.
    S3(Box<S3>),
    /// A container.
    Swift(Box<Objects>),
}

impl Store {
    /// How it takes what is large.
    pub async fn offer(&self) -> Result<Offer, StoreError> {
        match self {
            Self::S3(s3) => Ok(s3.offer().await),
            Self::Swift(swift) => Ok(swift.offer().await?),
        }
    }

    /// All objects of the mirror.
    pub async fn list(&self) -> Result<Vec<Object>, StoreError> {
        match self {
            Self::S3(s3) => s3.list().await,
            Self::Swift(swift) => Ok(swift.list().await?),
        }
    }

    /// What the store says of one object; nothing if it is not there.
    pub async fn look(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        match self {
            Self::S3(s3) => s3.look(name).await,
            Self::Swift(swift) => Ok(swift.look(name, MARK).await?),
        }
    }

    /// Begins to read an object.
    pub async fn read(
        &self,
        name: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        match self {
            Self::S3(s3) => s3.read(name).await,
            Self::Swift(swift) => Ok(swift.read(name).await?.map_err(StoreError::from).boxed()),
        }
    }

    /// Writes a whole object that fits into memory, where there is none.
    pub async fn put(
        &self,
        name: &str,
        bytes: Bytes,
        checksum: &Checksum,
    ) -> Result<(), StoreError> {
        if self.is_done(name, checksum).await? {
            return Ok(());
        }
        let done = match self {
            Self::S3(s3) => s3.put(name, bytes, checksum).await,
            Self::Swift(swift) => swift
                .put(name, bytes, (MARK, checksum))
                .await
                .map_err(StoreError::from),
        };
        self.settled(name, checksum, done).await
    }

    /// Writes a whole object where there is none, as it comes, of `size` bytes if that is known; an error among the pieces leaves nothing of it.
    pub async fn put_stream(
        &self,
        name: &str,
        size: Option<u64>,
        pieces: mpsc::Receiver<Result<Bytes, std::io::Error>>,
        checksum: &Checksum,
    ) -> Result<(), StoreError> {
        match self {
            // Its offer says that it makes objects of parts.
            Self::S3(_) => Err(StoreError::InParts),
            Self::Swift(swift) => {
                let pieces = stream::unfold(pieces, |mut pieces| async {
                    Some((pieces.recv().await?, pieces))
                });
                let done = swift.put_stream(name, size, pieces, (MARK, checksum)).await;
                self.settled(name, checksum, done.map_err(StoreError::from))
                    .await
            }
        }
    }

    /// Removes an object, with its segments if it has some; it is no error if it is gone.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        match self {
            Self::S3(s3) => s3.remove(name).await,
            Self::Swift(swift) => Ok(swift.remove(name).await?),
        }
    }

    /// The uploads that were begun and never completed.
    pub async fn unfinished(&self) -> Result<Vec<Begun>, StoreError> {
        match self {
            Self::S3(s3) => s3.unfinished().await,
            Self::Swift(swift) => Ok(swift.unfinished().await?),
        }
    }

    /// Begins an upload in parts of `part` bytes; in Swift it is the one that was begun before, if any.
    pub async fn begin(
        &self,
        name: &str,
        checksum: &Checksum,
        part: usize,
    ) -> Result<Begun, StoreError> {
        match self {
            Self::S3(s3) => s3.begin(name, checksum).await,
            Self::Swift(swift) => Ok(swift.begin(name, checksum, part)),
        }
    }

    /// The parts of an upload that lie there, by number from 1.
    pub async fn parts(&self, begun: &Begun) -> Result<BTreeMap<usize, Part>, StoreError> {
        match self {
            Self::S3(s3) => s3.parts(begun).await,
            Self::Swift(swift) => Ok(swift.parts(begun).await?),
        }
    }

    /// Writes one part; gives it as the store knows it.
    pub async fn put_part(
        &self,
        begun: &Begun,
        number: usize,
        bytes: Bytes,
    ) -> Result<Part, StoreError> {
        match self {
            Self::S3(s3) => s3.put_part(begun, number, bytes).await,
            Self::Swift(swift) => Ok(swift.put_part(begun, number, bytes).await?),
        }
    }

    /// Makes an object of the parts, where there is none. From now on it is visible.
    pub async fn complete(
        &self,
        begun: &Begun,
        parts: &BTreeMap<usize, Part>,
        checksum: &Checksum,
    ) -> Result<(), StoreError> {
        if self.is_done(&begun.name, checksum).await? {
            // In Swift the object may be made of these very segments.
            if let Self::S3(s3) = self {
                s3.abandon(begun).await?;
            }
            return Ok(());
        }
        let done = match self {
            Self::S3(s3) => s3.complete(begun, parts).await,
            Self::Swift(swift) => swift
                .complete(begun, parts, (MARK, checksum))
                .await
                .map_err(StoreError::from),
        };
        self.settled(&begun.name, checksum, done).await
    }

    /// Whether the object is there already and bears this digest: another run was faster, or an answer to this one was lost.
    /// Any other that is there is an error.
    ///
    /// Asked right before an object becomes visible, for stores that take no condition; the others see to the moment in between.
    async fn is_done(&self, name: &str, checksum: &Checksum) -> Result<bool, StoreError> {
        match self.look(name).await? {
            None => Ok(false),
            Some(stored) if stored.checksum.as_ref() == Some(checksum) => Ok(true),
            Some(_) => Err(StoreError::Taken {
                name: name.to_owned(),
            }),
        }
    }

    /// What came of a call that makes an object visible where there is none.
    async fn settled(
        &self,
        name: &str,
        checksum: &Checksum,
        done: Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match done {
            Err(error) if error.is_late() => {
                if self.is_done(name, checksum).await? {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            done => done,
        }
    }

    /// Throws away an upload and its parts, also the first `sent` that a list does not show yet; it is no error if it is gone.
    pub async fn abandon(&self, begun: &Begun, sent: usize) -> Result<(), StoreError> {
        match self {
            Self::S3(s3) => s3.abandon(begun).await,
            Self::Swift(swift) => Ok(swift.abandon(begun, sent).await?),
        }
    }
}
