//! Settings, read once: flags and environment first, then `reglaze.yml`, then defaults.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use regex::Regex;
use secrecy::SecretString;
use serde::Deserialize;

use crate::cli::{Format, Shared};
pub use crate::domain::attested::Verify;
use crate::domain::finding::Finding;
use crate::domain::lint::Standard;
use crate::domain::policy::PolicyOverride;
use crate::domain::shard::Shard;
use crate::domain::yaml;

/// The settings file's name, where none is said.
pub const FILE: &str = "reglaze.yml";

/// Everything that a run was told, decided.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder to which paths are relative.
    pub root: PathBuf,
    /// Folder of definitions or one file, absolute or from the working directory.
    pub images: PathBuf,
    /// Folder of own sources; need not exist.
    pub sources: PathBuf,
    /// Folder of OpenPGP keys; need not exist.
    pub keys: PathBuf,
    /// Folder for what may be lost: documents and keys of earlier runs.
    pub cache: Option<PathBuf>,
    /// The clouds, in their order. Empty: what `OS_CLOUD` or `OS_*` say.
    pub clouds: Vec<Cloud>,
    /// The tag that marks our images.
    pub tag: String,
    /// The project that owns them; absent: the token's.
    pub owner: Option<String>,
    /// How much proof an upload needs.
    pub verify: Verify,
    /// The catalogue's policy.
    pub policy: PolicyOverride,
    /// Which SCS standards `validate` holds all offered images against; absent: those that speak of it, version 2.
    pub scs: Option<Standard>,
    /// Bounds on what one run may do.
    pub limits: Limits,
    /// Only definitions whose name this finds.
    pub filter: Option<Regex>,
    /// Only this share of the definitions.
    pub shard: Option<Shard>,
    /// The date of all decisions.
    pub today: NaiveDate,
    /// `FROM=TO` pairs for fetching.
    pub upstream_map: Vec<(String, String)>,
    /// For GitHub's API, which answers strangers 60 times an hour only.
    pub github_token: Option<SecretString>,
    /// How stdout is written.
    pub format: Format,
    /// Whether warnings count.
    pub strict: bool,
}

/// One cloud and what differs there.
#[derive(Debug, Clone, PartialEq)]
pub struct Cloud {
    /// The name in `clouds.yaml`.
    pub name: String,
    /// The policy's overrides for this cloud.
    pub policy: PolicyOverride,
}

