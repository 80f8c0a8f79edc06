//! A Swift without static large objects: an object that points to a folder, and where there is none of these either, one piece.

use crate::proxy::{Fault, Moment, Seen, answer, answer_with};
use crate::stage::rules;

use super::object;
use super::place::{Kind, Place, bytes, outcomes};

/// The size of segments where readers get one in a second.
const SEGMENT: usize = 32 << 20;

/// A place in a Swift that has no `slo`; `has_dynamic`: that has no `dlo` either.
fn place(name: &str, has_dynamic: bool) -> Place {
    let place = Place::new(Kind::Swift, name);
    limit(&place, has_dynamic);
    open(&place);
    place
}

/// Who reads an object that points to a folder reads a list of the folder.
fn open(place: &Place) {
    place.change(&[("x-container-read", ".r:*,.rlistings")]);
}

/// What the store then says and refuses. Real Swifts do not tell of `dlo`.
fn limit(place: &Place, has_dynamic: bool) {
    place.store.answer_where(move |seen| {
        if seen.path == "/info" {
            let info =
                r#"{"swift": {"max_file_size": 12582912, "container_listing_limit": 10000}}"#;
            let info = if has_dynamic {
                info.replace("12582912", "5368709122")
            } else {
                info.to_owned()
            };
            return Some(answer_with(200, "content-type", "application/json", info));
        }
        if seen.query.contains("multipart-manifest=put") {
            return Some(answer(400, "no such thing here"));
        }
        let is_tried = seen.method == "HEAD" && seen.path.ends_with("/.segments/.try");
        (is_tried && !has_dynamic).then(|| answer_with(200, "content-length", "2", ""))
    });
}

/// Whether it is of the folder of segments, or lies in it.
fn is_hidden(seen: &Seen) -> bool {
    seen.path.contains("/.segments/")
}

fn is_segment(seen: &Seen) -> bool {
    seen.method == "PUT" && is_hidden(seen) && seen.path.rsplit('/').next().unwrap().len() == 8
}

#[test]
fn a_swift_without_static_large_objects_gets_dynamic_ones() {
    let place = place("dynamic", true);
    let large = bytes(33);
    let versions = [
        place.stage.publish("1", b"a small one"),
        place.stage.publish("2", &large),
    ];
    place.stage.define("Alpha", "", &versions);
    place.mirror(&["--write"]).expect(0);
    let name = object("2", &large);
    assert!(place.read(&name).as_ref() == Some(&large));
    assert!(place.read_by_standard_client(&name) == large);
    assert_eq!(place.objects(), {
        let mut names = [object("1", b"a small one"), name.clone()];
        names.sort();
        names
    });
    // Two segments, and nothing of what was tried.
    assert_eq!(place.all().len(), 4, "{:?}", place.all());
    let document = place.mirror(&["--check"]).expect(0);
    assert_eq!(outcomes(&document), ["1 proven", "2 proven"]);
    assert_eq!(
        outcomes(&place.mirror(&["--write"]).expect(0)),
        ["1 current", "2 current"]
    );

    place.stage.define("Alpha", "", &versions[..1]);
    place.store.take();
    let later = ["--write", "--prune", "--today", "2035-01-01"];
    let document = place.mirror(&later).expect(0);
    assert_eq!(document["removed"].as_array().unwrap().len(), 1);
    assert_eq!(place.all(), [object("1", b"a small one")]);
    let removals = place.store.take();
    let mut removals = removals.iter().filter(|seen| seen.method == "DELETE");
    assert!(removals.next().unwrap().path.ends_with(&name));
    assert!(removals.all(is_hidden));
}

#[test]
fn a_dynamic_object_is_whole_or_not_there_wherever_a_run_dies() {
    let mut place = place("dynamic-dies", true);
    let large = bytes(33);
    let (version, name) = (place.stage.publish("1", &large), object("1", &large));
    let define = |place: &Place| {
        let versions = std::slice::from_ref(&version);
        place.stage.define("Alpha", "", versions);
    };
    define(&place);
    place.store.take();
    place.mirror(&["--write"]).expect(0);
    let calls = place.store.take();
    let writes: Vec<&Seen> = calls.iter().filter(|seen| seen.is_write()).collect();
    let is_manifest = |seen: &Seen| seen.path.ends_with("/1.img");
    let last = writes.iter().position(|seen| is_manifest(seen)).unwrap();
    // The manifest is the last of all: the try, two segments, and what is tried of them come before.
    assert_eq!((last, writes.len()), (6, 7));
    for at in 0..writes.len() {
        for moment in [Moment::Before, Moment::After] {
            place.renew("dynamic-dies");
            open(&place);
            define(&place);
            let mut left = at;
            place.store.heal();
            // The rule that strikes comes first only where no other answers: these are no writes.
            limit(&place, true);
            place.killed(&["--write"], moment, move |seen| {
                if !seen.is_write() {
                    return false;
                }
                left = left.wrapping_sub(1);
                left == usize::MAX
            });
            limit(&place, true);
            let point = format!("write {at} {moment:?}");
            let is_there = at == last && moment == Moment::After;
            let found = place.read(&name);
            assert!(found == is_there.then(|| large.clone()), "{point}");
            let before = place.all();
            place.store.take();
            place.mirror(&["--write"]).expect(0);
            assert!(place.read(&name).as_ref() == Some(&large), "{point}");
            // What lay there was not sent again.
            let there = before
                .iter()
                .filter(|one| one.ends_with("/00000001") || one.ends_with("/00000002"));
            let sent = place.store.take();
            let sent = sent.iter().filter(|seen| is_segment(seen)).count();
            let expected = if is_there { 0 } else { 2 - there.count() };
            assert_eq!(sent, expected, "{point}");
            // Nothing is left of what was tried.
            assert_eq!(place.all().len(), 3, "{point}: {:?}", place.all());
        }
    }
}

