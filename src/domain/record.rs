//! What we write on an image about its life: its stage and since when, and with whom we shared it.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::policy::StageName;
use super::snapshot::CloudImage;

/// The stage that an image was put into.
pub const STAGE: &str = "reglaze_stage";
/// The day on which it was put there.
pub const SINCE: &str = "reglaze_stage_since";
/// Present while we protect the image from deletion, so that only our own protection is ever taken away.
pub const PROTECTED: &str = "reglaze_protected";
/// The projects that we shared the image with, each with the day since which it does not use the image, if so.
pub const MEMBERS: &str = "reglaze_members";
/// The day on which `apply` works, in a plan.
pub const TODAY: &str = "{today}";

/// The stage that an image is recorded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The stage.
    pub stage: StageName,
    /// Since which day.
    pub since: NaiveDate,
}

impl Record {
    /// Reads it from an image; absent on one that was taken over, or whose record is no record.
    pub fn of(image: &CloudImage) -> Option<Self> {
        let property = |key: &str| image.properties.get(key);
        Some(Self {
            stage: StageName::parse(property(STAGE)?)?,
            since: property(SINCE)?.parse().ok()?,
        })
    }

    /// The properties of an image that is in `stage` now: a record of the same stage stays.
    pub fn properties(stage: StageName, image: Option<&CloudImage>) -> [(String, String); 2] {
        let since = image
            .and_then(Self::of)
            .filter(|record| record.stage == stage)
            .map_or_else(|| TODAY.to_owned(), |record| record.since.to_string());
        [
            (STAGE.to_owned(), stage.as_str().to_owned()),
            (SINCE.to_owned(), since),
        ]
    }
}

/// The projects that we shared an image with, as recorded on it. Others were added by people and are none of ours.
pub fn members(image: &CloudImage) -> BTreeMap<String, Option<NaiveDate>> {
    let text = image.properties.get(MEMBERS).map_or("", String::as_str);
    let entries = text.split(',').filter(|entry| !entry.is_empty());
    entries
        .map(|entry| match entry.split_once(':') {
            Some((project, since)) => (project.to_owned(), since.parse().ok()),
            None => (entry.to_owned(), None),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(properties: &[(&str, &str)]) -> CloudImage {
        CloudImage {
            properties: properties
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..CloudImage::default()
        }
    }

    #[test]
    fn a_record_stays_while_the_stage_does_and_begins_anew_with_the_next() {
        let older = image(&[(STAGE, "older"), (SINCE, "2026-11-01")]);
        let since = |stage| Record::properties(stage, Some(&older))[1].1.clone();
        assert_eq!(since(StageName::Older), "2026-11-01");
        assert_eq!(since(StageName::Retired), "{today}");
        assert_eq!(Record::properties(StageName::Older, None)[1].1, "{today}");
    }

    #[test]
    fn a_record_that_cannot_be_read_is_none() {
        assert_eq!(Record::of(&image(&[(STAGE, "older")])), None);
        assert_eq!(
            Record::of(&image(&[(STAGE, "older"), (SINCE, "yesterday")])),
            None
        );
        assert_eq!(
            Record::of(&image(&[(STAGE, "gone"), (SINCE, "2026-11-01")])),
            None
        );
    }

    #[test]
    fn members_have_the_day_since_which_they_do_not_use_it() {
        let image = image(&[(MEMBERS, "a,b:2026-11-01")]);
        assert_eq!(
            members(&image),
            [
                ("a".to_owned(), None),
                ("b".to_owned(), Some("2026-11-01".parse().unwrap()))
            ]
            .into()
        );
    }
}
