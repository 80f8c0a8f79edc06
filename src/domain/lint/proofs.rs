//! Definitions of which no image could ever be uploaded, since nobody signs what their policy wants signed.

use super::warning;
use crate::domain::attested::Verify;
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::policy::{Asked, By};
use crate::domain::source::{self, Source};

pub(super) fn check(
    definition: &Definition,
    sources: &[Source],
    asked: Asked<'_>,
) -> Option<Finding> {
    // Where the user's own sources cannot be read, that is said, and nobody knows what they sign.
    if asked.verify != Verify::SignatureRequired || sources.is_empty() || !definition.enable {
        return None;
    }
    let (by, at) = match signing(definition, sources)? {
        Signing::Source(name) => (
            format!("the upstream of source `{name}` signs nothing"),
            definition.upstream.as_ref().map(|upstream| upstream.at),
        ),
        Signing::NoSource => (
            "no source knows this image, so nobody signs it".to_owned(),
            None,
        ),
    };
    let less = match asked.by {
        By::Settings => "set `verify: signature` in reglaze.yml",
        By::Policy(_) => "set `policy: {verify: signature}` at the definition",
    };
    let message = format!(
        "{by}, and {} asks for `signature-required`, so no version of it can be uploaded; {less}, if the review of a checksum \
         is enough for it",
        asked.by
    );
    Some(warning(
        definition,
        at.unwrap_or(definition.at),
        "never-proven",
        message,
    ))
}

/// Why nobody signs.
enum Signing<'a> {
    Source(&'a str),
    NoSource,
}

/// Nothing, if somebody signs, or it cannot be told.
fn signing<'a>(definition: &Definition, sources: &'a [Source]) -> Option<Signing<'a>> {
    if let Some(upstream) = &definition.upstream {
        let source = sources.iter().find(|one| one.name == upstream.from)?;
        let index = source.index(&upstream.parameters).ok()?;
        return (!index.signs_digest()).then_some(Signing::Source(&source.name));
    }
    let urls = definition
        .versions
        .iter()
        .filter_map(|version| version.url.as_deref())
        .chain(definition.latest_url.as_deref());
    let mut unsigned = Signing::NoSource;
    let mut count = 0;
    for url in urls {
        count += 1;
        if let Some((source, inferred)) = source::infer(sources, url).ok()? {
            if source.index(&inferred.parameters).ok()?.signs_digest() {
                return None;
            }
            unsigned = Signing::Source(&source.name);
        }
    }
    // A definition without any URL is not finished.
    (count > 0).then_some(unsigned)
}
