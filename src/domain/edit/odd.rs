//! Edits of texts that are hardly definition files: edited rightly or refused, and nothing makes them panic.

use proptest::prelude::*;

use super::properties::{new_entry, position, read_strictly};
use super::*;

/// Pieces of YAML that together are sometimes a definition file and mostly not.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "\n",
        "\n  - ",
        "\n  -",
        "\n    ",
        "\n      ",
        " ",
        "\t",
        "\r\n",
        "\r",
        "version: '1'",
        "url: a",
        "version:",
        "meta: ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        ": ",
        ":",
        "&a ",
        "*a",
        "<<: *a",
        "!!str ",
        "!t ",
        "'",
        "\"",
        "# c",
        " # c",
        "|",
        ">-",
        "? ",
        "- ",
        "---",
        "...",
        "é",
        "\u{feff}",
        "\u{85}",
        "%",
        "~",
        "null",
        "name: A",
        "hidden: true",
        "visibility: x",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Lines that a list of versions may have, in any order.
fn odd_lines() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "  - version: '1'",
        "  - version: b # c",
        "  -   url: a",
        "  - *a",
        "  - &a",
        "  - &b {version: '1', meta: {a: [b, c]}}",
        "  - {version: x, # c",
        "     url: y}",
        "  - !!map",
        "  -",
        "  - # c",
        "    version: '2'",
        "    'url':",
        "      https://images.example/# # c",
        "    checksum: >-",
        "    build_date: |+",
        "      # no comment",
        "    hidden: true",
        "    visibility:   \"private\" # c",
        "    meta: &a {b: c}",
        "    meta: *a",
        "    meta:",
        "      b: c",
        "    os_version: &c",
        "      '1'",
        "    <<: *a",
        "    ? url",
        "    : b",
        "    # c",
        "  # c",
        "# c",
        "",
        "  ",
        "\t",
        "- name: B",
        "  versions: [*a, *b]",
        "  meta: *a",
        "---",
        "...",
    ]);
    (
        prop::collection::vec(line, 0..12),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(lines, windows, ends)| {
            let newline = if windows { "\r\n" } else { "\n" };
            let text = format!("images:\n- name: A\n  versions:\n{}", lines.join("\n"));
            let text = if ends { text + "\n" } else { text };
            text.replace('\n', newline)
        })
}

/// Edits `text` and counts what comes out; anything but a panic or a wrong count is fine.
fn edited_or_refused(
    text: &str,
    add: Option<&NewEntry>,
    remove: usize,
    position: Position,
) -> Result<(), TestCaseError> {
    let remove: Vec<usize> = (0..remove).collect();
    let change = Change {
        image: "A",
        add,
        remove: &remove,
        position,
    };
    let Ok(edited) = edit(text, &change) else {
        return Ok(());
    };
    let list = |text: &str| {
        read_strictly(text)["images"][0]["versions"]
            .as_array()
            .map_or(0, Vec::len)
    };
    prop_assert_eq!(
        list(&edited) + remove.len(),
        list(text) + usize::from(add.is_some()),
        "{}\n---\n{}",
        text,
        edited
    );
    Ok(())
}

proptest! {
    #[test]
    fn text_of_any_kind_never_makes_it_panic(text in any::<String>(), entry in new_entry()) {
        let change = Change { image: "A", add: Some(&entry), remove: &[0], position: Position::First };
        prop_assert!(edit(&text, &change).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn odd_lists_are_edited_rightly_or_refused(
        text in odd_lines(),
        entry in new_entry(),
        remove in 0..3_usize,
        position in position(),
    ) {
        edited_or_refused(&text, Some(&entry), remove, position)?;
        edited_or_refused(&text, None, remove, position)?;
    }

    #[test]
    fn broken_yaml_is_edited_rightly_or_refused(
        pieces in pieces(),
        entry in new_entry(),
        remove in 0..3_usize,
        position in position(),
    ) {
        for start in ["", "images:\n- name: A\n  versions:", "images:\n- name: A\n  versions:\n  - version: '0'\n  - "] {
            let text = format!("{start}{pieces}");
            edited_or_refused(&text, Some(&entry), remove, position)?;
            edited_or_refused(&text, None, remove, position)?;
        }
    }
}
