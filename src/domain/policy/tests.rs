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

#[test]
fn every_preset_can_be_read_for_rotating_images_and_for_others() {
    let names: Vec<_> = preset::PRESETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        ["cleura", "optimist", "osism", "scs", "syseleven", "xloud"]
    );
    for name in names {
        let own = PolicyOverride {
            preset: Some(name.to_owned()),
            ..PolicyOverride::default()
        };
        assert!(resolve(true, &[&own]).unwrap().rotate, "{name}");
        let single = resolve(false, &[&own]).unwrap();
        assert!(
            !single.rotate && single.stages[0].name.contains("{version}"),
            "{name}: without rotation each version needs a name of its own"
        );
    }
}

#[test]
fn only_presets_with_an_end_ask_who_uses_images() {
    let asks = |name: &str| {
        let own = PolicyOverride {
            preset: Some(name.to_owned()),
            ..PolicyOverride::default()
        };
        resolve(true, &[&own]).unwrap().asks_for_use()
    };
    for (name, expected) in [
        ("cleura", false),
        ("optimist", true),
        ("osism", false),
        ("scs", false),
        ("syseleven", true),
        ("xloud", true),
    ] {
        assert_eq!(asks(name), expected, "{name}");
    }
}

#[test]
fn a_users_end_of_a_stage_takes_the_place_of_forever_and_forever_that_of_any_end() {
    let exits = |preset: &str, words: &str, stage: usize| {
        let text = format!("preset: {preset}\nstages: {words}\n");
        let own: PolicyOverride = yaml::read("reglaze.yml", &text).unwrap();
        resolve(true, &[&own]).unwrap().stages[stage].exits.clone()
    };
    let retired = exits("osism", "{retired: {for: 365d}}", 2);
    assert!(retired.ends() && retired.stay == Some(Days(365)));
    let older = exits("osism", "{older: {until: forever}}", 1);
    assert!(!older.ends() && older.keep.is_none());
    // What does not speak of forever is added to what there is.
    let older = exits("osism", "{older: {for: 30d}}", 1);
    assert_eq!((older.keep, older.stay), (Some(2), Some(Days(30))));
}
