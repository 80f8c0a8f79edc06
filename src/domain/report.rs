//! What a run says in the end, in every form: text, JSON, Markdown, SARIF, workflow commands; and the exit code.

mod annotations;
mod form;
mod sarif;

use serde::Serialize;

use super::finding::{Finding, Level};
use super::fleet::Matrix;
pub use form::{Form, FormError};

use super::markdown::code;
pub use super::markdown::escape as escape_markdown;

/// How a run ended, before its findings are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Done, or nothing to do.
    Done,
    /// There is something to do, and this command does not do it.
    Pending,
    /// Something failed; the rest was done.
    Partly,
    /// Nothing could be done.
    Nothing,
}

/// What a run says in the end.
#[derive(Debug, Clone)]
pub struct Report {
    /// How it ended.
    pub ending: Ending,
    /// Whether anything was changed or would be.
    pub changes: bool,
    /// The JSON document without `findings`.
    pub data: serde_json::Map<String, serde_json::Value>,
    /// The text for people, without findings.
    pub text: String,
    /// The same in Markdown, without findings.
    pub markdown: String,
    /// What a person should know.
    pub findings: Vec<Finding>,
    /// How a platform's runners would share the work, where that was planned.
    pub matrix: Option<Matrix>,
    /// What a merge request of this run's changes would be called, as Markdown's first line.
    pub title: Option<String>,
}

impl Report {
    /// The process's exit code. 1 before 3 before 2 before 0; warnings count only if `strict`.
    pub fn exit_code(&self, strict: bool) -> u8 {
        let counts = |finding: &Finding| match finding.level {
            Level::Error => true,
            Level::Warning => strict,
            Level::Note => false,
        };
        match self.ending {
            Ending::Nothing => 1,
            Ending::Partly => 3,
            _ if self.findings.iter().any(counts) => 3,
            Ending::Pending => 2,
            Ending::Done => 0,
        }
    }

    /// One JSON document; `findings` is always there.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            data: &'a serde_json::Map<String, serde_json::Value>,
            findings: &'a [Finding],
        }
        let document = Document {
            data: &self.data,
            findings: &self.findings,
        };
        // Maps of strings and plain structs always serialise.
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }

    /// The text. Findings stand just above the closing line: what needs a person is where the eye is.
    pub fn text(&self) -> String {
        if self.findings.is_empty() {
            return self.text.clone();
        }
        let body = self.text.trim_end_matches('\n');
        let (body, closing) = body.rsplit_once('\n').unwrap_or(("", body));
        let mut text = body.trim_end_matches('\n').to_owned();
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        for finding in &self.findings {
            text.push_str(&printable(&finding.to_string()));
            text.push('\n');
        }
        if !closing.is_empty() {
            text.push_str(closing);
            text.push('\n');
        }
        text
    }

    /// Markdown: findings first, below the title, since a summary is skimmed from the top; notes folded.
    pub fn markdown(&self) -> String {
        let list = |level| -> String { self.of(level).map(item).collect() };
        let mut text = list(Level::Error) + &list(Level::Warning);
        let notes = list(Level::Note);
        if !notes.is_empty() {
            let count = self.of(Level::Note).count();
            let plural = if count == 1 { "" } else { "s" };
            let summary = format!("<summary>{count} note{plural}</summary>");
            text.extend(["\n<details>", &summary, "\n\n", &notes, "\n</details>\n"]);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let title = self
            .title
            .as_ref()
            .map(|title| format!("# {}\n\n", escape_markdown(title)));
        title.unwrap_or_default() + &text + &self.markdown
    }

    /// The value of a workflow's `strategy.matrix`, on one line; empty where nothing was planned.
    pub fn matrix(&self) -> String {
        let none = Matrix {
            include: Vec::new(),
        };
        // Plain structs always serialise.
        serde_json::to_string(self.matrix.as_ref().unwrap_or(&none)).unwrap_or_default()
    }
}

/// A finding in a list of Markdown. Its place is a code span, from where it can be copied as it is.
fn item(finding: &Finding) -> String {
    let told = finding.to_string();
    let place = match (&finding.file, finding.line, finding.column) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        (Some(file), _, _) => file.clone(),
        (None, _, _) => return format!("- {}\n", escape_markdown(&told)),
    };
    let rest = told.strip_prefix(&place).unwrap_or(&told);
    let rest = rest.trim_start_matches(':').trim_start();
    format!("- {} {}\n", code(&place), escape_markdown(rest))
}

/// The escapes of GitHub's workflow commands, data part
/// (<https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>).
pub fn escape_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Foreign text for a terminal or a log: control characters, which could forge lines or colours, become `\u{…}`.
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|letter| {
            if letter.is_control() {
                letter.escape_default().collect::<Vec<_>>()
            } else {
                vec![letter]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(ending: Ending, findings: Vec<Finding>) -> Report {
        Report {
            matrix: None,
            title: None,
            ending,
            changes: false,
            data: serde_json::Map::new(),
            text: String::new(),
            markdown: String::new(),
            findings,
        }
    }

    #[test]
    fn one_goes_before_three_before_two_before_nought() {
        let error = || vec![Finding::error("rule", "broken")];
        let warning = || vec![Finding::warning("rule", "odd")];
        assert_eq!(report(Ending::Nothing, error()).exit_code(false), 1);
        assert_eq!(report(Ending::Pending, error()).exit_code(false), 3);
        assert_eq!(report(Ending::Partly, vec![]).exit_code(false), 3);
        assert_eq!(report(Ending::Pending, warning()).exit_code(false), 2);
        assert_eq!(report(Ending::Pending, warning()).exit_code(true), 3);
        assert_eq!(report(Ending::Done, vec![]).exit_code(true), 0);
    }

    #[test]
    fn foreign_text_is_harmless_in_markdown_and_terminals() {
        assert_eq!(
            escape_markdown("<b>@you [x](y)|\n"),
            "&lt;b&gt;@\u{200d}you \\[x\\](y)\\| "
        );
        assert_eq!(printable("a\u{1b}[31m\r\nb"), "a\\u{1b}[31m\\r\\nb");
    }

    #[test]
    fn findings_stand_above_the_closing_line() {
        let mut report = report(Ending::Done, vec![Finding::error("rule", "broken")]);
        assert_eq!(report.text(), "error: broken [rule]\n");
        report.text = "1 step\n".to_owned();
        assert_eq!(report.text(), "error: broken [rule]\n1 step\n");
        report.text = "+ upload\n\n1 step\n".to_owned();
        assert_eq!(report.text(), "+ upload\n\nerror: broken [rule]\n1 step\n");
    }

    #[test]
    fn json_always_has_findings() {
        assert_eq!(
            report(Ending::Done, vec![]).json(),
            "{\n  \"findings\": []\n}"
        );
    }
}
