use super::*;
use crate::domain::definition;

const SUMS: &str = "https://images.example/2/SHA256SUMS";

/// Two versions of one image; `extra` are lines of the newer one, which is the first.
fn pins(extra: &str) -> Definition {
    let entry = |version: &str, digit: &str, extra: &str| {
        format!(
            "      - version: '{version}'\n        url: https://images.example/{version}/a.img\n        checksum: sha256:{}\n{extra}",
            digit.repeat(64)
        )
    };
    let text = format!(
        "images:\n  - name: A\n    format: qcow2\n    versions:\n{}{}",
        entry("20260725", "2", extra),
        entry("20260701", "1", "")
    );
    definition::parse("a.yml", &text).unwrap().remove(0)
}

fn facts(told: Told) -> Facts {
    Facts {
        told,
        files: Vec::new(),
        refused: None,
    }
}

fn seen(host: &str, modified: &str) -> Seen {
    Seen {
        modified: Some(modified.parse().unwrap()),
        host: host.to_owned(),
    }
}

fn digest(digit: &str, seen: Seen) -> Told {
    Told::Digest {
        by: SUMS.to_owned(),
        checksum: format!("sha256:{}", digit.repeat(64)).parse().unwrap(),
        seen,
    }
}

fn file(is_mirror: bool, answer: Answer) -> File {
    let url = if is_mirror {
        "https://store.example/a.img"
    } else {
        "https://images.example/20260725/a.img"
    };
    File {
        url: url.to_owned(),
        is_mirror,
        answer,
    }
}

fn gone() -> Told {
    Told::Gone {
        url: SUMS.to_owned(),
    }
}

/// What is said of the newer version: level, rule, line, message.
fn said(definition: &Definition, facts: &Facts) -> Vec<(Level, &'static str, u64, String)> {
    findings(definition, 0, facts, Asked::ForItself)
        .into_iter()
        .map(|finding| {
            assert_eq!(
                (finding.file.as_deref(), finding.image.as_deref()),
                (Some("a.yml"), Some("A"))
            );
            (
                finding.level,
                finding.rule,
                finding.line.unwrap(),
                finding.message,
            )
        })
        .collect()
}

fn rules(definition: &Definition, facts: &Facts) -> Vec<(Level, &'static str)> {
    let said = said(definition, facts);
    said.iter()
        .map(|(level, rule, ..)| (*level, *rule))
        .collect()
}

#[test]
fn a_version_whose_digest_still_stands_says_nothing() {
    let mut facts = facts(digest("2", seen("images.example", "2026-07-25T10:00:00Z")));
    facts.files = vec![file(
        false,
        Answer::There(seen("images.example", "2026-07-25T09:00:00Z")),
    )];
    assert_eq!(rules(&pins(""), &facts), []);
    assert_eq!(rules(&pins(""), &super::tests::facts(Told::Nothing)), []);
}

#[test]
fn a_manifest_an_entry_or_an_image_that_is_gone_is_one_finding_with_what_to_do() {
    let found = said(&pins(""), &facts(gone()));
    assert_eq!(
        (found[0].0, found[0].1, found[0].2),
        (Level::Warning, "build-vanished", 5)
    );
    insta::assert_snapshot!(found[0].3, @"version `20260725` has vanished upstream: `https://images.example/2/SHA256SUMS` is not there any more; clouds that have it keep it, but no other one can get it; copy it to a store of your own and name that as `mirror_url`, or let a newer one take its place before you remove it");

    let mut all = facts(Told::Unlisted {
        url: SUMS.to_owned(),
        file: "a.img".to_owned(),
    });
    all.files = vec![file(false, Answer::Gone)];
    let found = findings(&pins(""), 1, &all, Asked::Beside);
    assert_eq!((found.len(), found[0].line), (1, Some(8)));
    insta::assert_snapshot!(found[0].message, @"version `20260701` has vanished upstream: `https://images.example/2/SHA256SUMS` lists `a.img` no longer, and `https://images.example/20260725/a.img` is not there any more; clouds that have it keep it, but no other one can get it; copy it to a store of your own and name that as `mirror_url`, or prune it");

    all.told = gone();
    all.files = vec![file(false, Answer::There(Seen::default()))];
    insta::assert_snapshot!(said(&pins(""), &all)[0].3, @"version `20260725` has vanished upstream: `https://images.example/2/SHA256SUMS` is not there any more, though the image still is; clouds that have it keep it, but no other one can get it; copy it to a store of your own, while it lasts, and name that as `mirror_url`, or let a newer one take its place before you remove it");
}

#[test]
fn a_copy_of_ones_own_makes_a_vanished_build_a_note_unless_it_is_gone_too() {
    let mirrored = pins("        mirror_url: https://store.example/a.img\n");
    assert_eq!(
        rules(&mirrored, &facts(gone())),
        [(Level::Note, "build-vanished")]
    );
    let mut both = facts(gone());
    both.files = vec![file(false, Answer::Gone), file(true, Answer::Gone)];
    assert_eq!(
        rules(&mirrored, &both),
        [
            (Level::Warning, "build-vanished"),
            (Level::Warning, "mirror-vanished")
        ]
    );
}

