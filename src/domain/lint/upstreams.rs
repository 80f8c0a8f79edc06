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
    let source = sources.iter().find(|source| source.name == upstream.from);
    let message = if let Some(source) = source {
        let fits = source.variables(&upstream.parameters);
        let fits = fits.and_then(|_| source.index(&upstream.parameters));
        format!("`upstream` cannot be used: {}", fits.err()?)
    } else {
        let known: Vec<_> = sources
            .iter()
            .map(|one| format!("`{}`", one.name))
            .collect();
        format!(
            "there is no source `{0}`; expected one of {1}, or a file `{0}.yml` in your folder of sources",
            upstream.from,
            known.join(", ")
        )
    };
    Some(warning(definition, upstream.at, "upstream", message))
}
