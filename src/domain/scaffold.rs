//! A source and its parameters → the text of a new definition, complete and in line with the SCS standard.
//!
//! What differs between distributions stands in the source's `defaults`; what is common to all stands here, once.

mod names;
mod properties;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::edit;
use super::overview::rank;
use super::source::{ParameterError, Source};
use super::template::{self, Escape, TemplateError};
use names::{Names, capitalised};
use properties::{Meta, common_properties};

/// How many versions a new definition keeps in its file; `uuid_validity` promises as many.
const VERSIONS: u32 = 3;

/// For sources that do not say what their images need.
const MIN_DISK: u64 = 10;
const MIN_RAM: u64 = 1024;

/// The architecture that a name does not mention, since it is what people expect.
const USUAL_ARCHITECTURE: &str = "x86_64";

/// A new definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaffold {
    /// Its catalogue name.
    pub name: String,
    /// Its lines as an entry of a list `images`, indented by two.
    pub entry: String,
    /// The text of a file that holds nothing else.
    pub file: String,
}

/// A definition cannot be made of what was said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScaffoldError {
    /// Parameters that the source needs were not said.
    #[error("source `{source_name}` needs {parameters}")]
    Missing {
        /// The source.
        source_name: String,
        /// Each with the flag that says it and the values that are known.
        parameters: String,
    },
    /// The upstream's word for an architecture was said, not ours.
    #[error("`arch` is `{said}`, which is what {title} calls it; say --arch {ours}")]
    Architecture {
        /// The source's title.
        title: String,
        /// What was said.
        said: String,
        /// Glance's word.
        ours: String,
    },
    /// A parameter does not fit.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A default of the source cannot be filled.
    #[error("`defaults` of source `{source_name}`: {cause}")]
    Template {
        /// The source.
        source_name: String,
        /// Why.
        cause: Box<TemplateError>,
    },
}

/// Makes a definition that `source` tracks with the parameters in `said`.
///
/// `name` replaces the name that source and parameters give. Fails with [`ScaffoldError`].
pub fn scaffold(
    source: &Source,
    said: &BTreeMap<String, String>,
    name: Option<&str>,
) -> Result<Scaffold, ScaffoldError> {
    refuse_missing(source, said)?;
    refuse_foreign_architecture(source, said)?;
    let mut variables = source.variables(said)?;
    source.index(said)?;
    // In the words of definitions: `aarch64`, where the upstream says `arm64`.
    let architecture = value(source, said, "arch").map(str::to_owned);
    if let Some(architecture) = &architecture {
        variables.insert("arch".to_owned(), architecture.clone());
    }
    let fill = |text: &str| {
        template::fill(text, &variables, Escape::Nothing).map_err(|cause| ScaffoldError::Template {
            source_name: source.name.clone(),
            cause: Box::new(cause),
        })
    };
    let names = Names::of(source, said);
    let name = match name {
        Some(name) => name.to_owned(),
        None => fill(&names.name)? + &names.beside(&names.name, " ", capitalised),
    };
    let shortname = fill(&names.shortname)? + &names.beside(&names.shortname, "-", str::to_owned);
    let mut meta = common_properties(source, said, architecture.as_deref());
    for (key, value) in &source.defaults.meta {
        meta.set(key, fill(value)?);
    }
    let entry = entry(source, said, &name, &shortname, &meta);
    let whole = format!(
        "# {}.\n# `versions: []` is filled by `reglaze update --write`.\n---\nimages:\n{entry}",
        source.title.trim_end_matches('.')
    );
    Ok(Scaffold {
        name,
        entry,
        file: whole,
    })
}

