//! What of the neighbour goes into a new entry, and what does not.

use super::*;

#[test]
fn what_limits_visibility_is_carried_over_and_what_belongs_to_a_build_is_not() {
    insta::assert_snapshot!(add_first("\
images:
  - name: A
    versions:
      - version: '20260101'
        id: 9d3a57a2-4a5a-4c39-8f3e-1f1f3b0d7a60
        url: https://images.example/a # the old host
        mirror_url: https://mirror.example/a
        checksum_url: https://images.example/a.sha256
        # asked for by the auditors
        visibility: private
        hidden: true
        source: private
        os_version: '9.4'   # not 9
        meta:
          # only with this firmware
          hw_firmware_type: uefi
          note: \"a # is no comment here\"  # but this is
        checksum: sha256:aa
"), @r#"
    images:
      - name: A
        versions:
          - version: '20260725'
            url: https://images.example/20260725/disk.qcow2
            visibility: private
            hidden: true
            source: private
            os_version: '9.4'
            meta:
              hw_firmware_type: uefi
              note: "a # is no comment here"
            checksum: sha256:00ff
            build_date: 2026-07-25
          - version: '20260101'
            id: 9d3a57a2-4a5a-4c39-8f3e-1f1f3b0d7a60
            url: https://images.example/a # the old host
            mirror_url: https://mirror.example/a
            checksum_url: https://images.example/a.sha256
            # asked for by the auditors
            visibility: private
            hidden: true
            source: private
            os_version: '9.4'   # not 9
            meta:
              # only with this firmware
              hw_firmware_type: uefi
              note: "a # is no comment here"  # but this is
            checksum: sha256:aa
    "#);
}

#[test]
fn mirrors_of_a_build_are_not_those_of_the_next_one_however_they_are_written() {
    for mirrors in [
        "https://mirror.example/a",
        "[https://mirror.example/a, https://other.example/a]",
        "\n          - https://mirror.example/a   # ours\n          - 'https://other.example/a'",
        "\n        - https://mirror.example/a\n        # theirs\n        - https://other.example/a",
        "&mirrors [https://mirror.example/a]",
    ] {
        let old = format!(
            "images:\n  - name: A\n    versions:\n      - version: '20260101'\n        url: https://images.example/a\n        \
             mirror_url: {mirrors}\n        checksum: sha256:aa\n"
        );
        let Ok(new) = add(&old, Position::First) else {
            assert!(mirrors.starts_with('&'), "{mirrors}");
            continue;
        };
        assert_eq!(
            new.matches("mirror").count(),
            old.matches("mirror").count(),
            "{new}"
        );
        let entry = "      - version: '20260725'\n        url: https://images.example/20260725/disk.qcow2\n        checksum: sha256:00ff\n";
        assert!(new.contains(entry), "{new}");
    }
}

#[test]
fn what_the_versions_do_not_agree_on_is_not_carried_over() {
    insta::assert_snapshot!(add_first("\
images:
  - name: A
    versions:
      - version: '41'
        url: https://images.example/41
        checksum: sha256:aa
        os_version: '41'
        meta: {kernel: '6.11'}
        source: https://images.example/41/source
      - version: '40'
        url: https://images.example/40
        checksum: sha256:bb
        os_version: '40'
        meta: {kernel: '6.8'}
"), @r"
    images:
      - name: A
        versions:
          - version: '20260725'
            url: https://images.example/20260725/disk.qcow2
            checksum: sha256:00ff
            build_date: 2026-07-25
          - version: '41'
            url: https://images.example/41
            checksum: sha256:aa
            os_version: '41'
            meta: {kernel: '6.11'}
            source: https://images.example/41/source
          - version: '40'
            url: https://images.example/40
            checksum: sha256:bb
            os_version: '40'
            meta: {kernel: '6.8'}
    ");
}

#[test]
fn an_os_version_that_is_the_version_is_not_carried_over() {
    insta::assert_snapshot!(add_first("\
images:
  - name: A
    versions:
      - version: '0.6.3'
        os_version: '0.6.3'
        url: https://images.example/0.6.3
        meta: {build: cirros-0.6.3}
        checksum: sha256:aa
"), @r"
    images:
      - name: A
        versions:
          - version: '20260725'
            url: https://images.example/20260725/disk.qcow2
            checksum: sha256:00ff
            build_date: 2026-07-25
          - version: '0.6.3'
            os_version: '0.6.3'
            url: https://images.example/0.6.3
            meta: {build: cirros-0.6.3}
            checksum: sha256:aa
    ");
}

#[test]
fn an_alias_of_the_image_is_carried_over_as_it_is() {
    insta::assert_snapshot!(add_first(
        "images:\n- name: A\n  meta: &m {a: b}\n  versions:\n  - version: 'a'\n    meta: *m\n"
    ), @r"
    images:
    - name: A
      meta: &m {a: b}
      versions:
      - version: '20260725'
        url: https://images.example/20260725/disk.qcow2
        checksum: sha256:00ff
        build_date: 2026-07-25
        meta: *m
      - version: 'a'
        meta: *m
    ");
}
