//! What the images would be, and whether Glance and people could live with it.

use super::*;

/// One definition; `more` are lines of it.
fn one(name: &str, more: &str) -> String {
    format!(
        "  - name: {name}\n    format: raw\n    visibility: public\n{more}    versions:\n      - version: '1'\n        url: \
         https://images.example/1.raw\n        checksum: sha256:{}\n",
        "a".repeat(64)
    )
}

fn found(images: &str, policy: &str) -> String {
    let text = format!("images:\n{images}");
    let definitions = definition::parse("images/a.yml", &text).unwrap();
    let policy =
        yaml::read::<serde_saphyr::Spanned<PolicyOverride>>("reglaze.yml", policy).unwrap();
    let policy = PolicyOverride::written("reglaze.yml", policy);
    printed(&errors(&definitions, &[everywhere(&policy)]))
}

fn rules_of(images: &str, policy: &str) -> Vec<String> {
    let rule = |line: &str| {
        line.rsplit_once('[')
            .unwrap()
            .1
            .trim_end_matches(']')
            .to_owned()
    };
    found(images, policy).lines().map(rule).collect()
}

#[test]
fn what_glance_would_refuse_is_found_where_it_was_written() {
    let long = "x".repeat(256);
    let wide = "y".repeat(65_536);
    let meta = format!(
        "    meta:\n      {long}: a\n      wide: {wide}\n      Twin: a\n      twin: b\n      os_glance_import_task: x\n      status: active\n    \
         tags: [{long}]\n"
    );
    insta::assert_snapshot!(found(&one("Ubuntu", &meta), "{}"));
    let many: Vec<_> = (0..130)
        .map(|number| format!("      p{number}: a\n"))
        .collect();
    let many = many.concat();
    let tags: Vec<_> = (0..128).map(|number| format!("t{number}")).collect();
    let much = format!("    meta:\n{many}    tags: [{}]\n", tags.join(", "));
    assert_eq!(
        rules_of(&one("Ubuntu", &much), "{}"),
        ["too-many", "too-many"]
    );
}

#[test]
fn the_limits_themselves_are_allowed() {
    let meta = format!(
        "    meta:\n      {}: a\n      wide: {}\n    tags: [{}]\n",
        "x".repeat(255),
        "y".repeat(65_535),
        "z".repeat(255)
    );
    assert_eq!(found(&one("Ubuntu", &meta), "{}"), "");
}

#[test]
fn a_template_makes_no_name_too_long() {
    let name = "n".repeat(250);
    let policy = "stages: {latest: {name: '{name} and more'}}\n";
    assert_eq!(rules_of(&one(&name, ""), policy), ["too-long"]);
}

#[test]
fn two_images_of_one_name_are_found_across_definitions() {
    let both = one("Ubuntu", "    vars: {short: u}\n") + &one("Debian", "    vars: {short: u}\n");
    let policy = "stages: {latest: {name: '{vars.short} image'}}\n";
    insta::assert_snapshot!(found(&both, policy), @"images/a.yml:10:11: error: default lists would show two images as `u image`: version `1` of `Ubuntu` and version `1` of `Debian`; write what tells them apart into the name's template, such as `{version}` [same-name]");
    // Whoever is private is in nobody's list.
    let private = both.replace("public", "private");
    assert_eq!(found(&private, policy), "");
}

#[test]
fn versions_are_not_uploaded_on_one_day() {
    let second = format!(
        "      - version: '2'\n        url: https://images.example/2.raw\n        checksum: sha256:{}\n",
        "b".repeat(64)
    );
    let two = one("Ubuntu", "") + &second;
    for template in ["{name} ({upload_date})", "{name} ({upload_date:%Y%m%d})"] {
        let policy =
            format!("stages: {{latest: {{name: '{template}'}}, older: {{name: '{template}'}}}}\n");
        assert_eq!(found(&two, &policy), "");
    }
}

#[test]
fn a_stage_of_several_versions_tells_them_apart() {
    let alike = "stages: {older: {name: '{name} old'}}\n";
    insta::assert_snapshot!(found(&one("Ubuntu", ""), alike), @"images/a.yml:2:11: error: in the stage `older` default lists would show every version as `{name} old`; write what tells them apart into the name's template, such as `{version}` [same-name]");
    for fine in [
        "stages: {older: {name: '{name} old', keep: 1}}\n",
        "stages: {older: {name: '{name} old', hidden: true}, retired: {hidden: true}}\n",
        "stages: {older: {name: '{name} old', visibility: community}}\n",
        "stages: {older: {name: '{name} {build_date}'}}\n",
        "stages: {older: {name: '{name} {upload_date}'}}\n",
        "preset: cleura\n",
        "preset: scs\n",
    ] {
        assert_eq!(found(&one("Ubuntu", ""), fine), "", "{fine}");
    }
}

#[test]
fn stages_that_nobody_reaches_or_leaves_are_found_where_they_were_written() {
    let policies = [
        "# One line.\n\nstages: {latest: {for: 60d}}\n",
        "stages: {staged: {until: unused}}\n",
        "stages: {older: {until: booted}}\n",
        "stages: {older: {until: forever}}\n",
        "preset: cleura\nstages: {retired: {hidden: true}}\n",
        "stages: {older: {keep: 2, until: [unused, forever]}}\n",
        "stages: {older: {for: 30d, until: forever}, retired: {hidden: true}}\n",
    ];
    let texts = policies.map(|policy| format!("{policy}→ {}\n", found(&one("Ubuntu", ""), policy)));
    insta::assert_snapshot!(texts.concat());
    let own = "    multi: false\n    policy: {stages: {older: {keep: 2}}}\n";
    insta::assert_snapshot!(found(&one("Ubuntu", own), "{}"), @"images/a.yml:6:13: error: no image ever reaches the stage `older`, since without rotation every version stays `latest`; say `rotate: true`, or remove the stage [unreachable-stage]");
    // Meant for those that rotate.
    let single = "    multi: false\n";
    assert_eq!(
        found(&one("Ubuntu", single), "stages: {older: {keep: 5}}\n"),
        ""
    );
}

#[test]
fn a_definition_promises_what_its_policy_demands() {
    let with = |promise: &str| {
        let meta = format!("    meta: {{uuid_validity: {promise}}}\n");
        rules_of(
            &one("Ubuntu", &meta),
            "demands: {uuid_validity: [none, notice]}\n",
        )
    };
    assert!(with("none").is_empty() && with("notice").is_empty());
    assert_eq!(with("forever"), ["demanded"]);
    insta::assert_snapshot!(found(&one("Ubuntu", ""), "demands: {uuid_validity: [none, notice]}\n"), @"images/a.yml:2:11: error: the policy asks for the property `uuid_validity`, and the definition has none; expected one of `none`, `notice`; add it to `meta` [demanded]");
}

#[test]
fn what_is_disabled_is_nobodys_image() {
    let disabled = one("Ubuntu", "    enable: false\n    meta: {status: x}\n");
    assert_eq!(found(&disabled, "{}"), "");
}
