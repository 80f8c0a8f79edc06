//! Policies that cannot be used for a definition.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::Scope;
use crate::domain::definition::{Computed, Definition, Version};
use crate::domain::finding::Finding;
use crate::domain::policy::{self, Policy, PolicyOverride};
use crate::domain::template::Variables;
use crate::domain::wanted::{self, Scene};

pub(super) fn check(definition: &Definition, scopes: &[Scope]) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What is wrong for all clouds is said once, not for each.
    let mut said = BTreeSet::new();
    for scope in scopes {
        let settings = scope.policies.iter().map(|policy| (*policy, false));
        let own = definition.policy.iter().map(|policy| (policy, true));
        let mut wrong: Vec<Finding> = settings
            .chain(own)
            .flat_map(|(policy, own)| widening(definition, policy, own))
            .collect();
        match policy::of(definition, &scope.policies) {
            Ok(policy) => {
                wrong.extend(untried(definition, &policy, scope));
                wrong.extend(unfillable(definition, &policy));
            }
            Err(finding) => wrong.push(*finding),
        }
        for finding in wrong {
            if said.insert(finding.message.clone()) {
                let finding = finding
                    .at(&definition.file, definition.at)
                    .image(&definition.name);
                findings.push(match scope.cloud {
                    Some(cloud) => finding.cloud(cloud),
                    None => finding,
                });
            }
        }
    }
    findings
}

/// A stage only narrows what the definition says. A preset's words are narrowed silently; a person's are a mistake.
fn widening(definition: &Definition, policy: &PolicyOverride, own: bool) -> Vec<Finding> {
    let whose = if own {
        "its policy"
    } else {
        "the settings' policy"
    };
    let mut wrong = Vec::new();
    for (name, stage) in policy.stages.named() {
        let Some(stage) = stage else { continue };
        if let Some(visibility) = stage
            .visibility
            .filter(|wider| *wider > definition.visibility)
        {
            let message = format!(
                "{whose} makes `{}` {} in the stage `{name}`, but the definition says {}; a stage may only narrow, so widen the \
                 definition or remove that word",
                definition.name,
                visibility.as_str(),
                definition.visibility.as_str()
            );
            wrong.push(Finding::error("widening", message));
        }
        let hidden = |version: &&Version| version.hidden == Some(true);
        if let (Some(false), Some(version)) =
            (stage.hidden, definition.versions.iter().find(hidden))
        {
            let message = format!(
                "{whose} shows `{}` in the stage `{name}`, but its version `{}` says `hidden: true`; a stage may only narrow, so \
                 remove one of the two words",
                definition.name, version.version
            );
            wrong.push(Finding::error("widening", message));
        }
    }
    wrong
}

/// A server is to be started first, and the settings do not say how.
fn untried(definition: &Definition, policy: &Policy, scope: &Scope) -> Option<Finding> {
    (definition.enable && policy.staged.boots() && !scope.tries).then(|| {
        let message = format!(
            "the policy publishes a new image of `{}` only after a server was started from it (`until: booted`), but the settings do \
             not say how; set `boot: {{flavor: …}}` or the stage `staged: {{until: proven}}`",
            definition.name
        );
        Finding::error("boot-unset", message)
    })
}

/// Templates with variables that do not exist or formats that do not fit. Each is tried as `plan` will fill it.
fn unfillable(definition: &Definition, policy: &Policy) -> Vec<Finding> {
    let sample;
    let versions = if definition.versions.is_empty() {
        sample = [future(definition)];
        sample.as_slice()
    } else {
        definition.versions.as_slice()
    };
    let scene = Scene {
        definition,
        policy,
        mark: "",
        newest: Some(&definition.name),
        run: &Variables::new(),
        uploaded: None,
    };
    let mut wrong = Vec::new();
    for version in versions {
        for stage in &policy.stages {
            let filled = wanted::wanted(&scene, version, stage, None);
            if let Err(error) = filled {
                wrong.push(Finding::error("template", error.to_string()));
            }
        }
    }
    wrong
}

/// The version that `update` will write into an empty list, as far as templates care.
pub(super) fn future(definition: &Definition) -> Version {
    Version {
        at: definition.versions_at,
        version: "1".to_owned(),
        url: None,
        url_at: definition.versions_at,
        mirrors: Vec::new(),
        checksum: None,
        checksum_at: definition.versions_at,
        disk_checksum: None,
        computed: Computed::default(),
        checksum_url: None,
        checksums_url: None,
        build_date: Some(NaiveDate::default()),
        os_version: None,
        visibility: None,
        hidden: None,
        meta: std::collections::BTreeMap::new(),
        source: None,
        id: None,
        image_description: None,
        manifest: None,
        signed_by: None,
    }
}
