//! What tenants see of a cloud before and after a plan: its steps, done to values.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::domain::plan::{belongs_to, is_unpublished, version_of};
use crate::domain::promise::{self, PROVIDED_UNTIL, UUID_VALIDITY};
use crate::domain::snapshot::{CloudImage, Snapshot, Status, Visibility};
use crate::domain::step::{Action, Step};
use crate::domain::wanted::{IMAGE_NAME, INTERNAL_VERSION, STATE, UNPROVEN};

/// A cloud's images before and after a plan.
#[derive(Debug, Clone)]
pub struct View<'a> {
    before: &'a Snapshot,
    after: Vec<After>,
}

/// An image as it is when all steps are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// The image; without an ID if Glance has yet to give it one.
    pub image: CloudImage,
    /// Whether this plan uploads it.
    pub is_new: bool,
}

/// What stands under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name.
    pub name: String,
    /// Before.
    pub before: Vec<Shown>,
    /// After.
    pub after: Vec<Shown>,
}

/// An image under a name, as far as tenants see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// Its UUID; absent: this plan uploads it.
    pub id: Option<String>,
    /// The version that it holds.
    pub version: Option<String>,
    /// Who may boot it.
    pub visibility: Visibility,
    /// Whether default lists leave it out.
    pub hidden: bool,
    /// Whether it can be booted.
    pub active: bool,
}

/// An image that was there already, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Before.
    pub before: CloudImage,
    /// After; absent: deleted.
    pub after: Option<CloudImage>,
    /// Who can boot it afterwards, of those who could.
    pub boots: Boots,
    /// What it promises, and what becomes of that.
    pub promises: Vec<Promise>,
}

/// Who can boot an image after a plan, of those who could before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boots {
    /// All of them.
    All,
    /// Only those with whom it is shared.
    Members,
    /// None.
    Nobody,
}

/// A promise in an image's properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// As it is written: `uuid_validity: last-3`.
    pub text: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// What a plan does to a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It holds.
    Kept,
    /// It has ended already.
    Over,
    /// It stands, and would be broken.
    Broken,
}

impl Shown {
    fn of(image: &CloudImage) -> Self {
        Self {
            id: Some(image.id.clone()).filter(|id| !id.is_empty()),
            version: version_of(image).map(str::to_owned),
            visibility: image.visibility,
            hidden: image.hidden,
            active: image.status == Status::Active,
        }
    }

    /// Whether everybody's default list has it.
    pub fn is_in_the_catalogue(&self) -> bool {
        self.active && !self.hidden && self.visibility == Visibility::Public
    }
}

impl<'a> View<'a> {
    /// Does all steps to the images of a snapshot.
    pub fn new(before: &'a Snapshot, steps: &[Step]) -> Self {
        let images = before.ours().iter().cloned();
        let mut after = images
            .map(|image| After {
                image,
                is_new: false,
            })
            .collect();
        for step in steps {
            perform(step, &mut after);
        }
        Self { before, after }
    }

    /// All our images afterwards.
    pub fn after(&self) -> &[After] {
        &self.after
    }

    /// The names under which anything changes. What only its owner sees is left out.
    pub fn rows(&self) -> Vec<Row> {
        let foreign = || self.before.foreign().iter();
        let before = by_name(self.before.ours().iter().chain(foreign()));
        let after = by_name(self.after.iter().map(|one| &one.image).chain(foreign()));
        let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        let of = |rows: &BTreeMap<&str, Vec<Shown>>, name| -> Vec<Shown> {
            rows.get(name).cloned().unwrap_or_default()
        };
        let rows = names.into_iter().map(|name| Row {
            name: name.to_owned(),
            before: of(&before, name),
            after: of(&after, name),
        });
        rows.filter(|row| row.before != row.after).collect()
    }

    /// What becomes of the images whose name or reach changes, and of what they promise. `today` is the plan's date.
    pub fn moved(&self, today: NaiveDate) -> Vec<Moved> {
        let moved = self.before.ours().iter().filter_map(|before| {
            let after = self.after.iter().find(|one| one.image.id == before.id);
            let after = after.map(|one| &one.image);
            let was_seen = before.visibility > Visibility::Private && !is_unpublished(before);
            let changes = after.is_none_or(|after| reach(before) != reach(after));
            (was_seen && changes).then(|| Moved {
                boots: boots(before, after),
                promises: self.promises(before, after, today),
                before: before.clone(),
                after: after.cloned(),
            })
        });
        moved.collect()
    }

    fn promises(
        &self,
        before: &CloudImage,
        after: Option<&CloudImage>,
        today: NaiveDate,
    ) -> Vec<Promise> {
        let written = |key: &str| {
            let value = before.properties.get(key)?;
            Some(format!("{key}: {value}"))
        };
        let fate = |is_kept: bool, stands: bool| match (is_kept, stands) {
            (true, _) => Fate::Kept,
            (false, false) => Fate::Over,
            (false, true) => Fate::Broken,
        };
        let validity = before.properties.get(UUID_VALIDITY);
        let uuid = validity
            .filter(|word| word.trim() != "none")
            .and_then(|_| written(UUID_VALIDITY))
            .map(|text| {
                let stands = promise::of_uuid(before, self.position(before), today).is_some();
                Promise {
                    text,
                    fate: fate(boots(before, after) == Boots::All, stands),
                }
            });
        let name = written(PROVIDED_UNTIL)
            .filter(|_| before.is_in_the_catalogue())
            .map(|text| {
                let is_shown =
                    |image: &CloudImage| image.name == before.name && image.is_in_the_catalogue();
                let resolves = self.after.iter().any(|one| is_shown(&one.image));
                let stands = promise::of_name(before, today).is_some();
                Promise {
                    text,
                    fate: fate(resolves, stands),
                }
            });
        uuid.into_iter().chain(name).collect()
    }

