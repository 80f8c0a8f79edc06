//! What becomes of an image that is there: one PATCH to what its stage wants, and what no PATCH can do beside it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Planner;
use crate::domain::applied::APPLIED;
use crate::domain::definition::{Version, WantedStatus};
use crate::domain::patch::Patch;
use crate::domain::policy::Stage;
use crate::domain::record::STAGE;
use crate::domain::snapshot::{CloudImage, Status, Visibility};
use crate::domain::step::Action;
use crate::domain::wanted::{TAGS, Wanted};

/// Where an image stands in its definition's line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Its stage.
    pub stage: &'a Stage,
    /// Its place in the line, 0 the newest.
    pub position: usize,
    /// How it came there.
    pub role: Role,
}

/// How an image came to its stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It bears the catalogue name, or shall.
    Newest {
        /// Since every newer one was withdrawn.
        is_rollback: bool,
    },
    /// A newer one has come.
    Replaced,
    /// It was the newest, and somebody took it out of the file.
    Withdrawn,
    /// Its definition is gone.
    Forgotten,
}

impl Role {
    pub(super) fn is_newest(self) -> bool {
        matches!(self, Self::Newest { .. })
    }
}

impl<'a> Planner<'a> {
    /// Brings an image to what it shall look like, as far as promises, limits and the policy's word on drift allow.
    pub(super) fn change(
        &mut self,
        image: &CloudImage,
        version: &Version,
        mut wanted: Wanted,
        place: Place<'a>,
    ) {
        self.keep_promises(image, version, &mut wanted, place);
        if self.withheld && is_withdrawal(image, &wanted, place) {
            wanted.visibility = image.visibility.max(wanted.visibility);
            wanted.hidden = image.hidden;
        }
        if self.withheld && image.status == Status::Active {
            wanted.status = WantedStatus::Active;
        }
        let sharing = self.sharing(Some(image), &mut wanted, place);
        let visibility = sharing
            .as_ref()
            .map_or(wanted.visibility, |_| Visibility::Shared);
        let mut patch = wanted.drift(image);
        self.report_drift(image, version, &mut wanted, &mut patch, place, visibility);
        let (active, wants_active) = (
            image.status == Status::Active,
            wanted.status == WantedStatus::Active,
        );
        // Nobody leaves a name for an image that cannot be booted.
        if wants_active && !active {
            self.activate(Some(image), version, true);
        }
        if !patch.is_empty() {
            self.one_patch(image, version, &wanted, patch, place);
        }
        if active && !wants_active {
            self.activate(Some(image), version, false);
        }
        if let Some(sharing) = sharing {
            self.share(Some(image), version, sharing);
        }
    }

    fn one_patch(
        &mut self,
        image: &CloudImage,
        version: &Version,
        wanted: &Wanted,
        patch: Patch,
        place: Place<'_>,
    ) {
        let (action, from, to) = telling(image, &patch, place.role);
        let reason = reason(&patch, place);
        let also = also(image, &patch, action);
        let withdrawal = (patch.visibility.is_some() || patch.hidden.is_some())
            && is_withdrawal(image, wanted, place);
        let mut step = self.patch(action, Some(image), version, from, to, patch);
        step.reason = [reason, also]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; ");
        step.withdrawal = withdrawal;
        self.push(step);
    }
}

/// Whether somebody who could boot or find the image cannot any more, other than by ordinary rotation.
pub(super) fn is_withdrawal(image: &CloudImage, wanted: &Wanted, place: Place<'_>) -> bool {
    use crate::domain::snapshot::Visibility::Community;
    let ordinary = place.role == Role::Replaced && place.position > 0;
    let narrower = wanted.visibility < image.visibility;
    let by_rotation =
        wanted.visibility == Community && ordinary && place.stage.visibility == Some(Community);
    let hides = wanted.hidden && !image.hidden;
    let hidden_by_rotation = ordinary && place.stage.hidden == Some(true);
    (narrower && !by_rotation) || (hides && !hidden_by_rotation)
}

