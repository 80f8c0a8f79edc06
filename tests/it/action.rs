//! The binary as GitHub's runner calls it: inputs as variables, outputs and summary as files, commands in both streams.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use assert_cmd::Command;
use clap::CommandFactory;
use serde::Deserialize;

const GOOD: &str = "\
images:
  - name: Debian 13
    format: qcow2
    visibility: public
    versions:
      - version: '20260720-2545'
        url: https://example.org/20260720-2545/debian-13.qcow2
        checksum: sha256:0000000000000000000000000000000000000000000000000000000000000000
";

#[derive(Deserialize)]
struct Metadata {
    inputs: BTreeMap<String, Described>,
    outputs: BTreeMap<String, Described>,
}

#[derive(Deserialize)]
struct Described {
    description: String,
}

fn metadata() -> Metadata {
    serde_saphyr::from_str(include_str!("../../action.yml")).unwrap()
}

/// What a step leaves behind.
struct Step {
    code: i32,
    log: String,
    outputs: BTreeMap<String, String>,
    summary: String,
}

/// Runs a step on a repository with one file of definitions. All declared inputs are there, as on the runner.
fn step(definitions: &str, inputs: &[(&str, &str)]) -> Step {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("images")).unwrap();
    std::fs::write(path("images/all.yml"), definitions).unwrap();
    std::fs::write(path("output"), "former=1\n").unwrap();
    std::fs::write(path("summary"), "# Former step\n").unwrap();
    let declared = metadata().inputs;
    let done = Command::new(env!("CARGO_BIN_EXE_reglaze"))
        .env_clear()
        .current_dir(folder.path())
        .envs(declared.keys().map(|name| (variable(name), "")))
        .envs(inputs.iter().map(|(name, value)| (variable(name), value)))
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", path("output"))
        .env("GITHUB_STEP_SUMMARY", path("summary"))
        .output()
        .unwrap();
    let read = |name| std::fs::read_to_string(path(name)).unwrap();
    Step {
        code: done.status.code().unwrap(),
        log: format!(
            "{}\n{}",
            String::from_utf8(done.stdout).unwrap(),
            String::from_utf8(done.stderr).unwrap()
        ),
        outputs: outputs(&read("output")),
        summary: read("summary"),
    }
}

fn variable(input: &str) -> String {
    format!("INPUT_{}", input.to_uppercase())
}

/// Reads `name=value` and `name<<DELIMITER`, as the runner does.
fn outputs(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (name, value) = if let Some((name, delimiter)) = line.split_once("<<") {
            let value: Vec<_> = lines
                .by_ref()
                .take_while(|line| *line != delimiter)
                .collect();
            (name, value.join("\n"))
        } else {
            let (name, value) = line.split_once('=').unwrap();
            (name, value.to_owned())
        };
        outputs.insert(name.to_owned(), value);
    }
    assert_eq!(outputs.remove("former").unwrap(), "1");
    outputs
}

