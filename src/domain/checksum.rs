//! Checksums as upstreams and definitions write them: `sha256:0123…`.
//!
//! A [`Checksum`] is valid by construction: known algorithm, right length, lower-case hex.
//! Which checksum to believe is decided elsewhere (`manifest.rs`, `signature.rs`).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

/// Base64 as met in the wild: Debian's JSON leaves the padding out, others write it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a text is not a checksum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChecksumError {
    /// No `algorithm:` in front.
    #[error("checksum `{text}` names no algorithm, expected a form like `sha256:HEX`")]
    NoAlgorithm {
        /// The text as it was given.
        text: String,
    },
    /// An algorithm that we do not know.
    #[error(
        "checksum algorithm `{name}` is unknown, expected one of md5, sha1, sha224, sha256, sha384, sha512"
    )]
    UnknownAlgorithm {
        /// The name as it was given.
        name: String,
    },
    /// Another algorithm than the one asked for.
    #[error("the digest is {found}, expected {expected}")]
    OtherAlgorithm {
        /// The algorithm named.
        found: Algorithm,
        /// The algorithm asked for.
        expected: Algorithm,
    },
    /// Too short or too long for its algorithm.
    #[error("{algorithm} checksum has {found} digits, expected {expected}")]
    WrongLength {
        /// The algorithm named.
        algorithm: Algorithm,
        /// The number of digits found.
        found: usize,
        /// The number of digits that the algorithm has.
        expected: usize,
    },
    /// A bare digest whose length fits no algorithm.
    #[error(
        "a digest of {found} digits fits no known algorithm, expected 32, 40, 56, 64, 96 or 128 hex digits"
    )]
    UnknownLength {
        /// The number of digits found.
        found: usize,
    },
    /// Something that is no hex digit.
    #[error("`{text}` is not hexadecimal, expected the digits 0-9 and a-f only")]
    NotHex {
        /// The text as it was given, shortened.
        text: String,
    },
    /// Something that is no Base64.
    #[error("`{text}` is not Base64, expected the standard alphabet")]
    NotBase64 {
        /// The text as it was given, shortened.
        text: String,
    },
}

/// A digest algorithm; the order is by strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// MD5, broken.
    Md5,
    /// SHA-1, broken.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Every algorithm, weakest first.
    pub const ALL: [Self; 6] = [
        Self::Md5,
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// Whether two different files with the same digest can be made: MD5 and SHA-1.
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1)
    }

    /// How many hex digits a digest has.
    pub const fn hex_digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha224 => 56,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }

    /// The name that stands in definitions and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The one algorithm whose digests have this many hex digits.
    pub fn by_length(digits: usize) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.hex_digits() == digits)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = ChecksumError;

    /// Reads `sha256`, `SHA256` and `SHA-256` alike; fails with [`ChecksumError`].
    fn from_str(text: &str) -> Result<Self, ChecksumError> {
        let plain = text.trim().replace('-', "").to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == plain)
            .ok_or_else(|| ChecksumError::UnknownAlgorithm {
                name: shortened(text),
            })
    }
}

impl TryFrom<String> for Algorithm {
    type Error = ChecksumError;

    fn try_from(text: String) -> Result<Self, ChecksumError> {
        text.parse()
    }
}

/// A digest with its algorithm, printed as `sha256:…`.
///
/// The digits are lower case and as many as the algorithm has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checksum {
    algorithm: Algorithm,
    hex: String,
}

