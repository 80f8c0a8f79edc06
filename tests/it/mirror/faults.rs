//! A store that fails, a run that dies, and keys that do not fit.

use crate::proxy::{Fault, Moment, Seen};

use super::object;
use super::place::{KINDS, Kind, Place, bytes, outcomes};

/// Whether it writes a part of an upload.
pub fn is_part(seen: &Seen) -> bool {
    seen.method == "PUT"
        && (seen.query.contains("partNumber=") || seen.path.contains("/.segments/"))
}

#[test]
fn a_run_that_was_killed_is_gone_on_with_and_nothing_was_visible() {
    for kind in KINDS {
        let place = Place::new(kind, "killed");
        let large = bytes(33);
        place
            .stage
            .define("Alpha", "", &[place.stage.publish("1", &large)]);
        let mut parts = 0;
        place.killed(&["--write"], Moment::Within, move |seen| {
            parts += usize::from(is_part(seen));
            parts == 4
        });
        assert!(place.objects().is_empty(), "{kind:?}");
        assert!(!place.definition("Alpha").contains("mirror_url"));
        place.store.take();
        place.mirror(&["--write"]).expect(0);
        let sent = place.store.take();
        let sent: Vec<_> = sent.iter().filter(|seen| is_part(seen)).collect();
        assert!(
            (1..=2).contains(&sent.len()),
            "{kind:?}: {} parts",
            sent.len()
        );
        assert_eq!(place.read(&object("1", &large)).as_ref(), Some(&large));
        place.mirror(&["--check"]).expect(0);
    }
}

#[test]
fn a_run_that_dies_at_any_call_is_done_by_the_next_one() {
    for kind in KINDS {
        let mut place = Place::new(kind, "dies");
        let large = bytes(9);
        let (version, name) = (place.stage.publish("1", &large), object("1", &large));
        place
            .stage
            .define("Alpha", "", std::slice::from_ref(&version));
        place.store.take();
        place.mirror(&["--write"]).expect(0);
        let calls = place.store.take();
        let completes = |seen: &Seen| {
            seen.query.contains("multipart-manifest=put")
                || seen.method == "POST" && seen.query.contains("uploadId=")
        };
        let last = calls.iter().position(completes).unwrap();
        for at in 0..calls.len() {
            for moment in [Moment::Before, Moment::After] {
                place.renew("dies");
                place
                    .stage
                    .define("Alpha", "", std::slice::from_ref(&version));
                let mut left = at;
                place.killed(&["--write"], moment, move |_| {
                    left = left.wrapping_sub(1);
                    left == usize::MAX
                });
                // Whole or not at all.
                let is_there = at > last || at == last && moment == Moment::After;
                let point = format!("{kind:?} call {at} {moment:?}");
                assert_eq!(
                    place.read(&name),
                    is_there.then(|| large.clone()),
                    "{point}"
                );
                assert!(!place.definition("Alpha").contains("mirror_url"), "{point}");
                place.mirror(&["--write"]).expect(0);
                assert_eq!(place.read(&name).as_ref(), Some(&large), "{point}");
                assert!(place.definition("Alpha").contains("mirror_url"), "{point}");
            }
        }
    }
}

#[test]
fn an_upload_that_cannot_be_gone_on_with_is_thrown_away_when_it_begins_anew() {
    for kind in KINDS {
        let place = Place::new(kind, "anew");
        place.settings("  name: \"{shortname}/{version}-{shortname}.{extension}\"\n");
        let large = bytes(25);
        place.stage.define(
            "Alpha",
            "  shortname: alpha\n",
            &[place.stage.publish("1", &large)],
        );
        for last in [3, 1] {
            let mut parts = 0;
            place.killed(&["--write"], Moment::Before, move |seen| {
                parts += usize::from(is_part(seen));
                parts == last
            });
        }
        place.store.take();
        place.mirror(&["--write"]).expect(0);
        let sent = place.store.take();
        let sent = sent.iter().filter(|seen| is_part(seen)).count();
        // S3 tells of which digest an upload is only when it is done; Swift's segments lie in a folder that says so.
        assert_eq!(sent, if kind == Kind::S3 { 4 } else { 2 }, "{kind:?}");
        assert!(place.read("alpha/1-alpha.img") == Some(large));
        if kind == Kind::S3 {
            assert_eq!(place.unfinished(), [""; 0]);
        }
        // And if one was left beside an object that is there, it goes in the end.
        if kind == Kind::S3 {
            place.by_standard_client(
                "s3.create_multipart_upload(Bucket=bucket, Key='p/alpha/1-alpha.img')",
            );
            let later = ["--write", "--prune", "--today", "2035-01-01"];
            place.mirror(&later).expect(0);
            assert_eq!(place.unfinished(), [""; 0]);
        }
    }
}

