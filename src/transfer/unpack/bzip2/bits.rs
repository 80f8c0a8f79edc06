//! Bits in a row, the highest of each byte first, that begin and end anywhere.

/// Some bits. What is left of the last byte is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    /// So many bits of `bytes`, from one of the first eight. All of them must be there.
    pub(super) fn of(bytes: &[u8], start: usize, length: usize) -> Self {
        let (first, shift) = (start / 8, start % 8);
        let mut cut: Vec<u8> = if shift == 0 {
            bytes[first..first + length.div_ceil(8)].to_vec()
        } else {
            let needed = &bytes[first..(start + length).div_ceil(8)];
            let next = needed.iter().skip(1).chain([&0]);
            needed
                .iter()
                .zip(next)
                .map(|(byte, next)| byte << shift | next >> (8 - shift))
                .collect()
        };
        cut.truncate(length.div_ceil(8));
        let mut bits = Self { bytes: cut, length };
        bits.clear_rest();
        bits
    }

    pub(super) const fn length(&self) -> usize {
        self.length
    }

    pub(super) fn append(&mut self, other: &Self) {
        let used = self.length % 8;
        if used == 0 {
            self.bytes.extend_from_slice(&other.bytes);
        } else {
            self.bytes.reserve(other.bytes.len());
            for byte in &other.bytes {
                if let Some(last) = self.bytes.last_mut() {
                    *last |= byte >> used;
                }
                self.bytes.push(byte << (8 - used));
            }
        }
        self.length += other.length;
        self.bytes.truncate(self.length.div_ceil(8));
    }

    /// Appends the lowest bits of a number, 1 to 64.
    pub(super) fn push_number(&mut self, number: u64, length: usize) {
        let bytes = (number << (64 - length)).to_be_bytes();
        self.append(&Self::of(&bytes, 0, length));
    }

    /// A number of at most 32 bits; zeros, where there are too few.
    pub(super) fn number(&self, start: usize, length: usize) -> u32 {
        let bit = |at: usize| {
            let byte = self.bytes.get(at / 8).copied().unwrap_or_default();
            u32::from(byte >> (7 - at % 8) & 1)
        };
        (start..start + length).fold(0, |number, at| number << 1 | bit(at))
    }

    /// The bits, and zeros up to a whole byte.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn clear_rest(&mut self) {
        let used = self.length % 8;
        if used != 0
            && let Some(last) = self.bytes.last_mut()
        {
            *last &= !(0xff >> used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_cut_and_joined_anywhere() {
        let bytes = [0b1010_0110, 0b1100_0011, 0b0101_1111, 0b0000_1111];
        let all = Bits::of(&bytes, 0, 32);
        assert_eq!(all.number(0, 32), u32::from_be_bytes(bytes));
        for start in 0..=32 {
            for end in start..=32 {
                let mut joined = Bits::of(&bytes, 0, start);
                joined.append(&Bits::of(&bytes, start, end - start));
                joined.append(&Bits::of(&bytes, end, 32 - end));
                assert_eq!(joined, all, "{start} {end}");
            }
        }
        let mut number = Bits::default();
        number.push_number(5, 3);
        number.push_number(0x1772_4538_5090, 48);
        assert_eq!(number.number(3, 32), 0x1772_4538);
        assert_eq!(number.into_bytes().len(), 7);
    }
}
