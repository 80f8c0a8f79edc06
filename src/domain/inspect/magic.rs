//! The first bytes of an image → which format it really is.
//!
//! Bytes that are two formats at once are refused: one reader would take them for this, the next for that.

use super::mbr::Mbr;
use super::{DiskFormat, Refusal};

/// What an image really is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Real {
    /// A format that Glance knows.
    Format(DiskFormat),
    /// One that nobody may boot.
    Other(&'static str),
}

/// Marks at the very beginning.
const MAGIC: [(&[u8], Real); 14] = [
    (
        b"QFI\xfb\0\0\0\x01",
        Real::Other("qcow version 1, which QEMU gave up"),
    ),
    (b"QFI\xfb", Real::Format(DiskFormat::Qcow2)),
    (b"KDMV", Real::Format(DiskFormat::Vmdk)),
    (b"COWD", Real::Other("a sparse VMDK of ESX")),
    (b"conectix", Real::Format(DiskFormat::Vhd)),
    (b"vhdxfile", Real::Format(DiskFormat::Vhdx)),
    (b"WithoutFreeSpace", Real::Format(DiskFormat::Ploop)),
    (b"WithouFreSpacExt", Real::Format(DiskFormat::Ploop)),
    (b"QED\0", Real::Other("QED, which QEMU gave up")),
    (b"LUKS\xba\xbe", Real::Other("encrypted with LUKS")),
    (b"SKUL\xba\xbe", Real::Other("encrypted with LUKS")),
    (b"Bochs Virtual HD Image", Real::Other("a disk of Bochs")),
    (b"#!/bin/sh\n#V2.0 Format", Real::Other("a disk of cloop")),
    (b"%PDF-", Real::Other("a PDF document")),
];

/// Where the first descriptor of an ISO 9660 or UDF volume has its mark.
const DESCRIPTOR: usize = 32 << 10;

/// What an image is, by its beginning; nothing if that is in no known format. Fails with [`Refusal`] if it is two.
pub(super) fn real(head: &[u8]) -> Result<Option<Real>, Refusal> {
    let mut found: Vec<Real> = Vec::new();
    let first = MAGIC
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, real)| *real);
    found.extend(first.or_else(|| text(head).map(Real::Other)));
    if head.get(0x40..0x44) == Some(&b"\x7f\x10\xda\xbe"[..]) {
        found.push(Real::Format(DiskFormat::Vdi));
    }
    if is_disc(head) {
        found.push(Real::Format(DiskFormat::Iso));
    }
    let is_disc = found == [Real::Format(DiskFormat::Iso)];
    let has_partitions = !is_disc && !found.is_empty() && Mbr::of(head).is_some();
    if found.len() > 1 || has_partitions {
        let names: Vec<_> = found.iter().map(|real| real.name()).collect();
        let also = if has_partitions {
            " and a disk with a partition table"
        } else {
            ""
        };
        return Err(Refusal::damaged(
            "one-format",
            format!("its first bytes are {}{also} at once", names.join(" and ")),
            "one format, so that there is one reading of it",
        ));
    }
    Ok(found.first().copied())
}

impl Real {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Format(format) => format.name(),
            Self::Other(name) => name,
        }
    }
}

/// As Glance sees it: the first descriptor only.
pub(super) fn is_disc(head: &[u8]) -> bool {
    matches!(
        head.get(DESCRIPTOR + 1..DESCRIPTOR + 6),
        Some(b"CD001" | b"NSR02" | b"NSR03")
    )
}

/// Text that is no disk: the descriptor of a VMDK, which QEMU would follow to other files, or the page of a web server.
fn text(head: &[u8]) -> Option<&'static str> {
    const START: usize = 512;
    let start = &head[..head.len().min(START)];
    let is_text =
        |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte == 0x0b;
    if !start.iter().all(is_text) {
        return page(start);
    }
    let end = head.iter().position(|byte| !is_text(byte));
    let lower = head[..end.unwrap_or(head.len())].to_ascii_lowercase();
    let lower = String::from_utf8_lossy(&lower);
    // QEMU tells it by its first line that is no comment.
    let first = lower
        .lines()
        .map(str::trim_start)
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    if lower.contains("createtype=\"")
        || lower.contains("# disk descriptorfile")
        || first.is_some_and(|line| line.starts_with("version="))
    {
        return Some("the text of a VMDK whose bytes are in other files");
    }
    page(start)
}

fn page(start: &[u8]) -> Option<&'static str> {
    let start = start.trim_ascii_start().to_ascii_lowercase();
    (start.starts_with(b"<!doctype") || start.starts_with(b"<html") || start.starts_with(b"<?xml"))
        .then_some("a page of a web server")
}
