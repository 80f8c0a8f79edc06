//! The way of one image's bytes from its upstream through all that is asked of them, for one cloud or for several.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::mpsc;

use super::Run;
use crate::domain::checksum::Algorithm;
use crate::domain::definition::Definition;
use crate::domain::packing;
use crate::domain::proof::Received;
use crate::transfer::{
    self, Convert, Demand, Guarded, Leaves, Meter, Piece, Progress, Sends, Tee, TransferError,
    Unpacking, Want,
};
use crate::upstream::Attestation;
use crate::upstream::fetch::Served;

/// The way of one image's bytes.
pub struct Road<'a> {
    pub run: Run<'a>,
    /// What people call the transfer.
    pub label: String,
    /// Where the bytes are fetched, the first place first.
    pub places: Vec<&'a str>,
    pub definition: &'a Definition,
    /// The `disk_format` in which they are stored.
    pub disk_format: &'a str,
    pub attestation: Attestation,
}

/// What became of all bytes of a transfer, for everybody who takes them.
pub type Verdict = Shared<BoxFuture<'static, Result<Received, Arc<TransferError>>>>;

/// Bytes on their way to one cloud.
#[derive(Debug)]
pub struct Begun {
    /// They; the last of them comes only when all are proven.
    pub body: mpsc::Receiver<Piece>,
    /// How many there are, if that is known.
    pub size: Option<u64>,
    /// What became of them.
    pub verdict: Verdict,
    /// The place at which they were begun.
    pub place: usize,
    /// Which places gave them, counted from that one.
    pub served: Served,
    /// Whether they are of a disk that is converted, and leave while it still comes.
    pub is_early: bool,
    /// How they came.
    pub meter: Meter,
}

impl Road<'_> {
    /// Whether there is a place with this number.
    pub fn has(&self, place: usize) -> bool {
        place < self.places.len()
    }

    /// Begins to fetch the bytes, at a place or where that has wrong ones at the next.
    pub async fn open(&self, place: usize) -> anyhow::Result<Begun> {
        self.open_from(place, Leaves::WhileItComes).await
    }

    /// The same, and where they are converted nothing leaves before all of them are here.
    pub async fn open_whole(&self, place: usize) -> anyhow::Result<Begun> {
        self.open_from(place, Leaves::WhenProven).await
    }

    async fn open_from(&self, mut place: usize, leaves: Leaves) -> anyhow::Result<Begun> {
        loop {
            let mut next = place + 1;
            let error = match self.open_at(place, leaves, &mut next).await {
                Ok(begun) => return Ok(begun),
                Err(error) => error,
            };
            if !is_of_the_bytes(&error) || !self.has(next) {
                return Err(error);
            }
            tracing::warn!("{error:#}; trying the next place");
            place = next;
        }
    }

    /// Begins to fetch the bytes; one that says it is too large is not begun. `next`: where to go on if they are wrong.
    async fn open_at(
        &self,
        place: usize,
        leaves: Leaves,
        next: &mut usize,
    ) -> anyhow::Result<Begun> {
        let places = self.places.get(place..).unwrap_or_default();
        let download = self.run.upstream.image(places).await?;
        let served = download.served;
        let limit = self.run.settings.limits.image_size;
        if let Some(size) = download.size.filter(|size| *size > limit) {
            bail!("{served} has {size} bytes; the setting `limits.image_size` allows {limit}");
        }
        let progress = Progress::new(self.label.clone(), download.size);
        let mut demand = self.demand(limit, download.size);
        if let Some(convert) = &mut demand.convert {
            convert.leaves = leaves;
        }
        let guarded = transfer::guard(download.body, demand, progress).await;
        *next = place + served.next_place();
        let guarded = guarded.with_context(|| format!("{served} was not uploaded"))?;
        let Guarded {
            sends,
            body,
            verdict,
            meter,
        } = guarded;
        let verdict = async move {
            let verdict = verdict.await;
            verdict
                .unwrap_or(Err(TransferError::Hashing))
                .map_err(Arc::new)
        };
        Ok(Begun {
            body,
            size: sends.size(download.size),
            verdict: verdict.boxed().shared(),
            place,
            served,
            is_early: matches!(sends, Sends::Converted(_)) && leaves == Leaves::WhileItComes,
            meter,
        })
    }

    /// Parts the bytes among so many.
    pub fn part(&self, begun: Begun, takers: usize) -> Vec<Begun> {
        if takers == 1 {
            return vec![begun];
        }
        tracing::info!("{}: fetched once for {takers} clouds", self.label);
        let tee = Tee::new(self.run.settings.spool.clone());
        let bodies = tee.part(begun.body, takers).into_iter();
        let begun = bodies.map(|body| Begun {
            body,
            size: begun.size,
            verdict: begun.verdict.clone(),
            place: begun.place,
            served: begun.served.clone(),
            is_early: begun.is_early,
            meter: begun.meter.clone(),
        });
        begun.collect()
    }

    /// What is asked of the bytes before the last of them leaves.
    pub fn demand(&self, limit: u64, size: Option<u64>) -> Demand {
        let Attestation {
            attested,
            signature,
            member,
            ..
        } = &self.attestation;
        let format = &self.definition.format;
        let expect = |checksum: &_| Want::Expect(Clone::clone(checksum));
        Demand {
            file: attested.checksums().map(expect).collect(),
            disk: attested.disk().map(expect),
            unpacking: if packing::is_packed_by_nature(format) {
                Unpacking::Never
            } else {
                Unpacking::IfPacked
            },
            member: member.clone(),
            signature: signature.clone(),
            // Glance's own digest over what it stores is compared with it.
            stored: Some(Algorithm::Sha512),
            length: size,
            limit,
            format: Some(format.clone()),
            convert: (self.disk_format != format).then(|| Convert {
                spool: self.run.settings.spool.clone(),
                leaves: Leaves::WhileItComes,
            }),
        }
    }
}

/// Whether it is the bytes that were wrong, so that another place may have better ones.
pub fn is_of_the_bytes(error: &anyhow::Error) -> bool {
    let shared = error.downcast_ref::<Arc<TransferError>>();
    let error = shared.map(AsRef::as_ref).or(error.downcast_ref());
    error.is_some_and(TransferError::is_of_the_bytes)
}
