//! Settings, read once: flags and environment first, then `reglaze.yml`, then defaults.

mod clouds;
mod file;
mod mirror;
mod pull_requests;
mod values;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use regex::Regex;
use secrecy::SecretString;

use crate::cli::{Format, Shared};
pub use crate::domain::attested::Verify;
use crate::domain::conduct::Rules;
use crate::domain::finding::Finding;
use crate::domain::lint::Standard;
use crate::domain::policy::PolicyOverride;
use crate::domain::shard::Shard;
use crate::domain::template::Variables;
use crate::domain::transfer::Transfer;
use crate::domain::usage::InUse;
use crate::files::Files;

pub use clouds::{Boot, Cloud};
pub use mirror::{Mirror, Place};
use values::{filter, mapping, shard};

/// The settings file's name, where none is said.
pub const FILE: &str = "reglaze.yml";

/// Everything that a run was told, decided.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the files below are read from.
    pub files: Files,
    /// The folder to which paths are relative.
    pub root: PathBuf,
    /// Folder of definitions or one file, absolute or from the working directory.
    pub images: PathBuf,
    /// The same as the settings file has it, whatever flags say: the whole catalogue.
    pub catalogue: PathBuf,
    /// Folder of own sources; need not exist.
    pub sources: PathBuf,
    /// Folder of OpenPGP keys; need not exist.
    pub keys: PathBuf,
    /// Folder for what may be lost: documents and keys of earlier runs.
    pub cache: Option<PathBuf>,
    /// The clouds, in their order. Empty: what `OS_CLOUD` or `OS_*` say.
    pub clouds: Vec<Cloud>,
    /// How a cloud's services are asked who uses an image, where a cloud does not say it.
    pub in_use: InUse,
    /// How a new image is tried, where a cloud does not say it; absent: it is not.
    pub boot: Option<Boot>,
    /// How bytes come into a cloud that does not say it.
    pub transfer: Transfer,
    /// Where bytes wait that cannot be sent at once: a folder with room for the largest image.
    pub spool: PathBuf,
    /// The tag that marks our images.
    pub tag: String,
    /// The project that owns them; absent: the token's.
    pub owner: Option<String>,
    /// How much proof an upload needs.
    pub verify: Verify,
    /// The catalogue's policy.
    pub policy: PolicyOverride,
    /// The environment variables that templates may name, with their values.
    pub run: Variables,
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
    /// How pull requests are wanted.
    pub pull_requests: Rules,
    /// Where the mirror is, if there is one.
    pub mirror: Option<Mirror>,
    /// How stdout is written.
    pub format: Format,
    /// Whether warnings count.
    pub strict: bool,
}

/// Bounds on what one run may do to one cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Deletions by policy.
    pub deletions: usize,
    /// Steps after which a tenant that could boot or find an image cannot, but for ordinary rotation.
    pub withdrawals: usize,
    /// Projects with which one image may be shared.
    pub members: usize,
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
    /// A setting's value is wrong.
    #[error("`{value}` is no value for the setting `{setting}`; expected {expected}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        expected: &'static str,
    },
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

impl Settings {
    /// Reads `reglaze.yml` and lays flags over it.
    pub fn load(flags: &Shared, files: &Files, today: NaiveDate) -> Result<Self, SettingsError> {
        let (root, file) = file::read(files, flags.config.as_deref())?;
        let under = |path: &Path| root.join(path);
        let clouds = clouds::decided(&flags.cloud, &file)?;
        let limits = values::limits(&file.limits)?;
        let catalogue = under(Path::new(file.images.as_deref().unwrap_or("images")));
        Ok(Self {
            files: files.clone(),
            // Paths of flags are the caller's, from where they stand; those of the file are relative to it.
            images: flags.images.clone().unwrap_or_else(|| catalogue.clone()),
            catalogue,
            sources: flags
                .sources
                .clone()
                .unwrap_or_else(|| under(Path::new("sources"))),
            keys: under(Path::new("keys")),
            cache: cache(),
            clouds,
            in_use: file.in_use.decided(),
            boot: clouds::boot(file.boot.as_ref())?,
            transfer: file.transfer.clone().decided(),
            spool: flags
                .spool
                .clone()
                .or_else(|| file.spool.as_deref().map(|spool| under(Path::new(spool))))
                .unwrap_or_else(std::env::temp_dir),
            tag: file.tag.unwrap_or_else(|| "managed_by_reglaze".to_owned()),
            owner: file.owner,
            verify: file.verify.unwrap_or_default(),
            policy: file.policy,
            run: of_this_run(file.run_properties),
            scs: file.scs,
            limits,
            pull_requests: file.pull_requests.decided()?,
            mirror: file.mirror.map(mirror::mirror).transpose()?,
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

/// All environment variables; names and values that are not UTF-8 are nobody's input.
pub fn environment() -> BTreeMap<String, String> {
    let text = |(key, value): (OsString, OsString)| {
        Some((key.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// The environment variables that the settings name, those that are there.
fn of_this_run(names: Vec<String>) -> Variables {
    let value = |name: String| Some((name.clone(), std::env::var(name).ok()?));
    names.into_iter().filter_map(value).collect()
}

/// `GITHUB_TOKEN`, as GitHub's own tools name it; nothing if it is empty.
fn github_token() -> Option<SecretString> {
    std::env::var("GITHUB_TOKEN")
        .ok()
        .filter(|token| !token.trim().is_empty())
        .map(|token| SecretString::from(token.trim().to_owned()))
}

/// The cache folder of the XDG base directory specification; nothing where there is no home.
pub fn cache() -> Option<PathBuf> {
    let folder = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    folder("XDG_CACHE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".cache")))
        .map(|folder| folder.join("reglaze"))
}

impl Settings {
    /// Whether a definition is looked at in this run.
    pub fn looks_at(&self, name: &str) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.is_match(name))
            && self.shard.is_none_or(|shard| shard.holds(name))
    }

    /// Whether every definition is looked at in this run.
    pub fn looks_at_all(&self) -> bool {
        self.filter.is_none() && self.shard.is_none()
    }

    /// Whether the definitions of this run are the whole catalogue, and not a file of it or another folder.
    pub fn reads_all(&self) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        real(&self.images) == real(&self.catalogue)
    }

    /// This run's share of a bound on the whole cloud.
    pub fn share_of(&self, limit: usize) -> usize {
        self.shard.map_or(limit, |shard| shard.of(limit))
    }
}
