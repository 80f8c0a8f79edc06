//! Names under which somebody else offers an image.

use serde_json::Value;

use super::Planner;
use crate::domain::finding::Finding;
use crate::domain::plan::{belongs_to, is_unpublished, version_of};
use crate::domain::rotation;
use crate::domain::snapshot::Snapshot;
use crate::domain::template::TemplateError;

impl Planner<'_> {
    /// Names under which somebody else offers an image are not ours to use.
    pub(super) fn clashes(
        &mut self,
        ranking: &rotation::Ranking<'_>,
        snapshot: &Snapshot,
    ) -> Result<(), TemplateError> {
        let mut taken: Vec<String> = Vec::new();
        if let Some(newest) = ranking.ranked.first() {
            taken.push(self.name(newest)?);
        }
        for step in &self.plan.steps {
            taken.extend(
                step.changes
                    .get("name")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
        }
        let tag = self.context.tag;
        let own_name = Some(self.definition.name.as_str());
        let clash = snapshot
            .foreign()
            .iter()
            .find(|image| {
                let named = image.name.as_ref().is_some_and(|name| taken.contains(name));
                (named && image.is_listed())
                    || (image.tags.contains(tag) && (named || belongs_to(image) == own_name))
            })
            .or_else(|| {
                snapshot.ours().iter().find(|image| {
                    let named = image.name.as_ref().is_some_and(|name| taken.contains(name));
                    let other = belongs_to(image) != own_name
                        || (version_of(image).is_none() && !is_unpublished(image));
                    named && other && image.is_listed()
                })
            });
        if let Some(image) = clash {
            let finding = Finding::error(
                "name-taken",
                format!(
                    "image `{}` of project `{}` has the name `{}` already and is not of this definition, so nothing is \
                     uploaded or published here; take it over with `reglaze adopt` or the setting `tag`, or rename it",
                    image.id,
                    image.owner.as_deref().unwrap_or("unknown"),
                    image.name.as_deref().unwrap_or(""),
                ),
            );
            self.refuse(finding.id(&image.id));
        }
        Ok(())
    }
}
