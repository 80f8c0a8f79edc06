//! Keys and signatures that `gpg` refuses to make, put together with rPGP; and random bytes.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, DetachedSignature, KeyType, SecretKeyParamsBuilder,
    SignedPublicKey, SignedSecretKey, SubkeyParamsBuilder, SubpacketConfig,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    Notation, PacketTrait as _, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData,
};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails as _, KeyVersion, Password, SigningKey, Timestamp};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::both_ways::verify_detached;
use super::{
    Fingerprint, Keyring, SignatureError, Signed, instant, signed_part, verify_clearsigned,
};

const DATA: &[u8] = b"1111  image.img\n";
/// When the keys were made: 2026-01-01.
const MADE: u32 = 1_767_225_600;

/// rPGP dates the self-signatures of new keys by the machine's clock.
fn now() -> DateTime<Utc> {
    instant(Timestamp::now()) + TimeDelta::days(1)
}

/// Made once, where a test needs it often.
static UPSTREAM: LazyLock<SignedSecretKey> = LazyLock::new(|| key(KeyVersion::V4, "upstream"));

fn random() -> StdRng {
    StdRng::seed_from_u64(7)
}

/// A key made at `MADE` with a subkey for signing and one that may only authenticate.
fn key(version: KeyVersion, user: &str) -> SignedSecretKey {
    let kind = match version {
        KeyVersion::V6 => KeyType::Ed25519,
        _ => KeyType::Ed25519Legacy,
    };
    let subkey = |signs: bool| {
        SubkeyParamsBuilder::default()
            .version(version)
            .key_type(kind.clone())
            .created_at(Timestamp::from_secs(MADE))
            .can_sign(signs)
            .can_authenticate(!signs)
            .build()
            .unwrap()
    };
    SecretKeyParamsBuilder::default()
        .version(version)
        .key_type(kind.clone())
        .created_at(Timestamp::from_secs(MADE))
        .can_certify(true)
        .can_sign(true)
        .primary_user_id(user.to_owned())
        .subkey(subkey(true))
        .subkey(subkey(false))
        .build()
        .unwrap()
        .generate(random_for(user))
        .unwrap()
}

fn random_for(user: &str) -> StdRng {
    StdRng::seed_from_u64(user.bytes().map(u64::from).sum())
}

/// A detached binary signature over `DATA` with these parts under the signature.
fn signed(key: &impl SigningKey, parts: Vec<Subpacket>) -> Vec<u8> {
    let config = SubpacketConfig::UserDefined {
        hashed: parts,
        unhashed: Vec::new(),
    };
    DetachedSignature::sign_binary_data_with_subpackets(
        random(),
        key,
        &Password::empty(),
        HashAlgorithm::Sha256,
        DATA,
        config,
    )
    .unwrap()
    .to_bytes()
    .unwrap()
}

fn made(at: u32) -> Subpacket {
    Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(
        at,
    )))
    .unwrap()
}

fn verify(signature: &[u8], key: &SignedPublicKey) -> Result<Signed, SignatureError> {
    let keys = Keyring::parse(&key.to_bytes().unwrap()).unwrap();
    verify_detached(DATA, signature, &keys, &[Fingerprint::of(key)], now())
}

#[test]
fn a_version_6_key_and_its_signing_subkey_are_good() {
    let key = key(KeyVersion::V6, "upstream");
    let public = key.to_public_key();
    assert_eq!(Fingerprint::of(&public).as_str().len(), 64);
    for signature in [
        signed(&key.primary_key, vec![made(MADE + 1)]),
        signed(&key.secret_subkeys[0].key, vec![made(MADE + 1)]),
    ] {
        assert_eq!(
            verify(&signature, &public).unwrap().key,
            Fingerprint::of(&public)
        );
    }
}

