//! The binary as a GitHub Action: inputs become arguments, and the report becomes outputs and a step summary.
//!
//! No other code knows of inputs, and there is no script in front of the binary: a shell would drop variables whose
//! names have a dash.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::CommandFactory;

use crate::cli::{Cli, Format};
use crate::domain::finding::Level;
use crate::domain::report::Report;
use crate::log;

/// The prefix of the variables in which GitHub's runner hands over inputs.
const PREFIX: &str = "INPUT_";

/// GitHub cuts off, and fails to upload, a step summary above 1 MiB.
const LARGEST_SUMMARY: usize = 1024 * 1024 - 4096;

/// The outputs of a job hold 1 MB as UTF-16 together, so a report takes at most half of that.
const LARGEST_REPORT: usize = 256 * 1024;

/// The outputs, as `action.yml` declares them.
pub const OUTPUTS: [&str; 8] = [
    "changes",
    "exit-code",
    "errors",
    "warnings",
    "summary",
    "fingerprint",
    "matrix",
    "report",
];

/// What a run needs to know of the runner that it may be on.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Whether the run is a step with inputs, outputs and a summary.
    pub is_action: bool,
    /// Whether the runner reads stdout and stderr for workflow commands, as it does in every step.
    pub is_read: bool,
    /// `GITHUB_OUTPUT`.
    pub output: Option<PathBuf>,
    /// `GITHUB_STEP_SUMMARY`.
    pub summary: Option<PathBuf>,
}

impl Surroundings {
    /// What the environment says. A run as an action has been found out from its arguments.
    pub fn new(environment: &BTreeMap<String, String>, is_action: bool) -> Self {
        let path = |name| {
            let value: &String = environment.get(name)?;
            (is_action && !value.is_empty()).then(|| PathBuf::from(value))
        };
        Self {
            is_action,
            is_read: is_action
                || environment
                    .get("GITHUB_ACTIONS")
                    .is_some_and(|it| it == "true"),
            output: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
        }
    }
}

/// Turns inputs into arguments: `command` first, each other input that is not empty as `--name=value`, several lines
/// as repeated flags. Nothing, if there is no input `command`: then this is no action.
///
/// The runner makes `INPUT_UPSTREAM-MAP` of `upstream-map`: upper case, blanks to underscores, dashes stay. It hands
/// over each declared input, as an empty text if a workflow leaves it out, even one that is `required`.
pub fn arguments(environment: &BTreeMap<String, String>) -> Option<Vec<String>> {
    let command = environment.get("INPUT_COMMAND")?.trim();
    let mut arguments: Vec<_> = (!command.is_empty())
        .then(|| command.to_owned())
        .into_iter()
        .collect();
    for (key, value) in environment {
        let Some(name) = key.strip_prefix(PREFIX) else {
            continue;
        };
        let name = name.to_lowercase().replace('_', "-");
        if name == "command" {
            continue;
        }
        let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
        arguments.extend(lines.filter_map(|line| argument(&name, line)));
    }
    let says_format = |key: &str| {
        environment
            .get(key)
            .is_some_and(|value| !value.trim().is_empty())
    };
    // In a workflow, findings are wanted where the file is shown.
    if !says_format("INPUT_FORMAT") && !says_format("REGLAZE_FORMAT") {
        arguments.push("--format=github".to_owned());
    }
    Some(arguments)
}

/// One argument. A switch has no value: `true` gives it and `false` does not.
fn argument(name: &str, value: &str) -> Option<String> {
    match value {
        "true" if is_switch(name) => Some(format!("--{name}")),
        "false" if is_switch(name) => None,
        _ => Some(format!("--{name}={value}")),
    }
}

fn is_switch(name: &str) -> bool {
    let cli = Cli::command();
    std::iter::once(&cli)
        .chain(cli.get_subcommands())
        .flat_map(clap::Command::get_arguments)
        .any(|flag| flag.get_long() == Some(name) && !flag.get_action().takes_values())
}

