//! What is there, in a form that is the same for two clouds where the same was done.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value};

use super::place;
use crate::account::{Account, wait};

/// What Glance decides.
const INCIDENTAL: [&str; 11] = [
    "id",
    "created_at",
    "updated_at",
    "self",
    "file",
    "schema",
    "owner_specified.openstack.object",
    "direct_url",
    "locations",
    "checksum",
    "virtual_size",
];

/// What was there at a moment.
pub struct Look {
    /// The images as Glance tells of them.
    pub images: Vec<Value>,
    /// All of it as text.
    pub text: String,
}

impl Look {
    /// Whether Glance works on none of the images: nobody sends bytes, and no import is under way.
    pub fn is_settled(&self) -> bool {
        self.images.iter().all(|image| {
            let is_at_work = match image["status"].as_str().unwrap() {
                "saving" | "importing" => true,
                // The size comes with the last of what is staged.
                "uploading" => image["size"].is_null(),
                _ => false,
            };
            !is_at_work && image[TASK].is_null()
        })
    }
}

/// The lock of an import, by its task.
const TASK: &str = "os_glance_import_task";

/// All images of a tag as text, in an order of its own: name, visibility, place in lists, status, protection, tags,
/// properties, digest of the data, stores, members. Images of the beginning are told apart from new ones. And the servers of
/// boot tests, where there can be some.
pub fn look(tag: &str, beginning: &BTreeMap<String, String>, has_services: bool) -> Look {
    let admin = Account::of("admin");
    let images = wait(admin.tagged(tag));
    let mut lines: Vec<_> = images
        .iter()
        .map(|image| one(&admin, image.clone(), beginning))
        .collect();
    if has_services {
        let servers = place::tried(tag).into_iter();
        lines.extend(servers.map(|definition| format!("a server tries {definition}")));
    }
    lines.sort();
    // Names and tags bear the tag, and the day is that of the run.
    let text = dates(&lines.join("\n").replace(tag, "TAG"));
    Look { images, text }
}

fn one(admin: &Account, image: Value, beginning: &BTreeMap<String, String>) -> String {
    let id = image["id"].as_str().unwrap().to_owned();
    let origin = beginning.get(&id).map_or("new", String::as_str);
    let mut lines: BTreeMap<String, Value> = match image {
        Value::Object(image) => image.into_iter().collect(),
        other => panic!("no image: {other}"),
    };
    if let Some(Value::Array(tags)) = lines.get_mut("tags") {
        tags.sort_by_key(ToString::to_string);
    }
    if lines["visibility"] == "shared" {
        lines.insert("members".to_owned(), members(admin, &id));
    }
    if let Some(task) = lines.get_mut(TASK) {
        *task = "some task".into();
    }
    if let Some(Value::String(stores)) = lines.get_mut("stores") {
        let mut each: Vec<_> = stores.split(',').collect();
        each.sort_unstable();
        *stores = each.join(",");
    }
    // What an import has failed in or is still to do matters, but not that there once was one.
    lines.retain(|key, value| {
        let is_over = key.starts_with("os_glance_") && value == "";
        !is_over && !INCIDENTAL.contains(&key.as_str())
    });
    let lines: Vec<_> = lines
        .iter()
        .map(|(key, value)| format!("    {key}: {value}"))
        .collect();
    format!(
        "{} [{origin}]\n{}",
        lines
            .iter()
            .find(|line| line.trim().starts_with("image_name"))
            .map_or("", |line| line.trim()),
        lines.join("\n")
    )
}

fn members(admin: &Account, id: &str) -> Value {
    let path = format!("/v2/images/{id}/members");
    let document = wait(admin.must(Method::GET, &path, None));
    let members = document["members"].as_array().unwrap().iter();
    let members: Map<_, _> = members
        .map(|one| {
            let project = one["member_id"].as_str().unwrap().to_owned();
            (project, one["status"].clone())
        })
        .collect();
    members.into()
}

/// Dates of this run as a word: a run over midnight is the same run.
fn dates(text: &str) -> String {
    let now = chrono::Utc::now();
    [now, now - chrono::Duration::days(1)]
        .iter()
        .fold(text.to_owned(), |text, day| {
            text.replace(&day.format("%Y-%m-%d").to_string(), "DAY")
                .replace(&day.format("%Y%m%d").to_string(), "DAY")
        })
}
