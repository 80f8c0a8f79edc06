//! The moment before a deletion: the image as it is now, held against what the plan saw.
//!
//! Between the two somebody may have promised more, protected the image, or made it none of ours.

use chrono::NaiveDate;

use super::finding::Finding;
use super::plan::{belongs_to, version_of};
use super::policy::StageName;
use super::promise::{self, Bond};
use super::record;
use super::snapshot::CloudImage;
use super::step::{Ending, Step};

/// Why an image stays though its deletion was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stays {
    /// It is another one than was planned for: in words.
    Other(&'static str),
    /// Somebody wants it to stay; the finding says how that is known.
    Wanted(Finding),
}

/// Whose images are ours, and which day it is.
#[derive(Debug, Clone, Copy)]
pub struct Ours<'a> {
    /// The mark's tag.
    pub tag: &'a str,
    /// The project that owns our images.
    pub owner: &'a str,
    /// The date of all decisions.
    pub today: NaiveDate,
}

/// Says whether something speaks against the deletion now. Whether somebody uses the image is another question.
pub fn stays(image: &CloudImage, step: &Step, ending: Ending, ours: Ours<'_>) -> Option<Stays> {
    if let Some(other) = other(image, step, ours) {
        return Some(Stays::Other(other));
    }
    let version = step.version.as_deref().unwrap_or("?");
    let finding = if image.protected {
        Finding::note(
            "protected",
            format!(
                "version `{version}` was to be deleted, and somebody has protected the image since the plan, so it stays; \
                 remove the protection if it may go"
            ),
        )
    } else {
        let bond = promise::of_uuid(image, ending.position, ours.today)?;
        Finding::warning("promise", promised(version, &bond))
    };
    Some(Stays::Wanted(finding.image(&step.image).id(&image.id)))
}

fn promised(version: &str, bond: &Bond) -> String {
    let what = match bond.ends {
        Some(_) => "that has to wait",
        None => "so it stays",
    };
    format!("version `{version}` was to be deleted, but since the plan {bond}; {what}")
}

/// What makes the image another one than was planned for.
fn other(image: &CloudImage, step: &Step, ours: Ours<'_>) -> Option<&'static str> {
    if !image.is_ours(ours.tag, ours.owner) {
        return Some("is not ours any more");
    }
    if belongs_to(image) != Some(&step.image) || version_of(image) != step.version.as_deref() {
        return Some("is of another definition or version now");
    }
    if image.properties.get(record::STAGE).map(String::as_str) == Some(StageName::Latest.as_str()) {
        return Some("is the newest again");
    }
    if image.import_task.is_some() {
        return Some("is being worked on by Glance");
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;
    use crate::domain::finding::Level;
    use crate::domain::step::{Action, Work};

    const ENDING: Ending = Ending { position: 2 };

    fn image(properties: &[(&str, &str)]) -> CloudImage {
        let identity = [
            ("image_name", "Ubuntu"),
            ("internal_version", "1"),
            ("reglaze_stage", "retired"),
            ("reglaze_stage_since", "2026-11-01"),
        ];
        CloudImage {
            id: "id-1".to_owned(),
            owner: Some("us".to_owned()),
            tags: ["mark".to_owned()].into(),
            properties: identity
                .iter()
                .chain(properties)
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..CloudImage::default()
        }
    }

    fn on(image: &CloudImage, today: &str) -> Option<Stays> {
        let step = Step {
            action: Action::Delete,
            image: "Ubuntu".to_owned(),
            id: Some("id-1".to_owned()),
            version: Some("1".to_owned()),
            from: Value::Null,
            to: Value::Null,
            changes: Map::new(),
            reason: String::new(),
            work: Work::Delete(ENDING),
            withdrawal: false,
        };
        let ours = Ours {
            tag: "mark",
            owner: "us",
            today: today.parse().unwrap(),
        };
        stays(image, &step, ENDING, ours)
    }

    fn today(image: &CloudImage) -> Option<Stays> {
        on(image, "2026-11-21")
    }

    #[track_caller]
    fn finding(stays: Option<Stays>) -> Finding {
        match stays {
            Some(Stays::Wanted(finding)) => finding,
            other => panic!("no finding: {other:?}"),
        }
    }

    #[test]
    fn what_is_as_it_was_planned_goes() {
        for validity in ["none", "last-1", "2026-11-20"] {
            assert_eq!(today(&image(&[("uuid_validity", validity)])), None);
        }
        assert_eq!(today(&image(&[])), None);
    }

    #[test]
    fn a_promise_that_was_made_longer_since_the_plan_is_kept() {
        for (validity, ends) in [
            ("last-3", "which ends with 2 more builds; that has to wait"),
            (
                "2026-11-21",
                "which ends after 2026-11-21; that has to wait",
            ),
            ("forever", "which does not end; so it stays"),
            ("for ages", "which does not end; so it stays"),
        ] {
            let finding = finding(today(&image(&[("uuid_validity", validity)])));
            assert_eq!((finding.level, finding.rule), (Level::Warning, "promise"));
            let promised = format!(
                "version `1` was to be deleted, but since the plan the image promises `uuid_validity: {validity}`, {ends}"
            );
            assert_eq!(finding.message, promised);
            assert_eq!(finding.id.as_deref(), Some("id-1"));
        }
        let dated = image(&[("uuid_validity", "2026-11-21")]);
        assert_eq!(on(&dated, "2026-11-22"), None);
    }

    #[test]
    fn a_notice_must_still_stand() {
        let announced = [("uuid_validity", "notice"), ("deprecated", "true")];
        assert_eq!(today(&image(&announced)), None);
        let taken_back = image(&announced[..1]);
        assert_eq!(finding(today(&taken_back)).rule, "promise");
    }

    #[test]
    fn what_somebody_protected_stays_with_a_note() {
        let protected = CloudImage {
            protected: true,
            ..image(&[])
        };
        let finding = finding(today(&protected));
        assert_eq!((finding.level, finding.rule), (Level::Note, "protected"));
    }

    #[test]
    fn what_is_another_image_now_is_none_of_ours() {
        let change = |change: &dyn Fn(&mut CloudImage)| {
            let mut image = image(&[]);
            change(&mut image);
            today(&image)
        };
        let not_ours = Some(Stays::Other("is not ours any more"));
        assert_eq!(change(&|image| image.tags.clear()), not_ours);
        assert_eq!(
            change(&|image| image.owner = Some("them".to_owned())),
            not_ours
        );
        for (key, value) in [("image_name", "Debian"), ("internal_version", "2")] {
            let other = change(&|image| {
                image.properties.insert(key.to_owned(), value.to_owned());
            });
            assert_eq!(
                other,
                Some(Stays::Other("is of another definition or version now"))
            );
        }
        let newest = change(&|image| {
            let stage = ("reglaze_stage".to_owned(), "latest".to_owned());
            image.properties.extend([stage]);
        });
        assert_eq!(newest, Some(Stays::Other("is the newest again")));
        let busy = change(&|image| image.import_task = Some("task".to_owned()));
        assert_eq!(busy, Some(Stays::Other("is being worked on by Glance")));
    }
}
