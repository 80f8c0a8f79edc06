//! What is written for images that no definition names.

use super::*;

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
