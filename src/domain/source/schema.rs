//! The keys of a source file, as serde reads them, and their way into values.

mod endoflife;
mod engine;
mod index;
mod proof;
mod raw;
mod sides;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Spanned;

use super::{Defaults, Infer, Mapping, Parameter, Source, TestedOn};
use crate::domain::finding::{Finding, Place};
use crate::domain::pattern::Pattern;
use crate::domain::template::{self, Escape, Variables};
use crate::domain::yaml::{self, place};
use index::Common;
use raw::{File, RawDefaults, RawInfer};

pub(super) fn parse(name: &str, file: &str, text: &str) -> Result<Source, Vec<Finding>> {
    let raw: File = yaml::read(file, text).map_err(|finding| vec![*finding])?;
    let mut reader = Reader {
        file,
        findings: Vec::new(),
        known: Variables::new(),
        outside: BTreeSet::new(),
        closed: BTreeMap::new(),
    };
    let source = reader.source(name, raw);
    if reader.findings.is_empty() {
        Ok(source)
    } else {
        Err(reader.findings)
    }
}

/// Turns raw values into valid ones and collects what is wrong with them.
struct Reader<'a> {
    file: &'a str,
    findings: Vec<Finding>,
    /// Every variable that a template may name at this point, with a value to try.
    known: Variables,
    /// Those of them that definitions tell: parameters, and what follows from them.
    outside: BTreeSet<String>,
    /// The only values of the parameters that do not take any.
    closed: BTreeMap<String, Vec<String>>,
}

