//! A story: a catalogue as it is before a run, and the definitions of that run. Told once, by runs of `apply` and by hand;
//! then copied as often as there are points at which to cut.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha512};

use super::bytes::Form;
use super::copy::{copied, remove, restored};
use super::look::look;
use super::place::{self, versions};
use crate::account::{Account, wait};
use crate::proxy::Seen;
use crate::services;
use crate::stage::{Stage, hex};

/// What happens before the run, and what the run is to do.
pub struct Story {
    /// Unique among stories.
    pub name: &'static str,
    /// Whether Nova and Cinder are in the catalogue, behind the proxy too.
    pub has_services: bool,
    /// What its versions' bytes are.
    pub form: Form,
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
    /// The digests of what is stored, by version.
    digests: BTreeMap<String, String>,
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
        let tag = services::unique(&format!("kill-{}", story.name));
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
            let digest = hex(&Sha512::digest(story.form.stored(&version)));
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
            image["id"] = wait(copied(&admin, self.story.form, image.clone())).into();
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
                let copy = wait(copied(&admin, self.story.form, beginning));
                origins.insert(copy, origin);
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

    /// The digests of what is stored, by version.
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
