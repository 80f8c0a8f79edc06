use super::super::record::{SINCE, STAGE};
use super::*;

fn image(properties: &[(&str, &str)]) -> CloudImage {
    CloudImage {
        properties: properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..CloudImage::default()
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn binds(properties: &[(&str, &str)], position: usize, today: &str) -> bool {
    of_uuid(&image(properties), position, day(today)).is_some()
}

#[test]
fn no_word_and_none_promise_nothing() {
    assert!(!binds(&[], 0, "2026-11-21"));
    assert!(!binds(&[(UUID_VALIDITY, "none")], 0, "2026-11-21"));
}

#[test]
fn last_counts_replaced_images_beside_the_newest() {
    let binding: Vec<_> = (0..5)
        .map(|position| binds(&[(UUID_VALIDITY, "last-2")], position, "2026-11-21"))
        .collect();
    assert_eq!(binding, [true, true, true, false, false]);
}

#[test]
fn last_ends_with_a_passed_provided_until() {
    let promise = [(UUID_VALIDITY, "last-3"), (PROVIDED_UNTIL, "2026-11-21")];
    assert!(binds(&promise, 1, "2026-11-21"));
    assert!(!binds(&promise, 1, "2026-11-22"));
    let promise = [(UUID_VALIDITY, "last-3"), (PROVIDED_UNTIL, "none")];
    assert!(binds(&promise, 1, "2026-11-22"));
}

#[test]
fn a_date_is_the_last_day() {
    let promise = [(UUID_VALIDITY, "2026-11-21")];
    assert!(binds(&promise, 9, "2026-11-21"));
    assert!(!binds(&promise, 9, "2026-11-22"));
}

#[test]
fn a_notice_counts_from_the_day_after_it_was_written() {
    let noticed = [
        (UUID_VALIDITY, "notice"),
        (DEPRECATED, "True"),
        (STAGE, "older"),
        (SINCE, "2026-11-20"),
    ];
    assert!(binds(&[(UUID_VALIDITY, "notice")], 1, "2026-11-21"));
    assert!(binds(&noticed, 1, "2026-11-20"));
    assert!(!binds(&noticed, 1, "2026-11-21"));
}

#[test]
fn for_ever_and_what_nobody_can_read_never_end() {
    for word in ["forever", "last-few", "2026-13-01", ""] {
        let promise = image(&[(UUID_VALIDITY, word), (PROVIDED_UNTIL, "2020-01-01")]);
        let bond = of_uuid(&promise, 99, day("2099-01-01")).unwrap();
        assert_eq!(bond.ends, None, "{word}");
        assert_eq!(unreadable(&promise).is_some(), word != "forever");
    }
}

#[test]
fn a_name_is_provided_to_its_day_or_to_its_notice() {
    let provided = |value: &str, today: &str| {
        of_name(&image(&[(PROVIDED_UNTIL, value)]), day(today)).is_some()
    };
    assert!(provided("2026-11-21", "2026-11-21"));
    assert!(!provided("2026-11-21", "2026-11-22"));
    assert!(!provided("none", "2026-11-21"));
    assert!(provided("notice", "2026-11-21"));
}

#[test]
fn a_promise_that_was_made_is_not_taken_back_by_an_edit() {
    let kept = |old: &str, new: &str| {
        let mut properties = image(&[(UUID_VALIDITY, new)]).properties;
        let kept = keep(
            &image(&[(UUID_VALIDITY, old)]),
            1,
            day("2026-11-21"),
            &mut properties,
        );
        assert_eq!(
            properties[UUID_VALIDITY] == old,
            old == new || !kept.is_empty()
        );
        !kept.is_empty()
    };
    assert!(kept("last-3", "last-2") && kept("last-3", "none") && kept("forever", "last-3"));
    assert!(kept("2027-01-01", "2026-12-31") && kept("notice", "none"));
    assert!(!kept("last-2", "last-3") && !kept("none", "forever") && !kept("last-2", "forever"));
    assert!(!kept("2026-11-20", "none"), "a date that has passed");
    let mut dropped = BTreeMap::new();
    keep(
        &image(&[(UUID_VALIDITY, "last-3")]),
        1,
        day("2026-11-21"),
        &mut dropped,
    );
    assert_eq!(dropped[UUID_VALIDITY], "last-3");
}

#[test]
fn a_day_to_which_a_name_is_provided_is_not_brought_forward() {
    let provided = |new: &str| {
        let mut properties = image(&[(PROVIDED_UNTIL, new)]).properties;
        keep(
            &image(&[(PROVIDED_UNTIL, "2027-01-01")]),
            0,
            day("2026-11-21"),
            &mut properties,
        );
        properties[PROVIDED_UNTIL].clone()
    };
    assert_eq!(provided("2026-12-01"), "2027-01-01");
    assert_eq!(provided("none"), "2027-01-01");
    assert_eq!(provided("2028-01-01"), "2028-01-01");
}
