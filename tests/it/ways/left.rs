//! What a run that was killed in the middle of an import left, made by hand in the real Glance.

use bytes::Bytes;
use futures_util::stream;
use reglaze::domain::import::{Goal, Method, Patience};
use reglaze::domain::snapshot::Status;
use reglaze::openstack::{Image, Import, NewImage};
use serde_json::json;

use super::stage;
use crate::account::wait;
use crate::clock;
use crate::proxy::Fault;
use crate::services::glance;
use crate::stage::{Stage, rules, steps};

const BYTES: &[u8] = &[6; 300_000];

/// The image of a run that had begun to bring in version 1.
async fn begun(stage: &Stage, glance: &Image) -> String {
    begun_with(stage, glance, None).await
}

/// The same, with one more property.
async fn begun_with(stage: &Stage, glance: &Image, more: Option<(&str, String)>) -> String {
    let properties = [
        ("image_name", stage.name("Alpha")),
        ("internal_version", "1".to_owned()),
        ("reglaze_state", "unproven".to_owned()),
    ];
    let properties = properties.into_iter().chain(more);
    let new = NewImage {
        name: stage.name("Alpha (1)"),
        disk_format: "raw".to_owned(),
        container_format: "bare".to_owned(),
        tags: [stage.tag.clone()].into(),
        properties: properties
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
        ..NewImage::default()
    };
    glance.create(&new).await.unwrap().id
}

async fn staged(glance: &Image, id: &str) {
    let data = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(BYTES))]);
    let size = Some(BYTES.len() as u64);
    glance.stage(id, size, data).await.unwrap();
}

fn direct() -> Import<'static> {
    Import {
        method: Method::GlanceDirect,
        url: None,
        stores: &[],
    }
}

fn set(name: &str) -> Stage {
    let stage = stage(name, "method: glance-direct", "");
    let version = stage.publish_sha512("1", BYTES);
    stage.define("Alpha", "", &[version]);
    stage
}

#[test]
fn what_was_staged_and_never_imported_is_taken_away_and_the_image_brought_in_anew() {
    let stage = set("left-staged");
    wait(async {
        let glance = glance("admin").await;
        let id = begun(&stage, &glance).await;
        staged(&glance, &id).await;
    });
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(steps(&document), ["delete 1", "upload 1", "publish 1"]);
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
    assert_eq!(stage.images().len(), 1);
}

#[test]
fn what_was_imported_and_never_compared_is_compared_and_published_without_a_second_upload() {
    let stage = set("left-imported");
    wait(async {
        let glance = glance("admin").await;
        let id = begun(&stage, &glance).await;
        staged(&glance, &id).await;
        let begun = glance.import(&id, direct()).await.unwrap();
        let patience = Patience::for_bytes(0);
        glance
            .imported(&id, &begun, Goal::Filled, patience, |_, _| ())
            .await
            .unwrap();
    });
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(steps(&document), ["publish 1"]);
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
}

/// The digest is right, and yet nobody looked into it: Glance fetched it, and then the run died.
#[test]
fn what_glance_fetched_and_nobody_looked_into_is_taken_away_and_fetched_anew() {
    let stage = stage("left-fetched", "method: web-download", "");
    let version = stage.publish_sha512("1", BYTES);
    stage.define("Alpha", "", &[version]);
    let unseen = wait(async {
        let glance = glance("admin").await;
        let mark = ("reglaze_unverified", "web-download".to_owned());
        let id = begun_with(&stage, &glance, Some(mark)).await;
        let data = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(BYTES))]);
        let size = Some(BYTES.len() as u64);
        glance.upload(&id, size, data).await.unwrap();
        id
    });
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(steps(&document), ["delete 1", "upload 1", "publish 1"]);
    let images = stage.images();
    assert_eq!(images.len(), 1);
    assert_ne!(images[0]["id"], unseen.as_str());
    assert_eq!(images[0]["properties"].get("reglaze_unverified"), None);
}

/// What was refused and could not be taken away is not published by the next run either.
#[test]
fn what_was_refused_and_stayed_is_refused_again() {
    let stage = stage("left-refused", "method: web-download", "");
    let mut disc = vec![0; 40 << 10];
    disc[0x8000..0x8006].copy_from_slice(b"\x01CD001");
    let version = stage.publish_sha512("1", &disc);
    stage.define("Alpha", "", &[version]);
    stage
        .glance
        .fail_often("DELETE", "/v2/images/", 10, Fault::Answer(403, "no"));
    let document = stage.reglaze(&["apply"]).expect(3);
    let text = document.to_string();
    assert!(text.contains("stays private and unproven"), "{text}");
    let left = stage.images();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["status"], "active");
    assert_eq!(left[0]["properties"]["reglaze_state"], "unproven");
    stage.glance.heal();
    let document = stage.reglaze(&["apply"]).expect(3);
    assert_eq!(steps(&document)[..2], ["delete 1", "upload 1"]);
    assert!(
        document
            .to_string()
            .contains("is not kept: it breaks the rule")
    );
    assert_eq!(stage.images().len(), 0);
}

#[test]
fn an_import_that_glance_still_does_is_waited_for_and_one_that_failed_taken_away() {
    let stage = set("left-importing");
    let id = wait(async {
        let glance = glance("admin").await;
        let id = begun(&stage, &glance).await;
        let url = format!("{}/endless.img", stage.upstream_url());
        let import = Import {
            method: Method::WebDownload,
            url: Some(&url),
            stores: &[],
        };
        glance.import(&id, import).await.unwrap();
        let is_begun =
            || async { glance.image(&id).await.unwrap().unwrap().status == Status::Importing };
        clock::becomes("an import that has begun", is_begun).await;
        id
    });
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(steps(&document), [""; 0]);
    assert_eq!(rules(&document), ["upload-elsewhere"]);
    wait(async {
        let glance = glance("admin").await;
        glance.delete(&id).await.unwrap();
        let id = begun(&stage, &glance).await;
        let import = Import {
            method: Method::WebDownload,
            url: Some("http://127.0.0.1:1/closed"),
            stores: &[],
        };
        let begun = glance.import(&id, import).await.unwrap();
        let patience = Patience::for_bytes(0);
        let imported = glance.imported(&id, &begun, Goal::Filled, patience, |_, _| ());
        imported.await.unwrap_err();
    });
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(steps(&document), ["delete 1", "upload 1", "publish 1"]);
    assert_eq!(stage.images()[0]["properties"].get("reglaze_state"), None);
    assert_eq!(stage.images()[0]["protected"], json!(false));
}
