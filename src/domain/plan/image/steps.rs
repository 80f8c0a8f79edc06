//! The steps of one image: each is one write to one image in Glance.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Planner;
use crate::domain::definition::{Version, WantedStatus};
use crate::domain::patch::Patch;
use crate::domain::policy::Stage;
use crate::domain::rotation::{Known, Ranked};
use crate::domain::snapshot::{CloudImage, Status, Visibility};
use crate::domain::step::{Action, Step, Upload, Work};
use crate::domain::template::TemplateError;
use crate::domain::wanted::{self, STATE, Wanted};

impl<'a> Planner<'a> {
    /// Brings a version into the catalogue: uploads and publishes it, or gives an image that is there its stage at once.
    pub(super) fn appear(
        &mut self,
        ranked: &Ranked<'a>,
        reused: &[&str],
        is_rollback: bool,
    ) -> Result<(), TemplateError> {
        let Some(version) = ranked.known.listed else {
            return Ok(());
        };
        let wanted = self.wanted(ranked, version)?;
        if let Some(image) = ranked.known.image {
            // Nobody leaves a name for an image that cannot be booted.
            if self.definition.status == WantedStatus::Active && image.status != Status::Active {
                self.activate(Some(image), version, true);
            }
            self.promote(version, image, &wanted, is_rollback);
            return Ok(());
        }
        let leftover = self.taken.get(version.version.as_str()).copied();
        if leftover.is_none() {
            self.upload(version, reused);
        }
        self.publish(version, wanted, leftover);
        Ok(())
    }

    pub(super) fn upload(&mut self, version: &Version, reused: &[&str]) {
        let definition = self.definition;
        let exists = version.id.as_deref().is_some_and(|id| reused.contains(&id));
        let url = version.mirror_url.as_ref().or(version.url.as_ref());
        let upload = Upload {
            name: format!(
                "{}{}({})",
                definition.name, definition.separator, version.version
            ),
            format: definition.format.clone(),
            id: version.id.clone(),
            exists,
        };
        self.push(Step {
            action: Action::Upload,
            image: definition.name.clone(),
            id: version.id.clone(),
            version: Some(version.version.clone()),
            from: json!(url),
            to: json!(version.checksum.as_ref().map(ToString::to_string)),
            changes: Map::from_iter([("disk_format".to_owned(), json!(definition.format))]),
            reason: if exists {
                "the image with this ID waits for its bytes"
            } else {
                ""
            }
            .to_owned(),
            work: Work::Upload(upload),
            withdrawal: false,
        });
    }

    pub(super) fn publish(
        &mut self,
        version: &Version,
        wanted: Wanted,
        leftover: Option<&CloudImage>,
    ) {
        let patch = Patch {
            name: Some(wanted.name.clone()),
            visibility: Some(wanted.visibility),
            hidden: Some(wanted.hidden),
            protected: None,
            min_disk: wanted.min_disk,
            min_ram: wanted.min_ram,
            tags: Some(wanted.tags),
            set: wanted.properties,
            remove: [STATE.to_owned()].into(),
        };
        let action = Action::Publish;
        let mut step = self.patch(
            action,
            leftover,
            version,
            Value::Null,
            json!(wanted.name),
            patch,
        );
        step.reason = visible(wanted.visibility, wanted.hidden);
        if leftover.is_some() {
            step.reason
                .push_str("; its bytes are there already, Glance's SHA-512 proves them");
        }
        self.push(step);
        if self.definition.status == WantedStatus::Deactivated {
            self.activate(leftover, version, false);
        }
    }

