//! Definitions that no source can track: `update` would fail for them.

use super::warning;
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::source::Source;

pub(super) fn check(definition: &Definition, sources: &[Source]) -> Option<Finding> {
    let upstream = definition.upstream.as_ref()?;
    // Where the user's own sources cannot be read, that is said, and nobody knows what there would be.
    if sources.is_empty() {
        return None;
    }
    let message = match sources.iter().find(|source| source.name == upstream.from) {
        Some(source) => {
            let fits = source.variables(&upstream.parameters);
            let error = fits
                .and_then(|_| source.index(&upstream.parameters))
                .err()?;
            format!("`upstream` cannot be used: {error}")
        }
        None => {
            let known: Vec<_> = sources
                .iter()
                .map(|source| format!("`{}`", source.name))
                .collect();
            format!(
                "there is no source `{}`; expected one of {}, or a file `{}.yml` in your folder of sources",
                upstream.from,
                known.join(", "),
                upstream.from
            )
        }
    };
    Some(warning(definition, upstream.at, "upstream", message))
}
