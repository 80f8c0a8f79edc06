use super::*;
use crate::domain::source;

const SOURCE: &str = r#"title: Example Linux
parameters:
  release: {known: ["9", "10"]}
  arch: {default: x86_64}
  variant: {default: server, values: [server, minimal, desktop]}
  flavour: {default: plain}
architectures: {x86_64: amd64, x86_64_v3: amd64v3, aarch64: arm64, s390x: s390x}
indexes:
  - engine: listing
    url: https://images.example/{release}/
    file: '^disk-{variant}-{arch}-(?<version>\d+)\.img$'
checksum: {url: "{folder}SHA256SUMS"}
expected_every: 30d
defaults:
  format: qcow2
  login: example
  min_disk: 5
  min_ram: 512
  meta: {os_distro: example, os_type: "", colour: "{variant}"}
"#;

fn source() -> Source {
    source::parse("example-linux", "sources/example-linux.yml", SOURCE).unwrap()
}

fn said(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn refused(pairs: &[(&str, &str)]) -> String {
    scaffold(&source(), &said(pairs), None)
        .expect_err("a mistake was accepted")
        .to_string()
}

#[test]
fn a_definition_says_all_that_the_standard_asks_for() {
    let scaffold = scaffold(&source(), &said(&[("release", "10")]), None).unwrap();
    insta::assert_snapshot!(scaffold.file, @r"
    # Example Linux.
    # `versions: []` is filled by `reglaze update --write`.
    ---
    images:
      - name: Example Linux 10
        shortname: example-linux-10
        enable: true
        format: qcow2
        login: example
        min_disk: 5
        min_ram: 512
        status: active
        visibility: public
        multi: true
        meta:
          architecture: x86_64
          hw_disk_bus: scsi
          hw_scsi_model: virtio-scsi
          hw_rng_model: virtio
          hw_watchdog_action: reset
          hypervisor_type: qemu
          os_distro: example
          os_version: '10'
          os_purpose: generic
          replace_frequency: quarterly
          uuid_validity: last-3
          provided_until: none
          colour: server
        tags: []
        upstream:
          from: example-linux
          release: '10'
          arch: x86_64
          versions: 3
        versions: []
    ");
}

#[test]
fn names_mention_what_is_unusual_and_only_the_usual_image_is_generic() {
    let of = |pairs: &[(&str, &str)]| {
        let scaffold = scaffold(&source(), &said(pairs), None).unwrap();
        let line = |key: &str| {
            let line = scaffold.entry.lines().find(|line| line.contains(key));
            line.unwrap().trim().to_owned()
        };
        [scaffold.name.clone(), line("shortname"), line("os_purpose")].join(", ")
    };
    insta::assert_snapshot!(
        [
            of(&[("release", "10"), ("arch", "aarch64")]),
            of(&[("release", "10"), ("arch", "x86_64_v3")]),
            of(&[("release", "10"), ("arch", "aarch64"), ("variant", "minimal")]),
            of(&[("release", "9"), ("variant", "desktop"), ("flavour", "spicy")]),
        ]
        .join("\n"),
        @r"
    Example Linux 10 aarch64, shortname: example-linux-10-aarch64, os_purpose: generic
    Example Linux 10 x86_64_v3, shortname: example-linux-10-x86_64_v3, os_purpose: custom
    Example Linux 10 Minimal aarch64, shortname: example-linux-10-minimal-aarch64, os_purpose: minimal
    Example Linux 9 Desktop Spicy, shortname: example-linux-9-desktop-spicy, os_purpose: custom
    "
    );
}

#[test]
fn a_rolling_distribution_takes_its_version_from_each_build() {
    let text = SOURCE
        .replace("  release: {known: [\"9\", \"10\"]}\n", "")
        .replace("{release}/", "");
    let source = source::parse("example", "sources/example.yml", &text).unwrap();
    let scaffold = scaffold(&source, &said(&[]), None).unwrap();
    assert_eq!(scaffold.name, "Example Linux");
    assert!(
        scaffold.entry.contains("        os_version: '{version}'\n"),
        "{}",
        scaffold.entry
    );
}

#[test]
fn what_is_missing_or_wrong_is_said_with_what_there_is() {
    insta::assert_snapshot!(
        [
            refused(&[]),
            refused(&[("release", "10"), ("arch", "amd64")]),
            refused(&[("release", "10"), ("arch", "sparc")]),
            refused(&[("release", "10"), ("variant", "srever")]),
            refused(&[("release", "10"), ("stream", "daily")]),
            refused(&[("release", "../10")]),
        ]
        .join("\n"),
        @r"
    source `example-linux` needs `--release RELEASE`, such as `9`, `10`
    `arch` is `amd64`, which is what Example Linux calls it; say --arch x86_64
    `arch` is `sparc`; source `example-linux` has `aarch64`, `s390x`, `x86_64`, `x86_64_v3`
    `variant` is `srever`; source `example-linux` has `server`, `minimal`, `desktop`
    source `example-linux` knows no parameter `stream`; it knows `arch`, `flavour`, `release`, `variant`
    `release` is `../10`; source `example-linux` has only letters, digits, dots, dashes and underscores in it
    "
    );
}
