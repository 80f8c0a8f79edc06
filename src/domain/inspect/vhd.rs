//! Virtual PC's disk: dynamic, with a copy of its footer at the beginning, or fixed, with the footer only.
//!
//! The layout: <https://learn.microsoft.com/windows/win32/vstor/about-vhd>, "Virtual Hard Disk Image Format Specification".

use super::fields::Fields;
use super::{Begun, Doubt, Refusal, Seen, to_usize};

const NAME: &str = "vhd";
const MAGIC: &[u8] = b"conectix";
const FOOTER: usize = 512;

/// The kinds of disks.
const FIXED: u32 = 2;
const DYNAMIC: u32 = 3;
const DIFFERENCING: u32 = 4;

/// What the footer says.
#[derive(Debug, PartialEq, Eq)]
struct Footer {
    header: u64,
    size: u64,
    kind: u32,
    id: [u8; 16],
}

pub(super) fn begin(head: &[u8]) -> Result<Begun, Refusal> {
    if !head.starts_with(MAGIC) {
        return Ok(Begun::default());
    }
    let footer = Footer::parse(head)?;
    if footer.kind != DYNAMIC {
        return Err(unknown(footer.kind));
    }
    Ok(Begun {
        virtual_size: Some(footer.size),
        region: None,
    })
}

pub(super) fn end(seen: &Seen, doubts: &mut Vec<Doubt>) -> Result<u64, Refusal> {
    let last = &seen.tail[seen.tail.len().saturating_sub(FOOTER)..];
    let is_dynamic = seen.head.starts_with(MAGIC);
    if !last.starts_with(MAGIC) {
        return Err(if is_dynamic {
            Refusal::damaged(
                "vhd-footer",
                "it is a VHD without its footer",
                "a footer in the last 512 bytes, so it may be cut off",
            )
        } else {
            Refusal::new(
                "declared-format",
                "the definition says `format: vhd`, but there is no mark of one at its beginning or end",
                "vhd bytes",
                "correct the format or the URL in the definition",
            )
        });
    }
    let footer = Footer::parse(last)?;
    if is_dynamic {
        if footer != Footer::parse(seen.head)? {
            return Err(Refusal::damaged(
                "vhd-footer",
                "the footer of the VHD and its copy at the beginning differ",
                "two that agree",
            ));
        }
        dynamic(&footer, seen)?;
        return Ok(footer.size);
    }
    if footer.kind != FIXED {
        return Err(unknown(footer.kind));
    }
    if footer.size.checked_add(FOOTER as u64) != Some(seen.size) {
        return Err(Refusal::damaged(
            "vhd-size",
            format!(
                "it is a fixed VHD for a disk of {} bytes, and has {}",
                footer.size, seen.size
            ),
            "the disk and a footer of 512 bytes",
        ));
    }
    doubts.push(Doubt {
        rule: "glance-vhd",
        found: "it is a fixed VHD, with no mark at its beginning",
        who: "Glance 30 and later",
        remedy: "convert it with `qemu-img convert -f vpc -O qcow2`",
    });
    Ok(footer.size)
}

fn unknown(kind: u32) -> Refusal {
    let found = match kind {
        DIFFERENCING => "it is a VHD that only differs from another file".to_owned(),
        FIXED => "it is a fixed VHD with a footer at its beginning".to_owned(),
        DYNAMIC => "it is a dynamic VHD without its footer at the beginning".to_owned(),
        kind => format!("it is a VHD of type {kind}"),
    };
    Refusal::convert(
        "vhd-type",
        found,
        "a dynamic or a fixed one, with all of its disk",
    )
}

impl Footer {
    fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let fields = Fields::new(NAME, bytes);
        is_summed(fields.slice(0, FOOTER)?, 64, "footer")?;
        Ok(Self {
            header: fields.be64(16)?,
            size: fields.be64(48)?,
            kind: fields.be32(60)?,
            id: fields.array(68)?,
        })
    }
}

/// The header of a dynamic disk, and the place of its table.
fn dynamic(footer: &Footer, seen: &Seen) -> Result<(), Refusal> {
    let header = Fields::new(
        NAME,
        seen.head.get(to_usize(footer.header)..).unwrap_or_default(),
    );
    let bytes = header.slice(0, 1024)?;
    if !bytes.starts_with(b"cxsparse") {
        return Err(Refusal::damaged(
            "vhd-header",
            "the dynamic VHD has no header where its footer says",
            "one that begins with `cxsparse`",
        ));
    }
    is_summed(bytes, 36, "header")?;
    let (table, entries, block) = (header.be64(16)?, header.be32(28)?, header.be32(32)?);
    if u64::from(entries) * u64::from(block) < footer.size {
        return Err(Refusal::damaged(
            "vhd-header",
            format!(
                "its {entries} blocks of {block} bytes hold no disk of {}",
                footer.size
            ),
            "blocks enough",
        ));
    }
    if table.saturating_add(4 * u64::from(entries)) > seen.size {
        return Err(Refusal::damaged(
            "vhd-size",
            format!("its table of {entries} blocks at byte {table} is outside the image"),
            "a table inside the image",
        ));
    }
    Ok(())
}

/// Whether the bytes have the sum that is written in them: the complement of all others.
fn is_summed(bytes: &[u8], at: usize, what: &str) -> Result<(), Refusal> {
    let said = Fields::new(NAME, bytes).be32(at)?;
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    if !(sum(&bytes[..at]) + sum(&bytes[at + 4..])) == said {
        return Ok(());
    }
    Err(Refusal::damaged(
        "vhd-sum",
        format!("the {what} of the VHD has another sum than it says"),
        format!("a {what} that nothing has changed"),
    ))
}
