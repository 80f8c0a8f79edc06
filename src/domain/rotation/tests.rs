use std::collections::BTreeMap;

use super::super::policy::{self, PolicyOverride};
use super::super::record::{SINCE, STAGE};
use super::super::usage::Use;
use super::super::version::Order;
use super::super::yaml;
use super::*;

/// The line `newest first`: the record of each, `older 2026-11-01`, or nothing.
fn places(policy: &str, records: &[&str], used: &[usize], today: &str) -> Vec<String> {
    let overrides: PolicyOverride = yaml::read("reglaze.yml", policy).unwrap();
    let policy = policy::resolve(true, &[&overrides]).unwrap();
    let images: Vec<_> = records
        .iter()
        .enumerate()
        .map(|(index, record)| CloudImage {
            id: index.to_string(),
            properties: record
                .split_once(' ')
                .map(|(stage, since)| {
                    [(STAGE, stage), (SINCE, since)].map(|(k, v)| (k.to_owned(), v.to_owned()))
                })
                .into_iter()
                .flatten()
                .collect(),
            ..CloudImage::default()
        })
        .collect();
    let found: BTreeMap<_, _> = used
        .iter()
        .map(|index| (index.to_string(), Use::default()))
        .collect();
    let mut placing = Placing {
        policy: &policy,
        facts: Facts {
            today: today.parse().unwrap(),
            uses: &Uses::complete(found),
        },
        held: vec![0; policy.stages.len()],
        position: 0,
        waits_for_use: false,
    };
    images
        .iter()
        .map(|image| {
            let known = Known {
                version: "1",
                listed: None,
                image: Some(image),
            };
            let ranked = placing.place(known, None);
            if ranked.gone {
                "gone".to_owned()
            } else {
                policy.stages[ranked.stage].stage.to_string()
            }
        })
        .collect()
}

const SYSELEVEN: &str =
    "preset: syseleven\nstages: {older: {for: 30d}, retired: {until: unused}}\n";

#[test]
fn the_osism_line_is_one_then_two_then_all_the_rest() {
    assert_eq!(
        places("preset: osism\n", &[""; 5], &[], "2026-11-21"),
        ["latest", "older", "older", "retired", "retired"]
    );
}

#[test]
fn a_stage_of_days_ends_when_they_have_passed_since_the_record() {
    let line = |today| {
        places(
            SYSELEVEN,
            &["latest 2026-11-01", "older 2026-11-01"],
            &[],
            today,
        )
    };
    assert_eq!(line("2026-11-30"), ["latest", "older"]);
    assert_eq!(line("2026-12-01"), ["latest", "retired"]);
}

#[test]
fn an_image_without_a_record_is_given_one_before_days_count() {
    assert_eq!(
        places(SYSELEVEN, &["", "", "latest 2020-01-01"], &[], "2026-11-21"),
        ["latest", "older", "older"]
    );
}

#[test]
fn nothing_ends_on_the_day_on_which_it_began() {
    let policy = "preset: optimist\n";
    assert_eq!(
        places(policy, &["", "older 2026-11-21"], &[], "2026-11-21"),
        ["latest", "older"]
    );
    assert_eq!(
        places(policy, &["", "older 2026-11-21"], &[], "2026-11-22"),
        ["latest", "gone"]
    );
    assert_eq!(
        places(policy, &["", "older 2026-11-21"], &[1], "2026-11-22"),
        ["latest", "older"]
    );
}

#[test]
fn what_is_recorded_beyond_a_stage_does_not_wait_for_it_again() {
    assert_eq!(
        places(
            SYSELEVEN,
            &["", "retired 2026-11-21", "retired 2026-11-20"],
            &[],
            "2026-11-21"
        ),
        ["latest", "retired", "gone"]
    );
}

#[test]
fn all_exits_of_a_stage_must_stand_open() {
    let policy = "stages: {older: {keep: 1, for: 10d, until: unused}, retired: {until: forever}}\n";
    let records = ["", "older 2026-11-01", "older 2026-11-01"];
    assert_eq!(
        places(policy, &records, &[], "2026-11-21"),
        ["latest", "older", "retired"]
    );
    assert_eq!(
        places(policy, &records, &[2], "2026-11-21"),
        ["latest", "older", "older"]
    );
    assert_eq!(
        places(policy, &records, &[], "2026-11-10"),
        ["latest", "older", "older"]
    );
}

#[test]
fn a_policy_without_further_stages_keeps_what_was_replaced_unless_it_ends() {
    let only = "stages: {latest: {name: x}}\npreset: osism\n";
    // The preset has further stages; a policy of one stage is made by hand.
    let overrides: PolicyOverride = yaml::read("reglaze.yml", only).unwrap();
    let mut policy = policy::resolve(true, &[&overrides]).unwrap();
    policy.stages.truncate(1);
    let image = CloudImage::default();
    let mut placing = Placing {
        policy: &policy,
        facts: Facts {
            today: "2026-11-21".parse().unwrap(),
            uses: &Uses::complete(BTreeMap::new()),
        },
        held: vec![0],
        position: 3,
        waits_for_use: false,
    };
    assert_eq!(placing.stage(Some(&image)), (0, false));
}

#[test]
fn unanswered_means_used_and_is_noticed() {
    let policy = policy::resolve(
        true,
        &[&yaml::read("reglaze.yml", "preset: optimist\n").unwrap()],
    )
    .unwrap();
    let image = |version: &'static str| CloudImage {
        id: version.to_owned(),
        properties: [(STAGE, "older"), (SINCE, "2026-11-01")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..CloudImage::default()
    };
    let (one, two) = (image("1"), image("2"));
    let listed = super::super::definition::parse(
        "images/a.yml",
        "images:\n- name: A\n  format: raw\n  versions:\n  - version: '2'\n",
    )
    .unwrap()
    .remove(0);
    let known = vec![
        Known {
            version: "1",
            listed: None,
            image: Some(&one),
        },
        Known {
            version: "2",
            listed: listed.versions.first(),
            image: Some(&two),
        },
    ];
    let ranking = rank(
        known,
        &policy,
        Facts {
            today: "2026-11-21".parse().unwrap(),
            uses: &Uses::default(),
        },
        |_| Visibility::Public,
        |left, right| Order::Natural.compare(left, right),
    );
    assert!(ranking.waits_for_use && !ranking.ranked[1].gone);
}

#[test]
fn nothing_moves_when_nothing_is_listed() {
    let policy = policy::resolve(true, &[]).unwrap();
    let unlisted = |version| Known {
        version,
        listed: None,
        image: None,
    };
    let ranking = rank(
        vec![unlisted("1"), unlisted("2")],
        &policy,
        Facts {
            today: "2026-11-21".parse().unwrap(),
            uses: &Uses::default(),
        },
        |_| Visibility::Public,
        |left, right| Order::Natural.compare(left, right),
    );
    assert!(ranking.ranked.is_empty() && ranking.withdrawn.is_empty());
}

#[test]
fn a_retired_version_is_not_brought_in_anew() {
    let policy = policy::resolve(true, &[]).unwrap();
    assert!(is_offered(&policy.stages[1], Visibility::Public));
    assert!(!is_offered(&policy.stages[2], Visibility::Public));
    assert!(is_offered(&policy.stages[2], Visibility::Private));
}
