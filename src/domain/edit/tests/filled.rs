//! Lists without a version.

use super::*;

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
