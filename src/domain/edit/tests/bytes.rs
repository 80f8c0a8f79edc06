//! Bytes that stay: line breaks, marks, tabs, and a megabyte of other images.

use super::*;

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
