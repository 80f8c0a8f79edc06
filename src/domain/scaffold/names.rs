//! What a new definition is called, so that no two of one source share a name.

use std::collections::BTreeMap;

use super::{USUAL_ARCHITECTURE, value};
use crate::domain::overview::rank;
use crate::domain::source::Source;
use crate::domain::template;

/// The names of a definition, and what they must mention so that two definitions do not share one.
pub(super) struct Names {
    /// Template of the catalogue name.
    pub(super) name: String,
    /// Template of the short one.
    pub(super) shortname: String,
    /// Parameters that are not at their usual value: name, value, and the variables that tell it too.
    unusual: Vec<(String, String, Vec<String>)>,
}

impl Names {
    pub(super) fn of(source: &Source, said: &BTreeMap<String, String>) -> Self {
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
    pub(super) fn beside(
        &self,
        template: &str,
        separator: &str,
        write: fn(&str) -> String,
    ) -> String {
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

pub(super) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