#[test]
fn a_version_3_signature_packet_is_read_detached_and_in_the_clear() {
    let key = key(KeyVersion::V4, "upstream");
    let public = key.to_public_key();
    // rPGP reads this form but does not make it.
    let sign = |kind: SignatureType, data: &[u8]| {
        let hash = HashAlgorithm::Sha512;
        let (algorithm, id) = (key.primary_key.algorithm(), key.primary_key.legacy_key_id());
        let made = Timestamp::from_secs(MADE + 1);
        let trailer = [&[u8::from(kind)][..], &made.as_secs().to_be_bytes()].concat();
        let digest = hash.digest(&[data, &trailer].concat()).unwrap();
        let proof = key
            .primary_key
            .sign(&Password::empty(), hash, &digest)
            .unwrap();
        let config = SignatureConfig::v3(kind, algorithm, hash, made, id);
        Signature::from_config(config, [digest[0], digest[1]], proof).unwrap()
    };
    let detached = DetachedSignature::new(sign(SignatureType::Binary, DATA));
    let armored = detached.to_armored_bytes(ArmorOptions::default()).unwrap();
    let verdict = verify(&armored, &public).unwrap();
    assert_eq!(verdict.made_at, instant(Timestamp::from_secs(MADE + 1)));

    let detached = DetachedSignature::new(sign(SignatureType::Text, DATA.trim_ascii_end()));
    let armored = detached.to_armored_string(ArmorOptions::default()).unwrap();
    let text = std::str::from_utf8(DATA).unwrap();
    let file = format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{text}{armored}");
    let keys = Keyring::parse(&public.to_bytes().unwrap()).unwrap();
    let pinned = [Fingerprint::of(&public)];
    let (signed_text, _) = verify_clearsigned(file.as_bytes(), &keys, &pinned, now()).unwrap();
    assert_eq!(signed_text.as_bytes(), DATA);
}

#[test]
fn a_subkey_without_the_signing_flag_does_not_sign() {
    let key = key(KeyVersion::V4, "upstream");
    let signature = signed(&key.secret_subkeys[1].key, vec![made(MADE + 1)]);
    let error = verify(&signature, &key.to_public_key()).unwrap_err();
    assert!(
        matches!(error, SignatureError::NotForSigning { .. }),
        "{error}"
    );
    let signature = signed(&key.secret_subkeys[0].key, vec![made(MADE + 1)]);
    verify(&signature, &key.to_public_key()).unwrap();
}

#[test]
fn a_strangers_subkey_hung_onto_the_pinned_key_is_not_bound() {
    let ours = key(KeyVersion::V4, "upstream");
    let theirs = key(KeyVersion::V4, "attacker");
    let mut forged = ours.to_public_key();
    let primary = theirs.to_public_key();
    forged
        .public_subkeys
        .push(primary.public_subkeys[0].clone());
    let signature = signed(&theirs.secret_subkeys[0].key, vec![made(MADE + 1)]);
    verify(&signature, &primary).unwrap();
    let error = verify(&signature, &forged).unwrap_err();
    assert!(matches!(error, SignatureError::NotBound { .. }), "{error}");
}

#[test]
fn a_subkey_that_has_not_signed_back_is_not_bound() {
    let key = key(KeyVersion::V4, "upstream");
    let subkey = &key.secret_subkeys[0].key;
    let mut config = SignatureConfig::v4(
        SignatureType::SubkeyBinding,
        key.primary_key.algorithm(),
        HashAlgorithm::Sha256,
    );
    let mut flags = pgp::packet::KeyFlags::default();
    flags.set_sign(true);
    config.hashed_subpackets = vec![
        made(MADE + 1),
        Subpacket::regular(SubpacketData::KeyFlags(flags)).unwrap(),
    ];
    let mut forged = key.to_public_key();
    let binding = config
        .sign_subkey_binding(
            &key.primary_key,
            &forged.primary_key,
            &Password::empty(),
            &forged.public_subkeys[0].key,
        )
        .unwrap();
    forged.public_subkeys[0].signatures = vec![binding];
    let signature = signed(subkey, vec![made(MADE + 2)]);
    let error = verify(&signature, &forged).unwrap_err();
    assert!(matches!(error, SignatureError::NotBound { .. }), "{error}");
}

