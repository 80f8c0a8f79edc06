//! Where the mirror is: `mirror` of the settings.

use serde::Deserialize;

use super::{SettingsError, values};
use crate::domain::mirror::Rules;

/// So many objects may one run remove, where nothing is said.
const DELETIONS: usize = 10;

/// An object that no definition names goes only if it was written so many days ago, where nothing is said.
const KEEP: &str = "14d";

/// The mirror as `reglaze.yml` has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorEntry {
    pub to: String,
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub cloud: Option<String>,
    pub public_url: Option<String>,
    pub name: Option<String>,
    pub deletions: Option<usize>,
    pub keep: Option<String>,
}

/// Where the mirror is, and what its objects are called.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// The place, as it was written.
    pub to: String,
    /// The place.
    pub place: Place,
    /// What its objects are called, and by which URLs readers reach them.
    pub rules: Rules,
    /// The most objects that one run removes.
    pub deletions: usize,
    /// So many days old an object is at least that `--prune` removes.
    pub keep: u64,
}

/// A place for objects; the prefix is empty or ends with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A bucket of S3 or of what speaks like it.
    S3 {
        /// Its name.
        bucket: String,
        /// How all names begin.
        prefix: String,
        /// Absent: AWS.
        endpoint: Option<String>,
        /// Absent: what the environment says.
        region: Option<String>,
    },
    /// A container of a cloud's Swift.
    Swift {
        /// Its name.
        container: String,
        /// How all names begin.
        prefix: String,
        /// The cloud; absent: the run's first.
        cloud: Option<String>,
    },
}

/// Decides where the mirror is.
pub fn mirror(entry: MirrorEntry) -> Result<Mirror, SettingsError> {
    let wrong = |setting, value: &str, expected| SettingsError::Setting {
        setting,
        value: value.to_owned(),
        expected,
    };
    let no_place = || {
        wrong(
            "mirror.to",
            &entry.to,
            "`s3://BUCKET/PREFIX` or `swift://CONTAINER/PREFIX`",
        )
    };
    let (kind, rest) = entry.to.split_once("://").ok_or_else(no_place)?;
    let (first, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = match prefix.trim_matches('/') {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    let is_plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte))
    };
    let is_odd = |part: &str| part.is_empty() || part.starts_with('.');
    let is_odd = prefix.trim_end_matches('/').split('/').any(is_odd) && !prefix.is_empty();
    if first.is_empty() || !is_plain(first) || !is_plain(&prefix) || is_odd {
        return Err(no_place());
    }
    let url = |setting, text: &str, schemes: &[&str], expected| {
        let is_url = url::Url::parse(text).is_ok_and(|url| {
            schemes.contains(&url.scheme()) && url.has_host() && url.query().is_none()
        });
        if is_url {
            Ok(text.trim_end_matches('/').to_owned())
        } else {
            Err(wrong(setting, text, expected))
        }
    };
    let endpoint = entry.endpoint.as_deref();
    let endpoint = endpoint
        .map(|text| {
            url(
                "mirror.endpoint",
                text,
                &["https", "http"],
                "a URL such as `https://s3.example`",
            )
        })
        .transpose()?;
    let public_url = entry.public_url.as_deref();
    let public_url = public_url
        .map(|text| {
            url(
                "mirror.public_url",
                text,
                // Whoever reads definitions fetches nothing by http.
                &["https"],
                "an https URL such as `https://images.example/`",
            )
        })
        .transpose()?
        .map(|base| base + "/");
    let place = match (kind, &endpoint, &entry.region, &entry.cloud) {
        ("s3", _, _, None) => Place::S3 {
            bucket: first.to_owned(),
            prefix,
            endpoint,
            region: entry.region.clone(),
        },
        ("s3", _, _, Some(cloud)) => {
            let expected =
                "none for `s3:`, whose credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
            return Err(wrong("mirror.cloud", cloud, expected));
        }
        ("swift", None, None, cloud) => Place::Swift {
            container: first.to_owned(),
            prefix,
            cloud: cloud.clone(),
        },
        ("swift", Some(endpoint), ..) => {
            let expected = "none for `swift:`, whose place is in the cloud's catalogue";
            return Err(wrong("mirror.endpoint", endpoint, expected));
        }
        ("swift", _, Some(region), _) => {
            let expected = "none for `swift:`, whose region stands in clouds.yaml";
            return Err(wrong("mirror.region", region, expected));
        }
        _ => return Err(no_place()),
    };
    Ok(Mirror {
        place,
        rules: Rules {
            public_url,
            name: entry.name.unwrap_or_else(|| Rules::NAME.to_owned()),
        },
        deletions: entry.deletions.unwrap_or(DELETIONS),
        keep: values::days("mirror.keep", entry.keep.as_deref().unwrap_or(KEEP))?,
        to: entry.to,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(text: &str) -> Result<Mirror, String> {
        let entry = crate::domain::yaml::read("reglaze.yml", text).map_err(|one| one.message)?;
        mirror(entry).map_err(|error| error.to_string())
    }

    #[test]
    fn a_place_is_a_bucket_or_a_container_with_a_prefix() {
        let place = |text: &str| decided(text).unwrap().place;
        let Place::S3 { bucket, prefix, .. } = place("to: s3://images/a/b/\nregion: eu\n") else {
            panic!("a bucket");
        };
        assert_eq!((bucket.as_str(), prefix.as_str()), ("images", "a/b/"));
        let swift = Place::Swift {
            container: "images".to_owned(),
            prefix: String::new(),
            cloud: Some("prod".to_owned()),
        };
        assert_eq!(place("to: swift://images\ncloud: prod\n"), swift);
    }

    #[test]
    fn what_does_not_belong_together_is_said() {
        for text in [
            "to: images\n",
            "to: s3://\n",
            "to: gs://a\n",
            "to: s3://a/../b\n",
            "to: s3://a/b//c\n",
            "to: s3://a\ncloud: prod\n",
            "to: swift://a\nendpoint: https://s3.example\n",
            "to: s3://a\npublic_url: images.example\n",
            "to: s3://a\npublic_url: http://images.example\n",
            "to: s3://a\nkeep: 3\n",
            "to: s3://a\nsecret: x\n",
        ] {
            assert!(decided(text).is_err(), "{text}");
        }
        insta::assert_snapshot!(decided("to: s3://a\nendpoint: s3.example\n").unwrap_err(), @"`s3.example` is no value for the setting `mirror.endpoint`; expected a URL such as `https://s3.example`");
    }
}
