//! Where the policy wants changes by hand to be told only, or an image not to be changed any more: what then stays.

use std::collections::{BTreeMap, BTreeSet};

use super::Planner;
use super::change::Place;
use crate::domain::applied::{APPLIED, Applied, joined};
use crate::domain::definition::{Version, WantedStatus};
use crate::domain::finding::Finding;
use crate::domain::patch::Patch;
use crate::domain::policy::Drift;
use crate::domain::record::{MEMBERS, PROTECTED, Record, SINCE, STAGE};
use crate::domain::snapshot::{CloudImage, Status, Visibility};
use crate::domain::wanted::{self, KEYS, PROOFS, TAGS, Wanted};

/// What tells whether an image may be changed, and gathers where it may not.
struct Holding<'a> {
    image: &'a CloudImage,
    /// What was last wanted of it; absent: not known.
    recorded: Option<&'a Applied>,
    /// Nothing is changed but by stages.
    immutable: bool,
    held: BTreeSet<String>,
}

impl Holding<'_> {
    /// Whether an attribute stays as it is, though something else is wanted: somebody changed it by hand.
    fn holds(&mut self, key: &str, present: Option<&str>) -> bool {
        let by_hand = match self.recorded {
            _ if self.immutable => true,
            None => true,
            Some(recorded) => !recorded.is(key, present) && !self.is_newly_wanted(key, recorded),
        };
        if by_hand {
            self.held.insert(key.to_owned());
        }
        by_hand
    }

    /// What we wrote without a record, or did not care for, cannot have been changed by hand.
    fn is_newly_wanted(&self, key: &str, recorded: &Applied) -> bool {
        let is_ours = || wanted::listed(self.image, KEYS).is_some_and(|keys| keys.contains(key));
        !recorded.knows(key) && (["min_disk", "min_ram"].contains(&key) || is_ours())
    }

    /// Whether a property that is wanted no more stays. That it is not wanted is an edit, whoever changed it.
    fn holds_removal(&mut self, key: &str, present: Option<&str>) -> bool {
        let touched = |recorded: &Applied| recorded.knows(key) && !recorded.is(key, present);
        let stays = self.immutable || self.recorded.is_some_and(touched);
        if stays {
            self.held.insert(key.to_owned());
        }
        stays
    }
}

impl Planner<'_> {
    /// Where the policy wants drift to be told only, leaves of a PATCH what belongs to the stage, and what the definition
    /// wants differently than before. `visibility`: what it will be when all steps are done.
    pub(super) fn report_drift(
        &mut self,
        image: &CloudImage,
        version: &Version,
        wanted: &mut Wanted,
        patch: &mut Patch,
        place: Place<'_>,
        visibility: Visibility,
    ) {
        let immutable = self.policy.immutable;
        if !immutable && self.policy.drift == Drift::Repair {
            return;
        }
        // The record is no property that anybody wants.
        patch.remove.remove(APPLIED);
        let recorded = Applied::of(image);
        let mut holding = Holding {
            image,
            recorded: recorded.as_ref(),
            immutable,
            held: BTreeSet::new(),
        };
        let moves = self.policy.rotate
            && Record::of(image).map(|record| record.stage) != Some(place.stage.stage);
        let of_stages = self.stage_keys();
        hold_attributes(&mut holding, wanted, patch, moves, self.context.tag);
        patch.set.retain(|key, _| {
            if [KEYS, TAGS].contains(&key.as_str()) {
                return moves || !immutable;
            }
            let present = image.properties.get(key).map(String::as_str);
            of_stages.contains(key.as_str()) || !holding.holds(key, present)
        });
        let kept: Vec<String> = patch
            .remove
            .iter()
            .filter(|key| {
                let present = image.properties.get(*key).map(String::as_str);
                !of_stages.contains(key.as_str()) && holding.holds_removal(key, present)
            })
            .cloned()
            .collect();
        patch.remove.retain(|key| !kept.contains(key));
        let held = holding.held;
        let is_listed = |version: &Version| {
            let mut listed = self.definition.versions.iter();
            listed.any(|one| one.version == version.version)
        };
        if !immutable && is_listed(version) {
            keep_listed(image, wanted, patch, &kept);
            let mut applied = self.applied(wanted, Some(image), visibility);
            for key in &held {
                applied.keep(key, recorded.as_ref());
            }
            let text = applied.text();
            if image.properties.get(APPLIED) != Some(&text) {
                patch.set.insert(APPLIED.to_owned(), text);
            }
        }
        self.tell_drift(image, &held, !immutable && recorded.is_some());
    }

    /// The record of a new image, where the policy wants changes by hand to be told only.
    pub(super) fn applied_to_new(
        &self,
        wanted: &Wanted,
        visibility: Visibility,
    ) -> Option<(String, String)> {
        let tells = !self.policy.immutable && self.policy.drift == Drift::Report;
        tells.then(|| {
            let applied = self.applied(wanted, None, visibility);
            (APPLIED.to_owned(), applied.text())
        })
    }

    /// The record of everything that is wanted of an image and is not its stage's alone.
    fn applied(
        &self,
        wanted: &Wanted,
        image: Option<&CloudImage>,
        visibility: Visibility,
    ) -> Applied {
        let status = match wanted.status {
            WantedStatus::Active => Status::Active,
            WantedStatus::Deactivated => Status::Deactivated,
        };
        let mut values = BTreeMap::from([
            ("name", wanted.name.clone()),
            ("visibility", visibility.to_string()),
            ("os_hidden", wanted.hidden.to_string()),
            ("status", status.to_string()),
            ("tags", joined(&wanted.tags)),
        ]);
        if let Some(min_ram) = wanted.min_ram {
            values.insert("min_ram", min_ram.to_string());
        }
        let of_stages = self.stage_keys();
        values.extend(wanted.properties.iter().filter_map(|(key, value)| {
            let is_ours = [KEYS, TAGS, APPLIED].contains(&key.as_str())
                || PROOFS.contains(&key.as_str())
                || of_stages.contains(key.as_str());
            (!is_ours).then(|| (key.as_str(), value.clone()))
        }));
        let mut applied = Applied::default();
        for (key, value) in values {
            if value.contains("upload_date") && value.contains('{') {
                applied.note_later(key);
            } else {
                applied.note(key, &value);
            }
        }
        match (image, wanted.min_disk) {
            (_, None) => {}
            // It is raised to what the image turns out to need.
            (None, Some(_)) => applied.note_later("min_disk"),
            (Some(image), min_disk) => {
                let raised = wanted::raised(min_disk, image).unwrap_or_default();
                applied.note("min_disk", &raised.to_string());
            }
        }
        applied
    }

    fn tell_drift(&mut self, image: &CloudImage, held: &BTreeSet<String>, by_hand: bool) {
        if held.is_empty() {
            return;
        }
        let keys: Vec<_> = held.iter().map(|key| format!("`{key}`")).collect();
        let (name, keys) = (image.name.as_deref().unwrap_or_default(), keys.join(", "));
        let what = if by_hand {
            format!("image `{name}` was changed by hand in {keys}")
        } else {
            format!("image `{name}` differs from its definition in {keys}")
        };
        let finding = Finding::warning(
            "drift",
            format!(
                "{what}; the policy wants that to be told only; set it by hand, or change the definition"
            ),
        );
        self.find(finding.id(&image.id));
    }

    /// The properties that belong to stages: they change with the stage, and with what becomes of newer images.
    fn stage_keys(&self) -> BTreeSet<String> {
        let stages = self.policy.stages.iter();
        stages
            .flat_map(|stage| stage.properties.keys().chain(stage.replace.keys()))
            .map(String::as_str)
            .chain([STAGE, SINCE, MEMBERS, PROTECTED])
            .map(str::to_owned)
            .collect()
    }
}

