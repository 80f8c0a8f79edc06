//! Names, stages and rollbacks.

use super::*;

#[test]
fn an_empty_cloud_gets_the_newest_first_and_then_the_older_ones() {
    let plan = Cloud::default().plan(&ubuntu(&["1", "2"]));
    insta::assert_snapshot!(lines(&plan), @r"
    + upload     Ubuntu 24.04 [2]: https://example.org/2.img → sha256:32323232323232323…
    + publish    Ubuntu 24.04 [2]: Ubuntu 24.04  (public)
    + upload     Ubuntu 24.04 [1]: https://example.org/1.img → sha256:31313131313131313…
    + publish    Ubuntu 24.04 [1]: Ubuntu 24.04 (1)  (public)
    ");
}

#[test]
fn a_newer_version_takes_the_name_and_the_old_one_leaves_it_in_the_next_step() {
    let cloud = grown(&["1"]);
    insta::assert_snapshot!(lines(&cloud.plan(&ubuntu(&["1", "2"]))), @r"
    + upload     Ubuntu 24.04 [2]: https://example.org/2.img → sha256:32323232323232323…
    + publish    Ubuntu 24.04 [2]: Ubuntu 24.04  (public)
    ~ rename     Ubuntu 24.04 [1]: Ubuntu 24.04 → Ubuntu 24.04 (1)  (now older)
    ");
}

#[test]
fn the_fourth_oldest_becomes_a_community_image_and_keeps_its_uuid() {
    let cloud = grown(&["1", "2", "3", "4"]);
    let one = cloud
        .images
        .iter()
        .find(|image| version_of(image) == Some("1"))
        .unwrap();
    assert_eq!(
        (one.visibility, one.id.as_str()),
        (Visibility::Community, "id-001")
    );
    assert_eq!(cloud.catalogue().len(), 3);
}

#[test]
fn a_second_plan_is_empty() {
    for versions in [&["1"][..], &["1", "2"], &["1", "2", "3", "4", "5"]] {
        let cloud = grown(versions);
        assert_eq!(lines(&cloud.plan(&ubuntu(versions))), "");
    }
}

#[test]
fn versions_of_a_single_image_keep_their_names() {
    let definitions = [define("RancherOS", "  multi: false\n", &["1.4.1", "1.5.0"])];
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&definitions));
    let names: Vec<_> = cloud.catalogue().into_keys().collect();
    assert_eq!(names, ["RancherOS 1.4.1", "RancherOS 1.5.0"]);
    assert_eq!(lines(&cloud.plan(&definitions)), "");
    // A pruned version of it stays as it is.
    assert_eq!(
        lines(&cloud.plan(&[define("RancherOS", "  multi: false\n", &["1.5.0"])])),
        ""
    );
}

#[test]
fn a_private_definition_is_never_widened() {
    let definitions = [define("Golden", "  keep: true\n", &["1"])];
    let private: Vec<_> = definitions
        .iter()
        .cloned()
        .map(|mut one| {
            one.visibility = Visibility::Private;
            one
        })
        .collect();
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&private));
    assert!(
        cloud
            .images
            .iter()
            .all(|image| image.visibility == Visibility::Private)
    );
}

#[test]
fn a_pruned_version_only_moves_on_in_line() {
    let cloud = grown(&["1", "2", "3"]);
    assert_eq!(lines(&cloud.plan(&ubuntu(&["3"]))), "");
}

#[test]
fn a_reverted_newest_version_is_rolled_back_before_it_is_retired() {
    let cloud = grown(&["1", "2"]);
    insta::assert_snapshot!(lines(&cloud.plan(&ubuntu(&["1"]))), @r"
    + rollback   Ubuntu 24.04 [1]: Ubuntu 24.04 (1) → Ubuntu 24.04  (every newer version was taken out of the file)
    - rename     Ubuntu 24.04 [2]: Ubuntu 24.04 → Ubuntu 24.04 (2)  (taken out of the file; public → community)
    ");
}

#[test]
fn a_deactivated_newest_is_reactivated_before_the_old_one_leaves_the_name() {
    let mut cloud = grown(&["1", "2"]);
    cloud.images[1].status = Status::Deactivated;
    cloud.images[1].name = Some("something".to_owned());
    cloud.images[0].name = Some("Ubuntu 24.04".to_owned());
    let mut uploaded = BTreeMap::new();
    for step in &cloud.plan(&ubuntu(&["1", "2"])).steps {
        cloud.perform(step, &mut uploaded);
        assert!(cloud.catalogue()["Ubuntu 24.04"] >= 1, "{}", step.line());
    }
}
