use super::*;
use crate::domain::attested::{self, Evidence};
use crate::domain::definition;
use crate::domain::template::Variables;

const SUMS: &str = "https://images.example/SHA256SUMS";

fn definition(versions: &str) -> Definition {
    let text = format!(
        "images:\n  - name: A\n    format: qcow2\n    upstream: {{from: x, versions: 2}}\n    versions:\n{versions}"
    );
    definition::parse("a.yml", &text).unwrap().remove(0)
}

fn entry(version: &str, build: &str, digit: &str) -> String {
    format!(
        "      - version: '{version}'\n        url: https://images.example/{build}/a.img\n        checksum: sha256:{}\n",
        digit.repeat(64)
    )
}

fn candidate(build: &str) -> Candidate {
    Candidate {
        build: build.to_owned(),
        version: build.to_owned(),
        build_date: leading_date(build),
        url: format!("https://images.example/{build}/a.img"),
        file: "a.img".to_owned(),
        checksum: None,
        disk_checksum: None,
        told_by: String::new(),
        documents: Vec::new(),
        variables: Variables::new(),
    }
}

fn attested(digit: &str) -> Attested {
    let text = format!("{}  a.img\n", digit.repeat(64));
    let manifest = Evidence {
        url: SUMS,
        bytes: text.as_bytes(),
    };
    attested::attest("a.img", manifest, None, None, chrono::DateTime::UNIX_EPOCH)
        .unwrap()
        .0
}

fn build_of(url: &str) -> Option<String> {
    let build = url.split('/').nth(3)?;
    (build != "moving").then(|| build.to_owned())
}

fn selected(versions: &str, build: &str, digit: &str) -> Selection {
    select(
        &definition(versions),
        &candidate(build),
        &attested(digit),
        Order::Natural,
        build_of,
    )
    .unwrap()
}

fn name_of(versions: &str, build: &str) -> String {
    match selected(versions, build, "f") {
        Selection::New(addition) => addition.entry.version,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_list_gets_the_upstreams_name() {
    assert_eq!(name_of("      []", "20260717-2542"), "20260717-2542");
}

#[test]
fn a_build_is_known_by_its_digest_or_url_whatever_its_name() {
    let versions = entry("mine", "20260101", "a");
    let by_digest = selected(&versions, "20260717", "a");
    assert_eq!(
        by_digest,
        Selection::Known {
            at: 0,
            changed: None
        }
    );
    let by_url = selected(&versions, "20260101", "b");
    let Selection::Known {
        at: 0,
        changed: Some(found),
    } = by_url
    else {
        panic!("{by_url:?}");
    };
    assert_eq!(found.hex(), "b".repeat(64));
}

#[test]
fn a_new_name_follows_the_newest_siblings_form() {
    // The URL tells the sibling's build, so its form is certain.
    assert_eq!(
        name_of(&entry("20260124", "20260124-2367", "a"), "20260717-2542"),
        "20260717"
    );
    assert_eq!(
        name_of(
            &entry("20260124-2367", "20260124-2367", "a"),
            "20260717-2542"
        ),
        "20260717-2542"
    );
    assert_eq!(
        name_of(&entry("2026-01-24", "20260124", "a"), "20260717.1"),
        "2026-07-17"
    );
    assert_eq!(
        name_of(&entry("20260124", "20260124", "a"), "20260717.1"),
        "20260717.1"
    );
    assert_eq!(
        name_of(&entry("v4593.2.5", "4593.2.5", "a"), "4593.2.10"),
        "v4593.2.10"
    );
    // It does not, so the shape of the name decides.
    assert_eq!(
        name_of(&entry("20260124", "moving", "a"), "20260717-2542"),
        "20260717"
    );
    assert_eq!(
        name_of(&entry("Summer", "moving", "a"), "20260717-2542"),
        "20260717-2542"
    );
}

#[test]
fn the_newest_sibling_counts_not_the_first() {
    let versions =
        entry("20260101-1", "20260101-1", "a") + &entry("20260124", "20260124-2367", "b");
    assert_eq!(name_of(&versions, "20260717-2542"), "20260717");
}

#[test]
fn two_builds_of_one_day_get_two_names() {
    let versions = entry("20260717", "20260717-1", "a");
    assert_eq!(name_of(&versions, "20260717-2"), "20260717-2");
}

#[test]
fn a_name_that_is_taken_is_an_error_with_its_line() {
    let versions = entry("20260717", "moving", "a");
    let error = select(
        &definition(&versions),
        &candidate("20260717"),
        &attested("f"),
        Order::Natural,
        build_of,
    )
    .unwrap_err();
    assert!(
        matches!(error, SelectError::NameTaken { line: 6, .. }),
        "{error}"
    );
}

#[test]
fn an_upstream_that_went_back_adds_nothing() {
    let versions = entry("20260717", "20260717", "a");
    assert_eq!(
        selected(&versions, "20260101", "f"),
        Selection::Older { newest: 0 }
    );
    let by_name = entry("20260717", "moving", "a");
    assert_eq!(
        selected(&by_name, "20260101", "f"),
        Selection::Older { newest: 0 }
    );
}

#[test]
fn a_moving_version_is_no_sibling() {
    let versions = "      - version: latest\n        url: https://images.example/20260717/a.img\n";
    assert_eq!(name_of(versions, "20260717"), "20260717");
}

#[test]
fn the_list_keeps_its_order_and_as_many_as_wanted() {
    let versions = entry("20260101", "20260101", "a") + &entry("20260102", "20260102", "b");
    let Selection::New(addition) = selected(&versions, "20260717", "f") else {
        panic!("not new");
    };
    assert_eq!(
        (addition.remove, addition.position),
        (vec![0], Position::Last)
    );
    assert_eq!(addition.entry.build_date.as_deref(), Some("2026-07-17"));
    assert_eq!(addition.entry.manifest.as_deref(), Some(SUMS));
}