#[test]
fn what_a_dead_run_left_of_an_image_that_nobody_wants_is_thrown_away() {
    for kind in KINDS {
        let place = Place::new(kind, "left");
        place
            .stage
            .define("Alpha", "", &[place.stage.publish("1", &bytes(17))]);
        let mut parts = 0;
        place.killed(&["--write"], Moment::Before, move |seen| {
            parts += usize::from(is_part(seen));
            parts == 2
        });
        place
            .stage
            .define("Alpha", "", &[place.stage.publish("2", b"two")]);
        let later = ["--write", "--prune", "--today", "2035-01-01"];
        let document = place.mirror(&later).expect(0);
        assert_eq!(document["removed"][0]["kind"], "upload", "{kind:?}");
        assert_eq!(place.all(), [object("2", b"two")]);
        assert!(
            place.mirror(&later).expect(0)["removed"]
                .as_array()
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn every_call_may_fail_once() {
    for kind in KINDS {
        let mut place = Place::new(kind, "flaky");
        let large = bytes(9);
        let version = place.stage.publish("1", &large);
        place
            .stage
            .define("Alpha", "", std::slice::from_ref(&version));
        place.store.take();
        place.mirror(&["--write"]).expect(0);
        let calls = place.store.take();
        assert!((6..30).contains(&calls.len()), "{} calls", calls.len());
        let faults = [
            Fault::Answer(503, "slow down"),
            Fault::DoneButLost,
            Fault::Cut,
            Fault::DoneButCut,
        ];
        for (at, call) in calls.iter().enumerate() {
            // The answer to a HEAD has no body that could break off.
            let choice = if call.method == "HEAD" {
                2
            } else {
                faults.len()
            };
            let fault = faults[at % choice];
            place.renew("flaky");
            place
                .stage
                .define("Alpha", "", std::slice::from_ref(&version));
            let mut left = at;
            place.store.fail_where(
                move |_| {
                    left = left.wrapping_sub(1);
                    left == usize::MAX
                },
                fault,
            );
            let ended = place.mirror(&["--write"]);
            assert_eq!(
                ended.code, 0,
                "{kind:?} call {at} {fault:?}: {}",
                ended.stdout
            );
            place.store.heal();
            assert_eq!(place.read(&object("1", &large)).as_ref(), Some(&large));
        }
        // Reading begins anew, too.
        for fault in faults {
            let is_read = |seen: &Seen| seen.path.ends_with("/1.img") && seen.method == "GET";
            place.store.fail_where(is_read, fault);
            place.mirror(&["--check"]).expect(0);
        }
    }
}

#[test]
fn a_store_that_stays_broken_is_told_in_one_sentence_and_the_rest_is_done() {
    for kind in KINDS {
        let place = Place::new(kind, "broken");
        let versions = [
            place.stage.publish("1", b"one"),
            place.stage.publish("2", b"two"),
        ];
        place.stage.define("Alpha", "", &versions);
        place.store.answer_where(|seen| {
            let is_it = seen.method == "PUT" && seen.path.ends_with("/1.img");
            is_it.then(|| crate::proxy::answer(507, ""))
        });
        let document = place.mirror(&["--write"]).expect(3);
        assert_eq!(outcomes(&document), ["1 failed", "2 uploaded"]);
        let error = document["images"][0]["error"].as_str().unwrap();
        assert!(
            error.contains("507") && error.contains("the store is full"),
            "{error}"
        );
        assert_eq!(place.objects(), [object("2", b"two")]);
    }
}

#[test]
fn who_may_not_is_told_so_and_no_secret_is_told() {
    let mut place = Place::new(Kind::S3, "keys");
    place
        .stage
        .define("Alpha", "", &[place.stage.publish("1", b"one")]);
    for (key, secret) in [
        (super::place::KEY.0, "wrong-secret"),
        ("nobody:here", "wrong-secret"),
    ] {
        place.key = (key.to_owned(), secret.to_owned());
        let ended = place.mirror(&["--write", "-v"]);
        let document = ended.expect(1);
        let message = document["findings"][0]["message"].as_str().unwrap();
        assert!(
            message.starts_with("could not list the objects of `s3://"),
            "{message}"
        );
        assert!(
            message.contains("403") && message.contains("check AWS_ACCESS_KEY_ID"),
            "{message}"
        );
        let all = ended.stdout.clone() + &ended.stderr;
        assert!(!all.contains("wrong-secret") && !all.contains("X-Amz-Signature"));
    }
    let place = Place::new(Kind::Swift, "acl");
    place
        .stage
        .define("Alpha", "", &[place.stage.publish("1", b"one")]);
    let text = std::fs::read_to_string(place.stage.path("clouds.yaml")).unwrap();
    // Another project's login for the same container.
    place.stage.write(
        "clouds.yaml",
        &text
            .replace("username: admin", "username: tenant")
            .replace("project_name: admin", "project_name: tenant"),
    );
    let document = place.mirror(&["--write"]).expect(1);
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("Swift answered 403") && message.contains("check the container's ACL"),
        "{message}"
    );
}

#[test]
fn a_place_that_is_not_there_is_named() {
    let mut place = Place::new(Kind::S3, "dead");
    place
        .stage
        .define("Alpha", "", &[place.stage.publish("1", b"one")]);
    place.container = "nowhere".to_owned();
    place.settings("");
    let told = |place: &Place| {
        let document = place.mirror(&["--write"]).expect(1);
        document["findings"][0]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let message = told(&place);
    assert!(
        message.contains("create the bucket, or check `mirror.to`"),
        "{message}"
    );
    let text = std::fs::read_to_string(place.stage.path("reglaze.yml")).unwrap();
    let dead = text.replace(place.store.url.as_str(), "http://127.0.0.1:9/");
    place.stage.write("reglaze.yml", &dead);
    let message = told(&place);
    assert!(
        message.contains("no complete answer from `http://127.0.0.1:9`"),
        "{message}"
    );
    let mut place = Place::new(Kind::Swift, "nowhere");
    place
        .stage
        .define("Alpha", "", &[place.stage.publish("1", b"one")]);
    place.container = "nowhere".to_owned();
    place.settings("");
    let message = told(&place);
    assert!(
        message.contains("create the container, or check `mirror.to`"),
        "{message}"
    );
}
