//! A fresh plan held against the reviewed one: which steps a reviewer has seen, also when a run died half way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::finding::Finding;
use super::plan::Plan;
use super::step::{Action, Step, Work};

/// Values above this are cut in messages.
const LONGEST_VALUE: usize = 60;

/// What an `apply` that is bound to reviewed plans may do.
#[derive(Debug, Clone, Default)]
pub struct Bound {
    /// The steps that a reviewed plan holds, and what a person should know.
    pub plan: Plan,
    /// The steps of images that are left alone.
    pub moved: Vec<Step>,
}

impl From<Plan> for Bound {
    /// Nothing was reviewed, so nothing is bound.
    fn from(plan: Plan) -> Self {
        Self {
            plan,
            moved: Vec::new(),
        }
    }
}

/// Leaves of a fresh plan only the steps that reviewed plans hold. An image of which any step is another one is left
/// alone, with the difference.
///
/// What an interrupted run did already is no longer planned, so the rest of its plan is held by the reviewed one.
pub fn bound(plan: Plan, reviewed: &[Step]) -> Bound {
    let mut findings = plan.findings;
    let reviewed = by_image(reviewed);
    let mut images = BTreeSet::new();
    for (image, planned) in by_image(&plan.steps) {
        let reviewed = reviewed.get(image).map_or(&[][..], Vec::as_slice);
        if let Some(finding) = difference(&planned, reviewed) {
            findings.push(finding.image(image));
            images.insert(image.to_owned());
        }
    }
    let (moved, steps) = plan
        .steps
        .into_iter()
        .partition(|step| images.contains(&step.image));
    Bound {
        plan: Plan { steps, findings },
        moved,
    }
}

fn by_image(steps: &[Step]) -> BTreeMap<&str, Vec<&Step>> {
    let mut images = BTreeMap::<&str, Vec<&Step>>::new();
    for step in steps {
        images.entry(&step.image).or_default().push(step);
    }
    images
}

/// Says what of one image's plan was not reviewed, if there is such a thing.
fn difference(planned: &[&Step], reviewed: &[&Step]) -> Option<Finding> {
    let canonical = |steps: &[&Step]| -> BTreeSet<String> {
        steps.iter().map(|step| step.canonical()).collect()
    };
    let (known, now) = (canonical(reviewed), canonical(planned));
    let is_known = |step: &Step| {
        known.contains(&step.canonical())
            || reviewed.iter().any(|other| is_resumed(step, other))
            || is_taken_back(step, reviewed)
            || reviewed.iter().any(|other| is_rest_of_share(step, other))
    };
    let new: Vec<&Step> = planned
        .iter()
        .copied()
        .filter(|step| !is_known(step))
        .collect();
    if new.is_empty() {
        return None;
    }
    let gone: Vec<&Step> = reviewed
        .iter()
        .copied()
        .filter(|step| !now.contains(&step.canonical()))
        .collect();
    let unlike = unlike(&new, &gone);
    Some(Finding::error(
        "plan-moved",
        format!(
            "the plan is not the reviewed one any more, so this image is left alone; reviewed and not planned any more: \
             {}; planned and not reviewed: {}{unlike}; review a new plan",
            lines(gone.into_iter()),
            lines(new.into_iter()),
        ),
    ))
}

/// What differs in steps that are the same line, to follow on these lines: a line does not tell every key that is written.
fn unlike(planned: &[&Step], reviewed: &[&Step]) -> String {
    let mut told = BTreeSet::new();
    for step in planned {
        let looks_alike = |other: &&&Step| (&other.id, other.line()) == (&step.id, step.line());
        let Some(other) = reviewed.iter().find(looks_alike) else {
            continue;
        };
        let keys: BTreeSet<&String> = step.changes.keys().chain(other.changes.keys()).collect();
        let (now, then) = (&step.changes, &other.changes);
        let differing = keys
            .into_iter()
            .filter(|key| now.get(*key) != then.get(*key));
        told.extend(differing.map(|key| {
            let (now, then) = (written(now.get(key)), written(then.get(key)));
            format!("`{key}`, reviewed {then}, planned {now}")
        }));
    }
    if told.is_empty() {
        return String::new();
    }
    let told: Vec<_> = told.into_iter().collect();
    format!("; they differ in {}", told.join("; "))
}

