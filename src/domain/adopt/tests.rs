//! Matching, grouping and drafting, on values.

mod drafts;
mod matching;

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate};

use super::*;
use crate::domain::attested::Verify;
use crate::domain::definition;
use crate::domain::finding::Level;
use crate::domain::import::Offered;
use crate::domain::policy::PolicyOverride;
use crate::domain::snapshot::{Status, Visibility};
use crate::domain::template::Variables;
use crate::domain::transfer::Transfer;
use crate::domain::usage::Uses;
use crate::domain::yaml;

const TAG: &str = "managed_by_reglaze";

/// 128 digits from one.
fn sha512(digit: char) -> String {
    digit.to_string().repeat(128)
}

/// An image of ours without mark; its bytes have the SHA-512 `digit`.
fn image(id: &str, name: &str, digit: char) -> CloudImage {
    CloudImage {
        id: format!("00000000-0000-4000-8000-00000000000{id}"),
        name: Some(name.to_owned()),
        owner: Some("us".to_owned()),
        status: Status::Active,
        visibility: Visibility::Public,
        disk_format: Some("qcow2".to_owned()),
        size: Some(1),
        os_hash_algo: Some("sha512".to_owned()),
        os_hash_value: Some(sha512(digit)),
        created_at: DateTime::from_timestamp(1_714_521_600, 0).unwrap(),
        ..CloudImage::default()
    }
}

fn with(mut image: CloudImage, properties: &[(&str, &str)]) -> CloudImage {
    for (key, value) in properties {
        image
            .properties
            .insert((*key).to_owned(), (*value).to_owned());
    }
    image
}

/// A definition of `Ubuntu`; each version with its checksum.
fn ubuntu(versions: &[(&str, &str)]) -> Vec<Definition> {
    let mut text =
        "images:\n- name: Ubuntu\n  format: qcow2\n  visibility: public\n  versions:\n".to_owned();
    for (version, checksum) in versions {
        let url = format!("https://images.example/{version}.img");
        writeln!(
            text,
            "  - {{version: '{version}', url: '{url}', checksum: '{checksum}'}}"
        )
        .unwrap();
    }
    definition::parse("images/ubuntu.yml", &text).unwrap()
}

struct World {
    policy: PolicyOverride,
    filter: Option<String>,
    read: BTreeMap<String, Vec<Checksum>>,
}

impl World {
    fn new() -> Self {
        Self {
            policy: PolicyOverride::default(),
            filter: None,
            read: BTreeMap::new(),
        }
    }

    fn adopt(&self, definitions: &[Definition], images: &[CloudImage]) -> Adoption {
        self.with_context(|context| adopt(definitions, images, context))
    }

    fn with_context<T>(&self, act: impl FnOnce(&Context<'_>) -> T) -> T {
        let uses = Uses::default();
        act(&Context {
            plan: plan::Context {
                tag: TAG,
                policies: &[&self.policy],
                withdrawals: 10,
                deletions: 0,
                members: 128,
                uses: &uses,
                domains: &BTreeMap::new(),
                transfer: &Transfer::default(),
                offered: &Offered::default(),
                verify: Verify::default(),
                run: &Variables::new(),
                today: NaiveDate::from_ymd_opt(2026, 11, 21).unwrap(),
            },
            owner: "us",
            looks_at: &|name| {
                self.filter
                    .as_ref()
                    .is_none_or(|filter| name.contains(filter.as_str()))
            },
            is_filtered: self.filter.is_some(),
            read: &self.read,
            scopes: &[Scope {
                cloud: None,
                policies: vec![&self.policy],
                tries: false,
            }],
            file: "images/adopted.yml",
        })
    }
}

fn adopted(definitions: &[Definition], images: &[CloudImage]) -> Adoption {
    World::new().adopt(definitions, images)
}

/// The steps, one a line, and the findings' rules.
fn told(adoption: &Adoption) -> String {
    let mut text = String::new();
    for step in &adoption.steps {
        writeln!(text, "{}", step.line()).unwrap();
    }
    for finding in &adoption.findings {
        writeln!(text, "{} {}", finding.level, finding.rule).unwrap();
    }
    text
}

fn entries(adoption: &Adoption) -> String {
    adoption
        .drafts
        .iter()
        .map(|draft| draft.entry.as_str())
        .collect()
}

fn sha512_of(digit: char) -> String {
    format!("sha512:{}", sha512(digit))
}
