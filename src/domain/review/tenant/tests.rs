//! Steps done to values, and what tenants notice of them.

use serde_json::json;

use super::*;
use crate::domain::step::Work;

fn image(id: &str, name: &str, version: &str) -> CloudImage {
    CloudImage {
        id: id.to_owned(),
        name: Some(name.to_owned()),
        owner: Some("us".to_owned()),
        status: Status::Active,
        visibility: Visibility::Public,
        tags: ["mark".to_owned()].into(),
        properties: [(IMAGE_NAME, "Ubuntu"), (INTERNAL_VERSION, version)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..CloudImage::default()
    }
}

fn snapshot(images: &[CloudImage]) -> Snapshot {
    Snapshot::new(images.to_vec(), "mark", "us")
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is written where it is used"
)]
fn step(action: Action, id: Option<&str>, version: &str, to: Value, changes: Value) -> Step {
    Step {
        action,
        image: "Ubuntu".to_owned(),
        id: id.map(str::to_owned),
        version: Some(version.to_owned()),
        from: Value::Null,
        to,
        changes: changes.as_object().cloned().unwrap_or_default(),
        reason: String::new(),
        work: Work::None,
        withdrawal: false,
    }
}

fn rotation() -> Vec<Step> {
    vec![
        step(
            Action::Upload,
            None,
            "2",
            json!("sha256:2"),
            json!({"disk_format": "qcow2"}),
        ),
        step(
            Action::Publish,
            None,
            "2",
            json!("Ubuntu"),
            json!({"name": "Ubuntu", "visibility": "public", "os_hidden": false, STATE: null}),
        ),
        step(
            Action::Rename,
            Some("old"),
            "1",
            json!("Ubuntu (1)"),
            json!({"name": "Ubuntu (1)", "visibility": "community"}),
        ),
    ]
}

