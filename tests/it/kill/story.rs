//! A story: a catalogue as it is before a run, and the definitions of that run. Told once, by runs of `apply` and by hand;
//! then copied as often as there are points at which to cut.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};

use super::look::look;
use super::place::{self, versions};
use crate::account::{Account, wait};
use crate::proxy::Seen;
use crate::stage::{Stage, hex};

/// What happens before the run, and what the run is to do.
pub struct Story {
    /// Unique among stories.
    pub name: &'static str,
    /// Whether Nova and Cinder are in the catalogue, behind the proxy too.
    pub has_services: bool,
    /// Versions from whose images a tenant has a server all the while.
    pub used: &'static [&'static str],
    /// Brings the cloud to where the run finds it.
    pub before: fn(&mut Stage),
    /// Writes settings and definitions of the run.
    pub define: fn(&mut Stage),
}

/// A story that was told to its end.
pub struct Told {
    /// The story.
    pub story: &'static Story,
    /// The images before the run, the elder first.
    images: Vec<Value>,
    /// The tag that it was told with.
    pub tag: String,
    /// The JSON plan of the run.
    pub plan: Value,
    /// The requests of the undisturbed run.
    pub requests: Vec<Seen>,
    /// What the run said.
    pub outcome: Value,
    /// What is there before.
    pub beginning: String,
    /// What is there afterwards.
    pub end: String,
    /// Catalogue names that are there before and after, and how many images may bear one for an instant: one more than do
    /// before or afterwards.
    names: BTreeMap<String, usize>,
    /// The digests of the bytes, by version.
    digests: BTreeMap<String, String>,
}

/// Bytes of a version: some kilobytes, so that a body has a middle.
pub fn bytes(version: &str) -> Vec<u8> {
    (0_u32..100)
        .flat_map(|count| Sha512::digest(format!("{version} {count}")))
        .collect()
}

/// What a tenant's default list shows: names, and how many images bear them.
fn catalogue(images: &[Value]) -> BTreeMap<&str, usize> {
    let mut names = BTreeMap::new();
    for image in images {
        let is_listed = image["status"] == "active"
            && image["visibility"] == "public"
            && image["os_hidden"] == false;
        if is_listed {
            *names.entry(image["name"].as_str().unwrap()).or_default() += 1;
        }
    }
    names
}

/// The names that stay, and how many images may bear them.
fn staying(before: &[Value], after: &[Value]) -> BTreeMap<String, usize> {
    let (before, after) = (catalogue(before), catalogue(after));
    let both = before.into_iter().filter_map(|(name, count)| {
        let afterwards = *after.get(name)?;
        Some((name.to_owned(), count.max(afterwards) + 1))
    });
    both.collect()
}

impl Told {
    /// Tells a story, and runs `apply` undisturbed.
    pub fn tell(stage: &mut Stage, story: &'static Story) -> Self {
        let admin = Account::of("admin");
        let tag = format!("kill-{}-{}", story.name, std::process::id());
        stage.retag(&tag);
        (story.before)(stage);
        let images = wait(admin.tagged(&tag));
        let origins = images.iter().enumerate();
        let origins = origins.map(|(index, image)| {
            let id = image["id"].as_str().unwrap().to_owned();
            (id, label(index))
        });
        let origins = origins.collect();
        let beginning = look(&tag, &origins, story.has_services).text;
        let users = users(story, &images);
        (story.define)(stage);
        let plan = stage.reglaze(&["plan"]).expect(2);
        stage.glance.take();
        let outcome = stage.reglaze(&["apply"]).expect(0);
        let requests = stage.glance.take();
        // Nothing is left to do: what comes is an end.
        stage.reglaze(&["plan"]).expect(0);
        let after = wait(admin.tagged(&tag));
        let names = staying(&images, &after);
        let end = look(&tag, &origins, story.has_services).text;
        for server in &users {
            place::end(server);
        }
        remove(&tag);
        let digest = |version: String| {
            let digest = hex(&Sha512::digest(bytes(&version)));
            (version, digest)
        };
        Self {
            story,
            plan,
            requests,
            outcome,
            beginning,
            end,
            names,
            digests: versions().map(digest).collect(),
            images,
            tag,
        }
    }

