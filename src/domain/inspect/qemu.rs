//! QEMU's disk: the rules are in [`super::qcow2`], here they are held against one that passes.

use super::qcow2::{HEAD, Header};
use super::{Begun, Doubt, Refusal, Seen};

pub(super) fn begin(head: &[u8]) -> Result<Begun, Refusal> {
    Ok(Begun {
        virtual_size: Some(header(head)?.virtual_size()),
        region: None,
    })
}

pub(super) fn end(seen: &Seen, limit: u64, doubts: &mut Vec<Doubt>) -> Result<u64, Refusal> {
    let header = header(seen.head)?;
    header.check(seen.size, limit)?;
    if header.has_subclusters() {
        doubts.push(Doubt {
            rule: "glance-qcow2",
            found: "its clusters have subclusters (`extended_l2`)",
            who: "Glance 30 and later",
            remedy: "convert it with `qemu-img convert -O qcow2`",
        });
    }
    Ok(header.virtual_size())
}

fn header(head: &[u8]) -> Result<Header, Refusal> {
    Ok(Header::parse(&head[..head.len().min(HEAD)])?)
}
