//! `adopt` against the real Keystone and Glance: catalogues that people and other tools made.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha512};

use crate::proxy::Fault;
use crate::stage::{Stage, hex, openstack, rules, steps};

/// Creates an image with the standard client, as people do; gives its ID.
fn by_hand(stage: &Stage, cloud: &str, name: &str, bytes: &str, more: &[&str]) -> String {
    let name = if name.contains(&stage.tag) {
        name.to_owned()
    } else {
        stage.name(name)
    };
    stage.write("bytes.img", bytes);
    let path = stage.path("bytes.img");
    let mut arguments = vec!["image", "create", "-f", "value", "-c", "id"];
    arguments.extend(["--disk-format", "raw", "--container-format", "bare"]);
    arguments.extend(["--file", path.to_str().unwrap()]);
    arguments.extend(more);
    arguments.push(&name);
    openstack(&arguments, cloud).trim().to_owned()
}

/// What must not change: by ID the name, digest, visibility, place in lists and owner.
fn shown(ids: &[&str]) -> BTreeMap<String, Value> {
    let mut shown = BTreeMap::new();
    for id in ids {
        let text = openstack(&["image", "show", id, "-f", "json"], "admin");
        let image: Value = serde_json::from_str(&text).unwrap();
        let keys = ["name", "visibility", "owner", "status", "protected"];
        let mut kept: Vec<Value> = keys.iter().map(|key| image[*key].clone()).collect();
        kept.push(image["properties"]["os_hash_value"].clone());
        kept.push(image["properties"]["os_hidden"].clone());
        shown.insert((*id).to_owned(), Value::Array(kept));
    }
    shown
}

fn image(id: &str) -> Value {
    let text = openstack(&["image", "show", id, "-f", "json"], "admin");
    serde_json::from_str(&text).unwrap()
}

fn delete(ids: &[&str]) {
    for id in ids {
        openstack(&["image", "delete", id], "admin");
    }
}

/// By ID what a step says that the image is, and by what it was matched.
fn taken(document: &Value) -> BTreeMap<String, (String, String, String)> {
    let text = |step: &Value, key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let steps = document["clouds"][0]["steps"].as_array().unwrap();
    let of_step = |step: &Value| {
        assert_eq!(step["action"], "adopt");
        let what = (
            text(step, "image"),
            text(step, "version"),
            text(step, "reason"),
        );
        (text(step, "id"), what)
    };
    steps.iter().map(of_step).collect()
}

fn definitions(document: &Value) -> Vec<&str> {
    let list = document["definitions"].as_array().unwrap();
    list.iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect()
}

/// The plan's steps that are more than a description: everything but properties and tags.
fn others(document: &Value) -> Vec<String> {
    let mut steps = steps(document);
    steps.retain(|step| !step.starts_with("properties") && !step.starts_with("tags"));
    steps
}

/// Images in several habits of naming: two that a definition of `Ubuntu` lists, and five of which nobody said anything.
fn habits(stage: &Stage) -> [String; 7] {
    let tag = &stage.tag;
    let public = ["--public", "--property", "os_distro=ubuntu"];
    let newest = by_hand(
        stage,
        "admin",
        &format!("noble-prod-{tag}"),
        "noble in june",
        &public,
    );
    let older = by_hand(stage, "admin", "Ubuntu", "noble in may", &public);
    openstack(
        &[
            "image",
            "set",
            "--name",
            &format!("Ubuntu {tag} (20240501)"),
            &older,
        ],
        "admin",
    );
    let golden = [
        by_hand(
            stage,
            "admin",
            &format!("Golden {tag} 20240110"),
            "january",
            &["--public"],
        ),
        by_hand(
            stage,
            "admin",
            &format!("Golden {tag} 20240210"),
            "february",
            &["--public"],
        ),
    ];
    let latest = by_hand(
        stage,
        "admin",
        &format!("Rocky {tag} - Latest"),
        "rocky",
        &["--public"],
    );
    let tools = by_hand(
        stage,
        "admin",
        "tools",
        "toolbox",
        &["--private", "--tag", "rescue"],
    );
    let hidden = by_hand(stage, "admin", "Windows 2022", "windows", &["--community"]);
    openstack(&["image", "set", "--hidden", &hidden], "admin");
    let [january, february] = golden;
    [newest, older, january, february, latest, tools, hidden]
}

