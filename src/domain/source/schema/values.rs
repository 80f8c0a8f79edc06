//! Values that can never be: of parameters that take only some, and of hosts.

use std::collections::BTreeMap;

use serde_saphyr::Spanned;

use super::Reader;
use super::raw::RawParameter;
use crate::domain::yaml::place;

impl Reader<'_> {
    /// Learns which parameters take only some values, and whether their defaults are among them.
    pub(super) fn close(
        &mut self,
        parameters: &BTreeMap<String, Option<RawParameter>>,
        architectures: &BTreeMap<String, String>,
    ) {
        for (name, raw) in parameters {
            let Some(raw) = raw else { continue };
            if !raw.values.is_empty() {
                self.closed.insert(name.clone(), raw.values.clone());
            }
        }
        if !architectures.is_empty() {
            let ours = architectures.keys().cloned().collect();
            self.closed.entry("arch".to_owned()).or_insert(ours);
        }
        for (name, raw) in parameters {
            if let Some(default) = raw.as_ref().and_then(|raw| raw.default.as_ref()) {
                self.refuse_impossible("default", name, default);
            }
        }
    }

    /// What names a value that a parameter never has is never true.
    pub(super) fn refuse_impossible(
        &mut self,
        key: &str,
        parameter: &str,
        value: &Spanned<String>,
    ) {
        let Some(values) = self.closed.get(parameter) else {
            return;
        };
        if !values.contains(&value.value) {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            let message = format!(
                "`{key}` says `{}` of `{parameter}`; expected one of {}",
                value.value,
                values.join(", ")
            );
            self.refuse(place(value), message);
        }
    }

    /// Names of hosts, and no URLs.
    pub(super) fn hosts(&mut self, raw: Vec<Spanned<String>>) -> Vec<String> {
        let is_host = |text: &str| {
            let is_letter =
                |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
            !text.is_empty() && text.chars().all(is_letter)
        };
        for host in &raw {
            if !is_host(&host.value) {
                let message = format!(
                    "`redirect_hosts` names `{}`; expected the name of a host such as `mirror.example`",
                    host.value
                );
                self.refuse(place(host), message);
            }
        }
        raw.into_iter().map(|host| host.value).collect()
    }
}
