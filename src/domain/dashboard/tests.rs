use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn entry(image: &str, source: &str) -> Entry {
    Entry {
        image: image.to_owned(),
        source: source.to_owned(),
        version: Some("20260701".to_owned()),
        built: Some(day("2026-07-01")),
        promise: None,
        newer: None,
        failed: false,
        pull_request: None,
    }
}

fn dashboard() -> Dashboard {
    let entries = vec![
        Entry {
            promise: Some("weekly".to_owned()),
            newer: Some("20260725".to_owned()),
            pull_request: Some(7),
            ..entry("Ubuntu 24.04", "ubuntu")
        },
        Entry {
            failed: true,
            ..entry("Debian 13", "debian")
        },
        Entry {
            version: None,
            built: None,
            ..entry("Flatcar @all", "flatcar")
        },
    ];
    let before = [("debian".to_owned(), day("2026-07-20"))].into();
    Dashboard {
        looks: looked(&before, &entries, day("2026-07-27")),
        entries,
        findings: vec![
            Finding::error("upstream", "`https://cloud.debian.org` does not answer")
                .image("Debian 13"),
        ],
        questions: vec![
            Question::TakeOver {
                group: "ubuntu".to_owned(),
                number: 7,
            },
            Question::Reopen {
                number: 5,
                what: "Debian 13 20260701".to_owned(),
            },
        ],
        today: day("2026-07-27"),
    }
}

#[test]
fn it_shows_every_image_its_age_and_when_its_source_was_last_seen() {
    insta::assert_snapshot!(dashboard().text());
}

#[test]
fn ticked_boxes_are_read_and_others_are_not() {
    let text = dashboard().text();
    let asked = Asked::read(&text);
    assert!(asked.take_over.is_empty() && asked.reopen.is_empty());
    assert_eq!(asked.looks, dashboard().looks);
    let asked = Asked::read(&text.replace("- [ ]", "- [x]"));
    assert_eq!(asked.take_over, ["ubuntu".to_owned()].into());
    assert_eq!(asked.reopen, [5].into());
    assert!(is_ours(&text) && !is_ours("Somebody's issue"));
}

#[test]
fn a_source_that_does_not_answer_keeps_the_day_on_which_it_did() {
    let looks = dashboard().looks;
    assert_eq!(looks["debian"], day("2026-07-20"));
    assert_eq!(looks["ubuntu"], day("2026-07-27"));
}

#[test]
fn it_is_never_too_long_for_the_platform() {
    let mut long = dashboard();
    long.findings = vec![Finding::error("x", "y".repeat(2_000)); 500];
    long.entries = vec![long.entries[0].clone(); 200];
    let text = long.text();
    assert!(text.chars().count() <= 65_536, "{}", text.chars().count());
    assert!(text.contains("more, in the summary"));
}
