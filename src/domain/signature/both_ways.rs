//! Every detached signature of the tests is checked twice: over the data at hand, and over data that passes.

use chrono::{DateTime, Utc};

use super::{Detached, Fingerprint, Keyring, SignatureError, Signed};

/// The verdict over the data at hand; fails the test if the one over passing data is another.
pub(super) fn verify_detached(
    data: &[u8],
    signature: &[u8],
    keys: &Keyring,
    pinned: &[Fingerprint],
    now: DateTime<Utc>,
) -> Result<Signed, SignatureError> {
    let whole = super::verify_detached(data, signature, keys, pinned, now);
    let passed = Detached::read(signature, keys, pinned, now).and_then(|detached| {
        let mut passing = detached.begin()?;
        for piece in data.chunks(7) {
            passing.update(piece);
        }
        passing.verdict()
    });
    // A signature over text is refused where line ends are not changed for it.
    let is_over_text = SignatureError::Malformed {
        reason: "it is one over a text, expected one over the bytes of a file",
    };
    match whole {
        // Of a bad signature all else is judged first, before a byte has passed.
        Err(SignatureError::Bad { .. }) => assert!(passed.is_err(), "{passed:?}"),
        _ if passed == Err(is_over_text) => {}
        _ => assert_eq!(passed, whole),
    }
    whole
}
