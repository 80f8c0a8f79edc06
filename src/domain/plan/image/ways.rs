//! The way of each upload into the cloud: one that has none is not begun, and what is there stays as it is.

use super::{Planner, Sorted};
use crate::domain::definition::Version;
use crate::domain::finding::Finding;
use crate::domain::snapshot::{CloudImage, Status};
use crate::domain::transfer::Method;
use crate::domain::way::{self, Way};

impl Planner<'_> {
    /// Whether a version that is not there can come; says why if it cannot. One whose bytes an earlier run brought in
    /// needs no way.
    pub(super) fn has_a_way(&mut self, version: &Version) -> bool {
        if self.taken.contains_key(version.version.as_str()) {
            return true;
        }
        if way::refusal(self.context.transfer, self.context.offered).is_some() {
            self.plan.waits_for_way = true;
            return false;
        }
        match self.way(version) {
            Ok(_) => true,
            Err(finding) => {
                self.find(finding.at(&self.definition.file, version.at));
                false
            }
        }
    }

    /// The way of a version.
    pub(super) fn way(&self, version: &Version) -> Result<Way, Box<Finding>> {
        let context = self.context;
        let verify = context.verify.and(self.policy.verify);
        way::way(
            self.definition,
            version,
            self.stored_format(),
            context.transfer,
            verify,
        )
    }

    /// Whether an image that is kept for its ID takes no bytes now: a failed import left its lock on it.
    pub(super) fn is_locked(&mut self, sorted: &Sorted<'_>) -> bool {
        let is_import = self.context.transfer.method != Method::Upload;
        let versions = &self.definition.versions;
        let is_asked_for = |id: &str| versions.iter().any(|one| one.id.as_deref() == Some(id));
        let locked = sorted.leftovers.iter().find(|image| {
            is_import
                && image.import_task.is_some()
                && image.status == Status::Queued
                && is_asked_for(&image.id)
        });
        let Some(image) = locked else { return false };
        let finding = Finding::error(
            "locked-leftover",
            "an import that failed has left its lock on the image with the ID that the definition asks for, so it takes \
             no other import for up to two hours; run again then, or set `transfer.method: upload`",
        );
        self.find(finding.id(&image.id));
        true
    }
}

/// Whether somebody is bringing an image's bytes in at this moment.
///
/// Glance takes back what is staged as soon as its sender is gone, and notes the size when all is there: from then on the
/// sender asks for the import at once, or is dead. An import runs without anybody, under its lock; one that has lost the
/// lock and is not over will never be (Glance 33, a plugin that failed).
pub(super) fn is_under_way(image: &CloudImage) -> bool {
    match image.status {
        Status::Saving => true,
        Status::Uploading => image.size.is_none() || image.import_task.is_some(),
        Status::Importing => image.import_task.is_some(),
        Status::Queued => image.import_task.is_some() && !image.import_failed(),
        _ => false,
    }
}
