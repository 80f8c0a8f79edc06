//! Full OpenPGP fingerprints, the only names of keys that reglaze trusts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::checksum::{hex, shortened};

/// Why a text is not a full fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a full OpenPGP fingerprint, expected 40 or 64 hex digits: anybody can make another key with the same short ID"
)]
pub struct FingerprintError {
    /// The text as it was given, shortened.
    pub text: String,
}

/// The full fingerprint of a key: 40 (version 4) or 64 (version 6) upper-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The fingerprint of a key that was read.
    pub(super) fn of(key: &impl pgp::types::KeyDetails) -> Self {
        Self::from_bytes(key.fingerprint().as_bytes())
    }

    /// From raw bytes, whose number is the caller's word.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(hex(bytes).to_ascii_uppercase())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads digits in either case, with the blanks that `gpg` prints and with `0x` in front;
    /// fails with [`FingerprintError`].
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: String = text.split_whitespace().collect();
        let digits = digits.strip_prefix("0x").unwrap_or(&digits);
        let is_full = matches!(digits.len(), 40 | 64);
        if !is_full || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(FingerprintError {
                text: shortened(text),
            });
        }
        Ok(Self(digits.to_ascii_uppercase()))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, FingerprintError> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UBUNTU: &str = "D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81";

    #[test]
    fn a_fingerprint_is_read_however_it_was_copied() {
        for text in [
            UBUNTU,
            "d2eb44626fddc30b513d5bb71a5d6c4c7db87c81",
            "0xD2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81",
            "D2EB 4462 6FDD C30B 513D  5BB7 1A5D 6C4C 7DB8 7C81",
        ] {
            assert_eq!(text.parse::<Fingerprint>().unwrap().as_str(), UBUNTU);
        }
        assert_eq!(
            "a".repeat(64).parse::<Fingerprint>().unwrap().as_str(),
            "A".repeat(64)
        );
    }

    #[test]
    fn short_ids_and_other_texts_are_refused() {
        for text in [
            "",
            "7DB87C81",
            "1A5D6C4C7DB87C81",
            &"g".repeat(40),
            &"é".repeat(20),
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
        let error = "7DB87C81".parse::<Fingerprint>().unwrap_err();
        insta::assert_snapshot!(error, @"`7DB87C81` is not a full OpenPGP fingerprint, expected 40 or 64 hex digits: anybody can make another key with the same short ID");
    }
}