/// What stdout gets. Workflow commands are ours alone; foreign text that looks like one is made harmless where a
/// runner reads along.
pub fn stdout(surroundings: &Surroundings, report: &Report, format: Format) -> String {
    let text = match format {
        Format::Github => return log::harmless(&report.text) + &report.workflow_commands(),
        Format::Text => report.text(),
        Format::Json => report.json() + "\n",
        Format::Markdown => report.markdown(),
        Format::Sarif => report.sarif() + "\n",
        Format::Matrix => report.matrix() + "\n",
    };
    match format {
        _ if !surroundings.is_read => text,
        Format::Json | Format::Sarif | Format::Matrix => log::harmless_json(&text),
        _ => log::harmless(&text),
    }
}

/// Writes the action's outputs and the step summary, where the runner asks for them.
///
/// # Errors
/// The file cannot be written.
pub fn publish(
    surroundings: &Surroundings,
    report: &Report,
    code: u8,
    random: &str,
) -> std::io::Result<()> {
    if let Some(path) = &surroundings.output {
        append(path, &outputs(report, code, random))?;
    }
    if let Some(path) = &surroundings.summary {
        append(path, &summary(report))?;
    }
    Ok(())
}

/// As an action, 2 is no failure: output `changes` says it.
pub fn exit_code(code: u8) -> u8 {
    if code == 2 { 0 } else { code }
}

/// The outputs. A delimiter that nobody can guess keeps foreign text from writing outputs of its own.
fn outputs(report: &Report, code: u8, random: &str) -> String {
    let delimiter = format!("reglaze_{random}");
    let count = |level| {
        let findings = report.findings.iter();
        findings.filter(|finding| finding.level == level).count()
    };
    let values = [
        report.changes.to_string(),
        code.to_string(),
        count(Level::Error).to_string(),
        count(Level::Warning).to_string(),
        one_sentence(report),
        fingerprints(report).join("\n"),
        report.matrix(),
        // A document that was cut would be none. What needs more room asks for `format: json`.
        Some(report.json())
            .filter(|json| json.len() <= LARGEST_REPORT)
            .unwrap_or_default(),
    ];
    let mut text = String::new();
    for (name, value) in OUTPUTS.iter().zip(values) {
        text.extend([name, "<<", &delimiter, "\n", &value, "\n", &delimiter, "\n"]);
    }
    text
}

/// The last line of the text sums it up; a run that could do nothing has no text but a finding.
fn one_sentence(report: &Report) -> String {
    let last = report.text.lines().rfind(|line| !line.trim().is_empty());
    last.map(ToOwned::to_owned)
        .or_else(|| report.findings.first().map(ToString::to_string))
        .unwrap_or_default()
}

/// `CLOUD=FINGERPRINT` for each cloud with a plan: what input `fingerprint` of `apply` takes.
fn fingerprints(report: &Report) -> Vec<String> {
    let clouds = report
        .data
        .get("clouds")
        .and_then(serde_json::Value::as_array);
    let of_cloud = |cloud: &serde_json::Value| {
        let text = |key| cloud.get(key)?.as_str();
        Some(format!("{}={}", text("name")?, text("fingerprint")?))
    };
    clouds.into_iter().flatten().filter_map(of_cloud).collect()
}

