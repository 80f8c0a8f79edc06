//! Attacks and carelessness, made on the spot with the real `gpg`.

use chrono::{DateTime, Utc};

use super::both_ways::verify_detached;
use super::gpg::Gpg;
use super::{Fingerprint, Keyring, SignatureError, Signed, verify_clearsigned};

const DATA: &[u8] = b"1111  image.img\n2222  other.img\n";

fn noon(day: &str) -> DateTime<Utc> {
    format!("{day}T12:00:00Z").parse().unwrap()
}

/// Verifies at noon of a day, trusting only `pinned`.
fn verify(
    signature: &[u8],
    keys: &[u8],
    pinned: &Fingerprint,
    day: &str,
) -> Result<Signed, SignatureError> {
    let keys = Keyring::parse(keys).unwrap();
    verify_detached(
        DATA,
        signature,
        &keys,
        std::slice::from_ref(pinned),
        noon(day),
    )
}

#[test]
fn a_pinned_keys_signature_is_good_in_every_form_that_gpg_writes() {
    let gpg = Gpg::new();
    let key = gpg.key("20260101", "upstream", "never");
    let exported = gpg.export(&key);
    for options in [
        &["--armor", "--detach-sign"][..],
        &["--detach-sign"],
        &["--textmode", "--armor", "--detach-sign"],
        &["--digest-algo=SHA256", "--detach-sign"],
        &["--digest-algo=SHA384", "--detach-sign"],
        &["--digest-algo=SHA512", "--detach-sign"],
    ] {
        let signature = gpg.sign_with("20260105", &key, DATA, options);
        let signed = verify(&signature, &exported, &key, "2026-02-01").unwrap();
        let expected = Signed {
            key: key.clone(),
            made_at: noon("2026-01-05"),
            notes: Vec::new(),
        };
        assert_eq!(signed, expected, "{options:?}");
    }
}

#[test]
fn changed_data_and_a_changed_signature_are_refused() {
    let gpg = Gpg::new();
    let key = gpg.key("20260101", "upstream", "never");
    let signature = gpg.sign_with("20260105", &key, b"other data", &["--detach-sign"]);
    let error = verify(&signature, &gpg.export(&key), &key, "2026-02-01").unwrap_err();
    assert_eq!(error, SignatureError::Bad { key: key.clone() });

    let good = gpg.sign_with("20260105", &key, DATA, &["--detach-sign"]);
    let exported = gpg.export(&key);
    for index in 0..good.len() {
        let mut changed = good.clone();
        changed[index] ^= 1;
        let verdict = verify(&changed, &exported, &key, "2026-02-01");
        // The unhashed issuer is a hint; everything else is under the signature.
        if let Ok(signed) = verdict {
            assert_eq!(signed.made_at, noon("2026-01-05"), "byte {index}");
        }
    }
}

#[test]
fn another_persons_signature_is_foreign_even_if_their_key_is_at_hand() {
    let gpg = Gpg::new();
    let ours = gpg.key("20260101", "upstream", "never");
    let theirs = gpg.key("20260101", "attacker", "never");
    let signature = gpg.sign("20260105", &theirs, DATA);
    let both = [gpg.export(&theirs), gpg.export(&ours)].concat();
    assert_eq!(Keyring::parse(&both).unwrap().fingerprints().count(), 2);
    for keys in [both, gpg.export(&ours)] {
        let error = verify(&signature, &keys, &ours, "2026-02-01").unwrap_err();
        let expected = SignatureError::ForeignKey {
            found: theirs.to_string(),
            expected: ours.to_string(),
        };
        assert_eq!(error, expected);
    }
    let error = verify(&signature, &gpg.export(&theirs), &ours, "2026-02-01").unwrap_err();
    assert!(
        matches!(error, SignatureError::NoPinnedKey { .. }),
        "{error}"
    );
}

#[test]
fn of_several_signatures_one_good_one_by_the_pinned_key_suffices() {
    let gpg = Gpg::new();
    let ours = gpg.key("20260101", "upstream", "never");
    let theirs = gpg.key("20260101", "other", "never");
    let bad = gpg.sign("20260105", &ours, b"something else");
    let parts = [
        gpg.sign("20260105", &theirs, DATA),
        bad.clone(),
        gpg.sign("20260105", &ours, DATA),
    ];
    let keys = gpg.export(&ours);
    verify(&parts.concat(), &keys, &ours, "2026-02-01").unwrap();
    // Without it the one that came furthest is told.
    let error = verify(&parts[..2].concat(), &keys, &ours, "2026-02-01").unwrap_err();
    assert_eq!(error, SignatureError::Bad { key: ours.clone() });
    let flood = bad.repeat(33);
    insta::assert_snapshot!(verify(&flood, &keys, &ours, "2026-02-01").unwrap_err(), @"the signature cannot be read: it holds more than 32 signatures");
}

