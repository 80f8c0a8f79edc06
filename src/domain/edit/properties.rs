//! Properties of edits on generated files: bytes outside the change stay, the data is what was asked
//! for, and a second implementation agrees.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use yaml_edit::{ScalarValue, YamlValue};

use super::sample::{File, Image, Shape, file};
use super::*;

/// The data as the least strict reader has it, to which `n` is false.
fn read(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The data as YAML 1.2 has it, to which `n` is text.
pub(super) fn read_strictly(text: &str) -> Value {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options)
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(super) fn new_entry() -> impl Strategy<Value = NewEntry> {
    let version = prop_oneof![
        "[0-9]{8}",
        "[0-9]\\.[0-9]{1,2}",
        "[0-9]e[0-9]",
        "[0-9]\\.[0-9]\\.[0-9]",
        "[a-z]{1,4}",
        "[ -~]{1,8}",
        "20[0-9]{2}-0[1-9]-1[0-9]",
        "yes|null|~|0x1f|-|,a|é|#|''|\"|\\\\",
    ];
    let url = "https://[a-z]{1,8}\\.example/[a-zA-Z0-9_.,%?&=+~-]{0,30}";
    let date = "20[0-9]{2}-0[1-9]-[12][0-9]";
    let hex = prop_oneof!["[0-9]{40}", "[0-9A-F]{40}", "[0-9]{20}E[0-9]{19}"];
    (
        version,
        url,
        "sha(256|512):[0-9a-f]{8}",
        prop::option::of("sha(256|512):[0-9a-f]{8}"),
        prop::sample::subsequence(vec!["checksum", "disk_checksum"], 0..=2),
        prop::option::of(date),
        prop::option::of(url),
        prop::option::of(hex),
    )
        .prop_map(
            |(version, url, checksum, disk_checksum, computed, build_date, manifest, signed_by)| {
                NewEntry {
                    version,
                    url,
                    checksum,
                    disk_checksum,
                    computed: computed.into_iter().map(str::to_owned).collect(),
                    build_date,
                    manifest,
                    signed_by,
                }
            },
        )
}

pub(super) fn position() -> impl Strategy<Value = Position> {
    prop::sample::select(vec![Position::First, Position::Last])
}

/// A file, which image changes, what is added, which of its versions go, and where.
fn change() -> impl Strategy<Value = (File, usize, Option<NewEntry>, Vec<usize>, Position)> {
    (
        file(),
        any::<prop::sample::Index>(),
        prop::option::weighted(0.8, new_entry()),
        any::<[bool; 6]>(),
        position(),
    )
        .prop_map(|(file, index, add, chosen, position)| {
            let image = index.index(file.images.len());
            let count = file.images[image].entries.len();
            let remove: Vec<usize> = (0..count).filter(|index| chosen[*index]).collect();
            (file, image, add, remove, position)
        })
}

/// The mapping of the new entry: what it says and what limits the visibility of its neighbour.
fn new_data(image: &Image, entry: &NewEntry, position: Position) -> Map<String, Value> {
    let mut data: Map<String, Value> = entry
        .pairs()
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.value()))
        .collect();
    let neighbour = match position {
        Position::First => image.entries.first(),
        Position::Last => image.entries.last(),
    };
    if let Some(visibility) = neighbour.and_then(|entry| entry.visibility.as_ref()) {
        data.insert("visibility".to_owned(), json!(visibility));
    }
    data
}

/// The file as the second implementation edits it.
fn by_yaml_edit(
    text: &str,
    image: usize,
    new: Option<Map<String, Value>>,
    remove: &[usize],
    position: Position,
) -> String {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let document: yaml_edit::Document = text
        .parse()
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    let images = document
        .as_mapping()
        .unwrap()
        .get_sequence("images")
        .unwrap();
    let image = images.get(image).unwrap();
    let versions = image
        .as_mapping()
        .unwrap()
        .get_sequence("versions")
        .unwrap();
    if let Some(new) = new {
        let text = |value: &Value| YamlValue::Scalar(ScalarValue::string(value.as_str().unwrap()));
        let string = |value: &Value| match value.as_array() {
            Some(words) => YamlValue::Sequence(words.iter().map(text).collect()),
            None => text(value),
        };
        let entry: BTreeMap<String, YamlValue> = new
            .iter()
            .map(|(key, value)| (key.clone(), string(value)))
            .collect();
        match position {
            Position::First => versions.insert(0, &entry),
            Position::Last => versions.push(&entry),
        }
        let shift = usize::from(position == Position::First);
        remove
            .iter()
            .rev()
            .for_each(|index| drop(versions.remove(index + shift)));
    } else {
        remove
            .iter()
            .rev()
            .for_each(|index| drop(versions.remove(*index)));
    }
    document.to_string()
}

