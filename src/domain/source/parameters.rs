//! What a definition says of its source → the values that templates and patterns take.

use std::collections::{BTreeMap, BTreeSet};

use super::{Digest, Engine, Form, Index, Signature, Source};
use crate::domain::signature::Fingerprint;
use crate::domain::template::{self, Escape, TemplateError, Variables};
use crate::domain::version::Order;

/// The API, the files of releases, and where both redirect to.
const GITHUB: [&str; 4] = [
    "api.github.com",
    "github.com",
    "objects.githubusercontent.com",
    "release-assets.githubusercontent.com",
];

/// A pinned key, and where it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin<'a> {
    /// The signature that names it.
    pub signature: &'a Signature,
    /// Its fingerprint.
    pub fingerprint: &'a Fingerprint,
    /// Values for the template of its URL.
    pub variables: Variables,
}

/// What a definition says does not fit its source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// Needed, and not said.
    #[error("source `{source_name}` needs `{parameter}`; add it to `upstream`")]
    Missing {
        /// The source.
        source_name: String,
        /// The parameter.
        parameter: String,
    },
    /// The source has no such parameter.
    #[error("source `{source_name}` knows no parameter `{parameter}`; it knows {known}")]
    Unknown {
        /// The source.
        source_name: String,
        /// What was said.
        parameter: String,
        /// What there is.
        known: String,
    },
    /// A value that the source does not have.
    #[error("`{parameter}` is `{value}`; source `{source_name}` has {expected}")]
    Value {
        /// The source.
        source_name: String,
        /// The parameter.
        parameter: String,
        /// What was said.
        value: String,
        /// What there is.
        expected: String,
    },
    /// No list of builds is for these parameters.
    #[error("source `{source_name}` lists nothing for {parameters}")]
    NoIndex {
        /// The source.
        source_name: String,
        /// The parameters.
        parameters: String,
    },
    /// Keys are named for other values only.
    #[error(
        "source `{source_name}` names no key for {parameters}; add it to `keys_by` of its `signature`"
    )]
    NoKey {
        /// The source.
        source_name: String,
        /// The parameters by which it names keys.
        parameters: String,
    },
    /// A value that follows from a parameter is not known.
    #[error(
        "source `{source_name}` does not know `{variable}` for `{of}` `{value}`; add `{variable}` to `upstream`"
    )]
    Unmapped {
        /// The source.
        source_name: String,
        /// The value that is missing.
        variable: String,
        /// The parameter from which it follows.
        of: String,
        /// That parameter's value.
        value: String,
    },
    /// A template could not be filled.
    #[error("source `{source_name}`: {cause}")]
    Template {
        /// The source.
        source_name: String,
        /// Why.
        cause: Box<TemplateError>,
    },
}

impl Source {
    /// The variables for templates: every parameter, said or by default, and what follows from them.
    ///
    /// A value that follows from a parameter may also be said itself: releases come faster than our tables.
    /// Fails with [`ParameterError`].
    pub fn variables(&self, said: &BTreeMap<String, String>) -> Result<Variables, ParameterError> {
        let mut variables = Variables::new();
        for (name, value) in said {
            if !self.parameters.contains_key(name) && !self.map.contains_key(name) {
                return Err(ParameterError::Unknown {
                    source_name: self.name.clone(),
                    parameter: name.clone(),
                    known: quoted(self.parameters.keys().chain(self.map.keys())),
                });
            }
            if !is_harmless(value) {
                return Err(self.bad_value(
                    name,
                    value,
                    "only letters, digits, dots, dashes and underscores in it".to_owned(),
                ));
            }
        }
        for (name, parameter) in &self.parameters {
            let Some(value) = said.get(name).or(parameter.default.as_ref()) else {
                return Err(ParameterError::Missing {
                    source_name: self.name.clone(),
                    parameter: name.clone(),
                });
            };
            if !parameter.values.is_empty() && !parameter.values.contains(value) {
                return Err(self.bad_value(name, value, quoted(&parameter.values)));
            }
            let value = if name == "arch" && !self.architectures.is_empty() {
                self.architectures
                    .get(value)
                    .ok_or_else(|| self.bad_value(name, value, quoted(self.architectures.keys())))?
            } else {
                value
            };
            variables.insert(name.clone(), value.clone());
        }
        for (name, mapping) in &self.map {
            let of = self.said_or_default(said, &mapping.of);
            let value = said
                .get(name)
                .or_else(|| of.and_then(|of| mapping.values.get(of)))
                .or(mapping.default.as_ref());
            if let Some(value) = value {
                variables.insert(name.clone(), value.clone());
            }
        }
        Ok(variables)
    }

