//! Refusals that no loopback service gives on demand, answered by the proxy in front of the real Glance as its API
//! reference has them: one sentence with the remedy, and the other images go on.

use serde_json::{Value, json};

use crate::account::{Account, wait};
use crate::proxy::Fault;
use crate::stage::{Stage, rules};

/// Two images to upload; the first meets the fault. Gives the message of its failed step.
fn told(name: &str, method: &'static str, path: &'static str, fault: Fault) -> String {
    let stage = Stage::new(name);
    stage.define("Alpha", "", &[stage.publish("1", b"one")]);
    stage.define("Beta", "", &[stage.publish("2", b"two")]);
    stage.glance.fail(method, path, fault);
    let document = stage.reglaze(&["apply"]).expect(3);
    assert_eq!(stage.catalogue(), [("Beta".to_owned(), 1)].into());
    stage.glance.heal();
    // The next run needs nobody's hand.
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(stage.images().len(), 2);
    message(&document)
}

/// The one sentence of a run.
fn message(document: &Value) -> String {
    assert_eq!(rules(document), ["step-failed"], "{document}");
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    message.to_owned()
}

#[test]
fn a_full_store_or_quota_says_to_make_room() {
    let full = r#"{"message": "Image storage media is full: There is not enough disk space on the image storage media.",
        "code": "413 Request Entity Too Large", "title": "Request Entity Too Large"}"#;
    let said = told("full", "PUT", "/file", Fault::Answer(413, full));
    assert!(
        said.contains("413") && said.contains("storage media is full"),
        "{said}"
    );
    assert!(
        said.contains("make room or have the limit raised"),
        "{said}"
    );
}

#[test]
fn a_quota_on_the_number_of_images_says_so() {
    let quota = r#"{"message": "Project is over a limit for image_count_total: Resource image_count_total is over limit of 10",
        "code": "413 Request Entity Too Large", "title": "Request Entity Too Large"}"#;
    let said = told("count", "POST", "/v2/images", Fault::Answer(413, quota));
    assert!(
        said.contains("number of images") && said.contains("have it raised"),
        "{said}"
    );
}

#[test]
fn a_store_that_takes_no_data_is_the_operators() {
    for (number, status) in [503, 507].into_iter().enumerate() {
        let text = r#"{"message": "Insufficient permissions on image storage media: Permission to write image storage media denied."}"#;
        let name = format!("denied-{number}");
        let said = told(&name, "PUT", "/file", Fault::Answer(status, text));
        assert!(said.contains("tell the cloud's operator"), "{said}");
    }
}

#[test]
fn a_body_that_is_cut_costs_one_image_of_one_run() {
    let stage = Stage::new("cut-body");
    stage.define("Alpha", "", &[stage.publish("1", &vec![7; 100_000])]);
    stage.define("Beta", "", &[stage.publish("2", b"two")]);
    stage.glance.fail("PUT", "/file", Fault::CutWithin);
    let document = stage.reglaze(&["apply"]).expect(3);
    let said = message(&document);
    assert!(said.contains("upload the data"), "{said}");
    assert_eq!(stage.catalogue(), [("Beta".to_owned(), 1)].into());
    stage.glance.heal();
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(stage.images().len(), 2);
}

#[test]
fn a_store_that_refuses_a_deletion_leaves_the_image_as_it_was() {
    let stage = Stage::new("in-use");
    stage.define("Alpha", "", &[stage.publish("1", b"one")]);
    stage.define("Beta", "", &[stage.publish("2", b"two")]);
    let left = json!({
        "name": "begun by a run that died", "visibility": "private", "tags": [stage.tag], "disk_format": "raw",
        "container_format": "bare", "image_name": stage.name("Alpha"), "internal_version": "1",
        "reglaze_state": "unproven",
    });
    let left = wait(Account::of("admin").create(left, Some(b"other")));
    let path = format!("/v2/images/{left}");
    let look = || wait(Account::of("admin").must(reqwest::Method::GET, &path, None));
    let before = look();
    let refusal = r#"{"message": "Image 1 could not be deleted because it is in use: The image cannot be deleted because it is in use through the backend store outside of Glance."}"#;
    stage
        .glance
        .fail("DELETE", "/v2/images/", Fault::Answer(409, refusal));
    let said = message(&stage.reglaze(&["apply"]).expect(3));
    assert!(
        said.contains("in use") && said.contains("stays as it was"),
        "{said}"
    );
    assert_eq!(look(), before);
    assert_eq!(stage.catalogue(), [("Beta".to_owned(), 1)].into());
}

#[test]
fn who_may_not_publish_is_told_what_to_write_instead() {
    let stage = Stage::new("forbidden");
    stage.define("Alpha", "", &[stage.publish("1", b"one")]);
    stage.define("Beta", "", &[stage.publish("2", b"two")]);
    let text = std::fs::read_to_string(stage.path("images/Beta.yml")).unwrap();
    let text = text.replace("visibility: public", "visibility: community");
    stage.write("images/Beta.yml", &text);
    let arguments: Vec<_> = stage
        .command(&["apply"])
        .get_args()
        .map(|one| one.to_str().unwrap().replace("admin", "member"))
        .collect();
    let said = message(&stage.reglaze_as(&arguments).expect(3));
    assert!(
        said.contains("403") && said.contains("use `visibility: community`"),
        "{said}"
    );
    let images = stage.images();
    let beta = images
        .iter()
        .find(|image| image["image_name"] == stage.name("Beta"));
    assert_eq!(beta.unwrap()["visibility"], "community");
    // What may not be published stays private.
    let alpha = images
        .iter()
        .find(|image| image["image_name"] == stage.name("Alpha"));
    assert_eq!(alpha.unwrap()["visibility"], "private");
}
