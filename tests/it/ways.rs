//! Ways into Glance, from outside: the binary against the real services.

mod direct;
mod fetched;
mod left;
mod stores;

use serde_json::Value;

use crate::stage::{Ended, Stage};

/// A stage whose clouds take images in this way; `more` lines of the settings.
fn stage(name: &str, transfer: &str, more: &str) -> Stage {
    let stage = Stage::new(name);
    settings(&stage, transfer, more);
    stage
}

fn settings(stage: &Stage, transfer: &str, more: &str) {
    let tag = &stage.tag;
    stage.write(
        "reglaze.yml",
        &format!("tag: {tag}\ntransfer: {{{transfer}}}\n{more}"),
    );
}

/// From now on the stage's cloud is the one whose Glance converts what is imported.
fn converting(stage: &Stage) {
    let clouds = std::fs::read_to_string(stage.path("clouds.yaml")).unwrap();
    let endpoint = crate::services::cloud("converting").image_endpoint.unwrap();
    let proxy = stage.glance.url.as_str().trim_end_matches('/');
    let clouds = clouds.replace(proxy, endpoint.as_str().trim_end_matches('/'));
    stage.write("clouds.yaml", &clouds);
}

/// The bytes of a disk.
fn disk(byte: u8) -> Vec<u8> {
    vec![byte; 300_000]
}

/// The upload step of a plan.
fn upload(document: &Value) -> &Value {
    let steps = document["clouds"][0]["steps"].as_array().unwrap();
    steps
        .iter()
        .find(|step| step["action"] == "upload")
        .unwrap()
}

/// How often the client asked for this with a path that ends so.
fn asked(stage: &Stage, method: &str, end: &str) -> usize {
    let seen = stage.glance.seen();
    let seen = seen
        .iter()
        .filter(|seen| seen.method == method && seen.path.ends_with(end));
    seen.count()
}

/// Nothing of the image is there and nothing shows in a catalogue, and the run says why.
#[track_caller]
fn failed(stage: &Stage, ended: &Ended, why: &str) {
    let document = ended.expect(3);
    assert!(document.to_string().contains(why), "{document}");
    assert_eq!(stage.catalogue(), [].into());
    assert_eq!(stage.images(), Vec::<Value>::new(), "{document}");
}
