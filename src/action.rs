//! The binary as a GitHub Action: inputs become arguments, and the report becomes outputs and a step summary.
//!
//! No other code knows of inputs, and there is no script in front of the binary: a shell would drop variables whose
//! names have a dash.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use crate::domain::report::Report;

/// The prefix of the variables in which GitHub's runner hands over inputs.
const PREFIX: &str = "INPUT_";

/// GitHub cuts off, and fails to upload, a step summary above 1 MiB.
const LARGEST_SUMMARY: usize = 1024 * 1024 - 4096;

/// What a run as an action needs to know of its surroundings.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `GITHUB_OUTPUT`.
    pub output: Option<OsString>,
    /// `GITHUB_STEP_SUMMARY`.
    pub summary: Option<OsString>,
}

/// Turns inputs into arguments: `command` first, each other input that is not empty as `--name=value`, several lines
/// as repeated flags. Nothing, if there is no input `command`.
///
/// The runner makes `INPUT_UPSTREAM-MAP` of `upstream-map`: upper case, blanks to underscores, dashes stay.
pub fn arguments(environment: impl IntoIterator<Item = (String, String)>) -> Vec<String> {
    let mut inputs: Vec<_> = environment
        .into_iter()
        .filter_map(|(key, value)| {
            let name = key.strip_prefix(PREFIX)?.to_lowercase().replace('_', "-");
            Some((name, value))
        })
        .collect();
    inputs.sort();
    let Some(command) = inputs
        .iter()
        .find(|(name, value)| name == "command" && !value.trim().is_empty())
    else {
        return Vec::new();
    };
    let mut arguments = vec![command.1.trim().to_owned()];
    for (name, value) in &inputs {
        // `false` is how a workflow says that a switch is not given.
        if name == "command" || value.trim() == "false" {
            continue;
        }
        let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
        arguments.extend(lines.map(|line| format!("--{name}={line}")));
    }
    arguments
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
        append(Path::new(path), &outputs(report, code, random))?;
    }
    if let Some(path) = &surroundings.summary {
        append(Path::new(path), &summary(report))?;
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
        report
            .findings
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    };
    let fingerprints: Vec<_> = report
        .data
        .get("clouds")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|cloud| {
            Some(format!(
                "{}={}",
                cloud.get("name")?.as_str()?,
                cloud.get("fingerprint")?.as_str()?
            ))
        })
        .collect();
    let first_line = report.text.lines().last().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in [
        ("changes", report.changes.to_string()),
        ("exit-code", code.to_string()),
        (
            "errors",
            count(crate::domain::finding::Level::Error).to_string(),
        ),
        (
            "warnings",
            count(crate::domain::finding::Level::Warning).to_string(),
        ),
        ("summary", first_line.to_owned()),
        ("fingerprint", fingerprints.join("\n")),
        ("report", report.json()),
    ] {
        text.extend([name, "<<", &delimiter, "\n", &value, "\n", &delimiter, "\n"]);
    }
    text
}

fn summary(report: &Report) -> String {
    let mut text = report.markdown();
    if text.len() > LARGEST_SUMMARY {
        let end = (0..=LARGEST_SUMMARY)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
        text.push_str("\n\nCut here: a step summary holds at most 1 MiB. The output `report` has all of it.\n");
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

    fn inputs(pairs: &[(&str, &str)]) -> Vec<String> {
        arguments(
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        )
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
            ("PATH", "/bin"),
        ]);
        assert_eq!(
            given,
            [
                "plan",
                "--cloud=prod",
                "--upstream-map=https://a.example=http://m",
                "--upstream-map=https://b.example=http://n"
            ]
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
    fn without_the_input_command_there_are_no_arguments() {
        assert!(inputs(&[("INPUT_CLOUD", "prod")]).is_empty());
    }

    #[test]
    fn two_is_no_failure_for_a_workflow() {
        assert_eq!([0, 1, 2, 3].map(exit_code), [0, 1, 0, 3]);
    }
}
