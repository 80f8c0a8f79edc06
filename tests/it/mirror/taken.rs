//! Objects that come while one of the same name is on its way: they stay.

use super::faults::is_part;
use super::object;
use super::place::{KINDS, Kind, Place, bytes, outcomes};
use crate::proxy::{Moment, Seen};
use crate::stage::rules;

/// An image, and the first call before which another object comes.
type Case<'a> = (&'a [u8], fn(&Seen) -> bool);

/// Whether it makes an object visible.
fn publishes(seen: &Seen) -> bool {
    let is_whole = seen.method == "PUT" && seen.path.ends_with("/2.img") && !is_part(seen);
    is_whole || seen.method == "POST" && seen.query.contains("uploadId=")
}

#[test]
fn an_object_that_comes_meanwhile_is_not_overwritten() {
    let large = bytes(9);
    // In one piece and in parts; before the last question, and between it and the call that would publish.
    let cases: [Case; 3] = [(b"two", publishes), (&large, is_part), (&large, publishes)];
    for kind in KINDS {
        for (image, moment) in cases {
            let place = Place::new(kind, "taken");
            let versions = [
                place.stage.publish("1", b"one"),
                place.stage.publish("2", image),
            ];
            place.stage.define("Alpha", "", &versions);
            let name = object("2", image);
            let theirs = place.putter(&name, b"theirs");
            place.store.strike_where(moment, Moment::Before, theirs);
            let document = place.mirror(&["--write"]).expect(3);
            assert_eq!(
                outcomes(&document),
                ["1 uploaded", "2 failed"],
                "{document:#}"
            );
            assert_eq!(rules(&document), ["mirror-taken"]);
            assert_eq!(place.read(&name).unwrap(), b"theirs", "{kind:?}");
            assert_eq!(place.definition("Alpha").matches("mirror_url").count(), 1);
            // Nothing of ours is left beside it.
            assert_eq!(place.all().len(), 2, "{:?}", place.all());
            if kind == Kind::S3 {
                assert_eq!(place.unfinished(), [""; 0]);
            }
        }
    }
}

#[test]
fn a_store_that_knows_no_conditions_is_written_to_without() {
    let place = Place::new(Kind::S3, "unconditional");
    let large = bytes(9);
    let versions = [
        place.stage.publish("1", b"one"),
        place.stage.publish("2", &large),
    ];
    place.stage.define("Alpha", "", &versions);
    place.store.answer_where(|seen| {
        let is_it = seen.headers.contains_key("if-none-match");
        is_it.then(|| crate::proxy::answer(501, ""))
    });
    place.mirror(&["--write"]).expect(0);
    assert!(place.read(&object("2", &large)) == Some(large));
}

#[test]
fn what_another_run_has_brought_meanwhile_is_enough() {
    let large = bytes(9);
    for kind in KINDS {
        let place = Place::new(kind, "faster");
        let version = place.stage.publish("2", &large);
        place
            .stage
            .define("Alpha", "", std::slice::from_ref(&version));
        let mut other = place.command(&["--write"]);
        place
            .store
            .strike_where(publishes, Moment::Before, move || {
                assert!(other.output().unwrap().status.success());
            });
        let document = place.mirror(&["--write"]).expect(0);
        assert_eq!(outcomes(&document), ["2 uploaded"]);
        assert!(place.read(&object("2", &large)).as_ref() == Some(&large));
        place.mirror(&["--check"]).expect(0);
    }
}
