//! Stages that no image ever reaches or leaves as they say, and definitions that do not fit their policy.

use super::Scope;
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::policy::{self, Policy, PolicyOverride, StageName, Until};

/// Everything of a policy's stages that means nothing, at the place where a person wrote it.
pub fn check(definition: &Definition, scope: &Scope) -> Vec<Finding> {
    let layers = policy::layers(definition, &scope.policies);
    let Ok(policy) = policy::resolve(definition.multi, &layers) else {
        return Vec::new();
    };
    let stages = [
        ends(&policy),
        unreachable(&policy),
        unrotated(definition, &policy),
    ];
    let stages = stages.concat().into_iter().map(|wrong| {
        let finding = Finding::error(wrong.rule, wrong.message);
        let writer = layers
            .iter()
            .rev()
            .find(|layer| names(layer, wrong.stage) || names(layer, wrong.other));
        match writer.and_then(|layer| layer.origin.as_ref()) {
            Some(origin) => finding.at(&origin.file, origin.at),
            None => finding.at(&definition.file, definition.at),
        }
        .image(&definition.name)
    });
    stages.chain(demands(definition, &policy)).collect()
}

/// Something wrong with a stage, or with two.
#[derive(Clone)]
struct Wrong {
    rule: &'static str,
    stage: Named,
    other: Named,
    message: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Named {
    Staged,
    Published(StageName),
}

fn names(layer: &PolicyOverride, stage: Named) -> bool {
    match stage {
        Named::Staged => layer.stages.staged.is_some(),
        Named::Published(stage) => layer
            .stages
            .named()
            .iter()
            .any(|(name, written)| *name == stage && written.is_some()),
    }
}

/// Ends that a stage cannot have.
fn ends(policy: &Policy) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut refuse = |stage: Named, message: String| {
        wrong.push(Wrong {
            rule: "stage-end",
            stage,
            other: stage,
            message,
        });
    };
    let staged = policy.staged.until.iter().flatten();
    if staged
        .into_iter()
        .any(|until| matches!(until, Until::Unused | Until::Forever))
    {
        let message = "the stage `staged` ends with `unused` or `forever`, but nobody sees an image before it is published; \
                       expected `proven` or `booted`";
        refuse(Named::Staged, message.to_owned());
    }
    for (index, stage) in policy.stages.iter().enumerate() {
        let named = Named::Published(stage.stage);
        if index == 0 && stage.exits.ends() {
            let message = "the stage `latest` has an end, but it ends only when a newer version replaces it; move `keep`, `for` and \
                           `until` to `older` or `retired`";
            refuse(named, message.to_owned());
        }
        let until = &stage.exits.until;
        if until.contains(&Until::Proven) || until.contains(&Until::Booted) {
            let message = format!(
                "the stage `{}` ends with `proven` or `booted`, which every published image is; expected `unused` or `forever` here, \
                 or the word in `staged`",
                stage.stage
            );
            refuse(named, message);
        }
        if until.contains(&Until::Forever)
            && (stage.exits.keep.is_some() || stage.exits.stay.is_some() || until.len() > 1)
        {
            let message = format!(
                "the stage `{}` ends with `forever` and something else, but all of them must hold, so it never ends; remove \
                 `forever` or the rest",
                stage.stage
            );
            refuse(named, message);
        }
    }
    wrong
}

/// Stages behind one that never ends.
fn unreachable(policy: &Policy) -> Vec<Wrong> {
    let pairs = policy.stages.windows(2).skip(1);
    let stuck = pairs.filter(|pair| policy.rotate && !pair[0].exits.ends());
    stuck
        .map(|pair| Wrong {
            rule: "unreachable-stage",
            stage: Named::Published(pair[1].stage),
            other: Named::Published(pair[0].stage),
            message: format!(
                "no image ever reaches the stage `{}`, since `{}` before it never ends; give that one `keep`, `for` or `until: unused`, \
                 or remove this one",
                pair[1].stage, pair[0].stage
            ),
        })
        .collect()
}

/// Stages of a definition's own that never rotates.
fn unrotated(definition: &Definition, policy: &Policy) -> Vec<Wrong> {
    // The settings' words are meant for those that rotate.
    let own = definition.policy.as_ref().filter(|_| !policy.rotate);
    let own = own.into_iter().flat_map(|own| own.stages.named());
    own.filter(|(name, stage)| *name != StageName::Latest && stage.is_some())
        .map(|(name, _)| Wrong {
            rule: "unreachable-stage",
            stage: Named::Published(name),
            other: Named::Published(name),
            message: format!(
                "no image ever reaches the stage `{name}`, since without rotation every version stays `latest`; say `rotate: true`, \
                 or remove the stage"
            ),
        })
        .collect()
}

/// Property values without which the definition does not fit the policy.
fn demands(definition: &Definition, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (key, allowed) in &policy.demands {
        let of_versions = definition
            .versions
            .iter()
            .filter_map(|version| Some((version.meta.get(key)?, version.at)));
        let of_image = definition.meta.get(key).map(|value| {
            let at = definition.meta_at.get(key).copied();
            (value, at.unwrap_or(definition.at))
        });
        let expected = || format!("one of `{}`", allowed.join("`, `"));
        let said: Vec<_> = of_image.into_iter().chain(of_versions).collect();
        let refuse = |at, message| {
            Finding::error("demanded", message)
                .at(&definition.file, at)
                .image(&definition.name)
        };
        if said.is_empty() {
            let message = format!(
                "the policy asks for the property `{key}`, and the definition has none; expected {}; add it to `meta`",
                expected()
            );
            findings.push(refuse(definition.at, message));
        }
        let others = said
            .into_iter()
            .filter(|(value, _)| !allowed.contains(*value));
        findings.extend(others.map(|(value, at)| {
            let message = format!(
                "`{key}` is `{value}`, which the policy cannot keep; expected {}; change it, or the policy",
                expected()
            );
            refuse(at, message)
        }));
    }
    findings
}
