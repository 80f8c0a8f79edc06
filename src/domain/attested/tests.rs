use super::*;
use crate::domain::captures::capture;
use crate::domain::definition;

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
    let enough = |verify, names_key| suffices(&unsigned, verify, names_key, "a.img").is_ok();
    assert!(!enough(Verify::SignatureRequired, false));
    assert!(!enough(Verify::Signature, true));
    assert!(enough(Verify::Signature, false));
    assert!(enough(Verify::Checksum, true));
}

#[test]
fn another_digest_than_the_reviewed_one_is_a_change() {
    let text = format!("{}  a.img\n", digest("a"));
    let (found, _) = attest("a.img", manifest(&text), None, None, now()).unwrap();
    let checksum = |text: String| text.parse::<Checksum>().unwrap();
    assert!(
        unchanged(
            &found,
            "a.img",
            &checksum(format!("sha256:{}", digest("a")))
        )
        .is_ok()
    );
    let error = unchanged(
        &found,
        "a.img",
        &checksum(format!("sha256:{}", digest("b"))),
    );
    assert!(matches!(error, Err(ProofError::Changed { .. })));
    let sha512 = checksum(format!("sha512:{}", "b".repeat(128)));
    assert!(unchanged(&found, "a.img", &sha512).is_ok());
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
    let Err(ProofError::Signature { source, .. }) = prove(&altered) else {
        panic!("an altered manifest was accepted");
    };
    assert!(matches!(*source, SignatureError::Bad { .. }), "{source}");
}