/// What a step writes under a key, as far as it fits in a line.
fn written(value: Option<&Value>) -> String {
    let text = match value {
        None => return "as it was".to_owned(),
        Some(Value::Null) => return "removed".to_owned(),
        Some(value) => value.to_string(),
    };
    let start: String = text.chars().take(LONGEST_VALUE).collect();
    let end = if start.len() < text.len() { "…" } else { "" };
    format!("`{start}{end}`")
}

/// Whether a step goes on with an image that did not exist at the review, as the plan was to create it: the same step
/// with an ID, and without the properties that an earlier run has written already.
fn is_resumed(step: &Step, reviewed: &Step) -> bool {
    let is_same = (step.action, &step.image, &step.version, &step.from)
        == (
            reviewed.action,
            &reviewed.image,
            &reviewed.version,
            &reviewed.from,
        );
    is_same
        && reviewed.action != Action::Upload
        && reviewed.id.is_none()
        && step.id.is_some()
        && step.to == reviewed.to
        && step
            .changes
            .iter()
            .all(|(key, value)| reviewed.changes.get(key) == Some(value))
}

/// Whether a step does the rest of a share that was begun as reviewed: the image is shared by now, and no project more is
/// added or removed than was to be.
fn is_rest_of_share(step: &Step, reviewed: &Step) -> bool {
    let same = |step: &Step| {
        let (action, to) = (step.action, step.to.clone());
        let who = (step.image.clone(), step.id.clone(), step.version.clone());
        (action, who, to, step.changes.get("visibility").cloned())
    };
    let projects = |step: &Step, key: &str| -> BTreeSet<String> {
        let list = step.changes.get(key).and_then(Value::as_array);
        let list = list.into_iter().flatten();
        list.map(ToString::to_string).collect()
    };
    step.action == Action::Share
        && same(step) == same(reviewed)
        && (step.from == reviewed.from || step.from == step.to)
        && ["members_added", "members_removed"]
            .iter()
            .all(|key| projects(step, key).is_subset(&projects(reviewed, key)))
}

/// Whether a step removes what an interrupted run left of an upload that was reviewed: the upload begins anew.
fn is_taken_back(step: &Step, reviewed: &[&Step]) -> bool {
    step.work == Work::DeleteLeftover
        && reviewed.iter().any(|other| {
            other.action == Action::Upload
                && (&other.image, &other.version) == (&step.image, &step.version)
        })
}

