//! Versions that are taken out.

use super::*;

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
        let change = change(Some(&entry), &[0, 1], position);
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
    let change = change(Some(&entry), &[1, 0], Position::Last);
    let flow = "images: [{name: A, versions: [{version: a}, {version: b}]}]";
    insta::assert_snapshot!(edit(flow, &change).unwrap(), @r"images: [{name: A, versions: [{version: '20260725', url: https://images.example/20260725/disk.qcow2, checksum: sha256:00ff, build_date: 2026-07-25}]}]");
}

#[test]
fn a_pruned_anchor_that_is_used_elsewhere_is_refused() {
    let text = "images:\n- name: A\n  versions:\n  - version: '1'\n    meta: &m {a: b}\n  - version: '2'\n    meta: *m\n";
    let removed = |index| edit(text, &change(None, index, Position::First));
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
