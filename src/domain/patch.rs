//! What one PATCH writes to an image in Glance, as a value that can be planned, shown and compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::snapshot::{CloudImage, Visibility};

/// A change of one image. What is `None` or empty stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    /// The display name.
    pub name: Option<String>,
    /// Who may see it.
    pub visibility: Option<Visibility>,
    /// Whether default lists leave it out.
    pub hidden: Option<bool>,
    /// Whether Glance refuses to delete it.
    pub protected: Option<bool>,
    /// The smallest disk, in GiB.
    pub min_disk: Option<u64>,
    /// The smallest memory, in MiB.
    pub min_ram: Option<u64>,
    /// All its tags.
    pub tags: Option<BTreeSet<String>>,
    /// Free properties to set.
    pub set: BTreeMap<String, String>,
    /// Free properties to remove; they must be there, or Glance refuses the whole PATCH with 409.
    pub remove: BTreeSet<String>,
}

impl Patch {
    /// Whether it changes nothing. An empty PATCH would still move `updated_at`, so it is never sent.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The changed keys and their values after it; a removed property is null.
    pub fn changes(&self) -> Map<String, Value> {
        let mut changes = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                changes.insert(key.to_owned(), value);
            }
        };
        put("name", self.name.clone().map(Value::from));
        put("visibility", self.visibility.map(|one| one.as_str().into()));
        put("os_hidden", self.hidden.map(Value::from));
        put("protected", self.protected.map(Value::from));
        put("min_disk", self.min_disk.map(Value::from));
        put("min_ram", self.min_ram.map(Value::from));
        put("tags", self.tags.as_ref().map(|tags| json!(tags)));
        for (key, value) in &self.set {
            put(key, Some(value.as_str().into()));
        }
        for key in &self.remove {
            put(key, Some(Value::Null));
        }
        changes
    }

    /// The values that `image` has now for the keys that this changes; an absent one is null.
    pub fn before(&self, image: &CloudImage) -> Map<String, Value> {
        self.changes()
            .into_iter()
            .map(|(key, _)| {
                let value = match key.as_str() {
                    "name" => json!(image.name),
                    "visibility" => json!(image.visibility.as_str()),
                    "os_hidden" => json!(image.hidden),
                    "protected" => json!(image.protected),
                    "min_disk" => json!(image.min_disk),
                    "min_ram" => json!(image.min_ram),
                    "tags" => json!(image.tags),
                    property => json!(image.properties.get(property)),
                };
                (key, value)
            })
            .collect()
    }

    /// The JSON patch in Glance's own dialect, `application/openstack-images-v2.1-json-patch`.
    ///
    /// `add` also overwrites; `replace` of an absent property would be refused with 409.
    pub fn operations(&self) -> Value {
        let operations: Vec<_> = self
            .changes()
            .into_iter()
            .map(|(key, value)| {
                let path = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
                match value {
                    Value::Null => json!({"op": "remove", "path": path}),
                    value if BASE.contains(&key.as_str()) => {
                        json!({"op": "replace", "path": path, "value": value})
                    }
                    value => json!({"op": "add", "path": path, "value": value}),
                }
            })
            .collect();
        Value::Array(operations)
    }
}

/// Attributes that every image has, so they are replaced and never added.
const BASE: [&str; 7] = [
    "name",
    "visibility",
    "os_hidden",
    "protected",
    "min_disk",
    "min_ram",
    "tags",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_have_glances_types_and_escapes() {
        let patch = Patch {
            name: Some("Ubuntu".to_owned()),
            hidden: Some(false),
            min_disk: Some(8),
            tags: Some(["a".to_owned()].into()),
            set: [("a/b~c".to_owned(), "1".to_owned())].into(),
            remove: ["gone".to_owned()].into(),
            ..Patch::default()
        };
        assert_eq!(
            patch.operations(),
            json!([
                {"op": "replace", "path": "/name", "value": "Ubuntu"},
                {"op": "replace", "path": "/os_hidden", "value": false},
                {"op": "replace", "path": "/min_disk", "value": 8},
                {"op": "replace", "path": "/tags", "value": ["a"]},
                {"op": "add", "path": "/a~1b~0c", "value": "1"},
                {"op": "remove", "path": "/gone"},
            ])
        );
    }

    #[test]
    fn nothing_to_change_is_empty() {
        assert!(Patch::default().is_empty());
        assert!(
            !Patch {
                min_ram: Some(0),
                ..Patch::default()
            }
            .is_empty()
        );
    }
}