    /// The values of a parameter that the source knows, oldest release first: all that it may be, else those that are listed
    /// for whoever chooses one, else all that the source mentions anywhere. Nothing, where it mentions none.
    pub fn known_values(&self, name: &str) -> Vec<String> {
        if name == "arch" && !self.architectures.is_empty() {
            return self.architectures.keys().cloned().collect();
        }
        let Some(parameter) = self.parameters.get(name) else {
            return Vec::new();
        };
        if !parameter.values.is_empty() {
            return parameter.values.clone();
        }
        let mut mentioned: BTreeSet<&String> = parameter.known.iter().collect();
        if mentioned.is_empty() {
            let of_maps = self.map.values().filter(|mapping| mapping.of == name);
            mentioned.extend(of_maps.flat_map(|mapping| mapping.values.keys()));
            for index in &self.indexes {
                mentioned.extend(index.when.get(name));
                let signature = index.signature.as_ref();
                let by_value = signature.and_then(|signature| signature.keys_by.get(name));
                mentioned.extend(by_value.into_iter().flat_map(BTreeMap::keys));
            }
        }
        mentioned.extend(&parameter.default);
        let mut values: Vec<String> = mentioned.into_iter().cloned().collect();
        values.sort_by(|one, other| Order::Natural.compare(one, other));
        values
    }

