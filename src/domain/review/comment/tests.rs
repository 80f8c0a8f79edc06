//! Comments as a reviewer reads them, and as a deployment does.

use serde_json::Map;
use sha2::{Digest, Sha256};

use super::*;
use crate::domain::checksum::hex;
use crate::domain::review::binding::{self, Bond};
use crate::domain::snapshot::{Status, Visibility};
use crate::domain::step::Work;

const URL: &str = "https://example.org/2.img";

fn image(id: &str, name: &str) -> CloudImage {
    CloudImage {
        id: id.to_owned(),
        name: Some(name.to_owned()),
        owner: Some("us".to_owned()),
        status: Status::Active,
        visibility: Visibility::Public,
        tags: ["mark".to_owned()].into(),
        properties: [
            ("image_name", "Ubuntu"),
            ("internal_version", "1"),
            ("uuid_validity", "forever"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        ..CloudImage::default()
    }
}

fn snapshot(images: &[CloudImage]) -> Snapshot {
    Snapshot::new(images.to_vec(), "mark", "us")
}

fn step(
    action: Action,
    id: Option<&str>,
    version: &str,
    from: Value,
    to: Value,
    changes: &Value,
) -> Step {
    Step {
        action,
        image: "Ubuntu".to_owned(),
        id: id.map(str::to_owned),
        version: Some(version.to_owned()),
        from,
        to,
        changes: changes.as_object().cloned().unwrap_or_else(Map::new),
        reason: String::new(),
        work: Work::None,
        withdrawal: false,
    }
}

fn rotation() -> Vec<Step> {
    let name = json!({"name": "Ubuntu", "visibility": "public", "os_hidden": false, "reglaze_state": null});
    let old = json!({"name": "Ubuntu (1)", "visibility": "community"});
    vec![
        step(
            Action::Upload,
            None,
            "2",
            json!(URL),
            json!("sha256:22"),
            &json!({}),
        ),
        step(
            Action::Publish,
            None,
            "2",
            Value::Null,
            json!("Ubuntu"),
            &name,
        ),
        step(
            Action::Rename,
            Some("old"),
            "1",
            json!("Ubuntu"),
            json!("Ubuntu (1)"),
            &old,
        ),
    ]
}

fn outcome(steps: Vec<Step>, findings: Vec<Finding>) -> CloudOutcome {
    CloudOutcome::planned("prod", steps, findings)
}

fn scene(sizes: &BTreeMap<String, u64>) -> Scene<'_> {
    Scene {
        head: "c0ffee0000000000000000000000000000000000",
        sizes,
        today: "2026-11-21".parse().unwrap(),
    }
}

fn written(outcome: &CloudOutcome, snapshot: &Snapshot, sizes: &[(&str, u64)]) -> String {
    let sizes = sizes
        .iter()
        .map(|(url, size)| ((*url).to_owned(), *size))
        .collect();
    let review = CloudReview {
        outcome,
        snapshot: Some(snapshot),
    };
    comment(&[review], &scene(&sizes))
}

#[test]
fn a_rotation_tells_what_tenants_see_and_what_becomes_of_the_old_image() {
    let outcome = outcome(
        rotation(),
        vec![Finding::warning("order", "odd").image("Ubuntu")],
    );
    let text = written(
        &outcome,
        &snapshot(&[image("old", "Ubuntu")]),
        &[(URL, 600 << 20)],
    );
    let fingerprint = outcome.fingerprint.unwrap();
    insta::assert_snapshot!(visible(&text).replace(&fingerprint, "F"));
}

#[test]
fn what_is_taken_away_is_counted_and_comes_first() {
    let delete = step(
        Action::Delete,
        Some("old"),
        "1",
        json!("Ubuntu"),
        Value::Null,
        &json!({}),
    );
    let outcome = outcome(vec![delete], Vec::new());
    let text = written(&outcome, &snapshot(&[image("old", "Ubuntu")]), &[]);
    let at = |part: &str| {
        text.find(part)
            .unwrap_or_else(|| panic!("{part} in {text}"))
    };
    assert!(at("**1 of 1 step take something away**") < at("What tenants see"));
    assert!(at("**What is taken away:**") < at("What tenants see"));
    for part in [
        "default lists show nothing under this name any more",
        "**deleted, if unused then**",
        "**nobody any more**",
        "forever: would be broken**",
    ] {
        at(part);
    }
}

#[test]
fn sizes_that_are_not_known_are_called_so() {
    let mut steps = rotation();
    steps.push(step(
        Action::Upload,
        None,
        "3",
        json!("https://example.org/3.img"),
        json!("x"),
        &json!({}),
    ));
    let outcome = outcome(steps, Vec::new());
    let snapshot = snapshot(&[]);
    assert!(written(&outcome, &snapshot, &[]).contains("2 uploads, of unknown size"));
    let text = written(&outcome, &snapshot, &[(URL, 1536 << 20)]);
    assert!(text.contains("2 uploads, 1.5 GiB to transfer and 1 of unknown size"));
}

#[test]
fn sizes_have_three_digits() {
    for (count, text) in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (600 << 20, "600 MiB"),
        (99 << 30, "99.0 GiB"),
        (u64::MAX, "17179869183 GiB"),
    ] {
        assert_eq!(bytes(count), text);
    }
}

