//! Ways into the cloud, stores, and what dead imports left.

use super::*;
use crate::domain::attested::Verify;
use crate::domain::import::Store;
use crate::domain::transfer::Method;
use crate::domain::way::UNVERIFIED;
use cloud::Uploaded;
use serde_json::Value;

/// A cloud that offers these ways and the stores `fast` and `slow`.
fn offering(methods: &[&str]) -> Cloud {
    let mut cloud = Cloud::default();
    cloud.offered.methods = methods.iter().map(|method| (*method).to_owned()).collect();
    cloud.offered.stores = ["fast", "slow"]
        .map(|id| Store {
            id: id.to_owned(),
            is_default: id == "fast",
            is_read_only: false,
        })
        .into();
    cloud
}

#[test]
fn a_way_that_the_cloud_does_not_offer_begins_no_upload_and_moves_nothing_that_is_there() {
    let mut cloud = offering(&["web-download"]);
    cloud.apply(&cloud.plan(&ubuntu(&["1"])));
    cloud.transfer.method = Method::GlanceDirect;
    assert_eq!(lines(&cloud.plan(&ubuntu(&["1"]))), "");
    let two = [ubuntu(&["1", "2"]), vec![define("Debian", "", &["3"])]].concat();
    let plan = cloud.plan(&two);
    assert_eq!(kinds(&plan), [""; 0]);
    let told: Vec<_> = rules(&plan)
        .into_iter()
        .filter(|rule| *rule == "way-not-offered")
        .collect();
    assert_eq!(told.len(), 1, "{}", lines(&plan));
}

#[test]
fn the_way_is_in_the_plan_and_in_its_fingerprint() {
    let mut cloud = offering(&["glance-direct"]);
    let before = cloud.plan(&ubuntu(&["1"]));
    cloud.transfer.method = Method::GlanceDirect;
    let direct = cloud.plan(&ubuntu(&["1"]));
    cloud.transfer.stores = vec!["slow".to_owned()];
    let stored = cloud.plan(&ubuntu(&["1"]));
    assert_eq!(before.steps[0].changes.get("method"), None);
    assert_eq!(direct.steps[0].changes["method"], "glance-direct");
    assert_eq!(stored.steps[0].changes["store"], "slow");
    assert!(
        stored.steps[0]
            .line()
            .contains("by glance-direct, into store slow")
    );
    let [before, direct, stored] = [before, direct, stored].map(|plan| plan.fingerprint());
    assert!(before != direct && direct != stored && stored != before);
}

#[test]
fn what_nobody_proves_is_published_as_such_and_only_where_that_is_allowed() {
    let mut cloud = offering(&["web-download"]);
    cloud.transfer.method = Method::WebDownload;
    cloud.verify = Verify::Checksum;
    let refused = cloud.plan(&ubuntu(&["1"]));
    assert_eq!(kinds(&refused), [""; 0]);
    assert!(rules(&refused).contains(&"unverified"));
    cloud.transfer.allow_unverified = true;
    let plan = cloud.plan(&ubuntu(&["1"]));
    assert_eq!(kinds(&plan), ["upload 1", "publish 1"]);
    assert_eq!(plan.steps[0].changes["unverified"], true);
    assert_eq!(plan.steps[1].changes[UNVERIFIED], "web-download");
    let level = plan
        .findings
        .iter()
        .find(|one| one.rule == "unverified")
        .unwrap();
    assert_eq!(level.level, Level::Warning);
    cloud.apply(&plan);
    let image = cloud.of_version("1").unwrap();
    assert_eq!(image.properties[UNVERIFIED], "web-download");
    assert!(
        !image.properties.contains_key("source_sha256sum"),
        "nothing was proven"
    );
    assert_eq!(lines(&cloud.plan(&ubuntu(&["1"]))), "");
    cloud.verify = Verify::Signature;
    assert_eq!(lines(&cloud.plan(&ubuntu(&["1"]))), "");
}

#[test]
fn the_first_store_takes_the_upload_and_the_others_a_copy_which_the_next_run_makes_up() {
    let mut cloud = offering(&["copy-image"]);
    cloud.transfer.stores = vec!["slow".to_owned(), "fast".to_owned()];
    let plan = cloud.plan(&ubuntu(&["1"]));
    assert_eq!(kinds(&plan), ["upload 1", "publish 1", "copy 1"]);
    let mut uploaded = Uploaded::new();
    for step in &plan.steps[..2] {
        cloud.perform(step, &mut uploaded);
    }
    let rest = cloud.plan(&ubuntu(&["1"]));
    assert_eq!(kinds(&rest), ["copy 1"]);
    assert_eq!(rest.steps[0].to, "fast");
    // Somebody copies already: asking once more would be refused.
    let id = cloud.id("1");
    cloud.image(&id).importing_to = ["fast".to_owned()].into();
    assert_eq!(lines(&cloud.plan(&ubuntu(&["1"]))), "");
    cloud.image(&id).importing_to.clear();
    // A reviewer's plan holds the copy before the image is there.
    let bound = bound(rest, &plan.steps);
    assert_eq!(bound.plan.steps.len(), 1, "{:?}", bound.moved);
    cloud.apply(&bound.plan);
    assert_eq!(lines(&cloud.plan(&ubuntu(&["1"]))), "");
    let next = cloud.plan(&ubuntu(&["1", "2"]));
    assert_eq!(
        kinds(&next),
        ["upload 2", "publish 2", "rename 1", "copy 2"],
        "an older image is not copied, and the name is free before anything is"
    );
}

