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
fn every_wrong_value_is_found_with_its_place() {
    insta::assert_debug_snapshot!(broken("visibility: public", "visibility: pubic"));
    insta::assert_debug_snapshot!(broken("sha256:0000", "sha256:xyz"));
    insta::assert_debug_snapshot!(broken("min_disk: 8", "min_dsik: 8"));
    insta::assert_debug_snapshot!(broken("min_disk: 8", "min_disk: eight"));
    insta::assert_debug_snapshot!(broken("multi: true", "multi: yes"));
    insta::assert_debug_snapshot!(broken("    login", "  login"));
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
