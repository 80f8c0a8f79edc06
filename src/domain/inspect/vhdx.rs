//! Hyper-V's disk: its tables of regions, its metadata, no parent, and no log that has yet to be played.
//!
//! The layout: <https://learn.microsoft.com/openspecs/windows_protocols/ms-vhdx>.

use super::fields::Fields;
use super::sums::crc32c;
use super::{Begun, Refusal, Region, Seen, cut_off, to_usize};

const NAME: &str = "vhdx";

/// How it begins.
pub(super) const MAGIC: &[u8] = b"vhdxfile";

/// What is kept of the beginning: mark, two headers, two tables of regions, 64 KiB each.
pub(super) const HEAD: usize = 5 * PART;

const PART: usize = 64 << 10;

/// What is read of the metadata: its table of 64 KiB, and what the table points to, which is a few bytes each.
const METADATA: u64 = 1 << 20;

/// The most regions, and the most items of metadata.
const MOST: usize = 2047;

/// Numbers of regions and of items, as they lie in the file.
const BLOCKS_REGION: [u8; 16] =
    *b"\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08";
const METADATA_REGION: [u8; 16] =
    *b"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e";
const PARAMETERS: [u8; 16] = *b"\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b";
const SIZE: [u8; 16] = *b"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8";

/// A region of the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u64,
    length: u64,
}

pub(super) fn begin(head: &[u8]) -> Result<Begun, Refusal> {
    if head.len() < HEAD {
        return Err(cut_off(NAME));
    }
    let tables = [table(head, 3), table(head, 4)];
    match tables {
        [None, _] => Err(Refusal::damaged(
            "vhdx-regions",
            "its first table of regions is none, or has another sum than it says",
            "one that begins with `regi` and that nothing has changed",
        )),
        [Some(first), Some(second)] if first != second => Err(Refusal::damaged(
            "vhdx-regions",
            "its two tables of regions differ, so that it depends on the reader where its disk is",
            "two that agree",
        )),
        [Some(first), _] => {
            has_empty_log(head)?;
            let place = regions(first)?.0;
            Ok(Begun {
                virtual_size: None,
                region: Some(Region {
                    start: place.start,
                    length: to_usize(place.length.min(METADATA)),
                }),
            })
        }
    }
}

pub(super) fn end(seen: &Seen) -> Result<u64, Refusal> {
    let first = table(seen.head, 3).ok_or_else(|| cut_off(NAME))?;
    let (metadata_place, blocks) = regions(first)?;
    for place in [metadata_place, blocks] {
        let end = place.start.saturating_add(place.length);
        if end > seen.size {
            return Err(Refusal::damaged(
                "vhdx-size",
                format!(
                    "one of its regions ends at byte {end}, and the image at byte {}",
                    seen.size
                ),
                "regions inside the image, so it may be cut off",
            ));
        }
    }
    metadata(seen.region)
}

/// A table of regions whose mark and sum are right.
fn table(head: &[u8], part: usize) -> Option<&[u8]> {
    let table = head.get(part * PART..(part + 1) * PART)?;
    (table.starts_with(b"regi") && is_summed(table)).then_some(table)
}

/// Whether the bytes have the sum that is written in them, behind four bytes of a mark.
fn is_summed(bytes: &[u8]) -> bool {
    crc32c(&[&bytes[..4], &[0; 4], &bytes[8..]]).to_le_bytes() == bytes[4..8]
}

/// Where metadata and the table of blocks are.
fn regions(table: &[u8]) -> Result<(Place, Place), Refusal> {
    let fields = Fields::new(NAME, table);
    let broken = |found: &str| {
        Refusal::damaged(
            "vhdx-regions",
            found,
            "one region with metadata and one with the table of blocks",
        )
    };
    let count = fields.le32(8)? as usize;
    if count > MOST {
        return Err(broken(
            "its table of regions has more entries than there can be",
        ));
    }
    let (mut metadata, mut blocks) = (None, None);
    for entry in (0..count).map(|index| 16 + 32 * index) {
        let place = Place {
            start: fields.le64(entry + 16)?,
            length: u64::from(fields.le32(entry + 24)?),
        };
        let seen = match fields.array(entry)? {
            METADATA_REGION => metadata.replace(place),
            BLOCKS_REGION => blocks.replace(place),
            _ if fields.le32(entry + 28)? & 1 == 0 => None,
            _ => return Err(broken("it needs a region that nobody knows")),
        };
        if seen.is_some() {
            return Err(broken("one of its regions is there twice"));
        }
    }
    let (Some(metadata), Some(blocks)) = (metadata, blocks) else {
        return Err(broken("one of its regions is missing"));
    };
    let is_behind = |place: Place| place.start >= 1 << 20 && place.start.is_multiple_of(1 << 20);
    if !is_behind(metadata) || !is_behind(blocks) {
        return Err(broken(
            "one of its regions lies where its headers are, or at an odd place",
        ));
    }
    Ok((metadata, blocks))
}

/// Holds against the image that what was written last is still in its log.
fn has_empty_log(head: &[u8]) -> Result<(), Refusal> {
    let mut newest: Option<(u64, &[u8])> = None;
    for part in [1, 2] {
        let header = &head[part * PART..][..4096];
        if header.starts_with(b"head") && is_summed(header) {
            let number = Fields::new(NAME, header).le64(8)?;
            if newest.is_none_or(|(newest, _)| number > newest) {
                newest = Some((number, header));
            }
        }
    }
    let Some((_, header)) = newest else {
        return Err(Refusal::damaged(
            "vhdx-header",
            "both of its headers have another sum than they say",
            "a header that nothing has changed",
        ));
    };
    let fields = Fields::new(NAME, header);
    if fields.le16(66)? != 1 {
        return Err(Refusal::convert(
            "vhdx-header",
            format!("it is a VHDX of version {}", fields.le16(66)?),
            "version 1",
        ));
    }
    if fields.array::<16>(48)? != [0; 16] {
        return Err(Refusal::convert(
            "vhdx-log",
            "its last writes are still in its log, so it was copied while somebody wrote to it",
            "one that was closed",
        ));
    }
    Ok(())
}

/// The size of the disk, from the metadata. Fails with [`Refusal`] if it is not all in this file.
pub(super) fn metadata(region: &[u8]) -> Result<u64, Refusal> {
    let fields = Fields::new(NAME, region);
    let broken = |found: &str| {
        Refusal::damaged(
            "vhdx-metadata",
            found,
            "metadata that tells the size of the disk",
        )
    };
    if fields.slice(0, 8)? != b"metadata" {
        return Err(broken("its metadata has no mark"));
    }
    let count = usize::from(fields.le16(10)?);
    if count > MOST {
        return Err(broken("its metadata has more entries than there can be"));
    }
    let (mut size, mut flags) = (None, None);
    for entry in (0..count).map(|index| 32 + 32 * index) {
        let at = fields.le32(entry + 16)? as usize;
        let seen = match fields.array(entry)? {
            SIZE => size.replace(fields.le64(at)?).map(drop),
            PARAMETERS => flags.replace(fields.le32(at.saturating_add(4))?).map(drop),
            _ => None,
        };
        if seen.is_some() {
            return Err(broken("one item of its metadata is there twice"));
        }
    }
    let (Some(size), Some(flags)) = (size, flags) else {
        return Err(broken("its metadata lacks size or parameters"));
    };
    if flags & 2 != 0 {
        return Err(Refusal::convert(
            "vhdx-parent",
            "it is a VHDX that only differs from another file",
            "one with all of its disk",
        ));
    }
    Ok(size)
}
