//! `plan` and `apply` against the real Keystone and Glance.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

use crate::account::{Account, wait};
use crate::proxy::{Fault, Seen};
use crate::stage::{Ended, Stage, hex, openstack, rules, steps};
use crate::update::signer::Signer;

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
fn wrong_bytes_leave_nothing_behind_and_the_other_images_go_on() {
    let stage = Stage::new("wrong-bytes");
    let wrong = stage.publish("1", b"what the definition says");
    let right = stage.publish("2", b"right");
    stage.publish("1", b"what an attacker serves!");
    stage.define("Alpha", "", &[wrong]);
    stage.define("Beta", "", &[right]);
    let document = stage.reglaze(&["apply"]).expect(3);
    let outcomes: Vec<_> = document["clouds"][0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["failed", "skipped", "done", "done"]);
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("https://images.example/1.img") && message.contains("expected"),
        "{message}"
    );
    assert_eq!(stage.catalogue(), [("Beta".to_owned(), 1)].into());
    assert_eq!(stage.images().len(), 1);
}

#[test]
fn a_vanished_or_empty_upstream_fails_its_image_only() {
    let stage = Stage::new("vanished");
    let gone = stage.publish("1", b"x").replace("/1.img", "/nowhere.img");
    let empty = stage.publish("2", b"");
    let good = stage.publish("3", b"good");
    stage.define("Alpha", "", &[gone]);
    stage.define("Beta", "", &[empty]);
    stage.define("Gamma", "", &[good]);
    let document = stage.reglaze(&["apply"]).expect(3);
    let text = document["findings"].to_string();
    assert!(
        text.contains("nowhere.img") && text.contains("404"),
        "{text}"
    );
    assert!(text.contains("empty"), "{text}");
    assert_eq!(stage.catalogue(), [("Gamma".to_owned(), 1)].into());
    assert_eq!(stage.images().len(), 1);
}

#[test]
fn glance_failing_in_the_middle_fails_one_image_and_the_next_run_finishes() {
    for (index, (method, path, fault)) in [
        ("POST", "/v2/images", Fault::Answer(500, "out of order")),
        ("POST", "/v2/images", Fault::DoneButLost),
        ("PUT", "/file", Fault::Answer(413, "quota")),
        ("PUT", "/file", Fault::Answer(500, "store full")),
        ("PUT", "/file", Fault::DoneButLost),
        ("PUT", "/file", Fault::Cut),
        ("PATCH", "/v2/images/", Fault::Answer(409, "conflict")),
        ("PATCH", "/v2/images/", Fault::Answer(500, "deadlock")),
        ("PATCH", "/v2/images/", Fault::DoneButLost),
    ]
    .into_iter()
    .enumerate()
    {
        let stage = Stage::new(&format!("middle-{index}"));
        let versions = [stage.publish("1", b"one"), stage.publish("2", b"two")];
        stage.define("Alpha", "", &versions[..1]);
        stage.define("Beta", "", &[]);
        stage.reglaze(&["apply"]).expect(0);
        stage.define("Alpha", "", &versions);
        stage.define("Beta", "", &[stage.publish("9", b"nine")]);
        stage.glance.fail(method, path, fault);
        let document = stage.reglaze(&["apply"]).expect(3);
        assert!(
            rules(&document).contains(&"step-failed"),
            "{method} {fault:?}: {document}"
        );
        assert_eq!(
            stage.catalogue().get("Beta"),
            Some(&1),
            "{method} {fault:?}"
        );
        assert!(
            stage
                .catalogue()
                .get("Alpha")
                .is_some_and(|count| *count >= 1),
            "{method} {fault:?}"
        );
        stage.glance.heal();
        stage.reglaze(&["apply"]).expect(0);
        let expected = [
            ("Alpha".to_owned(), 1),
            ("Alpha (1)".to_owned(), 1),
            ("Beta".to_owned(), 1),
        ];
        assert_eq!(stage.catalogue(), expected.into(), "{method} {fault:?}");
        assert_eq!(stage.images().len(), 3, "{method} {fault:?}");
        stage.reglaze(&["plan"]).expect(0);
    }
}

#[test]
fn a_token_that_ends_during_an_upload_costs_one_more_upload() {
    let stage = Stage::new("token");
    stage.define("Alpha", "", &[stage.publish("1", b"one")]);
    stage
        .glance
        .fail("PUT", "/file", Fault::Answer(401, "expired"));
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(
        writes(&stage.glance.take()),
        ["POST", "PUT", "PUT", "PATCH"]
    );
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
}

