//! What edits of a file do, and do not do.

use super::*;

#[test]
fn an_emptied_list_moves_nothing_and_is_an_error() {
    let cloud = grown(&["1", "2"]);
    let plan = cloud.plan(&ubuntu(&[]));
    assert!(plan.steps.is_empty());
    assert_eq!(plan.findings[0].rule, "no-versions");
    assert_eq!(plan.findings[0].level, Level::Error);
}

#[test]
fn a_definition_that_is_gone_or_disabled_leaves_its_images_as_they_are() {
    let cloud = grown(&["1"]);
    let disabled = [define("Ubuntu 24.04", "  enable: false\n", &["1"])];
    for definitions in [&[][..], &disabled] {
        let plan = cloud.plan(definitions);
        assert!(plan.steps.is_empty());
        assert_eq!(
            (plan.findings[0].rule, plan.findings[0].level),
            ("undefined-image", Level::Note)
        );
    }
}

#[test]
fn a_typo_in_a_version_moves_nothing() {
    let cloud = grown(&["20260705", "20260725"]);
    let mut definitions = ubuntu(&["20260705", "20260725"]);
    definitions[0].versions[1].version = "2026725".to_owned();
    let plan = cloud.plan(&definitions);
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert_eq!(plan.findings[0].rule, "version-renamed");
}

#[test]
fn an_edited_checksum_is_a_finding_and_no_second_upload() {
    let cloud = grown(&["1"]);
    let mut definitions = ubuntu(&["1"]);
    definitions[0].versions[0].checksum = Some(digest("9").parse().unwrap());
    let plan = cloud.plan(&definitions);
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert_eq!(plan.findings[0].rule, "checksum-edited");
}

#[test]
fn a_weak_digest_is_not_uploaded() {
    let mut definitions = ubuntu(&["1"]);
    definitions[0].versions[0].checksum =
        Some("md5:0cc175b9c0f1b6a831c399e269772661".parse().unwrap());
    let plan = Cloud::default().plan(&definitions);
    assert!(plan.steps.is_empty());
    assert_eq!(plan.findings[0].rule, "not-uploadable");
}

#[test]
fn edited_metadata_reaches_images_that_are_there_and_foreign_properties_stay() {
    let mut cloud = grown(&["1"]);
    cloud.images[0]
        .properties
        .insert("theirs".to_owned(), "stays".to_owned());
    cloud.images[0].tags.insert("theirs".to_owned());
    let mut definitions = ubuntu(&["1"]);
    definitions[0].meta = [
        ("os_distro".to_owned(), "debian".to_owned()),
        ("hw_disk_bus".to_owned(), "scsi".to_owned()),
    ]
    .into();
    let plan = cloud.plan(&definitions);
    cloud.apply(&plan);
    let image = &cloud.images[0];
    assert_eq!(image.properties["theirs"], "stays");
    assert_eq!(image.properties["hw_disk_bus"], "scsi");
    assert!(!image.properties.contains_key("os_purpose"));
    assert_eq!(
        image.tags,
        ["managed_by_reglaze", "os:debian", "theirs"]
            .map(str::to_owned)
            .into()
    );
    assert_eq!(lines(&cloud.plan(&definitions)), "");
}
