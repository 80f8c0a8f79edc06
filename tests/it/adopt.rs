//! `adopt` against the real Keystone and Glance: catalogues that people and other tools made.

mod bound;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use reglaze::domain::snapshot::CloudImage;
use serde_json::Value;
use sha2::{Digest, Sha512};

use crate::proxy::Fault;
use crate::services;
use crate::stage::{Stage, hex, openstack, steps};
use crate::takeover::{definition, run_image_manager, version};

/// Creates an image with the standard client, as people do; gives its ID.
fn by_hand(stage: &Stage, cloud: &str, name: &str, bytes: &str, more: &[&str]) -> String {
    let name = if name.contains(&stage.tag) {
        name.to_owned()
    } else {
        stage.name(name)
    };
    stage.write("bytes.img", &own(stage, bytes));
    let path = stage.path("bytes.img");
    let mut arguments = vec!["image", "create", "-f", "value", "-c", "id"];
    arguments.extend(["--disk-format", "raw", "--container-format", "bare"]);
    arguments.extend(["--file", path.to_str().unwrap()]);
    arguments.extend(more);
    arguments.push(&name);
    openstack(&arguments, cloud).trim().to_owned()
}

/// Bytes of this test alone: others leave images in the same project.
fn own(stage: &Stage, bytes: &str) -> String {
    format!("{bytes} of {}", stage.tag)
}

/// A version of this test alone, since it is in the URL that images record.
fn build(version: &str) -> String {
    static BEGUN: LazyLock<u128> = LazyLock::new(|| UNIX_EPOCH.elapsed().unwrap().as_nanos());
    format!("{version}.{}", *BEGUN)
}

/// The rules of the findings about an image.
fn rules_of<'a>(document: &'a Value, id: &str) -> Vec<&'a str> {
    let findings = document["findings"].as_array().unwrap();
    let about = findings.iter().filter(|finding| finding["id"] == id);
    about.map(|one| one["rule"].as_str().unwrap()).collect()
}

/// What must not change: all but what a definition describes.
fn shown(ids: &[&str]) -> BTreeMap<String, CloudImage> {
    let kept = |id: &&str| {
        let image = image(id);
        let kept = CloudImage {
            tags: BTreeSet::new(),
            properties: BTreeMap::new(),
            min_disk: 0,
            updated_at: image.created_at,
            ..image
        };
        ((*id).to_owned(), kept)
    };
    ids.iter().map(kept).collect()
}