#[test]
fn a_catalogue_made_by_hand_is_taken_over_without_an_upload() {
    let stage = Stage::new("adopt-hand");
    let filter = format!("--filter={}", stage.tag);
    let may = stage.publish("20240501", b"noble in may");
    let june = stage.publish_sha512("20240601", b"noble in june");
    stage.define("Ubuntu", "", &[may, june]);
    let [newest, older, rest @ ..] = habits(&stage);
    let foreign = by_hand(&stage, "tenant", "Ubuntu", "noble in june", &["--private"]);
    let ours: Vec<&str> = [&newest, &older]
        .into_iter()
        .chain(&rest)
        .map(String::as_str)
        .collect();
    let before = shown(&ours);
    let before_foreign = image(&foreign);

    stage.glance.take();
    let plan = stage.reglaze(&["adopt", &filter]).expect(2);
    assert!(stage.glance.take().iter().all(|seen| !seen.is_write()));
    assert!(!stage.path("images/adopted.yml").exists());
    let what = taken(&plan);
    assert_eq!(what.len(), 7, "{what:#?}");
    let name = stage.name("Ubuntu");
    let of = |id: &str| what[id].clone();
    assert_eq!(of(&newest).1, "20240601");
    assert_eq!(of(&newest).2, "by the digest of its bytes");
    assert_eq!(
        (of(&older).0, of(&older).1),
        (name.clone(), "20240501".to_owned())
    );
    assert_eq!(of(&older).2, "by its name alone; its bytes were not proven");
    assert_eq!(definitions(&plan).len(), 4, "{:#}", plan["definitions"]);

    stage.glance.take();
    stage.reglaze(&["adopt", "--write", &filter]).expect(0);
    let writes: Vec<_> = stage.glance.take();
    let writes: Vec<_> = writes.iter().filter(|seen| seen.is_write()).collect();
    assert_eq!(writes.len(), 7, "one request for each image: {writes:?}");
    assert_eq!(shown(&ours), before);
    assert_eq!(image(&foreign), before_foreign);
    let june = image(&newest);
    assert_eq!(
        june["properties"]["source_sha512sum"],
        hex(&Sha512::digest(b"noble in june"))
    );
    assert!(image(&older)["properties"]["source_sha256sum"].is_null());

    // A second look finds nothing, and nothing is uploaded or moved but by what the user's own definition says.
    let again = stage.reglaze(&["adopt", &filter]).expect(0);
    assert!(taken(&again).is_empty() && definitions(&again).is_empty());
    let plan = stage.reglaze(&["plan", &filter]).expect(2);
    assert_eq!(others(&plan), ["rename 20240601"], "{plan:#}");
    stage.reglaze(&["apply", &filter]).expect(0);
    let mut expected = before;
    expected.get_mut(&newest).unwrap()[0] = name.into();
    assert_eq!(shown(&ours), expected);
    stage.reglaze(&["plan", &filter]).expect(0);
    let validate = stage.reglaze(&["validate"]);
    let document: Value = serde_json::from_str(&validate.stdout).unwrap();
    assert!(
        !validate.stdout.contains("\"error\""),
        "{:#}",
        document["findings"]
    );

    delete(&ours);
    delete(&[&foreign]);
}

