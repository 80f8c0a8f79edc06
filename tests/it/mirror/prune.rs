//! What `--prune` must not remove, and what it says of what it did not.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use super::object;
use super::place::{KINDS, Kind, Place, outcomes};
use crate::proxy::Moment;
use crate::stage::{Ended, hex, rules};

const LATER: [&str; 4] = ["--prune", "--write", "--today", "2035-01-01"];

/// What became of each object that nobody names.
fn removed(document: &serde_json::Value) -> Vec<String> {
    let removed = document["removed"].as_array().unwrap();
    let outcome = |one: &serde_json::Value| one["outcome"].as_str().unwrap().to_owned();
    removed.iter().map(outcome).collect()
}

/// Puts an object there that we have brought once, and that nobody wants any more.
fn put_ours(place: &Place, name: &str, bytes: &[u8]) {
    let mark = format!("sha256:{}", hex(&Sha256::digest(bytes)));
    place.put(name, bytes, &[("x-object-meta-reglaze-checksum", &mark)]);
}

#[test]
fn what_is_wanted_by_its_digest_or_named_by_any_of_several_urls_stays() {
    for kind in KINDS {
        let place = Place::new(kind, "listed");
        let version = place.stage.publish("1", b"one");
        put_ours(&place, &object("1", b"one"), b"one");
        put_ours(&place, "second/place.img", b"of an old digest");
        put_ours(&place, "nobody/wants.img", b"another");
        // As after another template: all names are new.
        place.settings("  name: \"{version}/{digest}.img\"\n");
        let urls = "    mirror_url: [https://mirror.example/first.img, https://mirror.example/second/place.img]\n";
        let second = place.stage.publish("2", b"two") + urls;
        place.stage.define("Alpha", "", &[version, second]);
        let document = place.mirror(&LATER).expect(0);
        assert_eq!(removed(&document), ["removed"], "{document:#}");
        assert!(place.objects().contains(&object("1", b"one")));
        assert!(place.objects().contains(&"second/place.img".to_owned()));
        assert!(!place.objects().contains(&"nobody/wants.img".to_owned()));
    }
}

#[test]
fn a_part_of_the_catalogue_removes_nothing_of_the_rest() {
    let place = Place::new(Kind::S3, "part");
    let versions = ["1", "2"].map(|version| place.stage.publish(version, version.as_bytes()));
    place.stage.define("Alpha", "", &versions[..1]);
    place.stage.define("Beta", "", &versions[1..]);
    place.mirror(&["--write"]).expect(0);
    let one = [&LATER[..], &["--images", "images/Alpha.yml"]].concat();
    let document = place.mirror(&one).expect(1);
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("--prune was given with --images images/Alpha.yml"),
        "{message}"
    );
    let mut command = place.command(&LATER);
    let output = command.env("REGLAZE_IMAGES", "images/Beta.yml").output();
    assert_eq!(Ended::from(output.unwrap()).code, 1);
    assert_eq!(place.objects().len(), 2);
    // Said again, the whole is the whole.
    let all = [&LATER[..], &["--images", "./images/"]].concat();
    assert_eq!(removed(&place.mirror(&all).expect(0)), [""; 0]);
    assert_eq!(place.objects().len(), 2);
}

#[test]
fn nothing_is_removed_where_something_failed() {
    for kind in KINDS {
        let place = Place::new(kind, "failed");
        let versions = [
            place.stage.publish("1", b"one"),
            place.stage.publish("2", b"expected"),
        ];
        place.stage.publish("2", b"another one");
        place.stage.define("Alpha", "", &versions);
        put_ours(&place, "nobody/wants.img", b"another");
        let document = place.mirror(&LATER).expect(3);
        assert_eq!(outcomes(&document), ["1 uploaded", "2 failed"]);
        assert_eq!(rules(&document), ["mirror-prune"]);
        assert_eq!(removed(&document), [""; 0]);
        assert!(place.objects().contains(&"nobody/wants.img".to_owned()));
    }
}

#[test]
fn one_object_that_cannot_be_looked_at_or_removed_is_told_and_the_rest_is_done() {
    for kind in KINDS {
        let place = Place::new(kind, "odd");
        place
            .stage
            .define("Alpha", "", &[place.stage.publish("1", b"one")]);
        for name in ["a.img", "b.img", "c.img", "of//nobody.img"] {
            put_ours(&place, name, name.as_bytes());
        }
        place.store.answer_where(|seen| {
            let is_it = seen.method == "HEAD" && seen.path.ends_with("/a.img")
                || seen.method == "DELETE" && seen.path.ends_with("/b.img");
            is_it.then(|| crate::proxy::answer(403, ""))
        });
        let document = place.mirror(&LATER).expect(3);
        assert_eq!(outcomes(&document), ["1 uploaded"]);
        assert!(place.definition("Alpha").contains("mirror_url"));
        assert_eq!(removed(&document), ["failed", "failed", "removed"]);
        assert_eq!(rules(&document), ["mirror-prune", "mirror-prune"]);
        let message = document["findings"][0]["message"].as_str().unwrap();
        assert!(
            message.contains("a.img") && message.contains("403"),
            "{message}"
        );
        let left = place.objects();
        assert!(!left.contains(&"c.img".to_owned()), "{left:?}");
        assert!(left.contains(&"of//nobody.img".to_owned()), "{left:?}");
    }
}

#[test]
fn a_run_that_is_asked_to_end_tells_what_it_did_not_remove() {
    for kind in KINDS {
        let place = Place::new(kind, "asked");
        place.stage.define("Alpha", "", &[]);
        for name in ["a.img", "b.img", "c.img"] {
            put_ours(&place, name, name.as_bytes());
        }
        let process: Arc<Mutex<Option<u32>>> = Arc::default();
        let asked = Arc::clone(&process);
        let mut guard = process.lock().unwrap();
        let is_it = |seen: &crate::proxy::Seen| seen.method == "DELETE";
        place.store.strike_where(is_it, Moment::After, move || {
            let id = asked.lock().unwrap().unwrap().to_string();
            let status = Command::new("kill").args(["-TERM", &id]).status();
            assert!(status.unwrap().success());
            // The signal arrives before the answer is tried for again.
            std::thread::sleep(std::time::Duration::from_millis(100));
        });
        let child = place
            .command(&LATER)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        *guard = Some(child.id());
        drop(guard);
        let document = Ended::from(child.wait_with_output().unwrap()).expect(3);
        assert_eq!(
            removed(&document),
            ["removed", "skipped", "skipped"],
            "{kind:?}"
        );
        assert_eq!(
            document["removed"][1]["error"],
            "the run was stopped; run it again to go on"
        );
        assert_eq!(place.objects(), ["b.img", "c.img"]);
    }
}

#[test]
fn markdown_says_what_would_be_removed_before_and_what_was_after() {
    let place = Place::new(Kind::Swift, "told");
    place.stage.define("Alpha", "", &[]);
    put_ours(&place, "a.img", b"a");
    let told = |more: &[&str]| {
        let arguments = [
            "mirror",
            "--prune",
            "--today",
            "2035-01-01",
            "--format",
            "markdown",
        ];
        let arguments = [&arguments[..], more].concat();
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        place.stage.reglaze_as(&arguments).stdout
    };
    let before = told(&[]);
    assert!(before.contains("- to remove: object a.img"), "{before}");
    let after = told(&["--write"]);
    assert!(after.contains("- removed: object a.img"), "{after}");
}
