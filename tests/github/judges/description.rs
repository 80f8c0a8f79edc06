//! What Prism does not look at: parameters of the query that GitHub does not have.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::super::fake::log::Entry;

pub struct Description(Value);

impl Description {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read(path).expect("the description that `tests/github/up` made");
        Self(serde_json::from_slice(&text).expect("JSON"))
    }

    /// A sentence for each parameter of a request's query that is not described.
    pub fn unknown_parameters(&self, entry: &Entry) -> Vec<String> {
        let Some(known) = self.parameters(entry) else {
            return vec!["not among the operations of tests/github/trim.py".to_owned()];
        };
        let unknown = entry
            .query
            .keys()
            .filter(|name| !known.contains(name.as_str()));
        unknown
            .map(|name| format!("no parameter `{name}` in the query"))
            .collect()
    }

    fn parameters(&self, entry: &Entry) -> Option<BTreeSet<&str>> {
        let path = entry
            .target
            .split('?')
            .next()
            .unwrap_or_default()
            .trim_end_matches('/');
        let parts: Vec<_> = path.split('/').collect();
        let fits = |template: &str| {
            let template: Vec<_> = template.split('/').collect();
            template.len() == parts.len()
                && template
                    .iter()
                    .zip(&parts)
                    .all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
        };
        // Those with more fixed words come first: `issues/comments` is no number of an issue.
        let mut paths: Vec<_> = self.0["paths"]
            .as_object()?
            .iter()
            .filter(|(template, _)| fits(template))
            .collect();
        paths.sort_by_key(|(template, _)| template.matches('{').count());
        let operation = paths
            .iter()
            .find_map(|(_, path)| path.get(entry.method.to_lowercase()))?;
        let resolved = |parameter: &'_ Value| -> Option<&str> {
            let value = match parameter["$ref"].as_str() {
                Some(reference) => self.0.pointer(reference.trim_start_matches('#'))?,
                None => operation["parameters"]
                    .as_array()?
                    .iter()
                    .find(|one| *one == parameter)?,
            };
            (value["in"] == "query").then(|| value["name"].as_str())?
        };
        Some(
            operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(resolved)
                .collect(),
        )
    }
}
