//! What stands above the policy: promises that were made.

use super::Planner;
use super::change::{Place, Role};
use crate::domain::definition::{Version, WantedStatus};
use crate::domain::finding::{Finding, Level};
use crate::domain::policy::StageName;
use crate::domain::promise::{self, Bond};
use crate::domain::record::Record;
use crate::domain::snapshot::{CloudImage, Status, Visibility};
use crate::domain::wanted::Wanted;

impl Planner<'_> {
    /// Takes out of `wanted` what would break a promise of the image as it is in the cloud.
    pub(super) fn keep_promises(
        &mut self,
        image: &CloudImage,
        version: &Version,
        wanted: &mut Wanted,
        place: Place<'_>,
    ) {
        let today = self.context.today;
        if let Some(word) = promise::unreadable(image) {
            let finding = Finding::warning(
                "promise",
                format!(
                    "version `{}` promises `uuid_validity: {word}`, which cannot be read, so it counts as `forever`; \
                     expected `none`, `last-N`, a date, `notice` or `forever`",
                    version.version
                ),
            );
            self.find(finding.id(&image.id));
        }
        self.keep_uuid(image, version, wanted, place);
        self.keep_name(image, version, wanted, place);
        let weakened = promise::keep(image, place.position, today, &mut wanted.properties);
        if !weakened.is_empty() {
            wanted.keep_listed(image, &weakened);
            let promises: Vec<_> = weakened
                .iter()
                .map(|key| format!("`{key}: {}`", image.properties[*key]))
                .collect();
            let finding = Finding::warning(
                "promise-weakened",
                format!(
                    "version `{}` was published with {}, and the definition or its policy promises less now; the image \
                     keeps what was promised, until that ends; new images get the new promise",
                    version.version,
                    promises.join(", ")
                ),
            );
            self.find(finding.id(&image.id));
        }
    }

    /// While the UUID is promised, whoever can boot the image still can.
    fn keep_uuid(
        &mut self,
        image: &CloudImage,
        version: &Version,
        wanted: &mut Wanted,
        place: Place<'_>,
    ) {
        let mut would = Vec::new();
        if wanted.visibility < image.visibility && wanted.visibility < Visibility::Community {
            would.push(format!("become {}", wanted.visibility));
        }
        if wanted.status == WantedStatus::Deactivated && image.status == Status::Active {
            would.push("be deactivated".to_owned());
        }
        if would.is_empty() {
            return;
        }
        let Some(bond) = promise::of_uuid(image, place.position, self.context.today) else {
            return;
        };
        wanted.visibility = wanted.visibility.max(image.visibility);
        wanted.status = WantedStatus::Active;
        self.held_back(image, version, &would.join(" and "), &bond, place);
    }

    /// While the name is promised, the image that bears it stays where default lists show it.
    fn keep_name(
        &mut self,
        image: &CloudImage,
        version: &Version,
        wanted: &mut Wanted,
        place: Place<'_>,
    ) {
        let bears = place.role.is_newest() || place.role == Role::Forgotten;
        if !bears || !image.is_in_the_catalogue() {
            return;
        }
        let was_latest = Record::of(image).is_some_and(|record| record.stage == StageName::Latest);
        let renamed = was_latest && image.name.as_ref() != Some(&wanted.name);
        let leaves = wanted.visibility != Visibility::Public
            || wanted.hidden
            || wanted.status == WantedStatus::Deactivated;
        let (true, Some(name)) = (leaves || renamed, &image.name) else {
            return;
        };
        let Some(bond) = promise::of_name(image, self.context.today) else {
            return;
        };
        wanted.name.clone_from(name);
        wanted.visibility = image.visibility;
        wanted.hidden = image.hidden;
        wanted.status = WantedStatus::Active;
        self.held_back(
            image,
            version,
            &format!("leave default lists as `{name}`"),
            &bond,
            place,
        );
    }

    /// A policy that has to wait is worth a look; a person's own word that cannot be followed needs that person.
    pub(super) fn held_back(
        &mut self,
        image: &CloudImage,
        version: &Version,
        would: &str,
        bond: &Bond,
        place: Place<'_>,
    ) {
        let definition = self.definition;
        let ceiling = version.visibility.unwrap_or(definition.visibility);
        let by_hand = place.role != Role::Replaced
            || ceiling < image.visibility
            || definition.status == WantedStatus::Deactivated;
        let level = if by_hand {
            Level::Error
        } else {
            Level::Warning
        };
        let what = match bond.ends {
            Some(_) => "that has to wait",
            None => {
                "that is never done; change the policy, or the promise on the image if nobody relies on it"
            }
        };
        let finding = Finding::new(
            level,
            "promise",
            format!(
                "version `{}` would {would}, but {bond}; {what}",
                version.version
            ),
        );
        self.find(finding.id(&image.id));
    }
}
