//! Plans, carried out by a cloud of values that does what Glance does, as far as plans go.

mod cloud;
mod drift;
mod edits;
mod end;
mod histories;
mod limits;
mod others;
mod promises;
mod rotation;
mod sharing;
mod staged;
mod ways;

use std::collections::BTreeMap;

use super::super::bound::bound;
use super::super::definition;
use super::super::finding::Level;
use super::super::record::{MEMBERS, SINCE, STAGE};
use super::super::snapshot::{Status, Visibility};
use super::super::yaml;
use super::*;
use cloud::{Cloud, OWNER, TAG};

fn digest(version: &str) -> String {
    let hex = super::super::checksum::hex(&version.bytes().cycle().take(32).collect::<Vec<_>>());
    format!("sha256:{hex}")
}

fn define(name: &str, extra: &str, versions: &[&str]) -> Definition {
    use std::fmt::Write;
    let mut text = format!(
        "images:\n- name: {name}\n  format: qcow2\n  login: ubuntu\n  visibility: public\n  min_disk: 8\n{extra}  meta: {{os_distro: ubuntu, os_purpose: generic}}\n  versions:"
    );
    if versions.is_empty() {
        text.push_str(" []\n");
    }
    for version in versions {
        write!(text, "\n  - version: '{version}'\n    url: https://example.org/{version}.img\n    checksum: {}", digest(version)).unwrap();
    }
    definition::parse("images/test.yml", &text)
        .unwrap()
        .remove(0)
}

fn ubuntu(versions: &[&str]) -> Vec<Definition> {
    vec![define("Ubuntu 24.04", "", versions)]
}

/// The same, with a policy and properties of its own.
fn with(policy: &str, meta: &[(&str, &str)], versions: &[&str]) -> Vec<Definition> {
    let mut definition = define("Ubuntu 24.04", "", versions);
    definition.policy = Some(yaml::read("reglaze.yml", policy).unwrap());
    for (key, value) in meta {
        definition
            .meta
            .insert((*key).to_owned(), (*value).to_owned());
    }
    vec![definition]
}

fn lines(plan: &Plan) -> String {
    let steps = plan.steps.iter().map(Step::line);
    let findings = plan.findings.iter().map(ToString::to_string);
    steps.chain(findings).collect::<Vec<_>>().join("\n")
}

fn rules(plan: &Plan) -> Vec<&str> {
    plan.findings.iter().map(|finding| finding.rule).collect()
}

fn kinds(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| {
            format!(
                "{} {}",
                step.action.as_str(),
                step.version.as_deref().unwrap_or_default()
            )
        })
        .collect()
}

/// A cloud in which these versions were published one after the other, one a day.
fn grown(versions: &[&str]) -> Cloud {
    grown_with(versions, ubuntu)
}

fn grown_with(versions: &[&str], definitions: impl Fn(&[&str]) -> Vec<Definition>) -> Cloud {
    let mut cloud = Cloud::default();
    for end in 1..=versions.len() {
        let plan = cloud.plan(&definitions(&versions[..end]));
        cloud.apply(&plan);
        cloud.wait(1);
    }
    cloud
}
