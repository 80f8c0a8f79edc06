//! A source file exactly as it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::endoflife::RawEndOfLife;
use crate::domain::version::Order;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) title: String,
    pub(super) parameters: BTreeMap<String, Option<RawParameter>>,
    #[serde(default)]
    pub(super) architectures: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) map: BTreeMap<String, RawMapping>,
    pub(super) indexes: Vec<Spanned<RawIndex>>,
    pub(super) checksum: Option<RawChecksum>,
    pub(super) disk: Option<RawDisk>,
    pub(super) signature: Option<RawSignature>,
    pub(super) packages: Option<RawPackages>,
    pub(super) release_notes: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) infer: Vec<RawInfer>,
    #[serde(default)]
    pub(super) redirect_hosts: Vec<Spanned<String>>,
    pub(super) expected_every: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) defaults: RawDefaults,
    pub(super) endoflife: Option<Spanned<RawEndOfLife>>,
    pub(super) tested_on: Option<Spanned<String>>,
    pub(super) unproven: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawParameter {
    pub(super) default: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) values: Vec<String>,
    #[serde(default)]
    pub(super) known: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMapping {
    pub(super) of: Spanned<String>,
    #[serde(default)]
    pub(super) values: BTreeMap<String, String>,
    pub(super) default: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIndex {
    #[serde(default)]
    pub(super) when: BTreeMap<String, Spanned<String>>,
    pub(super) pointer: Option<Spanned<RawPointer>>,
    pub(super) engine: Option<Spanned<String>>,
    pub(super) mirror: Option<Spanned<String>>,
    pub(super) content_id: Option<Spanned<String>>,
    pub(super) product: Option<Spanned<String>>,
    pub(super) item: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<String>>,
    pub(super) path: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) directory: Option<Spanned<String>>,
    pub(super) listing: Option<Spanned<String>>,
    pub(super) file: Option<Spanned<String>>,
    pub(super) each: Option<Spanned<String>>,
    #[serde(default, rename = "match")]
    pub(super) matches: BTreeMap<String, Spanned<String>>,
    pub(super) repository: Option<Spanned<String>>,
    pub(super) tag: Option<Spanned<String>>,
    pub(super) asset: Option<Spanned<String>>,
    pub(super) prereleases: Option<Spanned<bool>>,
    pub(super) image: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) also_at: Vec<Spanned<String>>,
    pub(super) version: Option<Spanned<String>>,
    pub(super) order: Option<Order>,
    pub(super) checksum: Option<RawChecksum>,
    pub(super) disk: Option<RawDisk>,
    pub(super) signature: Option<RawSignature>,
    pub(super) packages: Option<RawPackages>,
    pub(super) release_notes: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPointer {
    pub(super) url: Spanned<String>,
    pub(super) from: Option<Spanned<String>>,
    #[serde(rename = "match")]
    pub(super) pattern: Option<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChecksum {
    pub(super) url: Option<Spanned<String>>,
    pub(super) digest: Option<Spanned<String>>,
    pub(super) compute: Option<Spanned<String>>,
    pub(super) algorithm: Option<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDisk {
    pub(super) digest: Option<Spanned<String>>,
    pub(super) compute: Option<Spanned<String>>,
    pub(super) algorithm: Option<Spanned<String>>,
    pub(super) member: Option<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSignature {
    pub(super) form: Spanned<String>,
    pub(super) of: Option<Spanned<Words>>,
    pub(super) url: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) keys: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) keys_by: BTreeMap<String, BTreeMap<String, Vec<Spanned<String>>>>,
    pub(super) key_url: Option<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPackages {
    pub(super) form: Spanned<String>,
    pub(super) url: Spanned<String>,
    pub(super) changes: Option<Spanned<String>>,
}

/// One word, or a list of them.
#[derive(Clone)]
pub(super) struct Words(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a word or a list of words")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Words, E> {
        Ok(Words(vec![word.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = list.next_element()? {
            words.push(word);
        }
        Ok(Words(words))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInfer {
    #[serde(rename = "match")]
    pub(super) pattern: Spanned<String>,
    #[serde(default)]
    pub(super) with: BTreeMap<String, Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDefaults {
    pub(super) name: Option<Spanned<String>>,
    pub(super) shortname: Option<Spanned<String>>,
    pub(super) format: Option<String>,
    pub(super) login: Option<String>,
    pub(super) min_disk: Option<u64>,
    pub(super) min_ram: Option<u64>,
    #[serde(default)]
    pub(super) meta: BTreeMap<String, Spanned<String>>,
}
