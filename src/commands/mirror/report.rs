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
    /// What is to be done, or was.
    pub outcome: Outcome,
    /// Whether the object is in the store.
    pub is_there: bool,
    /// Whether `mirror_url` is to be written, or was.
    pub is_named: bool,
    pub size: Option<u64>,
    pub error: Option<String>,
    pub findings: Vec<Finding>,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
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
    pub fn new(wish: &'a Wish<'a>, url: Option<String>) -> Self {
        Self {
            wish,
            is_named: url.is_some() && !wish.is_named,
            url,
            outcome: Outcome::Current,
            is_there: false,
            size: None,
            error: None,
            findings: Vec::new(),
        }
    }

    /// It failed, and the reason stands in its error.
    pub fn fail(&mut self, error: &anyhow::Error) {
        self.outcome = Outcome::Failed;
        self.is_named = false;
        self.error = Some(format!("{error:#}"));
    }

    /// It failed, and a finding says so too.
    pub fn fail_as(&mut self, rule: &'static str, message: String) {
        self.fail(&anyhow::anyhow!("{message}"));
        self.note(rule, message);
    }

    /// Adds a finding of level error.
    pub fn note(&mut self, rule: &'static str, message: String) {
        let definition = self.wish.definition;
        let finding = Finding::error(rule, message)
            .at(&definition.file, self.wish.version().at)
            .image(&definition.name);
        self.findings.push(finding);
    }

    /// Whether something is left to do.
    pub const fn is_to_do(&self) -> bool {
        matches!(self.outcome, Outcome::Uploaded | Outcome::Proven)
    }

    /// Whether `mirror_url` is to be written.
    pub fn is_to_name(&self) -> bool {
        self.is_named && self.outcome != Outcome::Failed
    }

    /// Whether readers reach the object by its URL; a finding says why not.
    pub async fn probe(&mut self, run: Run<'_>) -> bool {
        let Some(url) = &self.url else { return false };
        let message = match run.upstream.is_there(url).await {
            Ok(Some(found)) if self.size.is_some_and(|size| size != found) => format!(
                "`{url}` has {found} bytes, the object {}; check `mirror.public_url`, and what lies between",
                self.size.unwrap_or_default()
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
            "outcome": self.outcome.name(),
            "named": self.is_named,
            "checksum": self.wish.checksum.to_string(),
            "error": self.error,
        })
    }

    fn text(&self) -> String {
        let sign = match (self.outcome, self.is_named) {
            (Outcome::Uploaded, _) => "+",
            (Outcome::Proven, _) | (_, true) => "~",
            (Outcome::Failed, _) => "!",
            (Outcome::Current, false) => return String::new(),
        };
        let what = self.error.clone().unwrap_or_else(|| self.wish.name.clone());
        let line = format!(
            "{sign} {:8} {} [{}]: {what}{}",
            self.outcome.name(),
            self.wish.definition.name,
            self.wish.version().version,
            if self.is_named { ", mirror_url" } else { "" },
        );
        printable(&line) + "\n"
    }

    fn markdown(&self) -> String {
        let cell = escape_markdown;
        format!(
            "| {} | {} | {} | {} |\n",
            cell(&self.wish.definition.name),
            cell(&self.wish.version().version),
            self.outcome.name(),
            cell(self.error.as_deref().unwrap_or(&self.wish.name)),
        )
    }
}

/// What no definition names.
pub struct Removed {
    pub name: String,
    /// An upload that nobody finished; absent: an object.
    pub upload: Option<Begun>,
    /// Absent: it was not tried.
    pub done: Option<Result<(), String>>,
}

impl Removed {
    pub fn object(name: String) -> Self {
        Self {
            name,
            upload: None,
            done: None,
        }
    }

    pub fn upload(begun: Begun) -> Self {
        Self {
            name: begun.name.clone(),
            upload: Some(begun),
            done: None,
        }
    }

    fn kind(&self) -> &'static str {
        if self.upload.is_some() {
            "upload"
        } else {
            "object"
        }
    }

    fn error(&self) -> Option<&str> {
        self.done.as_ref()?.as_ref().err().map(String::as_str)
    }

    fn json(&self) -> Value {
        let outcome = if self.error().is_some() {
            "failed"
        } else {
            "removed"
        };
        json!({"object": self.name, "kind": self.kind(), "outcome": outcome, "error": self.error()})
    }

    fn text(&self) -> String {
        let error = self.error().map(|error| format!(": {error}"));
        let line = format!(
            "- {} {}{}",
            self.kind(),
            self.name,
            error.unwrap_or_default()
        );
        printable(&line) + "\n"
    }
}

/// The report of a run that begins nothing, since what it was given is wrong.
pub fn broken(findings: Vec<Finding>) -> Report {
    finished(Ending::Nothing, false, &[], &[], "", findings)
}

/// Everything that was seen and done.
pub fn report(
    images: &[Image],
    removed: &[Removed],
    findings: Vec<Finding>,
    arguments: &MirrorArguments,
) -> Report {
    let count = |outcome| images.iter().filter(|one| one.outcome == outcome).count();
    let [uploaded, proven, current, failed] = [
        Outcome::Uploaded,
        Outcome::Proven,
        Outcome::Current,
        Outcome::Failed,
    ]
    .map(count);
    let named = images.iter().filter(|one| one.is_named).count();
    let changes = !arguments.check && uploaded + named + removed.len() > 0;
    let is_pending = changes || (!arguments.check && proven > 0);
    let is_partly = failed > 0 || removed.iter().any(|one| one.error().is_some());
    let ending = if failed > 0 && failed == images.len() && removed.is_empty() && !arguments.check {
        Ending::Nothing
    } else if is_partly {
        Ending::Partly
    } else if is_pending && !arguments.write {
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
        let more = [(named, name), (removed.len(), remove)];
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
    finished(ending, changes, images, removed, &summary, all)
}

fn finished(
    ending: Ending,
    changes: bool,
    images: &[Image],
    removed: &[Removed],
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
        removed.iter().map(Removed::json).collect(),
    );
    let (mut text, mut markdown) = (String::new(), String::new());
    if !summary.is_empty() {
        text = images.iter().map(Image::text).collect();
        text.extend(removed.iter().map(Removed::text));
        text.push_str(summary);
        text.push('\n');
        markdown = format!(
            "{summary}\n\n| image | version | outcome | object |\n| --- | --- | --- | --- |\n"
        );
        markdown.extend(images.iter().map(Image::markdown));
        if !removed.is_empty() {
            markdown.push('\n');
            let item = |one: &Removed| {
                format!("- removed: {} {}\n", one.kind(), escape_markdown(&one.name))
            };
            markdown.extend(removed.iter().map(item));
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