fn summary(report: &Report) -> String {
    let mut text = report.markdown();
    if text.len() > LARGEST_SUMMARY {
        text.truncate(text.floor_char_boundary(LARGEST_SUMMARY));
        text.push_str(
            "\n\nCut here: a step summary holds at most 1 MiB. `format: json` prints all of it.\n",
        );
    }
    text
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?
        .write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Finding;
    use crate::domain::report::Ending;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn inputs(pairs: &[(&str, &str)]) -> Vec<String> {
        let mut arguments = arguments(&environment(pairs)).unwrap();
        arguments.retain(|argument| argument != "--format=github");
        arguments
    }

    fn report() -> Report {
        Report {
            matrix: None,
            title: None,
            ending: Ending::Pending,
            changes: true,
            data: serde_json::json!({"clouds": [{"name": "prod", "fingerprint": "f1"}]})
                .as_object()
                .unwrap()
                .clone(),
            text: "+ upload ::error::\n\n1 to add\n".to_owned(),
            markdown: "1 to add\n".to_owned(),
            findings: vec![Finding::warning("order", "##[set-output name=a]b")],
        }
    }

    #[test]
    fn inputs_become_arguments_with_the_command_first() {
        let given = inputs(&[
            (
                "INPUT_UPSTREAM-MAP",
                "https://a.example=http://m\n\n https://b.example=http://n \n",
            ),
            ("INPUT_COMMAND", "plan"),
            ("INPUT_CLOUD", "prod"),
            ("INPUT_FILTER", ""),
            ("INPUT_STRICT", "false"),
            ("INPUT_VERBOSE", "false"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(
            given,
            [
                "plan",
                "--cloud=prod",
                "--strict=false",
                "--upstream-map=https://a.example=http://m",
                "--upstream-map=https://b.example=http://n"
            ]
        );
    }

    #[test]
    fn a_switch_is_given_by_true_and_a_text_is_a_text() {
        assert_eq!(
            inputs(&[
                ("INPUT_COMMAND", "plan"),
                ("INPUT_FILTER", "true"),
                ("INPUT_VERBOSE", "true")
            ]),
            ["plan", "--filter=true", "--verbose"]
        );
    }

    #[test]
    fn an_input_stays_one_argument_whatever_it_holds() {
        assert_eq!(
            inputs(&[
                ("INPUT_COMMAND", "plan"),
                ("INPUT_FILTER", "; rm -rf / --cloud=x")
            ]),
            ["plan", "--filter=; rm -rf / --cloud=x"]
        );
    }

    #[test]
    fn without_the_input_command_this_is_no_action() {
        assert_eq!(arguments(&environment(&[("INPUT_CLOUD", "prod")])), None);
        // GitHub does not enforce `required`: the parser says what is missing.
        assert!(inputs(&[("INPUT_COMMAND", "")]).is_empty());
    }

    #[test]
    fn an_action_annotates_unless_told_otherwise() {
        let arguments = |pairs: &[_]| arguments(&environment(pairs)).unwrap();
        let command = ("INPUT_COMMAND", "plan");
        assert_eq!(arguments(&[command]), ["plan", "--format=github"]);
        assert_eq!(
            arguments(&[command, ("INPUT_FORMAT", "json")]),
            ["plan", "--format=json"]
        );
        assert_eq!(arguments(&[command, ("REGLAZE_FORMAT", "json")]), ["plan"]);
    }

    #[test]
    fn outputs_are_those_that_a_later_step_needs() {
        let mut report = report();
        report.data.clear();
        let text = outputs(&report, 2, "r");
        insta::assert_snapshot!(text.replace("reglaze_r", "-"), @r###"
        changes<<-
        true
        -
        exit-code<<-
        2
        -
        errors<<-
        0
        -
        warnings<<-
        1
        -
        summary<<-
        1 to add
        -
        fingerprint<<-

        -
        matrix<<-
        {"include":[]}
        -
        report<<-
        {
          "findings": [
            {
              "level": "warning",
              "rule": "order",
              "message": "##[set-output name=a]b",
              "file": null,
              "line": null,
              "column": null,
              "cloud": null,
              "image": null,
              "id": null
            }
          ]
        }
        -
        "###);
        assert_eq!(fingerprints(&self::report()), ["prod=f1"]);
    }

    #[test]
    fn a_report_that_is_too_long_for_an_output_is_left_out_whole() {
        let mut report = report();
        let long = Finding::note("long", "x".repeat(LARGEST_REPORT));
        report.findings.push(long);
        assert!(outputs(&report, 2, "r").ends_with("\nreport<<reglaze_r\n\nreglaze_r\n"));
    }

    #[test]
    fn a_summary_is_cut_between_characters() {
        let mut report = report();
        report.markdown = "ä".repeat(LARGEST_SUMMARY);
        let text = summary(&report);
        assert!(text.len() <= 1024 * 1024 && text.contains("Cut here"));
    }

    #[test]
    fn stdout_has_no_commands_but_ours() {
        let read = Surroundings {
            is_read: true,
            ..Surroundings::default()
        };
        assert_eq!(
            stdout(&read, &report(), Format::Github),
            "+ upload ::error::\n\n1 to add\n::warning title=order::##[set-output name=a]b\n"
        );
        for format in [Format::Text, Format::Json, Format::Markdown] {
            assert!(
                !stdout(&read, &report(), format).contains("##["),
                "{format:?}"
            );
        }
        assert_eq!(
            stdout(&Surroundings::default(), &report(), Format::Text),
            report().text()
        );
    }

    #[test]
    fn two_is_no_failure_for_a_workflow() {
        assert_eq!([0, 1, 2, 3].map(exit_code), [0, 1, 0, 3]);
    }
}
