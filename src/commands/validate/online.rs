//! `validate --online`: asks the upstreams whether what is pinned still holds, and whether their lists are to be believed.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{join, join_all};

use crate::commands::online;
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::freshness;
use crate::domain::pinned::Asked;
use crate::domain::report::printable;
use crate::domain::source::Source;
use crate::settings::Settings;
use crate::upstream::{Upstream, UpstreamError};

/// How many answers come between two lines of progress.
const STEP: usize = 25;

/// What upstreams say of all definitions, and of how many versions they were asked. Fails if no client can be made.
pub(super) async fn findings(
    settings: &Settings,
    definitions: &[Definition],
    sources: Vec<Source>,
) -> anyhow::Result<(Vec<Finding>, usize)> {
    let upstream = Upstream::new(settings, sources)?;
    let looked_at: Vec<_> = definitions
        .iter()
        .filter(|definition| definition.enable && settings.looks_at(&definition.name))
        .collect();
    let count = looked_at
        .iter()
        .map(|definition| definition.versions.len())
        .sum();
    tracing::info!("asking the upstreams of {count} versions");
    let answered = AtomicUsize::new(0);
    let done = || {
        let answered = answered.fetch_add(1, Ordering::Relaxed) + 1;
        if answered.is_multiple_of(STEP) && answered < count {
            tracing::info!("{answered} of {count} answered");
        }
    };
    let verify = |definition| settings.asked_of(definition).verify;
    let asked = looked_at.iter().map(|definition| async {
        let (newest, pinned) = join(
            newest(&upstream, settings, definition),
            online::pinned(
                &upstream,
                definition,
                Asked::ForItself,
                verify(definition),
                done,
            ),
        )
        .await;
        let pinned = pinned.into_iter().flat_map(|(_, findings)| findings);
        newest.into_iter().chain(pinned).collect::<Vec<_>>()
    });
    let (asked, lines) =
        online::with_lines(&upstream, settings, definitions, join_all(asked)).await;
    let mut findings = asked.concat();
    findings.extend(lines);
    let mut findings = freshness::without_explained(findings);
    // Index and manifest may both tell of one change.
    let mut seen = std::collections::BTreeSet::new();
    findings.retain(|finding| {
        let place = (finding.file.clone(), finding.line, finding.column);
        finding.rule != "digest-changed" || seen.insert(place)
    });
    Ok((findings, count))
}

/// What is odd about the list in which the newest build stands. A new build is none of that: `update` tells of it.
async fn newest(upstream: &Upstream, settings: &Settings, definition: &Definition) -> Vec<Finding> {
    let wanted = definition.upstream.as_ref();
    let order = wanted.and_then(|upstream| upstream.order);
    let at = wanted.map_or(definition.at, |upstream| upstream.at);
    let error = |rule, message| {
        let finding = Finding::error(rule, message);
        vec![finding.at(&definition.file, at).image(&definition.name)]
    };
    let unknown = |reason: &UpstreamError| {
        let reason = printable(&reason.to_string());
        error(
            "could-not-ask",
            format!("the newest build is not known: {reason}"),
        )
    };
    let tracked = match upstream.tracked(definition) {
        Ok(Some(tracked)) => tracked,
        // Who tracks nothing has nothing to be asked; a source that there is not is told without asking.
        Ok(None) | Err(UpstreamError::NoSource { .. }) => return Vec::new(),
        Err(reason) => return unknown(&reason),
    };
    let asked = settings.asked_of(definition);
    match upstream.newest(&tracked, order, asked.verify).await {
        // Nothing is fetched here: of a build that only its bytes prove nothing is said before it is pinned.
        Ok(newest) => match online::listed(
            definition,
            &newest,
            newest.proof.told(),
            tracked.source,
            settings,
        ) {
            Ok(Some((_, findings))) => findings,
            Ok(None) => Vec::new(),
            Err(reason) => error("name-taken", printable(&reason.to_string())),
        },
        Err(failure) => match failure.error {
            UpstreamError::NoSource { .. } | UpstreamError::Parameters(_) => Vec::new(),
            reason if reason.is_unasked() => unknown(&reason),
            reason => {
                let reason = printable(&online::refusal(&reason, asked));
                error(
                    "unproven",
                    format!("the newest build cannot be proven: {reason}"),
                )
            }
        },
    }
}