fn refuse_missing(source: &Source, said: &BTreeMap<String, String>) -> Result<(), ScaffoldError> {
    let missing: Vec<_> = source
        .parameters
        .iter()
        .filter(|(name, parameter)| parameter.default.is_none() && !said.contains_key(*name))
        .map(|(name, _)| wish(source, name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(ScaffoldError::Missing {
        source_name: source.name.clone(),
        parameters: missing.join(" and "),
    })
}

/// `--release RELEASE (known are …)`: how a parameter is said, and what may stand there.
fn wish(source: &Source, name: &str) -> String {
    let flag = flag(name);
    let values = source.known_values(name);
    let is_closed = name == "arch" || !source.parameters[name].values.is_empty();
    match values.as_slice() {
        [] => format!("`{flag}{}`", name.to_uppercase()),
        values => {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            let word = if is_closed { "one of" } else { "such as" };
            format!(
                "`{flag}{}`, {word} {}",
                name.to_uppercase(),
                values.join(", ")
            )
        }
    }
}

/// The flag by which a parameter is said, up to its value.
pub fn flag(parameter: &str) -> String {
    match parameter {
        "release" | "arch" | "stream" | "variant" => format!("--{parameter} "),
        other => format!("--set {other}="),
    }
}

fn refuse_foreign_architecture(
    source: &Source,
    said: &BTreeMap<String, String>,
) -> Result<(), ScaffoldError> {
    let Some(said) = said.get("arch") else {
        return Ok(());
    };
    let ours = source
        .architectures
        .iter()
        .find(|(ours, theirs)| *theirs == said && *ours != said);
    match ours {
        Some((ours, _)) if !source.architectures.contains_key(said) => {
            Err(ScaffoldError::Architecture {
                title: source.title.clone(),
                said: said.clone(),
                ours: ours.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// A parameter as it was said, or its default.
fn value<'a>(
    source: &'a Source,
    said: &'a BTreeMap<String, String>,
    name: &str,
) -> Option<&'a str> {
    let parameter = source.parameters.get(name)?;
    said.get(name)
        .or(parameter.default.as_ref())
        .map(String::as_str)
}

fn entry(
    source: &Source,
    said: &BTreeMap<String, String>,
    name: &str,
    shortname: &str,
    meta: &Meta,
) -> String {
    let defaults = &source.defaults;
    let mut lines = Lines(String::new());
    lines.pair("  - name", name);
    lines.pair("    shortname", shortname);
    lines.raw("    enable: true");
    lines.pair("    format", defaults.format.as_deref().unwrap_or("qcow2"));
    // The standard's word for an image to which nobody logs in by name.
    lines.pair("    login", defaults.login.as_deref().unwrap_or("none"));
    lines.raw(&format!(
        "    min_disk: {}",
        defaults.min_disk.unwrap_or(MIN_DISK)
    ));
    lines.raw(&format!(
        "    min_ram: {}",
        defaults.min_ram.unwrap_or(MIN_RAM)
    ));
    lines.raw("    status: active");
    lines.raw("    visibility: public");
    lines.raw("    multi: true");
    lines.raw("    meta:");
    for (key, value) in meta.iter() {
        lines.pair(&format!("      {key}"), value);
    }
    lines.raw("    tags: []");
    lines.raw("    upstream:");
    lines.pair("      from", &source.name);
    let mut parameters: Vec<_> = said.iter().collect();
    let architecture = value(source, said, "arch").map(str::to_owned);
    let arch = "arch".to_owned();
    if let Some(architecture) = &architecture
        && !said.contains_key("arch")
    {
        parameters.push((&arch, architecture));
    }
    parameters.sort_by_key(|(name, _)| rank(name));
    for (key, value) in parameters {
        lines.pair(&format!("      {key}"), value);
    }
    lines.raw(&format!("      versions: {VERSIONS}"));
    if !meta.has("os_version") {
        // A rolling distribution has no version but that of each build.
        lines.raw("    policy:");
        lines.raw("      properties:");
        lines.raw("        os_version: '{version}'");
    }
    lines.raw("    versions: []");
    lines.0
}

struct Lines(String);

impl Lines {
    fn raw(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn pair(&mut self, key: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{key}: {}", edit::written(value));
    }
}

#[cfg(test)]
mod tests;
