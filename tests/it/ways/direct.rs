//! glance-direct: proven bytes are staged, imported, and may be converted by the cloud.

use sha2::{Digest, Sha512};

use super::{asked, converting, disk, failed, settings, stage, upload};
use crate::stage::{hex, rules, steps};

#[test]
fn proven_bytes_are_staged_and_imported_and_a_reviewed_plan_says_so() {
    let stage = stage("direct", "method: glance-direct", "");
    let bytes = disk(7);
    let first = stage.publish("1", &bytes);
    stage.define("Alpha", "", std::slice::from_ref(&first));
    let planned = stage.reglaze(&["plan"]);
    assert_eq!(
        upload(&planned.expect(2))["changes"]["method"],
        "glance-direct"
    );
    stage.write("plan.json", &planned.stdout);
    // Reviewed was another way than the settings name now: that image is left alone.
    settings(&stage, "method: upload", "");
    let moved = stage.reglaze(&["apply", "--plan", "plan.json"]).expect(3);
    assert_eq!(steps(&moved), ["upload 1", "publish 1"]);
    assert_eq!(stage.images().len(), 0, "{moved}");
    settings(&stage, "method: glance-direct", "");
    stage.reglaze(&["apply", "--plan", "plan.json"]).expect(0);
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
    let image = &stage.images()[0];
    assert_eq!(image["os_hash_value"], hex(&Sha512::digest(bytes)));
    assert_eq!(image["properties"].get("reglaze_state"), None);
    assert_eq!(asked(&stage, "PUT", "/stage"), 1);
    assert_eq!(asked(&stage, "PUT", "/file"), 0);
    assert_eq!(asked(&stage, "POST", "/import"), 1);
    let again = stage.reglaze(&["plan"]).expect(0);
    assert_eq!(steps(&again), [""; 0]);
}

#[test]
fn bytes_that_are_not_the_attested_ones_are_never_imported() {
    let stage = stage("direct-wrong", "method: glance-direct", "");
    let version = stage.publish("1", &disk(7));
    stage.publish("1", &disk(8));
    stage.define("Alpha", "", &[version]);
    failed(&stage, &stage.reglaze(&["apply"]), "expected `sha256:");
    assert_eq!(asked(&stage, "POST", "/import"), 0);
}

#[test]
fn what_the_cloud_converts_is_published_with_a_note_and_a_property() {
    let stage = stage("direct-converted", "method: glance-direct", "");
    converting(&stage);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    let made = std::process::Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2"])
        .arg(&path)
        .arg("1M")
        .status();
    assert!(made.unwrap().success());
    let version = stage.publish("1", &std::fs::read(path).unwrap());
    stage.define("Alpha", "", &[version]);
    let definition = std::fs::read_to_string(stage.path("images/Alpha.yml")).unwrap();
    stage.write(
        "images/Alpha.yml",
        &definition.replace("format: raw", "format: qcow2"),
    );
    let document = stage.reglaze(&["apply"]).expect(0);
    assert!(
        rules(&document).contains(&"converted-by-cloud"),
        "{document}"
    );
    let image = &stage.images()[0];
    assert_eq!(image["disk_format"], "raw");
    assert_eq!(image["properties"]["reglaze_converted"], "by-cloud");
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
    assert_eq!(steps(&stage.reglaze(&["plan"]).expect(0)), [""; 0]);
}

#[test]
fn a_way_that_the_cloud_does_not_offer_is_told_with_those_that_it_does() {
    let stage = stage("unoffered", "method: upload", "");
    let first = stage.publish("1", b"first");
    stage.define("Alpha", "", std::slice::from_ref(&first));
    stage.reglaze(&["apply"]).expect(0);
    settings(&stage, "method: glance-direct", "");
    let second = stage.publish("2", b"second");
    stage.define("Alpha", "", &[second, first]);
    stage.glance.answer_where(|seen| {
        let body = r#"{"import-methods": {"type": "array", "value": ["web-download"]}}"#;
        seen.path
            .ends_with("/info/import")
            .then(|| crate::proxy::answer(200, body))
    });
    let document = stage.reglaze(&["apply"]).expect(3);
    assert!(rules(&document).contains(&"way-not-offered"), "{document}");
    assert!(
        document.to_string().contains("it offers: `web-download`"),
        "{document}"
    );
    assert_eq!(steps(&document), [""; 0]);
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
}
