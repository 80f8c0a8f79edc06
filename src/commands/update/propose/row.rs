//! What became of each pull request, as a line, as a row of a table, and as JSON.

use serde_json::{Value, json};

use crate::commands::update::{self, Found};
use crate::domain::conduct::{Outcome, Reason};
use crate::domain::finding::Finding;
use crate::domain::forge::PullRequest;
use crate::domain::report::{Ending, Report, escape_markdown, printable};

/// One group's pull request.
#[derive(Debug, Clone)]
pub struct Row {
    /// The group's key.
    pub group: String,
    /// Its branch.
    pub branch: String,
    /// The pull request's number.
    pub number: Option<u64>,
    /// Its page; where it may not be opened, the page on which a person can do that.
    pub url: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed.
    pub error: Option<String>,
    /// Why it is left alone.
    pub reason: Option<String>,
    /// The images that it proposes in this run.
    pub images: Vec<String>,
    /// What its description had no room for, as Markdown.
    pub rest: Option<String>,
}

impl Row {
    /// Nothing is known yet.
    pub fn new(group: &str, branch: String, pull: Option<&PullRequest>) -> Self {
        let mut row = Self {
            group: group.to_owned(),
            branch,
            number: None,
            url: None,
            outcome: Outcome::Current,
            error: None,
            reason: None,
            images: Vec::new(),
            rest: None,
        };
        if let Some(pull) = pull {
            row.is(pull);
        }
        row
    }

    /// Its pull request is this one.
    pub fn is(&mut self, pull: &PullRequest) {
        self.number = Some(pull.number);
        self.url = Some(pull.url.clone());
    }

    /// Whether its pull request is open.
    pub fn is_open(&self) -> bool {
        self.outcome != Outcome::Closed
    }

    /// The same, failed.
    pub fn failed(mut self, error: String) -> Self {
        self.outcome = Outcome::Failed;
        self.error = Some(error);
        self
    }

    /// As JSON; the names of the keys are a promise.
    pub fn json(&self) -> Value {
        json!({
            "group": self.group,
            "branch": self.branch,
            "number": self.number,
            "url": self.url,
            "outcome": self.outcome.as_str(),
            "error": self.error,
        })
    }

    /// A line for people.
    pub fn text(&self) -> String {
        let sign = match self.outcome {
            Outcome::Opened => '+',
            Outcome::Updated => '~',
            Outcome::Closed => '-',
            Outcome::Current => '=',
            Outcome::Untouched => ' ',
            Outcome::Failed => '!',
        };
        let number = self
            .number
            .map_or_else(String::new, |number| format!("  #{number}"));
        let url = self
            .url
            .as_deref()
            .map_or_else(String::new, |url| format!("  {url}"));
        let why = self
            .reason
            .as_deref()
            .map_or_else(String::new, |why| format!("  ({why})"));
        let line = format!(
            "{sign} {}{number}  {}{url}{why}",
            self.branch,
            self.outcome.as_str()
        );
        printable(&line) + "\n"
    }

    /// A row of a Markdown table.
    pub fn markdown(&self) -> String {
        let number = self
            .number
            .map_or_else(String::new, |number| format!("#{number}"));
        let why = self
            .error
            .as_deref()
            .or(self.reason.as_deref())
            .unwrap_or_default();
        let cells = [self.outcome.as_str(), &self.branch, why].map(escape_markdown);
        // Ours, so that it may be a reference.
        format!("| {number} | {} |\n", cells.join(" | "))
    }
}

/// The same of a run that went on to pull requests: what became of them, and what is said of that.
pub fn report(found: Found<'_>, rows: &[Row], findings: Vec<Finding>) -> Report {
    let mut report = update::report::report(&found.images, found.lines, true);
    let has = |outcome| rows.iter().any(|row| row.outcome == outcome);
    if has(Outcome::Failed) && report.ending == Ending::Done {
        report.ending = Ending::Partly;
    }
    report.changes = [Outcome::Opened, Outcome::Updated, Outcome::Closed]
        .into_iter()
        .any(has);
    report.data.insert(
        "pull_requests".to_owned(),
        rows.iter().map(Row::json).collect(),
    );
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    let counted = |outcome: Outcome| format!("{} {}", count(outcome), outcome.as_str());
    let closing = [
        Outcome::Opened,
        Outcome::Updated,
        Outcome::Current,
        Outcome::Closed,
        Outcome::Untouched,
        Outcome::Failed,
    ]
    .map(counted)
    .join(", ");
    let lines: String = rows.iter().map(Row::text).collect();
    report.text = format!("{}\n{lines}pull requests: {closing}\n", report.text);
    if !rows.is_empty() {
        let table: String = rows.iter().map(Row::markdown).collect();
        report.markdown = format!(
            "{}\n| pull request | outcome | branch | |\n| --- | --- | --- | --- |\n{table}",
            report.markdown
        );
        // Descriptions that were cut say that it is here.
        let rests = rows.iter().filter_map(|row| row.rest.as_deref());
        report.markdown.extend(rests.flat_map(|rest| ["\n", rest]));
    }
    report.findings.extend(findings);
    report
}

/// Why something is left alone, for people.
pub fn reason(reason: &Reason, base: &str) -> String {
    match reason {
        Reason::OtherBase(other) => {
            format!("it goes to `{other}`, and `{base}` is what is proposed to; change its base back, or close it")
        }
        Reason::Unknown(images) => format!(
            "in this run nothing is known of {}, which it proposes too; a run that sees them goes on",
            quoted(images)
        ),
        Reason::Person(author) => format!(
            "`{author}` has added a commit; tick the box in the comment there to let reglaze take over again"
        ),
        Reason::Occupied(commit, author) => format!(
            "a branch of this name holds commit `{}` of `{author}`; expected none or one of reglaze; rename that branch, or set \
             another `pull_requests.branch_prefix`",
            commit.get(..12).unwrap_or(commit)
        ),
        Reason::Limit => {
            "as many pull requests as `pull_requests.limit` allows are open; it is opened when one of them is merged or closed"
                .to_owned()
        }
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