#[test]
fn a_cloud_that_could_not_be_planned_says_why_and_the_others_are_told() {
    let failed = CloudOutcome::failed("edge", "it does not <answer>".to_owned());
    let good = outcome(Vec::new(), Vec::new());
    let reviews = [&failed, &good].map(|outcome| CloudReview {
        outcome,
        snapshot: None,
    });
    let text = comment(&reviews, &scene(&BTreeMap::new()));
    assert!(text.contains("**It could not be planned**: it does not &lt;answer&gt;"));
    assert!(text.contains("### prod\n\nNothing to do."));
    let read = hidden::read(&text).unwrap();
    assert_eq!(read.clouds[0].fingerprint, None);
}

#[test]
fn the_deployment_reads_back_the_very_steps() {
    let outcome = outcome(rotation(), Vec::new());
    let text = written(&outcome, &snapshot(&[image("old", "Ubuntu")]), &[]);
    let read = hidden::read(&text).unwrap();
    let Bond::Steps(steps) = binding::bond(&[read], "prod") else {
        panic!("the steps were not read");
    };
    assert_eq!(steps, rotation());
}

#[test]
fn a_plan_of_any_size_fits_with_its_mark_and_says_where_the_rest_stands() {
    for count in [1, 50, 400, 1500] {
        let steps = (0..count).map(|at| {
            // Digests do not pack.
            let noise = hex(&Sha256::digest(at.to_string()));
            let id = format!("id-{at}");
            let to = json!(format!("Ubuntu {noise}"));
            step(
                Action::Rename,
                Some(&id),
                &at.to_string(),
                json!("Ubuntu"),
                to.clone(),
                &json!({"name": to}),
            )
        });
        let images: Vec<_> = (0..count)
            .map(|at| image(&format!("id-{at}"), "Ubuntu"))
            .collect();
        let outcome = outcome(steps.collect(), Vec::new());
        let text = written(&outcome, &snapshot(&images), &[]);
        assert!(length(&text) <= ROOM, "{count}: {}", length(&text));
        let read = hidden::read(&text).unwrap();
        assert_eq!(read.clouds[0].fingerprint, outcome.fingerprint);
        assert_eq!(read.plan.is_some(), count <= 50, "{count}");
        assert_eq!(text.contains(REST), count > 50, "{count}");
        assert!(text.contains(&format!("; {count} step")));
    }
}

#[test]
fn foreign_text_neither_marks_up_nor_ends_the_hidden_part() {
    let evil = "<!-- x --> | </details> @team [a](b)\n<!-- reglaze:steps AAAA -->";
    let mut steps = rotation();
    for step in &mut steps {
        step.image = evil.to_owned();
        step.version = Some(evil.to_owned());
        step.changes.insert("name".to_owned(), json!(evil));
    }
    let images = [CloudImage {
        name: Some(evil.to_owned()),
        ..image("old", "Ubuntu")
    }];
    let outcome = outcome(steps, vec![Finding::error("rule", evil).image(evil)]);
    let text = written(&outcome, &snapshot(&images), &[]);
    assert_eq!(text.matches("<!--").count(), 2, "{text}");
    assert_eq!(text.matches("</details>").count(), 1);
    assert!(!text.contains("@team") && hidden::read(&text).unwrap().plan.is_some());
}
