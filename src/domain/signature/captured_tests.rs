//! Real manifests, signatures and keys of distributions, read in place.

use chrono::{DateTime, Utc};

use super::both_ways::verify_detached;
use super::standing::signing_subkeys;
use super::{Fingerprint, Keyring, SignatureError, Signed, clearsigned, verify_clearsigned};
use crate::domain::captures::{capture, capture_text, captured_files};
use crate::domain::manifest::digest_of;

const UBUNTU: &str = "D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81";
const FEDORA_44: &str = "36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6";
const FLATCAR: &str = "F88CFEDEFF29A5B4D9523864E25D9AED0593B34A";
const NOBLE: &str = "ubuntu/cloud-images.ubuntu.com/releases/noble/release-20260725/SHA256SUMS";
const FEDORA_CHECKSUM: &str = "fedora/download.fedoraproject.org/pub/fedora/linux/releases/44/Cloud/aarch64/images/Fedora-Cloud-44-1.7-aarch64-CHECKSUM";

fn pinned(text: &str) -> Vec<Fingerprint> {
    vec![text.parse().unwrap()]
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-11-21T00:00:00Z")
}

/// Verifies a capture with another as its detached signature; nothing without captures.
fn detached(
    data: &str,
    signature: &str,
    key_file: &str,
    fingerprint: &str,
) -> Option<Result<Signed, SignatureError>> {
    let keys = Keyring::parse(&capture(key_file)?).unwrap();
    let (data, signature) = (capture(data)?, capture(signature)?);
    Some(verify_detached(
        &data,
        &signature,
        &keys,
        &pinned(fingerprint),
        now(),
    ))
}

fn clearsigned_by(
    file: &str,
    key_file: &str,
    fingerprint: &str,
) -> Option<Result<(String, Signed), SignatureError>> {
    let keys = Keyring::parse(&capture(key_file)?).unwrap();
    Some(verify_clearsigned(
        &capture(file)?,
        &keys,
        &pinned(fingerprint),
        now(),
    ))
}

/// The day on which a good signature was made, and its notes.
fn told(signed: &Signed) -> String {
    format!("{} {:?}", signed.made_at.format("%Y-%m-%d"), signed.notes)
}

#[test]
fn ubuntus_manifests_are_signed_by_its_image_key() {
    let key = "ubuntu/keys/D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81.asc";
    let jammy = "ubuntu/partner-images.canonical.com/core/jammy/20230626";
    for (file, expected) in [
        (NOBLE.to_owned(), "2026-07-25 []"),
        (format!("{jammy}/SHA256SUMS"), "2023-06-26 []"),
        (format!("{jammy}/MD5SUMS"), "2023-06-26 []"),
    ] {
        let Some(verdict) = detached(&file, &format!("{file}.gpg"), key, UBUNTU) else {
            return;
        };
        let signed = verdict.unwrap();
        assert_eq!(signed.key.as_str(), UBUNTU);
        assert_eq!(told(&signed), expected, "{file}");
    }
}

#[test]
fn one_changed_digit_in_ubuntus_manifest_is_a_bad_signature() {
    let Some(verdict) = detached(
        "negative/ubuntu-noble-SHA256SUMS.one-digit-changed",
        &format!("{NOBLE}.gpg"),
        "ubuntu/keys/D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81.asc",
        UBUNTU,
    ) else {
        return;
    };
    insta::assert_snapshot!(verdict.unwrap_err(), @"bad signature by `D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81`: the data is not what was signed");
}

#[test]
fn opensuses_version_3_signature_is_read() {
    let file = "opensuse/download.opensuse.org/distribution/leap/16.0/appliances/Leap-16.0-Minimal-VM.aarch64-Cloud-Build18.7.qcow2.sha256";
    let Some(verdict) = detached(
        file,
        &format!("{file}.asc"),
        "opensuse/keys/AD485664E901B867051AB15F35A2F86E29B700A4.asc",
        "AD485664E901B867051AB15F35A2F86E29B700A4",
    ) else {
        return;
    };
    assert_eq!(told(&verdict.unwrap()), "2026-06-19 []");
}

#[test]
fn debians_installer_manifests_are_signed_by_a_key_of_its_binary_keyring() {
    for file in ["SHA256SUMS", "SHA512SUMS"] {
        let file = format!("debian/cdimage.debian.org/debian-cd/11.2.0/amd64/iso-dvd/{file}");
        let Some(verdict) = detached(
            &file,
            &format!("{file}.sign"),
            "debian/keys/debian-role-keys.gpg",
            "DF9B9C49EAA9298432589D76DA87E80D6294BE9B",
        ) else {
            return;
        };
        assert_eq!(told(&verdict.unwrap()), "2021-12-18 []");
    }
}

#[test]
fn fedoras_clearsigned_manifest_verifies_with_either_of_its_key_files() {
    for key in [
        "fedora/fedoraproject.org/fedora.gpg",
        "fedora/keys/RPM-GPG-KEY-fedora-44-primary",
    ] {
        let Some(verdict) = clearsigned_by(FEDORA_CHECKSUM, key, FEDORA_44) else {
            return;
        };
        let (text, signed) = verdict.unwrap();
        assert_eq!(told(&signed), "2026-04-24 []");
        assert!(!text.contains("PGP"), "{text}");
    }
}

