//! The editor of definition files: whatever the file, other bytes stay, the data changes as it was said, or nothing is
//! done. The first byte of an input says which change is made, the rest is the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reglaze::domain::definition;
use reglaze::domain::edit::{self, Change, NewEntry, Position};

/// A version that no file has; without quotes it would be a number.
const NEW: &str = "21000725";

fuzz_target!(|input: &[u8]| {
    let Some((choice, text)) = input.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    if text.contains(NEW) {
        return;
    }
    let added = edit::append(text, "  - name: New\n    format: qcow2\n    versions: []\n");
    if let Ok(added) = added {
        assert!(added.starts_with(text), "{text:?}\nbecame\n{added:?}");
    }
    let Ok(definitions) = definition::parse("images.yml", text) else {
        // What the reader refuses nobody edits; the editor must still end.
        change(text, "Ubuntu 24.04", *choice);
        return;
    };
    for (at, before) in definitions.iter().enumerate().take(4) {
        let Some((edited, added, removed)) = change(text, &before.name, *choice) else {
            continue;
        };
        let after = definition::parse("images.yml", &edited);
        let after = after.unwrap_or_else(|found| panic!("{found:?} in\n{edited}"));
        assert_eq!(after.len(), definitions.len(), "{edited}");
        let expected = before.versions.len() + usize::from(added) - removed;
        assert_eq!(after[at].versions.len(), expected, "{edited}");
        for (other, definition) in after.iter().enumerate().filter(|(other, _)| *other != at) {
            assert_eq!(
                definition.versions.len(),
                definitions[other].versions.len(),
                "{edited}"
            );
        }
        if removed == 0 && !before.versions.is_empty() {
            assert!(is_insertion(text, &edited), "{text:?}\nbecame\n{edited:?}");
        }
    }
});

/// Makes the change that was chosen: the new text, whether something was added, how much was removed.
fn change(text: &str, image: &str, choice: u8) -> Option<(String, bool, usize)> {
    let entry = NewEntry {
        version: NEW.to_owned(),
        url: format!("https://a.example/{NEW}/disk: #1.qcow2"),
        checksum: format!("sha256:{}", "0".repeat(64)),
        disk_checksum: (choice & 8 != 0).then(|| format!("sha512:{}", "1".repeat(128))),
        computed: if choice & 8 == 0 {
            Vec::new()
        } else {
            vec!["disk_checksum".to_owned()]
        },
        build_date: Some("2026-07-25".to_owned()),
        manifest: Some("https://a.example/20260725/SHA256SUMS".to_owned()),
        signed_by: (choice & 16 != 0).then(|| "0".repeat(40)),
    };
    let remove: &[usize] = match choice >> 5 {
        0..4 => &[],
        4 => &[0],
        5 => &[1],
        6 => &[0, 2],
        _ => &[1, 2, 3],
    };
    let add = choice & 4 == 0 || remove.is_empty();
    let change = Change {
        image,
        add: add.then_some(&entry),
        remove,
        position: if choice & 1 == 0 {
            Position::First
        } else {
            Position::Last
        },
    };
    let edited = edit::edit(text, &change).ok()?;
    Some((edited, add, remove.len()))
}

/// Whether `after` is `before` with something put in at one place.
fn is_insertion(before: &str, after: &str) -> bool {
    let same = |(left, right): &(u8, u8)| left == right;
    let begin = before.bytes().zip(after.bytes()).take_while(same).count();
    let end = before
        .bytes()
        .rev()
        .zip(after.bytes().rev())
        .take_while(same)
        .count();
    begin + end >= before.len()
}