impl Checksum {
    /// Takes hex digits in either case; fails with [`ChecksumError`] on a wrong length or digit.
    pub fn new(algorithm: Algorithm, hex: &str) -> Result<Self, ChecksumError> {
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ChecksumError::NotHex {
                text: shortened(hex),
            });
        }
        if hex.len() != algorithm.hex_digits() {
            return Err(ChecksumError::WrongLength {
                algorithm,
                found: hex.len(),
                expected: algorithm.hex_digits(),
            });
        }
        Ok(Self {
            algorithm,
            hex: hex.to_ascii_lowercase(),
        })
    }

    /// Takes a bare digest, whose length tells the algorithm; fails with [`ChecksumError`].
    pub fn from_hex(hex: &str) -> Result<Self, ChecksumError> {
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ChecksumError::NotHex {
                text: shortened(hex),
            });
        }
        let algorithm = Algorithm::by_length(hex.len())
            .ok_or(ChecksumError::UnknownLength { found: hex.len() })?;
        Self::new(algorithm, hex)
    }

    /// Takes Base64 with or without padding, as Debian's JSON has it; fails with [`ChecksumError`].
    pub fn from_base64(algorithm: Algorithm, text: &str) -> Result<Self, ChecksumError> {
        let bytes = BASE64
            .decode(text.trim())
            .map_err(|_| ChecksumError::NotBase64 {
                text: shortened(text),
            })?;
        Self::from_digest(algorithm, &bytes)
    }

    /// Takes a digest as indexes write it: hex or Base64, alone or after `sha256:` and the like.
    ///
    /// `algorithm`: the one that is expected. Without it the text tells: by its prefix, else by its length.
    /// Fails with [`ChecksumError`].
    pub fn from_any(text: &str, algorithm: Option<Algorithm>) -> Result<Self, ChecksumError> {
        let text = text.trim();
        let (said, digest) = match text.split_once(':') {
            Some((name, digest)) => (Some(name.parse::<Algorithm>()?), digest.trim()),
            None => (None, text),
        };
        if let (Some(said), Some(expected)) = (said, algorithm)
            && said != expected
        {
            return Err(ChecksumError::OtherAlgorithm {
                found: said,
                expected,
            });
        }
        let is_hex = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        match said.or(algorithm) {
            Some(algorithm) if is_hex && digest.len() == algorithm.hex_digits() => {
                Self::new(algorithm, digest)
            }
            Some(algorithm) => match Self::from_base64(algorithm, digest) {
                // Hex of a wrong length is Base64 only by accident.
                Err(_) if is_hex => Self::new(algorithm, digest),
                result => result,
            },
            None if is_hex => Self::from_hex(digest),
            None => {
                let bytes = BASE64
                    .decode(digest)
                    .map_err(|_| ChecksumError::NotBase64 {
                        text: shortened(digest),
                    })?;
                Self::from_hex(&hex(&bytes))
            }
        }
    }

    /// Takes the bytes that a hash function gave; fails with [`ChecksumError`] on a wrong length.
    pub fn from_digest(algorithm: Algorithm, digest: &[u8]) -> Result<Self, ChecksumError> {
        Self::new(algorithm, &hex(digest))
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digits, lower case.
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// Whether the algorithm proves nothing any more: MD5 and SHA-1.
    pub const fn is_weak(&self) -> bool {
        self.algorithm.is_weak()
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.algorithm, self.hex)
    }
}

impl FromStr for Checksum {
    type Err = ChecksumError;

    /// Reads `sha256:HEX`; fails with [`ChecksumError`].
    fn from_str(text: &str) -> Result<Self, ChecksumError> {
        let Some((algorithm, hex)) = text.trim().split_once(':') else {
            return Err(ChecksumError::NoAlgorithm {
                text: shortened(text),
            });
        };
        Self::new(algorithm.parse()?, hex.trim())
    }
}

impl TryFrom<String> for Checksum {
    type Error = ChecksumError;

