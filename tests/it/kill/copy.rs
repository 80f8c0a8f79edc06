//! Images that are like those of a beginning: made anew, or brought back to what they were.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::bytes::Form;
use crate::account::{Account, wait, writable};

/// The stores in which an image lies, the first to take it first.
fn stores(image: &Value) -> Vec<&str> {
    let stores = image["stores"].as_str().unwrap_or_default();
    stores
        .split(',')
        .filter(|store| !store.is_empty())
        .collect()
}

/// Makes an image that is like another one, and lies in the same stores.
pub async fn copied(admin: &Account, form: Form, image: Value) -> String {
    let version = image["internal_version"].as_str().unwrap();
    let id = admin.create(Value::Object(writable(&image)), None).await;
    if let [first, further @ ..] = &stores(&image)[..] {
        admin.fill(&id, &form.stored(version), Some(first)).await;
        bring_to(admin, &id, further).await;
    }
    if image["status"] == "deactivated" {
        act(admin, &id, "deactivate").await;
    }
    id
}

/// Has an image copied into further stores.
async fn bring_to(admin: &Account, id: &str, further: &[&str]) {
    let image = format!("/v2/images/{id}");
    for store in further {
        let import = json!({"method": {"name": "copy-image"}, "stores": [store]});
        let path = format!("{image}/import");
        admin.must(Method::POST, &path, Some(import)).await;
        loop {
            let image = admin.must(Method::GET, &image, None).await;
            if image["os_glance_import_task"].is_null() {
                assert!(stores(&image).contains(store), "{image}");
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Takes an image out of the stores into which the run copied it.
async fn take_out(admin: &Account, now: &Value, before: &Value) {
    let (now_in, before_in) = (stores(now), stores(before));
    for store in now_in.iter().filter(|store| !before_in.contains(store)) {
        let path = format!("/v2/stores/{store}/{}", now["id"].as_str().unwrap());
        admin.must(Method::DELETE, &path, None).await;
    }
}

/// Makes an image what it was.
pub async fn restored(admin: &Account, now: &Value, before: &Value) {
    let id = now["id"].as_str().unwrap();
    take_out(admin, now, before).await;
    if now["visibility"] == "shared" {
        let members = format!("/v2/images/{id}/members");
        let document = admin.must(Method::GET, &members, None).await;
        for member in document["members"].as_array().unwrap() {
            let member = format!("{members}/{}", member["member_id"].as_str().unwrap());
            admin.must(Method::DELETE, &member, None).await;
        }
    }
    let (written, wanted) = (writable(now), writable(before));
    let mut operations: Vec<_> = wanted
        .iter()
        .filter(|(key, value)| written.get(*key) != Some(value))
        .map(|(key, value)| json!({"op": "add", "path": format!("/{key}"), "value": value}))
        .collect();
    let added = written.keys().filter(|key| !wanted.contains_key(*key));
    operations.extend(added.map(|key| json!({"op": "remove", "path": format!("/{key}")})));
    if !operations.is_empty() {
        let path = format!("/v2/images/{id}");
        admin
            .must(Method::PATCH, &path, Some(operations.into()))
            .await;
    }
    match (before["status"].as_str(), now["status"].as_str()) {
        (before, now) if before == now => {}
        (Some("active"), _) => act(admin, id, "reactivate").await,
        (Some("deactivated"), _) => act(admin, id, "deactivate").await,
        other => panic!("an image cannot come back: {other:?}"),
    }
}

async fn act(admin: &Account, id: &str, action: &str) {
    let path = format!("/v2/images/{id}/actions/{action}");
    admin.must(Method::POST, &path, None).await;
}

/// Deletes all images of a tag.
pub fn remove(tag: &str) {
    let admin = Account::of("admin");
    for image in wait(admin.tagged(tag)) {
        wait(admin.delete(image["id"].as_str().unwrap()));
    }
}
