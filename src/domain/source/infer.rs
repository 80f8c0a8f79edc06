//! An image's URL → the source that tracks it, and with which parameters.

use std::collections::BTreeMap;

use super::Source;

/// What a URL tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inferred {
    /// The parameters, in the words of definitions.
    pub parameters: BTreeMap<String, String>,
    /// The upstream's name of the build, where the URL has it.
    pub version: Option<String>,
}

/// Several sources know one image, and nobody can tell which of them is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{url}` is known to the sources {sources}; say which one tracks the image with `upstream: {{from: …}}`"
)]
pub struct AmbiguousUrl {
    /// The image.
    pub url: String,
    /// Their names.
    pub sources: String,
}

/// The one source that tracks an image, by its URL, and what that tells. Fails with [`AmbiguousUrl`].
pub fn infer<'a>(
    sources: &'a [Source],
    url: &str,
) -> Result<Option<(&'a Source, Inferred)>, AmbiguousUrl> {
    let mut known: Vec<_> = sources
        .iter()
        .filter_map(|source| Some((source, source.infer(url)?)))
        .collect();
    if known.len() > 1 {
        let names = known.iter().map(|(source, _)| format!("`{}`", source.name));
        return Err(AmbiguousUrl {
            url: url.to_owned(),
            sources: names.collect::<Vec<_>>().join(" and "),
        });
    }
    Ok(known.pop())
}

impl Source {
    /// Reads the parameters from an image's URL; nothing if the image is not this source's.
    pub fn infer(&self, url: &str) -> Option<Inferred> {
        self.infer.iter().find_map(|infer| {
            let captures = infer.pattern.captures(url)?;
            let mut parameters = infer.with.clone();
            let mut version = None;
            let mut mapped = Vec::new();
            for name in infer.pattern.capture_names().flatten() {
                let Some(value) = captures.name(name) else {
                    continue;
                };
                let value = value.as_str();
                if name == "version" {
                    version = Some(value.to_owned());
                } else if name == "arch" {
                    parameters.insert(name.to_owned(), self.architecture(value)?);
                } else if self.parameters.contains_key(name) {
                    parameters.insert(name.to_owned(), value.to_owned());
                } else {
                    mapped.push((name, value));
                }
            }
            for (name, value) in mapped {
                self.follow_back(&mut parameters, name, value)?;
            }
            // Parameters that do not fit are another upstream's business.
            self.variables(&parameters).ok()?;
            Some(Inferred {
                parameters,
                version,
            })
        })
    }

    /// Our word for an architecture.
    fn architecture(&self, upstream: &str) -> Option<String> {
        if self.architectures.is_empty() {
            return Some(upstream.to_owned());
        }
        self.architectures
            .iter()
            .find(|(_, theirs)| *theirs == upstream)
            .map(|(ours, _)| ours.clone())
    }

    /// From a mapped value, such as a codename, to its parameter, unless the URL says that too.
    fn follow_back(
        &self,
        parameters: &mut BTreeMap<String, String>,
        name: &str,
        value: &str,
    ) -> Option<()> {
        let mapping = self.map.get(name)?;
        let of = mapping
            .values
            .iter()
            .find(|(_, mapped)| *mapped == value)
            .map(|(of, _)| of.clone());
        match (parameters.get(&mapping.of), of) {
            (Some(said), Some(of)) => (*said == of).then_some(()),
            // A release newer than our table: its codename is said beside it.
            (Some(_), None) => {
                parameters.insert(name.to_owned(), value.to_owned());
                Some(())
            }
            (None, Some(of)) => {
                parameters.insert(mapping.of.clone(), of);
                Some(())
            }
            (None, None) => None,
        }
    }
}
