//! A disk as the guest sees it: partition tables that fit it, if there are any.
//!
//! A file system without a table, or bytes of which nothing is known, are as good.

use super::mbr::{self, Mbr};
use super::{Begun, Doubt, Refusal, Seen};

pub(super) fn begin(head: &[u8]) -> Result<Begun, Refusal> {
    let Some(mbr) = Mbr::of(head) else {
        return Ok(Begun::default());
    };
    let Some(place) = mbr::gpt(head) else {
        if mbr.is_only_protective() {
            return Err(Refusal::damaged(
                "gpt-header",
                "its MBR says that a GPT follows, and none does",
                "a header of a GPT in sector 1",
            ));
        }
        return Ok(Begun::default());
    };
    Ok(Begun {
        virtual_size: None,
        region: Some(place.header(head)?.backup()),
    })
}

pub(super) fn end(seen: &Seen, doubts: &mut Vec<Doubt>) -> Result<u64, Refusal> {
    is_no_other(seen)?;
    if let Some(mbr) = Mbr::of(seen.head) {
        if let Some(place) = mbr::gpt(seen.head) {
            place.header(seen.head)?.check(seen.region, seen.size)?;
        }
        mbr.check(seen.size, doubts)?;
    }
    if super::magic::is_disc(seen.head) {
        doubts.push(Doubt {
            rule: "nova-iso",
            found: "it is a disc and a disk at once",
            who: "Nova 30 and later",
            remedy: "declare it as `iso` if it may be booted as a disc",
        });
    }
    doubts.extend(mbr::doubt_boot_sector(seen.head));
    Ok(seen.size)
}

/// Formats that are told by their end.
fn is_no_other(seen: &Seen) -> Result<(), Refusal> {
    let last = seen.tail.len().saturating_sub(512);
    let last = &seen.tail[last..];
    let (what, remedy) = if last.starts_with(b"conectix") {
        (
            "a fixed VHD",
            "convert it with `qemu-img convert -f vpc -O raw`",
        )
    } else if last.starts_with(b"koly") {
        ("an Apple disk image", "convert it with `qemu-img convert`")
    } else {
        return Ok(());
    };
    Err(Refusal::new(
        "declared-format",
        format!("the definition says `format: raw`, but it ends like {what}"),
        "raw bytes",
        remedy,
    ))
}
