//! A stream of pieces as parts of an upload: one is on its way while the next one is gathered, and what a dead run left is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use md5::{Digest, Md5};
use tokio::task::JoinSet;

use super::Run;
use super::room::{Place, Room};
use crate::domain::checksum::hex;
use crate::domain::mirror::{Begun, Part, Wish};
use crate::store::{Store, StoreError};

/// One upload.
pub struct Parts<'a> {
    store: &'a Arc<Store>,
    wish: &'a Wish<'a>,
    unfinished: &'a [Begun],
    room: &'a Arc<Room>,
    /// The size of all parts but the last.
    size: usize,
    /// The part that comes in.
    gathered: Option<Place>,
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
    pub fn new(run: Run<'a>, wish: &'a Wish<'a>, size: usize) -> Self {
        Self {
            store: run.store,
            wish,
            unfinished: run.unfinished,
            room: run.room,
            size,
            gathered: None,
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
        loop {
            let mut place = match self.gathered.take() {
                Some(place) => place,
                None => self.room.place(self.size).await.ok_or(StoreError::Ended)?,
            };
            let room = self.size - place.bytes.len();
            let end = piece.split_to(room.min(piece.len()));
            place.bytes.extend_from_slice(&end);
            self.gathered = Some(place);
            // The last part is sent when all is proven.
            if piece.is_empty() {
                return Ok(());
            }
            self.send().await?;
        }
    }

    /// Makes an object of all that came: it is proven.
    pub async fn complete(&mut self) -> Result<(), StoreError> {
        let (name, checksum) = (&self.wish.name, self.wish.checksum);
        if self.begun.is_none() {
            let Some(Place { bytes, permit }) = self.gathered.take() else {
                return self.store.put(name, Bytes::new(), checksum).await;
            };
            let whole = bytes.freeze();
            let done = self.store.put(name, whole.clone(), checksum).await;
            self.room.give_back(whole, permit);
            return done;
        }
        self.send().await?;
        self.arrived().await?;
        match &self.begun {
            Some(begun) => self.store.complete(begun, &self.whole, checksum).await,
            None => Ok(()),
        }
    }

    /// Throws away what was sent: it is of other bytes, or its place is taken.
    pub async fn abandon(mut self) {
        // What is on its way would arrive after all.
        if let Err(error) = self.arrived().await {
            tracing::debug!("{error}");
        }
        if let Some(begun) = &self.begun {
            self.throw_away(begun, self.sent).await;
        }
    }

    async fn throw_away(&self, begun: &Begun, sent: usize) {
        if let Err(error) = self.store.abandon(begun, sent).await {
            tracing::warn!("{error}; `mirror --write --prune` tries again another day");
        }
    }

    /// Sends what is gathered.
    async fn send(&mut self) -> Result<(), StoreError> {
        let Some(Place { bytes, permit }) = self.gathered.take() else {
            return Ok(());
        };
        let bytes = bytes.freeze();
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
            self.room.give_back(bytes, permit);
            return Ok(());
        }
        self.arrived().await?;
        let (store, room) = (Arc::clone(self.store), Arc::clone(self.room));
        let sent = async move {
            let part = store.put_part(&begun, number, bytes.clone()).await;
            room.give_back(bytes, permit);
            Ok((number, part?))
        };
        self.on_its_way.spawn(sent);
        Ok(())
    }

    /// Begins an upload, or goes on with the one that a dead run left. Any other of the same name is dead, and nobody would go on with it.
    async fn begin(&mut self) -> Result<Begun, StoreError> {
        let (name, checksum) = (&self.wish.name, self.wish.checksum);
        // S3 sets the mark when an upload is begun and tells nobody of it before the end, so it is the same only where the name is.
        let is_same = name.contains(checksum.hex());
        let left = self.unfinished.iter().filter(|begun| begun.name == *name);
        let left = left.filter(|_| is_same).max_by_key(|begun| begun.at);
        let begun = match (&**self.store, left) {
            (Store::S3(_), Some(left)) => left.clone(),
            _ => self.store.begin(name, checksum, self.size).await?,
        };
        let others = self.unfinished.iter().filter(|other| other.name == *name);
        for other in others.filter(|other| other.id != begun.id) {
            self.throw_away(other, 0).await;
        }
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
