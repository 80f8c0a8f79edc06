//! What no definition wants any more: our objects, and uploads that nobody finished.
//!
//! A typo must not delete: only what bears our mark goes, only after it was unwanted for days, and of more than the bound none.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};

use super::{Begun, Object};
use crate::domain::definition::Definition;

use super::Rules;

/// What may be removed, if it bears our mark.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Objects.
    pub objects: Vec<String>,
    /// Uploads.
    pub uploads: Vec<Begun>,
}

/// What no definition names and nobody has touched for `keep` days.
///
/// `definitions`: all of them; those that are disabled, or filtered out of this run, name objects too. Nothing, if one of them
/// has no name that could be told: whatever it means would be taken for left over.
pub fn leftovers(
    definitions: &[Definition],
    rules: &Rules,
    objects: &[Object],
    unfinished: Vec<Begun>,
    keep: u64,
    today: NaiveDate,
) -> Option<Leftovers> {
    let mut named = BTreeSet::new();
    for definition in definitions {
        for version in &definition.versions {
            match rules.name(definition, version) {
                Ok(name) => {
                    named.insert(name);
                }
                // Without a digest it was never ours.
                Err(_) if version.checksum.is_none() => {}
                Err(_) => return None,
            }
        }
    }
    let is_old = |date: NaiveDate, days: u64| {
        date.checked_add_days(Days::new(days))
            .is_some_and(|end| end < today)
    };
    let objects = objects
        .iter()
        .filter(|object| {
            !named.contains(&object.name) && is_old(object.modified.date_naive(), keep)
        })
        .map(|object| object.name.clone());
    Some(Leftovers {
        objects: objects.collect(),
        uploads: unfinished
            .into_iter()
            // An object that is wanted is finished by the run that brings it.
            .filter(|begun| !named.contains(&begun.name) && is_old(begun.at.date_naive(), keep))
            // What an upload does not tell of itself its name has to: no other one is taken from another tool.
            .filter(|begun| begun.is_ours || rules.could_name(&begun.name))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::domain::mirror::decision::tests::{definition, rules};

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn only_what_nobody_names_and_is_old_is_left_over() {
        let mut disabled = definition(
            "https://a.example/a",
            "    mirror_url: https://mirror.example/disabled\n",
        );
        disabled.enable = false;
        let object = |name: &str, time: &str| Object {
            name: name.to_owned(),
            size: 1,
            modified: at(time),
        };
        let objects = [
            object("disabled", "2026-01-01T00:00:00Z"),
            object("fresh", "2026-11-20T00:00:00Z"),
            object("old", "2026-11-01T00:00:00Z"),
        ];
        let begun = |name: &str, time: &str, is_ours| Begun {
            name: name.to_owned(),
            id: "1".to_owned(),
            at: at(time),
            is_ours,
        };
        let in_our_layout = format!("sha256/{}/a.img", "b".repeat(64));
        let unfinished = vec![
            begun("disabled", "2026-01-01T00:00:00Z", true),
            begun("running", "2026-11-28T23:00:00Z", true),
            begun("dead", "2026-11-01T00:00:00Z", true),
            begun("backup/somebody.img", "2026-01-01T00:00:00Z", false),
            begun(&in_our_layout, "2026-11-01T00:00:00Z", false),
        ];
        let today = NaiveDate::from_ymd_opt(2026, 11, 29).unwrap();
        let left = |rules: &Rules| {
            let disabled = std::slice::from_ref(&disabled);
            leftovers(disabled, rules, &objects, unfinished.clone(), 14, today)
        };
        let nameless = Rules {
            public_url: None,
            name: "{shortname}".to_owned(),
        };
        assert_eq!(left(&nameless), None);
        let left = left(&rules()).unwrap();
        assert_eq!(left.objects, ["old"]);
        let uploads: Vec<_> = left.uploads.into_iter().map(|begun| begun.name).collect();
        assert_eq!(uploads, ["dead", &in_our_layout]);
    }
}
