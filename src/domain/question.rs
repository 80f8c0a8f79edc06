//! What a plan needs to know of a cloud beside its images. Asking costs calls, so it is done only where the answer counts.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::Definition;
use super::plan::{belongs_to, is_unpublished};
use super::policy::{self, Policy, PolicyOverride, Share, ShareWith, Undefined};
use super::snapshot::Snapshot;

/// Definitions as a run looks at them, with the policies that stand before their own.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// All definitions.
    pub definitions: &'a [Definition],
    /// Policies, the weaker first: the catalogue's, the cloud's.
    pub policies: &'a [&'a PolicyOverride],
}

impl Question<'_> {
    /// Whether what becomes of the images that are there depends on who uses them.
    pub fn is_of_use(&self, selected: impl Fn(&str) -> bool, snapshot: &Snapshot) -> bool {
        let enabled = || self.definitions.iter().filter(|one| one.enable);
        let mut counts = BTreeMap::<&str, usize>::new();
        for image in snapshot
            .ours()
            .iter()
            .filter(|image| !is_unpublished(image))
        {
            if let Some(name) = belongs_to(image) {
                *counts.entry(name).or_default() += 1;
            }
        }
        let of_defined = enabled()
            .filter(|one| selected(&one.name))
            .any(|definition| {
                let Ok(policy) = policy::of(definition, self.policies) else {
                    return false;
                };
                let count = counts.get(&*definition.name).copied().unwrap_or_default();
                // The newest never ends; but the moment it is replaced others may have to share it.
                policy.asks_for_use() && (count > 1 || count > 0 && shares(&policy))
            });
        of_defined || {
            let policy = policy::resolve(true, self.policies).ok();
            let retires = policy.is_some_and(|policy| {
                policy.undefined == Undefined::Retire && policy.asks_for_use()
            });
            let defined: BTreeSet<&str> = enabled().map(|one| one.name.as_str()).collect();
            let is_undefined = |name: &str| selected(name) && !defined.contains(name);
            retires
                && snapshot
                    .ours()
                    .iter()
                    .filter_map(belongs_to)
                    .any(is_undefined)
        }
    }

    /// The definitions whose new images a server must have been started from.
    pub fn boots(&self, selected: impl Fn(&str) -> bool) -> impl Iterator<Item = &Definition> {
        self.definitions.iter().filter(move |definition| {
            let boots =
                || policy::of(definition, self.policies).is_ok_and(|policy| policy.staged.boots());
            definition.enable && selected(&definition.name) && boots()
        })
    }

    /// Whether some image may be shared with projects, and the domains whose projects that are.
    pub fn shares(&self, selected: impl Fn(&str) -> bool) -> (bool, BTreeSet<String>) {
        let enabled = self
            .definitions
            .iter()
            .filter(|one| one.enable && selected(&one.name));
        let policies = enabled.filter_map(|definition| policy::of(definition, self.policies).ok());
        let general = policy::resolve(true, self.policies).ok();
        let stages: Vec<policy::Stage> = policies
            .chain(general)
            .flat_map(|policy| policy.stages)
            .collect();
        let shares = stages.iter().filter_map(|stage| stage.share.as_ref());
        let domains = shares.clone().flat_map(|share| match share {
            Share::With(list) => list.as_slice(),
            Share::Users => &[],
        });
        let domains = domains.filter_map(|entry| match entry {
            ShareWith::Domain(domain) => Some(domain.clone()),
            ShareWith::Project(_) => None,
        });
        (shares.clone().next().is_some(), domains.collect())
    }
}

fn shares(policy: &Policy) -> bool {
    let of_users =
        |stage: &policy::Stage| stage.share.as_ref().is_some_and(policy::Share::is_of_users);
    policy.stages.iter().any(of_users)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::definition;
    use crate::domain::snapshot::CloudImage;
    use crate::domain::wanted::{IMAGE_NAME, STATE, UNPROVEN};
    use crate::domain::yaml;

    fn image(id: &str, name: &str, unproven: bool) -> CloudImage {
        let mut properties =
            std::collections::BTreeMap::from([(IMAGE_NAME.to_owned(), name.to_owned())]);
        if unproven {
            properties.insert(STATE.to_owned(), UNPROVEN.to_owned());
        }
        CloudImage {
            id: id.to_owned(),
            owner: Some("us".to_owned()),
            tags: ["mark".to_owned()].into(),
            properties,
            ..CloudImage::default()
        }
    }

    fn is_of_use(policy: &str, images: &[CloudImage], filter: &str) -> bool {
        let text = "images:\n- name: A\n  format: raw\n  login: a\n  min_disk: 1\n  min_ram: 1\n  status: active\n  visibility: public\n  \
                    multi: true\n  meta: {os_distro: a}\n  versions: []\n";
        let definitions = definition::parse("a.yml", text).unwrap();
        let policy: PolicyOverride = yaml::read("reglaze.yml", policy).unwrap();
        let question = Question {
            definitions: &definitions,
            policies: &[&policy],
        };
        let snapshot = Snapshot::new(images.to_vec(), "mark", "us");
        question.is_of_use(|name| name.contains(filter), &snapshot)
    }

    #[test]
    fn use_counts_where_an_image_that_was_replaced_ends_unused() {
        let policy = "stages: {retired: {until: unused}}\n";
        let two = [image("1", "A", false), image("2", "A", false)];
        assert!(is_of_use(policy, &two, ""));
        assert!(!is_of_use(policy, &two, "B"), "nobody looks at it");
        assert!(
            !is_of_use(policy, &two[..1], ""),
            "there is the newest alone"
        );
        let fresh = [image("1", "A", false), image("2", "A", true)];
        assert!(!is_of_use(policy, &fresh, ""), "the second is no image yet");
        assert!(!is_of_use(
            "stages: {retired: {until: forever}}\n",
            &two,
            ""
        ));
    }

    #[test]
    fn use_counts_at_once_where_users_keep_seeing_an_image() {
        let policy = "stages: {retired: {visibility: shared, share: users, until: forever}}\n";
        assert!(is_of_use(policy, &[image("1", "A", false)], ""));
        assert!(!is_of_use(policy, &[], ""));
    }

    #[test]
    fn use_of_images_without_a_definition_counts_only_where_they_are_retired() {
        let gone = [image("1", "Gone", false)];
        let ends = "stages: {retired: {until: unused}}\n";
        assert!(!is_of_use(ends, &gone, ""));
        assert!(is_of_use(&format!("{ends}undefined: retire\n"), &gone, ""));
    }
}
