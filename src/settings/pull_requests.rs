//! `pull_requests` of the settings.

use std::fmt;
use std::time::Duration;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use super::{SettingsError, values};
use crate::domain::conduct::{Rebase, Rules};
use crate::domain::forge::MergeMethod;
use crate::domain::proposal::Grouping;

/// Where the words of a team begin among reviewers.
const TEAM: &str = "team:";

/// GitHub asks for a second between two writes.
const PAUSE: Duration = Duration::from_secs(1);

/// As long as people wait for a job of ten minutes.
const PATIENCE: Duration = Duration::from_mins(10);

/// The block as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullRequestsEntry {
    #[serde(default)]
    group: Grouping,
    base: Option<String>,
    branch_prefix: Option<String>,
    limit: Option<usize>,
    minimum_age: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    reviewers: Vec<String>,
    #[serde(default)]
    assignees: Vec<String>,
    milestone: Option<String>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    automerge: Automerge,
    #[serde(default)]
    rebase: Rebase,
    sign_off: Option<String>,
    #[serde(default)]
    dashboard: bool,
    author: Option<String>,
    pause: Option<String>,
    patience: Option<String>,
}

/// `false`, `true`, or the method.
#[derive(Debug, Default)]
struct Automerge(Option<MergeMethod>);

impl<'de> Deserialize<'de> for Automerge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = Automerge;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("true, false, or one of `merge`, `squash`, `rebase`")
            }

            fn visit_bool<E>(self, wanted: bool) -> Result<Automerge, E> {
                Ok(Automerge(wanted.then_some(MergeMethod::Squash)))
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Automerge, E> {
                let methods = [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase];
                let method = methods.into_iter().find(|method| method.as_str() == word);
                match (method, word) {
                    (Some(method), _) => Ok(Automerge(Some(method))),
                    (None, "true") => self.visit_bool(true),
                    (None, "false") => self.visit_bool(false),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }
        }
        deserializer.deserialize_any(Word)
    }
}

impl PullRequestsEntry {
    /// The rules that they make.
    pub fn decided(self) -> Result<Rules, SettingsError> {
        let prefix = self.branch_prefix.unwrap_or_else(|| "reglaze/".to_owned());
        if !is_prefix(&prefix) {
            return Err(SettingsError::Setting {
                setting: "pull_requests.branch_prefix",
                value: prefix,
                expected: "the begin of a branch's name, such as `reglaze/`",
            });
        }
        let sign_off = self.sign_off;
        if let Some(text) = sign_off.as_ref().filter(|text| !is_person(text)) {
            return Err(SettingsError::Setting {
                setting: "pull_requests.sign_off",
                value: text.clone(),
                expected: "`Name <mail@example.org>`",
            });
        }
        let (teams, users): (Vec<_>, Vec<_>) = self
            .reviewers
            .into_iter()
            .partition(|name| name.starts_with(TEAM));
        let time = |setting, text: Option<&String>, default| {
            text.map_or(Ok(default), |text| values::duration(setting, text))
        };
        Ok(Rules {
            group: self.group,
            base: self.base.filter(|base| !base.is_empty()),
            branch_prefix: prefix,
            limit: self.limit,
            minimum_age: self.minimum_age.as_deref().map_or(Ok(0), |text| {
                values::days("pull_requests.minimum_age", text)
            })?,
            labels: self.labels,
            reviewers: users,
            team_reviewers: teams
                .iter()
                .map(|team| {
                    // `team:org/name` is how people write it; the platform wants the name alone.
                    let name = &team[TEAM.len()..];
                    name.rsplit('/').next().unwrap_or(name).to_owned()
                })
                .collect(),
            assignees: self.assignees,
            milestone: self.milestone,
            draft: self.draft,
            automerge: self.automerge.0,
            rebase: self.rebase,
            sign_off,
            dashboard: self.dashboard,
            author: self.author,
            pause: time("pull_requests.pause", self.pause.as_ref(), PAUSE)?,
            patience: time("pull_requests.patience", self.patience.as_ref(), PATIENCE)?,
        })
    }
}

/// Whether branches of this prefix can have the names that git allows.
fn is_prefix(prefix: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/-_.".contains(letter);
    let parts: Vec<_> = prefix.trim_end_matches('/').split('/').collect();
    !prefix.is_empty()
        && prefix.chars().all(is_plain)
        && !prefix.starts_with('-')
        && !prefix.contains("..")
        && parts.iter().all(|part| {
            !part.is_empty() && !part.starts_with('.') && !part.to_lowercase().ends_with(".lock")
        })
        && prefix.trim_end_matches('/').len() + 1 >= prefix.len()
}

/// Whether it is `Name <mail>` on one line.
fn is_person(text: &str) -> bool {
    let Some((name, rest)) = text.split_once(" <") else {
        return false;
    };
    let mail = rest.strip_suffix('>').unwrap_or_default();
    !name.trim().is_empty()
        && mail.contains('@')
        && !mail.contains(['<', '>', ' '])
        && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::yaml;

    fn rules(text: &str) -> Result<Rules, String> {
        let entry: PullRequestsEntry =
            yaml::read("reglaze.yml", text).map_err(|finding| finding.message.clone())?;
        entry.decided().map_err(|error| error.to_string())
    }

    #[test]
    fn everything_has_a_default() {
        let rules = rules("draft: false\n").unwrap();
        assert_eq!(rules.branch_prefix, "reglaze/");
        assert_eq!(
            (rules.limit, rules.minimum_age, rules.automerge),
            (None, 0, None)
        );
        assert_eq!(rules.pause, Duration::from_secs(1));
    }

    #[test]
    fn automerge_is_a_yes_or_a_method() {
        for (text, method) in [
            ("false", None),
            ("true", Some(MergeMethod::Squash)),
            ("rebase", Some(MergeMethod::Rebase)),
        ] {
            assert_eq!(
                rules(&format!("automerge: {text}\n")).unwrap().automerge,
                method
            );
        }
        assert!(rules("automerge: octopus\n").is_err());
    }

    #[test]
    fn teams_are_told_from_users() {
        let rules = rules("reviewers: [alice, 'team:cloud/images']\n").unwrap();
        assert_eq!(rules.reviewers, ["alice"]);
        assert_eq!(rules.team_reviewers, ["images"]);
    }

    #[test]
    fn what_git_would_refuse_is_no_prefix() {
        for good in ["reglaze/", "bots/reglaze/", "reglaze-"] {
            assert!(is_prefix(good), "{good}");
        }
        for bad in [
            "", "/", "a//", "-a/", "a..b/", ".a/", "a/.b/", "a b/", "a.lock/", "a~/",
        ] {
            assert!(!is_prefix(bad), "{bad}");
        }
    }

    #[test]
    fn who_signs_off_has_a_name_and_a_mail() {
        assert!(rules("sign_off: 'Image Bot <images@example.org>'\n").is_ok());
        for bad in [
            "Image Bot",
            "<images@example.org>",
            "Bot <mail>",
            "A <a@b> <c@d>",
        ] {
            assert!(!is_person(bad), "{bad}");
        }
    }
}
