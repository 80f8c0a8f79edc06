//! A recorded run held against its plan: every write belongs to exactly one step, in the plan's order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::bytes::Form;
use super::story::Told;
use crate::proxy::Seen;

/// One write to Glance: `PATCH /v2/images/ID`, and the keys that it writes with their values; of an import its method and
/// its stores.
#[derive(Debug, PartialEq)]
struct Write {
    line: String,
    keys: BTreeMap<String, Value>,
}

/// The two writes of a boot test; Nova gives the server's ID in between.
const TRIAL_BEGINS: &str = "POST /compute/v2.1/servers";
const TRIAL_ENDS: &str = "DELETE /compute/v2.1/servers/ID";

impl Write {
    fn bare(line: String) -> Self {
        Self {
            line,
            keys: BTreeMap::new(),
        }
    }

    fn import(line: String, method: Value, stores: Option<Value>) -> Self {
        let stores = stores.map(|stores| ("stores".to_owned(), stores));
        let keys = [("method".to_owned(), method)].into_iter().chain(stores);
        Self {
            line,
            keys: keys.collect(),
        }
    }
}

/// Fails if a write belongs to no step, a step has no write, or the order is another one.
pub fn hold_against_plan(told: &Told) {
    let planned = told.plan["clouds"][0]["steps"].as_array().unwrap();
    let done = told.outcome["clouds"][0]["steps"].as_array().unwrap();
    assert_eq!(planned.len(), done.len());
    let mut expected = Vec::new();
    for (planned, done) in planned.iter().zip(done) {
        for key in ["action", "image", "version", "from", "to", "changes"] {
            assert_eq!(planned[key], done[key], "{planned}");
        }
        let mut writes = writes_of(planned, done["id"].as_str().unwrap());
        if told.story.form == Form::Qcow2 && planned["action"] == "publish" {
            // What becomes of a disk nobody knows before.
            let stored = told.digests()[planned["version"].as_str().unwrap()].clone();
            let key = "converted_sha512sum".to_owned();
            writes[0].keys.insert(key, stored.into());
        }
        expected.extend(writes);
    }
    let mut recorded: Vec<_> = told
        .requests
        .iter()
        .filter(|seen| seen.is_write() && !seen.path.starts_with("/identity/"))
        .map(write)
        .collect();
    // A server is told to go until it is gone.
    recorded.dedup_by(|next, one| one.line == TRIAL_ENDS && next.line == one.line);
    assert_eq!(recorded, expected);
}

/// The writes of a step; its image has this ID.
fn writes_of(step: &Value, id: &str) -> Vec<Write> {
    let image = format!("/v2/images/{id}");
    let imported = |method: &str, store: Option<&Value>| {
        let stores = store.map(|store| json!([store]));
        Write::import(format!("POST {image}/import"), method.into(), stores)
    };
    match step["action"].as_str().unwrap() {
        "upload" if step["changes"]["method"] == "glance-direct" => vec![
            Write::bare("POST /v2/images".to_owned()),
            Write::bare(format!("PUT {image}/stage")),
            imported("glance-direct", step["changes"].get("store")),
        ],
        "upload" if step["changes"]["method"] == "web-download" => vec![
            Write::bare("POST /v2/images".to_owned()),
            imported("web-download", step["changes"].get("store")),
        ],
        "copy" => vec![imported("copy-image", step.get("to"))],
        "upload" => vec![
            Write::bare("POST /v2/images".to_owned()),
            Write::bare(format!("PUT {image}/file")),
        ],
        "delete" => vec![Write::bare(format!("DELETE {image}"))],
        "status" => {
            let deed = if step["to"] == "active" {
                "reactivate"
            } else {
                "deactivate"
            };
            vec![Write::bare(format!("POST {image}/actions/{deed}"))]
        }
        "boot" => [TRIAL_BEGINS, TRIAL_ENDS]
            .map(|line| Write::bare(line.to_owned()))
            .into(),
        "share" => shared(step, &image),
        _ => {
            let changes = step["changes"].as_object().unwrap().iter();
            vec![Write {
                line: format!("PATCH {image}"),
                keys: changes
                    .map(|(key, value)| (key.clone(), dated(value)))
                    .collect(),
            }]
        }
    }
}

/// First the visibility, then each member, then each member's acceptance.
fn shared(step: &Value, image: &str) -> Vec<Write> {
    let mut writes = Vec::new();
    if step["from"] != "shared" {
        writes.push(Write {
            line: format!("PATCH {image}"),
            keys: [("visibility".to_owned(), "shared".into())].into(),
        });
    }
    let added = step["changes"]["members_added"].as_array().unwrap();
    writes.extend(
        added
            .iter()
            .map(|_| Write::bare(format!("POST {image}/members"))),
    );
    for (method, key) in [("PUT", "members_added"), ("DELETE", "members_removed")] {
        for project in step["changes"][key].as_array().unwrap() {
            let project = project.as_str().unwrap();
            writes.push(Write::bare(format!("{method} {image}/members/{project}")));
        }
    }
    writes
}

/// A plan does not know the day on which it is carried out, and what is new is uploaded.
fn dated(value: &Value) -> Value {
    let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
    match value {
        Value::String(text) => {
            let text = text.replace("{today}", &today);
            text.replace("{upload_date}", &today).into()
        }
        other => other.clone(),
    }
}

/// What was asked of Glance, or of Nova.
fn write(seen: &Seen) -> Write {
    if seen.line.starts_with("DELETE /compute/v2.1/servers/") {
        return Write::bare(TRIAL_ENDS.to_owned());
    }
    if seen.path.ends_with("/import") {
        let (method, stores) = (seen.body["method"]["name"].clone(), seen.body.get("stores"));
        return Write::import(seen.line.clone(), method, stores.cloned());
    }
    let operations = seen.body.as_array().into_iter().flatten();
    let keys = operations.map(|operation| {
        let path = operation["path"].as_str().unwrap();
        let key = path[1..].replace("~1", "/").replace("~0", "~");
        (key, operation["value"].clone())
    });
    Write {
        line: seen.line.clone(),
        keys: keys.collect(),
    }
}
