//! Virtuozzo's disk, which is that of Parallels: closed properly, with its table inside.
//!
//! The layout: <https://www.qemu.org/docs/master/interop/parallels.html>.

use super::fields::Fields;
use super::{Begun, Doubt, Refusal, Seen};

const NAME: &str = "ploop";

/// What a header has, before the table of blocks.
const HEADER: u64 = HEADER_LENGTH as u64;
const HEADER_LENGTH: usize = 64;

/// Says that somebody has the disk open, or died with it.
const IN_USE: u32 = 0x746f_6e59;

pub(super) fn begin(head: &[u8]) -> Result<Begun, Refusal> {
    let header = Fields::new(NAME, head);
    let version = header.le32(16)?;
    if version != 2 {
        return Err(Refusal::convert(
            "ploop-header",
            format!("it is a ploop of version {version}"),
            "version 2",
        ));
    }
    if header.le32(44)? == IN_USE {
        return Err(Refusal::damaged(
            "ploop-in-use",
            "it is a ploop that was copied while somebody wrote to it",
            "one that was closed",
        ));
    }
    let sectors = sectors(&header)?;
    let (block, blocks) = (u64::from(header.le32(28)?), u64::from(header.le32(32)?));
    if block == 0 || block.saturating_mul(blocks) < sectors {
        return Err(Refusal::damaged(
            "ploop-header",
            format!("its {blocks} blocks of {block} sectors hold no disk of {sectors}"),
            "blocks enough",
        ));
    }
    Ok(Begun {
        virtual_size: Some(sectors.saturating_mul(512)),
        region: None,
    })
}

pub(super) fn end(seen: &Seen, doubts: &mut Vec<Doubt>) -> Result<u64, Refusal> {
    let header = Fields::new(NAME, seen.head);
    let (block, blocks) = (u64::from(header.le32(28)?), u64::from(header.le32(32)?));
    let table = HEADER + 4 * blocks;
    // Of a table that is longer than what is kept, the first blocks tell enough.
    let entries = seen
        .head
        .get(HEADER_LENGTH..)
        .unwrap_or_default()
        .chunks_exact(4);
    let places = entries
        .take(usize::try_from(blocks).unwrap_or(usize::MAX))
        .map(|entry| {
            let entry = u64::from(u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]));
            // The elder form counts in sectors, the newer one in blocks.
            entry.saturating_mul(if is_elder(seen.head) {
                512
            } else {
                block * 512
            })
        });
    let last = places.max().unwrap_or_default().max(table);
    if last > seen.size {
        return Err(Refusal::damaged(
            "ploop-size",
            format!(
                "its table or a block of it is at byte {last}, and the image ends at byte {}",
                seen.size
            ),
            "a table and blocks inside the image, so it may be cut off",
        ));
    }
    doubts.push(Doubt {
        rule: "nova-ploop",
        found: "it is a ploop",
        who: "Nova 30 and later",
        remedy: "convert it to qcow2 with `qemu-img convert -f parallels`",
    });
    Ok(sectors(&header)?.saturating_mul(512))
}

/// The size of the disk; the elder form has only half the bits.
fn sectors(header: &Fields) -> Result<u64, Refusal> {
    let sectors = header.le64(36)?;
    let is_elder = is_elder(header.slice(0, 16)?);
    Ok(if is_elder {
        sectors & 0xffff_ffff
    } else {
        sectors
    })
}

fn is_elder(head: &[u8]) -> bool {
    head.starts_with(b"WithoutFreeSpace")
}