fn told(rows: &[Row]) -> String {
    let shown = |shown: &[Shown]| {
        let one = |one: &Shown| {
            let id = one.id.as_deref().unwrap_or("new");
            let hidden = if one.hidden { " hidden" } else { "" };
            let stopped = if one.active { "" } else { " stopped" };
            format!("{id} {}{hidden}{stopped}", one.visibility)
        };
        shown.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let row = |row: &Row| {
        format!(
            "{}: {} -> {}\n",
            row.name,
            shown(&row.before),
            shown(&row.after)
        )
    };
    rows.iter().map(row).collect()
}

fn today() -> NaiveDate {
    "2026-11-21".parse().unwrap()
}

fn after(steps: &[Step], images: &[CloudImage]) -> Vec<Moved> {
    View::new(&snapshot(images), steps).moved(today())
}

#[test]
fn a_new_build_takes_the_name_and_the_old_uuid_keeps_booting() {
    let before = snapshot(&[image("old", "Ubuntu", "1")]);
    let view = View::new(&before, &rotation());
    assert_eq!(
        told(&view.rows()),
        "Ubuntu: old public -> new public\nUbuntu (1):  -> old community\n"
    );
    let moved = view.moved(today());
    assert_eq!((moved.len(), moved[0].boots), (1, Boots::All));
    assert!(view.after()[1].is_new && version_of(&view.after()[1].image) == Some("2"));
}

#[test]
fn an_upload_alone_shows_nobody_anything() {
    let before = snapshot(&[]);
    assert!(View::new(&before, &rotation()[..1]).rows().is_empty());
}

#[test]
fn an_upload_under_an_id_is_found_by_the_steps_after_it() {
    let mut steps = rotation();
    steps[0].id = Some("wished".to_owned());
    let before = snapshot(&[]);
    let view = View::new(&before, &steps[..2]);
    assert_eq!(told(&view.rows()), "Ubuntu:  -> wished public\n");
}

#[test]
fn a_hidden_image_keeps_its_name_and_leaves_the_default_lists() {
    let hide = step(
        Action::Hide,
        Some("old"),
        "1",
        json!("hidden"),
        json!({"os_hidden": true}),
    );
    let before = snapshot(&[image("old", "Ubuntu", "1")]);
    let view = View::new(&before, &[hide]);
    let rows = view.rows();
    assert_eq!(told(&rows), "Ubuntu: old public -> old public hidden\n");
    assert!(rows[0].before[0].is_in_the_catalogue() && !rows[0].after[0].is_in_the_catalogue());
    assert_eq!(view.moved(today())[0].boots, Boots::All);
}

#[test]
fn who_can_boot_an_image_after_each_kind_of_step() {
    let old = [image("old", "Ubuntu", "1")];
    let to = |action, to: Value, changes| step(action, Some("old"), "1", to, changes);
    let narrowed = |word: &str| to(Action::Visibility, json!(word), json!({"visibility": word}));
    for (step, expected) in [
        (narrowed("community"), Boots::All),
        (narrowed("shared"), Boots::Members),
        (narrowed("private"), Boots::Nobody),
        (
            to(Action::Status, json!("deactivated"), json!({})),
            Boots::Nobody,
        ),
        (to(Action::Delete, Value::Null, json!({})), Boots::Nobody),
        (
            to(
                Action::Share,
                json!("shared"),
                json!({"visibility": "shared", "members_added": ["a"], "members_removed": []}),
            ),
            Boots::Members,
        ),
    ] {
        assert_eq!(
            after(std::slice::from_ref(&step), &old)[0].boots,
            expected,
            "{step:?}"
        );
    }
}

#[test]
fn a_member_who_loses_an_image_is_somebody_who_could_boot_it() {
    let shared = CloudImage {
        visibility: Visibility::Shared,
        members: Some([("a".to_owned(), true), ("b".to_owned(), true)].into()),
        ..image("old", "Ubuntu", "1")
    };
    let share = |added: &[&str], removed: &[&str]| {
        step(
            Action::Share,
            Some("old"),
            "1",
            json!("shared"),
            json!({"visibility": "shared", "members_added": added, "members_removed": removed}),
        )
    };
    let of = |step| after(&[step], std::slice::from_ref(&shared))[0].boots;
    assert_eq!(of(share(&["c"], &[])), Boots::All);
    assert_eq!(of(share(&[], &["a"])), Boots::Members);
}

#[test]
fn an_image_that_stops_and_starts_again_and_one_that_only_gets_properties() {
    let stopped = CloudImage {
        status: Status::Deactivated,
        ..image("old", "Ubuntu", "1")
    };
    let start = step(Action::Status, Some("old"), "1", json!("active"), json!({}));
    let before = snapshot(&[stopped]);
    let rows = View::new(&before, &[start]).rows();
    assert_eq!(told(&rows), "Ubuntu: old public stopped -> old public\n");
    let properties = step(
        Action::Properties,
        Some("old"),
        "1",
        json!({"a": "b"}),
        json!({"a": "b", "c": null, "min_disk": 9, "tags": ["mark", "t"]}),
    );
    let before = snapshot(&[image("old", "Ubuntu", "1")]);
    let view = View::new(&before, &[properties]);
    assert!(view.rows().is_empty() && view.moved(today()).is_empty());
    let image = &view.after()[0].image;
    assert_eq!((image.min_disk, image.properties["a"].as_str()), (9, "b"));
    assert!(image.tags.contains("t"));
}

#[test]
fn what_an_image_promises_is_kept_over_or_broken() {
    let promising = |word: &str| {
        let mut image = image("old", "Ubuntu", "1");
        image
            .properties
            .insert(UUID_VALIDITY.to_owned(), word.to_owned());
        image
    };
    let delete = step(Action::Delete, Some("old"), "1", Value::Null, json!({}));
    let fate = |word: &str, steps: &[Step]| {
        let moved = after(steps, &[promising(word)]);
        moved[0]
            .promises
            .first()
            .map(|promise| promise.fate.clone())
    };
    assert_eq!(fate("none", &rotation()), None);
    assert_eq!(fate("forever", &rotation()), Some(Fate::Kept));
    assert_eq!(
        fate("forever", std::slice::from_ref(&delete)),
        Some(Fate::Broken)
    );
    assert_eq!(
        fate("2026-11-20", std::slice::from_ref(&delete)),
        Some(Fate::Over)
    );
    // Its place in the line is that after the plan.
    let steps = [rotation(), vec![delete]].concat();
    assert_eq!(fate("last-0", &steps), Some(Fate::Over));
    assert_eq!(fate("last-1", &steps), Some(Fate::Broken));
}

#[test]
fn a_promised_name_holds_while_any_image_bears_it() {
    let mut old = image("old", "Ubuntu", "1");
    old.properties
        .insert(PROVIDED_UNTIL.to_owned(), "2026-12-31".to_owned());
    let of = |steps: &[Step]| after(steps, std::slice::from_ref(&old))[0].promises[0].clone();
    assert_eq!(of(&rotation()).fate, Fate::Kept);
    let broken = of(&rotation()[2..]);
    assert_eq!(broken.fate, Fate::Broken);
    assert_eq!(broken.text, "provided_until: 2026-12-31");
}

#[test]
fn a_foreign_image_under_the_name_is_seen_before_and_after() {
    let foreign = CloudImage {
        owner: Some("them".to_owned()),
        tags: BTreeSet::new(),
        ..image("theirs", "Ubuntu", "9")
    };
    let before = snapshot(&[image("old", "Ubuntu", "1"), foreign]);
    assert_eq!(
        told(&View::new(&before, &rotation()[2..]).rows()),
        "Ubuntu: old public, theirs public -> theirs public\nUbuntu (1):  -> old community\n"
    );
}
