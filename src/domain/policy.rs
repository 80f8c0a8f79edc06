//! Policy as data: what an image looks like in each stage of its life, and when it moves on.
//!
//! Presets are files of `presets/`; keys that a user writes beside `preset` are merged over it, per stage and key.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::finding::Finding;
use super::snapshot::Visibility;
use super::yaml;

/// The presets that the binary carries: name and text.
const PRESETS: [(&str, &str); 1] = [("osism", include_str!("../../presets/osism.yml"))];

/// What one file of `presets/` says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    #[serde(default)]
    multi: PolicyOverride,
    #[serde(default)]
    single: PolicyOverride,
}

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
    /// Tag templates, beside the mark and the definition's tags.
    pub tags: Option<Vec<String>>,
    /// Property templates, beside the definition's.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// The stages of an image that is published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stages {
    /// The newest.
    pub latest: Option<Stage>,
    /// Replaced, still in default lists under its own name.
    pub older: Option<Stage>,
    /// Kept for those who know its UUID.
    pub retired: Option<Stage>,
}

/// What an image looks like in a stage. What a stage does not set stays as in the stage before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The name, a template.
    pub name: Option<String>,
    /// The widest visibility that it may have here; the definition's is the ceiling.
    pub visibility: Option<Visibility>,
    /// Whether default lists leave it out.
    pub hidden: Option<bool>,
    /// Property values that are replaced here: property → from → to.
    #[serde(default)]
    pub replace: BTreeMap<String, BTreeMap<String, String>>,
    /// How many of the newest stay in this stage; absent: all.
    pub keep: Option<usize>,
    /// When it moves on, beside `keep`.
    pub until: Option<Until>,
}

/// The end of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// It never ends.
    Forever,
}

/// A policy with every key decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether older versions leave the latest stage.
    pub rotate: bool,
    /// The stages in their order, each with what it keeps from those before; the last holds all that is left.
    pub stages: Vec<Stage>,
    /// Tag templates.
    pub tags: Vec<String>,
    /// Property templates.
    pub properties: BTreeMap<String, String>,
}

/// Decides the policy of an image: the preset, then the settings' words, then the definition's.
///
/// # Errors
/// A finding that names an unknown preset, or a preset file that cannot be read.
pub fn resolve(multi: bool, overrides: &[&PolicyOverride]) -> Result<Policy, Box<Finding>> {
    let name = overrides
        .iter()
        .rev()
        .find_map(|one| one.preset.as_deref())
        .unwrap_or("osism");
    let Some((_, text)) = PRESETS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<_> = PRESETS
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        return Err(Box::new(Finding::error(
            "unknown-preset",
            format!(
                "policy preset `{name}` does not exist; expected one of {}",
                known.join(", ")
            ),
        )));
    };
    let preset: Preset = yaml::read(&format!("presets/{name}.yml"), text)?;
    let mut merged = if multi { preset.multi } else { preset.single };
    for one in overrides {
        merged.merge(one);
    }
    Ok(merged.decided())
}

impl PolicyOverride {
    fn merge(&mut self, over: &Self) {
        self.rotate = over.rotate.or(self.rotate);
        if let Some(tags) = &over.tags {
            self.tags = Some(tags.clone());
        }
        self.properties.extend(over.properties.clone());
        for (stage, over) in [
            (&mut self.stages.latest, &over.stages.latest),
            (&mut self.stages.older, &over.stages.older),
            (&mut self.stages.retired, &over.stages.retired),
        ] {
            if let Some(over) = over {
                let under = stage.take().unwrap_or_default();
                *stage = Some(over.clone().over(under));
            }
        }
    }

    fn decided(self) -> Policy {
        let Stages {
            latest,
            older,
            retired,
        } = self.stages;
        let latest = latest.unwrap_or_default();
        let mut stages = vec![Stage {
            name: latest.name.or_else(|| Some("{name}".to_owned())),
            ..latest
        }];
        for stage in [older, retired].into_iter().flatten() {
            let before = Stage {
                keep: None,
                until: None,
                ..stages.last().cloned().unwrap_or_default()
            };
            stages.push(stage.over(before));
        }
        Policy {
            rotate: self.rotate.unwrap_or(true),
            stages,
            tags: self.tags.unwrap_or_default(),
            properties: self.properties,
        }
    }
}

impl Stage {
    /// This stage's words, where it has none those of `under`.
    fn over(self, under: Self) -> Self {
        let mut replace = under.replace;
        replace.extend(self.replace);
        Self {
            name: self.name.or(under.name),
            visibility: self.visibility.or(under.visibility),
            hidden: self.hidden.or(under.hidden),
            replace,
            keep: self.keep.or(under.keep),
            until: self.until.or(under.until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_osism_preset_keeps_three_under_a_name_and_the_rest_as_community() {
        let policy = resolve(true, &[]).unwrap();
        assert!(policy.rotate);
        let names: Vec<_> = policy
            .stages
            .iter()
            .map(|stage| stage.name.as_deref().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "{name}",
                "{name}{separator}({version})",
                "{name}{separator}({version})"
            ]
        );
        assert_eq!(policy.stages[1].keep, Some(2));
        assert_eq!(policy.stages[2].visibility, Some(Visibility::Community));
        assert_eq!(policy.stages[2].keep, None);
    }

    #[test]
    fn a_single_image_never_rotates() {
        let policy = resolve(false, &[]).unwrap();
        assert!(!policy.rotate);
        assert_eq!(
            policy.stages[0].name.as_deref(),
            Some("{name}{separator}{version}")
        );
    }

    #[test]
    fn a_users_word_counts_per_stage_and_key() {
        let own: PolicyOverride =
            yaml::read("reglaze.yml", "stages: {older: {keep: 5}}\ntags: [mine]\n").unwrap();
        let policy = resolve(true, &[&own]).unwrap();
        assert_eq!(policy.stages[1].keep, Some(5));
        assert_eq!(
            policy.stages[1].name.as_deref(),
            Some("{name}{separator}({version})")
        );
        assert_eq!(policy.tags, ["mine"]);
    }

    #[test]
    fn an_unknown_preset_is_named() {
        let own: PolicyOverride = yaml::read("reglaze.yml", "preset: osim\n").unwrap();
        assert!(
            resolve(true, &[&own])
                .unwrap_err()
                .message
                .contains("`osim`")
        );
    }
}