    /// Gives an image that is there its name, visibility and place in lists in one PATCH.
    pub(super) fn promote(
        &mut self,
        version: &Version,
        image: &CloudImage,
        wanted: &Wanted,
        is_rollback: bool,
    ) {
        let patch = Patch {
            name: (image.name.as_deref() != Some(wanted.name.as_str()))
                .then(|| wanted.name.clone()),
            visibility: (image.visibility != wanted.visibility).then_some(wanted.visibility),
            hidden: (image.hidden != wanted.hidden).then_some(wanted.hidden),
            ..Patch::default()
        };
        let count = patch.changes().len();
        let (action, from, to) = match &patch {
            patch if patch.is_empty() => return,
            _ if is_rollback => (Action::Rollback, json!(image.name), json!(wanted.name)),
            Patch { name: Some(_), .. } if count == 1 => {
                (Action::Rename, json!(image.name), json!(wanted.name))
            }
            Patch {
                visibility: Some(to),
                ..
            } if count == 1 => (
                Action::Visibility,
                json!(image.visibility.as_str()),
                json!(to.as_str()),
            ),
            Patch {
                hidden: Some(to), ..
            } if count == 1 => (Action::Hide, shown(image.hidden), shown(*to)),
            _ => (Action::Publish, json!(image.name), json!(wanted.name)),
        };
        let mut step = self.patch(action, Some(image), version, from, to, patch);
        let reason = match action {
            Action::Rollback => "every newer version was taken out of the file",
            _ => "the newest listed version",
        };
        reason.clone_into(&mut step.reason);
        step.withdrawal = wanted.visibility < image.visibility || (wanted.hidden && !image.hidden);
        self.push(step);
    }

    /// Brings everything of an image that is there to where its stage wants it.
    pub(super) fn settle(
        &mut self,
        ranked: &Ranked<'a>,
        is_rollback: bool,
    ) -> Result<(), TemplateError> {
        let Some(image) = ranked.known.image else {
            return Ok(());
        };
        let Some(version) = ranked.known.listed else {
            let version = wanted::remembered(self.definition, ranked.known.version, image);
            let name = self.name(ranked)?;
            self.leave(image, &version, &name, self.stage(ranked), false);
            return Ok(());
        };
        let wanted = self.wanted(ranked, version)?;
        let latest = ranked.stage == 0 && self.policy.rotate;
        // The latest got its name and place in `appear`, before the old one left.
        if !latest {
            self.stage_steps(image, version, &wanted, ranked.stage);
        }
        let drift = wanted.drift(image);
        let properties = Patch {
            tags: None,
            ..drift.clone()
        };
        if !properties.is_empty() {
            let (from, to) = (
                Value::Object(properties.before(image)),
                Value::Object(properties.changes()),
            );
            let mut step = self.patch(
                Action::Properties,
                Some(image),
                version,
                from,
                to,
                properties,
            );
            let reason = match (is_rollback, ranked.stage) {
                (true, _) => "",
                (false, 0) => "the definition says so",
                (false, _) => "its stage and the definition say so",
            };
            reason.clone_into(&mut step.reason);
            self.push(step);
        }
        if let Some(tags) = drift.tags {
            let (from, to) = (listed(&image.tags), listed(&tags));
            let patch = Patch {
                tags: Some(tags),
                ..Patch::default()
            };
            let step = self.patch(Action::Tags, Some(image), version, from, to, patch);
            self.push(step);
        }
        let active = self.definition.status == WantedStatus::Active;
        // The latest was reactivated before it got the name.
        if active != (image.status == Status::Active) && !(active && latest) {
            self.activate(Some(image), version, active);
        }
        Ok(())
    }

    /// Name, visibility and place in lists of an image that is not the latest, each in a step of its own: the first of
    /// them takes it out of the catalogue name.
    pub(super) fn stage_steps(
        &mut self,
        image: &CloudImage,
        version: &Version,
        wanted: &Wanted,
        stage: usize,
    ) {
        let of_stage = &self.policy.stages[stage];
        let rotation = stage > 0;
        self.rename(image, version, &wanted.name);
        if image.visibility != wanted.visibility {
            let ordinary = rotation
                && wanted.visibility == Visibility::Community
                && of_stage.visibility == Some(Visibility::Community);
            let withdrawal = wanted.visibility < image.visibility && !ordinary;
            self.visibility(image, version, wanted.visibility, withdrawal);
        }
        if image.hidden != wanted.hidden {
            let ordinary = rotation && of_stage.hidden == Some(true);
            self.hide(image, version, wanted.hidden, wanted.hidden && !ordinary);
        }
    }

