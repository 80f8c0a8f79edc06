//! `VirtualBox`'s disk: whole, and no snapshot of another one.
//!
//! The layout: <https://forums.virtualbox.org/viewtopic.php?t=8046>.

use super::fields::Fields;
use super::{Begun, Refusal, Seen, cut_off};

const NAME: &str = "vdi";

pub(super) fn begin(head: &[u8]) -> Result<Begun, Refusal> {
    let header = Fields::new(NAME, head);
    let version = header.le32(0x44)?;
    if version >> 16 != 1 {
        return Err(Refusal::convert(
            "vdi-header",
            format!("it is a VDI of version {}", version >> 16),
            "version 1",
        ));
    }
    let kind = header.le32(0x4c)?;
    let linked = header.slice(0x1a8, 32)?;
    if !matches!(kind, 1 | 2) || linked.iter().any(|byte| *byte != 0) {
        return Err(Refusal::convert(
            "vdi-parent",
            match kind {
                3 => "it is a VDI to be undone, of which the rest is in another file".to_owned(),
                1 | 2 | 4 => "it is a VDI that only differs from another file".to_owned(),
                kind => format!("it is a VDI of type {kind}"),
            },
            "one with all of its disk, of type 1 or 2",
        ));
    }
    let (block, blocks) = (header.le32(0x178)?, header.le32(0x180)?);
    let (sector, size) = (header.le32(0x168)?, header.le64(0x170)?);
    if sector != 512 || u64::from(block) * u64::from(blocks) < size {
        return Err(Refusal::damaged(
            "vdi-header",
            format!(
                "its {blocks} blocks of {block} bytes in sectors of {sector} hold no disk of {size}"
            ),
            "blocks enough, in sectors of 512",
        ));
    }
    Ok(Begun {
        virtual_size: Some(size),
        region: None,
    })
}

pub(super) fn end(seen: &Seen) -> Result<u64, Refusal> {
    let header = Fields::new(NAME, seen.head);
    let map = u64::from(header.le32(0x154)?);
    let data = u64::from(header.le32(0x158)?);
    let (block, extra) = (
        u64::from(header.le32(0x178)?),
        u64::from(header.le32(0x17c)?),
    );
    let (blocks, allocated) = (
        u64::from(header.le32(0x180)?),
        u64::from(header.le32(0x184)?),
    );
    let end = data.saturating_add(allocated.saturating_mul(block + extra));
    if allocated > blocks || map + 4 * blocks > data {
        return Err(Refusal::damaged(
            "vdi-header",
            format!("its map of {blocks} blocks, {allocated} of them used, has no room"),
            "a map between header and data",
        ));
    }
    if end > seen.size {
        return Err(Refusal::damaged(
            "vdi-size",
            format!(
                "its blocks end at byte {end}, and the image at byte {}",
                seen.size
            ),
            "blocks inside the image, so it may be cut off",
        ));
    }
    if seen.head.len() < 512 {
        return Err(cut_off(NAME));
    }
    header.le64(0x170)
}