#[test]
fn a_changed_clearsigned_text_is_bad_and_text_around_it_is_dropped() {
    let key = "fedora/fedoraproject.org/fedora.gpg";
    let Some(good) = clearsigned_by(FEDORA_CHECKSUM, key, FEDORA_44) else {
        return;
    };
    let signed_text = good.unwrap().0;
    let changed = "negative/fedora44-CHECKSUM.one-digit-changed";
    let error = clearsigned_by(changed, key, FEDORA_44)
        .unwrap()
        .unwrap_err();
    assert!(matches!(error, SignatureError::Bad { .. }), "{error}");
    for side in ["before", "after"] {
        let file = format!("negative/fedora44-CHECKSUM.text-{side}-armour");
        let (text, signed) = clearsigned_by(&file, key, FEDORA_44).unwrap().unwrap();
        assert_eq!(text, signed_text);
        // The line outside claims nothing but zeros for this image.
        for text in [text, capture_text(&file).unwrap()] {
            let image = "Fedora-Cloud-Base-Generic-44-1.7.aarch64.qcow2";
            let digest = digest_of(&text, image, None).unwrap();
            assert!(digest.hex().starts_with("55c60a3b80d3"), "{digest}");
        }
        assert_eq!(signed.notes, ["text outside the signed part was ignored"]);
    }
}

#[test]
fn centos_7_signs_in_the_clear_with_version_3_and_a_sha1_bound_key() {
    let Some(verdict) = clearsigned_by(
        "centos/mirror.centos.org/centos/7.9.2009/isos/x86_64/sha256sum.txt.asc",
        "centos/keys/RPM-GPG-KEY-CentOS-7",
        "6341AB2753D78A78A7C27BB124C6A8A7F4A80EB5",
    ) else {
        return;
    };
    let (text, signed) = verdict.unwrap();
    let plain = capture("centos/mirror.centos.org/centos/7.9.2009/isos/x86_64/sha256sum.txt");
    assert_eq!(text.as_bytes(), plain.unwrap());
    assert_eq!(
        told(&signed),
        "2020-11-06 [\"the self-signature of key `6341AB2753D78A78A7C27BB124C6A8A7F4A80EB5` uses SHA-1\"]"
    );
}

#[test]
fn gentoos_old_manifest_is_refused_because_its_subkey_had_expired() {
    let Some(verdict) = clearsigned_by(
        "gentoo/distfiles.gentoo.org/releases/amd64/autobuilds/20201104T214503Z/install-amd64-minimal-20201104T214503Z.iso.DIGESTS.asc",
        "gentoo/keys/13EBBDBEDE7A12775DFDB1BABB572E0E2D182910.asc",
        "13EBBDBEDE7A12775DFDB1BABB572E0E2D182910",
    ) else {
        return;
    };
    insta::assert_snapshot!(verdict.unwrap_err(), @"key `534E4209AB49EEE1C19D96162C44695DB9F6043D` expired on 2020-07-01 10:00:00 UTC, before it signed on 2020-11-05 00:01:05 UTC; if the upstream has prolonged the key, fetch it anew");
}

#[test]
fn a_good_signature_by_another_than_the_pinned_key_is_foreign() {
    // Fedora's key file holds four keys; only the named one counts.
    let Some(verdict) = clearsigned_by(
        FEDORA_CHECKSUM,
        "fedora/fedoraproject.org/fedora.gpg",
        "C6E7F081CF80E13146676E88829B606631645531",
    ) else {
        return;
    };
    insta::assert_snapshot!(verdict.unwrap_err(), @"signed by the foreign key `36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6`, expected `C6E7F081CF80E13146676E88829B606631645531` or a subkey that our copy of it knows");
    let absent = clearsigned_by(
        FEDORA_CHECKSUM,
        "fedora/keys/RPM-GPG-KEY-fedora-43-primary",
        FEDORA_44,
    );
    insta::assert_snapshot!(absent.unwrap().unwrap_err(), @"the pinned key `36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6` is not among the keys at hand, so the signature cannot be checked; fetch that key or put it into `keys/`");
}

