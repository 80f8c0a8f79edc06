//! The second opinion: what the reader of definitions makes of the file before and after.

use serde_json::{Map, Value};

use super::super::yaml;
use super::{Change, NewEntry, Position, Refusal};

/// Reads `text` as the definitions' reader does, but without a schema.
pub(super) fn read(text: &str) -> Result<Value, Refusal> {
    yaml::read("", text).map_err(|finding| Refusal {
        line: finding.line.unwrap_or(1),
        column: finding.column.unwrap_or(1),
        reason: finding.message,
    })
}

/// The data after the change: `old` with the entries removed and the new one put in.
///
/// Gives nothing where the list of image number `image` is not a list (or null, which counts as empty).
pub(super) fn expected(
    old: Value,
    image: usize,
    change: &Change,
    carried: &Map<String, Value>,
) -> Option<Value> {
    let mut data = old;
    let list = data
        .get_mut("images")?
        .get_mut(image)?
        .get_mut("versions")?;
    if list.is_null() {
        *list = Value::Array(Vec::new());
    }
    let versions = list.as_array_mut()?;
    let mut index = 0;
    versions.retain(|_| {
        index += 1;
        !change.remove.contains(&(index - 1))
    });
    if let Some(entry) = change.add {
        let entry = entry_data(entry, carried);
        match change.position {
            Position::First => versions.insert(0, entry),
            Position::Last => versions.push(entry),
        }
    }
    Some(data)
}

fn entry_data(entry: &NewEntry, carried: &Map<String, Value>) -> Value {
    let mut data = carried.clone();
    for (key, value) in entry.pairs() {
        data.insert(key.to_owned(), value.value());
    }
    Value::Object(data)
}
