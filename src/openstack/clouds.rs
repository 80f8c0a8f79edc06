//! clouds.yaml, secure.yaml, clouds-public.yaml and `OS_*` → the clouds that are described.
//!
//! Looks in the places that the standard client looks in. All that it needs of the surroundings is an [`Environment`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::config::{Cloud, ConfigError, Environment, places};
use super::description::Description;
use super::entries::Entry;

/// All clouds that the files and the environment describe.
#[derive(Debug)]
pub struct Clouds {
    entries: BTreeMap<String, Entry>,
    profiles: BTreeMap<String, Entry>,
    from_variables: Option<(String, Entry)>,
    chosen: Option<String>,
    files: Vec<PathBuf>,
    environment: Environment,
}

impl Clouds {
    /// Reads the files and the `OS_*` variables that `environment` leads to.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let mut files = Vec::new();
        let clouds = read_first(environment, "clouds", "OS_CLIENT_CONFIG_FILE", &mut files)?;
        let secure = read_first(environment, "secure", "OS_CLIENT_SECURE_FILE", &mut files)?;
        let vendor = read_first(
            environment,
            "clouds-public",
            "OS_CLIENT_VENDOR_FILE",
            &mut files,
        )?;
        let mut entries = clouds.clouds;
        for (name, secrets) in secure.clouds {
            let entry = entries.remove(&name).unwrap_or_default();
            entries.insert(name, entry.overlaid(secrets));
        }
        // Other OS_* variables alone (a region left over in a shell) do not make a cloud.
        let from_variables = environment.variable("OS_AUTH_URL").map(|_| {
            let name = environment.variable("OS_CLOUD_NAME").unwrap_or("envvars");
            (
                name.to_owned(),
                Entry::from_variables(&environment.variables),
            )
        });
        Ok(Self {
            entries,
            profiles: vendor.public_clouds,
            from_variables,
            chosen: environment.variable("OS_CLOUD").map(str::to_owned),
            files,
            environment: environment.clone(),
        })
    }

    /// Gives the cloud `name`; without one that of `OS_CLOUD`, of the other `OS_*`, or the only one.
    pub fn cloud(&self, name: Option<&str>) -> Result<Cloud, ConfigError> {
        let (name, entry) = self.entry(name.or(self.chosen.as_deref()))?;
        let from_variables = self
            .from_variables
            .as_ref()
            .is_some_and(|(own, _)| *own == name);
        let described_in = if from_variables {
            "the OS_* variables".to_owned()
        } else {
            places(&self.files)
        };
        let entry = self.with_profile(&name, entry, &described_in)?.in_region();
        Description {
            cloud: &name,
            file: &described_in,
            entry: &entry,
        }
        .cloud(&self.environment)
    }

    fn entry(&self, name: Option<&str>) -> Result<(String, Entry), ConfigError> {
        let from_variables = self.from_variables.as_ref();
        if let Some(name) = name {
            if let Some((own, entry)) = from_variables
                && own == name
            {
                return Ok((own.clone(), entry.clone()));
            }
            return match self.entries.get(name) {
                Some(entry) => Ok((name.to_owned(), entry.clone())),
                None => Err(ConfigError::NoSuchCloud {
                    name: name.to_owned(),
                    clouds: self.names(),
                    files: self.files.clone(),
                }),
            };
        }
        if let Some((own, entry)) = from_variables {
            return Ok((own.clone(), entry.clone()));
        }
        match self.entries.first_key_value() {
            Some((name, entry)) if self.entries.len() == 1 => Ok((name.clone(), entry.clone())),
            _ => Err(ConfigError::NoneChosen {
                clouds: self.names(),
                files: self.files.clone(),
            }),
        }
    }

    /// Gives the names of all clouds that are described.
    pub fn names(&self) -> Vec<String> {
        let from_variables = self.from_variables.iter().map(|(name, _)| name.clone());
        self.entries.keys().cloned().chain(from_variables).collect()
    }

    fn with_profile(&self, name: &str, entry: Entry, file: &str) -> Result<Entry, ConfigError> {
        let Some(profile) = entry.first(&["profile", "cloud"]) else {
            return Ok(entry);
        };
        match self.profiles.get(profile) {
            Some(base) => Ok(base.clone().overlaid(entry)),
            // The standard client brings profiles of some providers; with the URL given nothing is lost.
            None if entry.text("auth_url").is_some() => Ok(entry),
            None => Err(ConfigError::Unusable {
                cloud: name.to_owned(),
                file: file.to_owned(),
                key: "profile".to_owned(),
                problem: format!(
                    "`{profile}`, which no clouds-public.yaml describes; write its `auth_url` here"
                ),
            }),
        }
    }
}

/// The part of clouds.yaml, secure.yaml or clouds-public.yaml that is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    #[serde(deserialize_with = "entries_or_null")]
    clouds: BTreeMap<String, Entry>,
    #[serde(rename = "public-clouds", deserialize_with = "entries_or_null")]
    public_clouds: BTreeMap<String, Entry>,
}

fn entries_or_null<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Entry>, D::Error> {
    let entries: Option<BTreeMap<String, Option<Entry>>> = Option::deserialize(deserializer)?;
    let entries = entries.unwrap_or_default();
    Ok(entries
        .into_iter()
        .map(|(name, entry)| (name, entry.unwrap_or_default()))
        .collect())
}

/// Reads the file that `variable` names, else the first of the usual ones; as the standard client does, not several.
fn read_first(
    environment: &Environment,
    stem: &str,
    variable: &str,
    files: &mut Vec<PathBuf>,
) -> Result<File, ConfigError> {
    if let Some(named) = environment.variable(variable) {
        let path = environment.path(named);
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable {
            path: path.clone(),
            why_this: format!("which {variable} names"),
            source,
        })?;
        return parse(&text, path, files);
    }
    for folder in folders(environment) {
        for extension in ["yaml", "yml", "json"] {
            let path = folder.join(format!("{stem}.{extension}"));
            match std::fs::read_to_string(&path) {
                Ok(text) => return parse(&text, path, files),
                // A path below something that is no folder is as absent as any.
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                    ) => {}
                Err(source) => {
                    return Err(ConfigError::Unreadable {
                        path,
                        why_this: "one of the usual places".to_owned(),
                        source,
                    });
                }
            }
        }
    }
    Ok(File::default())
}

fn folders(environment: &Environment) -> Vec<PathBuf> {
    let mut folders = vec![environment.folder.clone()];
    if let Some(home) = environment.variable("XDG_CONFIG_HOME") {
        folders.push(Path::new(home).join("openstack"));
    }
    if let Some(home) = environment.variable("HOME") {
        folders.push(Path::new(home).join(".config/openstack"));
    }
    folders.push(environment.machine.clone());
    folders
}

fn parse(text: &str, path: PathBuf, files: &mut Vec<PathBuf>) -> Result<File, ConfigError> {
    match serde_saphyr::from_str::<Option<File>>(text) {
        Ok(file) => {
            files.push(path);
            Ok(file.unwrap_or_default())
        }
        Err(error) => {
            let place = error.location();
            Err(ConfigError::NotYaml {
                path,
                line: place.map_or(0, |place| place.line()),
                column: place.map_or(0, |place| place.column()),
            })
        }
    }
}

#[cfg(test)]
mod tests;
