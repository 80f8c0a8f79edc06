//! What Glance fetched itself is looked into before anyone can boot it: of all the bytes that it has those that matter.

use anyhow::{Context as _, bail};
use futures_util::StreamExt;

use super::fetch::USE_UPLOAD;
use crate::domain::inspect::{Inspected, Inspector};
use crate::domain::packing::{self, Packing};
use crate::openstack::{Data, Image};

/// What an image has to be.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Its `disk_format`.
    pub format: &'a str,
    /// The most bytes that the guest may see.
    pub limit: u64,
}

/// Looks into the image `id`, which has `size` bytes. Where Glance gives no parts of them, all are read.
///
/// Fails if it is packed, since it was stored as it is, or nothing that anyone should boot.
pub async fn look(
    service: &Image,
    id: &str,
    size: u64,
    asked: Asked<'_>,
) -> anyhow::Result<Inspected> {
    let mut look = Look::new(asked);
    while let Some(part) = look.inspector.next(size) {
        look.inspector.leave_out_to(part.start);
        let length = part.end - part.start;
        let Some(data) = service.download_part(id, part).await? else {
            tracing::debug!("Glance gives no parts of image `{id}`, so all of it is read");
            return whole(service, id, asked).await;
        };
        let taken = look.take(data).await?;
        if taken != length {
            bail!("Glance gave {taken} bytes of image `{id}` where {length} were asked for");
        }
    }
    look.end()
}

async fn whole(service: &Image, id: &str, asked: Asked<'_>) -> anyhow::Result<Inspected> {
    let data = service.download(id).await?;
    let data = data.with_context(|| format!("Glance has no data of image `{id}`"))?;
    let mut look = Look::new(asked);
    look.take(data).await?;
    look.end()
}

/// One look at an image from its beginning.
struct Look<'a> {
    asked: Asked<'a>,
    head: Vec<u8>,
    inspector: Inspector,
}

impl<'a> Look<'a> {
    fn new(asked: Asked<'a>) -> Self {
        Self {
            asked,
            head: Vec::new(),
            inspector: Inspector::new(asked.format, asked.limit),
        }
    }

    /// Takes what comes; gives how much it was.
    async fn take(&mut self, mut data: Data) -> anyhow::Result<u64> {
        let mut taken = 0;
        while let Some(piece) = data.next().await {
            let piece = piece?;
            taken += piece.len() as u64;
            let room = packing::HEAD - self.head.len();
            self.head.extend_from_slice(&piece[..room.min(piece.len())]);
            if self.head.len() == packing::HEAD {
                self.is_not_packed()?;
            }
            self.inspector.take(&piece)?;
        }
        Ok(taken)
    }

    fn end(self) -> anyhow::Result<Inspected> {
        self.is_not_packed()?;
        Ok(self.inspector.end()?)
    }

    /// A packed file with the right digest is still no disk.
    fn is_not_packed(&self) -> anyhow::Result<()> {
        match Packing::of(&self.head) {
            Some(packing) if !packing::is_packed_by_nature(self.asked.format) => {
                bail!("it is packed ({packing}), {USE_UPLOAD}")
            }
            _ => Ok(()),
        }
    }
}
