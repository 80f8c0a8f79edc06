//! The steps of one image: each is one write to one image in Glance.

use serde_json::{Map, Value, json};

use super::Planner;
use super::change::{Place, Role};
use super::leftovers::is_staged;
use crate::domain::definition::{Version, WantedStatus};
use crate::domain::finding::Finding;
use crate::domain::patch::Patch;
use crate::domain::rotation::{Known, Ranked};
use crate::domain::snapshot::{CloudImage, Status, Visibility};
use crate::domain::step::{Action, Step, Upload, Work};
use crate::domain::template::TemplateError;
use crate::domain::wanted::{self, PROOFS, STAGED, STATE, Wanted};
use crate::domain::way::{self, UNVERIFIED};

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
        let wanted = wanted::wanted(
            &self.scene(),
            version,
            self.stage(ranked),
            ranked.known.image,
        )?;
        if let Some(image) = ranked.known.image {
            let place = self.place(ranked, Role::Newest { is_rollback });
            self.change(image, version, wanted, place);
            return Ok(());
        }
        let leftover = self.taken.get(version.version.as_str()).copied();
        if leftover.is_none() {
            self.upload(version, reused);
        }
        if self.policy.staged.boots() {
            self.boot(version, leftover);
        }
        self.publish(
            version,
            wanted,
            leftover,
            self.place(ranked, Role::Replaced),
        );
        Ok(())
    }

    fn upload(&mut self, version: &Version, reused: &[&str]) {
        let definition = self.definition;
        let exists = version.id.as_deref().is_some_and(|id| reused.contains(&id));
        let stored = self.stored_format();
        let url = version.places().first().copied();
        let upload = Upload {
            name: format!(
                "{}{}({})",
                definition.name, definition.separator, version.version
            ),
            format: stored.to_owned(),
            id: version.id.clone(),
            exists,
            verify: self.policy.verify,
            // Whoever has no way is not among the versions.
            way: self.way(version).unwrap_or_default(),
        };
        let mut changes = Map::from_iter([("disk_format".to_owned(), json!(stored))]);
        upload.way.note(&mut changes);
        let mut reason = match (exists, stored == definition.format) {
            (true, _) => "the image with this ID waits for its bytes".to_owned(),
            (false, true) => String::new(),
            (false, false) => format!("converted from {} to {stored}", definition.format),
        };
        let way = upload.way.words();
        if !way.is_empty() {
            if !reason.is_empty() {
                reason.push_str("; ");
            }
            reason.push_str(&way);
        }
        self.push(Step {
            action: Action::Upload,
            image: definition.name.clone(),
            id: version.id.clone(),
            version: Some(version.version.clone()),
            from: json!(url),
            to: json!(version.checksum.as_ref().map(ToString::to_string)),
            changes,
            reason,
            work: Work::Upload(upload),
            withdrawal: false,
        });
    }

    /// Whether nobody will have proven the bytes of a version when it is published.
    fn is_unverified(&self, version: &Version) -> bool {
        self.way(version).is_ok_and(|way| way.is_unverified())
    }

    /// The `disk_format` in which this cloud stores the image.
    pub(super) fn stored_format(&self) -> &'a str {
        let definition = self.definition;
        self.context
            .transfer
            .stored(&definition.format, definition.transfer)
    }

    /// Records what was proven, so that a failed boot costs no second upload, and starts a server.
    fn boot(&mut self, version: &Version, leftover: Option<&CloudImage>) {
        // Nothing is proven of what nobody compared.
        let is_proven = leftover.is_some() || !self.is_unverified(version);
        if is_proven && !leftover.is_some_and(|image| is_staged(image, version)) {
            let mut set = std::collections::BTreeMap::new();
            wanted::proof(version, None, &mut set);
            set.insert(STATE.to_owned(), STAGED.to_owned());
            let patch = Patch {
                set,
                ..Patch::default()
            };
            let to = Value::Object(patch.changes());
            let step = self.patch(
                Action::Properties,
                leftover,
                version,
                Value::Null,
                to,
                patch,
            );
            self.push(Step {
                reason: "its bytes are proven; it stays private until a server was started from it"
                    .to_owned(),
                ..step
            });
        }
        let step = self.patch(
            Action::Boot,
            leftover,
            version,
            Value::Null,
            Value::Null,
            Patch::default(),
        );
        self.push(Step {
            work: Work::Boot,
            reason: "the policy publishes it only if it boots".to_owned(),
            ..step
        });
    }

    fn publish(
        &mut self,
        version: &Version,
        mut wanted: Wanted,
        leftover: Option<&CloudImage>,
        place: Place<'a>,
    ) {
        let sharing = self.sharing(leftover, &mut wanted, place);
        let visibility = sharing
            .as_ref()
            .map_or(wanted.visibility, |_| Visibility::Shared);
        let applied = self.applied_to_new(&wanted, visibility);
        let mut set = wanted.properties;
        set.extend(wanted.once);
        set.extend(applied);
        if leftover.is_some_and(|image| is_staged(image, version)) {
            // The run that proved it recorded what it saw.
            set.retain(|key, _| !PROOFS.contains(&key.as_str()));
        }
        if leftover.is_none() && self.is_unverified(version) {
            set.retain(|key, _| !PROOFS.contains(&key.as_str()));
            set.insert(
                UNVERIFIED.to_owned(),
                self.context.transfer.method.as_str().to_owned(),
            );
            let message = format!(
                "version `{}` is published though nobody has proven its bytes, as `transfer.allow_unverified` says; its \
                 property `{UNVERIFIED}` tells so",
                version.version
            );
            self.find(Finding::warning("unverified", message));
        }
        // What Glance fetched bears it from the beginning.
        let is_marked = leftover.map_or_else(
            || way::mark(self.context.transfer.method).is_some(),
            |image| image.properties.contains_key(UNVERIFIED),
        );
        let is_proven = is_marked && !set.contains_key(UNVERIFIED);
        let ended = is_proven.then(|| UNVERIFIED.to_owned());
        if wanted.protected == Some(true) {
            set.insert(
                crate::domain::record::PROTECTED.to_owned(),
                "true".to_owned(),
            );
        }
        let patch = Patch {
            name: Some(wanted.name.clone()),
            visibility: Some(wanted.visibility),
            hidden: Some(wanted.hidden),
            protected: wanted.protected.filter(|protected| *protected),
            min_disk: wanted.min_disk,
            min_ram: wanted.min_ram,
            tags: Some(wanted.tags),
            set,
            remove: ended.into_iter().chain([STATE.to_owned()]).collect(),
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
                .push_str("; its bytes are there already, and proven");
        }
        self.push(step);
        if wanted.status == WantedStatus::Deactivated {
            self.activate(leftover, version, false);
        }
        if let Some(sharing) = sharing {
            self.share(leftover, version, sharing);
        }
    }

    /// Brings everything of an image that is there to where its stage wants it.
    pub(super) fn settle(&mut self, ranked: &Ranked<'a>) -> Result<(), TemplateError> {
        let Some(image) = ranked.known.image else {
            return Ok(());
        };
        let stage = self.stage(ranked);
        let role = if self.policy.rotate {
            Role::Replaced
        } else {
            Role::Newest { is_rollback: false }
        };
        let place = self.place(ranked, role);
        if let Some(version) = ranked.known.listed {
            let wanted = wanted::wanted(&self.scene(), version, stage, Some(image))?;
            self.change(image, version, wanted, place);
        } else {
            let version = wanted::remembered(self.definition, ranked.known.version, image);
            let wanted = wanted::unlisted(&self.scene(), &version, stage, image)?;
            self.change(image, &version, wanted, place);
        }
        Ok(())
    }

    /// Retires an image that is newer than every listed version.
    pub(super) fn withdraw(&mut self, known: &Known<'a>) -> Result<(), TemplateError> {
        let (Some(image), Some(stage)) = (known.image, self.policy.stages.last()) else {
            return Ok(());
        };
        let version = wanted::remembered(self.definition, known.version, image);
        let wanted = wanted::unlisted(&self.scene(), &version, stage, image)?;
        let place = Place {
            stage,
            // The first of those that are no longer the newest.
            position: 1,
            role: Role::Withdrawn,
        };
        self.change(image, &version, wanted, place);
        Ok(())
    }

    /// Retires an image whose definition is gone.
    pub(super) fn forget(&mut self, image: &CloudImage) -> Result<(), TemplateError> {
        let (Some(version), Some(stage)) = (super::version_of(image), self.policy.stages.last())
        else {
            return Ok(());
        };
        let version = wanted::remembered(self.definition, version, image);
        let wanted = wanted::unlisted(&self.scene(), &version, stage, image)?;
        let place = Place {
            stage,
            position: 0,
            role: Role::Forgotten,
        };
        self.change(image, &version, wanted, place);
        Ok(())
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
            withdrawal: !active && image.is_some_and(|image| image.status == Status::Active),
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
