//! `VMware`'s disk: one sparse file with its descriptor inside, and no word about any other file.
//!
//! The descriptor is text that hypervisors follow to further files; CVE-2024-32498 was about that. It is refused unless
//! every line is understood. The layout: "Virtual Disk Format 5.0",
//! <https://github.com/libyal/libvmdk/blob/main/documentation/VMWare%20Virtual%20Disk%20Format%20(VMDK).asciidoc>.

mod descriptor;

use super::fields::Fields;
use super::{Begun, HEAD, Refusal, Seen};

const NAME: &str = "vmdk";
const MAGIC: &[u8] = b"KDMV";
const SECTOR: u64 = 512;

/// Says that the place of the tables is in a footer.
const AT_END: u64 = u64::MAX;

/// What the header says, or the footer.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    version: u32,
    capacity: u64,
    grain: u64,
    descriptor: (u64, u64),
    per_table: u32,
    tables: u64,
}

pub(super) fn begin(head: &[u8]) -> Result<Begun, Refusal> {
    let header = Header::parse(head)?;
    if !matches!(header.version, 1..=3) {
        return Err(Refusal::convert(
            "vmdk-header",
            format!("it is a VMDK of version {}", header.version),
            "version 1 to 3",
        ));
    }
    let fields = Fields::new(NAME, head);
    // Text mode of a file transfer changes these.
    if fields.le32(8)? & 1 != 0 && fields.slice(73, 4)? != b"\n \r\n" {
        return Err(Refusal::damaged(
            "vmdk-header",
            "its line breaks were changed, as by a transfer of text",
            "bytes as they were",
        ));
    }
    let is_sound = header.grain.is_power_of_two() && header.per_table != 0;
    if !is_sound || header.capacity > u64::MAX / SECTOR {
        return Err(Refusal::damaged(
            "vmdk-header",
            format!(
                "its {} sectors are in grains of {}, {} to a table",
                header.capacity, header.grain, header.per_table
            ),
            "a power of two each",
        ));
    }
    let (start, length) = header.descriptor;
    if start != 1 || length == 0 || length >= HEAD as u64 / SECTOR {
        return Err(Refusal::convert(
            "vmdk-descriptor",
            format!("its descriptor is in sector {start}, {length} sectors long"),
            "one in sector 1, of 1 to 127 sectors",
        ));
    }
    let place = usize::try_from(length * SECTOR).unwrap_or(HEAD);
    descriptor::check(fields.slice(512, place)?)?;
    Ok(Begun {
        virtual_size: Some(header.capacity * SECTOR),
        region: None,
    })
}

pub(super) fn end(seen: &Seen) -> Result<u64, Refusal> {
    let header = Header::parse(seen.head)?;
    let tables = if header.tables == AT_END {
        footer(&header, seen.tail)?
    } else {
        header.tables
    };
    // One entry of four bytes for each table of grains.
    let per_table = header
        .grain
        .saturating_mul(u64::from(header.per_table))
        .max(1);
    let length = header.capacity.div_ceil(per_table).saturating_mul(4);
    let end = tables.saturating_mul(SECTOR).saturating_add(length);
    if end > seen.size {
        return Err(Refusal::damaged(
            "vmdk-size",
            format!(
                "its directory ends at byte {end}, and the image at byte {}",
                seen.size
            ),
            "a directory inside the image, so it may be cut off",
        ));
    }
    Ok(header.capacity * SECTOR)
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let fields = Fields::new(NAME, bytes);
        Ok(Self {
            version: fields.le32(4)?,
            capacity: fields.le64(12)?,
            grain: fields.le64(20)?,
            descriptor: (fields.le64(28)?, fields.le64(36)?),
            per_table: fields.le32(44)?,
            tables: fields.le64(56)?,
        })
    }
}

/// Where the tables are, from the end of the file: a marker, the footer, and the marker of the end.
fn footer(header: &Header, tail: &[u8]) -> Result<u64, Refusal> {
    let broken = |found: &str| {
        Refusal::damaged(
            "vmdk-footer",
            found,
            "the header again in the last sectors, so it may be cut off",
        )
    };
    let (Some(marker), Some(footer), Some(end)) =
        (tail.get(..512), tail.get(512..1024), tail.get(1024..1536))
    else {
        return Err(broken(
            "its header says that a footer follows, and none does",
        ));
    };
    let is_marker = |marker: &[u8], kind: u8| {
        marker[8..12] == [0; 4]
            && marker[12..16] == [kind, 0, 0, 0]
            && marker[16..].iter().all(|byte| *byte == 0)
    };
    if !footer.starts_with(MAGIC) || !is_marker(marker, 3) {
        return Err(broken(
            "its header says that a footer follows, and none does",
        ));
    }
    if !is_marker(end, 0) || end[..8] != [0; 8] {
        return Err(broken("nothing marks its end"));
    }
    let footer = Header::parse(footer)?;
    let tables = footer.tables;
    if tables == AT_END {
        return Err(broken("its footer says that a footer follows"));
    }
    if footer != (Header { tables, ..*header }) {
        return Err(broken("its footer and its header differ"));
    }
    Ok(tables)
}
