//! A new entry in the layout of its neighbour: keys, quotes, folding, gaps, comments.

use super::*;

#[test]
fn a_new_version_looks_like_its_neighbour() {
    let entry = NewEntry {
        manifest: Some("https://images.example/20260725/SHA256SUMS".to_owned()),
        signed_by: Some("D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81".to_owned()),
        ..entry("20260725")
    };
    let change = change(Some(&entry), &[0], Position::Last);
    insta::assert_snapshot!(edit(FOLDED, &change).unwrap(), @r"
    ---
    images:
      - name: A
        tags: []
        versions:
          - version: '20260201'
            url: 
              https://images.example/20260201/disk.qcow2
            checksum: 
              sha256:bb
            build_date: 2026-02-01
          - version: '20260725'
            url: 
              https://images.example/20260725/disk.qcow2
            checksum: 
              sha256:00ff
            build_date: 2026-07-25
            manifest: 
              https://images.example/20260725/SHA256SUMS
            signed_by: D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81
      - name: B
        versions: []
    ");
}

#[test]
fn a_list_written_newest_first_grows_at_the_top() {
    insta::assert_snapshot!(add_first("\
images:
- name: A
  versions:
  - version: \"20260201\"
    url: \"https://images.example/20260201/disk.qcow2\"
    checksum: \"sha256:bb\"
    build_date: \"2026-02-01\"
  - version: \"20260101\"
    url: \"https://images.example/20260101/disk.qcow2\"
    checksum: \"sha256:aa\"
  min_disk: 8
"), @r#"
    images:
    - name: A
      versions:
      - version: "20260725"
        url: "https://images.example/20260725/disk.qcow2"
        checksum: "sha256:00ff"
        build_date: "2026-07-25"
      - version: "20260201"
        url: "https://images.example/20260201/disk.qcow2"
        checksum: "sha256:bb"
        build_date: "2026-02-01"
      - version: "20260101"
        url: "https://images.example/20260101/disk.qcow2"
        checksum: "sha256:aa"
      min_disk: 8
    "#);
}

#[test]
fn a_plain_version_is_quoted_where_it_would_read_as_a_number() {
    insta::assert_snapshot!(add_first("\
images:
  - name: A
    versions:
      - {version: 4593.2.0, url: https://images.example/a, checksum: \"sha256:aa\"}
      - version: 4230.2.0
"), @r#"
    images:
      - name: A
        versions:
          - {version: "20260725", url: https://images.example/20260725/disk.qcow2, checksum: "sha256:00ff", build_date: 2026-07-25}
          - {version: 4593.2.0, url: https://images.example/a, checksum: "sha256:aa"}
          - version: 4230.2.0
    "#);
}

#[test]
fn an_order_of_keys_of_its_own_is_kept() {
    insta::assert_snapshot!(add_first("\
images:
  - name: A
    versions:
      - checksum: sha256:aa
        'url':   https://images.example/a
        id: 9d3a57a2-4a5a-4c39-8f3e-1f1f3b0d7a60
        version: v1
"), @r"
    images:
      - name: A
        versions:
          - checksum: sha256:00ff
            'url':   https://images.example/20260725/disk.qcow2
            version: '20260725'
            'build_date': 2026-07-25
          - checksum: sha256:aa
            'url':   https://images.example/a
            id: 9d3a57a2-4a5a-4c39-8f3e-1f1f3b0d7a60
            version: v1
    ");
}

#[test]
fn computed_digests_follow_the_checksum_whatever_the_neighbour_had() {
    let entry = NewEntry {
        disk_checksum: Some("sha256:11ee".to_owned()),
        computed: vec!["checksum".to_owned(), "disk_checksum".to_owned()],
        build_date: None,
        ..entry("20260725")
    };
    let change = |text: &str| {
        let change = change(Some(&entry), &[0], Position::First);
        edit(text, &change).unwrap()
    };
    let plain = "images:\n  - name: A\n    versions:\n      - version: '1'\n        url: https://images.example/a\n        checksum: sha256:aa\n        computed:\n          - checksum\n";
    insta::assert_snapshot!(change(plain), @r"
    images:
      - name: A
        versions:
          - version: '20260725'
            url: https://images.example/20260725/disk.qcow2
            checksum: sha256:00ff
            disk_checksum: sha256:11ee
            computed: [checksum, disk_checksum]
    ");
    let flow = "images: [{name: A, versions: [{version: '1', url: https://images.example/a}]}]";
    insta::assert_snapshot!(change(flow), @r"images: [{name: A, versions: [{version: '20260725', url: https://images.example/20260725/disk.qcow2, checksum: sha256:00ff, disk_checksum: sha256:11ee, computed: [checksum, disk_checksum]}]}]");
}

#[test]
fn blank_lines_between_entries_are_kept_up() {
    insta::assert_snapshot!(add_last("\
images:
  - name: A
    versions:

      - version: '1'
        url: https://images.example/1

      - version: '2'
        url: https://images.example/2

  - name: B
"), @r"
    images:
      - name: A
        versions:

          - version: '1'
            url: https://images.example/1

          - version: '2'
            url: https://images.example/2

          - version: '20260725'
            url: https://images.example/20260725/disk.qcow2
            checksum: sha256:00ff
            build_date: 2026-07-25

      - name: B
    ");
}

#[test]
fn a_comment_above_an_entry_stays_with_that_entry() {
    insta::assert_snapshot!(add_first("\
images:
  - name: A
    versions: # newest first
      # belongs to nobody

      # the last with a serial console
      - version: '20260101'
        url: https://images.example/1
        # belongs to the entry as well
      # said of the list
    multi: true
"), @r"
    images:
      - name: A
        versions: # newest first
          # belongs to nobody

          - version: '20260725'
            url: https://images.example/20260725/disk.qcow2
            checksum: sha256:00ff
            build_date: 2026-07-25
          # the last with a serial console
          - version: '20260101'
            url: https://images.example/1
            # belongs to the entry as well
          # said of the list
        multi: true
    ");
}

#[test]
fn a_dash_alone_on_its_line_stays_alone() {
    insta::assert_snapshot!(add_first("\
images:
  - name: A
    versions:
      -  # first
        version: 'a'
        url: >-
          https://images.example/1
        checksum: |
          sha256:aa
"), @r"
    images:
      - name: A
        versions:
          -
            version: '20260725'
            url: >-
              https://images.example/20260725/disk.qcow2
            checksum: sha256:00ff
            build_date: 2026-07-25
          -  # first
            version: 'a'
            url: >-
              https://images.example/1
            checksum: |
              sha256:aa
    ");
}
