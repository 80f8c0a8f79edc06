//! What people changed by hand.

use super::*;
use crate::domain::inspect::{DiskFormat, Inspected};
use crate::domain::patch::Patch;
use crate::domain::wanted::{STATE, VIRTUAL_SIZE, as_inspected};

fn by_hand(cloud: &mut Cloud) {
    let id = cloud.id("1");
    let image = cloud.image(&id);
    image.name = Some("something".to_owned());
    image.min_disk = 1;
    image
        .properties
        .insert("os_distro".to_owned(), "debian".to_owned());
    image.status = Status::Deactivated;
}

#[test]
fn drift_is_repaired_in_one_patch() {
    let mut cloud = grown(&["1", "2"]);
    by_hand(&mut cloud);
    let plan = cloud.plan(&ubuntu(&["1", "2"]));
    assert_eq!(kinds(&plan), ["status 1", "rename 1"]);
    let changed: Vec<_> = plan.steps[1].changes.keys().map(String::as_str).collect();
    assert_eq!(changed, ["name", "min_disk", "os_distro"]);
    cloud.apply(&plan);
    assert_eq!(lines(&cloud.plan(&ubuntu(&["1", "2"]))), "");
}

#[test]
fn drift_is_only_told_if_the_policy_says_so_and_stages_go_on() {
    for policy in ["drift: report\n", "immutable: true\n"] {
        let define = |versions: &[&str]| with(policy, &[], versions);
        let mut cloud = grown_with(&["1", "2"], define);
        by_hand(&mut cloud);
        let before = cloud.look();
        let plan = cloud.plan(&define(&["1", "2"]));
        assert!(plan.steps.is_empty(), "{}", lines(&plan));
        assert_eq!(rules(&plan), ["drift"]);
        for key in ["`min_disk`", "`name`", "`os_distro`", "`status`"] {
            assert!(plan.findings[0].message.contains(key));
        }
        cloud.apply(&plan);
        assert_eq!(cloud.look(), before);
        let versions = ["1", "2", "3", "4"];
        cloud.apply(&cloud.plan(&define(&versions)));
        let one = cloud.of_version("1").unwrap();
        assert_eq!(one.visibility, Visibility::Community);
        assert_eq!(one.properties[STAGE], "retired");
        assert_eq!(one.properties["os_distro"], "debian");
        let plan = cloud.plan(&define(&versions));
        assert!(plan.steps.is_empty(), "{}", lines(&plan));
    }
}

#[test]
fn what_is_shown_too_widely_is_narrowed_even_where_drift_is_only_told() {
    let define = |versions: &[&str]| with("drift: report\n", &[], versions);
    let versions = ["1", "2", "3", "4"];
    let mut cloud = grown_with(&versions, define);
    let id = cloud.id("1");
    cloud.image(&id).visibility = Visibility::Public;
    assert_eq!(kinds(&cloud.plan(&define(&versions))), ["visibility 1"]);
}

#[test]
fn properties_of_a_stage_come_and_go_with_it() {
    let policy = "properties_once: {ci: '{run.CI}', other: '{run.NONE}'}\nstages: {older: {properties: {deprecated: 'true'}, tags: ['old:{version}'], keep: 9}}\n";
    let define = |versions: &[&str]| with(policy, &[], versions);
    let mut cloud = grown_with(&["1", "2"], define);
    let one = cloud.of_version("1").unwrap();
    assert_eq!(one.properties["deprecated"], "true");
    assert!(one.tags.contains("old:1"));
    assert_eq!(one.properties["ci"], "7");
    assert!(!one.properties.contains_key("other"));
    // Back to the latest: it is not deprecated any more.
    cloud.apply(&cloud.plan(&define(&["1"])));
    let one = cloud.of_version("1").unwrap();
    assert!(!one.properties.contains_key("deprecated") && !one.tags.contains("old:1"));
    // The number of a run is never compared.
    let id = cloud.id("1");
    cloud
        .image(&id)
        .properties
        .insert("ci".to_owned(), "8".to_owned());
    assert_eq!(lines(&cloud.plan(&define(&["1"]))), "");
}

#[test]
fn a_plan_shows_what_it_cannot_know_as_placeholders_so_that_no_night_moves_it() {
    let definitions = with("preset: syseleven\n", &[], &["1"]);
    let cloud = Cloud::default();
    let plan = cloud.plan(&definitions);
    let publish = plan.steps.last().unwrap();
    assert_eq!(publish.changes["name"], "Ubuntu 24.04 ({upload_date})");
    assert_eq!(publish.changes[SINCE], "{today}");
    let tomorrow = cloud.plan_at(&definitions, "2026-11-22".parse().unwrap());
    assert_eq!(plan.fingerprint(), tomorrow.fingerprint());
}

#[test]
fn the_elder_of_two_with_one_version_counts_and_the_other_is_left_alone() {
    let mut cloud = grown(&["1"]);
    let twin = cloud.images[0].clone();
    let id = cloud.add(twin);
    let plan = cloud.plan(&ubuntu(&["1"]));
    assert!(plan.steps.is_empty());
    assert_eq!(rules(&plan), ["duplicate-image"]);
    assert_eq!(plan.findings[0].id, Some(id));
}

