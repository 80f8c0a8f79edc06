//! A group of images → the text of its definition, with all that the images tell of themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Context;
use super::evidence::{is_packed_url, stored};
use super::group::{Group, Member};
use super::shape::Shape;
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::definition::{self, Definition};
use crate::domain::edit;
use crate::domain::snapshot::{CloudImage, Status};

/// A definition for images that had none.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its catalogue name.
    pub name: String,
    /// Its versions, the newest last.
    pub versions: Vec<String>,
    /// Its lines as an entry of a list `images`, indented by two.
    pub entry: String,
    /// The same, read back.
    pub definition: Definition,
}

/// The first lines of a file that holds nothing but drafts.
pub const HEADER: &str = "# Images that were in the cloud before reglaze, as `reglaze adopt` found them.\n\
    # A version without `url` is there, by its `id`, and can never be uploaded; add `upstream` for newer builds.\n---\nimages:\n";

/// Properties that a definition says by keys of its own, or that tools write for themselves.
const NO_META: [&str; 8] = [
    "image_build_date",
    "image_description",
    "image_name",
    "image_original_user",
    "image_source",
    "internal_version",
    "source_signed_by",
    "upstream_checksum",
];

/// Beginnings of properties that belong to one image's bytes, to services, or to whoever uploaded it.
const NO_META_PREFIXES: [&str; 10] = [
    "base_",
    "block_device_mapping",
    "cinder_",
    "image_",
    "img_signature",
    "instance_",
    "os_glance_",
    "owner_",
    "reglaze_",
    "source_sha",
];

/// Writes the definition; nothing if it could not be read back, or if no digest of an image is known.
pub(super) fn draft(group: &Group<'_>, shape: &Shape, context: &Context<'_>) -> Option<Draft> {
    let newest = group.members.first()?.image;
    let mut versions = Vec::new();
    for member in group.members.iter().rev() {
        versions.push(Origin::of(member.image, context)?);
    }
    let common = common_properties(group);
    let mut lines = Lines(String::new());
    lines.pair(2, "- name", &group.name);
    lines.pair(4, "format", newest.disk_format.as_deref()?);
    let login = shared(group, "image_original_user");
    if let Some(login) = &login {
        lines.pair(4, "login", login);
    }
    let number = |value: u64| (value > 0).then_some(value);
    for (key, value) in [("min_disk", newest.min_disk), ("min_ram", newest.min_ram)] {
        if let Some(value) = number(value) {
            lines.raw(4, &format!("{key}: {value}"));
        }
    }
    let active = newest.status == Status::Active;
    lines.raw(
        4,
        if active {
            "status: active"
        } else {
            "status: deactivated"
        },
    );
    lines.raw(4, &format!("visibility: {}", newest.visibility));
    lines.raw(4, &format!("multi: {}", shape.multi));
    if let Some(separator) = &shape.separator {
        // Blanks around a dash are lost without quotes.
        lines.raw(
            4,
            &format!("separator: '{}'", separator.replace('\'', "''")),
        );
    }
    if versions.iter().any(|origin| origin.url.is_none()) {
        // What nobody could bring back is never deleted.
        lines.raw(4, "keep: true");
    }
    lines.map(4, "meta", &of_definition(&common, shape));
    let tags = tags(group, context.plan.tag);
    if !tags.is_empty() {
        lines.raw(4, "tags:");
        for tag in &tags {
            lines.raw(6, &format!("- {}", edit::written(tag)));
        }
    }
    if !shape.policy.is_empty() {
        lines.raw(4, "policy:");
        lines.0.push_str(&shape.policy);
    }
    lines.raw(4, "versions:");
    for (member, origin) in group.members.iter().rev().zip(&versions) {
        version(&mut lines, group, member, origin, newest, &common, shape);
    }
    let entry = lines.0;
    let mut read = definition::parse(context.file, &format!("images:\n{entry}")).ok()?;
    let definition = read.pop().filter(|_| read.is_empty())?;
    Some(Draft {
        name: group.name.clone(),
        versions: definition
            .versions
            .iter()
            .map(|one| one.version.clone())
            .collect(),
        entry,
        definition,
    })
}

/// Where an image's bytes came from, as far as anything tells.
struct Origin {
    url: Option<String>,
    /// What `image_source` says, where it is no URL of these bytes.
    source: Option<String>,
    checksum: Checksum,
}