#[test]
fn every_captured_key_file_holds_the_key_that_it_is_known_for() {
    for (file, fingerprint) in [
        (
            "almalinux/keys/RPM-GPG-KEY-AlmaLinux-10",
            "EE6DB7B98F5BF5EDD9DA0DE5DEE5C11CC2A1E572",
        ),
        (
            "almalinux/keys/RPM-GPG-KEY-AlmaLinux-9",
            "BF18AC2876178908D6E71267D36CB86CB86B3716",
        ),
        (
            "almalinux/keys/RPM-GPG-KEY-AlmaLinux-8",
            "BC5EDDCADF502C077F1582882AE81E8ACED7258B",
        ),
        (
            "centos/keys/RPM-GPG-KEY-CentOS-Official",
            "99DB70FAE1D7CE227FB6488205B555B38483C65D",
        ),
        (
            "centos/keys/RPM-GPG-KEY-CentOS-Official-SHA256",
            "99DB70FAE1D7CE227FB6488205B555B38483C65D",
        ),
        (
            "rocky/keys/RPM-GPG-KEY-Rocky-9",
            "21CB256AE16FC54C6E652949702D426D350D275D",
        ),
        (
            "rocky/keys/RPM-GPG-KEY-Rocky-10",
            "FC226859C0860BF0DDB95B085B106C736FEDFC85",
        ),
        (
            "rocky/keys/RPM-GPG-KEY-rockyofficial",
            "7051C470A929F454CEBE37B715AF5DAC6D745A60",
        ),
        (
            "gentoo/keys/D99EAC7379A850BCE47DA5F29E6438C817072058.asc",
            "D99EAC7379A850BCE47DA5F29E6438C817072058",
        ),
        (
            "ubuntu/keys/cloud-images.pub",
            "4A3CE3CD565D7EB5C810E2B97FF3F408476CF100",
        ),
        (
            "cirros/keys/cirros.pub",
            "2694C8BE4DE46591FF6D52A2959384848F4CE6D0",
        ),
        (
            "debian/keys/debian-role-keys.gpg",
            "10460DAD76165AD81FBC0CE9988021A964E6EA7D",
        ),
        (
            "flatcar/www.flatcar.org/security/image-signing-key/Flatcar_Image_Signing_Key.asc",
            FLATCAR,
        ),
    ] {
        let Some(bytes) = capture(file) else { return };
        let keys = Keyring::parse(&bytes).unwrap();
        assert!(!keys.only(&pinned(fingerprint)).is_empty(), "{file}");
    }
}

#[test]
fn flatcars_signing_subkey_is_accepted_from_its_binding_to_its_end() {
    let Some(file) =
        capture("flatcar/www.flatcar.org/security/image-signing-key/Flatcar_Image_Signing_Key.asc")
    else {
        return;
    };
    let keys = Keyring::parse(&file).unwrap();
    let told: Vec<String> = ["2025-03-01", "2025-04-01", "2026-11-21", "2027-04-01"]
        .into_iter()
        .map(|day| {
            let noon = at(&format!("{day}T12:00:00Z"));
            format!(
                "{day}: {:?}",
                signing_subkeys(&keys, &pinned(FLATCAR)[0], noon)
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    2025-03-01: ["E9426D8B67E35DF476BD048185F7C8868837E271 until 2025-03-06 10:49:08 UTC"]
    2025-04-01: ["52F145DFD00BBDCD928CBB5A32DA80F91EF52974 until 2027-03-08 17:54:02 UTC"]
    2026-11-21: ["52F145DFD00BBDCD928CBB5A32DA80F91EF52974 until 2027-03-08 17:54:02 UTC"]
    2027-04-01: []
    "#);
}

#[test]
fn every_captured_signature_is_good_but_those_that_must_not_be() {
    let Some(files) = captured_files() else {
        return;
    };
    let is_key = |path: &str| {
        path.contains("/keys/") || path.contains("signing-key") || path.ends_with("fedora.gpg")
    };
    let mut keys = Keyring::default();
    for file in files.iter().filter(|path| is_key(path)) {
        // One text beside the keys lists fingerprints.
        if let Ok(more) = Keyring::parse(&capture(file).unwrap()) {
            keys.extend(more);
        }
    }
    let pinned: Vec<Fingerprint> = keys.fingerprints().cloned().collect();
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for file in files
        .iter()
        .filter(|path| !is_key(path) && !path.contains("reconstructed/"))
    {
        let bytes = capture(file).unwrap();
        let twin = [".gpg", ".sign", ".asc", ".sig"]
            .iter()
            .find_map(|end| files.iter().find(|path| **path == format!("{file}{end}")))
            .map(|path| capture(path).unwrap());
        // The signature beside a clearsigned text is the text itself.
        let detached = twin.filter(|signature| !clearsigned::is_clearsigned(signature));
        let verdict = match detached {
            Some(signature) => verify_detached(&bytes, &signature, &keys, &pinned, now()),
            None if clearsigned::is_clearsigned(&bytes) => {
                verify_clearsigned(&bytes, &keys, &pinned, now()).map(|(_, signed)| signed)
            }
            None => continue,
        };
        match verdict {
            Ok(_) => good.push(file.as_str()),
            Err(error) => refused.push(format!("{file}: {error}")),
        }
    }
    println!(
        "{} good signatures, {} refused, {} keys",
        good.len(),
        refused.len(),
        pinned.len()
    );
    // Eight files of upstreams, and two around whose signed text somebody wrote more.
    assert_eq!(good.len(), 10, "{good:#?}");
    assert_eq!(
        good.iter()
            .filter(|file| file.starts_with("negative/"))
            .count(),
        2
    );
    assert_eq!(refused.len(), 2, "{refused:#?}");
    assert!(
        refused[0].starts_with("gentoo/") && refused[0].contains("expired"),
        "{refused:#?}"
    );
    assert!(
        refused[1].starts_with("negative/") && refused[1].contains("bad signature"),
        "{refused:#?}"
    );
}
