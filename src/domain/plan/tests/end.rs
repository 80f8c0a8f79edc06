//! The end of an image's life.

use super::*;

const ENDS: &str = "stages: {older: {visibility: community, until: unused}}\npreset: optimist\n";

fn optimist(versions: &[&str]) -> Vec<Definition> {
    with("preset: optimist\n", &[], versions)
}

#[test]
fn an_unused_image_is_deleted_on_a_later_day_after_everything_else() {
    let cloud = grown_with(&["1", "2"], optimist);
    let mut definitions = optimist(&["1", "2", "3"]);
    definitions.push(define("Debian 13", "", &["1"]));
    insta::assert_snapshot!(lines(&cloud.plan(&definitions)), @r"
    + upload     Ubuntu 24.04 [3]: https://example.org/3.img → sha256:33333333333333333…
    ~ properties Ubuntu 24.04 [3]: reglaze_state=staged source_sha256sum=3333333333333333333333333333333333333333333333333333333333333333  (its bytes are proven; it stays private until a server was started from it)
    + boot       Ubuntu 24.04 [3]  (the policy publishes it only if it boots)
    + publish    Ubuntu 24.04 [3]: Ubuntu 24.04 - Latest  (public)
    ~ rename     Ubuntu 24.04 [2]: Ubuntu 24.04 - Latest → Ubuntu 24.04 - 2026-11-22  (now older; public → community)
    + upload     Debian 13 [1]: https://example.org/1.img → sha256:31313131313131313…
    + publish    Debian 13 [1]: Debian 13  (public)
    - delete     Ubuntu 24.04 [1]: Ubuntu 24.04 - 2026-11-21  (if unused; older since 2026-11-22)
    ");
}

#[test]
fn a_used_or_protected_image_or_one_to_keep_is_not_deleted() {
    let mut cloud = grown_with(&["1", "2"], optimist);
    assert_eq!(kinds(&cloud.plan(&optimist(&["2"]))), ["delete 1"]);
    let id = cloud.id("1");
    cloud.image(&id).protected = true;
    let plan = cloud.plan(&optimist(&["2"]));
    assert!(plan.steps.is_empty());
    assert_eq!(rules(&plan), ["protected"]);
    cloud.image(&id).protected = false;
    let mut keep = optimist(&["2"]);
    keep[0].keep = true;
    assert_eq!(lines(&cloud.plan(&keep)), "");
    cloud.used("1", "tenant");
    assert_eq!(lines(&cloud.plan(&optimist(&["2"]))), "");
}

#[test]
fn where_nobody_answers_nothing_is_deleted_and_one_finding_says_so() {
    let mut cloud = grown_with(&["1", "2", "3"], optimist);
    cloud.apply(&cloud.plan(&[]));
    cloud.uses = None;
    let mut two = optimist(&["3"]);
    two.push(two[0].clone());
    let plan = cloud.plan(&two);
    assert!(plan.steps.is_empty());
    assert_eq!(rules(&plan), ["use-unknown"]);
    assert!(plan.findings[0].message.contains("Nova did not answer"));
}

#[test]
fn above_the_limit_nothing_is_deleted_at_all() {
    let mut cloud = grown_with(&["1", "2", "3"], |versions| {
        let mut definitions = optimist(versions);
        definitions[0].policy = Some(
            yaml::read(
                "reglaze.yml",
                "preset: optimist\nstages: {older: {for: 9d}}\n",
            )
            .unwrap(),
        );
        definitions
    });
    cloud.wait(30);
    let definitions = optimist(&["3", "4"]);
    assert_eq!(
        cloud
            .plan(&definitions)
            .steps
            .iter()
            .filter(|step| matches!(step.work, Work::Delete(_)))
            .count(),
        2
    );
    cloud.deletions = 1;
    let plan = cloud.plan(&definitions);
    assert!(
        plan.steps
            .iter()
            .all(|step| !matches!(step.work, Work::Delete(_)))
            && !plan.steps.is_empty()
    );
    assert_eq!(rules(&plan), ["too-many-deletions"]);
}

#[test]
fn a_promise_keeps_an_unused_image() {
    let define = |versions: &[&str]| with(ENDS, &[("uuid_validity", "last-1")], versions);
    let mut cloud = grown_with(&["1", "2"], define);
    let plan = cloud.plan(&define(&["1", "2"]));
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert_eq!(rules(&plan), ["promise"]);
    cloud.apply(&cloud.plan(&define(&["1", "2", "3"])));
    assert!(cloud.of_version("1").is_none());
}

#[test]
fn our_own_protection_is_taken_away_first_and_others_protection_is_not() {
    let policy = "stages: {older: {protected: true, keep: 0, for: 5d}, retired: {protected: false, until: unused}}\n";
    let define = |versions: &[&str]| with(policy, &[], versions);
    let mut cloud = grown_with(&["1", "2"], define);
    assert!(cloud.of_version("1").unwrap().protected);
    cloud.wait(9);
    cloud.apply(&cloud.plan(&define(&["2"])));
    assert!(!cloud.of_version("1").unwrap().protected);
    let id = cloud.id("1");
    cloud.image(&id).protected = true;
    cloud.wait(1);
    let plan = cloud.plan(&define(&["2"]));
    assert_eq!(
        lines(&plan).matches("[protected]").count(),
        1,
        "{}",
        lines(&plan)
    );
    cloud.image(&id).protected = false;
    assert_eq!(kinds(&cloud.plan(&define(&["2"]))), ["delete 1"]);
}

#[test]
fn a_deleted_version_that_is_listed_still_is_not_uploaded_again() {
    let mut cloud = grown_with(&["1", "2"], optimist);
    cloud.apply(&cloud.plan(&optimist(&["1", "2"])));
    assert!(cloud.of_version("1").is_none());
    assert_eq!(lines(&cloud.plan(&optimist(&["1", "2"]))), "");
}

#[test]
fn an_image_deleted_by_hand_comes_again_only_if_it_would_be_offered() {
    let mut cloud = grown(&["1", "2", "3", "4"]);
    let versions = ["1", "2", "3", "4"];
    cloud.images.retain(|image| version_of(image) != Some("1"));
    assert_eq!(lines(&cloud.plan(&ubuntu(&versions))), "");
    cloud.images.retain(|image| version_of(image) != Some("3"));
    assert_eq!(
        kinds(&cloud.plan(&ubuntu(&versions))),
        ["upload 3", "publish 3"]
    );
    cloud.images.retain(|image| version_of(image) != Some("4"));
    assert_eq!(
        kinds(&cloud.plan(&ubuntu(&versions))),
        ["upload 4", "publish 4", "upload 3", "publish 3"]
    );
}

#[test]
fn a_withdrawn_newest_is_never_deleted() {
    let mut cloud = grown_with(&["1", "2"], |versions| with(ENDS, &[], versions));
    cloud.used("1", "tenant");
    cloud.apply(&cloud.plan(&with(ENDS, &[], &["1"])));
    cloud.wait(100);
    assert_eq!(lines(&cloud.plan(&with(ENDS, &[], &["1"]))), "");
    assert!(cloud.of_version("2").is_some());
}

#[test]
fn a_taken_over_image_is_recorded_first_and_ends_later() {
    let mut cloud = grown_with(&["1", "2"], optimist);
    let id = cloud.id("1");
    cloud
        .image(&id)
        .properties
        .retain(|key, _| ![STAGE, SINCE].contains(&key.as_str()));
    let plan = cloud.plan(&optimist(&["2"]));
    assert_eq!(kinds(&plan), ["properties 1"]);
    cloud.apply(&plan);
    assert_eq!(lines(&cloud.plan(&optimist(&["2"]))), "");
    cloud.wait(1);
    assert_eq!(kinds(&cloud.plan(&optimist(&["2"]))), ["delete 1"]);
}

#[test]
fn images_without_a_definition_are_retired_if_the_policy_says_so() {
    let mut definitions = with("undefined: retire\n", &[], &["1", "2"]);
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&definitions));
    definitions[0].enable = false;
    let plan = cloud.plan(&definitions);
    assert_eq!(kinds(&plan), ["rename 2", "visibility 1"]);
    assert!(
        plan.steps.iter().all(|step| step.withdrawal),
        "{}",
        lines(&plan)
    );
    cloud.withdrawals = 1;
    let plan = cloud.plan(&definitions);
    assert!(
        plan.steps.iter().all(|step| !step.withdrawal),
        "{}",
        lines(&plan)
    );
    assert_eq!(cloud.catalogue().len(), 2);
    cloud.withdrawals = 10;
    cloud.apply(&cloud.plan(&definitions));
    assert_eq!(lines(&cloud.plan(&definitions)), "");
    assert!(cloud.catalogue().is_empty() && cloud.images.len() == 2);
}