#[test]
fn what_only_bytes_can_tell_is_left_alone_until_they_are_read() {
    let stage = Stage::new("adopt-read");
    let filter = format!("--filter={}", stage.tag);
    let versions = [
        stage.publish("20240501", b"may"),
        stage.publish("20240601", b"june"),
    ];
    stage.define("Ubuntu", "", &versions);
    let unnamed = by_hand(&stage, "admin", "Ubuntu", "may", &["--public"]);
    let odd = by_hand(
        &stage,
        "admin",
        &format!("u-{}", stage.tag),
        "june",
        &["--private"],
    );
    let document = stage.reglaze(&["adopt", &filter]).expect(2);
    // Nobody knows that the second is an Ubuntu, so it would get a definition of its own.
    assert_eq!(rules(&document), ["adopt-ambiguous"]);
    assert_eq!(definitions(&document), [format!("u-{}", stage.tag)]);

    let document = stage
        .reglaze(&["adopt", "--read", "--write", &filter])
        .expect(0);
    let what = taken(&document);
    assert_eq!(what[&unnamed].1, "20240501");
    assert_eq!(what[&odd].1, "20240601");
    assert_eq!(what[&odd].2, "by the digest of its bytes");
    assert_eq!(
        image(&odd)["properties"]["source_sha256sum"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
    let plan = stage.reglaze(&["plan", &filter]).expect(2);
    assert!(!steps(&plan).iter().any(|step| step.starts_with("upload")));
    stage.reglaze(&["apply", &filter]).expect(0);
    assert_eq!(
        stage.catalogue(),
        [
            ("Ubuntu".to_owned(), 1),
            ("Ubuntu (20240501)".to_owned(), 1)
        ]
        .into()
    );
    delete(&[&unnamed, &odd]);
}

#[test]
fn a_private_image_is_not_made_public_because_of_its_name() {
    let stage = Stage::new("adopt-widen");
    let filter = format!("--filter={}", stage.tag);
    stage.define("Ubuntu", "", &[stage.publish("1", b"the real one")]);
    let fake = by_hand(&stage, "admin", "Ubuntu", "something else", &["--private"]);
    let document = stage.reglaze(&["adopt", "--write", &filter]).expect(0);
    assert_eq!(rules(&document), ["adopt-unproven"]);
    let document = stage
        .reglaze(&["adopt", "--read", "--write", &filter])
        .expect(0);
    assert_eq!(rules(&document), ["adopt-other-bytes"]);
    assert!(taken(&document).is_empty() && definitions(&document).is_empty());
    assert!(image(&fake)["properties"]["image_name"].is_null());
    delete(&[&fake]);
}

#[test]
fn an_interrupted_adoption_goes_on_where_it_stopped() {
    let stage = Stage::new("adopt-resume");
    let filter = format!("--filter={}", stage.tag);
    let tag = &stage.tag;
    let names = ["Alpha", "Beta", "Gamma"].map(|name| format!("{name} {tag} (20240501)"));
    let ids = names
        .clone()
        .map(|name| by_hand(&stage, "admin", &name, &name, &["--public"]));
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let before = shown(&ids);
    // One PATCH is done and its answer lost, another never arrives.
    let path = |id: &str| -> &'static str { Box::leak(id.to_owned().into_boxed_str()) };
    stage
        .glance
        .fail_often("PATCH", path(ids[1]), 9, Fault::DoneButLost);
    stage
        .glance
        .fail_often("PATCH", path(ids[2]), 9, Fault::Cut);
    let broken = stage.reglaze(&["adopt", "--write", &filter]).expect(3);
    let outcomes: Vec<_> = broken["definitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["created", "failed", "failed"]);
    stage.glance.heal();
    let document = stage.reglaze(&["adopt", "--write", &filter]);
    assert_eq!(document.code, 0, "{}{}", document.stdout, document.stderr);
    let again = stage.reglaze(&["adopt", &filter]).expect(0);
    assert!(taken(&again).is_empty() && definitions(&again).is_empty());
    assert_eq!(shown(&ids), before);
    let plan = stage.reglaze(&["plan", &filter]);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(others(&plan), [""; 0]);
    let text = std::fs::read_to_string(stage.path("images/adopted.yml")).unwrap();
    assert_eq!(text.matches("- name:").count(), 3, "{text}");
    delete(&ids);
}
