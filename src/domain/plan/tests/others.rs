//! Images of others, and what other runs left.

use super::*;

#[test]
fn a_foreign_image_under_our_name_stops_this_image_only() {
    let mut cloud = Cloud::default();
    let id = cloud.add(CloudImage {
        name: Some("Ubuntu 24.04".to_owned()),
        owner: Some("them".to_owned()),
        status: Status::Active,
        visibility: Visibility::Public,
        ..CloudImage::default()
    });
    let definitions = [ubuntu(&["1"]).remove(0), define("Debian 13", "", &["1"])];
    let plan = cloud.plan(&definitions);
    assert_eq!(plan.findings[0].rule, "name-taken");
    assert_eq!(plan.findings[0].id, Some(id));
    assert!(plan.steps.iter().all(|step| step.image == "Debian 13") && !plan.steps.is_empty());
}

#[test]
fn a_tenants_private_image_of_the_same_name_is_none_of_our_business() {
    let mut cloud = grown(&["1"]);
    cloud.add(CloudImage {
        name: Some("Ubuntu 24.04".to_owned()),
        owner: Some("them".to_owned()),
        status: Status::Active,
        visibility: Visibility::Private,
        ..CloudImage::default()
    });
    assert_eq!(lines(&cloud.plan(&ubuntu(&["1"]))), "");
}

#[test]
fn a_leftover_is_deleted_and_uploaded_anew_unless_glances_hash_proves_it() {
    let mut cloud = Cloud::default();
    let plan = cloud.plan(&ubuntu(&["1"]));
    cloud.perform(&plan.steps[0], &mut BTreeMap::new());
    let kinds = |plan: &Plan| {
        plan.steps
            .iter()
            .map(|step| step.action.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(&cloud.plan(&ubuntu(&["1"]))),
        ["delete", "upload", "publish"]
    );

    let mut definitions = ubuntu(&["1"]);
    let hex = "ab".repeat(64);
    definitions[0].versions[0].checksum = Some(format!("sha512:{hex}").parse().unwrap());
    cloud.images[0].os_hash_algo = Some("sha512".to_owned());
    cloud.images[0].os_hash_value = Some(hex);
    assert_eq!(kinds(&cloud.plan(&definitions)), ["publish"]);
}

#[test]
fn an_upload_that_another_run_is_at_is_left_to_it() {
    let mut cloud = Cloud::default();
    let plan = cloud.plan(&ubuntu(&["1"]));
    cloud.perform(&plan.steps[0], &mut BTreeMap::new());
    cloud.images[0].status = Status::Saving;
    cloud.images[0].updated_at = "2026-11-21T00:00:00Z".parse().unwrap();
    let plan = cloud.plan(&ubuntu(&["1"]));
    assert!(plan.steps.is_empty());
    assert_eq!(plan.findings[0].rule, "upload-elsewhere");
}
