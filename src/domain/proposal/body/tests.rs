use super::*;
use crate::domain::proposal::packages::Contents;
use crate::domain::proposal::sample::{attested, group, offer};

fn pair(name: &str, version: &str) -> (String, String) {
    (name.to_owned(), version.to_owned())
}

fn triple(name: &str, from: &str, to: &str) -> (String, String, String) {
    (name.to_owned(), from.to_owned(), to.to_owned())
}

fn around() -> Around {
    Around {
        marker: "<!-- reglaze:pull-request ubuntu -->".to_owned(),
        findings: vec![Finding::warning(
            "token",
            "checks will not start by themselves with `GITHUB_TOKEN`; give the token of an App",
        )],
        merge: vec![
            "The workflow `deploy.yml` starts and applies it to `cloud-a` and `cloud-b`."
                .to_owned(),
        ],
        rebase: "- [ ] <!-- reglaze:rebase -->Build this branch anew".to_owned(),
        ..Around::default()
    }
}

/// An offer of which everything is known.
fn full() -> Offer {
    let mut full = offer("Ubuntu 24.04");
    full.contents = Some(Contents {
        changed: (0..12)
            .map(|number| triple(&format!("libsample{number}"), "1.0", "1.1"))
            .chain([
                triple("linux-image-virtual", "6.8.0-51.52", "6.8.0-60.63"),
                triple("libssl3t64", "3.0.13-0ubuntu3.5", "3.0.13-0ubuntu3.6"),
            ])
            .collect(),
        added: vec![pair("linux-image-6.8.0-60-generic", "6.8.0-60.63")],
        removed: vec![pair("old", "1")],
    });
    full.links = vec![pair(
        "release notes",
        "https://notes.example/noble#20260725",
    )];
    full.findings = vec![
        Finding::note("signature", "the key expired after it had signed"),
        Finding::error("digest-changed", "`20260705` has another digest now"),
    ];
    full.leaving = vec!["20260601".to_owned()];
    full
}

/// One of which little is known.
fn bare() -> Offer {
    let mut bare = offer("Rocky 9");
    bare.from = Some(("9.7".to_owned(), "2026-05-26".parse().ok()));
    bare.entry.version = "9.8".to_owned();
    bare.entry.build_date = None;
    bare.entry.signed_by = None;
    bare.attested = attested(false);
    bare.signed_at = None;
    bare.size = None;
    bare
}

#[test]
fn a_reviewer_sees_what_changes_who_vouches_and_what_a_merge_does() {
    let mut first = offer("Debian 13");
    first.from = None;
    first.contents = Some(Contents::default());
    let body = body(&group(vec![full(), bare(), first]), &around());
    assert_eq!(body.rest, None);
    insta::assert_snapshot!(body.text);
}

#[test]
fn a_group_of_which_little_is_known_has_no_empty_headings() {
    let body = body(&group(vec![bare()]), &Around::default());
    insta::assert_snapshot!(body.text);
}

#[test]
fn a_page_of_all_images_is_named_once() {
    let mut offers = vec![full(), full()];
    offers[1].image = "Ubuntu 26.04".to_owned();
    offers[1].links.push(pair("a", "https://notes.example/b"));
    let text = body(&group(offers), &Around::default()).text;
    let (_, links) = text.split_once("### Read more\n").unwrap();
    insta::assert_snapshot!(links.split_once("###").unwrap().0);
}

#[test]
fn what_matters_least_is_cut_first() {
    let mut around = around();
    let mut cuts = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for limit in (800..2600).rev().step_by(10) {
        around.limit = limit;
        let text = body(&group(vec![full(), bare()]), &around).text;
        let parts = [
            ("folded packages", "<details>"),
            ("links", "notes.example"),
            ("notes", "**note**"),
            ("proof", "SHA256SUMS"),
            ("leaving", "20260601"),
            ("kernel", "linux-image-virtual"),
            ("summary", "packages:"),
            ("voucher", "pinned key"),
            ("merge", "deploy.yml"),
            ("warning", "**warning**"),
            ("error", "**error**"),
            ("change", "| Rocky 9"),
        ];
        for (name, sign) in parts {
            if !text.contains(sign) && !seen.contains(&name) {
                seen.push(name);
                cuts.push(name);
            }
        }
        assert!(length(&text) <= limit, "{limit}: {text}");
    }
    insta::assert_snapshot!(cuts.join(", "));
}

#[test]
fn what_was_cut_is_elsewhere_and_the_text_says_so() {
    let around = Around {
        limit: 1_900,
        ..around()
    };
    let body = body(&group(vec![full(), bare()]), &around);
    insta::assert_snapshot!(format!("{}\n=====\n{}", body.text, body.rest.unwrap()));
}

#[test]
fn other_forges_get_one_group_that_is_named_by_its_only_source() {
    let ubuntu = || offer("Ubuntu 24.04");
    assert_eq!(
        as_one(vec![ubuntu(), ubuntu()]).unwrap().title,
        ubuntu().source_title
    );
    let mut other = bare();
    other.source = "rocky".to_owned();
    assert_eq!(as_one(vec![ubuntu(), other]).unwrap().key, "all");
    assert!(as_one(Vec::new()).is_none());
}

#[test]
fn sizes_are_for_people() {
    let sizes = [0, 1_023, 1_024, 624_951_296, 5_000_000_000].map(size);
    assert_eq!(sizes.join(", "), "0 B, 1023 B, 1.0 KiB, 596.0 MiB, 4.6 GiB");
}

mod hostile;
