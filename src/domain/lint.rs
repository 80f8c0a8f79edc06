//! What is wrong, or will go wrong, with definitions that can be read.
//!
//! [`errors`] are what `plan` and `apply` refuse; [`warnings`] are what a reviewer should see. Schema errors come from
//! [`definition::parse`], before anything here.

mod glance;
mod names;
mod offers;
mod policies;
mod proofs;
mod quotes;
mod scs;
mod stages;
mod upstreams;
mod urls;
mod versions;

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::definition::{self, Definition};
use super::finding::{Finding, Place};
use super::policy::{Asked, PolicyOverride};
use super::source::Source;
pub use scs::Standard;

/// A place where the definitions apply, and what is said there of policy.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// The cloud, or none for what the settings say for all.
    pub cloud: Option<&'a str>,
    /// The settings' words, the weakest first. A definition's own come behind them.
    pub policies: Vec<&'a PolicyOverride>,
    /// Whether the settings say how a new image is tried there.
    pub tries: bool,
}

/// Everything in which the definitions cannot be used: one name twice, a version without digest or URL, a policy that
/// does not exist, cannot be filled or shows more than the definition allows.
pub fn errors(definitions: &[Definition], scopes: &[Scope]) -> Vec<Finding> {
    let mut findings = definition::duplicates(definitions);
    for definition in definitions {
        findings.extend(versions::incomplete(definition));
        findings.extend(policies::check(definition, scopes));
    }
    for scope in scopes {
        findings.extend(of_scope(definitions, scope));
    }
    // What is wrong for all clouds is said once, not for each.
    let mut said = BTreeSet::new();
    findings.retain(|finding| {
        let place = (finding.file.clone(), finding.line, finding.column);
        said.insert((place, finding.message.clone()))
    });
    sorted(findings)
}

/// What the images of all definitions would be in one cloud, and what is wrong with them.
fn of_scope(definitions: &[Definition], scope: &Scope) -> Vec<Finding> {
    let enabled = || definitions.iter().filter(|definition| definition.enable);
    let offers: Vec<_> = enabled()
        .flat_map(|definition| offers::offers(definition, scope, NaiveDate::default()))
        .collect();
    let mut findings: Vec<_> = offers.iter().flat_map(glance::check).collect();
    findings.extend(names::check(&offers));
    findings.extend(enabled().flat_map(|definition| names::alike(definition, scope)));
    findings.extend(enabled().flat_map(|definition| stages::check(definition, scope)));
    let cloud = |finding: Finding| match scope.cloud {
        Some(cloud) => finding.cloud(cloud),
        None => finding,
    };
    findings.into_iter().map(cloud).collect()
}

/// What can be used but will surprise somebody: names that move, weak digests, odd orders, an upstream that no source
/// knows.
pub fn warnings(definitions: &[Definition], sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for definition in definitions {
        findings.extend(upstreams::check(definition, sources));
        findings.extend(urls::check(definition));
        findings.extend(versions::odd(definition));
    }
    sorted(findings)
}

/// A definition of which nothing can ever be uploaded, as nobody signs what is `asked` to be signed.
pub fn never_proven(
    definition: &Definition,
    sources: &[Source],
    asked: Asked<'_>,
) -> Option<Finding> {
    proofs::check(definition, sources, asked)
}

/// What the SCS standards would say of the images that the definitions make.
pub fn standards(
    definitions: &[Definition],
    scopes: &[Scope],
    standard: Option<Standard>,
    today: NaiveDate,
) -> Vec<Finding> {
    sorted(scs::check(definitions, scopes, standard, today))
}

/// Two versions of one image with one digest: of these one is not what it says.
pub fn twins(definition: &Definition) -> Vec<Finding> {
    versions::same_digest(definition)
}

/// Versions and releases in the text of a file that other YAML readers would take for numbers, dates or switches.
pub fn lost_quotes(file: &str, text: &str) -> Vec<Finding> {
    quotes::check(file, text)
}

fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|one, other| {
        let place = |finding: &Finding| (finding.file.clone(), finding.line, finding.column);
        place(one).cmp(&place(other))
    });
    findings
}

/// A warning at a place of a definition's file.
fn warning(definition: &Definition, at: Place, rule: &'static str, message: String) -> Finding {
    Finding::warning(rule, message)
        .at(&definition.file, at)
        .image(&definition.name)
}

#[cfg(test)]
mod tests;
