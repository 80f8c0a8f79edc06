mod images;

use super::*;
use crate::domain::yaml;

const HEX: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Definitions with these lines under one `images` entry.
fn definitions(lines: &str) -> Vec<Definition> {
    let text = format!(
        "images:\n  - name: Debian 13\n    format: qcow2\n    visibility: community\n{}",
        lines.replace("HEX", HEX)
    );
    definition::parse("images/debian.yml", &text).unwrap_or_else(|found| panic!("{found:?}"))
}

/// An entry of `versions` with a digest of its own.
fn version(version: &str, rest: &str) -> String {
    let digest = version.bytes().fold(1_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    format!(
        "      - version: '{version}'\n        url: https://example.org/{version}.qcow2\n        checksum: sha256:{digest:064x}\n{rest}"
    )
}

fn versions(list: &[&str]) -> Vec<Definition> {
    let entries: String = list.iter().map(|one| version(one, "")).collect();
    definitions(&format!("    versions:\n{entries}"))
}

fn printed(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| finding.to_string() + "\n")
        .collect()
}

fn warnings(definitions: &[Definition]) -> Vec<Finding> {
    super::warnings(definitions, &sources())
}

/// Two sources, one of which knows streams.
fn sources() -> Vec<Source> {
    let listing = "indexes:\n  - engine: listing\n    url: https://example.org/\n    directory: '^(?<version>x)/$'\n    image: '{folder}i'\n\
        checksum: {url: '{folder}S', algorithm: sha256}\nsignature: {form: none}\n";
    let debian = format!(
        "title: D\nparameters:\n  release:\n  arch: {{default: x86_64}}\narchitectures: {{x86_64: amd64}}\n{listing}"
    );
    let opensuse = format!("title: O\nparameters: {{}}\n{listing}");
    [("debian", debian), ("opensuse", opensuse)]
        .map(|(name, text)| {
            super::super::source::parse(name, name, &text)
                .unwrap_or_else(|found| panic!("{found:?}"))
        })
        .into()
}

#[test]
fn a_mirror_is_held_to_what_its_url_is_and_helps_only_if_it_is_another_place() {
    let list = version(
        "1",
        "        mirror_url:\n          - http://m.example/1.qcow2\n          - https://m.example/latest/1.qcow2\n          - \
         https://example.org/1.qcow2\n",
    );
    let found = printed(&warnings(&definitions(&format!("    versions:\n{list}"))));
    insta::assert_snapshot!(found, @r"
    images/debian.yml:10:13: warning: `mirror_url` is plain http, which is not fetched; change it to https: `http://m.example/1.qcow2` [insecure-url]
    images/debian.yml:11:13: warning: `mirror_url` of version `1` goes through the moving name `latest/`, so other bytes will be there when upstream publishes; name the build's own folder or file, as `reglaze update` does [moving-url]
    images/debian.yml:12:13: warning: `mirror_url` of version `1` names `https://example.org/1.qcow2` once more, which helps nobody when that place fails; remove it, or name another copy [same-mirror]
    ");
}

#[test]
fn an_upstream_that_no_source_can_track_is_a_warning() {
    let with = |upstream: &str| {
        printed(&warnings(&definitions(&format!(
            "    upstream: {upstream}\n    versions: []\n"
        ))))
    };
    assert_eq!(with("{from: debian, release: '13'}"), "");
    let found = [
        "{from: debain, release: '13'}",
        "{from: debian}",
        "{from: debian, release: '13', colour: red}",
        "{from: debian, release: '13', arch: amd64}",
    ];
    insta::assert_snapshot!(found.map(with).concat());
}

fn rules(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}

fn everywhere(policy: &PolicyOverride) -> Scope<'_> {
    Scope {
        cloud: None,
        policies: vec![policy],
        tries: false,
    }
}

#[test]
fn a_version_without_digest_or_url_is_an_error() {
    let found = errors(
        &definitions(
            "    versions:
      - version: '1'
        url: https://example.org/1
      - version: '2'
        url: https://example.org/2
        checksums_url: https://example.org/SHA256SUMS
      - version: '3'
        checksum: HEX
      - version: latest
        url: https://example.org/latest/image.qcow2
",
        ),
        &[],
    );
    insta::assert_snapshot!(printed(&found));
}

#[test]
fn a_name_in_two_files_is_an_error_that_names_both_places() {
    let mut twice = definitions("    versions: []\n");
    twice.extend(
        definitions("    versions: []\n")
            .into_iter()
            .map(|one| Definition {
                file: "images/other.yml".to_owned(),
                ..one
            }),
    );
    insta::assert_snapshot!(printed(&errors(&twice, &[])));
}

