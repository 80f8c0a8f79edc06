//! What the README says of the binary, held against the binary.

mod rules;

use std::path::{Path, PathBuf};

use assert_cmd::Command;

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// The built-in sources, as a folder without sources of its own lists them.
fn listed(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_reglaze"))
        .env_clear()
        .current_dir(folder.path())
        .arg("sources")
        .args(arguments)
        .assert()
        .code(0);
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

#[test]
fn the_table_of_sources_is_what_the_binary_lists() {
    let readme = std::fs::read_to_string(path()).unwrap();
    let (before, rest) = readme.split_once("<!-- sources -->\n").unwrap();
    let (table, after) = rest.split_once("<!-- /sources -->\n").unwrap();
    let expected = listed(&["--format=markdown"]);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        let fresh = format!("{before}<!-- sources -->\n{expected}<!-- /sources -->\n{after}");
        return std::fs::write(path(), fresh).unwrap();
    }
    assert_eq!(
        table, expected,
        "the table of the README is not that of `reglaze sources`; INSTA_UPDATE=always writes it"
    );
}

#[test]
fn every_rule_by_which_findings_are_known_stands_in_the_readme() {
    let readme = std::fs::read_to_string(path()).unwrap();
    let rules = rules::rules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    // Each of these comes another way.
    for rule in [
        "same-name",
        "mirror-wrong",
        "stage-end",
        "upstream",
        "use-unknown",
    ] {
        assert!(rules.contains(rule), "`{rule}` is not seen");
    }
    assert!(rules.len() > 100, "{rules:?}");
    let missing: Vec<_> = rules
        .iter()
        .filter(|rule| !readme.contains(&format!("`{rule}`")))
        .collect();
    assert!(missing.is_empty(), "not in the README: {missing:?}");
}

/// One piece of a section that is to be carried out.
enum Step {
    /// A command, and what the README says that it prints.
    Run { command: String, prints: String },
    /// A file, or what takes the place of one of its lines.
    Write {
        file: String,
        line: Option<String>,
        text: String,
    },
}

/// The fenced blocks of a section, in their order.
fn steps(section: &str) -> Vec<Step> {
    let readme = std::fs::read_to_string(path()).unwrap();
    let (_, rest) = readme.split_once(&format!("\n## {section}\n")).unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    let mut steps = Vec::new();
    for block in section.split("\n```").skip(1).step_by(2) {
        let (kind, block) = block.split_once('\n').unwrap();
        match kind {
            "console" => {
                for step in block.split("\n$ ") {
                    let step = step.strip_prefix("$ ").unwrap_or(step);
                    let (command, prints) = step.split_once('\n').unwrap_or((step, ""));
                    steps.push(Step::Run {
                        command: command.to_owned(),
                        prints: prints.trim_end().to_owned(),
                    });
                }
            }
            "yaml" => {
                let (place, text) = block.split_once('\n').unwrap();
                let place = place.strip_prefix("# ").unwrap();
                let (file, line) = match place.split_once(", in the place of the line `") {
                    Some((file, line)) => (file, Some(line.trim_end_matches('`').to_owned())),
                    None => (place, None),
                };
                steps.push(Step::Write {
                    file: file.to_owned(),
                    line,
                    text: format!("{}\n", text.trim_end()),
                });
            }
            other => panic!("a block of the kind `{other}`"),
        }
    }
    steps
}

/// Fingerprints are new in every run.
fn without_fingerprints(text: &str) -> String {
    let fingerprint = regex::Regex::new(r"\b[0-9A-F]{40}\b").unwrap();
    fingerprint.replace_all(text, "FINGERPRINT").into_owned()
}

/// The steps as a script that prints a line `\u{1e}` before what each command prints.
fn script(steps: &[Step], port: u16) -> String {
    use std::fmt::Write;
    let fingerprint = regex::Regex::new(r"\b[0-9A-F]{40}\b").unwrap();
    let mut script = String::from("trap 'kill $(jobs -p); gpgconf --kill all' EXIT\n");
    for step in steps {
        match step {
            Step::Run { command, .. } => {
                let command = command.replace("8000", &port.to_string());
                writeln!(script, "echo $'\\x1e'\n{command}").unwrap();
                if command.ends_with('&') {
                    let reached = format!("(exec 3<>/dev/tcp/127.0.0.1/{port}) 2> /dev/null");
                    let lives = "kill -0 $! || exit 1";
                    writeln!(script, "until {reached}; do {lives}; sleep 0.1; done").unwrap();
                }
            }
            Step::Write { file, line, text } => {
                writeln!(script, "cat > piece <<'END'\n{text}END").unwrap();
                if let Some(known) = fingerprint.find(text) {
                    writeln!(script, "sed -i s/{}/$fingerprint/ piece", known.as_str()).unwrap();
                }
                match line {
                    None => writeln!(script, "cp piece {file}").unwrap(),
                    Some(line) => writeln!(
                        script,
                        "sed -i -e '/^{line}:/r piece' -e '/^{line}:/d' {file}"
                    )
                    .unwrap(),
                }
            }
        }
    }
    script
}

#[test]
fn the_steps_to_a_distribution_of_your_own_print_what_the_readme_shows() {
    let steps = steps("A distribution of your own");
    let folder = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_reglaze"));
    let mut path = binary.parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let done = std::process::Command::new("bash")
        .args(["-c", &script(&steps, crate::forge::free_port())])
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path())
        .env("PATH", path)
        .output()
        .unwrap();
    let stdout = String::from_utf8(done.stdout).unwrap();
    let printed: Vec<_> = stdout.split("\u{1e}\n").skip(1).collect();
    let commands: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Run { command, prints } => Some((command, prints)),
            Step::Write { .. } => None,
        })
        .collect();
    assert!(commands.len() > 10, "{}", commands.len());
    let show = |outputs: Vec<&str>| -> String {
        let outputs = commands.iter().zip(outputs);
        let lines = outputs.map(|((command, _), output)| format!("$ {command}\n{output}"));
        without_fingerprints(&lines.collect::<Vec<_>>().join("\n"))
    };
    let expected = show(commands.iter().map(|(_, prints)| prints.as_str()).collect());
    let found = show(printed.iter().map(|output| output.trim_end()).collect());
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(
        found == expected,
        "printed was:\n{found}\nthe README shows:\n{expected}\non stderr:\n{stderr}"
    );
}