    /// The list of builds that is asked for these parameters. Fails with [`ParameterError`].
    pub fn index(&self, said: &BTreeMap<String, String>) -> Result<&Index, ParameterError> {
        let holds = |index: &&Index| {
            index
                .when
                .iter()
                .all(|(name, value)| self.said_or_default(said, name) == Some(value))
        };
        self.indexes
            .iter()
            .find(holds)
            .ok_or_else(|| ParameterError::NoIndex {
                source_name: self.name.clone(),
                parameters: self
                    .parameters
                    .keys()
                    .filter_map(|name| {
                        Some(format!("{name} `{}`", self.said_or_default(said, name)?))
                    })
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// Fills a template of this source, or says which value is missing. Fails with [`ParameterError`].
    pub fn fill(
        &self,
        template: &str,
        variables: &Variables,
        escape: Escape,
    ) -> Result<String, ParameterError> {
        template::fill(template, variables, escape).map_err(|cause| {
            if let TemplateError::Unknown { variable, .. } = &cause
                && let Some(mapping) = self.map.get(variable)
            {
                return ParameterError::Unmapped {
                    source_name: self.name.clone(),
                    variable: variable.clone(),
                    value: variables.get(&mapping.of).cloned().unwrap_or_default(),
                    of: mapping.of.clone(),
                };
            }
            ParameterError::Template {
                source_name: self.name.clone(),
                cause: Box::new(cause),
            }
        })
    }

    /// The fingerprints that count with these variables. Fails with [`ParameterError`] if there are none.
    pub fn pinned(
        &self,
        signature: &Signature,
        variables: &Variables,
    ) -> Result<Vec<Fingerprint>, ParameterError> {
        let pinned = signature.pinned(variables);
        if pinned.is_empty() {
            let names = signature.keys_by.keys();
            let parameters = names.map(|name| {
                let value = variables.get(name).map_or("", String::as_str);
                format!("{name} `{value}`")
            });
            return Err(ParameterError::NoKey {
                source_name: self.name.clone(),
                parameters: parameters.collect::<Vec<_>>().join(", "),
            });
        }
        Ok(pinned)
    }

    /// Every pinned key, once, with the values for which it counts as far as they are known without a definition.
    pub fn pins(&self) -> Vec<Pin<'_>> {
        let mut seen = BTreeSet::new();
        let mut pins = Vec::new();
        for index in &self.indexes {
            let Some(signature) = &index.signature else {
                continue;
            };
            let by_value = signature.keys_by.iter().flat_map(|(name, by_value)| {
                by_value.iter().flat_map(move |(value, keys)| {
                    keys.iter().map(move |key| (key, Some((name, value))))
                })
            });
            let all = signature.keys.iter().map(|key| (key, None)).chain(by_value);
            for (fingerprint, by) in all {
                if seen.insert(fingerprint) {
                    let mut said = index.when.clone();
                    said.extend(by.map(|(name, value)| (name.clone(), value.clone())));
                    pins.push(Pin {
                        signature,
                        fingerprint,
                        variables: self.known_without_a_definition(said),
                    });
                }
            }
        }
        pins
    }

    /// What is said, the defaults, and what follows from both.
    fn known_without_a_definition(&self, said: Variables) -> Variables {
        let mut variables = said;
        for (name, parameter) in &self.parameters {
            if let Some(default) = &parameter.default {
                variables
                    .entry(name.clone())
                    .or_insert_with(|| default.clone());
            }
        }
        for (name, mapping) in &self.map {
            let followed = variables
                .get(&mapping.of)
                .and_then(|of| mapping.values.get(of))
                .or(mapping.default.as_ref());
            if let Some(value) = followed.cloned() {
                variables.entry(name.clone()).or_insert(value);
            }
        }
        variables
    }

    /// Where a key is published. Fails with [`ParameterError`].
    pub fn key_url(
        &self,
        signature: &Signature,
        variables: &Variables,
        fingerprint: &Fingerprint,
    ) -> Result<String, ParameterError> {
        let mut variables = variables.clone();
        variables.insert("fingerprint".to_owned(), fingerprint.to_string());
        self.fill(&signature.key_url, &variables, Escape::Nothing)
    }

    /// The hosts from which documents may come: those of the source's URLs with these variables, and `redirect_hosts`.
    pub fn hosts(&self, index: &Index, variables: &Variables) -> BTreeSet<String> {
        let mut urls: Vec<&String> = Vec::new();
        let mut fixed: &[&str] = &[];
        match &index.engine {
            Engine::Pointed => {}
            Engine::Simplestreams { mirror, .. } => urls.push(mirror),
            Engine::Listing { url, .. } | Engine::Json { url, .. } => urls.push(url),
            Engine::Github { .. } => fixed = &GITHUB,
        }
        urls.extend(index.pointer.as_ref().map(|pointer| &pointer.url));
        if let Digest::Manifest { url, .. } = &index.checksum {
            urls.push(url);
        }
        urls.extend(&index.images);
        urls.extend(index.sides.urls());
        if let Some(signature) = &index.signature {
            urls.push(&signature.key_url);
            if let Form::Detached { url } = &signature.form {
                urls.push(url);
            }
        }
        // A template that begins with a placeholder, as `{folder}SHA256SUMS`, follows another one.
        urls.into_iter()
            .filter_map(|url| host(url))
            .filter_map(|host| template::fill(host, variables, Escape::Nothing).ok())
            .chain(fixed.iter().map(|host| (*host).to_owned()))
            .chain(self.redirect_hosts.iter().cloned())
            .map(|host| host.to_ascii_lowercase())
            .collect()
    }

    /// The hosts from which a key may come.
    pub fn key_hosts(&self, signature: &Signature, variables: &Variables) -> BTreeSet<String> {
        host(&signature.key_url)
            .and_then(|host| template::fill(host, variables, Escape::Nothing).ok())
            .into_iter()
            .chain(self.redirect_hosts.iter().cloned())
            .map(|host| host.to_ascii_lowercase())
            .collect()
    }

    fn said_or_default<'a>(
        &'a self,
        said: &'a BTreeMap<String, String>,
        name: &str,
    ) -> Option<&'a String> {
        said.get(name)
            .or_else(|| self.parameters.get(name)?.default.as_ref())
    }

    fn bad_value(&self, parameter: &str, value: &str, expected: String) -> ParameterError {
        ParameterError::Value {
            source_name: self.name.clone(),
            parameter: parameter.to_owned(),
            value: value.to_owned(),
            expected,
        }
    }
}

/// The host of a URL template, without port; nothing if a placeholder stands before it.
fn host(template: &str) -> Option<&str> {
    let rest = template.strip_prefix("https://")?;
    let host = rest.split('/').next()?;
    Some(host.split(':').next().unwrap_or(host))
}

/// Values go into URLs and patterns: nothing there may begin another part of a URL.
fn is_harmless(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with('.')
        && value
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | '+' | '~'))
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
