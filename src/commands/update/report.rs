//! What `update` says: one entry for each image, as text, JSON and Markdown.

use serde_json::{Map, Value, json};

use crate::domain::attested::{self, Attested, Verified};
use crate::domain::definition::{Definition, Version};
use crate::domain::edit::{Change, Position};
use crate::domain::finding::Finding;
use crate::domain::freshness;
use crate::domain::index::Candidate;
use crate::domain::proposal::Offer;
use crate::domain::report::{Ending, Report, escape_markdown, printable};
use crate::domain::select::{Addition, Selection};
use crate::domain::source::Source;

/// What became of one image.
pub(super) struct Image<'a> {
    pub(super) definition: &'a Definition,
    pub(super) outcome: Outcome,
    version: Option<String>,
    url: Option<String>,
    build_date: Option<String>,
    attested: Option<Attested>,
    candidate: Option<Candidate>,
    findings: Vec<Finding>,
}

/// How it ended.
pub(super) enum Outcome {
    /// A newer build than the file's.
    Updated(Addition),
    /// The file has the newest.
    Current,
    /// Nothing is said of its builds.
    Failed {
        error: String,
        /// Its upstream told nothing at all.
        unreachable: bool,
    },
    /// Not asked.
    Skipped,
}

impl Outcome {
    const fn name(&self) -> &'static str {
        match self {
            Self::Updated(_) => "updated",
            Self::Current => "current",
            Self::Failed { .. } => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl<'a> Image<'a> {
    pub(super) fn new(definition: &'a Definition) -> Self {
        Self {
            definition,
            outcome: Outcome::Current,
            version: None,
            url: None,
            build_date: None,
            attested: None,
            candidate: None,
            findings: Vec::new(),
        }
    }

    pub(super) fn skipped(mut self, note: Option<&str>) -> Self {
        self.outcome = Outcome::Skipped;
        if let Some(note) = note {
            self.find(Finding::note("no-source", note));
        }
        self
    }

    pub(super) fn failed(mut self, error: &str, unreachable: bool) -> Self {
        self.attested = None;
        let rule = if unreachable { "upstream" } else { "update" };
        self.find(Finding::error(rule, printable(error)));
        self.outcome = Outcome::Failed {
            error: printable(error),
            unreachable,
        };
        self
    }

    /// The change of its file.
    pub(super) fn change(&self) -> Option<Change<'_>> {
        let Outcome::Updated(addition) = &self.outcome else {
            return None;
        };
        Some(Change {
            image: &self.definition.name,
            add: Some(&addition.entry),
            remove: &addition.remove,
            position: addition.position,
        })
    }

    /// The new version, if there is one, as it is proposed.
    pub(super) fn offer(&self, source: &Source) -> Option<Offer> {
        let Outcome::Updated(addition) = &self.outcome else {
            return None;
        };
        let versions = &self.definition.versions;
        let newest = self.newest(addition.position);
        let leaving = addition.remove.iter().filter_map(|at| versions.get(*at));
        Some(Offer {
            image: self.definition.name.clone(),
            file: self.definition.file.clone(),
            source: source.name.clone(),
            source_title: source.title.clone(),
            from: newest.map(|version| (version.version.clone(), version.build_date)),
            entry: addition.entry.clone(),
            remove: addition.remove.clone(),
            leaving: leaving.map(|version| version.version.clone()).collect(),
            position: addition.position,
            attested: self.attested.clone()?,
            signed_at: self.attested.as_ref().and_then(Attested::signed_at),
            size: None,
            contents: None,
            links: Vec::new(),
            findings: self.findings.clone(),
        })
    }

    /// The newest build of its upstream.
    pub(super) const fn candidate(&self) -> Option<&Candidate> {
        self.candidate.as_ref()
    }

    /// The URL of the newest version that the file has.
    pub(super) fn newest_url(&self) -> Option<&str> {
        let Outcome::Updated(addition) = &self.outcome else {
            return None;
        };
        self.newest(addition.position)?.url.as_deref()
    }

    fn newest(&self, position: Position) -> Option<&Version> {
        let versions = &self.definition.versions;
        match position {
            Position::First => versions.first(),
            Position::Last => versions.last(),
        }
    }

    /// What a person should know of it.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The version that is newer than those of the file.
    pub(super) fn newer(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Updated(addition) => Some(addition.entry.version.clone()),
            _ => None,
        }
    }

