//! Lines of releases that end or appear, by what endoflife.date says; and what happens when it says nothing.

use std::time::{Duration, Instant};

use super::server::Reply;
use super::world::{World, pinned, product_url};

/// Ubuntu's lines as they were in July 2026, but for days that fit the tests.
const UBUNTU: [(&str, &str, &str, bool); 4] = [
    ("26.04", "2026-04-23", "2031-04-30", true),
    ("25.10", "2025-10-09", "2026-07-01", false),
    ("24.04", "2024-04-25", "2029-05-31", true),
    ("22.04", "2022-04-21", "2027-04-01", true),
];

fn world() -> World {
    let world = World::new(&pinned(&["20260725"]));
    world.ubuntu_daily("noble", &["20260725"]);
    world
}

#[test]
fn a_new_line_is_a_note_and_of_ubuntu_only_with_long_term_support() {
    let world = world();
    world.lines("ubuntu", &UBUNTU);
    let run = world.update(&[]);
    run.assert_ended(0, &[("note", "new-release-line", 4)]);
    let message = run.message("new-release-line");
    assert!(
        message.contains("`UBUNTU 26.04` with long-term support"),
        "{message}"
    );
    assert_eq!(world.update(&["--strict"]).code, 0);
    // Who has it already is not told, nor who looks at other images only.
    world.define(&format!(
        "{}  - name: Ubuntu 26.04\n    enable: false\n    format: qcow2\n    upstream: {{from: ubuntu, release: \"26.04\"}}\n    versions: []\n",
        pinned(&["20260725"])
    ));
    assert_eq!(world.update(&[]).findings(), []);
    assert_eq!(world.update(&["--filter=^Debian"]).findings(), []);
}

#[test]
fn a_line_that_has_ended_is_a_warning_and_one_that_will_soon_a_note() {
    let world = world();
    world.lines("ubuntu", &UBUNTU[2..]);
    let at = |day: &str| {
        let run = world.update(&[&format!("--today={day}"), "--filter=24.04"]);
        let found = run
            .findings()
            .into_iter()
            .filter(|(_, rule, _)| rule.starts_with("end"));
        let found: Vec<_> = found
            .map(|(level, rule, line)| format!("{level} {rule} {line}"))
            .collect();
        (run.code, found.join(", "))
    };
    assert_eq!(at("2029-03-01"), (0, String::new()));
    assert_eq!(at("2029-03-02"), (0, "note end-of-life-near 4".to_owned()));
    assert_eq!(at("2029-05-31"), (0, "warning end-of-life 4".to_owned()));
    let text = world.run(&["update", "--today=2029-06-01"]);
    assert!(
        text.stdout.contains("images/catalogue.yml:4:15: warning: the release line `UBUNTU 24.04` reached its end of life on 2029-05-31"),
        "{}",
        text.stdout
    );
}

#[test]
fn debian_ends_with_its_extended_support() {
    let debian = "images:\n  - name: Debian 13\n    format: qcow2\n    upstream: {from: debian, release: \"13\", stream: daily}\n    versions: []\n";
    let world = World::new(debian);
    world.debian_daily(&["20260717-2542"]);
    let document = r#"{"result": {"name": "debian", "label": "Debian", "releases": [
        {"name": "13", "releaseDate": "2025-08-09", "isLts": false, "isEol": true, "eolFrom": "2026-07-01", "isEoes": false, "eoesFrom": "2026-08-31"}]}}"#;
    world.server.body(&product_url("debian"), document);
    let run = world.update(&["--write"]);
    assert_eq!(
        run.findings(),
        [("note", "end-of-life-near", 4)],
        "{}",
        run.stdout
    );
    let message = run.message("end-of-life-near");
    assert!(
        message.contains("extended support on 2026-08-31, in 35 days"),
        "{message}"
    );
}

#[test]
fn a_product_that_was_renamed_is_followed_and_one_that_is_busy_is_waited_for() {
    let world = world();
    world.lines("ubuntu-linux", &UBUNTU);
    let (old, new) = (product_url("ubuntu"), product_url("ubuntu-linux"));
    let moved = |target: &str| {
        Reply::Answer(
            301,
            vec![("location".to_owned(), target.to_owned())],
            vec![],
        )
    };
    world.server.put(&old, moved(&new));
    assert_eq!(
        world.update(&[]).findings(),
        [("note", "new-release-line", 4)]
    );

    let busy = Reply::Answer(
        429,
        vec![("retry-after".to_owned(), "1".to_owned())],
        vec![],
    );
    world.server.put(&old, busy);
    world.server.forget();
    let run = world.update(&[]);
    run.assert_ended(0, &[("note", "endoflife-unknown", 4)]);
    assert!(world.server.counts()[&old] > 1, "it is asked again");

    world.server.put(&old, moved("https://evil.example/ubuntu"));
    let run = world.update(&[]);
    assert_eq!(
        run.findings(),
        [("note", "endoflife-unknown", 4)],
        "{}",
        run.stdout
    );
    world.server.assert_never_asked("evil");
}

#[test]
fn whatever_else_it_answers_is_a_note_and_never_a_failure() {
    let world = world();
    let url = product_url("ubuntu");
    let page = |status| {
        let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        Reply::Answer(status, headers, b"<!DOCTYPE html><html>no</html>".to_vec())
    };
    for (reply, expected) in [
        (page(404), "correct `endoflife`"),
        (page(200), "HTML page"),
        (Reply::Status(500), "500"),
        (Reply::Body(b"{".to_vec()), "breaks off"),
        (Reply::Body(b"[]".to_vec()), "`result.releases`"),
        (
            Reply::Body(br#"[{"cycle": "24.04", "eol": false}]"#.to_vec()),
            "`result.releases`",
        ),
        (Reply::Endless, "larger than"),
    ] {
        world.server.put(&url, reply);
        let run = world.update(&["--strict"]);
        run.assert_ended(0, &[("note", "endoflife-unknown", 4)]);
        let message = run.message("endoflife-unknown");
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn it_holds_up_nobody_when_it_does_not_answer() {
    let world = world();
    world.server.put(&product_url("ubuntu"), Reply::Held);
    let begin = Instant::now();
    let run = world.update(&[]);
    let took = begin.elapsed();
    world.server.release();
    run.assert_ended(0, &[("note", "endoflife-unknown", 4)]);
    assert!(
        run.message("endoflife-unknown").contains("in time"),
        "{}",
        run.stdout
    );
    // A document may take a minute; this one is not waited for.
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn it_is_asked_once_for_all_images_of_a_product_and_not_for_those_of_others() {
    let world = world();
    let more = "  - name: Ubuntu minimal\n    format: qcow2\n    upstream: {from: ubuntu, release: \"24.04\", variant: minimal, stream: daily}\n    versions: []\n  - name: Flatcar\n    format: qcow2\n    upstream: {from: flatcar}\n    versions: []\n";
    world.define(&format!("{}{more}", pinned(&["20260725"])));
    world.flatcar(&["4593.2.5"]);
    world.lines("ubuntu", &[("24.04", "2024-04-25", "2026-07-01", true)]);
    let run = world.update(&[]);
    let ended = run
        .findings()
        .into_iter()
        .filter(|(_, rule, _)| *rule == "end-of-life")
        .count();
    assert_eq!(ended, 2, "{}", run.stdout);
    let counts = world.server.counts();
    let asked: Vec<_> = counts
        .iter()
        .filter(|(url, _)| url.contains("endoflife.date"))
        .collect();
    assert_eq!(asked, [(&product_url("ubuntu"), &1)]);
}
