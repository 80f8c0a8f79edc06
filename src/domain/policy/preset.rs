//! Presets: the habits of real clouds as files, embedded by being there.

use serde::Deserialize;

use super::PolicyOverride;
use crate::domain::finding::Finding;
use crate::domain::yaml;

/// Names and texts of the files of `presets/`, by name.
pub const PRESETS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/presets.rs"));

/// The preset of who names none.
pub const DEFAULT: &str = "osism";

/// What one file of `presets/` says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    /// For definitions with `multi: true`.
    #[serde(default)]
    multi: PolicyOverride,
    /// For the others.
    #[serde(default)]
    single: PolicyOverride,
}

/// The policy of a preset.
///
/// # Errors
/// A finding that names an unknown preset, or a file that cannot be read.
pub fn read(name: &str, multi: bool) -> Result<PolicyOverride, Box<Finding>> {
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
    Ok(if multi { preset.multi } else { preset.single })
}
