//! The disk as it arrives: looked into before anyone can boot it, and sent on as it is, or converted.

use bytes::Bytes;

use super::conversion::Conversion;
use super::convert::Leaves;
use super::meter::Meter;
use super::outgoing::Outgoing;
use super::{Demand, TransferError};
use crate::domain::inspect::Inspector;
use crate::domain::packing::Packing;
use crate::domain::proof::Received;

/// Where the disk goes.
pub(super) struct Arrival {
    inspector: Option<Inspector>,
    way: Way,
}

enum Way {
    AsItIs(Outgoing),
    Converted(Conversion),
}

impl Arrival {
    /// Fails with [`TransferError`] if there is no room for a disk that has to be kept.
    pub(super) fn new(
        demand: &Demand,
        packing: Option<Packing>,
        outgoing: Outgoing,
        meter: &Meter,
    ) -> Result<Self, TransferError> {
        let inspector = demand
            .format
            .as_ref()
            .map(|format| Inspector::new(format, demand.limit));
        let way = match &demand.convert {
            None => Way::AsItIs(outgoing),
            Some(convert) => {
                // How large the disk in a packed file is, nobody knows before its end.
                let is_early = packing.is_none() && convert.leaves == Leaves::WhileItComes;
                let early = demand.length.filter(|_| is_early);
                let conversion = Conversion::begin(demand, convert, early, outgoing, meter)?;
                Way::Converted(conversion)
            }
        };
        Ok(Self { inspector, way })
    }

    /// Takes the next piece. Fails with [`TransferError`].
    pub(super) async fn take(&mut self, piece: Bytes) -> Result<(), TransferError> {
        if let Some(inspector) = &mut self.inspector {
            inspector.take(&piece)?;
        }
        match &mut self.way {
            Way::Converted(conversion) => conversion.take(piece).await,
            Way::AsItIs(outgoing) => outgoing.take(piece).await,
        }
    }

    /// Lets go of what was held back, if all of it is what was asked for. Fails with [`TransferError`].
    pub(super) async fn release(
        self,
        mut received: Received,
        demand: &Demand,
    ) -> Result<Received, TransferError> {
        demand.is_met(&received)?;
        received.inspected = self.inspector.map(Inspector::end).transpose()?;
        let mut outgoing = match self.way {
            Way::AsItIs(outgoing) => outgoing,
            Way::Converted(conversion) => {
                let (outgoing, disk) = conversion.end().await?;
                received.converted = Some(disk);
                outgoing
            }
        };
        outgoing.release().await?;
        Ok(received)
    }
}
