//! A disk that comes in one form and leaves in another. It is kept in a file, since its tables point anywhere in it; each
//! piece leaves as soon as what it is made of is there, the last one when all is proven.

use std::collections::BTreeSet;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::convert::{Convert, Converted, Spooling};
use super::hash::Hashers;
use super::meter::Meter;
use super::outgoing::Outgoing;
use super::{Demand, TransferError};
use crate::domain::checksum::Algorithm;
use crate::domain::proof::Measured;

/// The way out, with the last piece in the hand, and what was measured of all pieces.
type Passed = (Outgoing, Measured);

/// Whoever lets pieces leave.
type Passing = JoinSet<Result<Passed, TransferError>>;

/// How far it is.
enum State {
    /// Nothing has left.
    Kept(Outgoing),
    /// Pieces leave. Whoever drops it ends that.
    Passes(Passing),
    /// All but the last have left.
    Passed(Passed),
}

/// One disk on its way.
pub(super) struct Conversion {
    spooling: Spooling,
    state: Option<State>,
    /// What the file has, if that is known before.
    size: Option<u64>,
    /// The most bytes of the disk.
    limit: u64,
    /// Which digests are computed over the disk.
    algorithms: BTreeSet<Algorithm>,
    meter: Meter,
}

impl Conversion {
    /// `size`: what the file will have; nothing says that pieces leave only when all of it is there.
    ///
    /// Fails with [`TransferError`] if there is no room for the file.
    pub(super) fn begin(
        demand: &Demand,
        convert: &Convert,
        size: Option<u64>,
        outgoing: Outgoing,
        meter: &Meter,
    ) -> Result<Self, TransferError> {
        Ok(Self {
            spooling: Spooling::begin(&convert.spool, demand.length, meter)?,
            state: Some(State::Kept(outgoing)),
            size,
            limit: demand.limit,
            algorithms: demand.stored.into_iter().collect(),
            meter: meter.clone(),
        })
    }

    /// Takes the next piece of the file. Fails with [`TransferError`], also if what has come cannot be converted.
    pub(super) async fn take(&mut self, piece: Bytes) -> Result<(), TransferError> {
        self.spooling.take(piece).await?;
        self.state = match self.state.take() {
            Some(State::Kept(outgoing)) => Some(match self.size {
                Some(size) => State::Passes(self.pass(outgoing, size)),
                None => State::Kept(outgoing),
            }),
            Some(State::Passes(mut passing)) => Some(match passing.try_join_next() {
                Some(passed) => State::Passed(passed.map_err(|_| TransferError::Hashing)??),
                None => State::Passes(passing),
            }),
            other => other,
        };
        Ok(())
    }

    /// All of the file is there: gives the way out when all pieces but the last have left. Fails with [`TransferError`].
    pub(super) async fn end(mut self) -> Result<Passed, TransferError> {
        let state = self.state.take();
        let written = self.spooling.finish().await?;
        let mut passing = match state {
            Some(State::Passed(passed)) => return Ok(passed),
            Some(State::Passes(passing)) => passing,
            Some(State::Kept(outgoing)) => self.pass(outgoing, written),
            None => return Err(TransferError::Hashing),
        };
        let passed = passing.join_next().await.ok_or(TransferError::Hashing)?;
        passed.map_err(|_| TransferError::Hashing)?
    }

    /// Begins to let pieces leave, of a file that has `size` bytes in the end.
    fn pass(&self, mut outgoing: Outgoing, size: u64) -> Passing {
        let file = self.spooling.reader();
        let (limit, meter) = (self.limit, self.meter.clone());
        let algorithms = self.algorithms.clone();
        let mut passing = JoinSet::new();
        passing.spawn(async move {
            let mut hashers = Hashers::start(&algorithms, None, &meter)?;
            let disk = Converted::begin(file?, size, limit, &meter).await?;
            outgoing.begin(disk.sends());
            disk.pass(&mut hashers, &mut outgoing).await?;
            Ok((outgoing, hashers.end().await?.0))
        });
        passing
    }
}

#[cfg(test)]
mod tests;
