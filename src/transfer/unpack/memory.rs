//! How much memory a file asks its decoder for, by its first header, so that a refusal can name it.
//!
//! The decoders have their limits themselves, which also hold for what follows.

/// The dictionary of a file of xz: of its first block, if that is packed by LZMA2.
///
/// <https://tukaani.org/xz/xz-file-format.txt>, sections 3.1 and 5.3.1.
pub(super) fn xz(head: &[u8]) -> Option<u64> {
    let block = head.get(12..)?;
    let (size, flags) = (block.first()?, block.get(1)?);
    // A size of zero is that of no block.
    let mut rest = block
        .get(2..(usize::from(*size) + 1) * 4)
        .filter(|_| *size != 0)?;
    let mut number = || {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let (byte, behind) = rest.split_first()?;
            rest = behind;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    };
    for bit in [0x40, 0x80] {
        if flags & bit != 0 {
            number()?;
        }
    }
    for _ in 0..=flags & 3 {
        let (filter, length) = (number()?, number()?);
        if filter == 0x21 && length == 1 {
            let bits = number()?;
            return match bits {
                0..40 => Some((2 | (bits & 1)) << (bits / 2 + 11)),
                40 => Some(u32::MAX.into()),
                _ => None,
            };
        }
        // Those before it have few bytes, none of which is long.
        for _ in 0..length.min(8) {
            number()?;
        }
    }
    None
}

/// The window of a file of zstd: of its first frame.
///
/// <https://www.rfc-editor.org/rfc/rfc8878.html#section-3.1.1.1>.
pub(super) fn zstd(head: &[u8]) -> Option<u64> {
    let frame = head.strip_prefix(b"\x28\xb5\x2f\xfd")?;
    let descriptor = frame.first()?;
    let has_window = descriptor & 0x20 == 0;
    let window = frame.get(1).filter(|_| has_window)?;
    let least = 1_u64 << (10 + (window >> 3));
    Some(least + least / 8 * u64::from(window & 7))
}
