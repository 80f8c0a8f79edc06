//! The extensions of a header → what hides in them. They lie between the header and the end of the first cluster.

use super::Refusal;
use super::refusal::told;

const END: u32 = 0;
const EXTERNAL_DATA: u32 = 0x4441_5441;
const ENCRYPTION: u32 = 0x0537_be77;

/// What is refused.
#[derive(Debug, Default)]
pub struct Found {
    /// The name of a file that has the disk's data.
    pub external_data: Option<String>,
    /// There is a header of LUKS.
    pub has_encryption: bool,
}

/// Looks through the extensions that begin at `start`, in a first cluster of `cluster` bytes.
///
/// The others are passed over: names of features and bitmaps say nothing of the disk, and the format of a backing file
/// nothing without one. Fails with [`Refusal`] if they do not end in what is there.
pub fn find(head: &[u8], start: u64, cluster: u64) -> Result<Found, Refusal> {
    let length = head.len();
    let unended = || Refusal::Extensions { length };
    let is_whole_cluster = length as u64 >= cluster;
    let area = usize::try_from(cluster).map_or(length, |cluster| cluster.min(length));
    let start = usize::try_from(start).map_err(|_| unended())?;
    let mut rest = head.get(start..area).ok_or_else(unended)?;
    let mut found = Found::default();
    loop {
        let Some((kind, size, content)) = split(rest) else {
            // The last one may fill the cluster, so that no end follows.
            let is_end = rest.is_empty() && is_whole_cluster;
            return if is_end { Ok(found) } else { Err(unended()) };
        };
        if kind == END {
            return Ok(found);
        }
        let size = usize::try_from(size).map_err(|_| unended())?;
        let data = content.get(..size).ok_or_else(unended)?;
        match kind {
            EXTERNAL_DATA => found.external_data = Some(told(data)),
            ENCRYPTION => found.has_encryption = true,
            _ => {}
        }
        let padded = size.checked_next_multiple_of(8).ok_or_else(unended)?;
        rest = content.get(padded..).unwrap_or_default();
    }
}

/// The kind of the next extension, its length, and what follows.
fn split(rest: &[u8]) -> Option<(u32, u32, &[u8])> {
    let (kind, rest) = rest.split_first_chunk()?;
    let (size, rest) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*kind), u32::from_be_bytes(*size), rest))
}