#[test]
fn a_key_must_not_have_expired_when_it_signed() {
    let gpg = Gpg::new();
    let key = gpg.key("20260101", "upstream", "10d");
    let short = gpg.export(&key);
    let in_time = gpg.sign("20260105", &key, DATA);
    gpg.run("20260105", &["--quick-set-expire", key.as_str(), "1y"], b"");
    let late = gpg.sign("20260201", &key, DATA);

    let error = verify(&late, &short, &key, "2026-02-02").unwrap_err();
    assert!(error.may_be_an_old_copy_of_the_key());
    let expected = SignatureError::KeyExpired {
        key: key.clone(),
        at: noon("2026-01-11"),
        made_at: noon("2026-02-01"),
    };
    assert_eq!(error, expected);
    assert_eq!(
        verify(&late, &gpg.export(&key), &key, "2026-02-02")
            .unwrap()
            .notes,
        [""; 0]
    );

    // As gpg does: it was the key's word when it was given.
    let signed = verify(&in_time, &short, &key, "2026-02-02").unwrap();
    let note = format!("key `{key}` expired on 2026-01-11 12:00:00 UTC, after it had signed");
    assert_eq!(signed.notes, [note]);
    // Both copies together know of the longer time.
    let mut keys = Keyring::parse(&gpg.export(&key)).unwrap();
    keys.extend(Keyring::parse(&short).unwrap());
    verify_detached(DATA, &late, &keys, &[key], noon("2026-02-02")).unwrap();
}

#[test]
fn a_revoked_key_counts_no_more_even_for_what_it_signed_before() {
    let gpg = Gpg::new();
    let key = gpg.key("20260101", "upstream", "never");
    let before = gpg.export(&key);
    let signature = gpg.sign("20260105", &key, DATA);
    verify(&signature, &before, &key, "2026-02-01").unwrap();
    gpg.revoke(&key);
    let revoked = gpg.export(&key);
    let expected = SignatureError::KeyRevoked { key: key.clone() };
    assert_eq!(
        verify(&signature, &revoked, &key, "2026-02-01").unwrap_err(),
        expected
    );
    // An old copy beside it does not bring the key back.
    let both = [before, revoked].concat();
    assert_eq!(
        verify(&signature, &both, &key, "2026-02-01").unwrap_err(),
        expected
    );
}

#[test]
fn a_revoked_subkey_counts_no_more_but_the_others_do() {
    let gpg = Gpg::new();
    let primary = gpg.key("20260101", "upstream", "never");
    let first = gpg.subkey("20260102", &primary, "1y");
    let second = gpg.subkey("20260103", &primary, "1y");
    let by_first = gpg.sign("20260105", &first, DATA);
    let by_second = gpg.sign("20260105", &second, DATA);
    for signature in [&by_first, &by_second] {
        let signed = verify(signature, &gpg.export(&primary), &primary, "2026-02-01").unwrap();
        assert_eq!(signed.key, primary);
    }
    let edit = ["--command-fd=0", "--edit-key", primary.as_str()];
    gpg.run("20260110", &edit, b"key 1\nrevkey\ny\n0\n\ny\nsave\n");
    let keys = gpg.export(&primary);
    let error = verify(&by_first, &keys, &primary, "2026-02-01").unwrap_err();
    assert_eq!(error, SignatureError::KeyRevoked { key: first });
    verify(&by_second, &keys, &primary, "2026-02-01").unwrap();
}

#[test]
fn a_subkey_that_our_copy_of_the_key_does_not_have_is_foreign_until_it_is_fetched_anew() {
    let gpg = Gpg::new();
    let primary = gpg.key("20260101", "upstream", "never");
    let old_copy = gpg.export(&primary);
    let subkey = gpg.subkey("20260102", &primary, "1y");
    let signature = gpg.sign("20260105", &subkey, DATA);
    let error = verify(&signature, &old_copy, &primary, "2026-02-01").unwrap_err();
    assert!(error.may_be_an_old_copy_of_the_key());
    assert!(error.to_string().contains(subkey.as_str()), "{error}");
    verify(&signature, &gpg.export(&primary), &primary, "2026-02-01").unwrap();
}

#[test]
fn a_subkey_judged_after_its_end_needs_to_have_signed_before() {
    let gpg = Gpg::new();
    let primary = gpg.key("20260101", "upstream", "never");
    let subkey = gpg.subkey("20260102", &primary, "10d");
    let signature = gpg.sign("20260105", &subkey, DATA);
    let signed = verify(&signature, &gpg.export(&primary), &primary, "2026-06-01").unwrap();
    assert_eq!(signed.notes.len(), 1);
    assert!(signed.notes[0].contains(subkey.as_str()));
}

