//! An ISO 9660 volume that is as long as it says.

use super::fields::Fields;
use super::{Refusal, Seen};

/// Where the first descriptor is.
const DESCRIPTOR: usize = 32 << 10;

/// The kind of the descriptor that tells the volume's size.
const PRIMARY: u8 = 1;

pub(super) fn end(seen: &Seen) -> Result<u64, Refusal> {
    let fields = Fields::new("iso", seen.head.get(DESCRIPTOR..).unwrap_or_default());
    // UDF alone tells its size further on.
    if fields.array::<1>(0)? == [PRIMARY] && fields.slice(1, 5)? == b"CD001" {
        let (blocks, block) = (fields.le32(80)?, fields.le16(128)?);
        let volume = u64::from(blocks) * u64::from(block);
        if volume > seen.size {
            return Err(Refusal::damaged(
                "iso-size",
                format!("its volume has {volume} bytes, and the image {}", seen.size),
                "an image as large as its volume, so it may be cut off",
            ));
        }
    }
    Ok(seen.size)
}
