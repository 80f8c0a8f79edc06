//! Samples of our own for every form and every way to fail; then the real manifests, in place.

use proptest::prelude::*;
use sha2::{Digest, Sha256, Sha512};

use super::*;
use crate::domain::captures::{capture_text, captured_files};
use crate::domain::checksum::hex;

const IMAGE: &str = "sample-9-generic-amd64.img";

macro_rules! sample {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/data/manifest/",
                $name
            )),
        )
    };
}

/// The samples hold, as the digest of each file, the digest of its name.
fn sha256_of(name: &str) -> String {
    format!("sha256:{}", hex(&Sha256::digest(name)))
}

fn sha512_of(name: &str) -> String {
    format!("sha512:{}", hex(&Sha512::digest(name)))
}

fn found(text: &str, name: &str) -> String {
    digest_of(text, name, None).unwrap().to_string()
}

fn refused(text: &str, name: &str) -> String {
    digest_of(text, name, None).unwrap_err().to_string()
}

#[test]
fn every_form_gives_the_digest_of_exactly_the_named_file() {
    for (form, text) in [
        sample!("gnu-text"),
        sample!("gnu-binary"),
        sample!("one-blank"),
        sample!("dot-slash"),
        sample!("upper-case"),
        sample!("carriage-returns"),
        sample!("no-final-newline"),
        sample!("byte-order-mark"),
        sample!("listed-twice"),
        sample!("bsd"),
        sample!("bsd-comments"),
        sample!("bsd-bare-sizes"),
        sample!("bsd-openssl"),
        sample!("headings"),
    ] {
        let names = names(text).unwrap();
        assert_eq!(names.len(), 4, "{form}");
        for name in names {
            assert_eq!(found(text, &name), sha256_of(&name), "{form}");
            assert_eq!(
                found(text, &format!("./{name}")),
                sha256_of(&name),
                "{form}"
            );
        }
        for part in [
            "sample-9-generic-amd64",
            "generic-amd64.img",
            "SAMPLE-9-generic-amd64.img",
            "",
        ] {
            let error = digest_of(text, part, None).unwrap_err();
            assert!(
                matches!(error, ManifestError::NotListed { count: 4, .. }),
                "{form}: {error}"
            );
        }
    }
}