    /// Makes the catalogue before the run once more, under another tag.
    pub fn copy(&self, stage: &mut Stage, tag: &str) -> Copy {
        let admin = Account::of("admin");
        stage.retag(tag);
        (self.story.define)(stage);
        let mut images = Vec::new();
        for image in &self.images {
            let mut image = self.beginning(image, tag);
            image["id"] = wait(copied(&admin, image.clone())).into();
            images.push(image);
        }
        let origins = images.iter().enumerate().map(|(index, image)| {
            let id = image["id"].as_str().unwrap().to_owned();
            (id, label(index))
        });
        Copy {
            origins: origins.collect(),
            users: users(self.story, &images),
        }
    }

    /// Brings a copy back to the beginning from what was found of it: far fewer requests than another copy.
    pub fn restore(&self, tag: &str, found: &[Value], origins: &mut BTreeMap<String, String>) {
        let admin = Account::of("admin");
        if self.story.has_services {
            place::end_trials(tag);
        }
        for image in found {
            let id = image["id"].as_str().unwrap();
            if !origins.contains_key(id) {
                wait(admin.delete(id));
            }
        }
        for (index, image) in self.images.iter().enumerate() {
            let beginning = self.beginning(image, tag);
            let origin = label(index);
            let known = found
                .iter()
                .find(|one| origins.get(one["id"].as_str().unwrap()) == Some(&origin));
            if let Some(now) = known {
                wait(restored(&admin, now, &beginning));
            } else {
                origins.retain(|_, known| *known != origin);
                origins.insert(wait(copied(&admin, beginning)), origin);
            }
        }
    }

    /// An image of the beginning, under another tag.
    fn beginning(&self, image: &Value, tag: &str) -> Value {
        serde_json::from_str(&image.to_string().replace(&self.tag, tag)).unwrap()
    }

    /// The catalogue names, under another tag.
    pub fn names(&self, tag: &str) -> BTreeMap<String, usize> {
        self.names
            .iter()
            .map(|(name, most)| (name.replace(&self.tag, tag), *most))
            .collect()
    }

    /// The digests of the bytes, by version.
    pub fn digests(&self) -> &BTreeMap<String, String> {
        &self.digests
    }
}

/// A catalogue like that before the run.
pub struct Copy {
    /// Its images by ID, and which of the story's they are.
    pub origins: BTreeMap<String, String>,
    /// The servers of the tenant who uses some of them.
    pub users: Vec<String>,
}

/// Starts the servers of a tenant who uses these images.
fn users(story: &Story, images: &[Value]) -> Vec<String> {
    let is_used = |image: &&Value| {
        let version = image["internal_version"].as_str().unwrap();
        story.used.contains(&version)
    };
    let used = images.iter().filter(is_used);
    used.map(|image| place::start(image["id"].as_str().unwrap()))
        .collect()
}

fn label(index: usize) -> String {
    format!("image {index} of the beginning")
}

/// What Glance decides.
const DECIDED: [&str; 16] = [
    "id",
    "created_at",
    "updated_at",
    "self",
    "file",
    "schema",
    "stores",
    "checksum",
    "size",
    "status",
    "os_hash_algo",
    "os_hash_value",
    "virtual_size",
    "owner",
    "direct_url",
    "locations",
];

/// What may be written of an image.
fn writable(image: &Value) -> Map<String, Value> {
    let all = image.as_object().unwrap().iter();
    all.filter(|(key, _)| !DECIDED.contains(&key.as_str()) && !key.starts_with("os_glance"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Makes an image that is like another one.
async fn copied(admin: &Account, image: Value) -> String {
    let version = image["internal_version"].as_str().unwrap();
    let data = (image["status"] != "queued").then(|| bytes(version));
    let document = Value::Object(writable(&image));
    let id = admin.create(document, data.as_deref()).await;
    if image["status"] == "deactivated" {
        act(admin, &id, "deactivate").await;
    }
    id
}

/// Makes an image what it was.
async fn restored(admin: &Account, now: &Value, before: &Value) {
    let id = now["id"].as_str().unwrap();
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
