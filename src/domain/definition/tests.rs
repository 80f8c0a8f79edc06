use super::*;

const GOOD: &str = "\
---
images:
  - name: Ubuntu 24.04
    enable: true
    format: qcow2
    login: ubuntu
    min_disk: 8
    min_ram: 512
    status: active
    visibility: public
    multi: true
    meta:
      architecture: x86_64
      hw_qemu_guest_agent: true
      hw_firmware_type: null
      provided_until: 2029-05-31
    tags: []
    upstream: {from: ubuntu, release: \"24.04\", arch: x86_64, versions: 3}
    versions:
      - version: '20260725'
        url: https://cloud-images.ubuntu.com/releases/noble/release-20260725/ubuntu-24.04-server-cloudimg-amd64.img
        checksum: sha256:0000000000000000000000000000000000000000000000000000000000000000
        build_date: 2026-07-25
";

fn broken(from: &str, to: &str) -> Vec<String> {
    let text = GOOD.replace(from, to);
    assert_ne!(text, GOOD);
    parse("images/ubuntu.yml", &text)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_definition_becomes_valid_values() {
    let definitions = parse("images/ubuntu.yml", GOOD).unwrap();
    let one = &definitions[0];
    assert_eq!((one.name.as_str(), one.at.line), ("Ubuntu 24.04", 3));
    assert_eq!(one.meta["hw_qemu_guest_agent"], "true");
    assert_eq!(one.meta["provided_until"], "2029-05-31");
    assert!(!one.meta.contains_key("hw_firmware_type"));
    assert_eq!(
        one.upstream.as_ref().unwrap().parameters["release"],
        "24.04"
    );
    assert_eq!(one.upstream.as_ref().unwrap().versions, Some(3));
    assert_eq!(one.versions[0].version, "20260725");
    assert_eq!(
        one.versions[0].build_date.unwrap().to_string(),
        "2026-07-25"
    );
}

#[test]
fn a_version_says_which_of_its_digests_were_computed() {
    let packed = GOOD.replace(
        "        build_date",
        &format!(
            "        disk_checksum: sha256:{}\n        computed: [disk_checksum]\n        build_date",
            "1".repeat(64)
        ),
    );
    let version = parse("images/ubuntu.yml", &packed)
        .unwrap()
        .remove(0)
        .versions
        .remove(0);
    assert_eq!(version.disk_checksum.unwrap().hex(), "1".repeat(64));
    assert_eq!(version.computed.keys(), ["disk_checksum"]);
    let wrong = broken("build_date: 2026-07-25", "computed: [checksum, url]");
    insta::assert_snapshot!(wrong.join("\n"), @"images/ubuntu.yml:23:30: error: `computed` lists `url`; expected `checksum`, `disk_checksum` or both [schema]");
}

#[test]
fn a_version_has_one_mirror_or_a_list_of_them() {
    let places = |mirrors: &str| {
        let text = GOOD.replace(
            "        build_date",
            &format!("        mirror_url: {mirrors}\n        build_date"),
        );
        let version = parse("images/ubuntu.yml", &text)
            .unwrap()
            .remove(0)
            .versions
            .remove(0);
        let lines = version.mirrors.iter().map(|mirror| mirror.at.line);
        (
            lines.collect::<Vec<_>>(),
            version
                .places()
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    };
    let (_, none) = places("");
    assert_eq!(none.len(), 1);
    assert_eq!(places("[]").1, none);
    let (lines, one) = places("https://m.example/a");
    assert_eq!(
        (lines, one),
        (
            vec![23],
            vec!["https://m.example/a".to_owned(), none[0].clone()]
        )
    );
    let (lines, two) = places("\n          - https://m.example/a\n          - 'file:///srv/a'");
    assert_eq!(lines, [24, 25]);
    assert_eq!(two[..2], ["https://m.example/a", "file:///srv/a"]);
    assert_eq!(two[2], none[0]);
}

#[test]
fn a_mirror_that_is_no_url_is_found_with_its_place() {
    let wrong = |mirrors: &str| {
        broken("build_date: 2026-07-25", &format!("mirror_url: {mirrors}")).join("\n")
    };
    insta::assert_snapshot!(wrong("5"), @"images/ubuntu.yml:23:21: error: `mirror_url` is `5`; expected an http(s) or file URL [schema]");
    insta::assert_snapshot!(wrong("[https://m.example/a, m.example, '']"), @r"
    images/ubuntu.yml:23:43: error: `mirror_url` is `m.example`; expected an http(s) or file URL [schema]
    images/ubuntu.yml:23:54: error: `mirror_url` is ``; expected an http(s) or file URL [schema]
    ");
    insta::assert_snapshot!(wrong("{a: b}"), @"images/ubuntu.yml:23:21: error: `mirror_url` is a mapping; expected one value, or a list of them [schema]");
    insta::assert_snapshot!(wrong("[[https://m.example/a]]"), @"images/ubuntu.yml:23:22: error: `mirror_url` holds a list; expected a text [schema]");
}

#[test]
fn every_wrong_value_is_found_with_its_place() {
    let found: Vec<_> = [
        ("visibility: public", "visibility: pubic"),
        ("sha256:0000", "sha256:xyz"),
        ("sha256:0000", "sha265:0000"),
        ("min_disk: 8", "min_dsik: 8"),
        ("min_disk: 8", "colour: red"),
        ("min_disk: 8", "min_disk: eight"),
        ("min_disk: 8", "min_disk: -1"),
        ("multi: true", "multi: yes"),
        ("status: active", "status: [active]"),
        ("    login", "  login"),
        ("tags: []", "tags: [{a: b}]"),
        ("versions: 3}", "versions: none}"),
        ("from: ubuntu", "form: ubuntu"),
        ("versions:\n", "versions: {}\n    vars:\n"),
        ("name: Ubuntu 24.04", "name: ''"),
        ("build_date: 2026-07-25", "build_date: July"),
        ("    format: qcow2\n", ""),
        ("url: https:", "url: httpss:"),
        ("login: ubuntu", "login: ubuntu\n    login: root"),
        ("images:\n", "image:\n"),
        (GOOD, ""),
        (GOOD, "# nothing yet\n"),
        (GOOD, "images: []\n---\nimages: []\n"),
        ("login: ubuntu", "login: \"ubuntu"),
    ]
    .into_iter()
    .map(|(from, to)| format!("{to:?}\n  {}", broken(from, to).join("\n  ")))
    .collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn all_mistakes_of_a_file_are_found_at_once() {
    let text = GOOD
        .replace("min_disk: 8", "min_dsik: 8")
        .replace("min_ram: 512", "min_ram: little")
        .replace("enable: true", "enable: on")
        .replace("checksum: sha256:", "checksum: sha1024:")
        .replace("        build_date", "        built")
        .replace("    format: qcow2\n", "");
    let found: Vec<_> = parse("images/ubuntu.yml", &text)
        .unwrap_err()
        .iter()
        .map(|finding| (finding.line.unwrap(), finding.message.clone()))
        .collect();
    insta::assert_debug_snapshot!(found);
}

#[test]
fn a_merged_mapping_counts_like_written_out() {
    let text = "\
images:
  - &base
    name: One
    format: qcow2
    versions: []
  - <<: *base
    name: Two
    min_disk: 3
";
    let definitions = parse("images/a.yml", text).unwrap();
    assert_eq!(definitions[1].format, "qcow2");
    assert_eq!(definitions[1].min_disk, Some(3));
}

#[test]
fn a_broken_file_still_says_how_many_definitions_it_holds() {
    assert_eq!(entries(&GOOD.replace("min_disk", "min_dsik")), 1);
    assert_eq!(entries("images: 3"), 0);
}

#[test]
fn one_name_twice_is_a_finding_at_the_second() {
    let mut twice = parse("images/a.yml", GOOD).unwrap();
    twice.extend(parse("images/b.yml", GOOD).unwrap());
    let findings = duplicates(&twice);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].file.as_deref(), Some("images/b.yml"));
    assert!(
        findings[0].message.contains("images/a.yml:3"),
        "{}",
        findings[0].message
    );
}
