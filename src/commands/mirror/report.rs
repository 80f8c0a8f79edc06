//! What `mirror` says: one entry for each image, one for each removal, as text, JSON and Markdown.

use serde_json::{Map, Value, json};

use super::Run;
use crate::cli::MirrorArguments;
use crate::domain::finding::Finding;
use crate::domain::mirror::{Begun, Wish};
use crate::domain::report::{Ending, Report, escape_markdown, printable};

/// What becomes of one image.
pub struct Image<'a> {
    pub wish: &'a Wish<'a>,
    /// By which URL readers reach it.
    pub url: Option<String>,
    pub state: State,
    /// Whether `mirror_url` is to be written once the object is there.
    pub is_to_name: bool,
    pub findings: Vec<Finding>,
}

/// Where an image stands. The first two are work that is to be done; where nothing is done, that is what is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its object is to be brought.
    Missing,
    /// Its object is there, and to be read and proven.
    Unproven,
    /// Its object is there, and that is enough.
    Current,
    /// Its object was brought, of so many bytes.
    Uploaded(u64),
    /// Its object was read and proven, of so many bytes.
    Proven(u64),
    /// Why nothing came of it.
    Failed(String),
}

impl State {
    /// Whether something is left to do.
    pub const fn is_to_do(&self) -> bool {
        matches!(self, Self::Missing | Self::Unproven)
    }

    /// Whether the object is there, as far as anybody knows.
    pub const fn is_there(&self) -> bool {
        !matches!(self, Self::Missing | Self::Failed(_))
    }

    /// What was done, or would be.
    const fn outcome(&self) -> Outcome {
        match self {
            Self::Missing | Self::Uploaded(_) => Outcome::Uploaded,
            Self::Unproven | Self::Proven(_) => Outcome::Proven,
            Self::Current => Outcome::Current,
            Self::Failed(_) => Outcome::Failed,
        }
    }
}

/// What is told of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Uploaded,
    Proven,
    Current,
    Failed,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Proven => "proven",
            Self::Current => "current",
            Self::Failed => "failed",
        }
    }
}

impl<'a> Image<'a> {
    /// Of which nothing is known yet. `--check` (`is_checked`) names nothing.
    pub fn new(wish: &'a Wish<'a>, url: Option<String>, is_checked: bool) -> Self {
        Self {
            wish,
            is_to_name: url.is_some() && !wish.is_named && !is_checked,
            url,
            state: State::Current,
            findings: Vec::new(),
        }
    }

    /// It failed, and the reason stands in its error.
    pub fn fail(&mut self, error: &anyhow::Error) {
        self.state = State::Failed(format!("{error:#}"));
    }

    /// It failed, and a finding says so too.
    pub fn fail_as(&mut self, rule: &'static str, message: String) {
        self.state = State::Failed(message.clone());
        self.note(rule, message);
    }

    /// Its object is there, and is not named.
    pub fn fail_to_name(&mut self, message: String) {
        self.is_to_name = false;
        self.note("mirror-edit", message);
    }

    /// The work for the same object and digest was done for another image, which came to `state`.
    pub fn follow(&mut self, state: &State) {
        match state {
            State::Failed(_) => self.state = state.clone(),
            _ if self.state.is_to_do() => self.state = State::Current,
            _ => {}
        }
    }

    /// Adds a finding of level error.
    fn note(&mut self, rule: &'static str, message: String) {
        let definition = self.wish.definition;
        let finding = Finding::error(rule, message)
            .at(&definition.file, self.wish.version().at)
            .image(&definition.name);
        self.findings.push(finding);
    }

    /// Whether `mirror_url` is to be written, or was.
    pub const fn is_named(&self) -> bool {
        self.is_to_name && !matches!(self.state, State::Failed(_))
    }

    /// The bytes of its object, if this run has seen them.
    const fn size(&self) -> Option<u64> {
        match self.state {
            State::Uploaded(size) | State::Proven(size) => Some(size),
            _ => None,
        }
    }

