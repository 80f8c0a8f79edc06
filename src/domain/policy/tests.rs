use super::*;
use crate::domain::snapshot::Visibility;
use crate::domain::yaml;

#[test]
fn the_osism_preset_keeps_three_under_a_name_and_the_rest_as_community() {
    let policy = resolve(true, &[]).unwrap();
    assert!(policy.rotate);
    let names: Vec<_> = policy
        .stages
        .iter()
        .map(|stage| stage.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "{name}",
            "{name}{separator}({version})",
            "{name}{separator}({version})"
        ]
    );
    assert_eq!(policy.stages[1].exits.keep, Some(2));
    assert_eq!(policy.stages[2].visibility, Some(Visibility::Community));
    assert_eq!(policy.stages[2].exits.keep, None);
}

#[test]
fn a_single_image_never_rotates() {
    let policy = resolve(false, &[]).unwrap();
    assert!(!policy.rotate);
    assert_eq!(policy.stages[0].name, "{name}{separator}{version}");
}

#[test]
fn a_users_word_counts_per_stage_and_key() {
    let own: PolicyOverride =
        yaml::read("reglaze.yml", "stages: {older: {keep: 5}}\ntags: [mine]\n").unwrap();
    let policy = resolve(true, &[&own]).unwrap();
    assert_eq!(policy.stages[1].exits.keep, Some(5));
    assert_eq!(policy.stages[1].name, "{name}{separator}({version})");
    assert_eq!(policy.tags, ["mine"]);
}

#[test]
fn an_unknown_preset_is_named() {
    let own: PolicyOverride = yaml::read("reglaze.yml", "preset: osim\n").unwrap();
    assert!(
        resolve(true, &[&own])
            .unwrap_err()
            .message
            .contains("`osim`")
    );
}