/// The change by which a person knows the step, and its value before and after.
fn telling(image: &CloudImage, patch: &Patch, role: Role) -> (Action, Value, Value) {
    let names = || {
        let name = patch.name.as_ref().or(image.name.as_ref());
        (json!(image.name), json!(name))
    };
    let places = [
        patch.name.is_some(),
        patch.visibility.is_some(),
        patch.hidden.is_some(),
    ];
    let count = places.into_iter().filter(|changes| *changes).count();
    let (action, (from, to)) = match (role, patch) {
        (Role::Newest { is_rollback: true }, _) if count > 0 => (Action::Rollback, names()),
        (Role::Newest { .. }, _) if count > 1 => (Action::Publish, names()),
        (_, Patch { name: Some(_), .. }) => (Action::Rename, names()),
        (
            _,
            Patch {
                visibility: Some(to),
                ..
            },
        ) => (
            Action::Visibility,
            (json!(image.visibility.as_str()), json!(to.as_str())),
        ),
        (
            _,
            Patch {
                hidden: Some(to), ..
            },
        ) => (Action::Hide, (shown(image.hidden), shown(*to))),
        (
            _,
            Patch {
                protected: Some(to),
                ..
            },
        ) => (Action::Protect, (json!(image.protected), json!(to))),
        (
            _,
            Patch {
                min_disk: None,
                min_ram: None,
                tags: Some(tags),
                set,
                remove,
                ..
            },
        ) if remove.is_empty()
            && set
                .keys()
                .all(|key| [TAGS, APPLIED].contains(&key.as_str())) =>
        {
            (Action::Tags, (listed(&image.tags), listed(tags)))
        }
        _ => {
            let mut properties = Patch {
                tags: None,
                ..patch.clone()
            };
            // Digests tell people nothing, if there is anything else to tell.
            if properties.changes().len() > 1 {
                properties.set.remove(APPLIED);
            }
            (
                Action::Properties,
                (
                    Value::Object(properties.before(image)),
                    Value::Object(properties.changes()),
                ),
            )
        }
    };
    (action, from, to)
}

/// Why, for people.
fn reason(patch: &Patch, place: Place<'_>) -> String {
    let moves = patch.name.is_some() || patch.visibility.is_some() || patch.hidden.is_some();
    match place.role {
        Role::Newest { is_rollback: true } if moves => {
            "every newer version was taken out of the file".to_owned()
        }
        Role::Newest { .. } if moves => "the newest listed version".to_owned(),
        Role::Withdrawn => "taken out of the file".to_owned(),
        Role::Forgotten => "no enabled definition names it".to_owned(),
        _ if patch.changes().keys().all(|key| key == APPLIED) => {
            "so that changes by hand can be told from edits".to_owned()
        }
        Role::Replaced if patch.set.contains_key(STAGE) => format!("now {}", place.stage.stage),
        _ => "the definition or its policy says so".to_owned(),
    }
}

/// What else changes in the same PATCH, as far as others notice.
fn also(image: &CloudImage, patch: &Patch, action: Action) -> String {
    let mut also = Vec::new();
    if let (Some(to), true) = (patch.visibility, action != Action::Visibility) {
        also.push(format!("{} → {to}", image.visibility));
    }
    if let (Some(to), true) = (patch.hidden, action != Action::Hide) {
        also.push(if to { "hidden" } else { "shown" }.to_owned());
    }
    if let (Some(to), true) = (patch.protected, action != Action::Protect) {
        also.push(if to { "protected" } else { "not protected" }.to_owned());
    }
    also.join("; ")
}

fn shown(hidden: bool) -> Value {
    json!(if hidden { "hidden" } else { "shown" })
}

fn listed(tags: &BTreeSet<String>) -> Value {
    json!(
        tags.iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    )
}

/// An object of JSON, for the changes of steps that are no PATCH.
pub(super) fn object<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
