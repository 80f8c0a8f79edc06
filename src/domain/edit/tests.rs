//! Edits on the layouts that definition files have, one test each.

use super::*;

pub(super) fn entry(version: &str) -> NewEntry {
    NewEntry {
        version: version.to_owned(),
        url: format!("https://images.example/{version}/disk.qcow2"),
        checksum: "sha256:00ff".to_owned(),
        disk_checksum: None,
        computed: Vec::new(),
        build_date: Some("2026-07-25".to_owned()),
        manifest: None,
        signed_by: None,
    }
}

fn add(text: &str, position: Position) -> String {
    let entry = entry("20260725");
    edit(
        text,
        &Change {
            image: "A",
            add: Some(&entry),
            remove: &[],
            position,
        },
    )
    .unwrap()
}

fn add_first(text: &str) -> String {
    add(text, Position::First)
}

fn add_last(text: &str) -> String {
    add(text, Position::Last)
}

fn remove(text: &str, remove: &[usize]) -> String {
    let change = Change {
        image: "A",
        add: None,
        remove,
        position: Position::First,
    };
    edit(text, &change).unwrap()
}

fn refused(text: &str) -> String {
    let entry = entry("20260725");
    let change = Change {
        image: "A",
        add: Some(&entry),
        remove: &[],
        position: Position::First,
    };
    edit(text, &change).unwrap_err().to_string()
}

const FOLDED: &str = "\
---
images:
  - name: A
    tags: []
    versions:
      - version: '20260101'
        url: 
          https://images.example/20260101/disk.qcow2
        mirror_url: 
          https://mirror.example/20260101.qcow2
        checksum: 
          sha256:aa
        build_date: 2026-01-01
      - version: '20260201'
        url: 
          https://images.example/20260201/disk.qcow2
        checksum: 
          sha256:bb
        build_date: 2026-02-01
  - name: B
    versions: []
";

