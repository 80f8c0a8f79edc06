//! `mirror` against the real Swift, in its own language and in S3's.

mod dynamic;
mod faults;
mod foreign;
mod memory;
mod place;
mod prune;
mod signed;
mod stopped;
mod taken;

use reqwest::Method;
use sha2::{Digest, Sha256};

use crate::stage::{hex, rules};
use place::{KINDS, Kind, Place, bytes, outcomes};

fn object(version: &str, bytes: &[u8]) -> String {
    format!("sha256/{}/{version}.img", hex(&Sha256::digest(bytes)))
}

#[test]
fn pinned_images_go_into_both_kinds_of_store_and_anybody_reads_them_back() {
    for kind in KINDS {
        let place = Place::new(kind, "whole");
        let (small, large) = (b"a small image".to_vec(), bytes(17));
        let versions = [
            place.stage.publish("1", &small),
            place.stage.publish("2", &large),
        ];
        place.stage.define("Alpha", "", &versions);
        let before = place.definition("Alpha");
        let document = place.mirror(&[]).expect(2);
        assert_eq!(outcomes(&document), ["1 uploaded", "2 uploaded"]);
        assert_eq!(
            (place.objects(), place.definition("Alpha")),
            (vec![], before.clone())
        );

        let document = place.mirror(&["--write"]).expect(0);
        assert_eq!(outcomes(&document), ["1 uploaded", "2 uploaded"]);
        for (version, bytes) in [("1", &small), ("2", &large)] {
            let name = object(version, bytes);
            assert_eq!(place.read(&name).as_ref(), Some(bytes), "{kind:?}");
            assert!(&place.read_by_standard_client(&name) == bytes, "{kind:?}");
            let line = format!("    mirror_url: https://mirror.example/{name}\n");
            assert!(place.definition("Alpha").contains(&line), "{kind:?}");
        }
        // Nothing else of the file has changed.
        let kept: Vec<_> = place
            .definition("Alpha")
            .lines()
            .map(str::to_owned)
            .collect();
        let kept: Vec<_> = kept
            .iter()
            .filter(|line| !line.contains("mirror_url"))
            .collect();
        assert_eq!(kept, before.lines().collect::<Vec<_>>());

        place.store.take();
        let document = place.mirror(&["--write"]).expect(0);
        assert_eq!(outcomes(&document), ["1 current", "2 current"]);
        assert!(!place.store.seen().iter().any(crate::proxy::Seen::is_write));
        // Nor how long a page of a list is: an operator may have less than Swift's own.
        assert!(
            !place
                .store
                .take()
                .iter()
                .any(|seen| seen.query.contains("limit="))
        );
        let document = place.mirror(&["--check"]).expect(0);
        assert_eq!(outcomes(&document), ["1 proven", "2 proven"]);
        assert_eq!(document["images"][0]["named"], false);
    }
}

#[test]
fn wrong_bytes_never_become_an_object_and_nothing_of_them_stays() {
    for kind in KINDS {
        let place = Place::new(kind, "wrong");
        let large = bytes(17);
        let versions = [
            place.stage.publish("1", b"expected"),
            place.stage.publish("2", &large),
            place.stage.publish("3", b"right"),
        ];
        place.stage.publish("1", b"another one");
        place
            .stage
            .publish("2", &[&large[..16 << 20], b"another end"].concat());
        place.stage.define("Alpha", "", &versions);
        let document = place.mirror(&["--write"]).expect(3);
        assert_eq!(outcomes(&document), ["1 failed", "2 failed", "3 uploaded"]);
        let error = document["images"][1]["error"].as_str().unwrap();
        assert!(error.contains("/2.img` was not mirrored") && error.contains("expected `sha256:"));
        // Neither as an object, nor as parts of one.
        assert_eq!(place.all(), [object("3", b"right")], "{kind:?}");
        assert_eq!(place.definition("Alpha").matches("mirror_url").count(), 1);
    }
}

#[test]
fn mirror_url_is_written_only_where_readers_reach_the_object() {
    for kind in KINDS {
        let place = Place::new(kind, "private");
        place.change(&[("x-container-read", "")]);
        place
            .stage
            .define("Alpha", "", &[place.stage.publish("1", b"one")]);
        let document = place.mirror(&["--write"]).expect(3);
        assert_eq!(outcomes(&document), ["1 uploaded"]);
        assert_eq!(rules(&document), ["mirror-unreadable"]);
        assert!(!place.definition("Alpha").contains("mirror_url"));
        // Once they do, the next run writes it and uploads nothing.
        place.change(&[("x-container-read", ".r:*")]);
        place.store.take();
        assert_eq!(
            outcomes(&place.mirror(&["--write"]).expect(0)),
            ["1 current"]
        );
        assert!(!place.store.take().iter().any(crate::proxy::Seen::is_write));
        assert!(place.definition("Alpha").contains("mirror_url"));
    }
}

