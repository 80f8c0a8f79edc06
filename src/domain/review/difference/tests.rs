//! Definitions before and after a change.

use super::*;
use crate::domain::definition;

const BASE: &str = "\
images:
- name: Debian
  format: qcow2
  visibility: public
  policy: {rotate: true}
  versions:
  - version: '1'
    url: https://example.org/1.img
    checksum: sha256:1111111111111111111111111111111111111111111111111111111111111111
    signed_by: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  - version: '2'
    url: https://example.org/2.img
- name: Ubuntu
  format: qcow2
  visibility: community
  password: secret
  versions: []
";

fn parsed(text: &str) -> Vec<Definition> {
    definition::parse("images/a.yml", text).unwrap()
}

fn between(base: &str, head: &str) -> Difference {
    difference(&parsed(base), &parsed(head))
}

#[test]
fn what_only_moved_is_no_difference() {
    let moved = BASE.replacen("- name", "# A comment.\n\n- name", 1);
    let same = between(BASE, &moved);
    assert!(same.changes().is_empty());
    assert_eq!(same.text(), "no definition differs from the base\n");
}

#[test]
fn images_and_versions_come_and_go() {
    let head = BASE
        .replace("- name: Ubuntu", "- name: Fedora")
        .replace("version: '2'", "version: '3'");
    let difference = between(BASE, &head);
    insta::assert_snapshot!(difference.text(), @r"
    ! - Ubuntu: removed
      - Debian [2]: removed: https://example.org/2.img
      + Debian [3]: added: https://example.org/2.img
      + Fedora: added
    ");
}

#[test]
fn an_edited_pin_comes_first_and_is_a_finding_on_its_line() {
    let head = BASE
        .replace("111111\n", "222222\n")
        .replace("signed_by: A", "signed_by: B")
        .replace("1.img", "one.img");
    let difference = between(BASE, &head);
    let keys: Vec<_> = difference
        .changes()
        .iter()
        .map(|one| (one.loud, one.key))
        .collect();
    assert_eq!(
        keys,
        [
            (true, Some("checksum")),
            (true, Some("signed_by")),
            (false, Some("url"))
        ]
    );
    let findings = difference.findings();
    assert_eq!(findings.len(), 2);
    assert_eq!(
        (
            findings[0].rule,
            findings[0].line,
            findings[0].image.as_deref()
        ),
        ("pin-edited", Some(7), Some("Debian"))
    );
}

#[test]
fn a_wider_visibility_and_another_policy_are_loud_and_a_narrower_one_is_not() {
    let head = BASE
        .replace("visibility: community", "visibility: public")
        .replace(
            "visibility: public\n  policy: {rotate: true}",
            "visibility: private\n  policy: {rotate: false}",
        );
    let difference = between(BASE, &head);
    let told: Vec<_> = difference
        .changes()
        .iter()
        .map(|one| (one.loud, one.image.as_str(), one.key.unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            (true, "Debian", "policy"),
            (true, "Ubuntu", "visibility"),
            (false, "Debian", "visibility"),
        ]
    );
}

#[test]
fn a_password_is_edited_and_never_told() {
    let difference = between(BASE, &BASE.replace("secret", "hidden-word"));
    assert_eq!(difference.changes()[0].key, Some("password"));
    for text in [
        difference.text(),
        difference.markdown(),
        difference.json().to_string(),
    ] {
        assert!(
            !text.contains("secret") && !text.contains("hidden-word"),
            "{text}"
        );
    }
}

#[test]
fn markdown_and_json_hold_the_same_and_foreign_text_is_harmless() {
    let head = BASE.replace("- name: Ubuntu", "- name: '<b>@x'");
    let difference = between(BASE, &head);
    let markdown = difference.markdown();
    assert!(
        markdown.contains("&lt;b&gt;") && !markdown.contains("<b>"),
        "{markdown}"
    );
    let json = difference.json();
    assert_eq!(json.as_array().unwrap().len(), 2);
    assert_eq!(
        (&json[0]["change"], &json[0]["loud"]),
        (&"removed".into(), &true.into())
    );
}