#[test]
fn each_copy_that_is_gone_is_told_at_its_place_and_one_that_is_left_suffices() {
    let mirrored =
        pins("        mirror_url: [https://store.example/a.img, https://store.example/b.img]\n");
    let mut one = facts(gone());
    one.files = vec![file(false, Answer::Gone), file(true, Answer::Gone)];
    assert_eq!(
        rules(&mirrored, &one),
        [
            (Level::Note, "build-vanished"),
            (Level::Warning, "mirror-vanished")
        ]
    );
    let found = findings(&mirrored, 0, &one, Asked::Beside);
    assert_eq!((found[1].line, found[1].column), (Some(8), Some(22)));
    one.files.push(File {
        url: "https://store.example/b.img".to_owned(),
        ..file(true, Answer::Gone)
    });
    let both = findings(&mirrored, 0, &one, Asked::Beside);
    let levels: Vec<_> = both
        .iter()
        .map(|finding| (finding.level, finding.column))
        .collect();
    assert_eq!(levels[0].0, Level::Warning);
    assert_eq!(
        levels[1..],
        [(Level::Warning, Some(22)), (Level::Warning, Some(51))]
    );
}

#[test]
fn another_digest_under_the_same_name_is_an_error() {
    let found = said(&pins(""), &facts(digest("3", Seen::default())));
    assert_eq!(
        (found[0].0, found[0].1, found[0].2),
        (Level::Error, "digest-changed", 7)
    );
    insta::assert_snapshot!(found[0].3, @"the upstream now gives `sha256:3333333333333333333333333333333333333333333333333333333333333333` for `https://images.example/20260725/a.img` in `https://images.example/2/SHA256SUMS`, but version `20260725` pins another digest: the file was changed in place, and an upload would fail; find out from the upstream why, then remove the version and let `reglaze update --write` add the build anew, or keep it if it is the upstream that is wrong");
}

#[test]
fn digests_of_two_algorithms_are_not_compared_and_that_is_said_to_who_asks_for_it() {
    let other = facts(Told::OtherDigests {
        by: SUMS.to_owned(),
        reason: "only sha512".to_owned(),
    });
    assert_eq!(rules(&pins(""), &other), [(Level::Note, "not-compared")]);
    assert_eq!(findings(&pins(""), 0, &other, Asked::Beside), []);
    let long = Told::Digest {
        by: SUMS.to_owned(),
        checksum: format!("sha512:{}", "3".repeat(128)).parse().unwrap(),
        seen: Seen::default(),
    };
    assert_eq!(rules(&pins(""), &facts(long)), []);
}

#[test]
fn a_manifest_more_than_a_day_older_than_the_build_it_speaks_of_is_told() {
    let dated = |day: &str| facts(digest("2", seen("a", &format!("2026-07-{day}T23:00:00Z"))));
    assert_eq!(rules(&pins(""), &dated("24")), []);
    let found = said(&pins(""), &dated("23"));
    assert_eq!((found[0].0, found[0].1), (Level::Warning, "manifest-older"));
    insta::assert_snapshot!(found[0].3, @"`https://images.example/2/SHA256SUMS` is of 2026-07-23, older than the build, which is of 2026-07-25, so it cannot have been made from these bytes: somebody exchanged one of the two without the other; an upload would show whether the digest still fits, so try one, or ask the upstream");
}

#[test]
fn a_manifest_is_held_against_the_image_only_by_the_clock_of_one_host() {
    let with = |host: &str, modified: &str| {
        let mut facts = facts(digest("2", seen("images.example", "2026-07-25T10:00:00Z")));
        facts.files = vec![file(false, Answer::There(seen(host, modified)))];
        rules(&pins(""), &facts)
    };
    let older = [(Level::Warning, "manifest-older")];
    assert_eq!(with("images.example", "2026-07-26T10:00:01Z"), older);
    assert_eq!(with("images.example", "2026-07-26T10:00:00Z"), []);
    assert_eq!(with("mirror.example", "2026-08-26T10:00:00Z"), []);
}

#[test]
fn a_failure_to_ask_is_never_silence() {
    let reason = || "`https://a.example/` cannot be reached".to_owned();
    let mut unknown = facts(Told::Unknown { reason: reason() });
    unknown.files = vec![file(false, Answer::Unknown { reason: reason() })];
    let of = |asked| {
        let found = findings(&pins(""), 0, &unknown, asked);
        found
            .iter()
            .map(|finding| (finding.level, finding.rule))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(Asked::ForItself), [(Level::Error, "could-not-ask"); 2]);
    assert_eq!(of(Asked::Beside), [(Level::Warning, "could-not-ask"); 2]);
}

#[test]
fn a_proof_that_an_upload_would_refuse_is_an_error() {
    let mut refused = facts(Told::Nothing);
    refused.refused = Some("bad signature".to_owned());
    assert_eq!(rules(&pins(""), &refused), [(Level::Error, "unproven")]);
}
