//! What is needed to log in to one cloud, as values, and why a description of it cannot be used.
//!
//! Reading the files is for `clouds`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;
use url::Url;

/// Variables and current folder of the process, as one value.
#[derive(Clone)]
pub struct Environment {
    /// All variables.
    pub variables: BTreeMap<String, String>,
    /// Where relative paths begin.
    pub folder: PathBuf,
    /// Where the whole machine's files are, after the user's own.
    pub machine: PathBuf,
}

impl Environment {
    /// Reads the process's own.
    pub fn of_this_process() -> Self {
        let text = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((key.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            folder: std::env::current_dir().unwrap_or_default(),
            machine: PathBuf::from("/etc/openstack"),
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.variable("HOME")) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            _ => self.folder.join(path),
        }
    }
}

/// Names only: the values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// All that is needed to log in to one cloud and to find its services.
#[derive(Debug, Clone)]
pub struct Cloud {
    /// Its name in clouds.yaml, or `envvars`.
    pub name: String,
    /// Where it is described, for messages.
    pub described_in: String,
    /// Where Keystone is.
    pub auth_url: Url,
    /// Who logs in.
    pub login: Login,
    /// For which project; `None` where the credential says it.
    pub project: Option<Named>,
    /// The region whose image service is meant.
    pub region: Option<String>,
    /// `public`, `internal`, `admin`, the preferred one first.
    pub interfaces: Vec<String>,
    /// The image service's URL, in place of the catalogue's.
    pub image_endpoint: Option<Url>,
    /// The object store's URL with the project in it, in place of the catalogue's.
    pub object_store_endpoint: Option<Url>,
    /// How servers prove themselves.
    pub tls: Tls,
    /// How long one call may take.
    pub timeout: Option<Duration>,
}

/// Who logs in, and with what.
#[derive(Debug, Clone)]
pub enum Login {
    /// A user with a password.
    Password {
        /// The user.
        user: Named,
        /// The password.
        password: SecretString,
    },
    /// An application credential, which knows its project.
    ApplicationCredential {
        /// By ID, or by name and user.
        credential: Credential,
        /// Its secret.
        secret: SecretString,
    },
    /// A token that somebody else got.
    Token(SecretString),
}

/// How an application credential is named.
#[derive(Debug, Clone)]
pub enum Credential {
    /// By its ID.
    Id(String),
    /// By its name, which is unique among its user's.
    Named {
        /// The name.
        name: String,
        /// Whose it is.
        user: Named,
    },
}

/// A user or a project: by ID, or by name within a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By its ID.
    Id(String),
    /// By its name.
    Name {
        /// The name.
        name: String,
        /// The domain in which it is unique.
        domain: Domain,
    },
}

impl Named {
    /// Gives name or ID, for messages.
    pub fn shown(&self) -> &str {
        match self {
            Self::Id(text) | Self::Name { name: text, .. } => text,
        }
    }
}

/// A domain, by ID or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// By its ID.
    Id(String),
    /// By its name.
    Name(String),
}

/// How servers prove themselves, and the client where they ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Whether certificates are checked at all.
    pub verify: bool,
    /// A file of CA certificates that count beside the system's.
    pub authorities: Option<PathBuf>,
    /// The client's certificate and key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Why a cloud's description cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// No cloud of that name is described.
    #[error("no cloud `{name}` is described: {}; looked at {}", known(.clouds), places(.files))]
    NoSuchCloud {
        /// The name that was asked for.
        name: String,
        /// Those that are described.
        clouds: Vec<String>,
        /// The files that were read.
        files: Vec<PathBuf>,
    },
    /// Several clouds are described and none was named.
    #[error("no cloud is chosen: {}; name one with `--cloud`, `clouds` in reglaze.yml or OS_CLOUD, \
             or set OS_AUTH_URL; looked at {}", known(.clouds), places(.files))]
    NoneChosen {
        /// Those that are described.
        clouds: Vec<String>,
        /// The files that were read.
        files: Vec<PathBuf>,
    },
    /// A file that was named is not there, or cannot be read.
    #[error("`{}`, {why_this}, cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Who named it.
        why_this: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A file is not the YAML that it should be. The parser's words are kept back: they quote the file.
    #[error("`{}` is not readable as `clouds:` with one mapping per cloud{}", path.display(), at(*.line, *.column))]
    NotYaml {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: u64,
        /// Where, from 1.
        column: u64,
    },
    /// A value that is needed is absent.
    #[error("cloud `{cloud}` in {file} has no {missing}")]
    Missing {
        /// The cloud.
        cloud: String,
        /// Where it is described.
        file: String,
        /// What is not there.
        missing: String,
    },
    /// A value is not one that can be used.
    #[error("cloud `{cloud}` in {file}: `{key}` is {problem}")]
    Unusable {
        /// The cloud.
        cloud: String,
        /// Where it is described.
        file: String,
        /// The key.
        key: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

fn known(clouds: &[String]) -> String {
    if clouds.is_empty() {
        "none is".to_owned()
    } else {
        format!("there are `{}`", clouds.join("`, `"))
    }
}

pub(super) fn places(files: &[PathBuf]) -> String {
    if files.is_empty() {
        "./clouds.yaml, ~/.config/openstack and /etc/openstack, where none is; \
         OS_CLIENT_CONFIG_FILE can name another file"
            .to_owned()
    } else {
        let files: Vec<_> = files
            .iter()
            .map(|file| format!("`{}`", file.display()))
            .collect();
        files.join(", ")
    }
}

fn at(line: u64, column: u64) -> String {
    if line == 0 {
        String::new()
    } else {
        format!(" (line {line}, column {column})")
    }
}