/// Bounds on what one run may do to one cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Deletions by policy.
    pub deletions: usize,
    /// Steps after which a tenant that could boot or find an image cannot, but for ordinary rotation.
    pub withdrawals: usize,
    /// The largest image, in bytes.
    pub image_size: u64,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The settings file cannot be read.
    #[error("could not read the settings `{path}`; expected a YAML file, or no --config at all")]
    Read {
        /// Its path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The settings file is wrong.
    #[error("{0}")]
    Wrong(Box<Finding>),
    /// A flag's value is wrong.
    #[error("`{value}` is no value for --{flag}; expected {expected}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        expected: &'static str,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    images: Option<String>,
    tag: Option<String>,
    owner: Option<String>,
    #[serde(default)]
    clouds: Vec<CloudEntry>,
    verify: Option<Verify>,
    #[serde(default)]
    policy: PolicyOverride,
    scs: Option<Standard>,
    #[serde(default)]
    limits: LimitsEntry,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum CloudEntry {
    Name(String),
    Full(Box<FullCloud>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FullCloud {
    name: String,
    #[serde(default)]
    policy: PolicyOverride,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsEntry {
    deletions: Option<usize>,
    withdrawals: Option<usize>,
    image_size: Option<String>,
}

impl Settings {
    /// Reads `reglaze.yml` and lays flags over it.
    pub fn load(flags: &Shared, today: NaiveDate) -> Result<Self, SettingsError> {
        let (root, file) = read(flags.config.as_deref())?;
        let under = |path: &Path| root.join(path);
        let clouds = if flags.cloud.is_empty() {
            file.clouds.into_iter().map(Cloud::from).collect()
        } else {
            named(&flags.cloud, file.clouds)
        };
        let limits = limits(&file.limits)?;
        Ok(Self {
            // Paths of flags are the caller's, from where they stand; those of the file are relative to it.
            images: flags
                .images
                .clone()
                .unwrap_or_else(|| under(Path::new(file.images.as_deref().unwrap_or("images")))),
            sources: flags
                .sources
                .clone()
                .unwrap_or_else(|| under(Path::new("sources"))),
            keys: under(Path::new("keys")),
            cache: cache(),
            clouds,
            tag: file.tag.unwrap_or_else(|| "managed_by_reglaze".to_owned()),
            owner: file.owner,
            verify: file.verify.unwrap_or_default(),
            policy: file.policy,
            scs: file.scs,
            limits,
            filter: flags
                .filter
                .as_deref()
                .filter(|text| !text.is_empty())
                .map(filter)
                .transpose()?,
            shard: flags
                .shard
                .as_deref()
                .filter(|text| !text.is_empty())
                .map(shard)
                .transpose()?,
            today: flags.today.unwrap_or(today),
            upstream_map: flags
                .upstream_map
                .iter()
                .map(|pair| mapping(pair))
                .collect::<Result<_, _>>()?,
            github_token: github_token(),
            format: flags.format,
            strict: flags.strict,
            root,
        })
    }
}

/// `GITHUB_TOKEN`, as GitHub's own tools name it; nothing if it is empty.
fn github_token() -> Option<SecretString> {
    std::env::var("GITHUB_TOKEN")
        .ok()
        .filter(|token| !token.trim().is_empty())
        .map(|token| SecretString::from(token.trim().to_owned()))
}

/// The cache folder of the XDG base directory specification; nothing where there is no home.
fn cache() -> Option<PathBuf> {
    let folder = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    folder("XDG_CACHE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".cache")))
        .map(|folder| folder.join("reglaze"))
}

impl From<CloudEntry> for Cloud {
    fn from(entry: CloudEntry) -> Self {
        match entry {
            CloudEntry::Name(name) => Self {
                name,
                policy: PolicyOverride::default(),
            },
            CloudEntry::Full(full) => Self {
                name: full.name,
                policy: full.policy,
            },
        }
    }
}

/// The clouds that the flags name, each with what the file says of it.
fn named(names: &[String], entries: Vec<CloudEntry>) -> Vec<Cloud> {
    let known: Vec<Cloud> = entries.into_iter().map(Cloud::from).collect();
    names
        .iter()
        .map(|name| {
            known
                .iter()
                .find(|cloud| cloud.name == *name)
                .cloned()
                .unwrap_or_else(|| Cloud {
                    name: name.clone(),
                    policy: PolicyOverride::default(),
                })
        })
        .collect()
}

fn read(config: Option<&Path>) -> Result<(PathBuf, File), SettingsError> {
    let path = config.map_or_else(|| PathBuf::from(FILE), Path::to_path_buf);
    let root = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let text = match std::fs::read_to_string(&path) {
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
    let file = yaml::read(&path.display().to_string(), &text).map_err(SettingsError::Wrong)?;
    Ok((root, file))
}

fn limits(entry: &LimitsEntry) -> Result<Limits, SettingsError> {
    Ok(Limits {
        deletions: entry.deletions.unwrap_or(0),
        withdrawals: entry.withdrawals.unwrap_or(10),
        image_size: bytes(entry.image_size.as_deref().unwrap_or("64GiB"))?,
    })
}

/// `64GiB`, `512MiB`, or plain bytes.
fn bytes(text: &str) -> Result<u64, SettingsError> {
    let digits = text
        .trim_end_matches(|letter: char| letter.is_ascii_alphabetic())
        .trim();
    let unit = match text.trim_start_matches(|c: char| c.is_ascii_digit()).trim() {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        "TiB" => Some(1_u64 << 40),
        _ => None,
    };
    digits
        .parse::<u64>()
        .ok()
        .zip(unit)
        .and_then(|(count, unit)| count.checked_mul(unit))
        .ok_or_else(|| SettingsError::Flag {
            flag: "limits.image_size",
            value: text.to_owned(),
            expected: "a size such as `64GiB`",
        })
}

fn filter(text: &str) -> Result<Regex, SettingsError> {
    Regex::new(text).map_err(|_| SettingsError::Flag {
        flag: "filter",
        value: text.to_owned(),
        expected: "a regular expression such as `^Ubuntu`",
    })
}

fn shard(text: &str) -> Result<Shard, SettingsError> {
    Shard::parse(text).ok_or_else(|| SettingsError::Flag {
        flag: "shard",
        value: text.to_owned(),
        expected: "I/N with I from 1 to N, such as `1/4`",
    })
}

fn mapping(text: &str) -> Result<(String, String), SettingsError> {
    text.split_once('=')
        .filter(|(from, to)| [from, to].iter().all(|url| url::Url::parse(url).is_ok_and(|url| url.has_host())))
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .ok_or_else(|| SettingsError::Flag {
            flag: "upstream-map",
            value: text.to_owned(),
            expected: "FROM=TO with two URLs, such as `https://cloud-images.ubuntu.com=http://mirror.internal/ubuntu`",
        })
}

impl Settings {
    /// Whether a definition is looked at in this run.
    pub fn looks_at(&self, name: &str) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.is_match(name))
            && self.shard.is_none_or(|shard| shard.holds(name))
    }

    /// This run's share of a bound on the whole cloud.
    pub fn share_of(&self, limit: usize) -> usize {
        self.shard.map_or(limit, |shard| shard.of(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(bytes("64GiB").unwrap(), 64 << 30);
        assert_eq!(bytes("512").unwrap(), 512);
        assert!(bytes("64GB").is_err());
        assert!(bytes("99999999TiB").is_err());
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

    #[test]
    fn a_mapping_needs_two_urls() {
        assert!(mapping("https://a.example=http://127.0.0.1:1/a.example").is_ok());
        assert!(mapping("a.example=http://127.0.0.1").is_err());
    }
}