impl Origin {
    fn of(image: &CloudImage, context: &Context<'_>) -> Option<Self> {
        let source = image.properties.get("image_source").cloned();
        let url = source.clone().filter(|url| is_web(url));
        let stored = stored(image).or_else(|| {
            let read = context.read.get(&image.id)?;
            read.iter().max_by_key(|one| one.algorithm()).cloned()
        });
        let recorded = [
            ("source_sha512sum", Algorithm::Sha512),
            ("source_sha256sum", Algorithm::Sha256),
        ]
        .into_iter()
        .find_map(|(key, algorithm)| Checksum::new(algorithm, image.properties.get(key)?).ok());
        let recorded = recorded.filter(|recorded| {
            // A record that Glance's own digest contradicts is none, unless the file was packed.
            let is_same = |stored: &Checksum| {
                stored.algorithm() != recorded.algorithm() || stored == recorded
            };
            url.as_deref().is_some_and(is_packed_url) || stored.as_ref().is_none_or(is_same)
        });
        match (url, recorded) {
            (Some(url), Some(checksum)) => Some(Self {
                url: Some(url),
                source: None,
                checksum,
            }),
            (Some(url), None) if !is_packed_url(&url) => Some(Self {
                url: Some(url),
                source: None,
                checksum: stored?,
            }),
            // The digest of what Glance holds is not that of a packed file.
            (_, recorded) => Some(Self {
                url: None,
                source,
                checksum: stored.or(recorded)?,
            }),
        }
    }
}

fn is_web(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
}

fn version(
    lines: &mut Lines,
    group: &Group<'_>,
    member: &Member<'_>,
    origin: &Origin,
    newest: &CloudImage,
    common: &BTreeMap<String, String>,
    shape: &Shape,
) {
    let image = member.image;
    // Always in quotes: a date without them is no text for other readers.
    lines.raw(
        6,
        &format!("- version: '{}'", member.version.replace('\'', "''")),
    );
    if let Some(url) = &origin.url {
        lines.pair(8, "url", url);
    }
    if let Some(source) = &origin.source {
        lines.pair(8, "source", source);
    }
    lines.raw(8, &format!("checksum: {}", origin.checksum));
    if let Some(date) = build_date(image) {
        lines.raw(8, &format!("build_date: {date}"));
    }
    if image.visibility != newest.visibility {
        lines.raw(8, &format!("visibility: {}", image.visibility));
    }
    if image.hidden {
        lines.raw(8, "hidden: true");
    }
    if origin.url.is_none() {
        lines.raw(8, &format!("id: {}", image.id));
    }
    let description = image.properties.get("image_description");
    if let Some(description) = description.filter(|text| **text != group.name) {
        lines.pair(8, "image_description", description);
    }
    let mut own: BTreeMap<String, String> = described(image)
        .filter(|(key, value)| common.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !shape.multi
        && let Some(release) = image.properties.get("os_version")
    {
        // Without rotation the version itself would be written there.
        own.insert("os_version".to_owned(), release.clone());
    }
    lines.map(8, "meta", &own);
}

fn build_date(image: &CloudImage) -> Option<chrono::NaiveDate> {
    image
        .properties
        .get("image_build_date")?
        .get(..10)?
        .parse()
        .ok()
}

fn of_definition(common: &BTreeMap<String, String>, shape: &Shape) -> BTreeMap<String, String> {
    let mut meta = common.clone();
    if !shape.multi {
        meta.remove("os_version");
    }
    meta
}

/// The properties that describe an image, and not where its bytes came from or who handled them.
fn described(image: &CloudImage) -> impl Iterator<Item = (&String, &String)> {
    image.properties.iter().filter(|(key, value)| {
        let key = key.as_str();
        !NO_META.contains(&key)
            && !NO_META_PREFIXES
                .iter()
                .any(|prefix| key.starts_with(prefix))
            && !value.is_empty()
    })
}

/// Those that all images of a group have with one value.
fn common_properties(group: &Group<'_>) -> BTreeMap<String, String> {
    let Some((first, others)) = group.members.split_first() else {
        return BTreeMap::new();
    };
    described(first.image)
        .filter(|(key, value)| {
            others
                .iter()
                .all(|member| member.image.properties.get(*key) == Some(*value))
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn shared(group: &Group<'_>, key: &str) -> Option<String> {
    let mut values = group
        .members
        .iter()
        .map(|member| member.image.properties.get(key));
    let first = values.next().flatten()?;
    values
        .all(|value| value == Some(first))
        .then(|| first.clone())
}

/// Tags that all images have, without marks of tools.
fn tags(group: &Group<'_>, mark: &str) -> BTreeSet<String> {
    let mut members = group.members.iter().map(|member| &member.image.tags);
    let mut tags = members.next().cloned().unwrap_or_default();
    for other in members {
        tags.retain(|tag| other.contains(tag));
    }
    tags.retain(|tag| tag != mark && !tag.starts_with("managed_by_") && !tag.contains(','));
    tags
}

struct Lines(String);

impl Lines {
    fn raw(&mut self, indent: usize, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{:indent$}{line}", "");
    }

    fn pair(&mut self, indent: usize, key: &str, value: &str) {
        self.raw(indent, &format!("{key}: {}", edit::written(value)));
    }

    fn map(&mut self, indent: usize, key: &str, pairs: &BTreeMap<String, String>) {
        if pairs.is_empty() {
            return;
        }
        self.raw(indent, &format!("{key}:"));
        for (key, value) in pairs {
            self.pair(indent + 2, &edit::written(key), value);
        }
    }
}
