//! Limits and reviewed plans.

use super::*;

#[test]
fn above_the_limit_no_withdrawal_is_done_at_all() {
    let mut cloud = Cloud::default();
    let mut definitions: Vec<_> = (0..3)
        .map(|index| define(&format!("Image {index}"), "", &["1"]))
        .collect();
    cloud.apply(&cloud.plan(&definitions));
    for definition in &mut definitions {
        definition.visibility = Visibility::Private;
    }
    cloud.withdrawals = 2;
    let plan = cloud.plan(&definitions);
    assert!(plan.steps.iter().all(|step| !step.withdrawal));
    assert_eq!(plan.findings[0].rule, "too-many-withdrawals");
    cloud.withdrawals = 3;
    assert_eq!(cloud.plan(&definitions).steps.len(), 3);
}

#[test]
fn a_reviewed_plan_binds_and_a_moved_image_is_left_alone() {
    let both = [ubuntu(&["1"]).remove(0), define("Debian 13", "", &["1"])];
    let reviewed = Cloud::default().plan(&both);
    let mut moved = both.clone();
    moved[1].visibility = Visibility::Private;
    let bound = bound(Cloud::default().plan(&moved), &reviewed.steps).plan;
    assert!(bound.steps.iter().all(|step| step.image == "Ubuntu 24.04") && bound.steps.len() == 2);
    assert_eq!(bound.findings[0].rule, "plan-moved");
    assert_ne!(
        reviewed.fingerprint(),
        Cloud::default().plan(&moved).fingerprint()
    );
}

#[test]
fn the_fingerprint_is_the_same_for_a_plan_that_was_read_back() {
    let plan = Cloud::default().plan(&ubuntu(&["1", "2"]));
    let text = serde_json::to_string(&plan.steps).unwrap();
    let read: Vec<Step> = serde_json::from_str(&text).unwrap();
    assert_eq!(step::fingerprint(&read), plan.fingerprint());
}
