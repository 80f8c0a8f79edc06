//! Several clouds, one download.

use sha2::{Digest, Sha512};

use super::{define, disk, outcomes, run, two_clouds};
use crate::proxy::Fault;

#[test]
fn clouds_that_need_the_same_bytes_fetch_them_once() {
    let stage = two_clouds("shared", "");
    let bytes = disk("shared");
    define(&stage, "Alpha", &stage.publish("1", &bytes));
    define(&stage, "Beta", &stage.publish("2", &disk("other")));

    let ended = run(&stage, &["apply"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!((stage.fetched("1"), stage.fetched("2")), (1, 1));
    let images = stage.images();
    assert_eq!(images.len(), 4);
    let digest = crate::stage::hex(&Sha512::digest(&bytes));
    let alpha = images
        .iter()
        .filter(|image| image["properties"]["os_hash_value"] == digest);
    let owners: std::collections::BTreeSet<_> = alpha
        .map(|image| image["owner"].as_str().unwrap())
        .collect();
    assert_eq!(owners.len(), 2, "each cloud's project has one");
    // The table at the end counts a shared download once.
    assert_eq!(
        ended.stdout.matches("for 2 clouds").count(),
        2,
        "{}",
        ended.stdout
    );
    for word in [
        "download",
        "sha512",
        "upload",
        "MiB/s",
        "the others waited for this",
    ] {
        assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
    }
}

#[test]
fn a_cloud_that_fails_in_the_middle_does_not_end_the_other() {
    for (index, fault) in [
        Fault::Answer(413, "quota"),
        Fault::Answer(500, "store full"),
    ]
    .into_iter()
    .enumerate()
    {
        let stage = two_clouds(&format!("shared-fails-{index}"), "");
        define(&stage, "Alpha", &stage.publish("1", &disk("shared")));
        // Whichever comes first.
        stage.glance.fail("PUT", "/file", fault);
        let document = run(&stage, &["apply", "--format=json"]).expect(3);
        let mut both = [outcomes(&document, 0), outcomes(&document, 1)];
        both.sort();
        assert_eq!(both, [vec!["done", "done"], vec!["failed", "skipped"]]);
        assert_eq!(stage.fetched("1"), 1);
        assert_eq!(stage.images().len(), 1, "nothing half-made is left");
        run(&stage, &["apply", "--format=json"]).expect(0);
        assert_eq!(stage.images().len(), 2);
    }
}

#[test]
fn bytes_that_are_not_proven_reach_no_cloud() {
    let stage = two_clouds("shared-wrong", "");
    let listed = stage.publish("1", &disk("what is expected"));
    stage.publish("1", &disk("what is served"));
    define(&stage, "Alpha", &listed);
    let document = run(&stage, &["apply", "--format=json"]).expect(3);
    for cloud in [0, 1] {
        assert_eq!(outcomes(&document, cloud), ["failed", "skipped"]);
        let error = document["clouds"][cloud]["steps"][0]["error"]
            .as_str()
            .unwrap();
        assert!(error.contains("expected `sha256:"), "{error}");
    }
    assert_eq!(stage.fetched("1"), 1);
    assert!(stage.images().is_empty());
}

#[test]
fn a_cloud_that_has_it_already_does_not_make_the_other_wait() {
    let stage = two_clouds("shared-alone", "");
    define(&stage, "Alpha", &stage.publish("1", &disk("shared")));
    run(&stage, &["apply", "--format=json", "--cloud=tenant"]).expect(0);
    let ended = run(&stage, &["apply", "--format=json", "--verbose"]);
    let document = ended.expect(0);
    assert_eq!(document["clouds"][1]["steps"].as_array().unwrap().len(), 0);
    assert_eq!(stage.fetched("1"), 2);
    assert!(!ended.stderr.contains("did not come"), "{}", ended.stderr);
}