    fn try_from(text: String) -> Result<Self, ChecksumError> {
        text.parse()
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> Self {
        checksum.to_string()
    }
}

/// Lower-case hex digits of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

/// Foreign text for a message: at most 40 characters, without control characters.
pub(crate) fn shortened(text: &str) -> String {
    const LIMIT: usize = 40;
    let mut characters = text.trim().chars();
    let mut short: String = characters
        .by_ref()
        .take(LIMIT)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHA256_OF_NOTHING: &str =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_checksum_prints_as_it_is_read_but_lower_case() {
        let upper = format!("SHA256:{}", SHA256_OF_NOTHING.to_uppercase());
        let checksum: Checksum = upper.parse().unwrap();
        assert_eq!(checksum.to_string(), format!("sha256:{SHA256_OF_NOTHING}"));
        assert_eq!(checksum.algorithm(), Algorithm::Sha256);
        assert!(!checksum.is_weak());
    }

    #[test]
    fn the_length_tells_the_algorithm_of_a_bare_digest() {
        for algorithm in Algorithm::ALL {
            let digest = "a".repeat(algorithm.hex_digits());
            assert_eq!(Checksum::from_hex(&digest).unwrap().algorithm(), algorithm);
        }
        let error = Checksum::from_hex("abc").unwrap_err();
        insta::assert_snapshot!(error, @"a digest of 3 digits fits no known algorithm, expected 32, 40, 56, 64, 96 or 128 hex digits");
    }

    #[test]
    fn base64_is_read_with_and_without_padding() {
        let bare = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
        for text in [bare.to_owned(), format!("{bare}=")] {
            let checksum = Checksum::from_base64(Algorithm::Sha256, &text).unwrap();
            assert_eq!(checksum.hex(), SHA256_OF_NOTHING);
        }
        assert!(Checksum::from_base64(Algorithm::Sha512, bare).is_err());
        assert!(Checksum::from_base64(Algorithm::Sha256, "not base64!").is_err());
    }

    #[test]
    fn digests_of_indexes_are_read_in_every_form() {
        let base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
        for text in [
            SHA256_OF_NOTHING.to_owned(),
            SHA256_OF_NOTHING.to_uppercase(),
            format!("sha256:{SHA256_OF_NOTHING}"),
            format!(" SHA-256: {SHA256_OF_NOTHING}\n"),
            base64.to_owned(),
            format!("{base64}="),
            format!("sha256:{base64}"),
        ] {
            for algorithm in [None, Some(Algorithm::Sha256)] {
                let checksum = Checksum::from_any(&text, algorithm).unwrap();
                assert_eq!(
                    checksum.to_string(),
                    format!("sha256:{SHA256_OF_NOTHING}"),
                    "{text}"
                );
            }
        }
        let refused: Vec<String> = [
            format!("sha512:{base64}"),
            format!("sha1:{}", "0".repeat(40)),
            "0".repeat(40),
            "0".repeat(63),
            "a page".to_owned(),
            String::new(),
            "crc:00".to_owned(),
        ]
        .iter()
        .map(|text| {
            Checksum::from_any(text, Some(Algorithm::Sha256))
                .unwrap_err()
                .to_string()
        })
        .collect();
        insta::assert_snapshot!(refused.join("\n"), @r"
        the digest is sha512, expected sha256
        the digest is sha1, expected sha256
        sha256 checksum has 40 digits, expected 64
        sha256 checksum has 63 digits, expected 64
        `a page` is not Base64, expected the standard alphabet
        sha256 checksum has 0 digits, expected 64
        checksum algorithm `crc` is unknown, expected one of md5, sha1, sha224, sha256, sha384, sha512
        ");
        let weak = Checksum::from_any(&"0".repeat(40), None).unwrap();
        assert!(weak.is_weak());
    }

    #[test]
    fn what_is_wrong_is_said_in_one_sentence() {
        let errors: Vec<String> = ["sha256", "crc32:00", "sha256:00", "md5:zz", "sha256:é"]
            .into_iter()
            .map(|text| text.parse::<Checksum>().unwrap_err().to_string())
            .collect();
        insta::assert_snapshot!(errors.join("\n"), @r"
        checksum `sha256` names no algorithm, expected a form like `sha256:HEX`
        checksum algorithm `crc32` is unknown, expected one of md5, sha1, sha224, sha256, sha384, sha512
        sha256 checksum has 2 digits, expected 64
        `zz` is not hexadecimal, expected the digits 0-9 and a-f only
        `é` is not hexadecimal, expected the digits 0-9 and a-f only
        ");
    }

    #[test]
    fn the_order_is_by_strength_and_the_two_broken_ones_are_weak() {
        assert!(Algorithm::ALL.is_sorted());
        let weak: Vec<_> = Algorithm::ALL
            .into_iter()
            .filter(|algorithm| algorithm.is_weak())
            .collect();
        assert_eq!(weak, [Algorithm::Md5, Algorithm::Sha1]);
    }

    #[test]
    fn serde_writes_and_reads_the_printed_form() {
        let json = format!("\"sha256:{SHA256_OF_NOTHING}\"");
        let checksum: Checksum = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&checksum).unwrap(), json);
        assert!(serde_json::from_str::<Checksum>("\"sha256:00\"").is_err());
    }

    proptest! {
        #[test]
        fn any_digest_survives_printing_and_reading(bytes in prop::collection::vec(any::<u8>(), 64)) {
            let checksum = Checksum::from_digest(Algorithm::Sha512, &bytes).unwrap();
            prop_assert_eq!(checksum.to_string().parse::<Checksum>().unwrap(), checksum);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = text.parse::<Checksum>();
            let _ = Checksum::from_any(&text, None);
            let _ = Checksum::from_hex(&text);
            let _ = Checksum::from_base64(Algorithm::Sha256, &text);
        }
    }
}
