//! Presets: the habits of real clouds as files, embedded by being there.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::PolicyOverride;
use crate::domain::finding::Finding;
use crate::domain::yaml;

/// Names and texts of the files of `presets/`, by name.
pub const PRESETS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/presets.rs"));

/// The preset of who names none.
pub const DEFAULT: &str = "osism";

/// What one file of `presets/` says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    /// For definitions with `multi: true`.
    #[serde(default)]
    multi: PolicyOverride,
    /// For the others.
    #[serde(default)]
    single: PolicyOverride,
}

/// The presets by name, each read once: every definition asks for its own in every cloud.
static READ: LazyLock<BTreeMap<&str, Result<Preset, Box<Finding>>>> = LazyLock::new(|| {
    let read = |(name, text): &(&'static str, &str)| {
        let preset = yaml::read(&format!("presets/{name}.yml"), text);
        (*name, preset)
    };
    PRESETS.iter().map(read).collect()
});

/// The policy of a preset.
///
/// # Errors
/// A finding that names an unknown preset, or a file that cannot be read.
pub fn read(name: &str, multi: bool) -> Result<PolicyOverride, Box<Finding>> {
    let Some(preset) = READ.get(name) else {
        let known: Vec<_> = READ.keys().map(|name| format!("`{name}`")).collect();
        return Err(Box::new(Finding::error(
            "unknown-preset",
            format!(
                "policy preset `{name}` does not exist; expected one of {}",
                known.join(", ")
            ),
        )));
    };
    let preset = preset.as_ref().map_err(Clone::clone)?;
    let of_kind = if multi { &preset.multi } else { &preset.single };
    Ok(of_kind.clone())
}