#[test]
fn a_backslash_in_front_means_that_the_name_is_escaped() {
    // As `sha256sum` and `sha256sum --tag` write them.
    let names = [
        (r"a\\b.img", r"a\b.img"),
        (r"a\nb.img", "a\nb.img"),
        (r"a\r.img", "a\r.img"),
        (r"a\qb.img", r"a\qb.img"),
        (r"end\", r"end\"),
    ];
    for (written, name) in names {
        let digest = hex(&Sha256::digest(name));
        for line in [
            format!("\\{digest}  {written}"),
            format!("\\{digest} *{written}"),
            format!("\\SHA256 ({written}) = {digest}"),
        ] {
            assert_eq!(found(&line, name), sha256_of(name), "{line}");
        }
        // Without it the name is what stands there.
        let plain = format!("{digest}  {written}");
        assert_eq!(found(&plain, written), sha256_of(name), "{plain}");
    }
}

#[test]
fn a_heading_and_not_the_length_tells_the_algorithm() {
    let (_, text) = sample!("headings-of-equal-length");
    assert_eq!(found(text, IMAGE), sha512_of(IMAGE));
    assert_eq!(names(text).unwrap().len(), 4);
}

#[test]
fn the_strongest_algorithm_is_taken_unless_one_is_asked_for() {
    let (_, text) = sample!("bsd-algorithms");
    assert_eq!(found(text, IMAGE), sha512_of(IMAGE));
    let asked = digest_of(text, IMAGE, Some(Algorithm::Sha256)).unwrap();
    assert_eq!(asked.to_string(), sha256_of(IMAGE));
    let error = digest_of(text, IMAGE, Some(Algorithm::Sha384)).unwrap_err();
    insta::assert_snapshot!(error, @"the manifest has no sha384 digest of `sample-9-generic-amd64.img`, only md5, sha256, sha512");
}

#[test]
fn a_bare_digest_is_that_of_the_file_beside_it() {
    let (_, text) = sample!("bare");
    assert_eq!(found(text, IMAGE), sha512_of(IMAGE));
    assert!(names(text).unwrap().is_empty());
    let (_, two) = sample!("nameless");
    insta::assert_snapshot!(refused(two, IMAGE), @"the manifest gives 2 digests without a name, expected one");
}

#[test]
fn a_weak_digest_is_given_and_says_so() {
    let (_, text) = sample!("weak");
    let checksum = digest_of(text, IMAGE, None).unwrap();
    assert!(checksum.is_weak());
    assert_eq!(checksum.algorithm(), Algorithm::Md5);
}

#[test]
fn what_is_no_manifest_or_does_not_tell_is_refused_in_one_sentence() {
    let refusals: Vec<String> = [
        sample!("contradiction"),
        sample!("cut"),
        sample!("page.html"),
        sample!("prose"),
        ("empty", " \r\n"),
        sample!("gnu-text"),
    ]
    .into_iter()
    .map(|(form, text)| {
        let name = if form == "gnu-text" {
            "missing.img"
        } else {
            IMAGE
        };
        refused(text, name)
    })
    .collect();
    insta::assert_snapshot!(refusals.join("\n"), @r"
    the manifest gives two sha256 digests for `sample-9-generic-amd64.img`: `eac6ddb7356bc245479483a84e1f9c953a6af697…` and `d9298a10d1b0735837dc4bd85dac641b0f3cef27…`, expected one
    the line of `sample-9-generic-amd64.img` holds no whole digest, expected as many hex digits as its algorithm has
    the manifest is an HTML page, expected lines like `HEX  NAME`
    the manifest holds no checksum that we can read, expected lines like `HEX  NAME`
    the manifest is empty, expected lines like `HEX  NAME`
    `missing.img` is not among the 4 files of the manifest, expected a line with exactly this name
    ");
}

#[test]
fn a_contradiction_about_one_file_does_not_cost_the_others() {
    let (_, text) = sample!("contradiction");
    let other = "sample-9-generic-arm64.img";
    assert_eq!(found(text, other), sha256_of(other));
}

#[test]
fn of_a_clearsigned_manifest_only_the_signed_part_is_read_even_unverified() {
    let (_, text) = sample!("clearsigned-forged");
    assert_eq!(found(text, IMAGE), sha256_of(IMAGE));
    let cut = text.split("-----BEGIN PGP SIGNATURE").next().unwrap();
    insta::assert_snapshot!(refused(cut, IMAGE), @"the manifest is clearsigned, but its signed part cannot be told");
}

/// Capture, number of files in it, one of them, start of its digest; counted with another tool.
const REAL: &str = "
almalinux/repo.almalinux.org/almalinux/10/cloud/x86_64/images/CHECKSUM 6 AlmaLinux-10-GenericCloud-latest.x86_64.qcow2 sha256:47f2218668dd
centos/cloud.centos.org/centos/7/images/sha256sum.txt 180 CentOS-7-x86_64-Azure-1705.qcow2 sha256:457172f9e613
centos/cloud.centos.org/centos/9-stream/x86_64/images/CHECKSUM 96 CentOS-Stream-GenericCloud-9-20260526.0.x86_64.qcow2 sha256:0f9f54205144
cirros/download.cirros-cloud.net/0.3.4/MD5SUMS 24 cirros-0.3.4-powerpc-initramfs md5:d2cfe82be1ac
debian/cdimage.debian.org/cdimage/cloud/trixie/daily/20260717-2542/SHA512SUMS 50 debian-13-genericcloud-amd64-daily-20260717-2542.qcow2 sha512:fcc52bdff356
fedora/download.fedoraproject.org/pub/fedora/linux/releases/44/Cloud/aarch64/images/Fedora-Cloud-44-1.7-aarch64-CHECKSUM 6 Fedora-Cloud-Base-Generic-44-1.7.aarch64.qcow2 sha256:55c60a3b80d3
formats/broken.checksum 5 CentOS-Stream-Vagrant-9-20211119.0.x86_64.vagrant-libvirt.box sha256:6e732563b099
formats/gnu.checksum 33 rhcos-azurestack.x86_64.vhd.gz sha256:68e219825af5
gentoo/distfiles.gentoo.org/releases/amd64/autobuilds/20201104T214503Z/install-amd64-minimal-20201104T214503Z.iso.DIGESTS 2 install-amd64-minimal-20201104T214503Z.iso.CONTENTS.gz sha512:bfa2eb166a13
opensuse/download.opensuse.org/distribution/leap/15.6/appliances/openSUSE-Leap-15.6-Minimal-VM.x86_64-Cloud.qcow2.sha256 1 openSUSE-Leap-15.6-Minimal-VM.x86_64-Cloud.qcow2 sha256:0f7f09a9a083
opensuse/download.opensuse.org/distribution/leap/16.0/appliances/Leap-16.0-Minimal-VM.x86_64-Cloud.qcow2.sha256 1 Leap-16.0-Minimal-VM.x86_64-Cloud.qcow2 sha256:6c3b6b2ded57
rocky/checksums/rocky-linux-8/8.9/images/8.9-x86_64-combined.checksum 29 Rocky-8-EC2-LVM-8.9-20231119.0.x86_64.qcow2 sha256:68611963088a
rocky/checksums/rocky-linux-9/9.0/images/9.0-x86_64.GenericCloud.checksum 3 Rocky-9-GenericCloud-9.0-20220706.0.x86_64.qcow2 sha256:9305faad0970
rocky/checksums/rocky-linux-9/9.3/images/9.3-x86_64-combined.checksum 32 Rocky-9-GenericCloud-Base-9.3-20231113.0.x86_64.qcow2 sha256:7713278c37f2
ubuntu/cloud-images.ubuntu.com/noble/20260705/SHA256SUMS 66 noble-server-cloudimg-armhf.img sha256:75b910819a1b
ubuntu/cloud-images.ubuntu.com/releases/noble/release-20260725/SHA256SUMS 66 ubuntu-24.04-server-cloudimg-riscv64.release.20260705.20260725.image_changelog.json sha256:971807ecd4ca
";

#[test]
fn real_manifests_of_every_form_are_read_whole() {
    for row in REAL.trim().lines() {
        let [file, count, name, digest] = row.split(' ').collect::<Vec<_>>()[..] else {
            panic!("row `{row}`");
        };
        let Some(text) = capture_text(file) else {
            return;
        };
        assert_eq!(names(&text).unwrap().len().to_string(), count, "{file}");
        assert!(found(&text, name).starts_with(digest), "{file}");
    }
}

#[test]
fn every_captured_manifest_is_read_and_not_one_line_of_it_is_damaged() {
    let Some(files) = captured_files() else {
        return;
    };
    let is_manifest = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let lower = name.to_ascii_lowercase();
        let is_one = lower.contains("checksum")
            || lower.contains("sha256")
            || lower.contains("sha512")
            || lower.contains("md5sum")
            || lower.contains("digests");
        let is_other = [".gpg", ".sign", ".sha256.asc", ".json"]
            .iter()
            .any(|end| lower.ends_with(end));
        is_one && !is_other && !path.contains("/keys/")
    };
    let (mut seen, mut digests) = (0, 0);
    for path in files.iter().filter(|path| is_manifest(path)) {
        let text = capture_text(path).unwrap();
        let manifest = Manifest::read(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(
            manifest.damaged.is_empty(),
            "{path}: {:?}",
            manifest.damaged
        );
        seen += 1;
        digests += manifest.digests.len();
    }
    println!("{seen} captured manifests, {digests} digests");
    assert!(
        seen >= 30,
        "{seen} manifests among {} captures",
        files.len()
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,400}", name in ".{0,20}") {
        let _ = digest_of(&text, &name, None);
        let _ = super::names(&text);
    }

    #[test]
    fn every_written_form_is_read_back(
        names in prop::collection::btree_set("[A-Za-z0-9][A-Za-z0-9._() +=-]{0,20}[A-Za-z0-9]", 1..6),
        form in 0..4_usize,
        end in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let lines: Vec<String> = names
            .iter()
            .map(|name| {
                let digest = hex(&Sha256::digest(name));
                match form {
                    0 => format!("{digest}  {name}"),
                    1 => format!("{digest} *{name}"),
                    2 => format!("{digest} {name}"),
                    _ => format!("SHA256 ({name}) = {digest}"),
                }
            })
            .collect();
        let text = lines.join(end);
        for name in &names {
            prop_assert_eq!(found(&text, name), sha256_of(name));
        }
        prop_assert_eq!(super::names(&text).unwrap().len(), names.len());
    }
}

#[test]
fn a_manifest_of_damaged_lines_only_is_read_in_one_pass() {
    let lines: Vec<_> = (0..300_000)
        .map(|number| format!("0123456789abcdef {number}\n"))
        .collect();
    assert_eq!(names(&lines.concat()).unwrap().len(), 300_000);
}
