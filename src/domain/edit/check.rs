//! The second opinion: what the reader of definitions makes of the file before and after.

use serde_json::{Map, Value};

use super::{Change, NewEntry, Position, Refusal};

/// Reads `text` as the definitions' reader does, but without a schema.
pub(super) fn read(text: &str) -> Result<Value, Refusal> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        let reason = error.without_snippet().to_string();
        Refusal {
            line: place.map_or(1, |place| number(place.line())),
            column: place.map_or(1, |place| number(place.column())),
            reason,
        }
    })
}

fn number(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// The data after the change: `old` with the entries removed and the new one put in.
///
/// Gives nothing where the list of image number `image` is not a list (or null, which counts as empty).
pub(super) fn expected(
    old: &Value,
    image: usize,
    change: &Change,
    carried: &Map<String, Value>,
) -> Option<Value> {
    let mut data = old.clone();
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
        data.insert(key.to_owned(), Value::String(value.to_owned()));
    }
    Value::Object(data)
}