proptest! {
    #[test]
    fn the_data_is_the_old_data_with_exactly_the_change((file, image, add, remove, position) in change()) {
        let text = file.text();
        let name = file.images[image].name.clone();
        let change = Change { image: &name, add: add.as_ref(), remove: &remove, position };
        let count = file.images[image].entries.len();
        let edited = match edit(&text, &change) {
            Ok(edited) => edited,
            Err(_) if add.is_none() && count > 0 && remove.len() == count => return Ok(()),
            Err(refusal) => return Err(TestCaseError::fail(format!("{refusal}\n{text}"))),
        };
        let mut expected = read(&text);
        let versions = &mut expected["images"][image]["versions"];
        let mut list = versions.as_array().cloned().unwrap_or_default();
        for index in remove.iter().rev() {
            list.remove(*index);
        }
        if let Some(entry) = &add {
            let data = Value::Object(new_data(&file.images[image], entry, position));
            let index = if position == Position::First { 0 } else { list.len() };
            list.insert(index, data);
        }
        if add.is_some() || !remove.is_empty() {
            *versions = Value::Array(list);
        }
        prop_assert_eq!(read(&edited), expected, "{}\n---\n{}", text, edited);
    }

    #[test]
    fn every_line_outside_the_change_stays((file, image, add, remove, position) in change()) {
        let text = file.text();
        let name = file.images[image].name.clone();
        let change = Change { image: &name, add: add.as_ref(), remove: &remove, position };
        let Ok(edited) = edit(&text, &change) else { return Ok(()) };
        prop_assert_eq!(text.starts_with('\u{feff}'), edited.starts_with('\u{feff}'));
        prop_assert_eq!(text.contains("\r\n"), edited.contains("\r\n"));
        prop_assert_eq!(edited.matches("\r\n").count(), if text.contains('\r') { edited.matches('\n').count() } else { 0 });
        if add.is_some() && remove.is_empty() {
            prop_assert_eq!(text.ends_with('\n'), edited.ends_with('\n'));
        }
        let (before, after) = file.around(image, &remove, position);
        let exact = file.style.blank_lines == 0;
        let lines = |text: &str| -> Vec<String> {
            text.trim_start_matches('\u{feff}').lines().filter(|line| exact || !line.is_empty()).map(ToOwned::to_owned).collect()
        };
        let (before, after, edited_lines) = (lines(&before), lines(&after), lines(&edited));
        let inserted = edited_lines.len().checked_sub(before.len() + after.len());
        prop_assert!(inserted.is_some(), "lines are missing\n{text}\n---\n{edited}");
        prop_assert_eq!(&edited_lines[..before.len()], &before[..], "{}\n---\n{}", text, edited);
        prop_assert_eq!(&edited_lines[edited_lines.len() - after.len()..], &after[..], "{}\n---\n{}", text, edited);
        let new = &edited_lines[before.len()..edited_lines.len() - after.len()];
        let is_by_lines = file.style.shape != Shape::FlowList && !file.images[image].entries.is_empty();
        prop_assert!(add.is_none() || !new.is_empty());
        prop_assert!(add.is_some() || new.is_empty() || !is_by_lines, "{}
---
{}", text, edited);
        // Comments of the neighbour are not copied.
        let says_so = add.is_some_and(|add| add.version.contains('#'));
        prop_assert!(says_so || !is_by_lines || !new.iter().any(|line| line.contains('#')), "{:?}", new);
    }

    #[test]
    fn a_second_implementation_agrees((file, image, add, remove, position) in change()) {
        let text = file.text();
        let name = file.images[image].name.clone();
        let change = Change { image: &name, add: add.as_ref(), remove: &remove, position };
        // The second implementation cannot fill a list that is not there.
        prop_assume!(read(&text)["images"][image]["versions"].is_array());
        let Ok(edited) = edit(&text, &change) else { return Ok(()) };
        let new = add.as_ref().map(|entry| new_data(&file.images[image], entry, position));
        let other = by_yaml_edit(&text, image, new, &remove, position);
        prop_assert_eq!(read_strictly(&edited), read_strictly(&other), "{}\n---\n{}\n---\n{}", text, edited, other);
    }

    #[test]
    fn adding_and_taking_out_again_gives_the_same_bytes((file, image, _, _, position) in change(), entry in new_entry()) {
        let text = file.text();
        let name = file.images[image].name.clone();
        let count = file.images[image].entries.len();
        prop_assume!(count > 0);
        let with = edit(&text, &Change { image: &name, add: Some(&entry), remove: &[], position }).unwrap();
        let index = if position == Position::First { 0 } else { count };
        let without = edit(&with, &Change { image: &name, add: None, remove: &[index], position }).unwrap();
        // A removed last line takes its neighbour's missing line break along.
        prop_assert_eq!(without.trim_end(), text.trim_end(), "{}", with);
    }
}
