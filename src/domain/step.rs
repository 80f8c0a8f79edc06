//! Steps: what `apply` would do, each with one write to one image, and the fingerprint that binds a plan.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::attested::Verify;
use super::patch::Patch;
use super::snapshot::Visibility;
use super::way::Way;

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Create a private image and fill it with proven bytes.
    Upload,
    /// Start a server from a private image, to see that it boots.
    Boot,
    /// Give a proven image its name, visibility, properties and tags in one PATCH.
    Publish,
    /// Give an older image the latest stage, since the newer was withdrawn.
    Rollback,
    /// Change the display name.
    Rename,
    /// Change who may see it.
    Visibility,
    /// Hide it from default lists, or show it.
    Hide,
    /// Set and remove properties, `min_disk`, `min_ram`.
    Properties,
    /// Change its tags.
    Tags,
    /// Deactivate or reactivate it.
    Status,
    /// Let Glance refuse to delete it, or not.
    Protect,
    /// Change which projects see it though it is not visible to all.
    Share,
    /// Copy its data into one more of the cloud's stores.
    Copy,
    /// Delete it.
    Delete,
    /// Give an image that was there before us our mark and identity; nothing else of it changes.
    Adopt,
}

impl Action {
    /// The word in plans and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Boot => "boot",
            Self::Publish => "publish",
            Self::Rollback => "rollback",
            Self::Rename => "rename",
            Self::Visibility => "visibility",
            Self::Hide => "hide",
            Self::Properties => "properties",
            Self::Tags => "tags",
            Self::Status => "status",
            Self::Protect => "protect",
            Self::Share => "share",
            Self::Copy => "copy",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
        }
    }

    /// `+` adds, `~` changes, `-` takes away.
    pub fn sign(self) -> char {
        match self {
            Self::Upload
            | Self::Boot
            | Self::Publish
            | Self::Rollback
            | Self::Copy
            | Self::Adopt => '+',
            Self::Delete => '-',
            _ => '~',
        }
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// The definition's name.
    pub image: String,
    /// The image's ID in Glance; null while it does not exist.
    pub id: Option<String>,
    /// The version that it holds.
    pub version: Option<String>,
    /// What is there before: for an upload where the bytes come from.
    pub from: Value,
    /// What is there after: for an upload the digest that proves them.
    pub to: Value,
    /// Every key that the request writes, with its value; null is removed.
    #[serde(default)]
    pub changes: Map<String, Value>,
    /// Why, for people.
    pub reason: String,
    /// What `apply` does.
    #[serde(skip)]
    pub work: Work,
    /// Whether it is a withdrawal: somebody who could boot or find the image cannot any more.
    #[serde(skip)]
    pub withdrawal: bool,
}

/// What `apply` does in a step.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Work {
    /// Nothing: a plan that was read back is for comparing only.
    #[default]
    None,
    /// Create (or reuse `id`), stream, prove.
    Upload(Upload),
    /// One PATCH.
    Patch(Patch),
    /// Deactivate (false) or reactivate (true).
    Activate(bool),
    /// Delete a leftover of ours that nobody else ever saw.
    DeleteLeftover,
    /// Start a server from it and judge what becomes of that.
    Boot,
    /// Change who sees it.
    Share(Sharing),
    /// Copy its data into this store too.
    Copy(String),
    /// Delete an image at the end of its life, if at that moment nobody uses it and nothing speaks against it.
    Delete(Ending),
}

/// What a deletion is decided by once more, in the moment before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// The image's place in the line when it is made, 0 the newest.
    pub position: usize,
}

/// How an image is shared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sharing {
    /// The visibility that it has before; it becomes `shared` by this step.
    pub from: Visibility,
    /// The projects that shall see it and do not yet.
    pub add: BTreeSet<String>,
    /// The projects that see it and shall not.
    pub remove: BTreeSet<String>,
}

/// What an upload creates.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// The name until it is published.
    pub name: String,
    /// Glance's `disk_format`.
    pub format: String,
    /// The ID that the definition asks for.
    pub id: Option<String>,
    /// Whether an image with this ID waits for its bytes already.
    pub exists: bool,
    /// How much proof the policy asks for; the setting may ask for more.
    pub verify: Option<Verify>,
    /// How its bytes come in.
    pub way: Way,
}

/// The part of a step that a reviewer binds: not the reason, which is wording.
#[derive(Serialize)]
struct Canonical<'a> {
    action: Action,
    image: &'a str,
    id: &'a Option<String>,
    version: &'a Option<String>,
    from: &'a Value,
    to: &'a Value,
    changes: Vec<(&'a String, &'a Value)>,
}

impl Step {
    /// The canonical form: two steps that do the same are equal in it.
    pub fn canonical(&self) -> String {
        let mut changes: Vec<_> = self.changes.iter().collect();
        changes.sort_by_key(|(key, _)| *key);
        let canonical = Canonical {
            action: self.action,
            image: &self.image,
            id: &self.id,
            version: &self.version,
            from: &self.from,
            to: &self.to,
            changes,
        };
        // Strings and maps with string keys always serialise.
        serde_json::to_string(&canonical).unwrap_or_default()
    }

    /// Whether it takes something away from somebody: what a reviewer should count first.
    pub fn is_destructive(&self) -> bool {
        self.withdrawal || self.action == Action::Delete
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let version = self
            .version
            .as_ref()
            .map_or(String::new(), |version| format!(" [{version}]"));
        let change = self.change();
        let change = if change.is_empty() {
            change
        } else {
            format!(": {change}")
        };
        let reason = if self.reason.is_empty() {
            String::new()
        } else {
            format!("  ({})", self.reason)
        };
        let (sign, action) = (self.sign(), self.action.as_str());
        format!(
            "{sign} {action:<10} {}{version}{change}{reason}",
            self.image
        )
    }

    /// `+` adds, `~` changes, `-` takes away.
    pub fn sign(&self) -> char {
        if self.is_destructive() {
            '-'
        } else {
            self.action.sign()
        }
    }

    /// What changes, for people: before → after.
    pub fn change(&self) -> String {
        match (short(&self.from), short(&self.to)) {
            (Some(from), Some(to)) => format!("{from} → {to}"),
            (None, Some(one)) | (Some(one), None) => one,
            (None, None) => String::new(),
        }
    }
}

/// A value in a line of a plan: `key=value` for properties, a digest by its beginning.
fn short(value: &Value) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    };
    match value {
        Value::Null => None,
        Value::Object(map) => {
            let pairs: Vec<_> = map
                .iter()
                .map(|(key, value)| format!("{key}={}", text(value)))
                .collect();
            Some(pairs.join(" "))
        }
        Value::String(digest) if is_digest(digest) => {
            digest.get(..24).map(|start| format!("{start}…"))
        }
        other => Some(text(other)),
    }
}

fn is_digest(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(_, hex)| hex.len() >= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The fingerprint of a cloud's plan: SHA-256 over its canonical steps, not over inputs, time or wording.
pub fn fingerprint(steps: &[Step]) -> String {
    let mut hasher = Sha256::new();
    for step in steps {
        hasher.update(step.canonical());
        hasher.update(b"\n");
    }
    let digest = hasher.finalize();
    super::checksum::hex(&digest)
}
