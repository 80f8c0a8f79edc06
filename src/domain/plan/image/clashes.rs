//! Names under which somebody else offers an image.

use serde_json::Value;

use super::Planner;
use crate::domain::finding::Finding;
use crate::domain::plan::images::Images;
use crate::domain::plan::{belongs_to, is_unpublished, version_of};
use crate::domain::rotation;
use crate::domain::snapshot::CloudImage;
use crate::domain::template::TemplateError;

impl Planner<'_> {
    /// Names under which somebody else offers an image are not ours to use.
    pub(super) fn clashes(
        &mut self,
        ranking: &rotation::Ranking<'_>,
        images: &Images<'_>,
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
        let own_name = self.definition.name.as_str();
        let foreign = images.foreign();
        let listed = |image: &CloudImage| image.is_listed();
        let tagged = |image: &CloudImage| image.tags.contains(tag);
        let named = foreign.named(&taken).into_iter();
        let bearing = named.filter(|image| listed(image) || tagged(image));
        let claiming = foreign.of(own_name).filter(|image| tagged(image));
        let clash = bearing
            .chain(claiming)
            .min_by_key(|image| (image.created_at, &image.id))
            .or_else(|| {
                images.ours().named(&taken).into_iter().find(|image| {
                    let other = belongs_to(image) != Some(own_name)
                        || (version_of(image).is_none() && !is_unpublished(image));
                    other && listed(image)
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
