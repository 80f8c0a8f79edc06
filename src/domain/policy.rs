//! Policy as data: what an image looks like in each stage of its life, and when it moves on.
//!
//! Presets are files of `presets/`; keys that a user writes beside `preset` are merged over it, per stage and key.

mod asked;
mod exits;
mod preset;
mod stage;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::attested::Verify;
use super::definition::Definition;
use super::finding::{Finding, Place};
use super::version::Order;
use super::yaml;
pub use asked::{Asked, By, asked};
pub use exits::{Days, Exits, Until};
pub use stage::{Share, ShareWith, Stage, StageName, Staged, Stages};

/// A policy as a user writes it: every key may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyOverride {
    /// The preset to start from.
    pub preset: Option<String>,
    /// Stages by name.
    #[serde(default)]
    pub stages: Stages,
    /// False: every version has the latest stage.
    pub rotate: Option<bool>,
    /// How versions are ordered, where the definition does not say.
    pub order: Option<Order>,
    /// How much proof an upload needs; the stricter of this and the setting counts.
    pub verify: Option<Verify>,
    /// Tag templates, beside the mark and the definition's tags.
    pub tags: Option<Vec<String>>,
    /// Property templates, beside the definition's.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Property templates that are filled at publishing and never compared afterwards.
    #[serde(default)]
    pub properties_once: BTreeMap<String, String>,
    /// True: after publishing only changes of stage are made; other drift is a finding.
    pub immutable: Option<bool>,
    /// What becomes of attributes of ours that people changed by hand.
    pub drift: Option<Drift>,
    /// What becomes of images whose definition is gone or disabled.
    pub undefined: Option<Undefined>,
    /// How long a project that uses an image no more still sees it.
    pub share_grace: Option<Days>,
    /// Property values without which a definition does not fit the policy.
    #[serde(default)]
    pub demands: BTreeMap<String, Vec<String>>,
    /// Where a person wrote it; a preset has no such place.
    #[serde(skip)]
    pub origin: Option<Origin>,
}

/// Where a policy was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, as findings name it.
    pub file: String,
    /// Where its block begins.
    pub at: Place,
}

/// What becomes of attributes of ours that people changed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drift {
    /// They are set again.
    #[default]
    Repair,
    /// They are told and left as they are.
    Report,
}

/// What becomes of images of ours whose definition is gone or disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Undefined {
    /// They stay as they are.
    #[default]
    Keep,
    /// They get the last stage.
    Retire,
}

/// A policy with every key decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether older versions leave the latest stage.
    pub rotate: bool,
    /// How versions are ordered, where the definition does not say.
    pub order: Option<Order>,
    /// How much proof an upload needs at least.
    pub verify: Option<Verify>,
    /// What a new image must have passed before it is published.
    pub staged: Staged,
    /// The published stages in their order, each with what it keeps from those before. After the last comes the end.
    pub stages: Vec<Stage>,
    /// Tag templates.
    pub tags: Vec<String>,
    /// Property templates.
    pub properties: BTreeMap<String, String>,
    /// Property templates of the moment of publishing.
    pub properties_once: BTreeMap<String, String>,
    /// Whether only changes of stage are made after publishing.
    pub immutable: bool,
    /// What becomes of changes by hand.
    pub drift: Drift,
    /// What becomes of images without a definition.
    pub undefined: Undefined,
    /// How long a project that uses an image no more still sees it.
    pub share_grace: Days,
    /// Property values without which a definition does not fit.
    pub demands: BTreeMap<String, Vec<String>>,
}

/// Everything that is said about an image's policy, the weakest first: the settings' words, then the definition's own.
pub fn layers<'a>(
    definition: &'a Definition,
    settings: &[&'a PolicyOverride],
) -> Vec<&'a PolicyOverride> {
    settings.iter().copied().chain(&definition.policy).collect()
}

/// Decides the policy of a definition's images under the settings' words.
///
/// # Errors
/// As [`resolve`].
pub fn of(definition: &Definition, settings: &[&PolicyOverride]) -> Result<Policy, Box<Finding>> {
    resolve(definition.multi, &layers(definition, settings))
}

/// Decides a policy: the preset, then what is said over it, the weakest first.
///
/// # Errors
/// A finding that names an unknown preset, or a preset file that cannot be read.
pub fn resolve(multi: bool, overrides: &[&PolicyOverride]) -> Result<Policy, Box<Finding>> {
    let name = overrides.iter().rev().find_map(|one| one.preset.as_deref());
    let mut merged = preset::read(name.unwrap_or(preset::DEFAULT), multi)?;
    for one in overrides {
        merged.merge(one);
    }
    Ok(merged.decided())
}

impl PolicyOverride {
    /// A policy that a person wrote, with its place.
    pub fn written(file: &str, policy: Spanned<Self>) -> Self {
        Self {
            origin: Some(Origin {
                file: file.to_owned(),
                at: yaml::place(&policy),
            }),
            ..policy.value
        }
    }

    fn merge(&mut self, over: &Self) {
        self.rotate = over.rotate.or(self.rotate);
        self.order = over.order.or(self.order);
        self.verify = over.verify.or(self.verify);
        self.immutable = over.immutable.or(self.immutable);
        self.drift = over.drift.or(self.drift);
        self.undefined = over.undefined.or(self.undefined);
        self.share_grace = over.share_grace.or(self.share_grace);
        if let Some(tags) = &over.tags {
            self.tags = Some(tags.clone());
        }
        self.properties.extend(over.properties.clone());
        self.properties_once.extend(over.properties_once.clone());
        self.demands.extend(over.demands.clone());
        self.stages.merge(&over.stages);
    }

    fn decided(self) -> Policy {
        Policy {
            rotate: self.rotate.unwrap_or(true),
            order: self.order,
            verify: self.verify,
            staged: self.stages.staged.clone().unwrap_or_default(),
            stages: self.stages.decided(),
            tags: self.tags.unwrap_or_default(),
            properties: self.properties,
            properties_once: self.properties_once,
            immutable: self.immutable.unwrap_or(false),
            drift: self.drift.unwrap_or_default(),
            undefined: self.undefined.unwrap_or_default(),
            share_grace: self.share_grace.unwrap_or(Days(14)),
            demands: self.demands,
        }
    }
}

impl Policy {
    /// Whether decisions depend on who uses images: the cloud must then be asked.
    pub fn asks_for_use(&self) -> bool {
        let asks = |stage: &Stage| {
            stage.exits.until.contains(&Until::Unused)
                || stage.share.as_ref().is_some_and(Share::is_of_users)
        };
        self.stages.iter().any(asks) || self.ends()
    }

    /// How a definition's versions are ordered: its own word counts before the policy's.
    pub fn order_of(&self, definition: &Definition) -> Order {
        let own = definition
            .upstream
            .as_ref()
            .and_then(|upstream| upstream.order);
        own.or(self.order).unwrap_or_default()
    }

    /// Whether images are deleted in the end.
    pub fn ends(&self) -> bool {
        self.rotate && self.stages.last().is_some_and(|stage| stage.exits.ends())
    }
}

#[cfg(test)]
mod tests;
