//! One cloud's entry in clouds.yaml as flat text values, which can be laid over each other.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// What a file or the environment says of one cloud. `auth` is flattened into it.
///
/// Every value is held as a secret, so that none can be printed by mistake.
/// Scalars keep the text that was written: a project ID like `12e3` is no number.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    values: BTreeMap<String, SecretString>,
    regions: Vec<(String, Entry)>,
}

/// The keys that are read, with the lists that are joined by commas. Others are other tools' business.
const KEYS: [&str; 41] = [
    "api_timeout",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "auth_type",
    "auth_url",
    "cacert",
    "cert",
    "cloud",
    "default_domain",
    "default_domain_id",
    "default_domain_name",
    "domain_id",
    "domain_name",
    "endpoint_type",
    "identity_api_version",
    "image_endpoint_override",
    "image_endpoint_type",
    "image_interface",
    "image_region_name",
    "insecure",
    "interface",
    "key",
    "object_store_endpoint_override",
    "password",
    "profile",
    "project_domain_id",
    "project_domain_name",
    "project_id",
    "project_name",
    "region_name",
    "system_scope",
    "tenant_id",
    "tenant_name",
    "token",
    "trust_id",
    "user_domain_id",
    "user_domain_name",
    "user_id",
    "username",
    "verify",
];

impl Entry {
    /// Reads the `OS_*` variables: `OS_AUTH_URL` is `auth_url`, and so on.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Self {
        let values = KEYS
            .iter()
            .filter_map(|key| {
                let value = variables.get(&format!("OS_{}", key.to_uppercase()))?;
                (!value.is_empty()).then(|| ((*key).to_owned(), value.as_str().into()))
            })
            .collect();
        Self {
            values,
            regions: Vec::new(),
        }
    }

    /// Lays `upper` over this: what it says counts, what it leaves out stays.
    pub fn overlaid(mut self, upper: Self) -> Self {
        self.values.extend(upper.values);
        if !upper.regions.is_empty() {
            self.regions = upper.regions;
        }
        self
    }

    /// Gives the values that hold for the region that is asked for, else for the first that is listed.
    pub fn in_region(mut self) -> Self {
        let wanted = self.text("region_name").map(str::to_owned);
        let regions = std::mem::take(&mut self.regions);
        let chosen = regions
            .into_iter()
            .find(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == name));
        match chosen {
            Some((name, values)) => {
                let mut entry = self.overlaid(values);
                entry.values.insert("region_name".to_owned(), name.into());
                entry
            }
            None => self,
        }
    }

    /// Gives the value of `key`, if it is there and not empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.secret(key).map(ExposeSecret::expose_secret)
    }

    /// Gives the value of the first of `keys` that has one.
    pub fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.text(key))
    }

    /// Gives the value of `key` as it is kept.
    pub fn secret(&self, key: &str) -> Option<&SecretString> {
        self.values
            .get(key)
            .filter(|value| !value.expose_secret().is_empty())
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings of a cloud")
    }

    fn visit_unit<E>(self) -> Result<Entry, E> {
        Ok(Entry::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let mut entry = Entry::default();
        let mut auth = Entry::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "auth" | "values" => {
                    auth = auth.overlaid(map.next_value::<Option<Entry>>()?.unwrap_or_default());
                }
                "regions" => {
                    let regions: Option<Vec<Region>> = map.next_value()?;
                    entry.regions = regions
                        .unwrap_or_default()
                        .into_iter()
                        .map(|region| (region.name, region.values))
                        .collect();
                }
                "interface" | "image_interface" => {
                    if let Some(OneOrMore(list)) = map.next_value()? {
                        entry.values.insert(key, list.join(",").into());
                    }
                }
                known if KEYS.contains(&known) => {
                    if let Some(value) = map.next_value::<Option<String>>()? {
                        entry.values.insert(key, value.into());
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(entry.overlaid(auth))
    }
}

/// A region in the list `regions`: a name alone, or a name with values of its own.
struct Region {
    name: String,
    values: Entry,
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RegionVisitor;
        impl<'de> Visitor<'de> for RegionVisitor {
            type Value = Region;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a region's name, or `name` and `values`")
            }

            fn visit_str<E>(self, name: &str) -> Result<Region, E> {
                Ok(Region {
                    name: name.to_owned(),
                    values: Entry::default(),
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Region, A::Error> {
                let mut region = Region {
                    name: String::new(),
                    values: Entry::default(),
                };
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" => region.name = map.next_value()?,
                        "values" => {
                            region.values = map.next_value::<Option<Entry>>()?.unwrap_or_default();
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(region)
            }
        }
        deserializer.deserialize_any(RegionVisitor)
    }
}

/// `interface` may be one word or a list in the order of preference.
struct OneOrMore(Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = OneOrMore;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an interface or a list of them")
            }

            fn visit_str<E>(self, word: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore(vec![word.to_owned()]))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<OneOrMore, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(OneOrMore(words))
            }
        }
        deserializer.deserialize_any(ListVisitor)
    }
}
