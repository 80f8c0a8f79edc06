//! Which image is which version.

use super::*;

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
