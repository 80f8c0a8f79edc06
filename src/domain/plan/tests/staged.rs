//! Images that are proven and wait for their boot test.

use super::*;
use crate::domain::transfer::StoredAs;
use cloud::Uploaded;

fn optimist(versions: &[&str]) -> Vec<Definition> {
    with("preset: optimist\n", &[], versions)
}

#[test]
fn an_image_that_waits_for_its_boot_test_is_not_uploaded_again() {
    let mut cloud = Cloud::default();
    let plan = cloud.plan(&optimist(&["1"]));
    assert_eq!(
        kinds(&plan),
        ["upload 1", "properties 1", "boot 1", "publish 1"]
    );
    let mut uploaded = Uploaded::new();
    for step in &plan.steps[..2] {
        cloud.perform(step, &mut uploaded);
    }
    let plan = cloud.plan(&optimist(&["1"]));
    assert_eq!(kinds(&plan), ["boot 1", "publish 1"]);
    cloud.apply(&plan);
    assert_eq!(lines(&cloud.plan(&optimist(&["1"]))), "");
    assert!(
        !cloud
            .of_version("1")
            .unwrap()
            .properties
            .contains_key(STATE)
    );
}

#[test]
fn a_staged_image_whose_version_is_gone_or_edited_is_deleted() {
    let mut cloud = Cloud::default();
    let plan = cloud.plan(&optimist(&["1"]));
    let mut uploaded = Uploaded::new();
    for step in &plan.steps[..2] {
        cloud.perform(step, &mut uploaded);
    }
    assert_eq!(
        kinds(&cloud.plan(&optimist(&["2"])))[..2],
        ["delete 1", "upload 2"]
    );
    let mut edited = optimist(&["1"]);
    edited[0].versions[0].checksum = Some(digest("9").parse().unwrap());
    assert_eq!(kinds(&cloud.plan(&edited))[..2], ["delete 1", "upload 1"]);
}

#[test]
fn a_staged_image_is_published_at_once_if_no_boot_is_asked_for_any_more() {
    let mut cloud = Cloud::default();
    let plan = cloud.plan(&optimist(&["1"]));
    let mut uploaded = Uploaded::new();
    for step in &plan.steps[..2] {
        cloud.perform(step, &mut uploaded);
    }
    assert_eq!(kinds(&cloud.plan(&ubuntu(&["1"]))), ["publish 1"]);
}

#[test]
fn a_cloud_that_stores_raw_gets_a_converted_image_and_keeps_those_that_it_has() {
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&optimist(&["1"])));
    cloud.transfer.disk_format = StoredAs::Raw;
    assert_eq!(lines(&cloud.plan(&optimist(&["1"]))), "");
    let plan = cloud.plan(&optimist(&["1", "2"]));
    let upload = &plan.steps[0];
    assert_eq!(upload.changes["disk_format"], "raw");
    assert!(upload.reason.contains("converted from qcow2 to raw"));
}

#[test]
fn a_proven_leftover_in_another_form_is_deleted_and_the_image_uploaded_as_wanted() {
    let mut cloud = Cloud::default();
    let plan = cloud.plan(&optimist(&["1"]));
    let mut uploaded = Uploaded::new();
    for step in &plan.steps[..2] {
        cloud.perform(step, &mut uploaded);
    }
    cloud.transfer.disk_format = StoredAs::Raw;
    assert_eq!(
        kinds(&cloud.plan(&optimist(&["1"])))[..2],
        ["delete 1", "upload 1"]
    );
}
