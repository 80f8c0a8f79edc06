//! Which projects see an image that is not visible to all: those that use it, or those that the policy lists.
//!
//! Whom we shared with is recorded on the image, so that members whom people added stay.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Days;
use serde_json::{Value, json};

use super::Planner;
use super::change::{Place, object};
use crate::domain::definition::Version;
use crate::domain::finding::Finding;
use crate::domain::patch::Patch;
use crate::domain::plan::version_of;
use crate::domain::policy::{Share, ShareWith};
use crate::domain::promise;
use crate::domain::record::{MEMBERS, TODAY, members};
use crate::domain::snapshot::{CloudImage, Visibility};
use crate::domain::step::{Action, Sharing, Step, Work};
use crate::domain::usage::Usage;
use crate::domain::wanted::Wanted;

/// What is to be shared, and the record that stays on the image afterwards.
pub(super) struct Shared {
    sharing: Sharing,
    /// The record without those that are removed; absent: the first PATCH wrote it already.
    afterwards: Option<String>,
}

impl Planner<'_> {
    /// Decides whom an image of this stage is shared with. Where that cannot be decided or done, it stays as visible as
    /// it is.
    pub(super) fn sharing(
        &mut self,
        image: Option<&CloudImage>,
        wanted: &mut Wanted,
        place: Place<'_>,
    ) -> Option<Shared> {
        let share = place.stage.share.as_ref();
        let from = image.map_or(Visibility::Private, |image| image.visibility);
        let (Some(share), Visibility::Shared) = (share, wanted.visibility) else {
            if wanted.visibility != Visibility::Shared {
                wanted.properties.remove(MEMBERS);
            } else if let Some(record) = image.and_then(|image| image.properties.get(MEMBERS)) {
                wanted.properties.insert(MEMBERS.to_owned(), record.clone());
            }
            return None;
        };
        let recorded = image.map(members).unwrap_or_default();
        let stays = |wanted: &mut Wanted| {
            if from != Visibility::Shared {
                wanted.visibility = from;
            }
            if let Some(record) = image.and_then(|image| image.properties.get(MEMBERS)) {
                wanted.properties.insert(MEMBERS.to_owned(), record.clone());
            }
        };
        let present_of = image.and_then(|image| image.members.as_ref());
        // Of an image that is shared already it must be known with whom.
        if from == Visibility::Shared && image.is_some() && present_of.is_none() {
            stays(wanted);
            return None;
        }
        let Some(mut projects) = self.sharers(image, share) else {
            stays(wanted);
            return None;
        };
        if let Some(owner) = image.and_then(|image| image.owner.as_ref()) {
            projects.remove(owner);
        }
        let (mut present, mut settled) = (BTreeSet::new(), BTreeSet::new());
        for (project, is_settled) in present_of.into_iter().flatten() {
            present.insert(project.clone());
            // One for whom a dead run did not accept is added once more.
            if *is_settled {
                settled.insert(project.clone());
            }
        }
        let leaving = |waiting: &BTreeMap<String, String>| -> BTreeSet<String> {
            recorded
                .keys()
                .filter(|project| !projects.contains(*project) && !waiting.contains_key(*project))
                .filter(|project| present.contains(*project))
                .cloned()
                .collect()
        };
        let mut waiting = self.waiting(&recorded, &projects, &present, share, self.withheld);
        if !leaving(&waiting).is_empty() && self.is_promised_to_members(image, place) {
            waiting = self.waiting(&recorded, &projects, &present, share, true);
        }
        let remove = leaving(&waiting);
        let add: BTreeSet<String> = projects.difference(&settled).cloned().collect();
        let count = present.union(&add).count() - remove.len();
        if count > self.context.members {
            let limit = self.context.members;
            let finding = Finding::warning(
                "too-many-members",
                format!(
                    "an image would be shared with {count} projects, and `limits.members` allows {limit}; it stays {from}; raise \
                     the limit if the cloud allows more"
                ),
            );
            let id = image.map_or("", |image| &image.id);
            self.find(if id.is_empty() {
                finding
            } else {
                finding.id(id)
            });
            stays(wanted);
            return None;
        }
        let mut record: BTreeMap<String, String> = projects
            .into_iter()
            .map(|project| (project, String::new()))
            .collect();
        record.extend(waiting);
        let afterwards = written(&record);
        let during = recorded
            .iter()
            .filter(|(project, _)| remove.contains(*project));
        record.extend(during.map(|(project, since)| {
            let since = since.map_or_else(String::new, |since| format!(":{since}"));
            (project.clone(), since)
        }));
        if record.is_empty() {
            wanted.properties.remove(MEMBERS);
        } else {
            wanted
                .properties
                .insert(MEMBERS.to_owned(), written(&record));
        }
        if from == Visibility::Shared && image.is_some() && add.is_empty() && remove.is_empty() {
            return None;
        }
        // The step that shares makes it `shared`, and takes that back if it cannot.
        wanted.visibility = from;
        Some(Shared {
            afterwards: (!remove.is_empty()).then_some(afterwards),
            sharing: Sharing { from, add, remove },
        })
    }

    /// The projects that shall see an image; nothing, if that is not known.
    fn sharers(&mut self, image: Option<&CloudImage>, share: &Share) -> Option<BTreeSet<String>> {
        match share {
            Share::Users => match image.map(|image| self.context.uses.of(&image.id)) {
                Some(Usage::Used(use_)) => Some(use_.projects.clone()),
                Some(Usage::Unused) | None => Some(BTreeSet::new()),
                Some(Usage::Unknown(_)) => {
                    self.plan.waits_for_use = true;
                    None
                }
            },
            Share::With(list) => {
                let mut projects = BTreeSet::new();
                for entry in list {
                    match entry {
                        ShareWith::Project(project) => {
                            projects.insert(project.clone());
                        }
                        ShareWith::Domain(domain) => {
                            let Some(known) = self.context.domains.get(domain) else {
                                self.find(Finding::error(
                                    "unknown-domain",
                                    format!(
                                        "the projects of domain `{domain}` are not known, so the image is not shared; expected \
                                         the name or ID of a domain whose projects this login may list"
                                    ),
                                ));
                                return None;
                            };
                            projects.extend(known.iter().cloned());
                        }
                    }
                }
                Some(projects)
            }
        }
    }

    /// While the UUID is promised nobody loses it, and a finding says so.
    fn is_promised_to_members(&mut self, image: Option<&CloudImage>, place: Place<'_>) -> bool {
        let today = self.context.today;
        let bond =
            image.and_then(|image| Some((image, promise::of_uuid(image, place.position, today)?)));
        let Some((image, bond)) = bond else {
            return false;
        };
        let version = version_of(image).unwrap_or("?");
        let message = format!(
            "version `{version}` would be taken away from projects that it is shared with, but {bond}; they keep it until then"
        );
        self.find(Finding::warning("promise", message).id(&image.id));
        true
    }

    /// Members of ours that do not use the image any more but may see it still, with the day since which. With `stays`
    /// nobody is removed.
    fn waiting(
        &self,
        recorded: &BTreeMap<String, Option<chrono::NaiveDate>>,
        projects: &BTreeSet<String>,
        present: &BTreeSet<String>,
        share: &Share,
        stays: bool,
    ) -> BTreeMap<String, String> {
        if !share.is_of_users() {
            // Who is no longer in a list is removed at once, unless nothing may be taken away.
            let kept = recorded
                .keys()
                .filter(|project| stays && !projects.contains(*project));
            return kept
                .map(|project| (project.clone(), String::new()))
                .collect();
        }
        let grace = Days::new(self.policy.share_grace.0.into());
        let today = self.context.today;
        recorded
            .iter()
            .filter(|(project, _)| !projects.contains(*project) && present.contains(*project))
            .filter_map(|(project, since)| match since {
                None => Some((project.clone(), format!(":{TODAY}"))),
                Some(since) => {
                    let over = since
                        .checked_add_days(grace)
                        .is_some_and(|end| end <= today)
                        && *since < today
                        && !stays;
                    (!over).then(|| (project.clone(), format!(":{since}")))
                }
            })
            .collect()
    }

    /// The step that shares, and the one that forgets whom it removed.
    pub(super) fn share(&mut self, image: Option<&CloudImage>, version: &Version, shared: Shared) {
        let Shared {
            sharing,
            afterwards,
        } = shared;
        let from = json!(sharing.from.as_str());
        let to = json!(Visibility::Shared.as_str());
        let changes = object([
            ("visibility", to.clone()),
            ("members_added", json!(sharing.add)),
            ("members_removed", json!(sharing.remove)),
        ]);
        let step = self.patch(Action::Share, image, version, from, to, Patch::default());
        let reason = format!(
            "{} more, {} fewer",
            projects(sharing.add.len()),
            sharing.remove.len()
        );
        self.push(Step {
            changes,
            reason,
            withdrawal: sharing.from > Visibility::Shared || !sharing.remove.is_empty(),
            work: Work::Share(sharing),
            ..step
        });
        let (Some(record), Some(image)) = (afterwards, image) else {
            return;
        };
        let mut patch = Patch::default();
        if record.is_empty() {
            patch.remove.insert(MEMBERS.to_owned());
        } else {
            patch.set.insert(MEMBERS.to_owned(), record);
        }
        let (before, after) = (
            Value::Object(patch.before(image)),
            Value::Object(patch.changes()),
        );
        let step = self.patch(
            Action::Properties,
            Some(image),
            version,
            before,
            after,
            patch,
        );
        self.push(Step {
            reason: "they see it no more".to_owned(),
            ..step
        });
    }
}

fn written(record: &BTreeMap<String, String>) -> String {
    let entries: Vec<_> = record
        .iter()
        .map(|(project, since)| format!("{project}{since}"))
        .collect();
    entries.join(",")
}

fn projects(count: usize) -> String {
    if count == 1 {
        "1 project".to_owned()
    } else {
        format!("{count} projects")
    }
}
