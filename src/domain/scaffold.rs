//! A source and its parameters → the text of a new definition, complete and in line with the SCS standard.
//!
//! What differs between distributions stands in the source's `defaults`; what is common to all stands here, once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::edit;
use super::overview::rank;
use super::source::{ParameterError, Source};
use super::template::{self, Escape, TemplateError};

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

/// The names of a definition, and what they must mention so that two definitions do not share one.
struct Names {
    name: String,
    shortname: String,
    /// Parameters that are not at their usual value: name, value, and the variables that tell it too.
    unusual: Vec<(String, String, Vec<String>)>,
}

impl Names {
    fn of(source: &Source, said: &BTreeMap<String, String>) -> Self {
        let has_release = source.parameters.contains_key("release");
        let name = source.defaults.name.clone().unwrap_or_else(|| {
            let release = if has_release { " {release}" } else { "" };
            format!("{}{release}", source.title)
        });
        let shortname = source.defaults.shortname.clone().unwrap_or_else(|| {
            let release = if has_release { "-{release}" } else { "" };
            format!("{}{release}", source.name)
        });
        let mut unusual: Vec<_> = source
            .parameters
            .iter()
            .filter_map(|(name, parameter)| {
                let value = value(source, said, name)?;
                let usual = if name == "arch" {
                    USUAL_ARCHITECTURE
                } else {
                    parameter.default.as_deref()?
                };
                let told_by = source.map.iter().filter(|(_, mapping)| mapping.of == *name);
                let told_by = told_by.map(|(variable, _)| variable.clone());
                let told_by = std::iter::once(name.clone()).chain(told_by).collect();
                (value != usual).then(|| (name.clone(), value.to_owned(), told_by))
            })
            .collect();
        // As catalogues have it: the variant after the release, the architecture at the end.
        unusual.sort_by_key(|(name, ..)| rank(name));
        Self {
            name,
            shortname,
            unusual,
        }
    }

    /// What is unusual and not mentioned by the template.
    fn beside(&self, template: &str, separator: &str, write: fn(&str) -> String) -> String {
        let mentioned = template::variables(template);
        let words = self.unusual.iter().filter(|(_, _, told_by)| {
            !told_by
                .iter()
                .any(|variable| mentioned.contains(&variable.as_str()))
        });
        words.fold(String::new(), |text, (name, value, _)| {
            let word = if name == "arch" {
                value.clone()
            } else {
                write(value)
            };
            text + separator + &word
        })
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Image properties in the order in which they are written.
struct Meta(Vec<(String, String)>);

impl Meta {
    /// Sets a property, at the place that it has already; an empty value takes it out.
    fn set(&mut self, key: &str, value: String) {
        let at = self.0.iter().position(|(known, _)| known == key);
        match (at, value.is_empty()) {
            (Some(at), true) => drop(self.0.remove(at)),
            (Some(at), false) => self.0[at].1 = value,
            (None, true) => {}
            (None, false) => self.0.push((key.to_owned(), value)),
        }
    }

    fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(known, _)| known == key)
    }
}

/// What every image has, whatever the distribution: the mandatory properties of scs-0102, and how a KVM guest of this
/// architecture is built (<https://docs.openstack.org/glance/latest/admin/useful-image-properties.html>).
fn common_properties(
    source: &Source,
    said: &BTreeMap<String, String>,
    architecture: Option<&str>,
) -> Meta {
    let architecture = architecture.unwrap_or(USUAL_ARCHITECTURE);
    // Glance and Nova know no levels of an architecture such as `x86_64_v3`.
    let family = architecture.split("_v").next().unwrap_or(architecture);
    let machine: &[(&str, &str)] = match family {
        "x86_64" => &[("hw_watchdog_action", "reset")],
        // These machines have no BIOS to boot from.
        "aarch64" => &[("hw_firmware_type", "uefi"), ("hw_machine_type", "virt")],
        _ => &[],
    };
    let mut meta = Meta(Vec::new());
    let mut put = |key: &str, value: &str| meta.set(key, value.to_owned());
    put("architecture", family);
    put("hw_disk_bus", "scsi");
    put("hw_scsi_model", "virtio-scsi");
    put("hw_rng_model", "virtio");
    for (key, value) in machine {
        put(key, value);
    }
    put("hypervisor_type", "qemu");
    put("os_type", "linux");
    put("os_distro", &source.name.to_lowercase());
    if source
        .parameters
        .get("release")
        .is_some_and(|release| release.default.is_none())
    {
        put(
            "os_version",
            value(source, said, "release").unwrap_or_default(),
        );
    }
    put("os_purpose", purpose(source, said));
    put("replace_frequency", replace_frequency(source));
    put("uuid_validity", &format!("last-{VERSIONS}"));
    put("provided_until", "none");
    meta
}

/// One image of a distribution, release and architecture may be `generic` (scs-0102), so only the usual one is.
fn purpose(source: &Source, said: &BTreeMap<String, String>) -> &'static str {
    let mut unusual = source.parameters.iter().filter_map(|(name, parameter)| {
        let usual = parameter.default.as_deref()?;
        let value = value(source, said, name)?;
        (name != "arch" && value != usual).then_some(value)
    });
    let is_level = value(source, said, "arch").is_some_and(|arch| arch.contains("_v"));
    match unusual.next() {
        None if !is_level => "generic",
        Some("minimal") => "minimal",
        _ => "custom",
    }
}

/// The strongest promise that the upstream's own rhythm lets an operator keep, with half of the time to spare.
fn replace_frequency(source: &Source) -> &'static str {
    match source.expected_every {
        Some(days) if days <= 60 => "quarterly",
        Some(days) if days <= 240 => "yearly",
        _ => "never",
    }
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
    for (key, value) in &meta.0 {
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