impl Reader<'_> {
    fn refuse(&mut self, at: Place, message: impl Into<String>) {
        self.findings
            .push(Finding::error("source", message).at(self.file, at));
    }

    fn know(&mut self, names: impl IntoIterator<Item = String>) {
        self.known
            .extend(names.into_iter().map(|name| (name, "1".to_owned())));
    }

    fn source(&mut self, name: &str, raw: File) -> Source {
        self.outside = raw
            .parameters
            .keys()
            .chain(raw.map.keys())
            .cloned()
            .collect();
        self.know(self.outside.clone());
        for mapping in raw.map.values() {
            if !raw.parameters.contains_key(&mapping.of.value) {
                let message = format!(
                    "`of` names `{}`; expected one of the parameters",
                    mapping.of.value
                );
                self.refuse(place(&mapping.of), message);
            }
        }
        self.close(&raw.parameters, &raw.architectures);
        let redirect_hosts = self.hosts(raw.redirect_hosts);
        let endoflife = self.endoflife(raw.endoflife);
        let defaults = self.defaults(raw.defaults);
        let common = Common {
            checksum: raw.checksum.as_ref(),
            disk: raw.disk.as_ref(),
            signature: raw.signature.as_ref(),
            packages: raw.packages.as_ref(),
            release_notes: raw.release_notes.as_ref(),
            parameters: &raw.parameters,
            architectures: &raw.architectures,
        };
        let indexes: Vec<_> = raw
            .indexes
            .into_iter()
            .map(|index| self.index(index, &common))
            .collect();
        if indexes.is_empty() {
            self.refuse(
                Place { line: 1, column: 1 },
                "`indexes` is empty; expected where the upstream lists its builds",
            );
        }
        let infer = raw
            .infer
            .into_iter()
            .filter_map(|infer| self.infer(infer))
            .collect();
        let expected_every = self.days(raw.expected_every);
        let tested_on = self.tested_on(raw.tested_on);
        let unproven = self.reason(raw.unproven);
        Source {
            name: name.to_owned(),
            title: raw.title,
            parameters: raw
                .parameters
                .into_iter()
                .map(|(name, raw)| {
                    let raw = raw.unwrap_or_default();
                    (
                        name,
                        Parameter {
                            default: raw.default.map(|default| default.value),
                            values: raw.values,
                            known: raw.known,
                        },
                    )
                })
                .collect(),
            architectures: raw.architectures,
            map: raw
                .map
                .into_iter()
                .map(|(name, raw)| {
                    (
                        name,
                        Mapping {
                            of: raw.of.value,
                            values: raw.values,
                            default: raw.default,
                        },
                    )
                })
                .collect(),
            indexes: indexes.into_iter().flatten().collect(),
            infer,
            redirect_hosts,
            expected_every,
            defaults,
            endoflife,
            tested_on,
            unproven,
        }
    }

    fn tested_on(&mut self, raw: Option<Spanned<String>>) -> Option<TestedOn> {
        let raw = raw?;
        let known = [TestedOn::Capture, TestedOn::Sample];
        let tested_on = known.into_iter().find(|known| known.name() == raw.value);
        if tested_on.is_none() {
            self.refuse(
                place(&raw),
                format!(
                    "`tested_on` is `{}`; expected `capture` or `sample`",
                    raw.value
                ),
            );
        }
        tested_on
    }

    fn reason(&mut self, raw: Option<Spanned<String>>) -> Option<String> {
        let raw = raw?;
        if raw.value.trim().is_empty() {
            self.refuse(
                place(&raw),
                "`unproven` is empty; expected why the facts are not proven yet, or no such key",
            );
        }
        Some(raw.value)
    }

    fn infer(&mut self, raw: RawInfer) -> Option<Infer> {
        let at = place(&raw.pattern);
        let pattern = match Pattern::new(&raw.pattern.value) {
            Ok(pattern) => pattern,
            Err(error) => {
                self.refuse(
                    at,
                    format!(
                        "`match` is no regular expression: {}",
                        last_line(&error.to_string())
                    ),
                );
                return None;
            }
        };
        let names: Vec<String> = pattern
            .capture_names()
            .flatten()
            .map(str::to_owned)
            .collect();
        for name in names.iter().chain(raw.with.keys()) {
            if name != "version" && !self.known.contains_key(name) {
                self.refuse(
                    at,
                    format!(
                        "`{name}` is neither a parameter nor a mapped value nor the group `version`"
                    ),
                );
            }
        }
        for (name, value) in &raw.with {
            self.refuse_impossible("with", name, value);
        }
        let with = raw.with.into_iter();
        Some(Infer {
            pattern,
            with: with.map(|(name, value)| (name, value.value)).collect(),
        })
    }

    fn defaults(&mut self, raw: RawDefaults) -> Defaults {
        Defaults {
            name: raw.name.map(|name| self.template(name)),
            shortname: raw.shortname.map(|name| self.template(name)),
            format: raw.format,
            login: raw.login,
            min_disk: raw.min_disk,
            min_ram: raw.min_ram,
            meta: raw
                .meta
                .into_iter()
                .map(|(key, value)| (key, self.template(value)))
                .collect(),
        }
    }

    fn days(&mut self, raw: Option<Spanned<String>>) -> Option<u32> {
        let raw = raw?;
        let days = raw
            .value
            .strip_suffix('d')
            .and_then(|days| days.parse().ok());
        if days.is_none() {
            self.refuse(
                place(&raw),
                format!(
                    "`expected_every` is `{}`; expected days such as `30d`",
                    raw.value
                ),
            );
        }
        days
    }

    fn folder(&mut self, raw: Option<Spanned<String>>, key: &str, at: Place) -> Option<String> {
        let at = raw.as_ref().map_or(at, place);
        let url = self.needed(raw, key, at)?;
        if !url.starts_with("https://") || !url.ends_with('/') {
            self.refuse(
                at,
                format!(
                    "`{key}` is `{url}`; expected an https URL of a directory, with a slash at its end"
                ),
            );
        }
        Some(url)
    }

    fn needed(&mut self, raw: Option<Spanned<String>>, key: &str, at: Place) -> Option<String> {
        if raw.is_none() {
            self.refuse(at, format!("`{key}` is missing here"));
        }
        raw.map(|raw| self.template(raw))
    }

    /// A template that names only variables that there are.
    fn template(&mut self, raw: Spanned<String>) -> String {
        if let Err(error) = template::fill(&raw.value, &self.known, Escape::Nothing) {
            self.refuse(place(&raw), error.to_string());
        }
        raw.value
    }

    /// A pattern that compiles; its groups are variables from here on.
    fn pattern(
        &mut self,
        raw: Option<Spanned<String>>,
        key: &str,
        at: Place,
        versioned: bool,
    ) -> Option<String> {
        let Some(raw) = raw else {
            self.refuse(at, format!("`{key}` is missing here"));
            return None;
        };
        let at = place(&raw);
        let filled = match template::fill(&raw.value, &self.known, Escape::Regex) {
            Ok(filled) => filled,
            Err(error) => {
                self.refuse(at, error.to_string());
                return None;
            }
        };
        match Pattern::new(&filled) {
            Ok(pattern) => {
                let names: Vec<String> = pattern
                    .capture_names()
                    .flatten()
                    .map(str::to_owned)
                    .collect();
                if versioned && !names.iter().any(|name| name == "version") {
                    self.refuse(
                        at,
                        format!("`{key}` has no group `version`; expected `(?<version>…)` in it"),
                    );
                }
                self.know(names);
                Some(raw.value)
            }
            Err(error) => {
                self.refuse(
                    at,
                    format!(
                        "`{key}` is no regular expression: {}",
                        last_line(&error.to_string())
                    ),
                );
                None
            }
        }
    }
}

/// The crate's messages draw the pattern first; the reason stands last.
fn last_line(message: &str) -> &str {
    message
        .lines()
        .last()
        .unwrap_or(message)
        .trim_start_matches("error: ")
}

#[cfg(test)]
mod tests;
