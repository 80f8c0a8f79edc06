//! The disk as it arrives: looked into before anyone can boot it, and sent on at once, or kept until it can be converted.

use bytes::Bytes;

use super::convert::{Converted, Spooling};
use super::hash::Hashers;
use super::meter::Meter;
use super::outgoing::Outgoing;
use super::{Demand, TransferError};
use crate::domain::inspect::Inspector;
use crate::domain::proof::Received;

/// Where the disk goes.
pub(super) struct Arrival {
    inspector: Option<Inspector>,
    outgoing: Outgoing,
    spooling: Option<Spooling>,
    meter: Meter,
}

impl Arrival {
    /// Fails with [`TransferError`] if there is no room for a disk that has to be kept.
    pub(super) fn new(
        demand: &Demand,
        outgoing: Outgoing,
        meter: &Meter,
    ) -> Result<Self, TransferError> {
        let inspector = demand
            .format
            .as_ref()
            .map(|format| Inspector::new(format, demand.limit));
        let spooling = demand
            .convert
            .as_ref()
            .map(|convert| Spooling::begin(convert, meter))
            .transpose()?;
        Ok(Self {
            inspector,
            outgoing,
            spooling,
            meter: meter.clone(),
        })
    }

    /// Takes the next piece. Fails with [`TransferError`].
    pub(super) async fn take(&mut self, piece: Bytes) -> Result<(), TransferError> {
        if let Some(inspector) = &mut self.inspector {
            inspector.take(&piece)?;
        }
        match &mut self.spooling {
            Some(spooling) => spooling.take(piece).await,
            None => self.outgoing.take(piece).await,
        }
    }

    /// Lets go of what was held back, if all of it is what was asked for. Fails with [`TransferError`].
    pub(super) async fn release(
        mut self,
        mut received: Received,
        demand: &Demand,
    ) -> Result<Received, TransferError> {
        demand.is_met(&received)?;
        received.inspected = self.inspector.map(Inspector::end).transpose()?;
        if let Some(spooling) = self.spooling {
            let mut hashers =
                Hashers::start(&demand.stored.into_iter().collect(), None, &self.meter)?;
            let file = spooling.end().await?;
            let disk = Converted::begin(file, demand.limit, &self.meter).await?;
            self.outgoing.begin(disk.sends());
            disk.pass(&mut hashers, &mut self.outgoing).await?;
            received.converted = Some(hashers.end().await?.0);
        }
        self.outgoing.release().await?;
        Ok(received)
    }
}