#[test]
fn segments_whose_manifest_is_removed_already_go_with_the_next_run() {
    let place = place("dynamic-prune", true);
    place
        .stage
        .define("Alpha", "", &[place.stage.publish("1", &bytes(33))]);
    place.mirror(&["--write"]).expect(0);
    place.stage.define("Alpha", "", &[]);
    let later = ["--write", "--prune", "--today", "2035-01-01"];
    let is_it = |seen: &Seen| seen.method == "DELETE" && is_hidden(seen);
    place.killed(&later, Moment::Before, is_it);
    assert!(place.objects().is_empty());
    assert_eq!(place.all().len(), 2);
    let document = place.mirror(&later).expect(0);
    assert_eq!(document["removed"][0]["kind"], "upload");
    assert!(place.all().is_empty());
}

#[test]
fn what_else_lies_in_the_folder_does_not_become_a_part_of_the_object() {
    let place = place("dynamic-stray", true);
    let large = bytes(33);
    let version = place.stage.publish("1", &large);
    place
        .stage
        .define("Alpha", "", std::slice::from_ref(&version));
    let name = object("1", &large);
    let digest = name.split('/').nth(1).unwrap().to_owned();
    let folder = format!(".segments/{name}/{digest}-{SEGMENT}");
    place.put(&format!("{folder}/00000002"), b"of other bytes", &[]);
    place.put(&format!("{folder}/00000003"), b"of a longer one", &[]);
    place.mirror(&["--write"]).expect(0);
    assert!(place.read(&name).as_ref() == Some(&large));
}

#[test]
fn a_list_that_lags_behind_lets_nothing_half_made_be_seen() {
    let place = place("dynamic-lags", true);
    let large = bytes(33);
    place
        .stage
        .define("Alpha", "", &[place.stage.publish("1", &large)]);
    // Of the folder Swift itself sees one segment less than was written.
    place.store.answer_where(|seen| {
        let is_tried = seen.method == "HEAD" && is_hidden(seen) && !seen.path.ends_with("/.try");
        is_tried.then(|| answer_with(200, "content-length", &SEGMENT.to_string(), ""))
    });
    let document = place.mirror(&["--write"]).expect(1);
    let error = document["images"][0]["error"].as_str().unwrap();
    assert!(
        error.contains("run again") && error.contains("lists are up to date"),
        "{error}"
    );
    assert!(place.objects().is_empty());
    place.store.heal();
    limit(&place, true);
    place.store.take();
    place.mirror(&["--write"]).expect(0);
    assert!(!place.store.take().iter().any(is_segment));
    assert!(place.read(&object("1", &large)) == Some(large));
}

#[test]
fn where_nothing_is_made_of_segments_an_image_goes_in_one_piece_or_is_said_to_be_too_large() {
    let place = place("whole", false);
    let (fits, large, wrong) = (bytes(9), bytes(17), bytes(10));
    let versions = [
        place.stage.publish("1", &fits),
        place.stage.publish("2", &large),
        place.stage.publish("3", &wrong),
    ];
    place.stage.publish("3", &[&wrong[1..], b"x"].concat());
    place.stage.define("Alpha", "", &versions);
    // It breaks off once: nothing of it is there.
    let is_it = |seen: &Seen| seen.method == "PUT" && seen.path.ends_with("/1.img");
    place.store.fail_where(is_it, Fault::CutWithin);
    let document = place.mirror(&["--write"]).expect(1);
    assert_eq!(outcomes(&document), ["1 failed", "2 failed", "3 failed"]);
    assert!(place.all().is_empty(), "{:?}", place.all());

    let document = place.mirror(&["--write"]).expect(3);
    assert_eq!(outcomes(&document), ["1 uploaded", "2 failed", "3 failed"]);
    let error = |at: usize| document["images"][at]["error"].as_str().unwrap();
    assert!(
        error(1).contains("larger than 12582912 bytes"),
        "{}",
        error(1)
    );
    assert!(
        error(1).contains("have `slo` enabled there"),
        "{}",
        error(1)
    );
    assert!(error(2).contains("expected `sha256:"), "{}", error(2));
    assert!(place.read(&object("1", &fits)) == Some(fits.clone()));
    assert_eq!(place.all(), [object("1", &fits)]);
    place.stage.define("Alpha", "", &versions[..1]);
    assert!(rules(&place.mirror(&["--check"]).expect(0)).is_empty());
}

#[test]
fn a_swift_that_tells_nothing_of_itself_is_told_the_digest_of_what_it_makes() {
    let place = Place::new(Kind::Swift, "untold");
    place
        .store
        .answer_where(|seen| (seen.path == "/info").then(|| answer(403, "not for you")));
    let large = bytes(9);
    place
        .stage
        .define("Alpha", "", &[place.stage.publish("1", &large)]);
    place.mirror(&["--write"]).expect(0);
    assert!(place.read(&object("1", &large)) == Some(large));
    let calls = place.store.take();
    let manifest = calls
        .iter()
        .find(|seen| seen.query.contains("multipart-manifest=put"));
    assert!(manifest.unwrap().headers.contains_key("etag"));
}
