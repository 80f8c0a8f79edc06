//! What a new entry takes over from its neighbour.

use serde_json::{Map, Value};

use super::Position;

/// The keys and values that a new entry takes over from the one beside which it comes.
pub(super) fn carried_over(old: &Value, image: usize, position: Position) -> Map<String, Value> {
    let versions = &old["images"][image]["versions"];
    let versions = versions.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut carried = Map::new();
    let sibling = match position {
        Position::First => versions.first(),
        Position::Last => versions.last(),
    };
    let Some(sibling) = sibling.and_then(Value::as_object) else {
        return carried;
    };
    let version = sibling.get("version").map(scalar_text).unwrap_or_default();
    for (key, value) in sibling {
        let take = match key.as_str() {
            "visibility" | "hidden" => true,
            "source" => value.as_str().is_some_and(|source| !source.contains("://")),
            "os_version" | "meta" | "image_description" => {
                versions.iter().all(|other| other.get(key) == Some(value))
                    && !mentions(value, &version)
            }
            _ => false,
        };
        if take {
            carried.insert(key.clone(), value.clone());
        }
    }
    carried
}

/// Whether `value` is or contains the text of a version; a short one only counts as a whole.
fn mentions(value: &Value, version: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| mentions(value, version)),
        Value::Object(values) => values.values().any(|value| mentions(value, version)),
        value => {
            let text = scalar_text(value);
            text == version || (version.len() >= 4 && text.contains(version))
        }
    }
}

fn scalar_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}
