//! A source file exactly as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

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
    pub(super) indexes: Vec<RawIndex>,
    pub(super) checksum: Option<RawManifest>,
    pub(super) signature: Option<RawSignature>,
    #[serde(default)]
    pub(super) infer: Vec<RawInfer>,
    #[serde(default)]
    pub(super) redirect_hosts: Vec<String>,
    pub(super) expected_every: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) defaults: RawDefaults,
    pub(super) endoflife: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawParameter {
    pub(super) default: Option<String>,
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
    pub(super) engine: Spanned<String>,
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
    pub(super) image: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) also_at: Vec<Spanned<String>>,
    pub(super) version: Option<Spanned<String>>,
    pub(super) order: Option<Order>,
    pub(super) checksum: Option<RawManifest>,
    pub(super) signature: Option<RawSignature>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawManifest {
    pub(super) url: Spanned<String>,
    pub(super) algorithm: Option<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSignature {
    pub(super) form: Spanned<String>,
    pub(super) url: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) keys: Vec<Spanned<String>>,
    pub(super) key_url: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInfer {
    #[serde(rename = "match")]
    pub(super) pattern: Spanned<String>,
    #[serde(default)]
    pub(super) with: BTreeMap<String, String>,
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