    const fn error(&self) -> Option<&String> {
        match &self.state {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Whether readers reach the object by its URL; a finding says why not.
    pub async fn probe(&mut self, run: Run<'_>) -> bool {
        let Some(url) = &self.url else { return false };
        let message = match run.upstream.is_there(url).await {
            Ok(Some(found)) if self.size().is_some_and(|size| size != found) => format!(
                "`{url}` has {found} bytes, the object {}; check `mirror.public_url`, and what lies between",
                self.size().unwrap_or_default()
            ),
            Ok(_) => return true,
            Err(error) => format!(
                "readers do not reach the object `{}`: {error}; check `mirror.public_url`, and whether they may read there",
                self.wish.name
            ),
        };
        self.note("mirror-unreadable", message);
        false
    }

    fn json(&self) -> Value {
        let definition = self.wish.definition;
        json!({
            "name": definition.name,
            "file": definition.file,
            "version": self.wish.version().version,
            "object": self.wish.name,
            "url": self.url,
            "outcome": self.state.outcome().name(),
            "named": self.is_named(),
            "checksum": self.wish.checksum.to_string(),
            "error": self.error(),
        })
    }

    fn text(&self) -> String {
        let outcome = self.state.outcome();
        let sign = match (outcome, self.is_named()) {
            (Outcome::Uploaded, _) => "+",
            (Outcome::Proven, _) | (_, true) => "~",
            (Outcome::Failed, _) => "!",
            (Outcome::Current, false) => return String::new(),
        };
        let what = self.error().unwrap_or(&self.wish.name);
        let line = format!(
            "{sign} {:8} {} [{}]: {what}{}",
            outcome.name(),
            self.wish.definition.name,
            self.wish.version().version,
            if self.is_named() { ", mirror_url" } else { "" },
        );
        printable(&line) + "\n"
    }

    fn markdown(&self) -> String {
        let cell = escape_markdown;
        format!(
            "| {} | {} | {} | {} |\n",
            cell(&self.wish.definition.name),
            cell(&self.wish.version().version),
            self.state.outcome().name(),
            cell(self.error().unwrap_or(&self.wish.name)),
        )
    }
}

/// What no definition names.
pub struct Removal {
    pub name: String,
    pub kind: Kind,
    pub fate: Fate,
}

/// What is left over.
pub enum Kind {
    Object,
    /// An upload that nobody finished.
    Upload(Begun),
}

/// What becomes of it.
pub enum Fate {
    /// It is to be removed.
    Wanted,
    /// It was removed.
    Done,
    /// It is there still, or nobody could say whose it is.
    Failed(String),
    /// It was not tried.
    Skipped(&'static str),
}

impl Removal {
    const fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Object => "object",
            Kind::Upload(_) => "upload",
        }
    }

    fn error(&self) -> Option<&str> {
        match &self.fate {
            Fate::Wanted | Fate::Done => None,
            Fate::Failed(error) => Some(error),
            Fate::Skipped(reason) => Some(reason),
        }
    }

    fn json(&self) -> Value {
        let outcome = match self.fate {
            Fate::Wanted | Fate::Done => "removed",
            Fate::Failed(_) => "failed",
            Fate::Skipped(_) => "skipped",
        };
        json!({"object": self.name, "kind": self.kind(), "outcome": outcome, "error": self.error()})
    }

    fn text(&self) -> String {
        let line = match self.error() {
            Some(error) => format!("! {} {} stays: {error}", self.kind(), self.name),
            None => format!("- {} {}", self.kind(), self.name),
        };
        printable(&line) + "\n"
    }

    fn markdown(&self) -> String {
        let (kind, name) = (self.kind(), escape_markdown(&self.name));
        match (&self.fate, self.error()) {
            (_, Some(error)) => format!("- stays: {kind} {name}: {}\n", escape_markdown(error)),
            (Fate::Done, _) => format!("- removed: {kind} {name}\n"),
            _ => format!("- to remove: {kind} {name}\n"),
        }
    }
}

/// The report of a run that begins nothing, since what it was given is wrong.
pub fn broken(findings: Vec<Finding>) -> Report {
    finished(Ending::Nothing, false, &[], &[], "", findings)
}

/// Everything that was seen and done.
pub fn report(
    images: &[Image],
    removals: &[Removal],
    findings: Vec<Finding>,
    arguments: &MirrorArguments,
) -> Report {
    let count = |outcome| {
        let states = images.iter().map(|image| image.state.outcome());
        states.filter(|one| *one == outcome).count()
    };
    let [uploaded, proven, current, failed] = [
        Outcome::Uploaded,
        Outcome::Proven,
        Outcome::Current,
        Outcome::Failed,
    ]
    .map(count);
    let named = images.iter().filter(|image| image.is_named()).count();
    let stay = removals.iter().filter(|one| one.error().is_some()).count();
    let removed = removals.len() - stay;
    let changes = !arguments.check && uploaded + named + removed > 0;
    let ending = if failed > 0 && failed == images.len() && removals.is_empty() && !arguments.check
    {
        Ending::Nothing
    } else if failed + stay > 0 {
        Ending::Partly
    } else if changes && !arguments.write {
        Ending::Pending
    } else {
        Ending::Done
    };
    let [upload, prove, name, remove] = if arguments.write || arguments.check {
        ["uploaded", "proven", "named", "removed"]
    } else {
        ["to upload", "to prove", "to name", "to remove"]
    };
    let counted = if arguments.check {
        vec![(proven, prove), (failed, "failed")]
    } else {
        let more = [(named, name), (removed, remove), (stay, "not removed")];
        let more = more.into_iter().filter(|(count, _)| *count > 0);
        let always = [
            (uploaded, upload),
            (proven, prove),
            (current, "current"),
            (failed, "failed"),
        ];
        always.into_iter().chain(more).collect()
    };
    let counted: Vec<String> = counted
        .into_iter()
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let summary = counted.join(", ");
    let all = images.iter().flat_map(|image| image.findings.clone());
    let all = all.chain(findings).collect();
    finished(ending, changes, images, removals, &summary, all)
}

fn finished(
    ending: Ending,
    changes: bool,
    images: &[Image],
    removals: &[Removal],
    summary: &str,
    findings: Vec<Finding>,
) -> Report {
    let mut data = Map::new();
    data.insert(
        "images".to_owned(),
        images.iter().map(Image::json).collect(),
    );
    data.insert(
        "removed".to_owned(),
        removals.iter().map(Removal::json).collect(),
    );
    let (mut text, mut markdown) = (String::new(), String::new());
    if !summary.is_empty() {
        text = images.iter().map(Image::text).collect();
        text.extend(removals.iter().map(Removal::text));
        text.push_str(summary);
        text.push('\n');
        markdown = format!(
            "{summary}\n\n| image | version | outcome | object |\n| --- | --- | --- | --- |\n"
        );
        markdown.extend(images.iter().map(Image::markdown));
        if !removals.is_empty() {
            markdown.push('\n');
            markdown.extend(removals.iter().map(Removal::markdown));
        }
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
