//! Findings as SARIF 2.1.0, which code scanning services and editors read.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>; what GitHub makes of it:
//! <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Ending, Report};
use crate::domain::checksum::hex;
use crate::domain::finding::{Finding, Level};

/// Where a finding is put that is in no file. GitHub refuses a whole upload for one result without a place; clouds and
/// limits are set in this file.
const NO_FILE: &str = "reglaze.yml";

/// The base of all relative URIs: the root of the repository.
const ROOT: &str = "%SRCROOT%";

impl Report {
    /// One run of one tool; every finding is a result.
    pub fn sarif(&self) -> String {
        let rules: BTreeSet<&str> = self.findings.iter().map(|finding| finding.rule).collect();
        let rules: Vec<&str> = rules.into_iter().collect();
        let mut seen = BTreeMap::new();
        let results = self.findings.iter().map(|finding| {
            let count = seen.entry(identity(finding)).or_insert(0_usize);
            *count += 1;
            result(finding, &rules, *count)
        });
        let results: Vec<Value> = results.collect();
        let version = env!("CARGO_PKG_VERSION");
        let log = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "reglaze",
                    "semanticVersion": version,
                    "rules": rules.iter().map(|rule| described(rule)).collect::<Vec<_>>(),
                }},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": self.ending != Ending::Nothing}],
                "results": results,
            }],
        });
        // Maps with string keys always serialise.
        serde_json::to_string_pretty(&log).unwrap_or_default()
    }
}

fn described(rule: &str) -> Value {
    let text = rule.replace('-', " ");
    json!({
        "id": rule,
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "help": {"text": format!(
            "The message says what was found, what was expected, and what to do. The README explains `{rule}`."
        )},
    })
}

fn result(finding: &Finding, rules: &[&str], count: usize) -> Value {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let properties: Map<String, Value> = [
        ("cloud", &finding.cloud),
        ("image", &finding.image),
        ("id", &finding.id),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?))))
    .collect();
    let subject = match &finding.file {
        Some(_) => None,
        None => finding.image.as_deref(),
    };
    let subject = finding.cloud.as_deref().into_iter().chain(subject);
    let message: String = subject
        .map(|subject| format!("{subject}: "))
        .chain([finding.message.clone()])
        .collect();
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rules.iter().position(|rule| *rule == finding.rule),
        "level": level,
        "message": {"text": message},
        "locations": [{"physicalLocation": place(finding)}],
        "partialFingerprints": {
            // The key by which GitHub knows a result again, in its own form.
            "primaryLocationLineHash": format!("{}:{count}", identity(finding)),
        },
        "properties": properties,
    })
}

fn place(finding: &Finding) -> Value {
    let file = finding.file.as_deref().unwrap_or(NO_FILE);
    let mut region = Map::from_iter([("startLine".to_owned(), json!(finding.line.unwrap_or(1)))]);
    if let Some(column) = finding.column.filter(|column| *column > 0) {
        region.insert("startColumn".to_owned(), json!(column));
    }
    json!({"artifactLocation": artifact(file), "region": region})
}

fn artifact(file: &str) -> Value {
    if let Some(absolute) = file.strip_prefix('/') {
        return json!({"uri": format!("file:///{}", escaped(absolute))});
    }
    let mut file = file;
    while let Some(rest) = file.strip_prefix("./") {
        file = rest;
    }
    json!({"uri": escaped(file), "uriBaseId": ROOT})
}

/// A path as a URI reference: what RFC 3986 does not allow in a path is percent-encoded. A colon is, too: the first
/// segment of a relative reference may have none.
fn escaped(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

/// What stays the same while lines move and days pass: not the place in the file, not the sentence.
fn identity(finding: &Finding) -> String {
    let mut hasher = Sha256::new();
    let parts = [&finding.file, &finding.cloud, &finding.image, &finding.id];
    let parts = parts.map(|part| part.as_deref().unwrap_or_default());
    for part in std::iter::once(finding.rule).chain(parts) {
        hasher.update(part);
        hasher.update([0]);
    }
    hex(&hasher.finalize()).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Place;

    fn report(findings: Vec<Finding>) -> Report {
        Report {
            matrix: None,
            title: None,
            ending: Ending::Done,
            changes: false,
            data: Map::new(),
            text: String::new(),
            markdown: String::new(),
            findings,
        }
    }

    fn results(findings: Vec<Finding>) -> Vec<Value> {
        let log: Value = serde_json::from_str(&report(findings).sarif()).unwrap();
        log["runs"][0]["results"].as_array().unwrap().clone()
    }

    fn at(line: u64) -> Finding {
        let place = Place { line, column: 7 };
        Finding::warning("moving-url", "it moves").at("images/a b.yml", place)
    }

    #[test]
    fn a_finding_is_a_result_with_its_rule_and_place() {
        let log: Value = serde_json::from_str(
            &report(vec![
                at(3).image("Ubuntu"),
                Finding::error("cloud", "down").cloud("prod"),
            ])
            .sarif(),
        )
        .unwrap();
        let run = &log["runs"][0];
        assert_eq!(log["version"], "2.1.0");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let ids: Vec<_> = rules.iter().map(|rule| &rule["id"]).collect();
        assert_eq!(ids, ["cloud", "moving-url"]);
        let first = &run["results"][0];
        assert_eq!(
            (&first["ruleIndex"], &first["level"]),
            (&json!(1), &json!("warning"))
        );
        assert_eq!(
            first["locations"][0]["physicalLocation"],
            json!({
                "artifactLocation": {"uri": "images/a%20b.yml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 3, "startColumn": 7},
            })
        );
        let second = &run["results"][1];
        assert_eq!(second["message"]["text"], "prod: down");
        assert_eq!(
            second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "reglaze.yml",
            "a result without a place is refused by GitHub"
        );
    }

    #[test]
    fn every_result_names_a_rule_that_is_listed() {
        let log: Value = serde_json::from_str(
            &report(vec![at(1), Finding::note("b", ""), Finding::note("a", "")]).sarif(),
        )
        .unwrap();
        let run = &log["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(
                run["tool"]["driver"]["rules"][index]["id"],
                result["ruleId"]
            );
        }
    }

    #[test]
    fn a_result_is_known_again_when_lines_move_and_told_from_its_neighbour() {
        let fingerprint =
            |result: &Value| result["partialFingerprints"]["primaryLocationLineHash"].clone();
        let of = |findings| -> Vec<Value> { results(findings).iter().map(fingerprint).collect() };
        let (before, after) = (of(vec![at(3), at(9)]), of(vec![at(5), at(11)]));
        assert_eq!(before, after);
        assert_ne!(before[0], before[1]);
        assert_ne!(of(vec![at(3).image("Ubuntu")])[0], before[0]);
    }

    #[test]
    fn paths_become_uris_that_point_into_the_repository() {
        assert_eq!(artifact("./images/x.yml")["uri"], "images/x.yml");
        assert_eq!(artifact("a:b.yml")["uri"], "a%3Ab.yml");
        assert_eq!(
            artifact("/tmp/ü.yml"),
            json!({"uri": "file:///tmp/%C3%BC.yml"})
        );
    }
}
