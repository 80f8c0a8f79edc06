//! Matching, grouping and drafting, on values.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate};

use super::*;
use crate::domain::definition;
use crate::domain::finding::Level;
use crate::domain::policy::PolicyOverride;
use crate::domain::snapshot::{Status, Visibility};
use crate::domain::template::Variables;
use crate::domain::usage::Uses;
use crate::domain::yaml;

const TAG: &str = "managed_by_reglaze";

/// 128 digits from one.
fn sha512(digit: char) -> String {
    digit.to_string().repeat(128)
}

/// An image of ours without mark; its bytes have the SHA-512 `digit`.
fn image(id: &str, name: &str, digit: char) -> CloudImage {
    CloudImage {
        id: format!("00000000-0000-4000-8000-00000000000{id}"),
        name: Some(name.to_owned()),
        owner: Some("us".to_owned()),
        status: Status::Active,
        visibility: Visibility::Public,
        disk_format: Some("qcow2".to_owned()),
        size: Some(1),
        os_hash_algo: Some("sha512".to_owned()),
        os_hash_value: Some(sha512(digit)),
        created_at: DateTime::from_timestamp(1_714_521_600, 0).unwrap(),
        ..CloudImage::default()
    }
}

fn with(mut image: CloudImage, properties: &[(&str, &str)]) -> CloudImage {
    for (key, value) in properties {
        image
            .properties
            .insert((*key).to_owned(), (*value).to_owned());
    }
    image
}

/// A definition of `Ubuntu`; each version with its checksum.
fn ubuntu(versions: &[(&str, &str)]) -> Vec<Definition> {
    let mut text =
        "images:\n- name: Ubuntu\n  format: qcow2\n  visibility: public\n  versions:\n".to_owned();
    for (version, checksum) in versions {
        let url = format!("https://images.example/{version}.img");
        writeln!(
            text,
            "  - {{version: '{version}', url: '{url}', checksum: '{checksum}'}}"
        )
        .unwrap();
    }
    definition::parse("images/ubuntu.yml", &text).unwrap()
}

struct World {
    policy: PolicyOverride,
    filter: Option<String>,
    read: BTreeMap<String, Vec<Checksum>>,
}

impl World {
    fn new() -> Self {
        Self {
            policy: PolicyOverride::default(),
            filter: None,
            read: BTreeMap::new(),
        }
    }

    fn adopt(&self, definitions: &[Definition], images: &[CloudImage]) -> Adoption {
        self.with_context(|context| adopt(definitions, images, context))
    }

