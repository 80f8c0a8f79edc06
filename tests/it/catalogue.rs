//! The starting catalogue in `images/`: what it pins is what upstreams were seen to publish.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use reglaze::domain::checksum::{Algorithm, Checksum};
use reglaze::domain::definition::{self, Definition};

fn catalogue() -> Vec<Definition> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("images");
    let mut definitions = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        definitions.extend(definition::parse(&path.display().to_string(), &text).unwrap());
    }
    definitions
}

/// The folder of captures; without one the test that asks for it is skipped.
pub(crate) fn captures() -> Option<PathBuf> {
    let folder = std::env::var_os("REGLAZE_UPSTREAM_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/upstream"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no captures");
    None
}

/// Digests by file name or URL, from everything the captures hold of Ubuntu, Debian and pinned catalogues.
fn captured(folder: &Path) -> BTreeMap<String, String> {
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
    let mut digests = BTreeMap::new();
    let noble = "cloud-images.ubuntu.com/releases/noble/release-20260725/";
    for line in read(&format!("ubuntu/{noble}SHA256SUMS")).lines() {
        let (digest, name) = line.split_once(" *").unwrap();
        digests.insert(format!("https://{noble}{name}"), format!("sha256:{digest}"));
    }
    for arch in ["amd64", "arm64"] {
        let latest = "debian/cloud.debian.org/images/cloud/trixie/latest";
        let build: serde_json::Value = serde_json::from_str(&read(&format!(
            "{latest}/debian-13-genericcloud-{arch}.json"
        )))
        .unwrap();
        for item in build["items"].as_array().unwrap() {
            let Some(path) = item["data"]["ref"].as_str() else {
                continue;
            };
            let digest = item["metadata"]["annotations"]["cloud.debian.org/digest"]
                .as_str()
                .unwrap();
            let digest = base64::prelude::BASE64_STANDARD_NO_PAD
                .decode(digest.strip_prefix("sha512:").unwrap())
                .unwrap();
            let hex = Checksum::from_digest(Algorithm::Sha512, &digest).unwrap();
            digests.insert(
                format!("https://cloud.debian.org/images/cloud/{path}"),
                hex.to_string(),
            );
        }
    }
    for row in read("osism/known-versions.tsv").lines().skip(1) {
        let fields: Vec<_> = row.split('\t').collect();
        digests.insert(fields[4].to_owned(), fields[5].to_owned());
    }
    digests
}

#[test]
fn every_pinned_digest_is_one_that_an_upstream_was_seen_to_publish() {
    let Some(folder) = captures() else { return };
    let captured = captured(&folder);
    let mut pinned = 0;
    for definition in catalogue() {
        for version in &definition.versions {
            let url = version.url.as_deref().unwrap();
            let digest = version.checksum.as_ref().unwrap().to_string();
            assert_eq!(
                captured.get(url),
                Some(&digest),
                "{}: {url}",
                definition.name
            );
            pinned += 1;
        }
    }
    assert!(pinned >= 9, "{pinned}");
}

#[test]
fn it_covers_the_releases_variants_and_channels_on_both_architectures() {
    let mut wanted = BTreeSet::new();
    for arch in ["", " aarch64"] {
        for release in ["22.04", "24.04", "26.04"] {
            wanted.insert(format!("Ubuntu {release}{arch}"));
            wanted.insert(format!("Ubuntu {release} Minimal{arch}"));
        }
        for release in ["11", "12", "13"] {
            wanted.insert(format!("Debian {release}{arch}"));
        }
        for channel in ["Stable", "Beta", "Alpha", "LTS"] {
            wanted.insert(format!("Flatcar Container Linux {channel}{arch}"));
        }
    }
    let names: BTreeSet<_> = catalogue().into_iter().map(|one| one.name).collect();
    assert_eq!(names, wanted);
}

#[test]
fn one_architecture_and_release_has_one_generic_image() {
    let mut seen = BTreeSet::new();
    for definition in catalogue() {
        let of = |key: &str| definition.meta.get(key).cloned().unwrap_or_default();
        assert_eq!(
            Some(&of("architecture")),
            definition.upstream.as_ref().unwrap().parameters.get("arch")
        );
        if of("os_purpose") == "generic" {
            let place = (of("architecture"), of("os_distro"), of("os_version"));
            assert!(seen.insert(place), "{}", definition.name);
        }
    }
    assert_eq!(seen.len(), 12);
}
