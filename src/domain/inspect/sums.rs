//! The two sums of 32 bits that headers carry.

use flate2::Crc;

/// CRC-32, as in GPT.
pub(super) fn crc32(pieces: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    for piece in pieces {
        crc.update(piece);
    }
    crc.sum()
}

/// CRC-32C (Castagnoli), as in VHDX.
pub(super) fn crc32c(pieces: &[&[u8]]) -> u32 {
    let mut sum = u32::MAX;
    for byte in pieces.iter().copied().flatten() {
        let index = (sum ^ u32::from(*byte)) & 0xff;
        sum = CASTAGNOLI[index as usize] ^ (sum >> 8);
    }
    !sum
}

const CASTAGNOLI: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let mut sum = index as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0x82f6_3b78
            } else {
                sum >> 1
            };
            bit += 1;
        }
        table[index] = sum;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_those_of_their_catalogue() {
        // <https://reveng.sourceforge.io/crc-catalogue/17plus.htm>, the sums of "123456789".
        assert_eq!(crc32(&[b"1234", b"56789"]), 0xcbf4_3926);
        assert_eq!(crc32c(&[b"1234", b"56789"]), 0xe306_9283);
    }
}