    /// How many newer images of its definition there are afterwards.
    fn position(&self, image: &CloudImage) -> usize {
        let is_newer = |other: &&After| {
            belongs_to(&other.image) == belongs_to(image)
                && other.image.id != image.id
                && !is_unpublished(&other.image)
                && (other.is_new || other.image.created_at > image.created_at)
        };
        self.after.iter().filter(is_newer).count()
    }
}

fn by_name<'a>(images: impl Iterator<Item = &'a CloudImage>) -> BTreeMap<&'a str, Vec<Shown>> {
    let mut names = BTreeMap::<&str, Vec<Shown>>::new();
    for image in images {
        let Some(name) = image.name.as_deref() else {
            continue;
        };
        if image.visibility == Visibility::Private || is_unpublished(image) {
            continue;
        }
        names.entry(name).or_default().push(Shown::of(image));
    }
    for shown in names.values_mut() {
        shown.sort();
    }
    names
}

/// What others notice of an image.
fn reach(image: &CloudImage) -> (Option<&str>, Visibility, bool, Status, BTreeSet<&str>) {
    (
        image.name.as_deref(),
        image.visibility,
        image.hidden,
        image.status,
        members(image),
    )
}

fn members(image: &CloudImage) -> BTreeSet<&str> {
    let members = image.members.iter().flat_map(BTreeMap::keys);
    members.map(String::as_str).collect()
}

fn boots(before: &CloudImage, after: Option<&CloudImage>) -> Boots {
    let Some(after) = after else {
        return Boots::Nobody;
    };
    let everybody = |image: &CloudImage| image.visibility >= Visibility::Community;
    match (before.status, after.status) {
        (Status::Active, Status::Active) => {}
        // Nobody could before.
        (now, _) if now != Status::Active => return Boots::All,
        _ => return Boots::Nobody,
    }
    match after.visibility {
        Visibility::Public | Visibility::Community => Boots::All,
        Visibility::Private => Boots::Nobody,
        Visibility::Shared if everybody(before) => Boots::Members,
        Visibility::Shared if members(before).is_subset(&members(after)) => Boots::All,
        Visibility::Shared => Boots::Members,
    }
}

/// Does one step.
fn perform(step: &Step, images: &mut Vec<After>) {
    let at = place(step, images);
    match (step.action, at) {
        (Action::Upload, Some(at)) => images[at].image.status = Status::Active,
        (Action::Upload, None) => images.push(After {
            image: uploaded(step),
            is_new: true,
        }),
        (Action::Delete, Some(at)) => {
            images.remove(at);
        }
        (Action::Status, Some(at)) => {
            if let Some(status) = step.to.as_str() {
                images[at].image.status = Status::parse(status);
            }
        }
        (Action::Share, Some(at)) => {
            write(&mut images[at].image, &step.changes);
            share(&mut images[at].image, &step.changes);
        }
        (Action::Boot | Action::Copy, _) | (_, None) => {}
        (_, Some(at)) => write(&mut images[at].image, &step.changes),
    }
}

/// Which image a step is about: by its ID, else the one that the plan uploads for this version.
fn place(step: &Step, images: &[After]) -> Option<usize> {
    let of_id = |id: &String| images.iter().position(|one| one.image.id == *id);
    step.id.as_ref().and_then(of_id).or_else(|| {
        images.iter().position(|one| {
            one.is_new
                && belongs_to(&one.image) == Some(&step.image)
                && version_of(&one.image) == step.version.as_deref()
        })
    })
}

fn uploaded(step: &Step) -> CloudImage {
    let properties = [
        (IMAGE_NAME, Some(step.image.as_str())),
        (INTERNAL_VERSION, step.version.as_deref()),
        (STATE, Some(UNPROVEN)),
    ];
    let properties = properties
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
    CloudImage {
        id: step.id.clone().unwrap_or_default(),
        status: Status::Active,
        properties: properties.collect(),
        ..CloudImage::default()
    }
}

/// What one PATCH writes.
fn write(image: &mut CloudImage, changes: &Map<String, Value>) {
    for (key, value) in changes {
        match (key.as_str(), value) {
            ("name", Value::String(name)) => image.name = Some(name.clone()),
            ("visibility", Value::String(word)) => {
                image.visibility = Visibility::parse(word).unwrap_or(image.visibility);
            }
            ("os_hidden", Value::Bool(hidden)) => image.hidden = *hidden,
            ("protected", Value::Bool(protected)) => image.protected = *protected,
            ("min_disk", value) => image.min_disk = value.as_u64().unwrap_or(image.min_disk),
            ("min_ram", value) => image.min_ram = value.as_u64().unwrap_or(image.min_ram),
            ("tags", Value::Array(tags)) => {
                let tags = tags.iter().filter_map(Value::as_str);
                image.tags = tags.map(str::to_owned).collect();
            }
            (key, Value::Null) => {
                image.properties.remove(key);
            }
            (key, Value::String(value)) => {
                image.properties.insert(key.to_owned(), value.clone());
            }
            _ => {}
        }
    }
}

fn share(image: &mut CloudImage, changes: &Map<String, Value>) {
    let projects = |key: &str| {
        let list = changes.get(key).and_then(Value::as_array);
        let list = list.into_iter().flatten().filter_map(Value::as_str);
        list.map(str::to_owned).collect::<Vec<_>>()
    };
    let members = image.members.get_or_insert_default();
    for project in projects("members_removed") {
        members.remove(&project);
    }
    let added = projects("members_added").into_iter();
    members.extend(added.map(|project| (project, true)));
}

#[cfg(test)]
mod tests;
