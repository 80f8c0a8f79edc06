//! The first store takes the upload, the others a copy.

use super::{disk, settings, stage, upload};
use crate::proxy::Fault;
use crate::stage::{rules, steps};

#[test]
fn the_first_store_takes_the_upload_and_the_next_run_makes_up_a_copy_that_failed() {
    let stage = stage("stores", "stores: [file2, file1]", "");
    let version = stage.publish("1", &disk(5));
    stage.define("Alpha", "", &[version]);
    let planned = stage.reglaze(&["plan"]).expect(2);
    assert_eq!(steps(&planned), ["upload 1", "publish 1", "copy 1"]);
    assert_eq!(upload(&planned)["changes"]["store"], "file2");
    stage
        .glance
        .fail_often("POST", "/import", 9, Fault::Answer(500, "deadlock"));
    stage.reglaze(&["apply"]).expect(3);
    assert_eq!(stage.images()[0]["stores"], "file2");
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
    stage.glance.heal();
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(steps(&document), ["copy 1"]);
    assert_eq!(stage.images()[0]["stores"], "file2,file1");
    assert_eq!(steps(&stage.reglaze(&["plan"]).expect(0)), [""; 0]);
}

#[test]
fn an_import_goes_into_the_first_store_too() {
    let stage = stage(
        "stores-direct",
        "method: glance-direct, stores: [file2]",
        "",
    );
    let version = stage.publish("1", &disk(5));
    stage.define("Alpha", "", &[version]);
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(stage.images()[0]["stores"], "file2");
}

#[test]
fn a_store_that_the_cloud_has_not_is_told_with_those_that_it_has() {
    let stage = stage("stores-unknown", "stores: [file9]", "");
    let version = stage.publish("1", &disk(5));
    stage.define("Alpha", "", &[version]);
    let planned = stage.reglaze(&["plan"]).expect(3);
    assert!(rules(&planned).contains(&"no-such-store"), "{planned}");
    assert!(
        planned.to_string().contains("it has: `file1`, `file2`"),
        "{planned}"
    );
    assert_eq!(steps(&planned), [""; 0]);
    settings(&stage, "stores: [file1]", "");
    stage.reglaze(&["apply"]).expect(0);
}
