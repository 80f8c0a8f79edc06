//! Two levels of tables → what the disk is made of, in its order. Tables are read in pieces, each when its turn comes.

use super::Qcow2Error;
use super::packed::Stretch;
use super::source::{Missing, Source};
use super::words::Words;
use crate::domain::inspect::qcow2::Header;

/// Neighbours are told as one up to this size, so that nobody waits for the tables of a whole disk.
const LONGEST: u64 = 16 << 20;

/// The place in a table's entry. Bit 63 says that nobody else uses it, which only writers need.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const L1_RESERVED: u64 = 0x7f00_0000_0000_01ff;
const L2_RESERVED: u64 = 0x3f00_0000_0000_01fe;
/// Of an entry of L2: reads as zeros, whatever is at its place.
const ZERO: u64 = 1;
/// Of an entry of L2: is packed.
const PACKED: u64 = 1 << 62;

/// Some of the disk that is made of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Where on the disk.
    pub at: u64,
    /// How long.
    pub size: u64,
    /// What it is made of.
    pub place: Place,
}

/// Where bytes of the disk come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: they are zeros.
    Zero,
    /// As they are in the file.
    Plain { offset: u64 },
    /// From a packed cluster.
    Packed(Stretch),
}

/// What the tables say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// What comes next.
    Extent(Extent),
    /// Nothing: that was the disk.
    End,
    /// The table that says it has not come yet.
    Missing,
}

impl Extent {
    /// Whether `next` is more of the same.
    fn goes_on_in(&self, next: &Self) -> bool {
        match (self.place, next.place) {
            (Place::Zero, Place::Zero) => true,
            (Place::Plain { offset }, Place::Plain { offset: following }) => {
                self.size < LONGEST && offset + self.size == following
            }
            _ => false,
        }
    }
}

/// The tables, and how far they were followed.
pub(super) struct Walk {
    header: Header,
    l1: Words,
    l2: Words,
    at: u64,
    /// What was looked at and did not belong to the extent before.
    next: Option<Extent>,
}

impl Walk {
    pub const fn new(header: Header) -> Self {
        Self {
            header,
            l1: Words::new(),
            l2: Words::new(),
            at: 0,
            next: None,
        }
    }

    /// The next extent, as long as it goes by the tables that are there. `missing` is what to do about the table of its
    /// beginning. Fails with [`Qcow2Error`].
    pub fn extent(&mut self, source: &Source, missing: Missing) -> Result<Found, Qcow2Error> {
        let first = match self.next.take() {
            Some(next) => Found::Extent(next),
            None => self.step(source, missing)?,
        };
        let Found::Extent(mut extent) = first else {
            return Ok(first);
        };
        // What goes on in a table that has not come is told later as an extent of its own.
        while let Found::Extent(next) = self.step(source, Missing::Told)? {
            if !extent.goes_on_in(&next) {
                self.next = Some(next);
                break;
            }
            extent.size += next.size;
        }
        Ok(Found::Extent(extent))
    }

    /// The next cluster or subcluster, or all that have no table. Fails with [`Qcow2Error`].
    fn step(&mut self, source: &Source, missing: Missing) -> Result<Found, Qcow2Error> {
        let (at, size) = (self.at, self.header.virtual_size());
        if at >= size {
            return Ok(Found::End);
        }
        let cluster = self.cluster();
        let entry_size = if self.header.has_subclusters() { 16 } else { 8 };
        let per_table = cluster / entry_size;
        let (number, within) = (at / cluster, at % cluster);
        let (table, index) = (number / per_table, number % per_table);
        let l1_end = self.header.l1_offset() + size.div_ceil(cluster * per_table) * 8;
        let l1_entry_at = self.header.l1_offset() + table * 8;
        let Some(l1_entry) = self.l1.word(source, l1_entry_at, l1_end, missing)? else {
            return Ok(Found::Missing);
        };
        let (place, length) = match self.table_at(source, l1_entry)? {
            // It is its beginning, since all of it is told at once.
            None => (Place::Zero, per_table * cluster),
            Some(l2) => {
                let entry_at = l2 + index * entry_size;
                let end = l2 + cluster;
                let Some(entry) = self.l2.word(source, entry_at, end, missing)? else {
                    return Ok(Found::Missing);
                };
                if self.header.has_subclusters() {
                    let bitmap = self.l2.word(source, entry_at + 8, end, missing)?;
                    let Some(bitmap) = bitmap else {
                        return Ok(Found::Missing);
                    };
                    self.subcluster(source, entry, bitmap, within)?
                } else {
                    (self.cluster_at(source, entry)?, cluster)
                }
            }
        };
        // The last one may be longer than the disk.
        let length = length.min(size - at);
        self.at = at + length;
        Ok(Found::Extent(Extent {
            at,
            size: length,
            place,
        }))
    }