#[test]
fn a_new_version_looks_like_its_neighbour() {
    let entry = NewEntry {
        manifest: Some("https://images.example/20260725/SHA256SUMS".to_owned()),
        signed_by: Some("D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81".to_owned()),
        ..entry("20260725")
    };
    let change = Change {
        image: "A",
        add: Some(&entry),
        remove: &[0],
        position: Position::Last,
    };
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
        let change = Change {
            image: "A",
            add: Some(&entry),
            remove: &[0],
            position: Position::First,
        };
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

#[test]
fn an_empty_list_is_filled_in_the_style_of_the_nearest_image() {
    insta::assert_snapshot!(add_first("\
images:
- name: A
  versions: []  # update fills this
  multi: true
- name: B
  versions:
    - version: \"1\"
      url:
        \"https://images.example/1\"
"), @r#"
    images:
    - name: A
      versions:  # update fills this
        - version: "20260725"
          url:
            "https://images.example/20260725/disk.qcow2"
          checksum:
            "sha256:00ff"
          build_date: "2026-07-25"
      multi: true
    - name: B
      versions:
        - version: "1"
          url:
            "https://images.example/1"
    "#);
}

#[test]
fn an_empty_list_is_filled_without_an_example() {
    insta::assert_snapshot!(add_first("\
images:
- name: A
  versions: [ ]
"), @r"
    images:
    - name: A
      versions:
      - version: '20260725'
        url: https://images.example/20260725/disk.qcow2
        checksum: sha256:00ff
        build_date: 2026-07-25
    ");
}

#[test]
fn a_version_key_without_a_value_is_filled() {
    insta::assert_snapshot!(add_first("\
images:
  - name: A
    versions:
    # none so far
  - name: B
"), @r"
    images:
      - name: A
        versions:
          - version: '20260725'
            url: https://images.example/20260725/disk.qcow2
            checksum: sha256:00ff
            build_date: 2026-07-25
        # none so far
      - name: B
    ");
}

#[test]
fn a_null_is_filled() {
    insta::assert_snapshot!(add_first("\
images:
  -   name: A
      versions: ~
"), @r"
    images:
      -   name: A
          versions:
            - version: '20260725'
              url: https://images.example/20260725/disk.qcow2
              checksum: sha256:00ff
              build_date: 2026-07-25
    ");
}

#[test]
fn a_list_in_brackets_is_edited_in_brackets() {
    insta::assert_snapshot!(add_last("\
images:
  - {name: A, versions: [{version: a, url: 'https://images.example/1', checksum: x}, {version: b, url: 'https://images.example/2'}], multi: true}
"), @r"
    images:
      - {name: A, versions: [{version: a, url: 'https://images.example/1', checksum: x}, {version: b, url: 'https://images.example/2'}, {version: '20260725', url: 'https://images.example/20260725/disk.qcow2', checksum: 'sha256:00ff', build_date: '2026-07-25'}], multi: true}
    ");
}

#[test]
fn an_empty_list_of_an_image_in_brackets_is_filled_in_brackets() {
    insta::assert_snapshot!(add_first("\
images: [{name: A, versions: []}]
"), @r"images: [{name: A, versions: [{version: '20260725', url: https://images.example/20260725/disk.qcow2, checksum: sha256:00ff, build_date: 2026-07-25}]}]");
}

#[test]
fn a_list_in_brackets_over_several_lines_keeps_its_lines() {
    insta::assert_snapshot!(add_first("\
images:
  - name: A
    versions: [
      { \"version\": \"a\", \"url\": \"https://images.example/1\" },
      { \"version\": \"b\", \"url\": \"https://images.example/2\" }
    ]
"), @r#"
    images:
      - name: A
        versions: [
          { "version": "20260725", "url": "https://images.example/20260725/disk.qcow2", "checksum": "sha256:00ff", "build_date": "2026-07-25" },
          { "version": "a", "url": "https://images.example/1" },
          { "version": "b", "url": "https://images.example/2" }
        ]
    "#);
}

#[test]
fn a_file_without_a_final_line_break_still_has_none() {
    let text = "images:\n- name: A\n  versions:\n  - version: '1'";
    insta::assert_snapshot!(add_last(text), @r"
    images:
    - name: A
      versions:
      - version: '1'
      - version: '20260725'
        url: https://images.example/20260725/disk.qcow2
        checksum: sha256:00ff
        build_date: 2026-07-25
    ");
    assert!(!add_last(text).ends_with('\n'));
    insta::assert_snapshot!(add_first(text), @r"
    images:
    - name: A
      versions:
      - version: '20260725'
        url: https://images.example/20260725/disk.qcow2
        checksum: sha256:00ff
        build_date: 2026-07-25
      - version: '1'
    ");
    assert!(!add_first(text).ends_with('\n'));
    let empty = "images:\n- name: A\n  versions: []";
    assert!(!add_first(empty).ends_with('\n'));
}

#[test]
fn line_breaks_of_windows_stay_what_they_are() {
    let windows = FOLDED.replace('\n', "\r\n");
    assert_eq!(add_last(&windows), add_last(FOLDED).replace('\n', "\r\n"));
    assert_eq!(add_first(&windows), add_first(FOLDED).replace('\n', "\r\n"));
    assert_eq!(
        remove(&windows, &[0]),
        remove(FOLDED, &[0]).replace('\n', "\r\n")
    );
    let empty = "images:\r\n- name: A\r\n  versions: []\r\n";
    assert_eq!(
        add_first(empty).matches('\n').count(),
        add_first(empty).matches("\r\n").count()
    );
}

#[test]
fn a_byte_order_mark_stays_where_it_is() {
    let marked = format!("\u{feff}{FOLDED}");
    assert_eq!(add_last(&marked), format!("\u{feff}{}", add_last(FOLDED)));
    let bare = "\u{feff}images: [{name: A, versions: []}]";
    assert!(add_first(bare).starts_with("\u{feff}images: [{name: A, versions: [{version:"));
}

#[test]
fn a_tab_between_key_and_value_is_copied() {
    let text =
        "images:\n- name: A\n  versions:\n  - version:\t'1'\n    url:\thttps://a.example\t# x\n";
    insta::assert_snapshot!(add_first(text).replace('\t', "→"), @r"
    images:
    - name: A
      versions:
      - version:→'20260725'
        url:→https://images.example/20260725/disk.qcow2
        checksum:→sha256:00ff
        build_date: 2026-07-25
      - version:→'1'
        url:→https://a.example→# x
    ");
}

#[test]
fn nothing_to_do_changes_nothing() {
    assert_eq!(remove(FOLDED, &[]), FOLDED);
}

#[test]
fn pruned_entries_go_with_their_comments_and_one_gap() {
    let text = "\
images:
  - name: A
    versions:
      # of the list

      # of the first
      - version: '1'
        # of the first as well

      # of the second
      - version: '2'

#     - version: '2.1'
      - version: '3'

      - version: '4'
    multi: true
";
    insta::assert_snapshot!(remove(text, &[0]), @r"
    images:
      - name: A
        versions:
          # of the list

          # of the second
          - version: '2'

    #     - version: '2.1'
          - version: '3'

          - version: '4'
        multi: true
    ");
    insta::assert_snapshot!(remove(text, &[1, 3]), @r"
    images:
      - name: A
        versions:
          # of the list

          # of the first
          - version: '1'
            # of the first as well


    #     - version: '2.1'
          - version: '3'
        multi: true
    ");
    insta::assert_snapshot!(remove(text, &[2]), @r"
    images:
      - name: A
        versions:
          # of the list

          # of the first
          - version: '1'
            # of the first as well

          # of the second
          - version: '2'

    #     - version: '2.1'
          - version: '4'
        multi: true
    ");
    insta::assert_snapshot!(remove(text, &[1, 2, 3]), @r"
    images:
      - name: A
        versions:
          # of the list

          # of the first
          - version: '1'
            # of the first as well

    #     - version: '2.1'
        multi: true
    ");
}

#[test]
fn all_old_versions_may_make_room_for_a_new_one() {
    let entry = entry("20260725");
    let text =
        "images:\n- name: A\n  versions:\n  - version: 'a'\n\n  - version: 'b'\n\n- name: B\n";
    for position in [Position::First, Position::Last] {
        let change = Change {
            image: "A",
            add: Some(&entry),
            remove: &[0, 1],
            position,
        };
        insta::allow_duplicates! {
            insta::assert_snapshot!(edit(text, &change).unwrap(), @r"
            images:
            - name: A
              versions:
              - version: '20260725'
                url: https://images.example/20260725/disk.qcow2
                checksum: sha256:00ff
                build_date: 2026-07-25

            - name: B
            ");
        }
    }
    let change = Change {
        image: "A",
        add: Some(&entry),
        remove: &[1, 0],
        position: Position::Last,
    };
    let flow = "images: [{name: A, versions: [{version: a}, {version: b}]}]";
    insta::assert_snapshot!(edit(flow, &change).unwrap(), @r"images: [{name: A, versions: [{version: '20260725', url: https://images.example/20260725/disk.qcow2, checksum: sha256:00ff, build_date: 2026-07-25}]}]");
}

#[test]
fn entries_in_brackets_are_pruned_with_one_comma() {
    let text = "images: [{name: A, versions: [{version: a}, {version: b}, {version: c}]}]";
    insta::assert_snapshot!(remove(text, &[0, 2]), @r"images: [{name: A, versions: [{version: b}]}]");
    insta::assert_snapshot!(remove(text, &[1]), @r"images: [{name: A, versions: [{version: a}, {version: c}]}]");
}

#[test]
fn what_cannot_be_edited_safely_is_refused_with_place_and_reason() {
    let refusals = [
        "",
        "- name: A\n",
        "images:\n- name: B\n",
        "images:\n- name: A\n",
        "images:\n- name: A\n  versions: []\n- name: A\n  versions: []\n",
        "images:\n- name: A\n  versions: []\n---\nimages: []\n",
        "images:\n- name: A\n  name: A\n  versions: []\n",
        "images:\n- name: A\n  versions:\n\t- version: '1'\n",
        "images:\n- name: A\n  versions: &all []\n",
        "images:\n- name: A\n  versions: !!seq []\n",
        "images:\n- name: A\n  versions:\n    []\n",
        "images:\n- name: A\n  versions: none\n",
        "images:\n- name: A\n  versions: {a: b}\n",
        "images:\n- name: A\n  versions: [ # none\n  ]\n",
        "images:\n- name: A\n  versions:\n  - &a\n    version: '1'\n",
        "images:\n- name: A\n  versions:\n  - version: &a '1'\n",
        "images:\n- name: A\n  versions:\n  - version: '1'\n    meta: &a {b: c}\n",
        "images:\n- name: B\n  meta: &a {b: c}\n- name: A\n  versions:\n  - <<: *a\n    version: '1'\n",
        "images:\n- name: B\n  versions: &a [{version: '1'}]\n- name: A\n  versions: *a\n",
        "images:\n- name: A\n  versions: [{version: '1'}, # one\n    {version: '2'}]\n",
        "images:\n- name: A\n  versions: [{version: '1' # one\n   }]\n",
        "images:\n- name: A\n  versions: ['1']\n",
        "images:\n- name: A\n  versions:\n  - '1'\n",
        "images:\n- name: A\n  versions:\n  - {}\n",
        "images:\n- name: A\n  versions:\n  - ? version\n    : '1'\n    ? meta\n    : {a: b}\n",
    ]
    .map(|text| format!("{text:?}\n  {}", refused(text)));
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    ""
      line 1, column 1: the file is empty, expected a list `images`
    "- name: A\n"
      line 1, column 1: a definition file is a mapping with a list `images`, but this has none
    "images:\n- name: B\n"
      line 1, column 1: no image in this file has the name `A`
    "images:\n- name: A\n"
      line 2, column 3: the image `A` has no key `versions`; write `versions: []`
    "images:\n- name: A\n  versions: []\n- name: A\n  versions: []\n"
      line 4, column 3: a second image has the name `A` of the one in line 2; names are unique
    "images:\n- name: A\n  versions: []\n---\nimages: []\n"
      line 5, column 1: the file holds a second YAML document, but definitions are read from one; move it to a file of its own
    "images:\n- name: A\n  name: A\n  versions: []\n"
      line 3, column 3: the key `name` stands here a second time; remove one of the two
    "images:\n- name: A\n  versions:\n\t- version: '1'\n"
      line 4, column 2: this is not YAML: tabs disallowed within this context (block indentation)
    "images:\n- name: A\n  versions: &all []\n"
      line 3, column 18: the empty `versions` has an anchor or a tag; write `versions: []`
    "images:\n- name: A\n  versions: !!seq []\n"
      line 3, column 19: the empty `versions` has an anchor or a tag; write `versions: []`
    "images:\n- name: A\n  versions:\n    []\n"
      line 4, column 5: the empty list does not stand beside its key; write `versions: []`
    "images:\n- name: A\n  versions: none\n"
      line 3, column 13: `versions` is not a list of its own, expected `versions: []` or entries
    "images:\n- name: A\n  versions: {a: b}\n"
      line 3, column 13: `versions` is not a list of its own, expected `versions: []` or entries
    "images:\n- name: A\n  versions: [ # none\n  ]\n"
      line 3, column 13: the empty list does not stand beside its key; write `versions: []`
    "images:\n- name: A\n  versions:\n  - &a\n    version: '1'\n"
      line 5, column 5: the neighbour of the new version is shared through a YAML anchor, which cannot be copied; write it out, or add the new version by hand
    "images:\n- name: A\n  versions:\n  - version: &a '1'\n"
      line 4, column 17: the neighbour of the new version has a YAML anchor here, which cannot be copied; write the value out, or add the new version by hand
    "images:\n- name: A\n  versions:\n  - version: '1'\n    meta: &a {b: c}\n"
      line 5, column 14: the neighbour of the new version has a YAML anchor here, which cannot be copied; write the value out, or add the new version by hand
    "images:\n- name: B\n  meta: &a {b: c}\n- name: A\n  versions:\n  - <<: *a\n    version: '1'\n"
      line 6, column 5: the neighbour of the new version takes keys from elsewhere (`<<`), which cannot be copied; write them out, or add the new version by hand
    "images:\n- name: B\n  versions: &a [{version: '1'}]\n- name: A\n  versions: *a\n"
      line 5, column 13: `versions` is not a list of its own, expected `versions: []` or entries
    "images:\n- name: A\n  versions: [{version: '1'}, # one\n    {version: '2'}]\n"
      line 3, column 14: more than a comma follows this entry of a list in brackets, so the list cannot be edited
    "images:\n- name: A\n  versions: [{version: '1' # one\n   }]\n"
      line 3, column 14: this entry has more between its brackets than keys and values, so it cannot be copied; add the new version by hand
    "images:\n- name: A\n  versions: ['1']\n"
      line 3, column 14: this entry has no brackets of its own, so it has no layout to follow
    "images:\n- name: A\n  versions:\n  - '1'\n"
      line 4, column 5: this entry is not a mapping with keys, so it has no layout to follow
    "images:\n- name: A\n  versions:\n  - {}\n"
      line 4, column 5: this entry is not a mapping with keys, so it has no layout to follow
    "images:\n- name: A\n  versions:\n  - ? version\n    : '1'\n    ? meta\n    : {a: b}\n"
      line 4, column 7: more than a dash stands in front of this entry (a tag, a `?`), so it cannot be copied; add the new version by hand
    "#);
}

#[test]
fn an_entry_whose_key_is_empty_does_no_harm() {
    let text = "images:\n- name: A\n  versions:\n  - version: '0'\n  - !!str : ---\n";
    assert!(add_first(text).ends_with("\n  - version: '0'\n  - !!str : ---\n"));
    let entry = entry("20260725");
    let last = Change {
        image: "A",
        add: Some(&entry),
        remove: &[],
        position: Position::Last,
    };
    insta::assert_snapshot!(edit(text, &last).unwrap_err(), @r"line 4, column 5: the edited list would not be readable (while parsing a block mapping, did not find expected key); edit it by hand");
}

#[test]
fn a_pruned_anchor_that_is_used_elsewhere_is_refused() {
    let text = "images:\n- name: A\n  versions:\n  - version: '1'\n    meta: &m {a: b}\n  - version: '2'\n    meta: *m\n";
    let removed = |index| {
        edit(
            text,
            &Change {
                image: "A",
                add: None,
                remove: index,
                position: Position::First,
            },
        )
    };
    insta::assert_snapshot!(removed(&[0]).unwrap_err(), @r"line 5, column 14: this version is to be removed, but its YAML anchor is used in line 7; write the value out there");
    insta::assert_snapshot!(removed(&[1]).unwrap(), @r"
    images:
    - name: A
      versions:
      - version: '1'
        meta: &m {a: b}
    ");
    insta::assert_snapshot!(removed(&[0, 1]).unwrap_err(), @r"line 4, column 5: all versions are to be removed and none is added; the list would be empty");
    insta::assert_snapshot!(removed(&[2]).unwrap_err(), @r"line 4, column 5: version number 3 of the list is to be removed, but it has 2");
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

#[test]
fn a_file_of_a_megabyte_is_edited_like_a_small_one() {
    let images = FOLDED.trim_start_matches("---\nimages:\n");
    let number = |number: usize| {
        let images = images.replace("name: A", &format!("name: A{number}"));
        images.replace("name: B", &format!("name: B{number}"))
    };
    let before: String = (0..2500).map(number).collect();
    let large = format!("images:\n{before}{images}");
    assert!(large.len() > 1_000_000);
    let small = format!("images:\n{images}");
    assert_eq!(
        add_last(&large),
        add_last(&small).replacen("images:\n", &format!("images:\n{before}"), 1)
    );
}
