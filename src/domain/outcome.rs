//! What `plan` and `apply` say: for each cloud its steps, and what became of them.

mod clouds;
mod table;
mod transfers;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::bound::lines;
use super::finding::{Finding, Level};
use super::plan::Plan;
use super::report::{Ending, Report, escape_markdown, printable};
use super::step::{Action, Step, fingerprint};
use super::transferred::Transferred;

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Done.
    Done,
    /// Tried, and it did not work.
    Failed,
    /// Not tried, since something before it failed or the run was ended; without an error: an image in use stays.
    Skipped,
}

/// A step and what became of it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The step; with the ID of the image that an upload created.
    pub step: Step,
    /// What became of it; absent in a plan.
    pub outcome: Option<Outcome>,
    /// Why it failed or was skipped.
    pub error: Option<String>,
    /// How the bytes of an upload came.
    pub transferred: Option<Transferred>,
}

impl Tried {
    /// Whether it is not as it should be. An image that is in use is left alone without an error.
    fn needs_a_person(&self) -> bool {
        match self.outcome {
            Some(Outcome::Failed) => true,
            Some(Outcome::Skipped) => self.error.is_some(),
            Some(Outcome::Done) | None => false,
        }
    }

    /// A step of a plan, not tried.
    pub fn planned(step: Step) -> Self {
        Self {
            step,
            outcome: None,
            error: None,
            transferred: None,
        }
    }
}