    const fn cluster(&self) -> u64 {
        1 << self.header.cluster_bits()
    }

    /// Where the L2 table is, if there is one. Fails with [`Qcow2Error`].
    fn table_at(&self, source: &Source, entry: u64) -> Result<Option<u64>, Qcow2Error> {
        self.has_none_of(L1_RESERVED, "L1", entry)?;
        let offset = entry & OFFSET;
        if offset == 0 {
            return Ok(None);
        }
        self.is_aligned("L2 table", offset)?;
        self.is_inside(source, "L2 table", offset, self.cluster())?;
        Ok(Some(offset))
    }

    /// Where a cluster is without subclusters. Fails with [`Qcow2Error`].
    fn cluster_at(&self, source: &Source, entry: u64) -> Result<Place, Qcow2Error> {
        if entry & PACKED != 0 {
            return self.packed(source, entry);
        }
        // Version 2 has no such bit.
        let zero = if self.header.version() == 2 { ZERO } else { 0 };
        self.has_none_of(L2_RESERVED | zero, "L2", entry)?;
        let offset = entry & OFFSET;
        self.is_aligned("data", offset)?;
        if entry & ZERO != 0 || offset == 0 {
            return Ok(Place::Zero);
        }
        self.is_inside(source, "data", offset, 1)?;
        Ok(Place::Plain { offset })
    }

    /// Where the subcluster is that begins at byte `within` of its cluster, and how long it is.
    ///
    /// Fails with [`Qcow2Error`].
    fn subcluster(
        &self,
        source: &Source,
        entry: u64,
        bitmap: u64,
        within: u64,
    ) -> Result<(Place, u64), Qcow2Error> {
        let contradiction = || Qcow2Error::Subclusters {
            at: self.at,
            entry,
            bitmap,
        };
        if entry & PACKED != 0 {
            if bitmap != 0 {
                return Err(contradiction());
            }
            return Ok((self.packed(source, entry)?, self.cluster()));
        }
        self.has_none_of(L2_RESERVED | ZERO, "L2", entry)?;
        let offset = entry & OFFSET;
        self.is_aligned("data", offset)?;
        let (is_there, is_zero) = (bitmap & 0xffff_ffff, bitmap >> 32);
        if is_there & is_zero != 0 || (offset == 0 && is_there != 0) {
            return Err(contradiction());
        }
        let size = self.cluster() / 32;
        let bit = 1 << (within / size);
        if is_there & bit == 0 {
            return Ok((Place::Zero, size));
        }
        self.is_inside(source, "data", offset, 1)?;
        let offset = offset + within;
        Ok((Place::Plain { offset }, size))
    }

    /// Where a packed cluster is. Fails with [`Qcow2Error`].
    fn packed(&self, source: &Source, entry: u64) -> Result<Place, Qcow2Error> {
        // The larger the clusters, the more bits say how many sectors it may reach into, beside its first one.
        let count_bits = self.header.cluster_bits() - 8;
        let offset_bits = 62 - count_bits;
        let offset = entry & ((1 << offset_bits) - 1);
        let further = (entry >> offset_bits) & ((1 << count_bits) - 1);
        self.is_inside(source, "packed data", offset, 1)?;
        let length = (further + 1) * 512 - offset % 512;
        let stretch = Stretch {
            offset,
            length: source.within(offset, length),
        };
        Ok(Place::Packed(stretch))
    }

    fn has_none_of(&self, bits: u64, table: &'static str, entry: u64) -> Result<(), Qcow2Error> {
        if entry & bits == 0 {
            return Ok(());
        }
        Err(Qcow2Error::Reserved {
            table,
            at: self.at,
            entry,
        })
    }

    const fn is_aligned(&self, what: &'static str, offset: u64) -> Result<(), Qcow2Error> {
        if offset.is_multiple_of(self.cluster()) {
            return Ok(());
        }
        Err(Qcow2Error::Unaligned {
            what,
            at: self.at,
            offset,
            cluster: self.cluster(),
        })
    }

    fn is_inside(
        &self,
        source: &Source,
        what: &'static str,
        offset: u64,
        length: u64,
    ) -> Result<(), Qcow2Error> {
        if source.within(offset, length) == length {
            return Ok(());
        }
        Err(Qcow2Error::Outside {
            what,
            at: self.at,
            offset,
            file_size: source.size(),
        })
    }
}