#[test]
fn a_strangers_revocation_revokes_nothing() {
    let ours = key(KeyVersion::V4, "upstream");
    let theirs = key(KeyVersion::V4, "attacker");
    let revocation = |issuer: Vec<Subpacket>| {
        let mut config = SignatureConfig::v4(
            SignatureType::KeyRevocation,
            theirs.primary_key.algorithm(),
            HashAlgorithm::Sha256,
        );
        config.hashed_subpackets = vec![made(MADE + 1)];
        config.unhashed_subpackets = issuer;
        config
            .sign_key(
                &theirs.primary_key,
                &Password::empty(),
                &ours.to_public_key().primary_key,
            )
            .unwrap()
    };
    let claimed = SubpacketData::IssuerKeyId(ours.primary_key.legacy_key_id());
    let mut forged = ours.to_public_key();
    forged.details.revocation_signatures = vec![
        revocation(Vec::new()),
        revocation(vec![Subpacket::regular(claimed).unwrap()]),
    ];
    let signature = signed(&ours.primary_key, vec![made(MADE + 2)]);
    verify(&signature, &forged).unwrap();
}

#[test]
fn a_key_stripped_of_its_self_signatures_says_nothing() {
    let key = key(KeyVersion::V4, "upstream");
    let mut stripped = key.to_public_key();
    stripped.details.users.clear();
    let signature = signed(&key.primary_key, vec![made(MADE + 1)]);
    let error = verify(&signature, &stripped).unwrap_err();
    assert!(
        matches!(error, SignatureError::NoSelfSignature { .. }),
        "{error}"
    );
}

#[test]
fn a_signature_must_be_dated_and_not_older_than_its_key() {
    let key = key(KeyVersion::V4, "upstream");
    let public = key.to_public_key();
    let error = verify(&signed(&key.primary_key, vec![made(MADE - 1)]), &public).unwrap_err();
    assert!(
        matches!(error, SignatureError::OlderThanKey { .. }),
        "{error}"
    );
    let error = verify(&signed(&key.primary_key, Vec::new()), &public).unwrap_err();
    insta::assert_snapshot!(error, @"the signature cannot be read: it does not say when it was made");
}

#[test]
fn a_demand_that_we_do_not_know_is_not_passed_over() {
    let key = key(KeyVersion::V4, "upstream");
    let notation = SubpacketData::Notation(Notation {
        readable: true,
        name: "only-for@example.org".into(),
        value: "testing".into(),
    });
    let public = key.to_public_key();
    let polite = Subpacket::regular(notation.clone()).unwrap();
    verify(
        &signed(&key.primary_key, vec![made(MADE + 1), polite]),
        &public,
    )
    .unwrap();
    let critical = Subpacket::critical(notation).unwrap();
    let error = verify(
        &signed(&key.primary_key, vec![made(MADE + 1), critical]),
        &public,
    );
    insta::assert_snapshot!(error.unwrap_err(), @"the signature cannot be read: it demands something of its reader that we do not know");
}

#[test]
fn a_signature_over_a_key_is_none_over_data() {
    let key = key(KeyVersion::V4, "upstream");
    let public = key.to_public_key();
    let mut bytes = Vec::new();
    public.details.users[0].signatures[0]
        .to_writer_with_header(&mut bytes)
        .unwrap();
    let error = verify(&bytes, &public).unwrap_err();
    assert!(
        matches!(error, SignatureError::NotOverData { .. }),
        "{error}"
    );
}

#[test]
fn a_key_is_read_past_packets_that_nobody_understands() {
    let key = key(KeyVersion::V4, "upstream");
    let signature = signed(&key.primary_key, vec![made(MADE + 1)]);
    let bytes = key.to_public_key().to_bytes().unwrap();
    // A signature packet of version 77 and a private packet, before the key and after it.
    let odd = b"\xC2\x03\x4D\x00\x00\xFC\x01\x00";
    let keys = Keyring::parse(&[odd, &bytes[..], odd].concat()).unwrap();
    verify_detached(
        DATA,
        &signature,
        &keys,
        &[Fingerprint::of(&key.to_public_key())],
        now(),
    )
    .unwrap();
}

