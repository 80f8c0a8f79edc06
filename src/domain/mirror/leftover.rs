//! What no definition wants any more: our objects, and uploads that nobody finished.
//!
//! A typo must not delete: only what bears our mark goes, of a digest that no definition lists, only if it was written days ago, and of
//! more than the bound none.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};

use super::name::is_usable;
use super::{Begun, Object, Rules, Stored};
use crate::domain::definition::Definition;

/// What may be removed: objects only if [`is_left_over`] says so of their mark too.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Objects.
    pub objects: Vec<String>,
    /// Uploads.
    pub uploads: Vec<Begun>,
}

/// What no definition names and was written, or begun, more than `keep` days ago.
///
/// That is the age of an object and not how long nobody has wanted it: a store has no place for that but the object itself, and what is
/// written there would be a second state of the catalogue. `definitions`: all of them; those that are disabled, or filtered out of
/// this run, name objects too. Nothing, if one of them has no name that could be told: whatever it means would be taken for left over.
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
            named.extend(rules.all_named(version).map(str::to_owned));
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
    let is_old = |date: NaiveDate| {
        date.checked_add_days(Days::new(keep))
            .is_some_and(|end| end < today)
    };
    let left = objects
        .iter()
        .filter(|object| !named.contains(&object.name) && is_old(object.modified.date_naive()))
        // What we could not have written needs no question, and not every store can be asked for it.
        .filter(|object| is_usable(&object.name))
        .map(|object| object.name.clone());
    // An object that is wanted is finished by the run that brings it, unless it is there by now.
    let is_awaited =
        |name: &str| named.contains(name) && !objects.iter().any(|object| object.name == name);
    Some(Leftovers {
        objects: left.collect(),
        uploads: unfinished
            .into_iter()
            .filter(|begun| !is_awaited(&begun.name) && is_old(begun.at.date_naive()))
            // What an upload does not tell of itself its name has to: no other one is taken from another tool.
            .filter(|begun| {
                begun.is_ours || named.contains(&begun.name) || rules.could_name(&begun.name)
            })
            .collect(),
    })
}

/// Whether what lies under a name that no definition names is ours, and of a digest that none of them lists.
///
/// The name alone tells little: another template or another `public_url`, and all objects have other names than before.
pub fn is_left_over(definitions: &[Definition], stored: &Stored) -> bool {
    let mut listed = definitions
        .iter()
        .flat_map(|definition| &definition.versions)
        .flat_map(|version| [&version.checksum, &version.disk_checksum])
        .flatten();
    // Without our mark it is somebody else's.
    let mark = stored.checksum.as_ref();
    mark.is_some_and(|mark| !listed.any(|checksum| checksum == mark))
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
            "    mirror_url: [https://mirror.example/disabled, https://mirror.example/second/in/a/list, https://mirror.example/awaited]\n",
        );
        disabled.enable = false;
        let object = |name: &str, time: &str| Object {
            name: name.to_owned(),
            size: 1,
            modified: at(time),
        };
        let objects = [
            object("disabled", "2026-01-01T00:00:00Z"),
            object("second/in/a/list", "2026-01-01T00:00:00Z"),
            object("theirs//of/no/part", "2026-01-01T00:00:00Z"),
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
            begun("awaited", "2026-01-01T00:00:00Z", true),
            // Its object is there: a later run has brought it anew.
            begun("disabled", "2026-01-01T00:00:00Z", false),
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
        assert_eq!(uploads, ["disabled", "dead", &in_our_layout]);
    }

    #[test]
    fn what_bears_a_digest_that_is_listed_stays_whatever_it_is_called() {
        let definitions = [definition("https://a.example/a", "")];
        let stored = |digit: &str| Stored {
            size: 1,
            checksum: format!("sha256:{}", digit.repeat(64)).parse().ok(),
        };
        assert!(!is_left_over(&definitions, &stored("a")));
        assert!(is_left_over(&definitions, &stored("b")));
        assert!(!is_left_over(&definitions, &stored("no mark")));
    }
}
