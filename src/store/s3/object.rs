//! Calls about one object.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::{Method, StatusCode};

use super::S3;
use super::ask::{Ask, mark};
use super::remedy::refusal;
use super::sending::{accepted, is_of_the_way, unreachable};
use crate::domain::checksum::Checksum;
use crate::domain::mirror::Stored;
use crate::store::STALLED;
use crate::store::error::StoreError;
use crate::store::patience::{Patience, is_passing};

impl S3 {
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

    /// Writes a whole object that fits into memory, where there is none.
    pub async fn put(
        &self,
        name: &str,
        bytes: Bytes,
        checksum: &Checksum,
    ) -> Result<(), StoreError> {
        let mut ask = Ask::new(Method::PUT, self.key(name), format!("write `{name}`"));
        ask.body = bytes;
        self.made(ask.marked(checksum)).await.map(drop)
    }

    /// Removes an object; it is no error if it is gone.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let ask = Ask::new(Method::DELETE, self.key(name), format!("remove `{name}`"));
        self.gone(&ask).await
    }
}
