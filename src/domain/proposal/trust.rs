//! Who vouches for a new version's digest, in words.

use super::Offer;
use crate::domain::attested::Verified;

/// What vouches for the file's digest; values stand in backticks.
pub(super) fn voucher(offer: &Offer) -> String {
    let attested = &offer.attested;
    let computed = attested.computed();
    match (attested.verified(), attested.signed_by()) {
        (Verified::Signature, Some(key)) => {
            let when = offer.signed_at.map_or_else(String::new, |at| {
                format!(" on {}", at.format("%Y-%m-%d %H:%M UTC"))
            });
            let how = if computed.checksum {
                "; the digest is computed from a download of ours"
            } else {
                ""
            };
            format!("signed by the pinned key `{key}`{when}{how}")
        }
        (Verified::Computed, _) => {
            "computed from a download of ours: the upstream publishes no digest".to_owned()
        }
        (Verified::Signature | Verified::Checksum, _) => {
            "checksum over TLS only: nobody has signed it".to_owned()
        }
    }
}

/// The digest of the disk in a packed file, with who tells it.
pub(super) fn disk(offer: &Offer) -> Option<String> {
    let disk = offer.attested.disk()?;
    let whence = if offer.attested.computed().disk_checksum {
        "computed from a download of ours"
    } else {
        "told by the upstream"
    };
    Some(format!("`{disk}`, {whence}"))
}