    /// Whether nothing is known of its builds.
    pub(super) const fn has_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }

    /// Turns a planned change into a failure.
    pub(super) fn refuse(&mut self, error: String) {
        self.attested = None;
        self.find(Finding::error("edit", error.clone()));
        self.outcome = Outcome::Failed {
            error,
            unreachable: false,
        };
    }

    /// A build was found; nothing is proven yet.
    pub(super) fn found(mut self, candidate: Option<&Candidate>) -> Self {
        if let Some(candidate) = candidate {
            self.candidate = Some(candidate.clone());
            self.version = Some(candidate.version.clone());
            self.url = Some(candidate.url.clone());
            self.build_date = candidate.build_date.map(|date| date.to_string());
        }
        self
    }

    pub(super) fn proven(mut self, attested: &Attested) -> Self {
        self.attested = Some(attested.clone());
        self
    }

    /// What a person may want to know of signatures.
    pub(super) fn noted(mut self, notes: &[String]) -> Self {
        for note in notes {
            self.find(Finding::note("signature", note.clone()));
        }
        self
    }

    /// A build whose bytes were not fetched: what documents say of it, else what people reviewed.
    pub(super) fn reviewed_or(mut self, told: Option<&Attested>, selection: &Selection) -> Self {
        self.attested = match (told, selection) {
            (Some(told), _) => Some(told.clone()),
            (None, Selection::Known { at, .. }) => {
                let version = self.definition.versions.get(*at);
                version.and_then(|version| attested::reviewed(version, true).ok())
            }
            (None, _) => None,
        };
        self
    }

    /// What the newest build means; `missing`: the newest pinned version, if the upstream's list ends before it.
    pub(super) fn selected(mut self, selection: Selection, missing: Option<&Version>) -> Self {
        let pinned = match &selection {
            Selection::New(addition) => Some(addition.entry.version.clone()),
            Selection::Known { at, .. } => self.name_of(*at),
            Selection::Older { newest } => self.name_of(*newest),
        };
        let missing = missing.map(|version| version.version.clone());
        self.version = missing.or(pinned).or(self.version);
        if let Selection::New(addition) = selection {
            self.outcome = Outcome::Updated(addition);
        }
        self
    }

    fn name_of(&self, at: usize) -> Option<String> {
        let version = self.definition.versions.get(at)?;
        Some(version.version.clone())
    }

    /// What is said of the pinned versions, but for those that leave the file in this run. Where the upstream tells
    /// nothing at all that is said once, and not for each version.
    pub(super) fn pinned(mut self, pinned: Vec<(usize, Vec<Finding>)>) -> Self {
        let leaving: &[usize] = match &self.outcome {
            Outcome::Updated(addition) => &addition.remove,
            _ => &[],
        };
        let unreachable = matches!(
            self.outcome,
            Outcome::Failed {
                unreachable: true,
                ..
            }
        );
        let said: Vec<_> = pinned
            .into_iter()
            .filter(|(at, _)| !leaving.contains(at))
            .flat_map(|(_, findings)| findings)
            .filter(|finding| !(unreachable && finding.rule == "could-not-ask"))
            .collect();
        self.tell(said);
        self
    }

    /// Adds findings; what two of them say of one place is said once.
    pub(super) fn tell(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            let is_said = |said: &Finding| {
                (said.rule, said.line, said.column) == (finding.rule, finding.line, finding.column)
            };
            if !self.findings.iter().any(is_said) {
                self.findings.push(finding);
            }
        }
    }

    fn find(&mut self, finding: Finding) {
        let place = self
            .definition
            .upstream
            .as_ref()
            .map_or(self.definition.at, |upstream| upstream.at);
        self.findings.push(
            finding
                .at(&self.definition.file, place)
                .image(&self.definition.name),
        );
    }

    fn json(&self) -> Value {
        let verified = self.attested.as_ref().map(|attested| {
            json!({
                "by": attested.verified(),
                "key": attested.signed_by(),
                "manifest": attested.manifest(),
            })
        });
        json!({
            "name": self.definition.name,
            "file": self.definition.file,
            "outcome": self.outcome.name(),
            "version": self.version,
            "url": self.url,
            "checksum": self.attested.as_ref().map(Attested::checksum),
            "build_date": self.build_date,
            "verified": verified,
            "error": match &self.outcome {
                Outcome::Failed { error, .. } => Some(error),
                _ => None,
            },
        })
    }

    /// What vouches for it, in words.
    fn proof(&self) -> String {
        let Some(attested) = &self.attested else {
            return String::new();
        };
        let (algorithm, computed) = (attested.checksum().algorithm(), attested.computed());
        let of_file = match (attested.verified(), attested.signed_by()) {
            (Verified::Signature, Some(key)) if computed.checksum => {
                format!("signed by {key}; its {algorithm} computed from a download")
            }
            (Verified::Signature, Some(key)) => format!("signed by {key}"),
            (Verified::Computed, _) => {
                format!("by its {algorithm}, computed from a download: the upstream gives none")
            }
            (Verified::Signature | Verified::Checksum, _) => {
                format!("by its {algorithm} in an unsigned manifest")
            }
        };
        match attested.disk() {
            Some(disk) if computed.disk_checksum => {
                let algorithm = disk.algorithm();
                format!("{of_file}; the {algorithm} of the disk in it computed from a download")
            }
            Some(disk) => format!(
                "{of_file}; the {} of the disk in it told too",
                disk.algorithm()
            ),
            None => of_file,
        }
    }

    fn text(&self) -> String {
        let name = printable(&self.definition.name);
        let version = printable(self.version.as_deref().unwrap_or_default());
        match &self.outcome {
            Outcome::Updated(_) => format!("+ {name}  {version}  {}\n", self.proof()),
            Outcome::Current => format!("= {name}  {version}\n"),
            Outcome::Failed { .. } => format!("! {name}  failed\n"),
            Outcome::Skipped => format!("  {name}  skipped\n"),
        }
    }

    fn markdown(&self) -> String {
        let cells = [
            self.definition.name.clone(),
            self.outcome.name().to_owned(),
            self.version.clone().unwrap_or_default(),
            self.proof(),
        ];
        let cells: Vec<_> = cells.iter().map(|cell| escape_markdown(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    }
}

/// Nothing could be done.
pub(super) fn broken(findings: Vec<Finding>) -> Report {
    finished(Ending::Nothing, false, &[], "", findings)
}

/// Everything that was seen and done. `lines`: what is said of lines of releases.
pub(super) fn report(images: &[Image], lines: Vec<Finding>, write: bool) -> Report {
    let count = |name: &str| {
        images
            .iter()
            .filter(|image| image.outcome.name() == name)
            .count()
    };
    let (updated, current, failed, skipped) = (
        count("updated"),
        count("current"),
        count("failed"),
        count("skipped"),
    );
    let unreachable = images
        .iter()
        .filter(|image| {
            matches!(
                image.outcome,
                Outcome::Failed {
                    unreachable: true,
                    ..
                }
            )
        })
        .count();
    let ending = if failed > 0 && unreachable == images.len() - skipped {
        Ending::Nothing
    } else if failed > 0 {
        Ending::Partly
    } else if updated > 0 && !write {
        Ending::Pending
    } else {
        Ending::Done
    };
    let new = match (updated, write) {
        (_, true) => format!("{updated} updated"),
        (_, false) => format!("{updated} to update"),
    };
    let summary = format!("{new}, {current} current, {failed} failed, {skipped} skipped");
    let findings = images
        .iter()
        .flat_map(|image| image.findings.iter().cloned())
        .chain(lines)
        .collect();
    let findings = freshness::without_explained(findings);
    finished(ending, updated > 0, images, &summary, findings)
}

fn finished(
    ending: Ending,
    changes: bool,
    images: &[Image],
    summary: &str,
    findings: Vec<Finding>,
) -> Report {
    let mut data = Map::new();
    data.insert(
        "images".to_owned(),
        images.iter().map(Image::json).collect(),
    );
    data.insert("pull_requests".to_owned(), json!([]));
    let (mut text, mut markdown) = (String::new(), String::new());
    if !summary.is_empty() {
        text = images.iter().map(Image::text).collect();
        markdown = format!(
            "{summary}\n\n| image | outcome | version | proof |\n| --- | --- | --- | --- |\n"
        );
        markdown.extend(images.iter().map(Image::markdown));
        text.push_str(summary);
        text.push('\n');
    }
    Report {
        matrix: None,
        title: None,
        ending,
        changes,
        data,
        text,
        markdown,
        findings,
    }
}
