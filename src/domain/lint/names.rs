//! Names that two images of the catalogue would have at one time.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::Scope;
use super::offers::Offer;
use super::policies::future;
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::{Finding, Level};
use crate::domain::policy::{self, Policy, Stage};
use crate::domain::snapshot::Visibility;
use crate::domain::template::Variables;
use crate::domain::wanted::{self, Scene};

/// Two images that default lists would show under one name.
///
/// Names are not unique in Glance; a client that boots by name takes either, or refuses.
pub fn check(offers: &[Offer]) -> Vec<Finding> {
    let mut first: BTreeMap<&str, &Offer> = BTreeMap::new();
    let mut findings = Vec::new();
    let listed = |offer: &&Offer| offer.is_listed() && offer.listed.is_some() && !offer.is_dated;
    for offer in offers.iter().filter(listed) {
        let Some(known) = first.get(offer.wanted.name.as_str()) else {
            first.insert(&offer.wanted.name, offer);
            continue;
        };
        let version = |offer: &Offer| offer.listed.map(|version| version.version.clone());
        let is_one_definition = std::ptr::eq(known.definition, offer.definition);
        if known.definition.name == offer.definition.name
            && (!is_one_definition || version(known) == version(offer))
        {
            // A name that is defined twice is a finding of its own; one version may be here in two stages of its life.
            continue;
        }
        let message = format!(
            "default lists would show two images as `{}`: version `{}` of `{}` and version `{}` of `{}`; write what tells them \
             apart into the name's template, such as `{{version}}`",
            offer.wanted.name,
            version(known).unwrap_or_default(),
            known.definition.name,
            version(offer).unwrap_or_default(),
            offer.definition.name,
        );
        findings.push(offer.finding(Level::Error, "same-name", offer.definition.at, message));
    }
    findings
}

/// A stage that shows several versions under a name that does not tell them apart.
pub fn alike(definition: &Definition, scope: &Scope) -> Vec<Finding> {
    let Ok(policy) = policy::of(definition, &scope.policies) else {
        return Vec::new();
    };
    let several = |(index, stage): &(usize, &Stage)| {
        let holds_several = if *index == 0 {
            !policy.rotate
        } else {
            policy.rotate && stage.exits.keep.is_none_or(|keep| keep > 1)
        };
        holds_several
            && stage.hidden != Some(true)
            && wanted::narrowed(definition.visibility, stage) == Visibility::Public
    };
    let stages = policy.stages.iter().enumerate().filter(several);
    let alike = stages.filter(|(_, stage)| is_alike(definition, &policy, stage));
    alike
        .map(|(_, stage)| {
            let message = format!(
                "in the stage `{}` default lists would show every version as `{}`; write what tells them apart into the name's \
                 template, such as `{{version}}`",
                stage.stage, stage.name
            );
            Finding::error("same-name", message)
                .at(&definition.file, definition.at)
                .image(&definition.name)
        })
        .collect()
}

/// Whether two versions that differ in everything that a version may say get one name.
fn is_alike(definition: &Definition, policy: &Policy, stage: &Stage) -> bool {
    let one = future(definition);
    let other = Version {
        version: "2".to_owned(),
        build_date: NaiveDate::default().checked_add_days(Days::new(1)),
        url: Some("https://other.example".to_owned()),
        ..future(definition)
    };
    let days = [NaiveDate::default(), NaiveDate::default() + Days::new(1)];
    let name = |version: &Version, uploaded| {
        let scene = Scene {
            definition,
            policy,
            mark: "",
            newest: Some(&definition.name),
            run: &Variables::new(),
            uploaded: Some(uploaded),
        };
        wanted::stage_name(&scene, version, stage, None).ok()
    };
    let name_of_one = name(&one, days[0]);
    name_of_one.is_some() && name_of_one == name(&other, days[1])
}