/// Steps in one line, with the images' IDs: two steps may differ in nothing else.
pub fn lines<'a>(steps: impl Iterator<Item = &'a Step>) -> String {
    let line = |step: &Step| match &step.id {
        Some(id) => format!("{} of image `{id}`", step.line()),
        None => step.line(),
    };
    let lines: Vec<_> = steps.map(line).collect();
    if lines.is_empty() {
        "nothing".to_owned()
    } else {
        lines.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn step(action: Action, image: &str, id: Option<&str>, to: &str) -> Step {
        Step {
            action,
            image: image.to_owned(),
            id: id.map(str::to_owned),
            version: Some("2".to_owned()),
            from: Value::Null,
            to: json!(to),
            changes: Map::from_iter([("name".to_owned(), json!(to))]),
            reason: String::new(),
            work: Work::None,
            withdrawal: false,
        }
    }

    fn leftover(version: &str) -> Step {
        Step {
            version: Some(version.to_owned()),
            work: Work::DeleteLeftover,
            ..step(Action::Delete, "Ubuntu", Some("left"), "")
        }
    }

    fn held(now: &[Step], reviewed: &[Step]) -> Bound {
        let plan = Plan {
            steps: now.to_vec(),
            findings: Vec::new(),
        };
        bound(plan, reviewed)
    }

    #[test]
    fn the_rest_of_an_interrupted_run_is_reviewed() {
        let upload = step(Action::Upload, "Ubuntu", None, "sha256:1");
        let publish = step(Action::Publish, "Ubuntu", None, "Ubuntu");
        let rename = step(Action::Rename, "Ubuntu", Some("old"), "Ubuntu (1)");
        let reviewed = [upload.clone(), publish.clone(), rename.clone()];
        let of_leftover = step(Action::Publish, "Ubuntu", Some("left"), "Ubuntu");
        for now in [
            vec![],
            vec![rename.clone()],
            vec![of_leftover, rename.clone()],
            vec![leftover("2"), upload, publish, rename],
        ] {
            let bound = held(&now, &reviewed);
            assert!(bound.moved.is_empty(), "{:?}", bound.plan.findings);
            assert_eq!(bound.plan.steps.len(), now.len());
        }
    }

    #[test]
    fn another_step_leaves_its_image_alone_and_says_what_is_different() {
        let reviewed = [
            step(Action::Publish, "Ubuntu", None, "Ubuntu"),
            step(Action::Rename, "Debian", Some("old"), "Debian (1)"),
        ];
        let now = [
            step(Action::Publish, "Ubuntu", Some("left"), "Ubuntu 24.04"),
            reviewed[1].clone(),
        ];
        let bound = held(&now, &reviewed);
        assert_eq!(bound.plan.steps, [reviewed[1].clone()]);
        assert_eq!(bound.moved, [now[0].clone()]);
        let finding = &bound.plan.findings[0];
        assert_eq!(finding.rule, "plan-moved");
        insta::assert_snapshot!(
            finding.message,
            @"the plan is not the reviewed one any more, so this image is left alone; reviewed and not planned any more: + publish    Ubuntu [2]: Ubuntu; planned and not reviewed: + publish    Ubuntu [2]: Ubuntu 24.04 of image `left`; review a new plan"
        );
    }

    #[test]
    fn steps_that_are_the_same_line_are_told_by_what_they_write() {
        let reviewed = [step(Action::Rename, "Ubuntu", Some("old"), "Ubuntu (1)")];
        let mut now = reviewed[0].clone();
        now.changes
            .insert("architecture".to_owned(), json!("x86_64"));
        now.changes.insert("note".to_owned(), Value::Null);
        now.changes.insert("name".to_owned(), json!("ä".repeat(99)));
        let message = &held(&[now], &reviewed).plan.findings[0].message;
        let told = format!(
            "; they differ in `architecture`, reviewed as it was, planned `\"x86_64\"`; `name`, reviewed `\"Ubuntu (1)\"`, planned \
             `\"{}…`; `note`, reviewed as it was, planned removed; review a new plan",
            "ä".repeat(59)
        );
        assert!(message.ends_with(&told), "{message}");
    }

    #[test]
    fn a_leftover_of_an_upload_that_nobody_reviewed_is_no_reviewed_deletion() {
        let reviewed = [step(Action::Upload, "Ubuntu", None, "sha256:1")];
        let bound = held(&[leftover("1"), reviewed[0].clone()], &reviewed);
        assert_eq!(bound.moved.len(), 2);
        // Read back from the file it is one.
        let planned = Step {
            work: Work::None,
            ..leftover("1")
        };
        assert!(held(&[leftover("1")], &[planned]).moved.is_empty());
    }

    #[test]
    fn the_rest_of_a_share_that_was_begun_is_reviewed() {
        let share = |from: &str, added: &[&str]| {
            let mut step = step(Action::Share, "Ubuntu", Some("old"), "shared");
            step.from = json!(from);
            step.changes = Map::from_iter([
                ("visibility".to_owned(), json!("shared")),
                ("members_added".to_owned(), json!(added)),
                ("members_removed".to_owned(), json!([])),
            ]);
            step
        };
        let reviewed = [share("public", &["a", "b"])];
        for now in [share("shared", &["a", "b"]), share("shared", &["b"])] {
            assert!(held(&[now], &reviewed).moved.is_empty());
        }
        for now in [share("community", &["b"]), share("shared", &["b", "c"])] {
            assert_eq!(held(&[now], &reviewed).moved.len(), 1);
        }
        let mut other = share("shared", &["b"]);
        other.id = Some("other".to_owned());
        assert_eq!(held(&[other], &reviewed).moved.len(), 1);
    }

    #[test]
    fn what_more_is_written_than_was_reviewed_moves_the_plan() {
        let reviewed = [step(Action::Publish, "Ubuntu", None, "Ubuntu")];
        let mut more = step(Action::Publish, "Ubuntu", Some("left"), "Ubuntu");
        more.changes
            .insert("visibility".to_owned(), json!("public"));
        assert_eq!(held(&[more], &reviewed).moved.len(), 1);
        let other = step(Action::Publish, "Ubuntu", Some("elsewhere"), "Ubuntu");
        let of_an_image = [step(Action::Publish, "Ubuntu", Some("left"), "Ubuntu")];
        assert_eq!(held(&[other], &of_an_image).moved.len(), 1);
    }
}
