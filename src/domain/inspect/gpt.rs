//! The partition table of UEFI: its two headers and its entries, held against their sums and the size of the disk.
//!
//! <https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html>. The header is read at the beginning, its
//! backup where the header says that it lies: disks that were made larger later have it before their end.

use super::fields::Fields;
use super::sums::crc32;
use super::{Refusal, Region, to_usize};

const MAGIC: &[u8] = b"EFI PART";

/// What a header has at least.
const LENGTH: usize = 92;

/// What one entry has at least.
const ENTRY: u32 = 128;

/// Where a GPT was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The size of a sector, which is also where the header lies.
    sector: u64,
}

/// A header whose sum is right.
#[derive(Debug)]
pub(super) struct Header {
    sector: u64,
    own: u64,
    other: u64,
    first: u64,
    last: u64,
    id: [u8; 16],
    entries: u64,
    count: u32,
    length: u32,
    sum: u32,
}

impl Place {
    /// The GPT of a disk that begins like this.
    pub(super) fn find(head: &[u8]) -> Option<Self> {
        [512_usize, 1024, 2048, 4096]
            .into_iter()
            .find(|sector| {
                head.get(*sector..)
                    .is_some_and(|head| head.starts_with(MAGIC))
            })
            .map(|sector| Self {
                sector: sector as u64,
            })
    }

    /// Its header. Fails with [`Refusal`].
    pub(super) fn header(self, head: &[u8]) -> Result<Header, Refusal> {
        let start = to_usize(self.sector);
        let sector = head.get(start..).unwrap_or_default();
        let header = Header::parse(
            &sector[..start.min(sector.len())],
            self.sector,
            "gpt-header",
        )?;
        if header.own != 1 {
            return Err(Refusal::damaged(
                "gpt-header",
                format!("its GPT says that it lies in sector {}", header.own),
                "sector 1",
            ));
        }
        header.check_entries(head)?;
        Ok(header)
    }
}

impl Header {
    fn parse(bytes: &[u8], sector: u64, rule: &'static str) -> Result<Self, Refusal> {
        let which = if rule == "gpt-header" {
            "GPT"
        } else {
            "second GPT"
        };
        let fields = Fields::new("raw", bytes);
        let length = fields.le32(12)? as usize;
        if length < LENGTH || length as u64 > sector {
            return Err(Refusal::damaged(
                rule,
                format!("the header of its {which} is {length} bytes long"),
                format!("{LENGTH} to {sector}"),
            ));
        }
        let header = fields.slice(0, length)?;
        let sum = crc32(&[&header[..16], &[0; 4], &header[20..]]);
        if fields.le32(16)? != sum {
            return Err(Refusal::damaged(
                rule,
                format!("the header of its {which} has another CRC than it says"),
                "a header that nothing has changed",
            ));
        }
        let header = Self {
            sector,
            own: fields.le64(24)?,
            other: fields.le64(32)?,
            first: fields.le64(40)?,
            last: fields.le64(48)?,
            id: fields.array(56)?,
            entries: fields.le64(72)?,
            count: fields.le32(80)?,
            length: fields.le32(84)?,
            sum: fields.le32(88)?,
        };
        if header.first > header.last.saturating_add(1) {
            return Err(Refusal::damaged(
                rule,
                format!(
                    "its {which} has room for partitions from sector {} to {}",
                    header.first, header.last
                ),
                "a first sector before the last",
            ));
        }
        if header.length < ENTRY || !header.length.is_power_of_two() {
            return Err(Refusal::damaged(
                rule,
                format!(
                    "the entries of its {which} are {} bytes long",
                    header.length
                ),
                "128 or a power of two above",
            ));
        }
        Ok(header)
    }

    /// The entries, as far as they lie in the beginning that is kept; they always do where ordinary programs write them.
    fn check_entries(&self, head: &[u8]) -> Result<(), Refusal> {
        let start = to_usize(self.entries.saturating_mul(self.sector));
        let length = to_usize(u64::from(self.count) * u64::from(self.length));
        let Some(table) = start
            .checked_add(length)
            .and_then(|end| head.get(start..end))
        else {
            return Ok(());
        };
        if crc32(&[table]) != self.sum {
            return Err(Refusal::damaged(
                "gpt-entries",
                "the partitions of its GPT have another CRC than its header says",
                "partitions that nothing has changed",
            ));
        }
        for (entry, number) in table.chunks_exact(self.length as usize).zip(1..) {
            let entry = Fields::new("raw", entry);
            let is_used = entry.array::<16>(0)? != [0; 16];
            let (first, last) = (entry.le64(32)?, entry.le64(40)?);
            if is_used && (first > last || first < self.first || last > self.last) {
                return Err(Refusal::damaged(
                    "gpt-entries",
                    format!("partition {number} of its GPT is from sector {first} to {last}"),
                    format!("one between {} and {}", self.first, self.last),
                ));
            }
        }
        Ok(())
    }

    /// Where its backup lies.
    pub(super) fn backup(&self) -> Region {
        Region {
            start: self.other.saturating_mul(self.sector),
            length: to_usize(self.sector),
        }
    }

    /// Holds it against the backup that was found, and the size of the disk. Fails with [`Refusal`].
    pub(super) fn check(&self, backup: &[u8], size: u64) -> Result<(), Refusal> {
        let ends = |sector: u64| sector.saturating_add(1).saturating_mul(self.sector);
        let end = ends(self.other.max(self.last));
        if end > size {
            return Err(Refusal::damaged(
                "gpt-size",
                format!("its GPT is for a disk of {end} bytes, and the image has {size}"),
                "an image as large as its disk, so it may be cut off",
            ));
        }
        if !backup.starts_with(MAGIC) {
            return Err(Refusal::damaged(
                "gpt-backup",
                format!(
                    "there is no second GPT in sector {}, where the first says",
                    self.other
                ),
                "two that agree",
            ));
        }
        let second = Self::parse(backup, self.sector, "gpt-backup")?;
        let agree = second.own == self.other
            && second.other == self.own
            && (second.first, second.last, second.id) == (self.first, self.last, self.id)
            && (second.count, second.length, second.sum) == (self.count, self.length, self.sum);
        if !agree {
            return Err(Refusal::damaged(
                "gpt-backup",
                "its two GPTs differ, so that it depends on the reader which partitions there are",
                "two that agree",
            ));
        }
        Ok(())
    }
}