/// The commands that the runner would obey, from what it knows as such.
fn commands(log: &str) -> Vec<&str> {
    let known = "add-mask add-matcher add-path debug echo endgroup error group internal-set-repo-path notice \
                 remove-matcher save-state set-env set-output stop-commands warning";
    let is_known = |text: &str, end: &str| {
        let name = text.split(end).next().unwrap_or_default();
        let name = name.split(' ').next().unwrap_or_default();
        known
            .split_whitespace()
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    log.split(['\n', '\r'])
        .filter(|line| {
            let old = line.split("##[").skip(1).any(|text| is_known(text, "]"));
            let new = line.trim_start().strip_prefix("::");
            old || new.is_some_and(|text| text.contains("::") && is_known(text, "::"))
        })
        .collect()
}

/// `new` writes what a person then reads and commits; a workflow has nothing to say to it.
fn is_for_workflows(command: &clap::Command) -> bool {
    command.get_name() != "new"
}

#[test]
fn the_action_has_an_input_for_every_flag_and_no_other() {
    let cli = reglaze::cli::Cli::command();
    let flags: BTreeSet<_> = std::iter::once(&cli)
        .chain(
            cli.get_subcommands()
                .filter(|command| is_for_workflows(command)),
        )
        .flat_map(clap::Command::get_arguments)
        .filter_map(clap::Arg::get_long)
        .filter(|flag| !["help", "version"].contains(flag))
        .collect();
    let metadata = metadata();
    let mut inputs: BTreeSet<_> = metadata.inputs.keys().map(String::as_str).collect();
    assert!(inputs.remove("command"));
    assert_eq!(inputs, flags);
    let described = metadata.inputs.values().chain(metadata.outputs.values());
    assert!(
        described
            .map(|it| it.description.len())
            .all(|length| length > 10)
    );
}

#[test]
fn the_description_of_the_command_names_every_command() {
    let description = &metadata().inputs["command"].description;
    let cli = reglaze::cli::Cli::command();
    for command in cli
        .get_subcommands()
        .filter(|command| is_for_workflows(command))
    {
        assert!(
            description.contains(command.get_name()),
            "{}",
            command.get_name()
        );
    }
}

#[test]
fn the_action_declares_the_outputs_that_it_writes() {
    let declared: BTreeSet<_> = metadata().outputs.into_keys().collect();
    let step = step(GOOD, &[("command", "validate")]);
    assert_eq!(step.outputs.into_keys().collect::<BTreeSet<_>>(), declared);
}

#[test]
fn a_later_step_reads_what_became_of_the_command() {
    let step = step(
        GOOD,
        &[("command", "validate"), ("images", "images/all.yml")],
    );
    assert_eq!(step.code, 0, "{}", step.log);
    let said = ["changes", "exit-code", "errors"].map(|name| step.outputs[name].as_str());
    assert_eq!(said, ["false", "0", "0"]);
    assert!(step.outputs["summary"].contains("1 "), "{:?}", step.outputs);
    let report: serde_json::Value = serde_json::from_str(&step.outputs["report"]).unwrap();
    assert!(report["findings"].is_array());
    assert!(
        step.summary.starts_with("# Former step\n"),
        "{}",
        step.summary
    );
}

#[test]
fn a_finding_is_an_annotation_a_line_of_the_summary_and_a_failure() {
    let step = step(
        &GOOD.replace("visibility", "shape"),
        &[("command", "validate")],
    );
    assert_eq!(step.code, 3, "{}", step.log);
    let commands = commands(&step.log);
    assert!(
        commands
            .iter()
            .any(|line| line.starts_with("::error title=")
                && line.contains("file=images/all.yml,line=4,col=5::")),
        "{}",
        step.log
    );
    assert_eq!(step.outputs["exit-code"], "3");
    assert_ne!(step.outputs["errors"], "0");
    assert!(
        step.summary.contains("images/all.yml:4:5"),
        "{}",
        step.summary
    );
}

#[test]
fn an_input_that_is_wrong_or_missing_is_named_and_fails_with_one() {
    for (inputs, named) in [
        (vec![], "subcommand"),
        (vec![("command", "validat")], "validat"),
        (
            vec![("command", "validate"), ("upstream-map", "x")],
            "upstream-map",
        ),
        (vec![("command", "validate"), ("write", "true")], "write"),
        (
            vec![("command", "validate"), ("config", "none.yml")],
            "none.yml",
        ),
    ] {
        let step = step(GOOD, &inputs);
        assert_eq!(step.code, 1, "{}", step.log);
        assert_eq!(step.outputs["exit-code"], "1");
        let commands = commands(&step.log);
        assert!(
            matches!(commands[..], [command] if command.starts_with("::error ") && command.contains(named)),
            "{named}: {}",
            step.log
        );
        assert!(step.summary.contains("error"), "{}", step.summary);
    }
}

#[test]
fn foreign_text_forges_neither_commands_nor_outputs() {
    let hostile = [
        r"x\n::set-output name=forged::1\n",
        r"x\r  ::add-mask::a",
        r"##[set-env name=PATH]x",
        r"x\nforged<<E\n1\nE\nforged=1\n",
        r"%0A::stop-commands::x",
        r"\uFEFF::error::x",
    ];
    for text in hostile {
        // As a key, a value of a wrong type and a name that stands twice: each comes back in a finding.
        let twice =
            format!("  - name: \"{text}\"\n    format: qcow2\n    versions: []\n").repeat(2);
        for definitions in [
            GOOD.replace("visibility", &format!("\"{text}\"")),
            GOOD.replace("public", &format!("\"{text}\"")),
            format!("images:\n{twice}"),
        ] {
            for format in ["", "github", "text", "markdown", "json"] {
                let step = step(
                    &definitions,
                    &[
                        ("command", "validate"),
                        ("format", format),
                        ("verbose", "true"),
                    ],
                );
                assert_eq!(step.code, 3, "{}", step.log);
                let ours = |line: &&str| {
                    ["error", "warning", "notice"]
                        .iter()
                        .any(|kind| line.starts_with(&format!("::{kind} title=")))
                };
                let foreign: Vec<_> = commands(&step.log)
                    .into_iter()
                    .filter(|line| !ours(line))
                    .collect();
                assert!(foreign.is_empty(), "{foreign:?} in\n{}", step.log);
                assert!(!step.outputs.contains_key("forged"), "{:?}", step.outputs);
            }
        }
    }
    // Inputs are foreign too, where a workflow passes on what others wrote.
    let step = step(
        GOOD,
        &[("command", "x\n::add-mask::y"), ("filter", "##[add-mask]z")],
    );
    assert_eq!(commands(&step.log).len(), 1, "{}", step.log);
}

#[test]
fn without_inputs_the_same_binary_is_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    Command::new(env!("CARGO_BIN_EXE_reglaze"))
        .env_clear()
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &output)
        .current_dir(folder.path())
        .arg("sources")
        .assert()
        .code(0);
    assert!(!Path::new(&output).exists());
}