#[test]
fn policies_that_cannot_be_used_are_errors_once() {
    let bad: PolicyOverride = yaml::read(
        "reglaze.yml",
        "stages: {older: {visibility: public, name: '{name} {versoin}'}}\nproperties: {built: '{version:%Y}'}\n",
    )
    .unwrap();
    let unknown: PolicyOverride = yaml::read("reglaze.yml", "preset: osmi\n").unwrap();
    let scopes = [
        everywhere(&bad),
        Scope {
            cloud: Some("edge"),
            policies: vec![&bad, &unknown],
            tries: false,
        },
        Scope {
            cloud: Some("core"),
            policies: vec![&bad],
            tries: false,
        },
    ];
    let listed = versions(&["1"]);
    insta::assert_snapshot!(printed(&errors(&listed, &scopes)));
    // An empty list is tried with the version that `update` will write.
    let empty = definitions("    versions: []\n");
    assert_eq!(
        rules(&errors(&empty, &scopes)).len(),
        rules(&errors(&listed, &scopes)).len()
    );
}

#[test]
fn a_preset_is_never_wider_than_the_definition() {
    let nothing = PolicyOverride::default();
    let private = definitions("    status: active\n    versions: []\n")
        .into_iter()
        .map(|one| Definition {
            visibility: crate::domain::snapshot::Visibility::Private,
            ..one
        })
        .collect::<Vec<_>>();
    assert!(errors(&private, &[everywhere(&nothing)]).is_empty());
}

#[test]
fn a_definitions_own_policy_must_not_show_what_it_hides() {
    let entry = version("1", "        hidden: true\n");
    let hidden = definitions(&format!(
        "    policy: {{stages: {{latest: {{hidden: false, visibility: public}}}}}}\n    versions:\n{entry}"
    ));
    insta::assert_snapshot!(printed(&errors(
        &hidden,
        &[everywhere(&PolicyOverride::default())]
    )));
}

#[test]
fn weak_repeated_and_unsafe_things_are_warnings() {
    let found = warnings(&definitions(
        "    versions:
      - version: '1'
        url: http://example.org/1.qcow2
        checksum: md5:00000000000000000000000000000000
      - version: '2'
        url: https://example.org/current/2.qcow2
        checksum: HEX
      - version: '3'
        url: https://example.org/3.qcow2
        checksum: HEX
",
    ));
    insta::assert_snapshot!(printed(&found));
}

#[test]
fn versions_may_ascend_or_descend_but_not_both() {
    assert!(warnings(&versions(&["1.9", "1.10", "1.11"])).is_empty());
    assert!(warnings(&versions(&["1.11", "1.10", "1.9"])).is_empty());
    assert!(warnings(&versions(&["7"])).is_empty());
    assert!(warnings(&versions(&["20260725-2542", "20260801-2550", "latest"])).is_empty());
    let found = warnings(&versions(&["1592.14", "1877.5", "1592.15"]));
    insta::assert_snapshot!(printed(&found));
}

#[test]
fn schemes_without_a_common_order_are_a_warning() {
    let found = warnings(&versions(&["20150628_01", "2211"]));
    insta::assert_snapshot!(printed(&found));
}

#[test]
fn a_build_date_must_not_contradict_the_order() {
    let dated = |list: &[(&str, &str)], order: &str| {
        let entries: String = list
            .iter()
            .map(|(name, date)| version(name, &format!("        build_date: {date}\n")))
            .collect();
        warnings(&definitions(&format!(
            "    upstream: {{from: opensuse{order}}}\n    versions:\n{entries}"
        )))
    };
    let leap = [("15.0", "2018-05-25"), ("42.3", "2017-07-26")];
    insta::assert_snapshot!(printed(&dated(&leap, "")));
    assert!(dated(&[("1.0", "2026-01-01"), ("1.1", "2026-01-01")], "").is_empty());
    let candidate = [("1.0.0-rc.1", "2026-01-01"), ("1.0.0", "2026-01-02")];
    assert_eq!(rules(&dated(&candidate, "")), ["build-date-order"]);
    assert!(dated(&candidate, ", order: semver").is_empty());
}

#[test]
fn the_catalogue_that_had_two_builds_of_garden_linux_with_one_digest_is_told_so() {
    let Some(known) = crate::domain::captures::capture_text("osism/known-versions.tsv") else {
        return;
    };
    let entries: Vec<_> = known
        .lines()
        .filter(|line| line.starts_with("gardenlinux.yml\t"))
        .map(|line| {
            let cells: Vec<_> = line.split('\t').collect();
            format!(
                "      - version: '{}'\n        url: {}\n        checksum: {}\n",
                cells[2], cells[4], cells[5]
            )
        })
        .collect();
    let text = format!(
        "images:\n  - name: Garden Linux\n    format: qcow2\n    versions:\n{}",
        entries.concat()
    );
    let definition = definition::parse("a.yml", &text).unwrap().remove(0);
    let found = super::twins(&definition);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0]
            .message
            .starts_with("version `1877.6` has the checksum of version `1877.5`"),
        "{found:?}"
    );
}
