//! Whether an upstream's list of builds is one to believe: not older than what was seen before, not still for longer
//! than it ever is, not the same bytes under a new name.
//!
//! What was seen before is what the definitions pin: a person reviewed it. The cache is never evidence.

use chrono::{Datelike, NaiveDate};

use super::definition::{Definition, Version};
use super::finding::Finding;
use super::index::Candidate;
use super::report::printable;
use super::select::{Selection, same_form};
use super::version::Order;

/// The newest build that an upstream lists, and what it is held against.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// The build.
    pub newest: &'a Candidate,
    /// How builds order.
    pub order: Order,
    /// In days, how often the source expects a new one.
    pub expected_every: Option<u32>,
}

/// Rollback, freeze and twins. `build_of` gives the upstream's name of the build that a URL belongs to.
pub fn findings(
    definition: &Definition,
    selection: &Selection,
    listed: Listed,
    today: NaiveDate,
    build_of: impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    let known = match selection {
        Selection::Known { at, .. } => definition.versions.get(*at),
        Selection::Older { .. } | Selection::New(_) => None,
    };
    // A twin of an older version must not look like the end of the list.
    known
        .and_then(|known| twin(definition, known, listed.newest, build_of))
        .or_else(|| {
            let newest = missing(definition, selection, listed.order)?;
            Some(rollback(definition, newest, listed.newest))
        })
        .or_else(|| frozen(definition, known?, listed, today))
        .into_iter()
        .collect()
}

/// The newest pinned version, if the upstream's list ends before it.
pub fn missing<'a>(
    definition: &'a Definition,
    selection: &Selection,
    order: Order,
) -> Option<&'a Version> {
    match selection {
        Selection::New(_) => None,
        Selection::Older { newest } => definition.versions.get(*newest),
        Selection::Known { at, .. } => {
            let known = definition.versions.get(*at)?;
            let newest = newest(definition, order)?;
            let is_later = order.compare(&known.version, &newest.version).is_lt()
                && same_form(&known.version, &newest.version);
            // Names that contradict the dates of their builds are another matter, and `validate` speaks of it.
            let contradicts = built(known)
                .zip(built(newest))
                .is_some_and(|(known, newest)| newest <= known);
            (is_later && !contradicts).then_some(newest)
        }
    }
}

/// The newest pinned version by its name.
pub fn newest(definition: &Definition, order: Order) -> Option<&Version> {
    definition
        .versions
        .iter()
        .filter(|version| !version.is_moving())
        .max_by(|left, right| order.compare(&left.version, &right.version))
}

/// When a version was built: what it says, else the date with which its name begins.
pub fn built(version: &Version) -> Option<NaiveDate> {
    let name = version.version.as_str();
    let begins = |length, format| {
        let date = NaiveDate::parse_from_str(name.get(..length)?, format).ok()?;
        (1990..2100).contains(&date.year()).then_some(date)
    };
    version
        .build_date
        .or_else(|| begins(8, "%Y%m%d"))
        .or_else(|| begins(10, "%Y-%m-%d"))
}

/// An error, though a mirror that lags may be the cause: what is pinned went through a review, and that takes longer
/// than mirrors lag. So the upstream has withdrawn a build, or somebody serves an old list; both need a person, and
/// nothing else would tell, since an old list under a good signature looks well.
fn rollback(definition: &Definition, pinned: &Version, listed: &Candidate) -> Finding {
    let message = format!(
        "`{}` ends with build `{}` now, but version `{}` is pinned, so a newer one was listed and proven before: either the \
         upstream has withdrawn it, or an old list is served to you; ask the upstream, and if it was withdrawn remove the \
         version, else look for the mirror or proxy in between; nothing was changed",
        printable(&listed.told_by),
        printable(&listed.build),
        pinned.version
    );
    Finding::error("rollback", message)
        .at(&definition.file, pinned.at)
        .image(&definition.name)
}

fn frozen(
    definition: &Definition,
    known: &Version,
    listed: Listed,
    today: NaiveDate,
) -> Option<Finding> {
    let expected = listed.expected_every?;
    let date = built(known).or(listed.newest.build_date)?;
    let days = (today - date).num_days();
    if days <= i64::from(expected) {
        return None;
    }
    let message = format!(
        "the newest build is still `{}` of {date}, {days} days ago, and one is expected every {expected} days: look at the \
         upstream's site whether its builds have stopped or moved, and whether a mirror or proxy serves you an old list; \
         `expected_every` in the source says what to expect",
        known.version
    );
    Some(
        Finding::warning("frozen", message)
            .at(&definition.file, known.at)
            .image(&definition.name),
    )
}

/// A build with the bytes of another one. A second URL of one build is none.
fn twin(
    definition: &Definition,
    known: &Version,
    listed: &Candidate,
    build_of: impl Fn(&str) -> Option<String>,
) -> Option<Finding> {
    let url = known.url.as_deref().filter(|url| *url != listed.url)?;
    let build = build_of(url)?;
    if build == listed.build {
        return None;
    }
    let message = format!(
        "the upstream's build `{}` at `{}` has the digest of version `{}`, which is build `{}`: one of the two was published \
         wrongly, so nothing was added; ask the upstream which one, or wait for its next build",
        printable(&listed.build),
        printable(&listed.url),
        known.version,
        printable(&build)
    );
    Some(
        Finding::warning("same-checksum", message)
            .at(&definition.file, known.checksum_at)
            .image(&definition.name),
    )
}

/// Leaves out what another finding explains: a line that has ended gets no builds any more.
pub fn without_explained(findings: Vec<Finding>) -> Vec<Finding> {
    let ended: Vec<_> = findings
        .iter()
        .filter(|finding| finding.rule == "end-of-life")
        .map(|finding| (finding.file.clone(), finding.image.clone()))
        .collect();
    let is_explained = |finding: &Finding| {
        finding.rule == "frozen"
            && ended
                .iter()
                .any(|(file, image)| *file == finding.file && *image == finding.image)
    };
    findings
        .into_iter()
        .filter(|finding| !is_explained(finding))
        .collect()
}

#[cfg(test)]
mod tests;