/// What a dead run left: the upload of version 1, in this state.
fn left(cloud: &mut Cloud, image: CloudImage) -> String {
    cloud.add(CloudImage {
        name: Some("left".to_owned()),
        owner: Some(OWNER.to_owned()),
        tags: [TAG.to_owned()].into(),
        properties: [
            (IMAGE_NAME, "Ubuntu 24.04"),
            (INTERNAL_VERSION, "1"),
            (STATE, UNPROVEN),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        ..image
    })
}

#[test]
fn what_a_dead_import_left_is_waited_for_while_it_may_live_and_taken_away_when_it_cannot() {
    let image = |status, size: Option<u64>, lock: Option<&str>| CloudImage {
        status,
        size,
        import_task: lock.map(str::to_owned),
        ..CloudImage::default()
    };
    let anew = ["delete 1", "upload 1", "publish 1"].as_slice();
    let failed = CloudImage {
        failed_stores: ["fast".to_owned()].into(),
        ..image(Status::Queued, None, Some("t"))
    };
    let rows = [
        (
            "somebody stages",
            image(Status::Uploading, None, None),
            [].as_slice(),
        ),
        (
            "staged, and nobody imports",
            image(Status::Uploading, Some(9), None),
            anew,
        ),
        (
            "about to be imported",
            image(Status::Uploading, Some(9), Some("t")),
            &[],
        ),
        (
            "Glance imports",
            image(Status::Importing, None, Some("t")),
            &[],
        ),
        (
            "a plugin failed",
            image(Status::Importing, Some(9), None),
            anew,
        ),
        (
            "not begun, and locked",
            image(Status::Queued, None, Some("t")),
            &[],
        ),
        ("failed, and locked", failed, anew),
        ("cut off", image(Status::Queued, None, None), anew),
    ];
    for (what, image, expected) in rows {
        let mut cloud = offering(&["glance-direct"]);
        cloud.transfer.method = Method::GlanceDirect;
        left(&mut cloud, image);
        let plan = cloud.plan(&ubuntu(&["1"]));
        assert_eq!(kinds(&plan), expected, "{what}");
        let waits = rules(&plan).contains(&"upload-elsewhere");
        assert_eq!(waits, expected.is_empty(), "{what}");
    }
}

#[test]
fn an_image_that_is_kept_for_its_id_waits_for_its_lock_unless_the_bytes_are_sent() {
    let mut cloud = offering(&["web-download"]);
    let id = left(
        &mut cloud,
        CloudImage {
            import_task: Some("t".to_owned()),
            failed_stores: ["fast".to_owned()].into(),
            ..CloudImage::default()
        },
    );
    let mut definitions = ubuntu(&["1"]);
    definitions[0].versions[0].id = Some(id);
    assert_eq!(kinds(&cloud.plan(&definitions)), ["upload 1", "publish 1"]);
    cloud.transfer.method = Method::WebDownload;
    let plan = cloud.plan(&definitions);
    assert_eq!(kinds(&plan), [""; 0]);
    assert!(
        rules(&plan).contains(&"locked-leftover"),
        "{}",
        lines(&plan)
    );
}

#[test]
fn what_glance_fetched_bears_a_mark_until_it_is_proven_and_is_never_taken_up_with_it() {
    let mut cloud = offering(&["web-download"]);
    cloud.transfer.method = Method::WebDownload;
    let plan = cloud.plan(&ubuntu(&["1"]));
    assert_eq!(kinds(&plan), ["upload 1", "publish 1"]);
    assert_eq!(plan.steps[1].changes[UNVERIFIED], Value::Null);
    // A run that dies between the two.
    cloud.perform(&plan.steps[0], &mut Uploaded::default());
    let image = cloud.of_version("1").unwrap();
    let (id, digest) = (image.id.clone(), "1".repeat(128));
    assert_eq!(image.properties[UNVERIFIED], "web-download");
    let mut definitions = ubuntu(&["1"]);
    definitions[0].versions[0].checksum = format!("sha512:{digest}").parse().ok();
    let image = cloud.image(&id);
    image.os_hash_algo = Some("sha512".to_owned());
    image.os_hash_value = Some(digest);
    let plan = cloud.plan(&definitions);
    assert_eq!(kinds(&plan), ["delete 1", "upload 1", "publish 1"]);
    cloud.apply(&plan);
    assert!(
        !cloud
            .of_version("1")
            .unwrap()
            .properties
            .contains_key(UNVERIFIED)
    );
    assert_eq!(lines(&cloud.plan(&definitions)), "");
}