/// Leaves of a PATCH the attributes that are no properties, where they are held. A change of stage is always made.
fn hold_attributes(
    holding: &mut Holding<'_>,
    wanted: &mut Wanted,
    patch: &mut Patch,
    moves: bool,
    mark: &str,
) {
    let image = holding.image;
    if patch.name.is_some() && !moves && holding.holds("name", image.name.as_deref()) {
        patch.name = None;
    }
    // What is shown more widely than its stage says is narrowed all the same.
    let widens = patch.visibility.is_some_and(|to| to > image.visibility);
    if widens && !moves && holding.holds("visibility", Some(image.visibility.as_str())) {
        patch.visibility = None;
    }
    let hidden = image.hidden.to_string();
    if patch.hidden == Some(false) && !moves && holding.holds("os_hidden", Some(&hidden)) {
        patch.hidden = None;
    }
    if patch.tags.is_some() && !moves {
        let listed = wanted::listed(image, TAGS).unwrap_or_default();
        let is_ours = |tag: &&String| listed.contains(tag.as_str()) || tag.as_str() == mark;
        let ours: BTreeSet<String> = image.tags.iter().filter(is_ours).cloned().collect();
        if holding.holds("tags", Some(&joined(&ours))) {
            patch.tags = None;
        }
    }
    for (key, value, present) in [
        ("min_disk", &mut patch.min_disk, image.min_disk),
        ("min_ram", &mut patch.min_ram, image.min_ram),
    ] {
        if value.is_some() && holding.holds(key, Some(&present.to_string())) {
            *value = None;
        }
    }
    let wakes = wanted.status == WantedStatus::Active && image.status != Status::Active;
    if wakes && !moves && holding.holds("status", Some(image.status.as_str())) {
        wanted.status = WantedStatus::Deactivated;
    }
}

/// Leaves properties that stay on the list of ours, so that they are told as long as they are there.
fn keep_listed(image: &CloudImage, wanted: &mut Wanted, patch: &mut Patch, kept: &[String]) {
    if kept.is_empty() {
        return;
    }
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    wanted.keep_listed(image, &kept);
    match wanted.properties.get(KEYS) {
        Some(keys) if image.properties.get(KEYS) != Some(keys) => {
            patch.set.insert(KEYS.to_owned(), keys.clone());
        }
        _ => {
            patch.set.remove(KEYS);
        }
    }
}