/// One cloud.
#[derive(Debug, Clone)]
pub struct CloudOutcome {
    /// The name in `clouds.yaml`.
    pub name: String,
    /// The fingerprint of the planned steps; absent if there was no plan.
    pub fingerprint: Option<String>,
    /// Why nothing could be planned or done.
    pub error: Option<String>,
    /// The steps.
    pub steps: Vec<Tried>,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

impl CloudOutcome {
    /// A cloud for which nothing could be planned.
    pub fn failed(name: &str, error: String) -> Self {
        Self {
            name: name.to_owned(),
            fingerprint: None,
            error: Some(error),
            steps: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// A cloud's plan.
    pub fn planned(name: &str, steps: Vec<Step>, findings: Vec<Finding>) -> Self {
        Self {
            name: name.to_owned(),
            fingerprint: Some(fingerprint(&steps)),
            error: None,
            steps: steps.into_iter().map(Tried::planned).collect(),
            findings,
        }
    }
}

/// A cloud whose plan has not the fingerprint that was reviewed: nothing is done, and what it would be is said.
pub fn moved(name: &str, plan: Plan, expected: &str) -> CloudOutcome {
    let fingerprint = plan.fingerprint();
    let now = Finding::error(
        "plan-moved",
        format!(
            "the plan would be: {}; review it and give its fingerprint, or give `--plan`, which goes on with the images \
             that are as reviewed",
            lines(plan.steps.iter()),
        ),
    );
    let error = format!(
        "the plan is not the reviewed one any more: its fingerprint is `{fingerprint}`, expected was `{expected}`; \
         nothing was done"
    );
    CloudOutcome {
        fingerprint: Some(fingerprint),
        findings: [vec![now], plan.findings].concat(),
        ..CloudOutcome::failed(name, error)
    }
}

/// Steps of images whose plan is not the reviewed one.
pub fn left_alone(steps: Vec<Step>) -> Vec<Tried> {
    let reason = "the plan of this image is not the reviewed one any more";
    let steps = steps.into_iter().map(|step| Tried {
        step,
        outcome: Some(Outcome::Skipped),
        error: Some(reason.to_owned()),
        transferred: None,
    });
    steps.collect()
}

/// The report of `plan`.
pub fn plan_report(clouds: Vec<CloudOutcome>) -> Report {
    report(clouds, false)
}

/// The report of `apply`.
pub fn apply_report(clouds: Vec<CloudOutcome>) -> Report {
    report(clouds, true)
}

fn report(clouds: Vec<CloudOutcome>, is_applied: bool) -> Report {
    let all_failed = !clouds.is_empty() && clouds.iter().all(|cloud| cloud.error.is_some());
    let any_failed = clouds
        .iter()
        .any(|cloud| cloud.error.is_some() || cloud.steps.iter().any(Tried::needs_a_person));
    let has_steps = clouds.iter().any(|cloud| !cloud.steps.is_empty());
    let ending = match () {
        () if all_failed => Ending::Nothing,
        () if any_failed => Ending::Partly,
        () if has_steps && !is_applied => Ending::Pending,
        () => Ending::Done,
    };
    let changes = if is_applied {
        clouds
            .iter()
            .flat_map(|cloud| &cloud.steps)
            .any(|tried| tried.outcome == Some(Outcome::Done))
    } else {
        has_steps
    };
    // At a glance: what became of each image in each cloud, and how the bytes came.
    let tables = [
        clouds::table(&clouds, is_applied),
        transfers::table(&clouds),
    ];
    let summary = summary(&clouds, is_applied);
    let mut text: String = clouds.iter().map(|cloud| text(cloud, is_applied)).collect();
    let mut markdown = String::new();
    for table in tables.into_iter().flatten() {
        text += &(table.text() + "\n");
        markdown += &(table.markdown() + "\n");
    }
    text += &(summary.clone() + "\n");
    markdown.extend(clouds.iter().map(self::markdown));
    markdown += &(escape_markdown(&summary) + "\n");
    let data = Map::from_iter([(
        "clouds".to_owned(),
        clouds.iter().map(|cloud| json(cloud, is_applied)).collect(),
    )]);
    let mut findings = Vec::new();
    for cloud in clouds {
        if let Some(error) = &cloud.error {
            findings.push(Finding::error("cloud", error.clone()).cloud(&cloud.name));
        }
        for tried in &cloud.steps {
            if let (Some(Outcome::Failed), Some(error)) = (tried.outcome, &tried.error) {
                let mut finding = Finding::error(
                    "step-failed",
                    format!("{}: {error}", tried.step.action.as_str()),
                );
                finding.id.clone_from(&tried.step.id);
                findings.push(finding.image(&tried.step.image).cloud(&cloud.name));
            }
        }
        findings.extend(
            cloud
                .findings
                .into_iter()
                .map(|finding| finding.cloud(&cloud.name)),
        );
    }
    findings.sort_by_key(|finding| finding.level);
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

fn json(cloud: &CloudOutcome, is_applied: bool) -> Value {
    let steps: Vec<Value> = cloud
        .steps
        .iter()
        .map(|tried| {
            // Strings and maps with string keys always serialise.
            let mut step = serde_json::to_value(&tried.step).unwrap_or_default();
            if let (true, Value::Object(step)) = (is_applied, &mut step) {
                step.insert("outcome".to_owned(), json!(tried.outcome));
                step.insert("error".to_owned(), json!(tried.error));
                if let Some(transferred) = &tried.transferred {
                    step.insert("transfer".to_owned(), transferred.json());
                }
            }
            step
        })
        .collect();
    json!({"name": cloud.name, "fingerprint": cloud.fingerprint, "error": cloud.error, "steps": steps})
}

fn text(cloud: &CloudOutcome, is_applied: bool) -> String {
    let mut lines = vec![cloud.name.clone()];
    if cloud.error.is_none() && cloud.steps.is_empty() {
        lines.push("  nothing to do".to_owned());
    }
    let destructive = destructive(cloud);
    if destructive > 0 {
        lines.push(format!(
            "  {destructive} of {} steps take something away",
            cloud.steps.len()
        ));
    }
    for tried in &cloud.steps {
        let mark = match tried.outcome {
            _ if !is_applied => "",
            Some(Outcome::Done) => "done     ",
            Some(Outcome::Failed) => "FAILED   ",
            Some(Outcome::Skipped) | None => "skipped  ",
        };
        lines.push(format!("  {mark}{}", printable(&tried.step.line())));
    }
    if let (Some(fingerprint), false) = (&cloud.fingerprint, cloud.steps.is_empty() || is_applied) {
        lines.push(format!("  fingerprint {fingerprint}"));
    }
    lines.join("\n") + "\n\n"
}

/// What a reviewer counts first.
fn destructive(cloud: &CloudOutcome) -> usize {
    let steps = cloud.steps.iter();
    steps.filter(|tried| tried.step.is_destructive()).count()
}

fn markdown(cloud: &CloudOutcome) -> String {
    let mut text = format!("### {}\n\n", escape_markdown(&cloud.name));
    if let Some(error) = &cloud.error {
        return format!("{text}{}\n\n", escape_markdown(error));
    }
    if cloud.steps.is_empty() {
        return text + "Nothing to do.\n\n";
    }
    let destructive = destructive(cloud);
    if destructive > 0 {
        let of = cloud.steps.len();
        text = format!("{text}**{destructive} of {of} steps take something away.**\n\n");
    }
    text.push_str("| | action | image | version | change | |\n|---|---|---|---|---|---|\n");
    for Tried {
        step,
        outcome,
        error,
        ..
    } in &cloud.steps
    {
        let outcome = match outcome {
            None => String::new(),
            Some(Outcome::Done) => "done".to_owned(),
            Some(Outcome::Failed) => format!(
                "**failed**: {}",
                escape_markdown(error.as_deref().unwrap_or_default())
            ),
            Some(Outcome::Skipped) => "skipped".to_owned(),
        };
        let cells = [
            step.sign().to_string(),
            step.action.as_str().to_owned(),
            escape_markdown(&step.image),
            escape_markdown(step.version.as_deref().unwrap_or_default()),
            escape_markdown(&step.change()),
            outcome,
        ];
        text.push_str("| ");
        text.push_str(&cells.join(" | "));
        text.push_str(" |\n");
    }
    if let Some(fingerprint) = &cloud.fingerprint {
        text.push_str("\nFingerprint `");
        text.push_str(fingerprint);
        text.push_str("`\n");
    }
    text + "\n"
}

/// The last line: what it comes to.
fn summary(clouds: &[CloudOutcome], is_applied: bool) -> String {
    let tried = || clouds.iter().flat_map(|cloud| &cloud.steps);
    let uploads = tried()
        .filter(|tried| tried.step.action == Action::Upload)
        .count();
    let removed = tried().filter(|tried| tried.step.is_destructive()).count();
    let steps = tried().count();
    let errors = clouds.iter().filter(|cloud| cloud.error.is_some()).count()
        + clouds
            .iter()
            .flat_map(|cloud| &cloud.findings)
            .filter(|finding| finding.level == Level::Error)
            .count();
    let (clouds, errors) = (counted(clouds.len(), "cloud"), counted(errors, "error"));
    if is_applied {
        let of = |outcome| {
            tried()
                .filter(|tried| tried.outcome == Some(outcome))
                .count()
        };
        let (done, failed, skipped) =
            (of(Outcome::Done), of(Outcome::Failed), of(Outcome::Skipped));
        return format!(
            "{clouds}: {done} of {steps} steps done, {failed} failed, {skipped} skipped, {errors}"
        );
    }
    let (steps, uploads) = (counted(steps, "step"), counted(uploads, "upload"));
    format!("{clouds}: {removed} of {steps} to do take something away, {uploads}, {errors}")
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{count} {word}s")
    }
}
