//! Lists and entries in brackets.

use super::*;

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
fn entries_in_brackets_are_pruned_with_one_comma() {
    let text = "images: [{name: A, versions: [{version: a}, {version: b}, {version: c}]}]";
    insta::assert_snapshot!(remove(text, &[0, 2]), @r"images: [{name: A, versions: [{version: b}]}]");
    insta::assert_snapshot!(remove(text, &[1]), @r"images: [{name: A, versions: [{version: a}, {version: c}]}]");
}
