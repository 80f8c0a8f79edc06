use super::*;
use crate::domain::definition;
use crate::domain::finding::Level;
use crate::domain::template::Variables;

/// Versions by name, build and, where it has one, date; the URL tells the build.
fn pins(versions: &[(&str, &str, &str)]) -> Definition {
    let entries: Vec<_> = versions
        .iter()
        .map(|(version, build, date)| {
            let date = if date.is_empty() {
                String::new()
            } else {
                format!("        build_date: {date}\n")
            };
            format!(
                "      - version: '{version}'\n        url: https://images.example/{build}/a.img\n        checksum: sha256:{}\n{date}",
                "1".repeat(64)
            )
        })
        .collect();
    let entries = entries.concat();
    let text = format!("images:\n  - name: A\n    format: qcow2\n    versions:\n{entries}");
    definition::parse("a.yml", &text).unwrap().remove(0)
}

fn listed(build: &str) -> Candidate {
    Candidate {
        build: build.to_owned(),
        version: build.to_owned(),
        build_date: None,
        url: format!("https://images.example/{build}/a.img"),
        file: "a.img".to_owned(),
        checksum: None,
        disk_checksum: None,
        told_by: "https://images.example/".to_owned(),
        documents: Vec::new(),
        variables: Variables::new(),
    }
}

fn known(at: usize) -> Selection {
    Selection::Known { at, changed: None }
}

fn found(
    definition: &Definition,
    selection: &Selection,
    newest: &Candidate,
    today: &str,
) -> Vec<(Level, &'static str, Option<u64>, String)> {
    let listed = Listed {
        newest,
        order: Order::Natural,
        expected_every: Some(30),
    };
    let build_of = |url: &str| url.split('/').nth(3).map(str::to_owned);
    findings(
        definition,
        selection,
        listed,
        today.parse().unwrap(),
        build_of,
    )
    .into_iter()
    .map(|finding| (finding.level, finding.rule, finding.line, finding.message))
    .collect()
}

fn rules(
    definition: &Definition,
    selection: &Selection,
    build: &str,
    today: &str,
) -> Vec<(&'static str, Option<u64>)> {
    let found = found(definition, selection, &listed(build), today);
    found
        .iter()
        .map(|(_, rule, line, _)| (*rule, *line))
        .collect()
}

#[test]
fn a_list_that_ends_before_what_is_pinned_is_a_rollback() {
    let definition = pins(&[("20260701", "20260701", ""), ("20260725", "20260725", "")]);
    let found = found(&definition, &known(0), &listed("20260701"), "2026-07-26");
    assert_eq!(
        (found[0].0, found[0].1, found[0].2),
        (Level::Error, "rollback", Some(8))
    );
    insta::assert_snapshot!(found[0].3, @"`https://images.example/` ends with build `20260701` now, but version `20260725` is pinned, so a newer one was listed and proven before: either the upstream has withdrawn it, or an old list is served to you; ask the upstream, and if it was withdrawn remove the version, else look for the mirror or proxy in between; nothing was changed");
    let older = Selection::Older { newest: 1 };
    assert_eq!(
        rules(&definition, &older, "20260710", "2026-07-26"),
        [("rollback", Some(8))]
    );
    assert_eq!(rules(&definition, &known(1), "20260725", "2026-07-26"), []);
}

#[test]
fn names_of_two_forms_and_dates_that_contradict_their_names_are_no_rollback() {
    let mixed = pins(&[("20260725", "20260725", ""), ("v99999999", "old", "")]);
    assert_eq!(rules(&mixed, &known(0), "20260725", "2026-07-26"), []);
    let contradiction = pins(&[("1.1", "1.1", "2026-07-25"), ("1.2", "1.2", "2026-01-01")]);
    assert_eq!(rules(&contradiction, &known(0), "1.1", "2026-07-26"), []);
}

#[test]
fn a_list_is_frozen_after_the_time_in_which_a_build_was_expected() {
    let definition = pins(&[("20260701", "20260701", "")]);
    assert_eq!(rules(&definition, &known(0), "20260701", "2026-07-31"), []);
    let found = found(&definition, &known(0), &listed("20260701"), "2026-08-01");
    assert_eq!(
        (found[0].0, found[0].1, found[0].2),
        (Level::Warning, "frozen", Some(5))
    );
    insta::assert_snapshot!(found[0].3, @"the newest build is still `20260701` of 2026-07-01, 31 days ago, and one is expected every 30 days: look at the upstream's site whether its builds have stopped or moved, and whether a mirror or proxy serves you an old list; `expected_every` in the source says what to expect");
}

#[test]
fn the_date_is_the_versions_word_else_its_names_else_the_indexs() {
    let said = pins(&[("20260701", "20260701", "2026-07-20")]);
    assert_eq!(rules(&said, &known(0), "20260701", "2026-08-01"), []);
    let dashed = pins(&[("2026-07-01", "1", "")]);
    assert_eq!(
        rules(&dashed, &known(0), "1", "2026-08-01"),
        [("frozen", Some(5))]
    );
    let undated = pins(&[("1.2", "1.2", "")]);
    assert_eq!(rules(&undated, &known(0), "1.2", "2099-01-01"), []);
    let newest = Candidate {
        build_date: NaiveDate::from_ymd_opt(2026, 7, 1),
        ..listed("1.2")
    };
    assert_eq!(
        found(&undated, &known(0), &newest, "2026-08-01")[0].1,
        "frozen"
    );
}

#[test]
fn another_build_with_the_same_digest_is_told_and_another_url_of_one_build_is_not() {
    let definition = pins(&[("1877.5", "1877.5", ""), ("1877.7", "1877.7", "")]);
    let found = found(&definition, &known(0), &listed("1877.8"), "2026-08-01");
    assert_eq!(
        (found[0].0, found[0].1, found[0].2),
        (Level::Warning, "same-checksum", Some(7))
    );
    insta::assert_snapshot!(found[0].3, @"the upstream's build `1877.8` at `https://images.example/1877.8/a.img` has the digest of version `1877.5`, which is build `1877.5`: one of the two was published wrongly, so nothing was added; ask the upstream which one, or wait for its next build");
    let other_url = Candidate {
        url: "https://mirror.example/1877.7/a.img".to_owned(),
        ..listed("1877.7")
    };
    assert_eq!(
        super::tests::found(&definition, &known(1), &other_url, "2026-08-01"),
        []
    );
}

#[test]
fn a_line_that_has_ended_explains_that_no_builds_come() {
    let at = |rule, image: &str| Finding::warning(rule, "").image(image);
    let findings = vec![at("frozen", "A"), at("frozen", "B"), at("end-of-life", "B")];
    let left = without_explained(findings);
    assert_eq!(left, [at("frozen", "A"), at("end-of-life", "B")]);
}

#[test]
fn a_number_that_is_no_date_of_our_time_is_none() {
    let of = |name: &str| built(&pins(&[(name, "x", "")]).versions[0]);
    assert_eq!(of("20260701-1"), NaiveDate::from_ymd_opt(2026, 7, 1));
    assert_eq!(
        (of("10000101"), of("99999999"), of("1.2")),
        (None, None, None)
    );
}