#[test]
fn images_of_another_project_with_our_tag_are_never_touched() {
    let mut cloud = grown(&["1"]);
    let theirs = CloudImage {
        owner: Some("them".to_owned()),
        name: Some("Debian 13".to_owned()),
        properties: BTreeMap::new(),
        ..cloud.images[0].clone()
    };
    cloud.add(theirs.clone());
    assert_eq!(lines(&cloud.plan(&ubuntu(&["1"]))), "");
    // One that says it is this very image stops us.
    let id = cloud.images[1].id.clone();
    cloud.image(&id).properties = cloud.images[0].properties.clone();
    let plan = cloud.plan(&ubuntu(&["1", "2"]));
    assert!(plan.steps.is_empty());
    assert_eq!(rules(&plan), ["name-taken"]);
}

const REPORT: &str = "drift: report\nstages: {older: {name: '{name} ({version})', keep: 9}}\n";

const UNREPORTED: &str = "stages: {older: {name: '{name} ({version})', keep: 9}}\n";
const MODELS: &[(&str, &str)] = &[("hw_disk_bus", "virtio"), ("hw_video_model", "vga")];

fn told(versions: &[&str]) -> Vec<Definition> {
    with(REPORT, MODELS, versions)
}

/// Everything that a reviewed edit may touch.
fn edited(versions: &[&str]) -> Vec<Definition> {
    let mut definitions = told(versions);
    let definition = &mut definitions[0];
    definition.min_disk = Some(10);
    definition.min_ram = Some(512);
    definition.tags = ["new".to_owned()].into();
    definition.meta.remove("hw_disk_bus");
    for (key, value) in [("hw_video_model", "qxl"), ("hw_rng_model", "virtio")] {
        definition.meta.insert(key.to_owned(), value.to_owned());
    }
    definitions
}

#[test]
fn an_edit_of_the_definition_is_made_where_changes_by_hand_are_only_told() {
    let mut cloud = grown_with(&["1", "2"], told);
    assert_eq!(lines(&cloud.plan(&told(&["1", "2"]))), "");
    let plan = cloud.plan(&edited(&["1", "2"]));
    assert_eq!(kinds(&plan), ["properties 2", "properties 1"]);
    assert_eq!(rules(&plan), Vec::<&str>::new());
    cloud.apply(&plan);
    let one = cloud.of_version("1").unwrap();
    assert_eq!((one.min_disk, one.min_ram), (10, 512));
    assert!(one.tags.contains("new"));
    assert_eq!(one.properties["hw_video_model"], "qxl");
    assert_eq!(one.properties["hw_rng_model"], "virtio");
    assert!(!one.properties.contains_key("hw_disk_bus"));
    assert_eq!(lines(&cloud.plan(&edited(&["1", "2"]))), "");
    // Who may see it is an edit like any other.
    let mut wider = edited(&["1", "2"]);
    wider[0].visibility = Visibility::Community;
    cloud.apply(&cloud.plan(&wider));
    assert_eq!(lines(&cloud.plan(&wider)), "");
    cloud.apply(&cloud.plan(&edited(&["1", "2"])));
    assert_eq!(
        cloud.of_version("2").unwrap().visibility,
        Visibility::Public
    );
    assert_eq!(lines(&cloud.plan(&edited(&["1", "2"]))), "");
}

#[test]
fn min_disk_holds_the_disk_that_was_seen_and_is_never_lowered_below_it() {
    let mut definition = ubuntu(&["1"]);
    let mut cloud = grown(&["1"]);
    let id = cloud.id("1");
    let image = cloud.image(&id);
    let inspected = Inspected {
        format: DiskFormat::Qcow2,
        virtual_size: (12 << 30) - 1,
        doubts: Vec::new(),
    };
    let publishes = Patch {
        remove: [STATE.to_owned()].into(),
        ..Patch::default()
    };
    let mut patch = publishes.clone();
    as_inspected(&mut patch, Some(&inspected), image);
    assert_eq!(patch.min_disk, Some(12), "the definition has none");
    image.min_disk = 12;
    image.properties.extend(patch.set);
    definition[0].min_disk = Some(10);
    assert_eq!(lines(&cloud.plan(&definition)), "");
    definition[0].min_disk = Some(14);
    cloud.apply(&cloud.plan(&definition));
    assert_eq!(cloud.image(&id).min_disk, 14);
    definition[0].min_disk = Some(13);
    cloud.apply(&cloud.plan(&definition));
    assert_eq!(cloud.image(&id).min_disk, 13);
    // What Glance says itself is not written down.
    let image = cloud.image(&id);
    image.virtual_size = Some(13 << 30);
    let mut patch = publishes.clone();
    as_inspected(&mut patch, Some(&inspected), image);
    assert_eq!(patch, publishes);
    // While it waits for its boot test, its `min_disk` does not matter yet.
    image.virtual_size = None;
    image.properties.remove(VIRTUAL_SIZE);
    let mut patch = Patch::default();
    as_inspected(&mut patch, Some(&inspected), image);
    assert_eq!(patch.min_disk, None);
    assert!(patch.set.contains_key(VIRTUAL_SIZE));
}

