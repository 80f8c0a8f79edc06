//! Review on the pull request: the difference of definitions, and what a deployment insists on. No cloud is needed: what
//! is not reviewed is refused before any is asked.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use reglaze::domain::review::hidden::{self, CloudMark};
use serde_json::Value;

use crate::forge::{Access, Fake, Token};

const ACTIONS: &str = "ghs_of-a-job";
const READER: &str = "ghs_of-a-fork";

fn definitions(checksum: char, more: &str) -> String {
    let hex = checksum.to_string().repeat(64);
    format!(
        "images:\n- name: Debian 13\n  format: qcow2\n  visibility: public\n  versions:\n  - version: '1'\n    \
         url: https://example.org/1/debian.qcow2\n    checksum: sha256:{hex}\n{more}"
    )
}

fn more() -> &'static str {
    "- name: Fedora 43\n  format: qcow2\n  visibility: public\n  versions: []\n"
}

/// A repository with one pull request, and two tokens: a job's, and one that reads only.
fn fake() -> (Fake, u64) {
    let fake = Fake::start();
    fake.token(Token::actions(ACTIONS));
    let reads = [("contents", Access::Read), ("pull_requests", Access::Read)];
    fake.token(Token::actions(READER).only(&reads));
    let person = fake.person("maria");
    person.commit(
        "main",
        &[("images/all.yml", &definitions('1', ""))],
        "Begin",
    );
    person.commit(
        "change",
        &[("images/all.yml", &definitions('2', more()))],
        "Change",
    );
    let number = person.open_pull("change", "main", "Change", "");
    (fake, number)
}

/// Runs the binary as a job does, in a work tree with one file of definitions.
fn run(fake: &Fake, token: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("images")).unwrap();
    std::fs::write(path("images/all.yml"), definitions('2', more())).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_reglaze"));
    command
        .env_clear()
        .current_dir(folder.path())
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_REPOSITORY", fake.full_name())
        .env("GITHUB_API_URL", fake.url())
        .env("GITHUB_GRAPHQL_URL", fake.graphql_url())
        .env("GITHUB_TOKEN", token)
        .envs(variables.iter().copied())
        .args(arguments);
    command.output().unwrap()
}

fn event(folder: &Path, fake: &Fake, number: u64) -> String {
    // Each takes the whole world.
    let head = fake.world().branch("change");
    let base = fake.world().branch("main");
    let text = serde_json::json!({
        "number": number,
        "pull_request": {"number": number, "head": {"sha": head}, "base": {"sha": base}},
    });
    let path = folder.join("event.json");
    std::fs::write(&path, text.to_string()).unwrap();
    path.display().to_string()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_fork_without_secrets_is_told_what_its_change_does_to_the_definitions() {
    let (fake, number) = fake();
    let folder = tempfile::tempdir().unwrap();
    let event = event(folder.path(), &fake, number);
    let output = run(
        &fake,
        READER,
        &[
            ("GITHUB_EVENT_PATH", &event),
            ("GITHUB_EVENT_NAME", "pull_request"),
        ],
        &["validate", "--pull-request", "--format", "json"],
    );
    let json: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let changes = json["difference"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{json:#}");
    assert_eq!(
        (&changes[0]["key"], &changes[0]["loud"]),
        (&"checksum".into(), &true.into())
    );
    assert_eq!(
        (&changes[1]["image"], &changes[1]["change"]),
        (&"Fedora 43".into(), &"added".into())
    );
    let rules: Vec<_> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["rule"])
        .collect();
    assert!(rules.contains(&&Value::from("pin-edited")), "{rules:?}");
    assert!(fake.writes().is_empty());
    fake.assert_no_violations();
}

#[test]
fn what_is_of_no_pull_request_says_what_to_do() {
    let (fake, _) = fake();
    let output = run(
        &fake,
        ACTIONS,
        &[("GITHUB_EVENT_NAME", "push")],
        &["validate", "--pull-request"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("expected a job that `on: pull_request` starts"),
        "{}",
        said(&output)
    );
}

/// A plan's comment without steps.
fn plan_of(head: &str) -> String {
    let cloud = CloudMark {
        name: "prod".to_owned(),
        fingerprint: Some("0".repeat(64)),
    };
    hidden::mark(head, &[cloud]) + "text\n"
}

fn deployed(fake: &Fake, commit: &str) -> String {
    let output = run(
        fake,
        ACTIONS,
        &[
            ("GITHUB_SHA", commit),
            ("GITHUB_REF_NAME", "main"),
            ("REGLAZE_REVIEWED", "true"),
        ],
        &["apply", "--cloud", "prod"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(fake.writes().is_empty(), "{:?}", fake.writes());
    said(&output)
}

#[test]
fn a_commit_that_nobody_reviewed_is_not_deployed() {
    let (fake, number) = fake();
    let person = fake.person("maria");
    let direct = person.commit("main", &[("reglaze.yml", "tag: mine\n")], "Push");
    let said = deployed(&fake, &direct);
    assert!(
        said.contains("no merged pull request into `main`"),
        "{said}"
    );
    let merged = person.merge(number, "squash");
    assert!(deployed(&fake, &merged).contains("has no plan in its comments"));
}

#[test]
fn a_plan_of_somebody_else_or_of_an_older_commit_binds_nothing() {
    let (fake, number) = fake();
    let head = fake.world().branch("change").unwrap();
    let person = fake.person("maria");
    person.comment(number, &plan_of(&head));
    let merged = person.merge(number, "merge");
    let said = deployed(&fake, &merged);
    assert!(
        said.contains("is by `maria` and not by `github-actions[bot]`"),
        "{said}"
    );
    fake.person("github-actions[bot]")
        .comment(number, &plan_of(&"0".repeat(40)));
    let said = deployed(&fake, &merged);
    assert!(said.contains(&format!("and `{head}` was merged")), "{said}");
}

#[test]
fn the_reviewed_plan_is_found_however_the_pull_request_was_merged() {
    for method in ["merge", "squash", "rebase"] {
        let (fake, number) = fake();
        let head = fake.world().branch("change").unwrap();
        fake.person("github-actions[bot]")
            .comment(number, &plan_of(&head));
        let merged = fake.person("maria").merge(number, method);
        // It is bound, and fails at the cloud alone, which is described nowhere.
        let said = deployed(&fake, &merged);
        assert!(
            said.contains(&format!("bound by #{number}")),
            "{method}: {said}"
        );
        assert!(!said.contains("reviewed plan"), "{method}: {said}");
        fake.assert_no_violations();
    }
}

#[test]
fn a_report_is_written_beside_stdout_in_the_form_that_its_name_says() {
    let (fake, _) = fake();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (sarif, text, odd) = (path("a.sarif"), path("a.txt"), path("a.xml"));
    let output = run(
        &fake,
        "",
        &[],
        &["validate", "--report", &sarif, "--report", &text],
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let log: Value = serde_json::from_str(&std::fs::read_to_string(&sarif).unwrap()).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(std::fs::read(&text).unwrap(), output.stdout);
    let output = run(&fake, "", &[], &["validate", "--report", &odd]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("`.json`, `.sarif`, `.md` or `.txt`"),
        "{}",
        said(&output)
    );
}
