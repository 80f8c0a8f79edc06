//! What people changed by hand.

use super::*;

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