#[test]
fn an_object_that_is_damaged_or_gone_is_found_by_reading() {
    for kind in KINDS {
        let place = Place::new(kind, "damaged");
        let versions = [
            place.stage.publish("1", b"one"),
            place.stage.publish("2", b"two"),
            place.stage.publish("3", b"three"),
        ];
        place.stage.define("Alpha", "", &versions);
        place.mirror(&["--write"]).expect(0);
        // The mark says what it was.
        let name = object("1", b"one");
        let mark = format!("sha256:{}", hex(&Sha256::digest(b"one")));
        place.put(&name, b"0ne", &[("x-object-meta-reglaze-checksum", &mark)]);
        let gone = format!("/p/{}", object("2", b"two"));
        place.call(Method::DELETE, &gone, &[], Vec::new());
        let document = place.mirror(&["--check"]).expect(3);
        assert_eq!(outcomes(&document), ["1 failed", "2 failed", "3 proven"]);
        assert_eq!(rules(&document), ["mirror-wrong", "mirror-missing"]);
        let message = document["findings"][0]["message"].as_str().unwrap();
        assert!(
            message.contains(&name) && message.contains(&mark),
            "{message}"
        );
        // What is gone is brought again.
        let document = place.mirror(&["--write"]).expect(0);
        assert_eq!(
            outcomes(&document),
            ["1 current", "2 uploaded", "3 current"]
        );
    }
}

