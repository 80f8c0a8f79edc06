//! The first sector of a disk → its four partitions, if it is no boot sector of a file system.
//!
//! Both end with the same two bytes. What only looks like a partition table proves nothing, so refused is what no boot
//! loader and no file system could have meant.

use super::{Doubt, Refusal, gpt};

const SECTOR: u64 = 512;

/// The kind of the partition that stands for a GPT.
const PROTECTIVE: u8 = 0xee;

/// The first sector of a disk.
#[derive(Debug, Clone)]
pub(super) struct Mbr {
    entries: [Entry; 4],
}

/// One partition, or what lies in its place.
#[derive(Debug, Clone, Copy)]
struct Entry {
    indicator: u8,
    chs: [u8; 3],
    kind: u8,
    start: u64,
    count: u64,
}

impl Entry {
    fn of(bytes: &[u8]) -> Self {
        let number = |at: usize| {
            u64::from(u32::from_le_bytes([
                bytes[at],
                bytes[at + 1],
                bytes[at + 2],
                bytes[at + 3],
            ]))
        };
        Self {
            indicator: bytes[0],
            chs: [bytes[1], bytes[2], bytes[3]],
            kind: bytes[4],
            start: number(8),
            count: number(12),
        }
    }

    const fn is_used(&self) -> bool {
        self.kind != 0 && self.count != 0
    }

    const fn has_indicator(&self) -> bool {
        matches!(self.indicator, 0 | 0x80)
    }

    /// In bytes, where sectors are as small as they get.
    const fn end(&self) -> u64 {
        (self.start + self.count) * SECTOR
    }
}

impl Mbr {
    /// The first sector, if it is one and no boot sector of a FAT, exFAT or NTFS file system.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        if head.get(510..512) != Some(b"\x55\xaa") || is_file_system(head) {
            return None;
        }
        let entry = |index: usize| Entry::of(&head[446 + 16 * index..462 + 16 * index]);
        Some(Self {
            entries: [entry(0), entry(1), entry(2), entry(3)],
        })
    }

    /// Whether there is a partition in it.
    pub(super) fn is_used(&self) -> bool {
        self.has_indicators() && self.entries.iter().any(Entry::is_used)
    }

    /// Whether it only stands for a GPT.
    pub(super) fn is_protective(&self) -> bool {
        self.has_indicators() && self.entries.iter().any(|entry| entry.kind == PROTECTIVE)
    }

    /// Whether there is nothing in it but what stands for a GPT.
    pub(super) fn is_only_protective(&self) -> bool {
        self.is_protective()
            && self
                .entries
                .iter()
                .all(|entry| entry.kind == PROTECTIVE || !entry.is_used())
    }

    fn has_indicators(&self) -> bool {
        self.entries.iter().all(Entry::has_indicator)
    }

    /// Holds it against the size of the disk. Fails with [`Refusal`]; what only Glance objects to is a doubt.
    pub(super) fn check(&self, size: u64, doubts: &mut Vec<Doubt>) -> Result<(), Refusal> {
        let disk = size.next_multiple_of(SECTOR);
        let fits = |entry: &Entry| {
            entry.has_indicator() && entry.is_used() && entry.start > 0 && entry.end() <= disk
        };
        if !self.has_indicators() {
            let odd = self.entries.iter().find(|entry| !entry.has_indicator());
            let indicator = odd.map_or(0, |entry| entry.indicator);
            let found = format!("a partition in its MBR has the boot indicator {indicator:#04x}");
            // Entries of code or text are no partitions; one good one among them shows that it is a table.
            if self.entries.iter().any(fits) {
                return Err(Refusal::damaged(
                    "mbr-boot-indicator",
                    found,
                    "0x00 or 0x80",
                ));
            }
            doubts.push(doubt("its boot sector has no partition table"));
            return Ok(());
        }
        if !self.entries.iter().any(Entry::is_used) {
            doubts.push(doubt("its MBR has no partition"));
            return Ok(());
        }
        for (entry, number) in self.entries.iter().zip(1..) {
            // What stands for a GPT may be as long as it likes.
            if entry.kind != PROTECTIVE && entry.is_used() && entry.end() > disk {
                return Err(Refusal::damaged(
                    "mbr-partition",
                    format!(
                        "partition {number} of its MBR ends at byte {}, and the image at byte {size}",
                        entry.end()
                    ),
                    "partitions inside the disk, so it may be cut off",
                ));
            }
        }
        self.doubt_protective(doubts);
        Ok(())
    }

    /// What Glance demands of an MBR that stands for a GPT.
    fn doubt_protective(&self, doubts: &mut Vec<Doubt>) {
        let Some(entry) = self.entries.iter().find(|entry| entry.kind == PROTECTIVE) else {
            return;
        };
        let kinds = self.entries.map(|entry| entry.kind);
        if entry.chs != [0, 2, 0] || entry.start != 1 {
            doubts.push(doubt(
                "the partition in its MBR that protects the GPT does not begin where UEFI says",
            ));
        } else if kinds != [PROTECTIVE, 0, 0, 0] {
            doubts.push(doubt(
                "its MBR has partitions beside the one that protects the GPT",
            ));
        }
    }
}

/// What Glance refuses unless told not to: its check `mbr`.
const fn doubt(found: &'static str) -> Doubt {
    Doubt {
        rule: "glance-mbr",
        found,
        who: "Glance 30 and later",
        remedy: "declare it as another format, or let the cloud set `gpt_safety_checks_nonfatal = mbr`",
    }
}

/// What Glance takes for a broken partition table, and is a file system's boot sector.
pub(super) fn doubt_boot_sector(head: &[u8]) -> Option<Doubt> {
    let is_boot_sector = head.get(510..512) == Some(b"\x55\xaa") && is_file_system(head);
    (is_boot_sector && !is_plain_fat(head))
        .then_some(doubt("its boot sector has no partition table"))
}

/// As Glance tells a FAT file system: two tables, on a fixed disk.
fn is_plain_fat(head: &[u8]) -> bool {
    head[0x10] == 2 && head[0x15] == 0xf8
}

/// Whether the sector tells the layout of a file system where an MBR has code.
fn is_file_system(head: &[u8]) -> bool {
    let is = |at: usize, mark: &[u8]| head[at..].starts_with(mark);
    is(3, b"NTFS    ")
        || is(3, b"EXFAT   ")
        || is(3, b"-FVE-FS-")
        || is(54, b"FAT")
        || is(82, b"FAT32")
        || is_plain_fat(head)
}

/// The GPT behind it, in sectors of the size at which it is found.
pub(super) fn gpt(head: &[u8]) -> Option<gpt::Place> {
    Mbr::of(head)
        .filter(Mbr::is_protective)
        .and_then(|_| gpt::Place::find(head))
}
