//! What a run leaves behind when the upstream, Glance or the run itself fails in the middle.

use std::process::{Command, Stdio};

use sha2::Digest;

use super::writes;
use crate::clock;
use crate::proxy::Fault;
use crate::stage::{Ended, Stage, rules};

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

/// Bytes of a size, which no two words have in common.
fn bytes(word: &str, size: usize) -> Vec<u8> {
    word.bytes().cycle().take(size).collect()
}

#[test]
fn an_upstream_that_breaks_off_again_and_again_costs_no_upload() {
    let stage = Stage::new("flaky");
    let image = bytes("image", 2 << 20);
    let flaky = stage.publish("1", &image).replace("/1.img", "/flaky/1.img");
    let mirrors = "    mirror_url: [https://images.example/nowhere.img, https://images.example/flaky/1.img]\n";
    let mirrored = stage.publish("2", &image).replace("/2.img", "/nowhere.img") + mirrors;
    stage.define("Alpha", "", &[flaky]);
    stage.define("Beta", "", &[mirrored]);
    stage.glance.take();
    let ended = stage.reglaze(&["apply"]);
    ended.expect(0);
    let uploads = stage.glance.take();
    let uploads = uploads.iter().filter(|seen| seen.method == "PUT");
    assert_eq!(uploads.count(), 2);
    for image_of_glance in stage.images() {
        let digest = crate::stage::hex(&sha2::Sha512::digest(&image));
        assert_eq!(image_of_glance["properties"]["os_hash_value"], digest);
    }
    let gone = "`https://images.example/nowhere.img` answered 404 Not Found; trying `https://images.example/flaky/1.img`";
    for part in [
        gone,
        "going on from there",
        "307200 of 2097152 bytes are there",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}

#[test]
fn a_mirror_proves_nothing_and_the_next_place_is_asked_and_places_that_fail_are_all_named() {
    let stage = Stage::new("mirrors");
    let mixed = stage.publish("1", &bytes("right", 2 << 20));
    stage.publish("2", &bytes("wrong", 2 << 20));
    let mixed = mixed + "    mirror_url: https://images.example/2.img\n";
    let lost = stage.publish("3", b"x").replace("/3.img", "/lost.img")
        + "    mirror_url:\n    - https://images.example/gone.img\n";
    stage.define("Alpha", "", &[mixed]);
    stage.define("Beta", "", &[lost]);
    let ended = stage.reglaze(&["apply"]);
    let document = ended.expect(3);
    // The bytes of the mirror were wrong, so those of the upstream were fetched.
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
    let images = stage.images();
    let [image] = &images[..] else {
        panic!("nothing of the wrong bytes is left: {images:?}")
    };
    let digest = crate::stage::hex(&sha2::Sha512::digest(bytes("right", 2 << 20)));
    assert_eq!(image["properties"]["os_hash_value"], digest);
    let told = "`https://images.example/2.img` was not uploaded";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    let text = document["findings"].to_string();
    let named = "none of 2 places gave the image: `https://images.example/gone.img` answered 404 Not Found, and \
                 `https://images.example/lost.img` answered 404 Not Found; expected one of them to have it";
    assert!(text.contains(named), "{text}");
}

#[test]
fn when_every_place_has_wrong_bytes_nothing_is_left() {
    let stage = Stage::new("mirrors-wrong");
    let listed = stage.publish("1", &bytes("right", 2 << 20));
    for version in ["1", "2"] {
        stage.publish(version, &bytes("wrong", 2 << 20));
    }
    let listed = listed + "    mirror_url: https://images.example/2.img\n";
    stage.define("Alpha", "", &[listed]);
    let document = stage.reglaze(&["apply"]).expect(3);
    assert!(stage.images().is_empty() && stage.catalogue().is_empty());
    let text = document["findings"].to_string();
    assert!(
        text.contains("`https://images.example/1.img` was not uploaded"),
        "{text}"
    );
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

/// Whether Glance takes the bytes of an image.
fn is_saving(stage: &Stage) -> bool {
    let images = stage.images();
    images.iter().any(|image| image["status"] == "saving")
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
    clock::until("an upload that has begun", || is_saving(&stage));
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
    clock::until("an upload that has begun", || is_saving(&stage));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(stage.catalogue().is_empty());
    stage.define("Alpha", "", &[stage.publish("1", b"one")]);
    // Glance takes a moment to notice that nobody sends any more.
    clock::until("an upload that Glance gives up", || !is_saving(&stage));
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
