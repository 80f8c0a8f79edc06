//! Copies of the newest images in the cloud's further stores.

use serde_json::{Map, Value, json};

use super::Planner;
use crate::domain::policy::StageName;
use crate::domain::rotation::Ranked;
use crate::domain::snapshot::Status;
use crate::domain::step::{Action, Step, Work};
use crate::domain::way;

impl Planner<'_> {
    /// Plans what an image of the latest stage lacks of the stores that the settings name: one request for each. A run that
    /// dies leaves the rest to the next one.
    pub(super) fn copy(&mut self, ranked: &Ranked<'_>) {
        let transfer = self.context.transfer;
        let Some(further) = transfer.stores.get(1..).filter(|stores| !stores.is_empty()) else {
            return;
        };
        let is_there = ranked
            .known
            .image
            .is_none_or(|image| image.status == Status::Active && !image.stores.is_empty());
        let comes = ranked.known.image.is_some() || ranked.position == 0 || ranked.comes;
        if self.stage(ranked).stage != StageName::Latest || !is_there || !comes {
            return;
        }
        // Where an earlier run has brought the bytes in it may have copied them too.
        let image = ranked
            .known
            .image
            .or_else(|| self.taken.get(ranked.known.version).copied());
        let lacking = transfer.stores.iter().filter(|store| match image {
            Some(image) => !image.stores.contains(*store) && !image.importing_to.contains(*store),
            None => further.contains(store),
        });
        let lacking: Vec<_> = lacking.collect();
        if !lacking.is_empty() && way::refusal(transfer, self.context.offered).is_some() {
            self.plan.waits_for_way = true;
            return;
        }
        for store in lacking {
            let step = Step {
                action: Action::Copy,
                image: self.definition.name.clone(),
                id: image.map(|image| image.id.clone()),
                version: Some(ranked.known.version.to_owned()),
                from: Value::Null,
                to: json!(store),
                changes: Map::from_iter([("store".to_owned(), json!(store))]),
                reason: String::new(),
                work: Work::Copy(store.clone()),
                withdrawal: false,
            };
            self.push(step);
        }
    }
}