#[test]
fn a_run_that_is_stopped_takes_its_upload_back() {
    let stage = Stage::new("stopped");
    let endless = stage.publish("1", b"one").replace("/1.img", "/endless.img");
    stage.define("Alpha", "", &[endless]);
    let child = stage
        .command(&["apply"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut rounds = 0;
    while stage
        .images()
        .iter()
        .all(|image| image["status"] != "saving")
    {
        rounds += 1;
        assert!(rounds < 60, "the upload never began");
    }
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let ended = Ended::from(child.wait_with_output().unwrap());
    ended.expect(3);
    assert!(ended.stderr.contains("stopping"), "{}", ended.stderr);
    assert!(stage.images().is_empty());
}

#[test]
fn a_run_that_is_killed_leaves_nothing_that_the_next_one_does_not_mend() {
    let stage = Stage::new("killed");
    let endless = stage.publish("1", b"one").replace("/1.img", "/endless.img");
    stage.define("Alpha", "", &[endless]);
    let mut child = stage
        .command(&["apply"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while stage
        .images()
        .iter()
        .all(|image| image["status"] != "saving")
    {}
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(stage.catalogue().is_empty());
    stage.define("Alpha", "", &[stage.publish("1", b"one")]);
    // Glance takes a moment to notice that nobody sends any more.
    while stage
        .images()
        .iter()
        .any(|image| image["status"] == "saving")
    {}
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
    assert_eq!(stage.images().len(), 1);
}

#[test]
fn a_half_read_list_moves_nothing() {
    let stage = Stage::new("half-list");
    let version = stage.publish("1", b"one");
    stage.define("Alpha", "", &[version]);
    stage.glance.fail_often("GET", "/v2/images", 99, Fault::Cut);
    let document = stage.reglaze(&["apply"]).expect(1);
    assert!(document["clouds"][0]["error"].is_string());
    assert!(writes(&stage.glance.take()).is_empty());
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

#[test]
fn the_id_that_a_definition_asks_for_is_kept_and_filled_by_the_next_run() {
    let stage = Stage::new("id");
    let id = format!("00000000-0000-4000-8000-{:012x}", std::process::id());
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
    let id = format!("00000000-0000-4000-9000-{:012x}", std::process::id());
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

/// A disk of some pieces, and the same packed.
fn packed(word: &str) -> (Vec<u8>, Vec<u8>) {
    use std::io::Write;
    let disk: Vec<u8> = (0_u32..20_000)
        .flat_map(|count| Sha512::digest(format!("{word} {count}")))
        .collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&disk).unwrap();
    (disk, packed.finish().unwrap())
}

#[test]
fn of_a_packed_file_glance_gets_the_disk_and_the_record_names_the_file() {
    let stage = Stage::new("packed");
    let (disk, file) = packed("first");
    let disk_line = |bytes: &[u8]| {
        format!(
            "    disk_checksum: sha256:{}\n",
            hex(&Sha256::digest(bytes))
        )
    };
    let good = stage.publish("1", &file) + &disk_line(&disk);
    let wrong = stage.publish("2", &packed("second").1) + &disk_line(b"another disk");
    let archive = stage.publish("3", b"PK\x03\x04 an archive of which nobody says more");
    stage.define("Alpha", "", &[good]);
    stage.define("Beta", "", &[wrong]);
    stage.define("Gamma", "", &[archive]);
    stage.glance.take();
    let document = stage.reglaze(&["apply"]).expect(3);
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
    let images = stage.images();
    assert_eq!(images.len(), 1, "nothing of the others is left");
    let image = &images[0];
    assert_eq!(image["size"], disk.len());
    assert_eq!(
        image["properties"]["os_hash_value"],
        hex(&Sha512::digest(&disk))
    );
    assert_eq!(
        image["properties"]["source_sha256sum"],
        hex(&Sha256::digest(&file))
    );
    let text = document["findings"].to_string();
    assert!(text.contains("the disk in it has"), "{text}");
    assert!(text.contains("it is a zip archive"), "{text}");
    // An archive that cannot be unpacked costs no image and no ID.
    let created = stage.glance.take();
    let created = created
        .iter()
        .filter(|seen| seen.method == "POST" && seen.path.ends_with("/v2/images"));
    assert_eq!(created.count(), 2);
    let again = stage.reglaze(&["plan"]).expect(2);
    assert!(!steps(&again).contains(&"upload 1".to_owned()));
}

#[test]
fn a_signature_over_the_image_holds_its_last_piece_back() {
    let stage = Stage::new("image-signature");
    let signer = Signer::new();
    stage.write(
        "sources/own.yml",
        &format!(
            "title: Own\nparameters:\n  arch: {{default: x86_64}}\nindexes:\n  - engine: listing\n    url: https://images.example/\n    \
             file: '^(?<version>\\d+)\\.img$'\nchecksum: {{compute: sha256}}\nsignature:\n  form: detached\n  of: image\n  \
             url: \"https://images.example/sig-{{version}}.img\"\n  keys: [{}]\n  key_url: https://images.example/key.img\ninfer:\n  \
             - match: '^https://images\\.example/(?<version>\\d+)\\.img$'\n",
            signer.fingerprint
        ),
    );
    stage.write("keys/own.asc", std::str::from_utf8(&signer.public).unwrap());
    let (disk, file) = packed("signed");
    let version = |name: &str, signed: &[u8]| {
        stage.publish(&format!("sig-{name}"), &signer.detached(signed));
        stage.publish(name, &file) + &format!("    signed_by: {}\n", signer.fingerprint)
    };
    stage.define("Alpha", "", &[version("1", &file)]);
    stage.define("Beta", "", &[version("2", &disk)]);
    // The signature of the third is gone: what people reviewed counts, and a note says so.
    let gone = stage.publish("3", &file) + &format!("    signed_by: {}\n", signer.fingerprint);
    stage.define("Gamma", "", &[gone]);
    let document = stage.reglaze(&["apply"]).expect(3);
    assert_eq!(
        stage.catalogue(),
        [("Alpha".to_owned(), 1), ("Gamma".to_owned(), 1)].into()
    );
    let text = document["findings"].to_string();
    assert!(text.contains("bad signature"), "{text}");
    assert!(rules(&document).contains(&"manifest-gone"), "{text}");
    let images = stage.images();
    assert_eq!(images.len(), 2);
    for image in images {
        assert_eq!(image["properties"]["source_signed_by"], signer.fingerprint);
    }
}
