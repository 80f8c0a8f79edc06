//! The images that `apply` would make of a definition in a cloud, for rules that look at the result and not at the words.

use chrono::NaiveDate;

use super::Scope;
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::{Finding, Level, Place};
use crate::domain::policy::{self, Policy};
use crate::domain::rotation::{self, Facts, Known};
use crate::domain::snapshot::Visibility;
use crate::domain::template::{self, Variables};
use crate::domain::usage::Uses;
use crate::domain::wanted::{self, Scene, Wanted};

/// One image as `apply` would make it in a cloud.
pub struct Offer<'a> {
    /// Whose image it is.
    pub definition: &'a Definition,
    /// What the file says of it; nothing where the list is empty, and only what all versions have in common is known.
    pub listed: Option<&'a Version>,
    /// The index of its stage in the policy.
    pub stage: usize,
    /// What it shall be in Glance.
    pub wanted: Wanted,
    /// Whether its name tells the date of its upload, which is another one for each version.
    pub is_dated: bool,
}

impl Offer<'_> {
    /// The value of a property.
    pub fn property(&self, key: &str) -> Option<&str> {
        self.wanted.properties.get(key).map(String::as_str)
    }

    /// Whether others may use it; private images and those shared with some are none of the standard's business.
    pub fn is_offered(&self) -> bool {
        matches!(
            self.wanted.visibility,
            Visibility::Public | Visibility::Community
        )
    }

    /// Whether it is in everybody's default list.
    pub fn is_listed(&self) -> bool {
        self.wanted.visibility == Visibility::Public && !self.wanted.hidden
    }

    /// Where the value of a property was written.
    pub fn place(&self, key: &str) -> Place {
        let version = self.listed.filter(|version| match key {
            "image_source" | "image_build_date" => true,
            "os_version" if !self.definition.multi || version.os_version.is_some() => true,
            "image_description" if version.image_description.is_some() => true,
            key => version.meta.contains_key(key),
        });
        match version {
            Some(version) if key == "image_source" => version.url_at,
            Some(version) => version.at,
            None => self
                .definition
                .meta_at
                .get(key)
                .copied()
                .unwrap_or(self.definition.at),
        }
    }

    /// A finding about it at a place of its definition's file.
    pub fn finding(&self, level: Level, rule: &'static str, at: Place, message: String) -> Finding {
        Finding::new(level, rule, message)
            .at(&self.definition.file, at)
            .image(&self.definition.name)
    }
}

/// The listed versions, each in its stage; for an empty list the image that the first one will be. A policy that cannot
/// be used gives none: that is an error of its own.
pub fn offers<'a>(definition: &'a Definition, scope: &Scope, today: NaiveDate) -> Vec<Offer<'a>> {
    let Ok(policy) = policy::of(definition, &scope.policies) else {
        return Vec::new();
    };
    let offer = |version: &Version, listed, stage: usize| {
        let scene = Scene {
            definition,
            policy: &policy,
            mark: "",
            newest: Some(&definition.name),
            run: &Variables::new(),
            uploaded: Some(today),
        };
        let of_stage = policy.stages.get(stage)?;
        let wanted = wanted::wanted(&scene, version, of_stage, None);
        Some(Offer {
            is_dated: template::variables(&of_stage.name).contains(&"upload_date"),
            definition,
            listed,
            stage,
            wanted: wanted.ok()?,
        })
    };
    let mut offers: Vec<_> = ranked(definition, &policy)
        .into_iter()
        .filter_map(|(version, stage)| offer(version, Some(version), stage))
        .collect();
    // What rotation will do to the newest is checked also where nothing was replaced yet.
    let newest = offers
        .iter()
        .find(|offer| offer.stage == 0)
        .and_then(|offer| offer.listed);
    let sample = super::policies::future(definition);
    let first = usize::from(newest.is_some());
    let last = if policy.rotate {
        policy.stages.len()
    } else {
        1
    };
    for stage in first..last {
        if !offers.iter().any(|offer| offer.stage == stage) {
            offers.extend(offer(newest.unwrap_or(&sample), newest, stage));
        }
    }
    offers
}

fn ranked<'a>(definition: &'a Definition, policy: &Policy) -> Vec<(&'a Version, usize)> {
    let order = policy.order_of(definition);
    let known = definition
        .versions
        .iter()
        .filter(|version| !version.is_moving())
        .map(|version| Known {
            version: &version.version,
            listed: Some(version),
            image: None,
        });
    let facts = Facts {
        today: NaiveDate::default(),
        uses: &Uses::default(),
    };
    rotation::rank(
        known.collect(),
        policy,
        facts,
        |version| version.visibility.unwrap_or(definition.visibility),
        |one, other| order.compare(one, other),
    )
    .ranked
    .into_iter()
    .filter_map(|ranked| Some((ranked.known.listed?, ranked.stage)))
    .collect()
}