    /// An image whose version is no longer in the file: its stage's name, and never wider than it is.
    pub(super) fn leave(
        &mut self,
        image: &CloudImage,
        version: &Version,
        name: &str,
        stage: &Stage,
        is_withdrawal: bool,
    ) {
        self.rename(image, version, name);
        let visibility = wanted::narrowed(image.visibility, stage);
        if visibility != image.visibility {
            let withdrawal = is_withdrawal || visibility < Visibility::Community;
            self.visibility(image, version, visibility, withdrawal);
        }
        if stage.hidden == Some(true) && !image.hidden {
            self.hide(image, version, true, is_withdrawal);
        }
        let mut properties = image.properties.clone();
        wanted::replace(&mut properties, stage);
        properties.retain(|key, value| image.properties.get(key) != Some(value));
        if !properties.is_empty() {
            let patch = Patch {
                set: properties,
                ..Patch::default()
            };
            let (from, to) = (
                Value::Object(patch.before(image)),
                Value::Object(patch.changes()),
            );
            let step = self.patch(Action::Properties, Some(image), version, from, to, patch);
            self.push(step);
        }
    }

    /// Retires an image that is newer than every listed version.
    pub(super) fn withdraw(&mut self, known: &Known<'a>) -> Result<(), TemplateError> {
        let (Some(image), Some(stage)) = (known.image, self.policy.stages.last()) else {
            return Ok(());
        };
        let name = self.stage_name(known, stage)?;
        let version = wanted::remembered(self.definition, known.version, image);
        let start = self.plan.steps.len();
        self.leave(image, &version, &name, stage, true);
        for step in &mut self.plan.steps[start..] {
            "taken out of the file".clone_into(&mut step.reason);
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, image: &CloudImage, version: &Version, name: &str) {
        if image.name.as_deref() == Some(name) {
            return;
        }
        let patch = Patch {
            name: Some(name.to_owned()),
            ..Patch::default()
        };
        let step = self.patch(
            Action::Rename,
            Some(image),
            version,
            json!(image.name),
            json!(name),
            patch,
        );
        self.push(step);
    }

    pub(super) fn visibility(
        &mut self,
        image: &CloudImage,
        version: &Version,
        to: Visibility,
        withdrawal: bool,
    ) {
        let patch = Patch {
            visibility: Some(to),
            ..Patch::default()
        };
        let (from, to) = (json!(image.visibility.as_str()), json!(to.as_str()));
        let step = self.patch(Action::Visibility, Some(image), version, from, to, patch);
        self.push(Step { withdrawal, ..step });
    }

    pub(super) fn hide(
        &mut self,
        image: &CloudImage,
        version: &Version,
        to: bool,
        withdrawal: bool,
    ) {
        let patch = Patch {
            hidden: Some(to),
            ..Patch::default()
        };
        let step = self.patch(
            Action::Hide,
            Some(image),
            version,
            shown(image.hidden),
            shown(to),
            patch,
        );
        self.push(Step { withdrawal, ..step });
    }

    pub(super) fn activate(&mut self, image: Option<&CloudImage>, version: &Version, active: bool) {
        let words = ["deactivated", "active"];
        let (from, to) = (words[usize::from(!active)], words[usize::from(active)]);
        let step = self.patch(
            Action::Status,
            image,
            version,
            json!(from),
            json!(to),
            Patch::default(),
        );
        self.push(Step {
            work: Work::Activate(active),
            withdrawal: !active && image.is_some(),
            ..step
        });
    }

    pub(super) fn patch(
        &self,
        action: Action,
        image: Option<&CloudImage>,
        version: &Version,
        from: Value,
        to: Value,
        patch: Patch,
    ) -> Step {
        Step {
            action,
            image: self.definition.name.clone(),
            id: image.map(|image| image.id.clone()),
            version: Some(version.version.clone()),
            from,
            to,
            changes: patch.changes(),
            reason: String::new(),
            work: Work::Patch(patch),
            withdrawal: false,
        }
    }

    pub(super) fn push(&mut self, step: Step) {
        self.plan.steps.push(step);
    }
}

fn visible(visibility: Visibility, hidden: bool) -> String {
    format!("{visibility}{}", if hidden { ", hidden" } else { "" })
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
