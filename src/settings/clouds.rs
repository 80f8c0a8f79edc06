//! The clouds of a run, each with what differs there.

use std::time::Duration;

use super::file::{BootEntry, CloudEntry, Console, File, FullCloud, InUseEntry};
use super::{Settings, SettingsError, values};
use crate::domain::definition::Definition;
use crate::domain::policy::{self, Asked, PolicyOverride};
use crate::domain::transfer::{Transfer, TransferOverride};
use crate::domain::usage::InUse;

/// How long a server may take to boot where nothing is said.
const WITHIN: Duration = Duration::from_mins(5);

/// One cloud and what differs there.
#[derive(Debug, Clone, PartialEq)]
pub struct Cloud {
    /// The name in `clouds.yaml`.
    pub name: String,
    /// The policy's overrides for this cloud.
    pub policy: PolicyOverride,
    /// How its services are asked who uses an image.
    pub in_use: InUse,
    /// How a new image is tried here; absent: it is not.
    pub boot: Option<Boot>,
    /// How bytes come into it.
    pub transfer: Transfer,
}

/// How a server is started from a new image, to see that it boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// The flavor, by name or ID.
    pub flavor: String,
    /// The network, by name or ID; absent: none at all.
    pub network: Option<String>,
    /// Whether the console must show that the system came up.
    pub console: bool,
    /// How long all of it may take.
    pub within: Duration,
}

impl Settings {
    /// How much proof the images of a definition need: what the strictest of the clouds of this run asks for.
    pub fn asked_of(&self, definition: &Definition) -> Asked<'_> {
        let mut places: Vec<_> = self
            .clouds
            .iter()
            .map(|cloud| {
                let name = Some(cloud.name.as_str());
                (name, vec![&self.policy, &cloud.policy])
            })
            .collect();
        if places.is_empty() {
            places.push((None, vec![&self.policy]));
        }
        policy::asked(definition, self.verify, &places)
    }

    /// A cloud of which the settings say nothing of its own.
    pub fn other_cloud(&self, name: &str) -> Cloud {
        Cloud {
            name: name.to_owned(),
            policy: PolicyOverride::default(),
            in_use: self.in_use,
            boot: self.boot.clone(),
            transfer: self.transfer.clone(),
        }
    }
}

/// The clouds that flags name, else all of the file; each with the file's words for it over those for all.
pub fn decided(names: &[String], file: &File) -> Result<Vec<Cloud>, SettingsError> {
    let known: Vec<Cloud> = file
        .clouds
        .iter()
        .map(|entry| cloud(entry, file))
        .collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Ok(known);
    }
    names
        .iter()
        .map(|name| {
            let said = known.iter().find(|cloud| cloud.name == *name);
            said.cloned()
                .map_or_else(|| cloud(&CloudEntry::Name(name.clone()), file), Ok)
        })
        .collect()
}

fn cloud(entry: &CloudEntry, file: &File) -> Result<Cloud, SettingsError> {
    let named;
    let full = match entry {
        CloudEntry::Full(full) => full.as_ref(),
        CloudEntry::Name(name) => {
            named = FullCloud {
                name: name.clone(),
                policy: PolicyOverride::default(),
                in_use: InUseEntry::default(),
                boot: None,
                transfer: TransferOverride::default(),
            };
            &named
        }
    };
    let over = match (&full.boot, &file.boot) {
        (Some(own), Some(all)) => Some(own.over(all)),
        (own, all) => own.clone().or_else(|| all.clone()),
    };
    Ok(Cloud {
        name: full.name.clone(),
        policy: full.policy.clone(),
        in_use: full.in_use.over(file.in_use).decided(),
        boot: boot(over.as_ref())?,
        transfer: full.transfer.clone().over(&file.transfer).decided(),
    })
}

/// Decides how images are tried.
pub fn boot(entry: Option<&BootEntry>) -> Result<Option<Boot>, SettingsError> {
    let Some(entry) = entry else { return Ok(None) };
    let Some(flavor) = entry.flavor.clone() else {
        return Err(SettingsError::Setting {
            setting: "boot.flavor",
            value: String::new(),
            expected: "the name of a flavor of the cloud",
        });
    };
    let network = entry.network.clone().filter(|name| name != "none");
    let within = match entry.within.as_deref() {
        Some(text) => values::duration("boot.within", text)?,
        None => WITHIN,
    };
    if within.is_zero() {
        return Err(SettingsError::Setting {
            setting: "boot.within",
            value: "0".to_owned(),
            expected: "a time in which a server can start, such as `5m`",
        });
    }
    Ok(Some(Boot {
        flavor,
        network,
        console: entry.console != Some(Console::Ignore),
        within,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::usage::Asked;
    use crate::domain::yaml;

    fn clouds(names: &[&str], text: &str) -> Result<Vec<Cloud>, String> {
        let file: File = yaml::read("reglaze.yml", text).map_err(|finding| finding.message)?;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        decided(&names, &file).map_err(|error| error.to_string())
    }

    #[test]
    fn a_clouds_own_words_stand_over_those_for_all_key_by_key() {
        let text = "clouds:\n- plain\n- name: edge\n  in_use: {volume: absent}\n  boot: {network: none, within: 90s}\n\
                    in_use: {compute: asked}\nboot: {flavor: tiny, network: lan, console: ignore}\n";
        let clouds = clouds(&[], text).unwrap();
        let [plain, edge] = &clouds[..] else {
            panic!("two clouds")
        };
        assert_eq!(plain.in_use, InUse::default());
        assert_eq!(edge.in_use.volume, Asked::Absent);
        let of_all = Boot {
            flavor: "tiny".to_owned(),
            network: Some("lan".to_owned()),
            console: false,
            within: WITHIN,
        };
        assert_eq!(plain.boot, Some(of_all.clone()));
        let of_edge = Boot {
            network: None,
            within: Duration::from_secs(90),
            ..of_all
        };
        assert_eq!(edge.boot, Some(of_edge));
    }

    #[test]
    fn a_cloud_that_a_flag_names_has_the_words_for_all() {
        let clouds = clouds(&["other"], "clouds: [a]\nboot: {flavor: tiny}\n").unwrap();
        assert_eq!(clouds.len(), 1);
        let boot = clouds[0].boot.clone().unwrap();
        assert!(boot.console);
        assert_eq!(boot.network, None);
    }

    #[test]
    fn a_boot_needs_a_flavor_and_a_time_with_a_unit() {
        assert!(
            clouds(&[], "clouds: [a]\nboot: {}\n")
                .unwrap_err()
                .contains("boot.flavor")
        );
        let wrong = clouds(&[], "clouds: [a]\nboot: {flavor: a, within: '5'}\n");
        assert!(wrong.unwrap_err().contains("boot.within"));
        assert!(clouds(&[], "clouds: [a]\nboot: {flavor: a, console: maybe}\n").is_err());
    }
}
