//! A stream of pieces as parts of an upload: one is on its way while the next one is gathered, and what a dead run left is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};
use tokio::task::JoinSet;

use crate::domain::checksum::hex;
use crate::domain::mirror::{Begun, Part, Wish};
use crate::store::{Store, StoreError};

/// One upload.
pub struct Parts<'a> {
    store: &'a Arc<Store>,
    wish: &'a Wish<'a>,
    unfinished: &'a [Begun],
    /// The size of all parts but the last.
    size: usize,
    gathered: BytesMut,
    begun: Option<Begun>,
    /// What lies there from a run before.
    there: BTreeMap<usize, Part>,
    /// What the object consists of.
    whole: BTreeMap<usize, Part>,
    on_its_way: JoinSet<Result<(usize, Part), StoreError>>,
    sent: usize,
}

impl<'a> Parts<'a> {
    /// Nothing is begun before there is more than one part.
    pub fn new(
        store: &'a Arc<Store>,
        wish: &'a Wish<'a>,
        unfinished: &'a [Begun],
        size: usize,
    ) -> Self {
        Self {
            store,
            wish,
            unfinished,
            size,
            gathered: BytesMut::new(),
            begun: None,
            there: BTreeMap::new(),
            whole: BTreeMap::new(),
            on_its_way: JoinSet::new(),
            sent: 0,
        }
    }

    /// Takes the next piece.
    pub async fn take(&mut self, piece: &Bytes) -> Result<(), StoreError> {
        let mut piece = piece.clone();
        while self.gathered.len() + piece.len() > self.size {
            let room = self.size - self.gathered.len();
            self.gathered.extend_from_slice(&piece.split_to(room));
            let part = self.gathered.split().freeze();
            self.send(part).await?;
        }
        self.gathered.extend_from_slice(&piece);
        Ok(())
    }

    /// Makes an object of all that came: it is proven.
    pub async fn complete(mut self) -> Result<(), StoreError> {
        let last = self.gathered.split().freeze();
        let (name, checksum) = (&self.wish.name, self.wish.checksum);
        if self.begun.is_none() {
            return self.store.put(name, last, checksum).await;
        }
        self.send(last).await?;
        self.arrived().await?;
        match &self.begun {
            Some(begun) => self.store.complete(begun, &self.whole, checksum).await,
            None => Ok(()),
        }
    }

    /// Throws away what was sent: it is of other bytes.
    pub async fn abandon(mut self) {
        // What is on its way would arrive after all.
        if let Err(error) = self.arrived().await {
            tracing::debug!("{error}");
        }
        if let Some(begun) = &self.begun
            && let Err(error) = self.store.abandon(begun, self.sent).await
        {
            tracing::warn!("{error}; `mirror --write --prune` tries again another day");
        }
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        let begun = if let Some(begun) = &self.begun {
            begun.clone()
        } else {
            let begun = self.begin().await?;
            self.begun.insert(begun).clone()
        };
        self.sent += 1;
        let number = self.sent;
        let part = Part {
            tag: hex(&Md5::digest(&bytes)),
            size: bytes.len() as u64,
        };
        if self.there.get(&number) == Some(&part) {
            self.whole.insert(number, part);
            return Ok(());
        }
        self.arrived().await?;
        let store = Arc::clone(self.store);
        let sent = async move { Ok((number, store.put_part(&begun, number, bytes).await?)) };
        self.on_its_way.spawn(sent);
        Ok(())
    }

    /// Begins an upload, or goes on with the one that a dead run left.
    async fn begin(&mut self) -> Result<Begun, StoreError> {
        let (name, checksum) = (&self.wish.name, self.wish.checksum);
        // Its mark was set when it was begun, so it is of the same digest only where the name is.
        let is_same = name.contains(checksum.hex());
        let left = self.unfinished.iter().filter(|begun| begun.name == *name);
        let left = left.filter(|_| is_same).max_by_key(|begun| begun.at);
        let begun = match (&**self.store, left) {
            (Store::S3(_), Some(left)) => left.clone(),
            _ => self.store.begin(name, checksum, self.size).await?,
        };
        self.there = match self.store.parts(&begun).await {
            Ok(there) => there,
            // Another run has completed or abandoned it meanwhile.
            Err(error) if error.is_gone() => {
                let begun = self.store.begin(name, checksum, self.size).await?;
                self.there = BTreeMap::new();
                return Ok(begun);
            }
            Err(error) => return Err(error),
        };
        if !self.there.is_empty() {
            tracing::info!(
                "`{name}`: {} parts are in the store from a run before",
                self.there.len()
            );
        }
        Ok(begun)
    }

    /// Waits until no part is on its way.
    async fn arrived(&mut self) -> Result<(), StoreError> {
        while let Some(sent) = self.on_its_way.join_next().await {
            let (number, part) = sent.unwrap_or_else(|_| Err(StoreError::Ended))?;
            self.whole.insert(number, part);
        }
        Ok(())
    }
}