    fn with_context<T>(&self, act: impl FnOnce(&Context<'_>) -> T) -> T {
        let uses = Uses::default();
        act(&Context {
            plan: plan::Context {
                tag: TAG,
                policies: &[&self.policy],
                withdrawals: 10,
                deletions: 0,
                members: 128,
                uses: &uses,
                domains: &BTreeMap::new(),
                run: &Variables::new(),
                today: NaiveDate::from_ymd_opt(2026, 11, 21).unwrap(),
            },
            owner: "us",
            looks_at: &|name| {
                self.filter
                    .as_ref()
                    .is_none_or(|filter| name.contains(filter.as_str()))
            },
            is_filtered: self.filter.is_some(),
            read: &self.read,
            scopes: &[Scope {
                cloud: None,
                policies: vec![&self.policy],
                tries: false,
            }],
            file: "images/adopted.yml",
        })
    }
}

fn adopted(definitions: &[Definition], images: &[CloudImage]) -> Adoption {
    World::new().adopt(definitions, images)
}

/// The steps, one a line, and the findings' rules.
fn told(adoption: &Adoption) -> String {
    let mut text = String::new();
    for step in &adoption.steps {
        writeln!(text, "{}", step.line()).unwrap();
    }
    for finding in &adoption.findings {
        writeln!(text, "{} {}", finding.level, finding.rule).unwrap();
    }
    text
}

fn entries(adoption: &Adoption) -> String {
    adoption
        .drafts
        .iter()
        .map(|draft| draft.entry.as_str())
        .collect()
}

fn sha512_of(digit: char) -> String {
    format!("sha512:{}", sha512(digit))
}

#[test]
fn each_match_says_by_what_and_the_strongest_evidence_wins() {
    let sha256 = format!("sha256:{}", "b".repeat(64));
    let definitions = ubuntu(&[
        ("1", &sha512_of('1')),
        ("2", &sha256),
        ("3", &sha256.replace('b', "c")),
        ("4", &sha256.replace('b', "d")),
        ("5", &sha256.replace('b', "e")),
    ]);
    let images = [
        // Its name says 5, its bytes are those of 1.
        image("1", "Ubuntu (5)", '1'),
        with(
            image("2", "two", '2'),
            &[("source_sha256sum", &"b".repeat(64))],
        ),
        with(
            image("3", "three", '3'),
            &[("image_source", "https://images.example/3.img")],
        ),
        with(
            image("4", "four", '4'),
            &[("image_name", "Ubuntu"), ("internal_version", "4")],
        ),
        image("5", "Ubuntu (5)", '5'),
    ];
    insta::assert_snapshot!(told(&adopted(&definitions, &images)), @r"
    + adopt      Ubuntu [1]: Ubuntu (5)  (by the digest of its bytes)
    + adopt      Ubuntu [2]: two  (by the digest recorded in its properties; its bytes were not proven)
    + adopt      Ubuntu [3]: three  (by its recorded source; its bytes were not proven)
    + adopt      Ubuntu [4]: four  (by its recorded name and version; its bytes were not proven)
    + adopt      Ubuntu [5]: Ubuntu (5)  (by its name alone; its bytes were not proven)
    ");
}

#[test]
fn only_bytes_that_were_compared_are_recorded_as_proven() {
    let definitions = ubuntu(&[
        ("1", &sha512_of('1')),
        ("2", &format!("sha256:{}", "b".repeat(64))),
    ]);
    let images = [image("1", "one", '1'), image("2", "Ubuntu (2)", '2')];
    let adoption = adopted(&definitions, &images);
    let keys: Vec<Vec<&String>> = adoption
        .steps
        .iter()
        .map(|step| step.changes.keys().collect())
        .collect();
    assert_eq!(
        keys,
        [
            vec!["tags", "image_name", "internal_version", "source_sha512sum"],
            vec!["tags", "image_name", "internal_version"]
        ]
    );
}

#[test]
fn bytes_that_are_others_speak_against_every_name() {
    let definitions = ubuntu(&[("1", &sha512_of('1'))]);
    let image = with(
        image("1", "Ubuntu", '9'),
        &[
            ("image_source", "https://images.example/1.img"),
            ("image_name", "Ubuntu"),
            ("internal_version", "1"),
        ],
    );
    assert_eq!(
        told(&adopted(&definitions, &[image])),
        "warning adopt-other-bytes\n"
    );
}

#[test]
fn a_store_that_converts_does_not_make_other_images_of_them() {
    let definitions = ubuntu(&[("1", &sha512_of('1'))]);
    let image = CloudImage {
        disk_format: Some("raw".to_owned()),
        ..image("1", "Ubuntu", '9')
    };
    let adoption = adopted(&definitions, &[image]);
    assert_eq!(adoption.steps.len(), 1, "{}", told(&adoption));
}

#[test]
fn a_name_that_fits_several_versions_is_told_and_left_alone() {
    let sha256 = format!("sha256:{}", "b".repeat(64));
    let definitions = ubuntu(&[("1", &sha256), ("2", &sha256.replace('b', "c"))]);
    let plain = image("1", "Ubuntu", '1');
    let mut world = World::new();
    let adoption = world.adopt(&definitions, std::slice::from_ref(&plain));
    assert_eq!(told(&adoption), "warning adopt-ambiguous\n");
    assert_eq!(
        world.with_context(
            |context| to_read(&definitions, std::slice::from_ref(&plain), context).len()
        ),
        1
    );
    world.read.insert(
        plain.id.clone(),
        vec![sha256.replace('b', "c").parse().unwrap()],
    );
    let adoption = world.adopt(&definitions, &[plain]);
    assert_eq!(adoption.steps[0].version.as_deref(), Some("2"));
    assert_eq!(
        adoption.steps[0].changes["source_sha256sum"],
        "c".repeat(64)
    );
}

#[test]
fn others_images_incomplete_ones_and_servers_are_not_looked_at() {
    let definitions = ubuntu(&[("1", &sha512_of('1'))]);
    let images = [
        CloudImage {
            owner: Some("them".to_owned()),
            ..image("1", "Ubuntu", '1')
        },
        CloudImage {
            owner: None,
            ..image("2", "Ubuntu", '1')
        },
        CloudImage {
            status: Status::Queued,
            ..image("3", "Ubuntu", '1')
        },
        CloudImage {
            import_task: Some("task".to_owned()),
            ..image("4", "Ubuntu", '1')
        },
        with(image("5", "server", '5'), &[("image_type", "snapshot")]),
        with(image("6", "server", '5'), &[("instance_uuid", "x")]),
        with(image("7", "left", '5'), &[("reglaze_state", "unproven")]),
    ];
    let adoption = adopted(&definitions, &images);
    assert_eq!(
        told(&adoption),
        "warning adopt-unproven\nnote adopt-snapshot\n"
    );
    assert!(adoption.drafts.is_empty());
    let world = World {
        filter: Some("server".to_owned()),
        ..World::new()
    };
    assert_eq!(world.adopt(&[], &images[4..5]).drafts.len(), 1);
}

#[test]
fn nothing_unproven_is_widened() {
    let definitions = ubuntu(&[("1", &format!("sha256:{}", "b".repeat(64)))]);
    let with_visibility = |visibility| CloudImage {
        visibility,
        ..image("1", "Ubuntu", '1')
    };
    for (visibility, expected) in [
        (Visibility::Private, 0),
        (Visibility::Shared, 0),
        (Visibility::Community, 1),
        (Visibility::Public, 1),
    ] {
        let adoption = adopted(&definitions, &[with_visibility(visibility)]);
        assert_eq!(adoption.steps.len(), expected, "{visibility}");
    }
    let proven = ubuntu(&[("1", &sha512_of('1'))]);
    assert_eq!(
        adopted(&proven, &[with_visibility(Visibility::Private)])
            .steps
            .len(),
        1
    );
}

#[test]
fn one_image_of_a_version_is_enough() {
    let definitions = ubuntu(&[("1", &sha512_of('1'))]);
    let hidden = CloudImage {
        hidden: true,
        ..image("1", "Ubuntu", '1')
    };
    let listed = image("2", "Ubuntu copy", '1');
    let adoption = adopted(&definitions, &[hidden.clone(), listed.clone()]);
    assert_eq!(adoption.steps[0].id.as_deref(), Some(listed.id.as_str()));
    assert_eq!(adoption.findings[0].rule, "adopt-duplicate");
    // One that is ours counts before all.
    let ours = CloudImage {
        tags: [TAG.to_owned()].into(),
        ..with(
            hidden,
            &[("image_name", "Ubuntu"), ("internal_version", "1")],
        )
    };
    let adoption = adopted(&definitions, &[ours, listed]);
    assert_eq!(told(&adoption), "warning adopt-duplicate\n");
}

#[test]
fn what_is_newer_than_the_file_would_count_as_withdrawn_and_is_left_alone() {
    let definitions = ubuntu(&[("20240501", &sha512_of('1'))]);
    let newer = with(
        image("1", "x", '5'),
        &[("image_name", "Ubuntu"), ("internal_version", "20240601")],
    );
    assert_eq!(
        told(&adopted(&definitions, &[newer])),
        "warning adopt-newer\n"
    );
    let older = image("2", "Ubuntu (20240401)", '6');
    let adoption = adopted(&definitions, &[older]);
    assert_eq!(
        adoption.steps[0].version.as_deref(),
        Some("20240401"),
        "{}",
        told(&adoption)
    );
}

#[test]
fn images_that_differ_in_their_date_share_a_definition() {
    let dated = |id: &str, date: &str, digit| {
        with(
            image(id, &format!("Golden {date}"), digit),
            &[("os_distro", "ubuntu"), ("build_host", id)],
        )
    };
    let adoption = adopted(
        &[],
        &[dated("1", "20240110", '1'), dated("2", "20240210", '2')],
    );
    insta::assert_snapshot!(entries(&adoption).replace(&sha512('1'), "ONE").replace(&sha512('2'), "TWO"), @"
    - name: Golden
      format: qcow2
      status: active
      visibility: public
      multi: false
      keep: true
      meta:
        os_distro: ubuntu
      versions:
        - version: '20240110'
          checksum: sha512:ONE
          id: 00000000-0000-4000-8000-000000000001
          meta:
            build_host: '1'
        - version: '20240210'
          checksum: sha512:TWO
          id: 00000000-0000-4000-8000-000000000002
          meta:
            build_host: '2'
    ");
    assert_eq!(adoption.steps.len(), 2);
}

#[test]
fn all_that_an_image_tells_of_itself_is_in_its_definition() {
    let image = CloudImage {
        min_disk: 8,
        min_ram: 512,
        tags: ["managed_by_osism", "os:debian", "gold"]
            .map(str::to_owned)
            .into(),
        ..with(
            image("1", "Debian 13 (20260720-2545)", '1'),
            &[
                ("architecture", "x86_64"),
                ("os_distro", "debian"),
                ("os_version", "13"),
                ("hw_qemu_guest_agent", "True"),
                ("image_original_user", "debian"),
                ("image_description", "Debian 13"),
                (
                    "image_source",
                    "https://cloud.debian.org/images/cloud/trixie/20260720-2545/debian-13.qcow2",
                ),
                ("image_build_date", "2026-07-20"),
                ("owner_specified.openstack.md5", "x"),
                ("note", "of: a person # here"),
            ],
        )
    };
    let adoption = adopted(&[], &[image]);
    insta::assert_snapshot!(entries(&adoption).replace(&sha512('1'), "ONE"), @"
    - name: Debian 13
      format: qcow2
      login: debian
      min_disk: 8
      min_ram: 512
      status: active
      visibility: public
      multi: true
      meta:
        architecture: x86_64
        hw_qemu_guest_agent: 'True'
        note: 'of: a person # here'
        os_distro: debian
        os_version: '13'
      tags:
        - gold
        - os:debian
      policy:
        stages:
          latest:
            name: '{name} ({version})'
          older:
            name: '{name} ({version})'
          retired:
            name: '{name} ({version})'
      versions:
        - version: '20260720-2545'
          url: https://cloud.debian.org/images/cloud/trixie/20260720-2545/debian-13.qcow2
          checksum: sha512:ONE
          build_date: 2026-07-20
    ");
}

#[test]
fn names_alone_do_not_put_different_systems_together() {
    let images = [
        with(
            image("1", "Golden 20240110", '1'),
            &[("architecture", "x86_64")],
        ),
        with(
            image("2", "Golden 20240210", '2'),
            &[("architecture", "aarch64")],
        ),
    ];
    let names: Vec<String> = adopted(&[], &images)
        .drafts
        .into_iter()
        .map(|draft| draft.name)
        .collect();
    assert_eq!(names, ["Golden 20240210", "Golden 20240110"]);
}

#[test]
fn two_images_of_one_name_are_left_alone_unless_only_one_is_listed() {
    let older = image("1", "Golden", '1');
    let newer = CloudImage {
        created_at: older.created_at + chrono::Duration::days(30),
        ..image("2", "Golden", '2')
    };
    let adoption = adopted(&[], &[older.clone(), newer.clone()]);
    assert!(adoption.steps.len() <= 1, "{}", told(&adoption));
    assert!(
        adoption
            .findings
            .iter()
            .any(|finding| finding.rule == "adopt-unfit")
    );
    let hidden = CloudImage {
        hidden: true,
        ..older
    };
    let adoption = adopted(&[], &[hidden, newer]);
    assert_eq!(adoption.steps.len(), 2, "{}", told(&adoption));
    assert!(entries(&adoption).contains("hidden: true"));
}

/// Every preset, several habits: what is drafted leaves names, visibility and bytes as they are.
#[test]
fn no_draft_moves_anything_under_any_preset() {
    let habits: [&[&str]; 7] = [
        &["Ubuntu 24.04", "Ubuntu 24.04 (20240422)"],
        &[
            "Ubuntu 24.04 (20240422)",
            "Ubuntu 24.04 (20240501)",
            "Ubuntu 24.04 (20240601)",
            "Ubuntu 24.04 (20240701)",
            "Ubuntu 24.04 (20240801)",
        ],
        &["ubuntu-24.04-base-v1.1", "ubuntu-24.04-base-v1.2"],
        &["Jammy - Latest", "Jammy - 2024-04-22"],
        &["debian_13_20260720.1"],
        &["tools"],
        &["{weird} name: with # signs", "- dash"],
    ];
    for preset in ["osism", "cleura", "syseleven", "optimist", "xloud", "scs"] {
        for names in habits {
            let policy: PolicyOverride =
                yaml::read("reglaze.yml", &format!("preset: {preset}")).unwrap();
            let world = World {
                policy,
                ..World::new()
            };
            let images: Vec<CloudImage> = names
                .iter()
                .zip(1_u32..)
                .map(|(name, number)| {
                    image(
                        &number.to_string(),
                        name,
                        char::from_digit(number, 10).unwrap(),
                    )
                })
                .collect();
            let adoption = world.adopt(&[], &images);
            let what = format!(
                "{preset} {names:?}\n{}{}",
                told(&adoption),
                entries(&adoption)
            );
            assert!(
                adoption
                    .findings
                    .iter()
                    .all(|finding| finding.level != Level::Error),
                "{what}"
            );
            assert!(
                adoption
                    .drafts
                    .iter()
                    .all(|draft| draft.entry.contains("keep: true")),
                "{what}"
            );
            let unfit = adoption.findings.len();
            assert_eq!(adoption.steps.len() + unfit, images.len(), "{what}");
            if preset == "osism" {
                assert_eq!(unfit, 0, "{what}");
            }
        }
    }
}
