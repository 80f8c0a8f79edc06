use std::collections::BTreeMap;

use super::*;
use crate::domain::captures::capture_text;
use crate::domain::template::Escape;

fn built_in(name: &str) -> Source {
    let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name).unwrap();
    parse(name, &format!("sources/{name}.yml"), text).unwrap()
}

fn said(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// A source of our own with one thing changed in it.
fn changed(from: &str, to: &str) -> Vec<String> {
    let text = r#"title: Example
parameters:
  release: {}
  arch: {default: x86_64}
architectures: {x86_64: amd64}
map:
  codename: {of: release, values: {"1": one}}
indexes:
  - engine: listing
    url: https://images.example/{codename}/
    directory: '^(?<version>\d+)/$'
    image: "{folder}disk-{arch}.img"
checksum: {url: "{folder}SHA256SUMS"}
signature: {form: detached, url: "{manifest}.gpg", keys: [0123456789012345678901234567890123456789], key_url: https://images.example/key}
"#;
    assert!(parse("example", "sources/example.yml", text).is_ok());
    assert!(text.contains(from), "{from}");
    let text = text.replace(from, to);
    parse("example", "sources/example.yml", &text)
        .expect_err("a mistake was accepted")
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn every_built_in_source_is_valid_and_named_after_its_file() {
    for (name, _) in BUILT_IN {
        let source = built_in(name);
        assert!(
            !source.indexes.is_empty() && !source.infer.is_empty(),
            "{name}"
        );
        assert!(
            source.defaults.name.is_some() && source.defaults.login.is_some(),
            "{name}"
        );
    }
    assert!(BUILT_IN.is_sorted(), "by name, as they are shown");
}

#[test]
fn every_mistake_in_a_source_is_found_with_its_place() {
    let mistakes = [
        ("title: Example\n", "title: Example\ntypo: 1\n"),
        ("{of: release", "{of: releases"),
        ("{default: x86_64}", "{default: amd64}"),
        (
            "indexes:\n",
            "redirect_hosts: ['https://mirror.example/']\nindexes:\n",
        ),
        ("  - engine", "  - when: {arch: amd64}\n    engine"),
        (
            "indexes:\n",
            "infer:\n  - {match: '^https://images.example/a$', with: {arch: amd64}}\nindexes:\n",
        ),
        ("engine: listing", "engine: lising"),
        ("/{codename}/\n", "/{code}/\n"),
        ("/{codename}/\n", "/{codename}\n"),
        ("(?<version>", "(?<build>"),
        (r"\d+)/$", r"\d+/$"),
        ("    image: ", "    item: x\n    image: "),
        (
            "\"{folder}SHA256SUMS\"}",
            "\"{folder}MD5SUMS\", algorithm: md5}",
        ),
        ("form: detached", "form: clearsigned"),
        ("0123456789012345678901234567890123456789", "01234567"),
        (
            "keys: [0123456789012345678901234567890123456789]",
            "keys: []",
        ),
        ("indexes:\n", "expected_every: monthly\nindexes:\n"),
        (
            "indexes:\n",
            "infer:\n  - match: '^https://(?<flavour>.*)$'\nindexes:\n",
        ),
    ];
    let found: Vec<String> = mistakes
        .iter()
        .flat_map(|(from, to)| changed(from, to))
        .collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn parameters_have_defaults_and_the_upstreams_words() {
    let ubuntu = built_in("ubuntu");
    let variables = ubuntu
        .variables(&said(&[("release", "24.04"), ("arch", "aarch64")]))
        .unwrap();
    let value = |name: &str| variables[name].as_str();
    assert_eq!(
        [
            value("arch"),
            value("codename"),
            value("stream"),
            value("variant"),
            value("releases")
        ],
        ["arm64", "noble", "release", "server", "releases"]
    );
}

#[test]
fn what_does_not_fit_a_source_is_refused_with_what_would() {
    let ubuntu = built_in("ubuntu");
    let mut errors: Vec<String> = [
        &[][..],
        &[("release", "24.04"), ("arch", "mips")],
        &[("release", "24.04"), ("stream", "nightly")],
        &[("release", "24.04"), ("flavour", "x")],
        &[("release", "../etc")],
    ]
    .into_iter()
    .map(|pairs| ubuntu.variables(&said(pairs)).unwrap_err().to_string())
    .collect();
    let future = said(&[("release", "99.04"), ("stream", "daily")]);
    let variables = ubuntu.variables(&future).unwrap();
    let unmapped = ubuntu
        .fill("{codename}", &variables, Escape::Nothing)
        .unwrap_err();
    errors.push(unmapped.to_string());
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_codename_newer_than_our_table_may_be_said() {
    let ubuntu = built_in("ubuntu");
    let future = said(&[
        ("release", "99.04"),
        ("stream", "daily"),
        ("codename", "zesty"),
    ]);
    assert_eq!(ubuntu.variables(&future).unwrap()["codename"], "zesty");
}

#[test]
fn urls_tell_their_source_and_parameters() {
    let cases = [
        (
            "https://cloud-images.ubuntu.com/noble/20260108/noble-server-cloudimg-amd64.img",
            "ubuntu",
        ),
        (
            "https://cloud-images.ubuntu.com/jammy/current/jammy-server-cloudimg-arm64.img",
            "ubuntu",
        ),
        (
            "https://cloud-images.ubuntu.com/trusty/current/trusty-server-cloudimg-amd64-disk1.img",
            "ubuntu",
        ),
        (
            "https://cloud-images.ubuntu.com/releases/noble/release-20240821/ubuntu-24.04-server-cloudimg-amd64.img",
            "ubuntu",
        ),
        (
            "https://cloud-images.ubuntu.com/releases/24.04/release/ubuntu-24.04-server-cloudimg-amd64.img",
            "ubuntu",
        ),
        (
            "https://cloud-images.ubuntu.com/minimal/releases/jammy/release-20260121/ubuntu-22.04-minimal-cloudimg-amd64.img",
            "ubuntu",
        ),
        (
            "https://cdimage.debian.org/cdimage/cloud/trixie/daily/20260124-2367/debian-13-genericcloud-amd64-daily-20260124-2367.qcow2",
            "debian",
        ),
        (
            "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-generic-arm64.qcow2",
            "debian",
        ),
        (
            "https://stable.release.flatcar-linux.net/amd64-usr/4230.2.4/flatcar_production_openstack_image.img",
            "flatcar",
        ),
        (
            "https://lts.release.flatcar-linux.net/arm64-usr/current-2024/flatcar_production_openstack_image.img.bz2",
            "flatcar",
        ),
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|(url, name)| {
            let inferred = built_in(name).infer(url).unwrap_or_else(|| panic!("{url}"));
            let parameters: Vec<_> = inferred
                .parameters
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            let build = inferred.version.unwrap_or_else(|| "moving".to_owned());
            format!("{name} {} {build}", parameters.join(" "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn keys_may_count_for_one_value_only() {
    let alma = built_in("almalinux");
    let signature = alma.indexes[0].signature.as_ref().unwrap();
    let pinned = |release: &str| {
        let variables = alma.variables(&said(&[("release", release)])).unwrap();
        alma.pinned(signature, &variables)
    };
    let nine = pinned("9").unwrap();
    assert_eq!(nine.len(), 1);
    assert_eq!(nine[0].as_str(), "BF18AC2876178908D6E71267D36CB86CB86B3716");
    // A line that is newer than our table is not for that reason unsigned.
    let error = pinned("99").unwrap_err();
    insta::assert_snapshot!(error, @"source `almalinux` names no key for release `99`; add it to `keys_by` of its `signature`");

    let urls: Vec<String> = alma
        .pins()
        .iter()
        .map(|pin| {
            alma.key_url(pin.signature, &pin.variables, pin.fingerprint)
                .unwrap()
        })
        .collect();
    let key = "https://repo.almalinux.org/almalinux/RPM-GPG-KEY-AlmaLinux";
    assert_eq!(
        urls,
        ["10", "8", "9"].map(|release| format!("{key}-{release}"))
    );
}

#[test]
fn a_url_that_two_sources_know_is_refused() {
    let debian = built_in("debian");
    let mut own = debian.clone();
    own.name = "own".to_owned();
    let url = "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-generic-arm64.qcow2";
    let sources = [debian, own];
    let (source, _) = infer(&sources[..1], url).unwrap().unwrap();
    assert_eq!(source.name, "debian");
    assert!(
        infer(&sources, "https://example.org/a.img")
            .unwrap()
            .is_none()
    );
    let error = infer(&sources, url).unwrap_err();
    insta::assert_snapshot!(error, @"`https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-generic-arm64.qcow2` is known to the sources `debian` and `own`; say which one tracks the image with `upstream: {from: …}`");
}

#[test]
fn urls_of_others_tell_nothing() {
    for url in [
        "https://cloud-images.ubuntu.com.evil.example/noble/20260108/noble-server-cloudimg-amd64.img",
        "http://cloud-images.ubuntu.com/noble/20260108/noble-server-cloudimg-amd64.img",
        "https://cloud-images.ubuntu.com/noble/20260108/noble-server-cloudimg-amd64.vmdk",
        // Codename and number contradict each other.
        "https://cloud.debian.org/images/cloud/bookworm/latest/debian-13-generic-arm64.qcow2",
    ] {
        for (name, _) in BUILT_IN {
            assert_eq!(built_in(name).infer(url), None, "{url}");
        }
    }
}

#[test]
fn documents_may_come_from_the_hosts_of_the_urls_and_no_others() {
    let hosts = |name: &str, pairs: &[(&str, &str)]| {
        let source = built_in(name);
        let parameters = said(pairs);
        let variables = source.variables(&parameters).unwrap();
        let index = source.index(&parameters).unwrap();
        source
            .hosts(index, &variables)
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        hosts("ubuntu", &[("release", "24.04")]),
        ["cloud-images.ubuntu.com", "keyserver.ubuntu.com"]
    );
    assert_eq!(
        hosts("flatcar", &[("stream", "beta")]),
        ["beta.release.flatcar-linux.net", "www.flatcar.org"]
    );
    assert_eq!(
        hosts("debian", &[("release", "13")]),
        ["cdimage.debian.org", "cloud.debian.org"]
    );
    assert_eq!(
        hosts("cirros", &[]),
        [
            "api.github.com",
            "github.com",
            "objects.githubusercontent.com",
            "release-assets.githubusercontent.com"
        ]
    );
    // The pointer's, and that of the keys.
    assert_eq!(
        hosts("gentoo", &[]),
        ["distfiles.gentoo.org", "qa-reports.gentoo.org"]
    );
}

#[test]
fn the_values_of_a_parameter_are_those_listed_else_all_that_the_source_mentions() {
    let ubuntu = built_in("ubuntu");
    assert!(!ubuntu.known_values("release").contains(&"14.04".to_owned()));
    let mut without = built_in("ubuntu");
    without.parameters.get_mut("release").unwrap().known.clear();
    let releases = without.known_values("release");
    assert_eq!(releases.first().map(String::as_str), Some("14.04"));
    assert!(releases.contains(&"24.04".to_owned()), "{releases:?}");
    assert_eq!(ubuntu.known_values("stream"), ["release", "daily"]);
    assert!(ubuntu.known_values("arch").contains(&"aarch64".to_owned()));
    assert!(ubuntu.known_values("colour").is_empty());

    let text = r#"title: Example
parameters: {release: {known: ["9", "10"]}}
indexes: [{engine: listing, url: "https://images.example/{release}/", file: '^(?<version>\d+)$'}]
checksum: {url: "{folder}SHA256SUMS"}
"#;
    let source = parse("example", "sources/example.yml", text).unwrap();
    assert_eq!(source.known_values("release"), ["9", "10"]);
    // Releases come faster than lists of them.
    assert!(source.variables(&said(&[("release", "11")])).is_ok());
}

/// How the catalogue that many clouds use today calls what is a source here.
const OSISM: [(&str, &str); 12] = [
    ("almalinux.yml", "almalinux"),
    ("centos.yml", "centos-stream"),
    ("cirros.yml", "cirros"),
    ("debian.yml", "debian"),
    ("fedora.yml", "fedora"),
    ("flatcar.yml", "flatcar"),
    ("gardenlinux.yml", "gardenlinux"),
    ("opensuse.yml", "opensuse-leap"),
    ("opnsense.yml", "opnsense"),
    ("rockylinux.yml", "rocky"),
    ("talos.yml", "talos"),
    ("ubuntu.yml", "ubuntu"),
];

#[test]
fn every_url_of_a_catalogue_in_use_is_told_by_its_source_and_no_other() {
    let Some(rows) = capture_text("osism/known-versions.tsv") else {
        return;
    };
    let sources: Vec<Source> = BUILT_IN.iter().map(|(name, _)| built_in(name)).collect();
    let mut count = 0;
    for row in rows.lines().skip(1) {
        let fields: Vec<&str> = row.split('\t').collect();
        let (file, version, url) = (fields[0], fields[2], fields[4]);
        let (_, expected) = OSISM.iter().find(|(known, _)| *known == file).unwrap();
        let told: Vec<_> = sources
            .iter()
            .filter_map(|source| Some((source.name.as_str(), source.infer(url)?)))
            .collect();
        // CentOS before Stream and a line that ended in 2024 are nobody's any more; one URL holds a pattern.
        if fields[1] == "CentOS 7" {
            assert_eq!(told, [], "{url}");
            continue;
        }
        let [(name, inferred)] = told.as_slice() else {
            panic!("{url}: told by {told:?}");
        };
        assert_eq!(name, expected, "{url}");
        // Where a number is the version, the URL says it too.
        if version.contains('.') {
            assert_eq!(inferred.version.as_deref(), Some(version), "{url}");
        }
        count += 1;
    }
    assert!(count > 30, "{count}");
}
