//! The readers of keys, detached signatures and clearsigned texts. An input is a key file, a signature and a text, with
//! `\n>>>>\n` between them.
#![no_main]

use chrono::{DateTime, Utc};
use libfuzzer_sys::fuzz_target;
use reglaze::domain::signature::{self, Fingerprint, Keyring};

fuzz_target!(|input: &[u8]| {
    let mut parts = Vec::new();
    let mut rest = input;
    let mark = b"\n>>>>\n";
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        parts.push(&rest[..at]);
        rest = &rest[at + mark.len()..];
    }
    parts.push(rest);
    let [key, signature, text] = parts.as_slice() else {
        // One file alone may be any of the three.
        let _ = Keyring::parse(input);
        check(input, input, &Keyring::default(), &[]);
        return;
    };
    let keys = Keyring::parse(key).unwrap_or_default();
    let pinned: Vec<Fingerprint> = keys.fingerprints().take(8).cloned().collect();
    check(signature, text, &keys, &pinned);
});

fn check(signature: &[u8], text: &[u8], keys: &Keyring, pinned: &[Fingerprint]) {
    let now: DateTime<Utc> = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_700);
    if let Ok(signed) = signature::verify_detached(text, signature, keys, pinned, now) {
        assert!(pinned.contains(&signed.key));
        // The same signature over another text is none.
        let mut other = text.to_vec();
        other.extend_from_slice(b"more");
        assert!(signature::verify_detached(&other, signature, keys, pinned, now).is_err());
    }
    if let Ok((_, signed)) = signature::verify_clearsigned(signature, keys, pinned, now) {
        assert!(pinned.contains(&signed.key));
    }
    let foreign = keys.only(&[]);
    assert!(signature::verify_detached(text, signature, &foreign, pinned, now).is_err());
    assert!(signature::verify_clearsigned(signature, &foreign, pinned, now).is_err());
}