fn image(id: &str) -> CloudImage {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let image = runtime.block_on(async { services::glance("admin").await.image(id).await });
    image.unwrap().unwrap()
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
            &format!("Ubuntu {tag} ({})", build("20240501")),
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
    let may = stage.publish(&build("20240501"), own(&stage, "noble in may").as_bytes());
    let june = stage.publish_sha512(&build("20240601"), own(&stage, "noble in june").as_bytes());
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
    let of = |id: &str| {
        let what = what.get(id).cloned();
        what.unwrap_or_else(|| panic!("`{id}` is not taken over: {plan:#}"))
    };
    assert_eq!(of(&newest).1, build("20240601"));
    assert_eq!(of(&newest).2, "by the digest of its bytes");
    assert_eq!(
        (of(&older).0, of(&older).1),
        (name.clone(), build("20240501"))
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
    let proven = &image(&newest).properties["source_sha512sum"];
    assert_eq!(*proven, hex(&Sha512::digest(own(&stage, "noble in june"))));
    assert!(!image(&older).properties.contains_key("source_sha256sum"));

    // A second look finds nothing, and nothing is uploaded or moved but by what the user's own definition says.
    let again = stage.reglaze(&["adopt", &filter]).expect(0);
    assert!(taken(&again).is_empty() && definitions(&again).is_empty());
    let plan = stage.reglaze(&["plan", &filter]).expect(2);
    assert_eq!(
        others(&plan),
        [format!("rename {}", build("20240601"))],
        "{plan:#}"
    );
    stage.reglaze(&["apply", &filter]).expect(0);
    let mut expected = before;
    expected.get_mut(&newest).unwrap().name = Some(name);
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
        stage.publish(&build("20240501"), own(&stage, "may").as_bytes()),
        stage.publish(&build("20240601"), own(&stage, "june").as_bytes()),
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
    assert_eq!(rules_of(&document, &unnamed), ["adopt-ambiguous"]);
    assert_eq!(definitions(&document), [format!("u-{}", stage.tag)]);

    let document = stage
        .reglaze(&["adopt", "--read", "--write", &filter])
        .expect(0);
    let what = taken(&document);
    assert_eq!(what[&unnamed].1, build("20240501"));
    assert_eq!(what[&odd].1, build("20240601"));
    assert_eq!(what[&odd].2, "by the digest of its bytes");
    assert_eq!(image(&odd).properties["source_sha256sum"].len(), 64);
    let plan = stage.reglaze(&["plan", &filter]).expect(2);
    assert!(!steps(&plan).iter().any(|step| step.starts_with("upload")));
    stage.reglaze(&["apply", &filter]).expect(0);
    assert_eq!(
        stage.catalogue(),
        [
            ("Ubuntu".to_owned(), 1),
            (format!("Ubuntu ({})", build("20240501")), 1)
        ]
        .into()
    );
    delete(&[&unnamed, &odd]);
}

#[test]
fn a_private_image_is_not_made_public_because_of_its_name() {
    let stage = Stage::new("adopt-widen");
    let filter = format!("--filter={}", stage.tag);
    stage.define(
        "Ubuntu",
        "",
        &[stage.publish(&build("1"), own(&stage, "the real one").as_bytes())],
    );
    let fake = by_hand(&stage, "admin", "Ubuntu", "something else", &["--private"]);
    let document = stage.reglaze(&["adopt", "--write", &filter]).expect(0);
    assert_eq!(rules_of(&document, &fake), ["adopt-unproven"]);
    let document = stage
        .reglaze(&["adopt", "--read", "--write", &filter])
        .expect(0);
    assert_eq!(rules_of(&document, &fake), ["adopt-other-bytes"]);
    assert!(taken(&document).is_empty() && definitions(&document).is_empty());
    assert!(!image(&fake).properties.contains_key("image_name"));
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

#[test]
fn a_catalogue_of_openstack_image_manager_keeps_its_tag_and_every_name() {
    let stage = Stage::new("adopt-oim");
    let filter = format!("--filter={}", stage.tag);
    let url = |name: &str| format!("{}/{name}.img", stage.upstream_url());
    for (name, bytes) in [("1", "one"), ("2", "two"), ("9", "nine")] {
        stage.publish(name, own(&stage, bytes).as_bytes());
    }
    // Other tests record digests on images of this project, too.
    let entry = |name: &str, bytes: &str| version(&url(name), name, &own(&stage, bytes));
    let multi = entry("1", "one") + &entry("2", "two");
    let single = entry("9", "nine");
    let images =
        definition(&stage, "Multi", true, &multi) + &definition(&stage, "Single", false, &single);
    stage.write("images/all.yml", &format!("---\nimages:\n{images}"));
    run_image_manager(&stage);
    let list = openstack(
        &["image", "list", "--tag", "managed_by_osism", "-f", "json"],
        "admin",
    );
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    let ids: Vec<&str> = list
        .iter()
        .filter(|image| image["Name"].as_str().unwrap().contains(&stage.tag))
        .map(|image| image["ID"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 3);
    let before = shown(&ids);

    // Without its files: the images tell enough for definitions of their own.
    let config = format!("tag: {}-bare\n", stage.tag);
    stage.write("bare/reglaze.yml", &config);
    let bare = |arguments: &[&str]| {
        let more = ["--config=bare/reglaze.yml", filter.as_str()];
        stage.reglaze(&[arguments, &more].concat())
    };
    let document = bare(&["adopt", "--write"]).expect(0);
    let mut names = definitions(&document);
    names.sort_unstable();
    assert_eq!(names, [stage.name("Multi"), stage.name("Single")]);
    assert_eq!(shown(&ids), before);
    let plan = bare(&["plan"]);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(others(&plan), [""; 0], "{plan:#}");
    bare(&["apply"]).expect(0);
    assert_eq!(shown(&ids), before);
    let again = bare(&["adopt"]).expect(0);
    assert!(taken(&again).is_empty() && definitions(&again).is_empty());

    // With its files, under our own mark: each image by what that tool recorded.
    let document = stage.reglaze(&["adopt", "--write", &filter]).expect(0);
    let what = taken(&document);
    assert_eq!(
        (what.len(), definitions(&document).len()),
        (3, 0),
        "{document:#}"
    );
    for (_, _, reason) in what.values() {
        assert_eq!(reason, "by its recorded source; its bytes were not proven");
    }
    let plan = stage.reglaze(&["plan", &filter]);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(others(&plan), [""; 0], "{plan:#}");
    stage.reglaze(&["apply", &filter]).expect(0);
    assert_eq!(shown(&ids), before);
    for id in &ids {
        let tags = image(id).tags;
        assert!(
            tags.contains("managed_by_osism") && tags.contains(&stage.tag),
            "{tags:?}"
        );
    }
    delete(&ids);
}
