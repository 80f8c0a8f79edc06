//! What a reviewer bound: fingerprints, and plans read back.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::review::binding::Bond;
use super::step::Step;

/// What an `apply` is held to.
#[derive(Debug, Clone, Default)]
pub struct Reviewed {
    /// For every cloud that is not named.
    any: Option<String>,
    /// By cloud.
    fingerprints: BTreeMap<String, String>,
    /// Steps by cloud; absent: no plan was given at all.
    steps: Option<BTreeMap<String, Vec<Step>>>,
    /// What the review of a pull request binds, by cloud; absent: it was not asked for.
    bonds: Option<BTreeMap<String, Bond>>,
}

/// What was given cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReviewedError {
    /// No fingerprint.
    #[error(
        "`{text}` is no fingerprint; expected 64 hexadecimal digits, or CLOUD=FINGERPRINT, as `plan` prints it"
    )]
    Fingerprint {
        /// What was given.
        text: String,
    },
    /// No plan.
    #[error("`{name}` is no plan; expected the output of `reglaze plan --format json`")]
    Plan {
        /// The file.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A plan without steps for a cloud.
    #[error("`{name}` holds no plan of `{cloud}`, since it failed there; plan again")]
    FailedCloud {
        /// The file.
        name: String,
        /// The cloud.
        cloud: String,
    },
}

#[derive(Deserialize)]
struct Document {
    clouds: Vec<Cloud>,
}

#[derive(Deserialize)]
struct Cloud {
    name: String,
    fingerprint: Option<String>,
    #[serde(default)]
    steps: Vec<Step>,
}

impl Reviewed {
    /// Takes `[CLOUD=]FINGERPRINT`.
    pub fn add_fingerprint(&mut self, text: &str) -> Result<(), ReviewedError> {
        let (cloud, fingerprint) = text
            .rsplit_once('=')
            .map_or((None, text), |(cloud, rest)| (Some(cloud), rest));
        let fingerprint = fingerprint.trim().to_ascii_lowercase();
        if fingerprint.len() != 64 || !fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ReviewedError::Fingerprint {
                text: text.to_owned(),
            });
        }
        match cloud {
            Some(cloud) => {
                self.fingerprints.insert(cloud.to_owned(), fingerprint);
            }
            None => self.any = Some(fingerprint),
        }
        Ok(())
    }

    /// Takes the JSON of a plan; several may speak of one cloud, as shards do.
    pub fn add_plan(&mut self, name: &str, text: &str) -> Result<(), ReviewedError> {
        let document: Document =
            serde_json::from_str(text).map_err(|source| ReviewedError::Plan {
                name: name.to_owned(),
                source,
            })?;
        let steps = self.steps.get_or_insert_default();
        for cloud in document.clouds {
            if cloud.fingerprint.is_none() {
                return Err(ReviewedError::FailedCloud {
                    name: name.to_owned(),
                    cloud: cloud.name,
                });
            }
            steps.entry(cloud.name).or_default().extend(cloud.steps);
        }
        Ok(())
    }

    /// Takes what the review of a pull request binds a cloud to.
    pub fn hold(&mut self, cloud: &str, bond: Bond) {
        let bonds = self.bonds.get_or_insert_default();
        bonds.insert(cloud.to_owned(), bond);
    }

    /// Why nothing may be done in a cloud: what was reviewed does not bind it.
    pub fn refusal(&self, cloud: &str) -> Option<&str> {
        match self.bonds.as_ref()?.get(cloud) {
            Some(Bond::Nothing(reason)) => Some(reason),
            Some(Bond::Steps(_) | Bond::Fingerprint(_)) => None,
            None => Some("no reviewed plan names it"),
        }
    }

    /// The fingerprint that a cloud's plan must have, if one was given.
    pub fn fingerprint(&self, cloud: &str) -> Option<&str> {
        if let Some(Bond::Fingerprint(fingerprint)) = self.bond(cloud) {
            return Some(fingerprint);
        }
        self.fingerprints
            .get(cloud)
            .or(self.any.as_ref())
            .map(String::as_str)
    }

    /// The steps that may be done in a cloud, if plans were given: none for a cloud that no plan names.
    pub fn steps(&self, cloud: &str) -> Option<&[Step]> {
        if let Some(Bond::Steps(steps)) = self.bond(cloud) {
            return Some(steps);
        }
        self.steps
            .as_ref()
            .map(|steps| steps.get(cloud).map_or(&[][..], Vec::as_slice))
    }

    fn bond(&self, cloud: &str) -> Option<&Bond> {
        self.bonds.as_ref()?.get(cloud)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_counts_for_its_cloud_or_for_all() {
        let mut reviewed = Reviewed::default();
        reviewed.add_fingerprint(&"a".repeat(64)).unwrap();
        reviewed
            .add_fingerprint(&format!("edge={}", "B".repeat(64)))
            .unwrap();
        assert_eq!(reviewed.fingerprint("prod"), Some("a".repeat(64).as_str()));
        assert_eq!(reviewed.fingerprint("edge"), Some("b".repeat(64).as_str()));
        assert!(reviewed.add_fingerprint("abc").is_err());
        assert!(reviewed.steps("prod").is_none());
    }

    #[test]
    fn what_a_pull_request_binds_counts_for_each_cloud_of_its_own() {
        let mut reviewed = Reviewed::default();
        assert_eq!(reviewed.refusal("prod"), None);
        reviewed.hold("prod", Bond::Steps(Vec::new()));
        reviewed.hold("edge", Bond::Fingerprint("f".to_owned()));
        reviewed.hold("lab", Bond::Nothing("why".to_owned()));
        assert_eq!(reviewed.steps("prod"), Some(&[][..]));
        assert_eq!(
            (reviewed.refusal("prod"), reviewed.fingerprint("prod")),
            (None, None)
        );
        assert_eq!(
            (reviewed.steps("edge"), reviewed.fingerprint("edge")),
            (None, Some("f"))
        );
        assert_eq!(reviewed.refusal("lab"), Some("why"));
        assert!(reviewed.refusal("spare").is_some());
    }

    #[test]
    fn a_cloud_that_no_plan_names_may_do_nothing() {
        let mut reviewed = Reviewed::default();
        let plan = r#"{"clouds": [{"name": "prod", "fingerprint": "x", "error": null, "steps": []}], "findings": []}"#;
        reviewed.add_plan("plan.json", plan).unwrap();
        assert_eq!(reviewed.steps("edge"), Some(&[][..]));
        assert!(reviewed.add_plan("plan.json", "{}").is_err());
        assert!(
            reviewed
                .add_plan("plan.json", &plan.replace("\"x\"", "null"))
                .is_err()
        );
    }
}
