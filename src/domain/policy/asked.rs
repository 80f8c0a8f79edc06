//! How much proof an image needs: as much as the strictest of the clouds that it would be uploaded to.

use std::fmt;

use super::PolicyOverride;
use crate::domain::attested::Verify;
use crate::domain::definition::Definition;

/// A cloud and what is said of policy there, the weakest words first; without a name: what is said for all.
type Place<'a> = (Option<&'a str>, Vec<&'a PolicyOverride>);

/// How much proof is asked for, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// How much.
    pub verify: Verify,
    /// Who asks for it.
    pub by: By<'a>,
}

/// Who asks for a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// The setting `verify`.
    Settings,
    /// The policy of that cloud, or of all.
    Policy(Option<&'a str>),
}

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings => f.write_str("the setting `verify`"),
            Self::Policy(None) => f.write_str("the policy"),
            Self::Policy(Some(cloud)) => write!(f, "the policy of cloud `{cloud}`"),
        }
    }
}

/// The strictest word on the proof of a definition's images: the setting's, or that of the policy in one of the places.
///
/// A policy that does not exist asks for nothing here; it is told elsewhere.
pub fn asked<'a>(definition: &Definition, setting: Verify, places: &[Place<'a>]) -> Asked<'a> {
    let mut strictest = Asked {
        verify: setting,
        by: By::Settings,
    };
    for (cloud, policies) in places {
        let policy = super::of(definition, policies).ok();
        let verify = strictest
            .verify
            .and(policy.and_then(|policy| policy.verify));
        if verify != strictest.verify {
            strictest = Asked {
                verify,
                by: By::Policy(*cloud),
            };
        }
    }
    strictest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::definition;
    use crate::domain::yaml;

    fn policy(text: &str) -> PolicyOverride {
        yaml::read("reglaze.yml", text).unwrap()
    }

    fn of(own: &str, setting: Verify, places: &[Place<'_>]) -> (Verify, String) {
        let text = format!("images:\n- name: A\n  format: raw\n  versions: []\n{own}");
        let definition = definition::parse("a.yml", &text).unwrap().remove(0);
        let asked = asked(&definition, setting, places);
        (asked.verify, asked.by.to_string())
    }

    #[test]
    fn the_strictest_cloud_counts_and_is_named() {
        let (all, weak, strict) = (
            policy("verify: checksum\n"),
            policy("verify: signature\n"),
            policy("preset: syseleven\nverify: signature-required\n"),
        );
        let places = [
            (Some("weak"), vec![&all, &weak]),
            (Some("strict"), vec![&all, &strict]),
            (Some("plain"), vec![&all]),
        ];
        let required = Verify::SignatureRequired;
        assert_eq!(
            of("", Verify::Checksum, &places),
            (required, "the policy of cloud `strict`".to_owned())
        );
        assert_eq!(
            of("", Verify::Checksum, &places[2..]),
            (Verify::Checksum, "the setting `verify`".to_owned())
        );
        assert_eq!(
            of("", Verify::Checksum, &places[..1]),
            (Verify::Signature, "the policy of cloud `weak`".to_owned())
        );
    }

    #[test]
    fn a_definition_has_the_last_word_on_its_policy_and_none_on_the_setting() {
        let preset = policy("preset: syseleven\n");
        let places = [(None, vec![&preset])];
        let own = "  policy: {verify: checksum}\n";
        let (verify, by) = of("", Verify::Signature, &places);
        assert_eq!(
            (verify, by.as_str()),
            (Verify::SignatureRequired, "the policy")
        );
        let (verify, by) = of(own, Verify::Signature, &places);
        assert_eq!(
            (verify, by.as_str()),
            (Verify::Signature, "the setting `verify`")
        );
        let (verify, _) = of(own, Verify::SignatureRequired, &places);
        assert_eq!(verify, Verify::SignatureRequired);
    }
}
