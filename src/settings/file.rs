//! `reglaze.yml` as it is written: every key may be absent.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::mirror::MirrorEntry;
use super::pull_requests::PullRequestsEntry;
use super::{FILE, SettingsError};
use crate::domain::attested::Verify;
use crate::domain::lint::Standard;
use crate::domain::policy::PolicyOverride;
use crate::domain::transfer::TransferOverride;
use crate::domain::usage::{Asked, InUse};
use crate::domain::yaml;
use crate::files::Files;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub images: Option<String>,
    pub tag: Option<String>,
    pub owner: Option<String>,
    #[serde(default)]
    pub clouds: Vec<CloudEntry>,
    pub verify: Option<Verify>,
    #[serde(default, deserialize_with = "placed")]
    pub policy: PolicyOverride,
    #[serde(default)]
    pub run_properties: Vec<String>,
    pub scs: Option<Standard>,
    #[serde(default)]
    pub in_use: InUseEntry,
    pub boot: Option<BootEntry>,
    #[serde(default)]
    pub transfer: TransferOverride,
    pub spool: Option<String>,
    #[serde(default)]
    pub limits: LimitsEntry,
    #[serde(default)]
    pub pull_requests: PullRequestsEntry,
    pub mirror: Option<MirrorEntry>,
}

impl File {
    /// Findings about policies name the file as the user did.
    fn is_called(&mut self, name: &str) {
        let of_clouds = self.clouds.iter_mut().filter_map(|entry| match entry {
            CloudEntry::Full(cloud) => Some(&mut cloud.policy),
            CloudEntry::Name(_) => None,
        });
        for policy in std::iter::once(&mut self.policy).chain(of_clouds) {
            if let Some(origin) = &mut policy.origin {
                name.clone_into(&mut origin.file);
            }
        }
    }
}

/// A cloud: its name, or its name and what differs there.
#[derive(Debug)]
pub enum CloudEntry {
    Name(String),
    Full(Box<FullCloud>),
}

// Not `untagged`: that would lose the places of what it holds.
impl<'de> Deserialize<'de> for CloudEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = CloudEntry;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a cloud's name, or a block with `name`")
            }

            fn visit_str<E>(self, name: &str) -> Result<CloudEntry, E> {
                Ok(CloudEntry::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CloudEntry, A::Error> {
                let cloud = FullCloud::deserialize(MapAccessDeserializer::new(map))?;
                Ok(CloudEntry::Full(Box::new(cloud)))
            }
        }
        deserializer.deserialize_any(Entry)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullCloud {
    pub name: String,
    #[serde(default, deserialize_with = "placed")]
    pub policy: PolicyOverride,
    #[serde(default)]
    pub in_use: InUseEntry,
    pub boot: Option<BootEntry>,
    #[serde(default)]
    pub transfer: TransferOverride,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InUseEntry {
    pub compute: Option<Asked>,
    pub volume: Option<Asked>,
}

impl InUseEntry {
    /// These words, where there is none those of `under`.
    pub fn over(self, under: Self) -> Self {
        Self {
            compute: self.compute.or(under.compute),
            volume: self.volume.or(under.volume),
        }
    }

    pub fn decided(self) -> InUse {
        InUse {
            compute: self.compute.unwrap_or_default(),
            volume: self.volume.unwrap_or_default(),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootEntry {
    pub flavor: Option<String>,
    pub network: Option<String>,
    pub console: Option<Console>,
    pub within: Option<String>,
}

/// What is asked of a server's console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Console {
    Require,
    Ignore,
}

impl BootEntry {
    /// These words, where there is none those of `under`.
    pub fn over(&self, under: &Self) -> Self {
        let (this, under) = (self.clone(), under.clone());
        Self {
            flavor: this.flavor.or(under.flavor),
            network: this.network.or(under.network),
            console: this.console.or(under.console),
            within: this.within.or(under.within),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsEntry {
    pub deletions: Option<usize>,
    pub withdrawals: Option<usize>,
    pub members: Option<usize>,
    pub image_size: Option<String>,
}

/// Reads the file, and says in which folder it is.
pub fn read(files: &Files, config: Option<&Path>) -> Result<(PathBuf, File), SettingsError> {
    let path = config.map_or_else(|| PathBuf::from(FILE), Path::to_path_buf);
    let root = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let text = match files.text(&path) {
        Ok(text) => text,
        Err(error) if config.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((root, File::default()));
        }
        Err(source) => {
            return Err(SettingsError::Read {
                path: path.display().to_string(),
                source,
            });
        }
    };
    if text.trim().is_empty() {
        return Ok((root, File::default()));
    }
    let name = path.display().to_string();
    let mut file: File = yaml::read(&name, &text).map_err(SettingsError::Wrong)?;
    file.is_called(&name);
    Ok((root, file))
}

/// A policy with the place at which its block begins.
fn placed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PolicyOverride, D::Error> {
    let policy = Spanned::<PolicyOverride>::deserialize(deserializer)?;
    Ok(PolicyOverride::written(FILE, policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_knows_where_it_was_written() {
        let text =
            "tag: a\npolicy:\n  rotate: true\nclouds:\n- a\n- name: b\n  policy: {rotate: false}\n";
        let mut file: File = yaml::read(FILE, text).unwrap();
        file.is_called("site/reglaze.yml");
        let origin = file.policy.origin.unwrap();
        assert_eq!(
            (origin.file.as_str(), origin.at.line),
            ("site/reglaze.yml", 3)
        );
        let CloudEntry::Full(cloud) = &file.clouds[1] else {
            panic!("a cloud with a policy");
        };
        assert_eq!(cloud.policy.origin.as_ref().unwrap().at.line, 7);
    }

    #[test]
    fn the_standard_is_one_of_three_words() {
        let said = |text: &str| yaml::read::<File>(FILE, text).map(|file| file.scs);
        for (text, expected) in [
            ("tag: a\n", None),
            ("scs: v1\n", Some(Standard::V1)),
            ("scs: v2\n", Some(Standard::V2)),
            // A boolean for YAML 1.1, a word here.
            ("scs: off\n", Some(Standard::Off)),
        ] {
            assert_eq!(said(text).unwrap(), expected, "{text}");
        }
        assert!(
            said("scs: v3\n")
                .unwrap_err()
                .message
                .contains("one of v1, v2, off")
        );
    }
}
