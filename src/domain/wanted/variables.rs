//! What templates of policies may name, and what of it is known only when `apply` writes.

use chrono::{DateTime, NaiveDate, Utc};

use super::Scene;
use crate::domain::applied;
use crate::domain::checksum::Algorithm;
use crate::domain::definition::Version;
use crate::domain::patch::Patch;
use crate::domain::snapshot::CloudImage;
use crate::domain::template::{self, Escape, TemplateError, Variables};

const UPLOAD_DATE: &str = "upload_date";
const NEWEST_UPLOAD_DATE: &str = "newest.upload_date";

/// The values for a version's templates.
pub(super) fn variables(
    scene: &Scene<'_>,
    version: &Version,
    image: Option<&CloudImage>,
) -> Variables {
    let definition = scene.definition;
    let uploaded = image
        .map(|image| image.created_at.date_naive())
        .or(scene.uploaded);
    let digest = |algorithm: Algorithm| {
        let checksum = version.checksum.as_ref();
        checksum
            .filter(|checksum| checksum.algorithm() == algorithm)
            .map(|checksum| checksum.hex().to_owned())
    };
    let mut variables = Variables::new();
    for (key, value) in [
        ("name", Some(definition.name.clone())),
        ("version", Some(version.version.clone())),
        ("separator", Some(definition.separator.clone())),
        ("arch", definition.meta.get("architecture").cloned()),
        (
            "visibility",
            Some(definition.visibility.as_str().to_owned()),
        ),
        ("shortname", definition.shortname.clone()),
        (
            "build_date",
            version.build_date.map(|date| date.to_string()),
        ),
        (
            UPLOAD_DATE,
            Some(uploaded.map_or_else(|| template::later(UPLOAD_DATE), |date| date.to_string())),
        ),
        ("url", version.url.clone()),
        ("checksum.sha256", digest(Algorithm::Sha256)),
        ("checksum.sha512", digest(Algorithm::Sha512)),
        ("signed_by", version.signed_by.clone()),
        ("login", definition.login.clone()),
        ("newest.name", scene.newest.map(str::to_owned)),
    ] {
        variables.insert(key.to_owned(), value.unwrap_or_default());
    }
    for (prefix, values) in [
        ("meta", &definition.meta),
        ("meta", &version.meta),
        ("vars", &definition.vars),
        ("run", scene.run),
    ] {
        let named = values
            .iter()
            .map(|(key, value)| (format!("{prefix}.{key}"), value.clone()));
        variables.extend(named);
    }
    variables
}

/// The same, with what a run knows of itself left as placeholders: a plan does not depend on the run that made it.
pub(super) fn of_any_run(mut variables: Variables) -> Variables {
    for (key, value) in &mut variables {
        if key.starts_with("run.") && !value.is_empty() {
            *value = template::later(key);
        }
    }
    variables
}

/// A name for use in other images' templates, where its own upload date is that of the newest.
pub fn of_the_newest(name: &str) -> String {
    name.replace("{upload_date", "{newest.upload_date")
}

/// A filled name.
pub(super) fn name(template: &str, variables: &Variables) -> Result<String, TemplateError> {
    template::fill(template, &with_absent(template, variables), Escape::Nothing)
}

/// A value, or nothing if a variable of it is empty: `os:{meta.os_distro}` without a distribution is no tag.
pub(super) fn filled(text: &str, variables: &Variables) -> Result<Option<String>, TemplateError> {
    let variables = with_absent(text, variables);
    let empty = |name: &&str| variables.get(*name).is_some_and(String::is_empty);
    if template::variables(text).iter().any(empty) {
        return Ok(None);
    }
    template::fill(text, &variables, Escape::Nothing).map(Some)
}

/// A key of `meta`, `vars` or `run` that there is not is empty, not unknown.
fn with_absent(template: &str, variables: &Variables) -> Variables {
    let mut all = variables.clone();
    for name in template::variables(template) {
        if ["meta.", "vars.", "run."]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            all.entry(name.to_owned()).or_default();
        }
    }
    all
}

/// What is known in the moment of a PATCH, and was not when it was planned.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The day of this run.
    pub today: NaiveDate,
    /// When Glance created the image.
    pub created: Option<DateTime<Utc>>,
    /// When Glance created the newest image of the definition.
    pub newest: Option<DateTime<Utc>>,
    /// The environment variables of the setting `run_properties`.
    pub run: &'a Variables,
}

/// Whether a PATCH has placeholders that need the image's own date of creation.
pub fn needs_creation(patch: &Patch) -> bool {
    let needs = |text: &String| text.contains("{upload_date");
    patch.name.iter().any(needs)
        || patch.set.values().any(needs)
        || patch.tags.iter().flatten().any(needs)
}

/// Fills the placeholders of a planned PATCH, just before it is sent.
pub fn completed(mut patch: Patch, moment: Moment<'_>) -> Patch {
    let mut known = Variables::new();
    known.insert("today".to_owned(), moment.today.to_string());
    for (key, time) in [
        (UPLOAD_DATE, moment.created),
        (NEWEST_UPLOAD_DATE, moment.newest),
    ] {
        if let Some(time) = time {
            known.insert(key.to_owned(), time.date_naive().to_string());
        }
    }
    let run = moment.run.iter();
    known.extend(run.map(|(key, value)| (format!("run.{key}"), value.clone())));
    let fill = |text: &mut String| *text = template::complete(text, &known);
    patch.name.iter_mut().for_each(fill);
    patch.set.values_mut().for_each(fill);
    if let Some(tags) = &mut patch.tags {
        *tags = tags
            .iter()
            .map(|tag| template::complete(tag, &known))
            .collect();
    }
    applied::completed(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_patch_is_completed_with_what_the_moment_knows() {
        let patch = Patch {
            name: Some("Ubuntu ({upload_date:%Y%m%d})".to_owned()),
            tags: Some(["built:{upload_date}".to_owned()].into()),
            set: [
                ("reglaze_stage_since", "{today}"),
                ("replacement", "Ubuntu ({newest.upload_date})"),
                ("ci", "{run.CI}"),
                ("theirs", "{other}"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
            ..Patch::default()
        };
        assert!(needs_creation(&patch));
        let done = completed(
            patch,
            Moment {
                today: "2026-11-21".parse().unwrap(),
                created: Some("2026-11-20T23:59:59Z".parse().unwrap()),
                newest: Some("2026-11-19T00:00:00Z".parse().unwrap()),
                run: &[("CI".to_owned(), "7".to_owned())].into(),
            },
        );
        assert_eq!(done.name.as_deref(), Some("Ubuntu (20261120)"));
        assert_eq!(done.tags, Some(["built:2026-11-20".to_owned()].into()));
        let values: Vec<_> = done.set.values().map(String::as_str).collect();
        assert_eq!(
            values,
            ["7", "2026-11-21", "Ubuntu (2026-11-19)", "{other}"]
        );
    }
}
