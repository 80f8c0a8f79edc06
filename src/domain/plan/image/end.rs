//! The end of an image's life, and a newest one that is too old.

use serde_json::{Map, Value, json};

use super::Planner;
use crate::domain::finding::Finding;
use crate::domain::promise;
use crate::domain::recency;
use crate::domain::record::Record;
use crate::domain::rotation::Ranked;
use crate::domain::step::{Action, Ending, Step, Work};

impl Planner<'_> {
    /// Plans the deletion of an image whose last stage has ended, if nothing protects it.
    pub(super) fn end(&mut self, ranked: &Ranked<'_>) {
        let Some(image) = ranked.known.image else {
            return;
        };
        let version = ranked.known.version;
        if self.definition.keep {
            return;
        }
        if let Some(bond) = promise::of_uuid(image, ranked.position, self.context.today) {
            let what = match bond.ends {
                Some(_) => "that has to wait",
                None => "so it stays",
            };
            let finding = Finding::warning(
                "promise",
                format!("version `{version}` would be deleted, but {bond}; {what}"),
            );
            self.find(finding.id(&image.id));
            return;
        }
        let ours = image
            .properties
            .contains_key(crate::domain::record::PROTECTED);
        let freed = self.stage(ranked).protected == Some(false) && ours;
        if image.protected && !freed {
            let finding = Finding::note(
                "protected",
                format!(
                    "version `{version}` has reached its end and nobody uses it, but the image is protected, so it stays; \
                     remove the protection if it may go"
                ),
            );
            self.find(finding.id(&image.id));
            return;
        }
        let since = Record::of(image).map_or_else(String::new, |record| {
            format!("; {} since {}", record.stage, record.since)
        });
        self.plan.deletions.push(Step {
            action: Action::Delete,
            image: self.definition.name.clone(),
            id: Some(image.id.clone()),
            version: Some(version.to_owned()),
            from: json!(image.name),
            to: Value::Null,
            changes: Map::new(),
            reason: format!("if unused{since}"),
            work: Work::Delete(Ending {
                position: ranked.position,
            }),
            withdrawal: false,
        });
    }

    /// Says so before the newest image is older than was promised.
    pub(super) fn replace_due(&mut self, newest: &Ranked<'_>) {
        let Some(version) = newest.known.listed else {
            return;
        };
        let mut properties = self.definition.meta.clone();
        properties.extend(self.policy.properties.clone());
        properties.extend(version.meta.clone());
        if let Some(image) = newest.known.image {
            properties.clone_from(&image.properties);
        }
        let built = properties
            .get("image_build_date")
            .and_then(|date| date.get(..10)?.parse().ok())
            .or(version.build_date)
            .or(newest
                .known
                .image
                .map(|image| image.created_at.date_naive()));
        let Some(built) = built else { return };
        if let Some(message) = recency::due(&properties, built, self.context.today) {
            let finding = Finding::warning(
                "replace-due",
                format!("version `{}` {message}", version.version),
            );
            self.find(finding.at(&self.definition.file, version.at));
        }
    }
}