#[test]
fn only_our_own_objects_that_nobody_names_for_long_are_removed() {
    for kind in KINDS {
        let place = Place::new(kind, "prune");
        let large = bytes(9);
        let versions = [
            place.stage.publish("1", b"one"),
            place.stage.publish("2", &large),
            place.stage.publish("3", b"three"),
        ];
        place.stage.define("Alpha", "", &versions);
        place.mirror(&["--write"]).expect(0);
        place.put("by/somebody.img", b"theirs", &[]);
        place.stage.define("Alpha", "", &versions[..1]);
        let later = ["--prune", "--today", "2035-01-01"];

        // Of today they are, then too many, then it is not said that they may go.
        place.mirror(&["--prune", "--write"]).expect(0);
        place.settings("  deletions: 1\n");
        let document = place.mirror(&[&later[..], &["--write"]].concat()).expect(3);
        assert_eq!(rules(&document), ["mirror-prune"]);
        place.settings("");
        assert_eq!(
            place.mirror(&later).expect(2)["removed"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        assert_eq!(place.objects().len(), 4);
        // Nobody knows what a name that cannot be made would have named.
        place.stage.define("Alpha", "", &versions[..1]);
        place.settings("  name: \"{shortname}/{filename}\"\n");
        let document = place.mirror(&[&later[..], &["--write"]].concat()).expect(3);
        assert_eq!(rules(&document), ["mirror-name", "mirror-prune"]);
        place.settings("");
        place.mirror(&["--prune", "--filter", "x"]).expect(1);
        assert!(place.objects().contains(&object("1", b"one")));

        place.mirror(&[&later[..], &["--write"]].concat());
        let mut expected = vec!["by/somebody.img".to_owned(), object("1", b"one")];
        expected.sort();
        assert_eq!(place.all(), expected, "{kind:?}");
    }
}

#[test]
fn a_mirror_of_openstack_image_manager_is_taken_over_without_an_upload() {
    let template = "  name: \"openstack-images/{shortname}/{version}-{shortname}.{extension}\"\n";
    for kind in KINDS {
        let place = Place::new(kind, "oim");
        place.settings(template);
        let versions = [
            place.stage.publish("1", b"one"),
            place.stage.publish("2", b"two"),
            place.stage.publish("3", b"three"),
        ];
        let named =
            "    mirror_url: https://mirror.example/openstack-images/alpha/3-own-name.img\n";
        let versions = [
            versions[0].clone(),
            versions[1].clone(),
            versions[2].clone() + named,
        ];
        place
            .stage
            .define("Alpha", "  shortname: alpha\n", &versions);
        place.put("openstack-images/alpha/1-alpha.img", b"one", &[]);
        place.put("openstack-images/alpha/2-alpha.img", b"not two", &[]);
        place.put("openstack-images/alpha/3-own-name.img", b"three", &[]);
        let document = place.mirror(&[]).expect(2);
        assert_eq!(outcomes(&document), ["1 proven", "2 proven", "3 current"]);
        place.store.take();
        let document = place.mirror(&["--write"]).expect(3);
        assert_eq!(outcomes(&document), ["1 proven", "2 failed", "3 current"]);
        assert!(!place.store.take().iter().any(crate::proxy::Seen::is_write));
        assert_eq!(place.definition("Alpha").matches("mirror_url").count(), 2);
        assert_eq!(
            place.read("openstack-images/alpha/2-alpha.img").unwrap(),
            b"not two"
        );
        // Nothing of it is ours, so nothing of it is removed.
        place
            .stage
            .define("Alpha", "  shortname: alpha\n", &versions[..1]);
        place
            .mirror(&["--prune", "--write", "--today", "2035-01-01"])
            .expect(0);
        assert_eq!(place.objects().len(), 3);
    }
}

#[test]
fn what_nobody_could_look_at_is_told_by_check_and_not_left_out() {
    for kind in KINDS {
        let place = Place::new(kind, "unseen");
        place
            .stage
            .define("Alpha", "", &[place.stage.publish("1", b"one")]);
        place.put(&object("1", b"one"), b"one", &[]);
        place.store.answer_where(|seen| {
            let is_it = seen.method == "HEAD" && seen.path.ends_with("/1.img");
            is_it.then(|| crate::proxy::answer(403, ""))
        });
        let document = place.mirror(&["--check"]).expect(3);
        assert_eq!(outcomes(&document), ["1 failed"], "{kind:?}");
    }
}

#[test]
fn places_of_others_stay_and_ours_is_named_beside_them() {
    for kind in KINDS {
        let place = Place::new(kind, "beside");
        let version = |version: &str, more: &str| place.stage.publish(version, b"one") + more;
        let versions = [
            version("1", "    mirror_url: https://other.example/1.img\n"),
            version("2", "    mirror_url:\n    - https://other.example/2.img\n"),
        ];
        place.stage.define("Alpha", "", &versions);
        let document = place.mirror(&["--write"]).expect(0);
        assert_eq!(document["images"][1]["named"], true);
        let [first, second] =
            ["1", "2"].map(|version| format!("https://mirror.example/{}", object(version, b"one")));
        let text = place.definition("Alpha");
        for line in [
            format!("    mirror_url: [https://other.example/1.img, {first}]\n"),
            format!("    - https://other.example/2.img\n    - {second}\n"),
        ] {
            assert!(text.contains(&line), "{text}");
        }
        let document = place.mirror(&["--write"]).expect(0);
        assert_eq!(outcomes(&document), ["1 current", "2 current"]);
        assert_eq!(place.definition("Alpha"), text);
    }
}

#[test]
fn where_nothing_can_be_named_what_is_only_to_be_read_is_no_change() {
    let place = Place::new(Kind::Swift, "nameless");
    let text = std::fs::read_to_string(place.stage.path("reglaze.yml")).unwrap();
    let text = text.replace("  public_url: https://mirror.example/\n", "");
    place.stage.write("reglaze.yml", &text);
    place
        .stage
        .define("Alpha", "", &[place.stage.publish("1", b"one")]);
    place.put(&object("1", b"one"), b"one", &[]);
    assert_eq!(outcomes(&place.mirror(&[]).expect(0)), ["1 proven"]);
    assert_eq!(
        outcomes(&place.mirror(&["--write"]).expect(0)),
        ["1 proven"]
    );
}

#[test]
fn settings_that_are_missing_or_contradict_are_said_in_one_sentence() {
    let place = Place::new(Kind::S3, "settings");
    place.stage.define("Alpha", "", &[]);
    let told = |ended: crate::stage::Ended| {
        let document = ended.expect(1);
        document["findings"][0]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(told(place.mirror(&["--check", "--write"])).contains("--check was given with --write"));
    assert!(told(place.mirror(&["--prune", "--shard", "1/2"])).contains("--prune was given with"));
    // What `plan` refuses.
    let version = "  - version: '1'\n    url: https://images.example/1.img\n".to_owned();
    place.stage.define("Alpha", "", &[version]);
    for command in ["plan", "mirror"] {
        let document = place.stage.reglaze(&[command]).expect(1);
        assert_eq!(
            crate::stage::rules(&document),
            ["missing-checksum"],
            "{command}"
        );
    }
    place.stage.write("reglaze.yml", "tag: x\n");
    assert!(told(place.mirror(&[])).contains("the settings have no `mirror`"));
}
