//! ASCII armor: the Base64 blocks between `-----BEGIN PGP …-----` and `-----END PGP …-----`.
//!
//! Read here and not by rPGP, which takes only the first block of a file and quotes the whole
//! input in its errors. What the packets inside mean is left to the modules above.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Some old keys have loose padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The kinds of block that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// One or more public keys.
    PublicKey,
    /// One or more signatures.
    Signature,
}

impl Block {
    pub(super) const fn begin(self) -> &'static str {
        match self {
            Self::PublicKey => "-----BEGIN PGP PUBLIC KEY BLOCK-----",
            Self::Signature => "-----BEGIN PGP SIGNATURE-----",
        }
    }

    pub(super) const fn end(self) -> &'static str {
        match self {
            Self::PublicKey => "-----END PGP PUBLIC KEY BLOCK-----",
            Self::Signature => "-----END PGP SIGNATURE-----",
        }
    }
}

/// A block that is no Base64 or has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// Whether the bytes begin like OpenPGP packets; text never has the highest bit set there.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    // A byte order mark has that bit too, and a text behind it.
    bytes.first().is_some_and(|byte| byte & 0x80 != 0) && !bytes.starts_with(b"\xEF\xBB\xBF")
}

/// Whether somebody answered with a web page.
pub(super) fn is_html(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let start = &start[..start.len().min(64)].to_ascii_lowercase();
    start.starts_with(b"<!doctype") || start.starts_with(b"<html") || start.starts_with(b"<?xml")
}

/// The decoded bytes of every block of this kind, in order; fails with [`Damaged`].
pub(super) fn blocks(text: &[u8], kind: Block) -> Result<Vec<Vec<u8>>, Damaged> {
    let mut found = Vec::new();
    let mut lines = lines(text);
    while let Some(line) = lines.next() {
        if line != kind.begin().as_bytes() {
            continue;
        }
        let mut body = Vec::new();
        loop {
            let line = lines.next().ok_or(Damaged)?;
            if line == kind.end().as_bytes() {
                break;
            }
            // Headers have a colon, which Base64 has not; the line of the old CRC begins with `=`.
            // RFC 9580 tells not to check that CRC: the signature does it better.
            if !line.contains(&b':') && !line.starts_with(b"=") {
                body.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
            }
        }
        found.push(BASE64.decode(&body).map_err(|_| Damaged)?);
    }
    Ok(found)
}

/// The lines of a text without line ends, trailing blanks and a byte order mark.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(text)
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armored(header: &str, body: &str) -> String {
        format!(
            "{}\n{header}\n{body}\n=abcd\n{}\n",
            Block::Signature.begin(),
            Block::Signature.end()
        )
    }

    #[test]
    fn every_block_is_read_and_text_between_them_is_not() {
        let text = format!(
            "hello\r\n{}between\n{}",
            armored("Version: 1\n", "QUJD\nREVG").replace('\n', "\r\n"),
            armored("", "R0hJ")
        );
        assert_eq!(
            blocks(text.as_bytes(), Block::Signature).unwrap(),
            [b"ABCDEF".to_vec(), b"GHI".to_vec()]
        );
        assert!(
            blocks(text.as_bytes(), Block::PublicKey)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_cut_or_garbled_block_is_damaged() {
        let whole = armored("", "QUJD");
        for text in [whole.replace("-----END", ""), whole.replace("QUJD", "Q*D?")] {
            assert_eq!(blocks(text.as_bytes(), Block::Signature), Err(Damaged));
        }
    }
}
