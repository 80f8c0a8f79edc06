//! What dead and living runs left in the cloud, and edits that look like new builds but are none.

use serde_json::{Map, Value, json};

use super::ways::is_under_way;
use super::{Planner, Sorted};
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::definition::Version;
use crate::domain::finding::Finding;
use crate::domain::plan::version_of;
use crate::domain::snapshot::{CloudImage, Status};
use crate::domain::step::{Action, Step, Work};
use crate::domain::wanted::{STAGED, STATE, digest_property};
use crate::domain::way::UNVERIFIED;

impl<'a> Planner<'a> {
    /// Glance says `saving` only while somebody sends bytes: another run is at work on this image.
    pub(super) fn is_uploading_elsewhere(&mut self, sorted: &Sorted<'_>) -> bool {
        let today = self.context.today;
        let live = sorted.leftovers.iter().find(|image| {
            let fresh = today
                .signed_duration_since(image.updated_at.date_naive())
                .num_days()
                <= 1;
            fresh && is_under_way(image)
        });
        let Some(image) = live else {
            return self.is_locked(sorted);
        };
        let finding = Finding::warning(
            "upload-elsewhere",
            format!(
                "another run has been uploading version `{}` since {}, so nothing is planned for this image; run again \
                 when it has ended",
                version_of(image).unwrap_or("?"),
                image.created_at.format("%Y-%m-%d %H:%M:%S UTC"),
            ),
        );
        self.find(finding.id(&image.id));
        true
    }

    /// Leftovers of dead runs are taken up where their bytes can be proven or their ID is asked for; others go.
    /// Gives the IDs that wait for their bytes.
    pub(super) fn leftovers(&mut self, sorted: &Sorted<'a>) -> Vec<&'a str> {
        let mut reused = Vec::new();
        for &image in &sorted.leftovers {
            let version = version_of(image).and_then(|version| {
                self.definition
                    .versions
                    .iter()
                    .find(|one| one.version == version)
            });
            let free = version.filter(|version| {
                !sorted.proven.contains_key(version.version.as_str())
                    && !self.taken.contains_key(version.version.as_str())
            });
            if let Some(version) = free {
                let is_proven = is_staged(image, version) || is_proven_by_glance(image, version);
                // One that an earlier run stored in another form is no longer what is wanted.
                let is_wanted = image.disk_format.as_deref() == Some(self.stored_format());
                if image.is_settled() && is_proven && is_wanted {
                    self.taken.insert(&version.version, image);
                    continue;
                }
                if version.id.as_deref() == Some(&image.id) && image.status == Status::Queued {
                    reused.push(image.id.as_str());
                    continue;
                }
            }
            if image.protected {
                let finding = Finding::error(
                    "protected-leftover",
                    "an interrupted upload left a private image that is protected, so it cannot be deleted; remove \
                     the protection",
                );
                self.find(finding.id(&image.id));
                continue;
            }
            self.push(Step {
                action: Action::Delete,
                image: self.definition.name.clone(),
                id: Some(image.id.clone()),
                version: version_of(image).map(str::to_owned),
                from: json!(image.name),
                to: Value::Null,
                changes: Map::new(),
                reason: "private leftover that was never published and cannot be".to_owned(),
                work: Work::DeleteLeftover,
                withdrawal: false,
            });
        }
        reused
    }

    /// The same bytes under another version are a typo or a renaming, never a newer or older build.
    pub(super) fn is_known_under_another_version(&mut self, sorted: &Sorted<'_>) -> bool {
        let definition = self.definition;
        let is_listed = |name: &str| {
            definition
                .versions
                .iter()
                .any(|version| version.version == name)
        };
        for version in definition
            .versions
            .iter()
            .filter(|one| !sorted.proven.contains_key(one.version.as_str()))
        {
            let Some(checksum) = &version.checksum else {
                continue;
            };
            let Some(key) = digest_property(checksum.algorithm()) else {
                continue;
            };
            let twin = sorted.proven.iter().find(|(name, image)| {
                !is_listed(name)
                    && image
                        .properties
                        .get(key)
                        .is_some_and(|digest| digest == checksum.hex())
            });
            if let Some((name, image)) = twin {
                let finding = Finding::error(
                    "version-renamed",
                    format!(
                        "version `{}` has the digest of the image that the cloud knows as `{name}`, which is no longer \
                         listed; nothing of this image moves; write `{name}` again",
                        version.version,
                    ),
                );
                self.refuse(finding.at(&definition.file, version.at).id(&image.id));
                return true;
            }
        }
        false
    }

    /// A checksum edited after its upload is a finding, never a second upload.
    pub(super) fn compare_digest(&mut self, image: &CloudImage, version: &Version) {
        let Some(checksum) = &version.checksum else {
            return;
        };
        let recorded =
            digest_property(checksum.algorithm()).and_then(|key| image.properties.get(key));
        if let Some(recorded) =
            recorded.filter(|recorded| !recorded.eq_ignore_ascii_case(checksum.hex()))
        {
            let finding = Finding::error(
                "checksum-edited",
                format!(
                    "version `{}` was uploaded with digest `{recorded}`, and the file now says `{}`; a changed image \
                     needs a new version; restore the checksum",
                    version.version,
                    checksum.hex(),
                ),
            );
            self.find(
                finding
                    .at(&self.definition.file, version.checksum_at)
                    .id(&image.id),
            );
        }
    }
}

/// Whether an earlier run proved the bytes, and recorded the digest that the definition says.
pub(super) fn is_staged(image: &CloudImage, version: &Version) -> bool {
    let recorded = |checksum: &Checksum| {
        let key = digest_property(checksum.algorithm())?;
        Some(image.properties.get(key)? == checksum.hex())
    };
    image
        .properties
        .get(STATE)
        .is_some_and(|state| state == STAGED)
        && version.checksum.as_ref().and_then(recorded) == Some(true)
}

/// Whether Glance's own hash over the stored bytes is the definition's. Then they passed through a run of ours, of which the
/// last one leaves only after all was looked into and proven; but not where Glance fetched them itself.
fn is_proven_by_glance(image: &CloudImage, version: &Version) -> bool {
    // Of a packed file it is the disk inside that Glance has.
    let disk = version.disk_checksum.as_ref().or(version.checksum.as_ref());
    let was_fetched = image.properties.contains_key(UNVERIFIED);
    !was_fetched
        && disk.is_some_and(|checksum| {
            checksum.algorithm() == Algorithm::Sha512
                && image.os_hash_algo.as_deref() == Some("sha512")
                && image.os_hash_value.as_deref() == Some(checksum.hex())
        })
}