#[test]
fn what_is_no_key_is_told_in_one_sentence() {
    let errors: Vec<String> = [
        &b" \n"[..],
        b"<html>",
        b"not found",
        b"\x99\x01",
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nQUJD\n",
    ]
    .into_iter()
    .map(|file| Keyring::parse(file).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(errors.join("\n"), @r"
    the key file is empty, expected an OpenPGP public key
    the key file is an HTML page, expected an OpenPGP public key
    the key file holds no OpenPGP public key that we can read, neither armored nor binary
    the key file holds no OpenPGP public key that we can read, neither armored nor binary
    the armor of the key file is damaged, expected Base64 lines up to its END line
    ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_clearsigned_comes_out_as_rpgp_normalizes_it(
        text in "([-a-zA-Z0-9 \t=.#]{0,12}(\n|\r\n)){0,6}[- a-z]{0,5}",
    ) {
        let key = &*UPSTREAM;
        let mut config =
            SignatureConfig::v4(SignatureType::Text, key.primary_key.algorithm(), HashAlgorithm::Sha512);
        config.hashed_subpackets = vec![made(MADE + 1)];
        let trimmed: Vec<&str> =
            text.split('\n').map(|line| line.trim_end_matches([' ', '\t', '\r'])).collect();
        let message =
            CleartextSignedMessage::new(&trimmed.join("\n"), config, &key.primary_key, &Password::empty())
                .unwrap();
        let file = message.to_armored_string(ArmorOptions::default()).unwrap();
        let public = key.to_public_key();
        let keys = Keyring::parse(&public.to_bytes().unwrap()).unwrap();
        let (ours, _) =
            verify_clearsigned(file.as_bytes(), &keys, &[Fingerprint::of(&public)], now()).unwrap();
        let theirs = message.signed_text().replace("\r\n", "\n");
        prop_assert_eq!(ours.trim_end_matches('\n'), theirs.trim_end_matches('\n'));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn random_bytes_never_panic(
        first in prop::sample::select(vec![0x99_u8, 0x88, 0x89, 0xC2, 0xC6, 0xCE, 0x98, b'-', b'a']),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [&[first][..], &rest].concat();
        try_everything(&bytes);
    }

    #[test]
    fn damaged_keys_and_signatures_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let key = &*UPSTREAM;
        let signature = signed(&key.secret_subkeys[0].key, vec![made(MADE + 1)]);
        let public = key.to_public_key();
        let pinned = [Fingerprint::of(&public)];
        let damaged = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            for (index, byte) in &changes {
                let index = index.index(bytes.len());
                bytes[index] = *byte;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            bytes
        };
        let whole = Keyring::parse(&public.to_bytes().unwrap()).unwrap();
        let _ = verify_detached(DATA, &damaged(&signature), &whole, &pinned, now());
        if let Ok(keys) = Keyring::parse(&damaged(&public.to_bytes().unwrap())) {
            let _ = verify_detached(DATA, &signature, &keys, &pinned, now());
        }
    }

    #[test]
    fn random_text_around_armor_never_panics(
        lines in prop::collection::vec(prop::sample::select(vec![
            "-----BEGIN PGP SIGNED MESSAGE-----", "Hash: SHA256", "", "text", "- -", "-", "=abcd",
            "-----BEGIN PGP SIGNATURE-----", "iQEzBAAB", "-----END PGP SIGNATURE-----", "Q", "\r",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----", "\u{feff}",
        ]), 0..14),
    ) {
        try_everything(lines.join("\n").as_bytes());
    }
}

fn try_everything(bytes: &[u8]) {
    let keys = Keyring::parse(bytes).unwrap_or_default();
    let mut pinned: Vec<Fingerprint> = keys.fingerprints().cloned().collect();
    pinned.push("A".repeat(40).parse().unwrap());
    let _ = verify_detached(DATA, bytes, &keys, &pinned, now());
    let _ = verify_clearsigned(bytes, &keys, &pinned, now());
    let _ = signed_part(bytes);
}
