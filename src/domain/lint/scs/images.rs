//! Images beside each other and in time: one generic image for each release, replaced ones out of its way, builds as
//! recent as promised.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::properties::{built, day};
use super::{Standard, vendors};
use crate::domain::finding::{Finding, Level};
use crate::domain::lint::offers::Offer;
use crate::domain::recency;

/// What is wrong between images.
pub(super) fn check(offers: &[Offer], standard: Standard) -> Vec<Finding> {
    let mut findings = several_generic(offers, standard);
    for offer in offers
        .iter()
        .filter(|offer| offer.stage > 0 && offer.is_offered() && !offer.wanted.hidden)
    {
        findings.extend(replaced(offer, offers, standard));
    }
    if standard == Standard::V1 {
        findings.extend(unnamed(offers));
    }
    findings
}

/// What version 1 recommends and version 2 demands.
fn since_2(standard: Standard) -> Level {
    if standard == Standard::V1 {
        Level::Note
    } else {
        Level::Warning
    }
}

fn several_generic(offers: &[Offer], standard: Standard) -> Vec<Finding> {
    let mut first: BTreeMap<_, &Offer> = BTreeMap::new();
    let mut findings = Vec::new();
    // Those that rotation replaces are judged by their stage.
    for offer in offers
        .iter()
        .filter(|offer| offer.stage == 0 && is_generic(offer))
    {
        let [Some(arch), Some(distribution), Some(version)] =
            ["architecture", "os_distro", "os_version"].map(|key| offer.property(key))
        else {
            continue;
        };
        // The version of a build that is yet to come is not known.
        if offer.listed.is_none() && !offer.definition.meta.contains_key("os_version") {
            continue;
        }
        let Some(known) = first.get(&(arch, distribution, version)) else {
            first.insert((arch, distribution, version), offer);
            continue;
        };
        let message = format!(
            "it is `generic` for {distribution} {version} on {arch}, and so is `{}` at {}:{}; scs-0102 allows one, so give one of \
             the two another `os_purpose`, such as `minimal` or `custom`",
            known.wanted.name, known.definition.file, known.definition.at.line
        );
        findings.push(offer.finding(
            since_2(standard),
            "scs-0102-generic",
            offer.place("os_purpose"),
            message,
        ));
    }
    findings
}

fn is_generic(offer: &Offer) -> bool {
    offer.is_listed() && offer.property("os_purpose") == Some("generic")
}

/// An image that another one replaced, and that stays where people look.
fn replaced(offer: &Offer, offers: &[Offer], standard: Standard) -> Vec<Finding> {
    let mut findings = Vec::new();
    let at = offer.definition.at;
    if is_generic(offer) {
        let message = "its policy leaves replaced images in public lists as `generic`, beside the newest; write `replace: {os_purpose: {generic: \
                       oldgeneric}}` into that stage, or hide them there";
        findings.push(offer.finding(
            since_2(standard),
            "scs-0102-generic",
            at,
            message.to_owned(),
        ));
    }
    let same =
        |newest: &&Offer| newest.stage == 0 && std::ptr::eq(newest.definition, offer.definition);
    let Some(newest) = offers.iter().find(same) else {
        return findings;
    };
    // The standard's tests look for the successor under the name cut at its last space.
    let cut = offer
        .wanted
        .name
        .rsplit_once(' ')
        .map(|(name, _)| name.trim_end());
    if cut != Some(newest.wanted.name.as_str()) {
        let message = format!(
            "its policy names a replaced image `{}`, from which scs-0102 does not find its successor `{}`: that is the name up to \
             the last space; name it `{{name}} ({{version}})`, or hide it",
            offer.wanted.name, newest.wanted.name
        );
        findings.push(offer.finding(Level::Warning, "scs-0102-replaced", at, message));
    }
    findings
}

/// A release for which the certificate's tests look, offered under other names only.
fn unnamed(offers: &[Offer]) -> Vec<Finding> {
    let mut findings = BTreeMap::new();
    for offer in offers
        .iter()
        .filter(|offer| offer.stage == 0 && is_generic(offer))
    {
        let Some(name) = vendors::certified_name(offer) else {
            continue;
        };
        if offers.iter().all(|other| other.wanted.name != name) {
            let message = format!("scs-0104 v1 looks for this image as `{name}`; name it so");
            let at = offer.definition.at;
            findings
                .entry(name)
                .or_insert_with(|| offer.finding(Level::Warning, "scs-0104", at, message));
        }
    }
    findings.into_values().collect()
}

/// Builds from the future, and newest builds that are older than was promised.
pub(super) fn dates(offer: &Offer, today: NaiveDate) -> Option<Finding> {
    let version = offer.listed?;
    let moment = built(offer.property("image_build_date")?)?;
    let warning = |rule, message| {
        Some(offer.finding(
            Level::Warning,
            rule,
            offer.place("image_build_date"),
            message,
        ))
    };
    if moment.date() > today {
        let message = format!(
            "version `{}` was built on {}, which is after today, {today}; correct `build_date`",
            version.version,
            moment.date()
        );
        return warning("scs-0102", message);
    }
    let frequency = offer.property("replace_frequency")?;
    let (_, with_slack) = recency::allowed(frequency)?;
    let due = moment + with_slack;
    // Where nothing is promised, nothing is broken; until a notice, everything is.
    let ended = match offer.property("provided_until")? {
        "none" => true,
        "notice" => false,
        until => day(until).is_none_or(|until| today > until),
    };
    if offer.stage > 0 || ended || due.date() >= today {
        return None;
    }
    let message = format!(
        "its newest version `{}` was built on {}, and `replace_frequency: {frequency}` promised another by {}; run `reglaze update --write`, \
         or promise less",
        version.version,
        moment.date(),
        due.date()
    );
    warning("scs-0102-recency", message)
}
