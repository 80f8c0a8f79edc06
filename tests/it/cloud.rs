//! `plan` and `apply` against the real Keystone and Glance.

mod bytes;
mod faults;

use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::account::{Account, wait};
use crate::proxy::{Fault, Seen};
use crate::stage::{Stage, openstack, rules, steps};

/// The writes among requests, as `METHOD`s.
fn writes(seen: &[Seen]) -> Vec<&str> {
    seen.iter()
        .filter(|one| one.is_write())
        .map(|one| one.method.as_str())
        .collect()
}

fn one<'a>(images: &'a [Value], version: &str) -> &'a Value {
    images
        .iter()
        .find(|image| image["properties"]["internal_version"] == version)
        .unwrap()
}

#[test]
fn a_catalogue_grows_rotates_and_then_rests() {
    let stage = Stage::new("grows");
    let first = stage.publish("20260701", b"first build");
    stage.define("Ubuntu", "", std::slice::from_ref(&first));
    let plan = stage.reglaze(&["plan"]).expect(2);
    assert_eq!(steps(&plan), ["upload 20260701", "publish 20260701"]);
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(stage.catalogue(), [("Ubuntu".to_owned(), 1)].into());

    let second = stage.publish_sha512("20260725", b"second build");
    stage.define("Ubuntu", "", &[first.clone(), second.clone()]);
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(
        stage.catalogue(),
        [
            ("Ubuntu".to_owned(), 1),
            ("Ubuntu (20260701)".to_owned(), 1)
        ]
        .into()
    );

    stage.glance.take();
    stage.reglaze(&["plan"]).expect(0);
    let plan = stage.glance.take();
    assert_eq!(
        stage.reglaze(&["apply"]).expect(0)["clouds"][0]["steps"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert_eq!(writes(&stage.glance.take()), [""; 0]);
    let lists = plan
        .iter()
        .filter(|seen| seen.path.starts_with("/v2/images"))
        .count();
    assert!(
        lists <= 2 && plan.len() <= 3,
        "a plan with nothing to do asked: {plan:?}"
    );

    // Two more, and the oldest of four is a community image that still boots by its UUID.
    let more = [
        stage.publish("20260801", b"third"),
        stage.publish("20260815", b"fourth"),
    ];
    stage.define("Ubuntu", "", &[&[first, second], &more[..]].concat());
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(stage.catalogue().len(), 3);
    let images = stage.images();
    let oldest = one(&images, "20260701");
    assert_eq!(
        (&oldest["visibility"], &oldest["status"]),
        (&"community".into(), &"active".into())
    );
    openstack(&["image", "show", oldest["id"].as_str().unwrap()], "tenant");
    let newest = one(&images, "20260815");
    assert_eq!(
        newest["properties"]["source_sha256sum"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
    assert_eq!(
        newest["properties"]["image_source"],
        "https://images.example/20260815.img"
    );
    assert!(newest["properties"]["reglaze_state"].is_null());
    assert_eq!(newest["min_disk"], 1);
}

#[test]
fn every_write_of_an_apply_belongs_to_a_step() {
    let stage = Stage::new("writes");
    let versions = [stage.publish("1", b"one"), stage.publish("2", b"two")];
    stage.define("Debian", "", &versions[..1]);
    stage.reglaze(&["apply"]).expect(0);
    stage.define("Debian", "", &versions);
    stage.glance.take();
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(steps(&document), ["upload 2", "publish 2", "rename 1"]);
    // An upload is a POST and a PUT, all others are one PATCH.
    assert_eq!(
        writes(&stage.glance.take()),
        ["POST", "PUT", "PATCH", "PATCH"]
    );
}

#[test]
fn files_that_change_their_mind_move_nothing_that_was_not_meant() {
    let stage = Stage::new("mind");
    let versions = [
        stage.publish("1", b"one"),
        stage.publish("2", b"two"),
        stage.publish("3", b"three"),
    ];
    stage.define("Alpha", "", &versions);
    stage.reglaze(&["apply"]).expect(0);
    let before = stage.catalogue();

    // Pruned: the older ones keep their place.
    stage.define("Alpha", "", &versions[2..]);
    stage.reglaze(&["plan"]).expect(0);
    // Emptied: an error, and nothing moves.
    stage.define("Alpha", "", &[]);
    assert_eq!(rules(&stage.reglaze(&["apply"]).expect(3)), ["no-versions"]);
    // Removed: a note.
    std::fs::remove_file(stage.path("images/Alpha.yml")).unwrap();
    stage.define("Other", "  enable: false\n", &[]);
    assert_eq!(
        rules(&stage.reglaze(&["apply"]).expect(0)),
        ["undefined-image"]
    );
    assert_eq!(stage.catalogue(), before);
    // Reverted: the older one is latest before the withdrawn one leaves.
    stage.define("Alpha", "", &versions[..2]);
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(&steps(&document)[..2], ["rollback 2", "rename 3"]);
    let images = stage.images();
    assert_eq!(one(&images, "2")["name"], stage.name("Alpha").as_str());
    assert_eq!(one(&images, "3")["visibility"], "community");
    stage.reglaze(&["plan"]).expect(0);
}

#[test]
fn what_the_definition_keeps_private_stays_private() {
    let stage = Stage::new("private");
    let version = stage.publish("1", b"one");
    stage.define("Golden", "", &[version]);
    let text = std::fs::read_to_string(stage.path("images/Golden.yml")).unwrap();
    stage.write(
        "images/Golden.yml",
        &text.replace("visibility: public", "visibility: private"),
    );
    stage.reglaze(&["apply"]).expect(0);
    assert!(stage.catalogue().is_empty());
    assert_eq!(stage.images()[0]["visibility"], "private");
}

#[test]
fn edited_metadata_reaches_the_image_and_foreign_properties_stay() {
    let stage = Stage::new("metadata");
    let version = stage.publish("1", b"one");
    stage.define("Alpha", "", std::slice::from_ref(&version));
    stage.reglaze(&["apply"]).expect(0);
    let id = stage.images()[0]["id"].as_str().unwrap().to_owned();
    let mut tags = stage.images()[0]["tags"].clone();
    tags.as_array_mut().unwrap().push("theirs".into());
    let theirs = [("theirs", "stays".into()), ("tags", tags)];
    wait(Account::of("admin").set(&id, &theirs));
    stage.define("Alpha", "  min_ram: 512\n  tags: [fresh]\n", &[version]);
    let text = std::fs::read_to_string(stage.path("images/Alpha.yml")).unwrap();
    stage.write(
        "images/Alpha.yml",
        &text.replace("architecture: x86_64", "hw_disk_bus: scsi"),
    );
    stage.reglaze(&["apply"]).expect(0);
    let image = &stage.images()[0];
    assert_eq!(image["properties"]["theirs"], "stays");
    assert_eq!(image["properties"]["hw_disk_bus"], "scsi");
    assert!(image["properties"]["architecture"].is_null());
    assert_eq!(image["min_ram"], 512);
    let tags: Vec<_> = image["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag.as_str().unwrap())
        .collect();
    assert!(
        tags.contains(&"theirs") && tags.contains(&"fresh") && tags.contains(&"os:ubuntu"),
        "{tags:?}"
    );
    stage.reglaze(&["plan"]).expect(0);
}

#[test]
fn a_foreign_image_under_our_name_is_named_and_nothing_is_published_beside_it() {
    let stage = Stage::new("foreign");
    let version = stage.publish("1", b"one");
    stage.define("Alpha", "", &[version]);
    let admin = Account::of("admin");
    let document = json!({
        "name": stage.name("Alpha"), "visibility": "public", "disk_format": "raw", "container_format": "bare",
    });
    let created = wait(admin.create(document, Some(b"foreign")));
    let document = stage.reglaze(&["apply"]).expect(3);
    assert_eq!(rules(&document), ["name-taken"]);
    assert_eq!(document["findings"][0]["id"], created.as_str());
    assert!(writes(&stage.glance.take()).is_empty());
    wait(admin.delete(&created));
}

#[test]
fn an_apply_is_held_to_its_reviewed_plan() {
    let stage = Stage::new("reviewed");
    stage.define("Alpha", "", &[stage.publish("1", b"one")]);
    let ended = stage.reglaze(&["plan"]);
    let reviewed = ended.expect(2)["clouds"][0]["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned();
    stage.write("plan.json", &ended.stdout);
    stage.define("Beta", "", &[stage.publish("2", b"two")]);

    let document = stage
        .reglaze(&["apply", "--fingerprint", &reviewed])
        .expect(1);
    assert!(
        document["clouds"][0]["error"]
            .as_str()
            .unwrap()
            .contains(&reviewed)
    );
    assert!(writes(&stage.glance.take()).is_empty());

    let document = stage.reglaze(&["apply", "--plan", "plan.json"]).expect(3);
    assert_eq!(rules(&document), ["plan-moved"]);
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());

    let plan = stage.reglaze(&["plan"]).expect(2);
    let fingerprint = plan["clouds"][0]["fingerprint"].as_str().unwrap();
    stage
        .reglaze(&["apply", "--fingerprint", &format!("admin={fingerprint}")])
        .expect(0);
    assert_eq!(stage.catalogue().len(), 2);
}

/// An ID that no image has or had: Glance never gives one again.
fn fresh_id() -> String {
    let now = UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let (seconds, rest) = (now / 1_000_000_000, now % 1_000_000_000);
    let process = std::process::id() & 0xffff;
    format!("{seconds:08x}-{process:04x}-4000-8000-{rest:012x}")
}

#[test]
fn the_id_that_a_definition_asks_for_is_kept_and_filled_by_the_next_run() {
    let stage = Stage::new("id");
    let id = fresh_id();
    let version = stage.publish("1", b"one") + &format!("    id: {id}\n");
    stage.define("Alpha", "", &[version]);
    stage
        .glance
        .fail("PUT", "/file", Fault::Answer(500, "store full"));
    stage.reglaze(&["apply"]).expect(3);
    assert_eq!(stage.images()[0]["id"], id.as_str());
    stage.glance.heal();
    stage.glance.take();
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(writes(&stage.glance.take()), ["PUT", "PATCH"]);
    assert_eq!(stage.images()[0]["id"], id.as_str());
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
}

#[test]
fn a_burnt_id_asks_for_a_new_one() {
    let stage = Stage::new("burnt");
    let id = fresh_id();
    let admin = Account::of("admin");
    wait(admin.create(json!({"id": id}), None));
    wait(admin.delete(&id));
    stage.define(
        "Alpha",
        "",
        &[stage.publish("1", b"one") + &format!("    id: {id}\n")],
    );
    let document = stage.reglaze(&["apply"]).expect(3);
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains(&id) && message.contains("new"),
        "{message}"
    );
}

#[test]
fn who_may_not_publish_is_told_so_in_one_sentence_without_secrets() {
    let stage = Stage::new("member");
    stage.define("Alpha", "", &[stage.publish("1", b"one")]);
    let arguments: Vec<_> = stage
        .command(&["apply"])
        .get_args()
        .map(|one| one.to_str().unwrap().replace("admin", "member"))
        .collect();
    let ended = stage.reglaze_as(&arguments);
    let document = ended.expect(3);
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("403") || message.contains("may not") || message.contains("role"),
        "{message}"
    );
    assert!(!ended.stdout.contains("reglaze-test") && !ended.stderr.contains("reglaze-test"));
}
