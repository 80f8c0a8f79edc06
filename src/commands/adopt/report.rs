//! What `adopt` says: the clouds as `plan` and `apply` do, and the definitions.

use serde_json::{Value, json};

use crate::domain::adopt::Draft;
use crate::domain::finding::{Finding, Level};
use crate::domain::outcome::{self, CloudOutcome, Outcome, Tried};
use crate::domain::report::{Ending, Report, escape_markdown, printable};

/// A drafted definition and what became of it.
pub struct Written {
    /// The file that it goes to.
    pub file: String,
    /// `planned`, `created` or `appended`; or why it was not written.
    pub outcome: Result<&'static str, String>,
    /// The definition.
    pub draft: Draft,
}

/// The report of the whole run.
pub fn report(clouds: Vec<CloudOutcome>, written: &[Written], is_write: bool) -> Report {
    let tried = clouds.iter().flat_map(|cloud| &cloud.steps);
    let counts = |one: &&Tried| !is_write || one.outcome == Some(Outcome::Done);
    let images = tried.filter(counts).count();
    let definitions = written.iter().filter(|one| one.outcome.is_ok()).count();
    let count = clouds.len();
    let mut report = if is_write {
        outcome::apply_report(clouds)
    } else {
        outcome::plan_report(clouds)
    };
    let has_failed = written.iter().any(|one| one.outcome.is_err());
    report.ending = match report.ending {
        Ending::Done if has_failed => Ending::Partly,
        Ending::Done if !is_write && !written.is_empty() => Ending::Pending,
        ending => ending,
    };
    report.changes |= written.iter().any(|one| one.outcome.is_ok());
    for one in written {
        if let Err(reason) = &one.outcome {
            let message = format!("its definition was not written to `{}`: {reason}", one.file);
            let finding = Finding::error("adopt-definition", message);
            report.findings.push(finding.image(&one.draft.name));
        }
    }
    let errors = report
        .findings
        .iter()
        .filter(|one| one.level == Level::Error)
        .count();
    let (taken, wrote) = if is_write {
        ("taken over", "written")
    } else {
        ("to take over", "to write")
    };
    let summary = format!(
        "{count} cloud(s): {images} image(s) {taken}, {definitions} definition(s) {wrote}, {errors} error(s)"
    );
    let lines: String = written.iter().map(line).collect();
    let body = report.text.trim_end().rsplit_once('\n');
    let body = body.map_or(String::new(), |(body, _)| {
        format!("{}\n\n", body.trim_end())
    });
    report.text = format!("{body}{lines}\n{summary}\n");
    let body = report.markdown.trim_end().rsplit_once('\n');
    let body = body.map_or(String::new(), |(body, _)| {
        format!("{}\n\n", body.trim_end())
    });
    let entries: String = written.iter().map(markdown).collect();
    report.markdown = format!("{body}{entries}{}\n", escape_markdown(&summary));
    report.data.insert(
        "definitions".to_owned(),
        Value::Array(written.iter().map(json).collect()),
    );
    report
}

fn json(one: &Written) -> Value {
    json!({
        "name": one.draft.name,
        "file": one.file,
        "outcome": one.outcome.as_ref().map_or("failed", |word| word),
        "error": one.outcome.as_ref().err(),
        "versions": one.draft.versions,
        "text": one.draft.entry,
    })
}

fn line(one: &Written) -> String {
    let outcome = match one.outcome {
        Ok("planned") => "would write",
        Ok("created" | "appended") => "wrote",
        _ => "NOT WRITTEN",
    };
    let versions = one.draft.versions.join(", ");
    let line = format!(
        "+ definition {} [{versions}]: {outcome} {}",
        one.draft.name, one.file
    );
    printable(&line) + "\n"
}

fn markdown(one: &Written) -> String {
    let name = escape_markdown(&one.draft.name);
    // A fence that the text cannot end.
    format!(
        "{name}:\n\n````yaml\n{}````\n\n",
        one.draft.entry.replace("````", "` ` ` `")
    )
}
