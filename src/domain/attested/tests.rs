use super::*;
use crate::domain::captures::capture;
use crate::domain::definition;
use crate::domain::proof::{Measured, Received};

const URL: &str = "https://images.example/1/SHA256SUMS";

fn digest(letter: &str) -> String {
    letter.repeat(64)
}

fn manifest(text: &str) -> Evidence<'_> {
    Evidence {
        url: URL,
        bytes: text.as_bytes(),
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn version(lines: &str) -> Version {
    let text = format!(
        "images:\n  - name: A\n    format: qcow2\n    versions:\n      - version: '1'\n{lines}"
    );
    definition::parse("a.yml", &text)
        .unwrap()
        .remove(0)
        .versions
        .remove(0)
}

#[test]
fn an_unsigned_manifest_vouches_by_checksum_only() {
    let text = format!("{}  a.img\n", digest("a"));
    let (attested, notes) = attest("a.img", manifest(&text), None, None, now()).unwrap();
    assert_eq!(
        attested.checksum().to_string(),
        format!("sha256:{}", digest("a"))
    );
    assert_eq!(
        (
            attested.verified(),
            attested.signed_by(),
            attested.manifest()
        ),
        (Verified::Checksum, None, Some(URL))
    );
    assert!(notes.is_empty());
}

#[test]
fn a_weak_digest_is_refused_wherever_it_stands() {
    let text = format!("{}  a.img\n", "a".repeat(32));
    assert!(matches!(
        attest("a.img", manifest(&text), None, None, now()),
        Err(ProofError::Weak { .. })
    ));
    let weak = version(&format!("        checksum: md5:{}\n", "a".repeat(32)));
    assert!(matches!(
        reviewed(&weak, true),
        Err(ProofError::Weak { .. })
    ));
}

#[test]
fn what_was_reviewed_counts_as_signed_only_if_asked_to() {
    let key = "A".repeat(40);
    let known = version(&format!(
        "        checksum: sha256:{}\n        signed_by: {key}\n",
        digest("b")
    ));
    assert_eq!(
        reviewed(&known, true).unwrap().verified(),
        Verified::Signature
    );
    assert_eq!(
        reviewed(&known, false).unwrap().verified(),
        Verified::Checksum
    );
    assert!(matches!(
        reviewed(&version(""), true),
        Err(ProofError::NoChecksum { .. })
    ));
}

#[test]
fn the_settings_say_how_much_suffices() {
    let text = format!("{}  a.img\n", digest("a"));
    let (unsigned, _) = attest("a.img", manifest(&text), None, None, now()).unwrap();
    let enough =
        |verify, names_key| suffices(unsigned.verified(), verify, names_key, "a.img").is_ok();
    assert!(!enough(Verify::SignatureRequired, false));
    assert!(!enough(Verify::Signature, true));
    assert!(enough(Verify::Signature, false));
    assert!(enough(Verify::Checksum, true));
}

/// What people reviewed, with these lines in the version.
fn pinned_as(lines: &str) -> Attested {
    reviewed(&version(&format!("        {lines}\n")), true).unwrap()
}

#[test]
fn another_digest_than_the_reviewed_one_is_a_change() {
    let text = format!("{}  a.img\n", digest("a"));
    let (found, _) = attest("a.img", manifest(&text), None, None, now()).unwrap();
    let held = |reviewed: &Attested| unchanged(found.clone(), "a.img", reviewed);
    let same = pinned_as(&format!("checksum: sha256:{}", digest("a")));
    assert_eq!(held(&same).unwrap().checksums().count(), 1);
    let other = pinned_as(&format!("checksum: sha256:{}", digest("b")));
    assert!(matches!(held(&other), Err(ProofError::Changed { .. })));
    // Two algorithms cannot be compared, so the bytes must have both digests.
    let longer = pinned_as(&format!("checksum: sha512:{}", "b".repeat(128)));
    let both = held(&longer).unwrap();
    let both: Vec<_> = both.checksums().map(Checksum::algorithm).collect();
    assert_eq!(both, [Algorithm::Sha256, Algorithm::Sha512]);
}

#[test]
fn the_reviewed_digest_of_the_disk_counts_unless_the_upstream_tells_another() {
    let lines = |disk: &str| {
        let (file, disk) = (digest("a"), digest(disk));
        format!(
            "checksum: sha256:{file}\n        disk_checksum: sha256:{disk}\n        computed: [disk_checksum]"
        )
    };
    let reviewed = pinned_as(&lines("d"));
    let text = format!("{}  a.img\n", digest("a"));
    let (found, _) = attest("a.img", manifest(&text), None, None, now()).unwrap();
    let held = unchanged(found.clone(), "a.img", &reviewed).unwrap();
    assert_eq!(held.disk().unwrap().hex(), digest("d"));
    assert_eq!(held.computed().keys(), ["disk_checksum"]);
    let told = format!("sha256:{}", digest("e")).parse().unwrap();
    let found = found.with_disk(Some(told), "a.img").unwrap();
    assert!(matches!(
        unchanged(found, "a.img", &reviewed),
        Err(ProofError::Changed { .. })
    ));
}

fn sum(text: &str) -> Checksum {
    format!("sha256:{}", digest(text)).parse().unwrap()
}

/// What arrived of a file with a disk in it.
fn received(file: &str, disk: Option<&str>) -> Received {
    let measured = |text: &str| Measured {
        size: 1,
        checksums: vec![sum(text)],
    };
    Received {
        file: measured(file),
        disk: disk.map(measured),
        signed: None,
        inspected: None,
        converted: None,
    }
}

/// A build of which no document tells a digest.
fn untold() -> ByBytes {
    ByBytes {
        told: None,
        algorithm: Algorithm::Sha256,
        disk: None,
        compute_disk: None,
        member: None,
        signature: None,
    }
}

#[test]
fn a_digest_that_nobody_gives_is_computed_and_says_so() {
    let (attested, _) = untold().attest(received("f", None), URL).unwrap();
    assert_eq!(attested.verified(), Verified::Computed);
    assert_eq!(attested.checksum(), &sum("f"));
    assert_eq!(attested.computed().keys(), ["checksum"]);
    let packed = ByBytes {
        compute_disk: Some(Algorithm::Sha256),
        ..untold()
    };
    let (attested, _) = packed.attest(received("f", Some("d")), URL).unwrap();
    assert_eq!(attested.disk(), Some(&sum("d")));
    assert_eq!(attested.computed().keys(), ["checksum", "disk_checksum"]);
}

#[test]
fn bytes_that_are_not_what_documents_say_are_refused() {
    let text = format!("{}  a.img\n", digest("f"));
    let (told, _) = attest("a.img", manifest(&text), None, None, now()).unwrap();
    let by_bytes = ByBytes {
        told: Some(told),
        compute_disk: Some(Algorithm::Sha256),
        ..untold()
    };
    let (attested, _) = by_bytes.attest(received("f", Some("d")), URL).unwrap();
    assert_eq!(attested.verified(), Verified::Checksum);
    assert_eq!(attested.computed().keys(), ["disk_checksum"]);
    let error = by_bytes.attest(received("c", Some("d")), URL);
    assert!(matches!(error, Err(ProofError::Bytes { .. })));
}

#[test]
fn the_real_noble_release_is_proven_and_its_altered_copy_is_not() {
    let folder = "ubuntu/cloud-images.ubuntu.com/releases/noble/release-20260725";
    let (Some(sums), Some(signature), Some(altered), Some(key)) = (
        capture(&format!("{folder}/SHA256SUMS")),
        capture(&format!("{folder}/SHA256SUMS.gpg")),
        capture("negative/ubuntu-noble-SHA256SUMS.one-digit-changed"),
        capture("ubuntu/keys/D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81.asc"),
    ) else {
        return;
    };
    let keys = Keyring::parse(&key).unwrap();
    let pinned = ["D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81".parse().unwrap()];
    let signing = Signing {
        detached: Some(Evidence {
            url: "https://images.example/1/SHA256SUMS.gpg",
            bytes: &signature,
        }),
        keys: &keys,
        pinned: &pinned,
    };
    let file = "ubuntu-24.04-server-cloudimg-amd64.img";
    let prove = |bytes: &[u8]| {
        attest(
            file,
            Evidence { url: URL, bytes },
            None,
            Some(signing),
            now(),
        )
    };
    let (attested, _) = prove(&sums).unwrap();
    assert_eq!(attested.verified(), Verified::Signature);
    assert_eq!(attested.signed_by(), Some(&pinned[0]));
    let signed_at = attested.signed_at().map(|at| at.date_naive().to_string());
    assert_eq!(signed_at.as_deref(), Some("2026-07-25"));
    let Err(ProofError::Signature { source, .. }) = prove(&altered) else {
        panic!("an altered manifest was accepted");
    };
    assert!(matches!(*source, SignatureError::Bad { .. }), "{source}");
}