#[test]
fn sha1_is_refused_over_data_and_subkeys_and_noted_on_the_key() {
    let gpg = Gpg::new();
    // Real keys with such self-signatures are old RSA keys.
    let key = gpg.old_key("20260101", "upstream");
    let keys = gpg.export(&key);
    let signed = verify(&gpg.sign("20260105", &key, DATA), &keys, &key, "2026-02-01").unwrap();
    assert_eq!(
        signed.notes,
        [format!("the self-signature of key `{key}` uses SHA-1")]
    );
    let subkey = gpg.old_subkey("20260102", &key);
    let by_subkey = gpg.sign("20260105", &subkey, DATA);
    let error = verify(&by_subkey, &gpg.export(&key), &key, "2026-02-01").unwrap_err();
    assert!(matches!(error, SignatureError::NotBound { .. }), "{error}");
    for (hash, name) in [
        ("SHA1", "SHA1"),
        ("RIPEMD160", "RIPEMD160"),
        ("SHA224", "SHA224"),
    ] {
        let options = [&format!("--digest-algo={hash}"), "--detach-sign"];
        let weak = gpg.sign_with("20260105", &key, DATA, &options);
        let error = verify(&weak, &keys, &key, "2026-02-01").unwrap_err();
        let expected = SignatureError::WeakHash {
            key: key.clone(),
            hash: name.to_owned(),
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn a_signature_from_the_future_is_refused_beyond_the_clocks_inaccuracy() {
    let gpg = Gpg::new();
    let key = gpg.key("20260101", "upstream", "never");
    let keys = Keyring::parse(&gpg.export(&key)).unwrap();
    let signature = gpg.sign("20260105", &key, DATA);
    let pinned = [key];
    let verdict =
        |now: &str| verify_detached(DATA, &signature, &keys, &pinned, now.parse().unwrap());
    verdict("2026-01-05T11:56:00Z").unwrap();
    let error = verdict("2026-01-05T11:54:00Z").unwrap_err();
    assert!(
        matches!(error, SignatureError::FromTheFuture { .. }),
        "{error}"
    );
}

#[test]
fn an_expired_signature_is_refused() {
    let gpg = Gpg::new();
    let key = gpg.key("20260101", "upstream", "never");
    let keys = gpg.export(&key);
    let options = ["--default-sig-expire=10d", "--detach-sign"];
    let signature = gpg.sign_with("20260105", &key, DATA, &options);
    verify(&signature, &keys, &key, "2026-01-14").unwrap();
    let error = verify(&signature, &keys, &key, "2026-01-15").unwrap_err();
    let expected = SignatureError::Expired {
        key: key.clone(),
        at: noon("2026-01-15"),
    };
    assert_eq!(error, expected);
}

#[test]
fn a_clearsigned_text_comes_out_as_it_went_in_and_nothing_beside_it() {
    let gpg = Gpg::new();
    let key = gpg.key("20260101", "upstream", "never");
    let keys = Keyring::parse(&gpg.export(&key)).unwrap();
    let pinned = [key.clone()];
    let now = noon("2026-02-01");
    let text = "- first\n-----BEGIN PGP\nFrom here \t\n\n  1111  image.img\n";
    let file = gpg.sign_with("20260105", &key, text.as_bytes(), &["--clearsign"]);
    let (signed_text, signed) = verify_clearsigned(&file, &keys, &pinned, now).unwrap();
    assert_eq!(signed_text, text.replace("From here \t", "From here"));
    assert_eq!(signed.notes, [""; 0]);

    let forged = "9999  image.img\n";
    let file = String::from_utf8(file).unwrap();
    for around in [format!("{forged}{file}"), format!("{file}{forged}")] {
        let (again, _) = verify_clearsigned(around.as_bytes(), &keys, &pinned, now).unwrap();
        assert_eq!(again, signed_text);
    }
    for inside in [
        file.replace("1111", "9999"),
        file.replace("\n\n- - first", &format!("\n{forged}\n- - first")),
        file.replace("\n\n- - first", &format!("\n\n{forged}- - first")),
        file.replace(
            "-----BEGIN PGP SIGNATURE",
            &format!("{forged}-----BEGIN PGP SIGNATURE"),
        ),
        format!("{file}{file}"),
    ] {
        assert_ne!(inside, file);
        verify_clearsigned(inside.as_bytes(), &keys, &pinned, now).unwrap_err();
    }
}

#[test]
fn what_is_no_signature_at_all_is_told_without_quoting_it() {
    let gpg = Gpg::new();
    let key = gpg.key("20260101", "upstream", "never");
    let keys = gpg.export(&key);
    let armored = String::from_utf8(gpg.sign("20260105", &key, DATA)).unwrap();
    let cut = &armored[..armored.len() / 2];
    let reasons: Vec<String> = [
        "",
        "<!DOCTYPE html><title>404</title>",
        "not found",
        cut,
        std::str::from_utf8(&keys).unwrap(),
        &armored.replace("\n\n", "\n\n****"),
    ]
    .into_iter()
    .map(|file| {
        verify(file.as_bytes(), &keys, &key, "2026-02-01")
            .unwrap_err()
            .to_string()
    })
    .collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    the signature cannot be read: the file is empty
    the signature cannot be read: it is an HTML page, expected an OpenPGP signature
    the signature cannot be read: it holds no OpenPGP signature, neither armored nor binary
    the signature cannot be read: its armor is damaged, expected Base64 lines up to the END line
    the signature cannot be read: it holds no OpenPGP signature, neither armored nor binary
    the signature cannot be read: its armor is damaged, expected Base64 lines up to the END line
    ");
    let error = verify(b"\xFF\xFE\x00", &keys, &key, "2026-02-01").unwrap_err();
    insta::assert_snapshot!(error, @"the signature cannot be read: it holds no signature packet that we can read");
}