#[test]
fn what_was_changed_by_hand_stays_and_is_told_beside_an_edit_of_something_else() {
    let mut cloud = grown_with(&["1"], told);
    let id = cloud.id("1");
    let image = cloud.image(&id);
    image.name = Some("mine".to_owned());
    image.min_disk = 99;
    image.tags = [TAG.to_owned()].into();
    for key in ["hw_video_model", "hw_disk_bus"] {
        image
            .properties
            .insert(key.to_owned(), "by hand".to_owned());
    }
    image.properties.remove("os_distro");
    let plan = cloud.plan(&edited(&["1"]));
    let expected = "image `mine` was changed by hand in `hw_disk_bus`, `hw_video_model`, `min_disk`, `name`, `os_distro`, `tags`;";
    assert!(
        plan.findings[0].message.starts_with(expected),
        "{}",
        lines(&plan)
    );
    cloud.apply(&plan);
    let one = cloud.image(&id);
    assert_eq!((one.min_disk, one.min_ram), (99, 512));
    assert_eq!(one.name.as_deref(), Some("mine"));
    assert_eq!(one.tags, [TAG.to_owned()].into());
    for (key, value) in [
        ("hw_video_model", Some("by hand")),
        ("hw_disk_bus", Some("by hand")),
        ("os_distro", None),
        ("hw_rng_model", Some("virtio")),
    ] {
        assert_eq!(one.properties.get(key).map(String::as_str), value, "{key}");
    }
    // It is told again, until somebody sets it by hand or writes it into the definition.
    let plan = cloud.plan(&edited(&["1"]));
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert!(plan.findings[0].message.starts_with(expected));
    let one = cloud.image(&id);
    one.name = Some("Ubuntu 24.04".to_owned());
    one.tags = [TAG, "os:ubuntu", "new"].map(str::to_owned).into();
    one.properties.remove("hw_disk_bus");
    for (key, value) in [("os_distro", "ubuntu"), ("hw_video_model", "qxl")] {
        one.properties.insert(key.to_owned(), value.to_owned());
    }
    let mut definitions = edited(&["1"]);
    definitions[0].min_disk = Some(99);
    cloud.apply(&cloud.plan(&definitions));
    assert_eq!(lines(&cloud.plan(&definitions)), "");
    definitions[0].min_disk = Some(12);
    cloud.apply(&cloud.plan(&definitions));
    assert_eq!(cloud.image(&id).min_disk, 12, "it is an edit again");
}

#[test]
fn an_image_without_the_record_is_told_of_and_recorded() {
    let mut cloud = grown_with(&["1"], |versions| with(UNREPORTED, MODELS, versions));
    let id = cloud.id("1");
    cloud.image(&id).min_disk = 99;
    let plan = cloud.plan(&told(&["1"]));
    assert_eq!(kinds(&plan), ["properties 1"]);
    let keys: Vec<_> = plan.steps[0].changes.keys().collect();
    assert_eq!(keys, ["reglaze_applied"]);
    assert!(
        plan.findings[0]
            .message
            .contains("differs from its definition in `min_disk`")
    );
    cloud.apply(&plan);
    let plan = cloud.plan(&told(&["1"]));
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert_eq!(rules(&plan), ["drift"]);
    // With repair it goes again.
    let repaired = with(UNREPORTED, MODELS, &["1"]);
    cloud.apply(&cloud.plan(&repaired));
    let one = cloud.image(&id);
    assert!(!one.properties.contains_key("reglaze_applied") && one.min_disk == 8);
    assert_eq!(lines(&cloud.plan(&repaired)), "");
}

#[test]
fn a_record_is_whole_from_the_beginning_also_where_templates_wait_for_the_upload() {
    for preset in ["syseleven", "scs", "osism"] {
        let policy = format!(
            "preset: {preset}\ndrift: report\ntags: ['built:{{upload_date}}']\nstages: {{staged: {{until: proven}}}}\n"
        );
        let define = |versions: &[&str]| with(&policy, &[], versions);
        let mut cloud = grown_with(&["1", "2"], define);
        assert_eq!(lines(&cloud.plan(&define(&["1", "2"]))), "", "{preset}");
        let id = cloud.id("2");
        cloud.image(&id).name = Some("mine".to_owned());
        let plan = cloud.plan(&define(&["1", "2"]));
        assert!(plan.steps.is_empty(), "{preset}: {}", lines(&plan));
        assert_eq!(rules(&plan), ["drift"], "{preset}");
    }
}

#[test]
fn an_immutable_image_is_changed_by_no_edit_and_has_no_record() {
    let policy = "immutable: true\ndrift: report\n";
    let mut cloud = grown_with(&["1"], |versions| with(policy, &[], versions));
    let plan = cloud.plan(&with(policy, &[("hw_video_model", "qxl")], &["1"]));
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert_eq!(rules(&plan), ["drift"]);
    let id = cloud.id("1");
    assert!(!cloud.image(&id).properties.contains_key("reglaze_applied"));
}
