//! How a drafted definition may name and stage its images, and whether it leaves them in place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Context;
use super::draft::Draft;
use super::group::{Group, matches};
use crate::domain::edit;
use crate::domain::finding::Level;
use crate::domain::lint;
use crate::domain::plan;
use crate::domain::policy::{self, StageName};
use crate::domain::snapshot::{CloudImage, Snapshot, Visibility};
use crate::domain::step::{Action, Step, Work};

/// What a definition says of its versions' names and stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub multi: bool,
    /// Where it is not a blank.
    pub separator: Option<String>,
    /// The lines of `policy`, where the catalogue's own would change names.
    pub policy: String,
}

/// Attributes of an image that taking over must not change.
const FIXED: [&str; 4] = ["name", "visibility", "os_hidden", "protected"];

/// The shapes to try, the plainest first.
pub(super) fn shapes(group: &Group<'_>, context: &Context<'_>) -> Vec<Shape> {
    let Some(newest) = group.members.first() else {
        return Vec::new();
    };
    let plain = Shape {
        multi: true,
        separator: None,
        policy: String::new(),
    };
    let mut shapes = vec![plain.clone()];
    let between = newest.template.strip_prefix("{name}");
    if let Some(separator) = between.and_then(|rest| rest.strip_suffix("{version}")) {
        shapes.push(Shape {
            multi: false,
            separator: Some(separator.to_owned()).filter(|one| one != " "),
            policy: String::new(),
        });
    }
    let rotating = rotating(group, context);
    shapes.extend(rotating.map(|policy| Shape {
        policy,
        ..plain.clone()
    }));
    if group.members.len() == 1 {
        let name = edit::written(&newest.template);
        shapes.push(Shape {
            policy: format!(
                "      rotate: false\n      stages:\n        latest:\n          name: {name}\n"
            ),
            ..plain
        });
    }
    shapes
}

/// The group's own habit, as stages: what the newest is called, and what the others are called and look like.
fn rotating(group: &Group<'_>, context: &Context<'_>) -> Option<String> {
    let (newest, others) = group.members.split_first()?;
    let older = others.first().unwrap_or(newest);
    if others.iter().any(|one| one.template != older.template) {
        return None;
    }
    let policy = policy::resolve(true, context.plan.policies).ok()?;
    let later = policy.stages.iter().map(|stage| stage.stage);
    let mut later: Vec<StageName> = later.filter(|name| *name != StageName::Latest).collect();
    if later.is_empty() && !others.is_empty() {
        later.push(StageName::Older);
    }
    let mut lines = "      stages:\n".to_owned();
    let mut put = |line: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{line}");
    };
    put("        latest:");
    put(&format!(
        "          name: {}",
        edit::written(&newest.template)
    ));
    // A single image without its version in the name does not tell what replaced ones would be called.
    if others.is_empty() && !newest.template.contains("{version}") {
        return Some(lines);
    }
    let is_hidden = !newest.image.hidden && others.iter().all(|one| one.image.hidden);
    let visibility = others.iter().map(|one| one.image.visibility).max();
    let visibility = visibility.filter(|one| *one < newest.image.visibility);
    // Two images that lists show under one name are no habit that a definition should keep.
    let share_a_name = !others.is_empty()
        && older.template == newest.template
        && !older.template.contains("{version}");
    if share_a_name && !is_hidden && visibility.is_none() {
        return None;
    }
    for stage in later {
        put(&format!("        {stage}:"));
        put(&format!(
            "          name: {}",
            edit::written(&older.template)
        ));
        if is_hidden && !others.is_empty() {
            put("          hidden: true");
        }
        if let Some(visibility) = visibility.filter(|one| *one >= Visibility::Community) {
            put(&format!("          visibility: {visibility}"));
        }
        if stage == StageName::Older && others.len() > 2 {
            put(&format!("          keep: {}", others.len()));
        }
    }
    Some(lines)
}

/// Whether the plan that follows would only describe the group's images: it is made, and looked at.
pub(super) fn leaves_all_in_place(
    draft: &Draft,
    group: &Group<'_>,
    images: &[CloudImage],
    context: &Context<'_>,
) -> bool {
    let definitions = std::slice::from_ref(&draft.definition);
    if !lint::errors(definitions, context.scopes).is_empty() {
        return false;
    }
    let tag = context.plan.tag;
    let steps = matches(group, &draft.name);
    let steps: Vec<Step> = steps.iter().filter_map(|one| one.step(tag)).collect();
    let after: Vec<CloudImage> = images.iter().map(|image| patched(image, &steps)).collect();
    let by_id: BTreeMap<&str, &CloudImage> = after
        .iter()
        .map(|image| (image.id.as_str(), image))
        .collect();
    let snapshot = Snapshot::new(after.iter().cloned(), tag, context.owner);
    let plan = plan::plan(definitions, |_| true, &snapshot, &context.plan);
    let is_wrong = plan.findings.iter().any(|finding| {
        let is_about_it = |id: &str| group.members.iter().any(|member| member.image.id == id);
        // Nobody is asked who uses what: then all count as used.
        let is_error = finding.level == Level::Error && finding.rule != "use-unknown";
        is_error || finding.id.as_deref().is_some_and(is_about_it)
    });
    !is_wrong && plan.steps.iter().all(|step| describes(step, &by_id))
}

/// Whether a step changes nothing of what others see of an image: its name, who sees it, whether it can be used.
fn describes(step: &Step, images: &BTreeMap<&str, &CloudImage>) -> bool {
    let image = step.id.as_deref().and_then(|id| images.get(id));
    let is_quiet = !matches!(
        step.action,
        Action::Upload
            | Action::Boot
            | Action::Delete
            | Action::Status
            | Action::Share
            | Action::Copy
    );
    let Some(image) = image else { return false };
    let now = |key: &str| -> Value {
        match key {
            "name" => json!(image.name),
            "visibility" => json!(image.visibility.as_str()),
            "os_hidden" => json!(image.hidden),
            _ => json!(image.protected),
        }
    };
    is_quiet
        && !step.withdrawal
        && FIXED
            .iter()
            .all(|key| step.changes.get(*key).is_none_or(|to| *to == now(key)))
}

fn patched(image: &CloudImage, steps: &[Step]) -> CloudImage {
    let mut image = image.clone();
    let step = steps
        .iter()
        .find(|step| step.id.as_deref() == Some(image.id.as_str()));
    if let Some(Work::Patch(patch)) = step.map(|step| &step.work) {
        image.properties.extend(patch.set.clone());
        if let Some(tags) = &patch.tags {
            image.tags.clone_from(tags);
        }
    }
    image
}
