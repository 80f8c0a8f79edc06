//! What cannot be edited safely.

use super::*;

#[test]
fn what_cannot_be_edited_safely_is_refused_with_place_and_reason() {
    let refusals = [
        "",
        "- name: A\n",
        "images:\n- name: B\n",
        "images:\n- name: A\n",
        "images:\n- name: A\n  versions: []\n- name: A\n  versions: []\n",
        "images:\n- name: A\n  versions: []\n---\nimages: []\n",
        "images:\n- name: A\n  name: A\n  versions: []\n",
        "images:\n- name: A\n  versions:\n\t- version: '1'\n",
        "images:\n- name: A\n  versions: &all []\n",
        "images:\n- name: A\n  versions: !!seq []\n",
        "images:\n- name: A\n  versions:\n    []\n",
        "images:\n- name: A\n  versions: none\n",
        "images:\n- name: A\n  versions: {a: b}\n",
        "images:\n- name: A\n  versions: [ # none\n  ]\n",
        "images:\n- name: A\n  versions:\n  - &a\n    version: '1'\n",
        "images:\n- name: A\n  versions:\n  - version: &a '1'\n",
        "images:\n- name: A\n  versions:\n  - version: '1'\n    meta: &a {b: c}\n",
        "images:\n- name: B\n  meta: &a {b: c}\n- name: A\n  versions:\n  - <<: *a\n    version: '1'\n",
        "images:\n- name: B\n  versions: &a [{version: '1'}]\n- name: A\n  versions: *a\n",
        "images:\n- name: A\n  versions: [{version: '1'}, # one\n    {version: '2'}]\n",
        "images:\n- name: A\n  versions: [{version: '1' # one\n   }]\n",
        "images:\n- name: A\n  versions: ['1']\n",
        "images:\n- name: A\n  versions:\n  - '1'\n",
        "images:\n- name: A\n  versions:\n  - {}\n",
        "images:\n- name: A\n  versions:\n  - ? version\n    : '1'\n    ? meta\n    : {a: b}\n",
    ]
    .map(|text| format!("{text:?}\n  {}", refused(text)));
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    ""
      line 1, column 1: the file is empty, expected a list `images`
    "- name: A\n"
      line 1, column 1: a definition file is a mapping with a list `images`, but this has none
    "images:\n- name: B\n"
      line 1, column 1: no image in this file has the name `A`
    "images:\n- name: A\n"
      line 2, column 3: the image `A` has no key `versions`; write `versions: []`
    "images:\n- name: A\n  versions: []\n- name: A\n  versions: []\n"
      line 4, column 3: a second image has the name `A` of the one in line 2; names are unique
    "images:\n- name: A\n  versions: []\n---\nimages: []\n"
      line 5, column 1: the file holds a second YAML document, but definitions are read from one; move it to a file of its own
    "images:\n- name: A\n  name: A\n  versions: []\n"
      line 3, column 3: the key `name` stands here a second time; remove one of the two
    "images:\n- name: A\n  versions:\n\t- version: '1'\n"
      line 4, column 2: this is not YAML: tabs disallowed within this context (block indentation)
    "images:\n- name: A\n  versions: &all []\n"
      line 3, column 18: the empty `versions` has an anchor or a tag; write `versions: []`
    "images:\n- name: A\n  versions: !!seq []\n"
      line 3, column 19: the empty `versions` has an anchor or a tag; write `versions: []`
    "images:\n- name: A\n  versions:\n    []\n"
      line 4, column 5: the empty list does not stand beside its key; write `versions: []`
    "images:\n- name: A\n  versions: none\n"
      line 3, column 13: `versions` is not a list of its own, expected `versions: []` or entries
    "images:\n- name: A\n  versions: {a: b}\n"
      line 3, column 13: `versions` is not a list of its own, expected `versions: []` or entries
    "images:\n- name: A\n  versions: [ # none\n  ]\n"
      line 3, column 13: the empty list does not stand beside its key; write `versions: []`
    "images:\n- name: A\n  versions:\n  - &a\n    version: '1'\n"
      line 5, column 5: the neighbour of the new version is shared through a YAML anchor, which cannot be copied; write it out, or add the new version by hand
    "images:\n- name: A\n  versions:\n  - version: &a '1'\n"
      line 4, column 17: the neighbour of the new version has a YAML anchor here, which cannot be copied; write the value out, or add the new version by hand
    "images:\n- name: A\n  versions:\n  - version: '1'\n    meta: &a {b: c}\n"
      line 5, column 14: the neighbour of the new version has a YAML anchor here, which cannot be copied; write the value out, or add the new version by hand
    "images:\n- name: B\n  meta: &a {b: c}\n- name: A\n  versions:\n  - <<: *a\n    version: '1'\n"
      line 6, column 5: the neighbour of the new version takes keys from elsewhere (`<<`), which cannot be copied; write them out, or add the new version by hand
    "images:\n- name: B\n  versions: &a [{version: '1'}]\n- name: A\n  versions: *a\n"
      line 5, column 13: `versions` is not a list of its own, expected `versions: []` or entries
    "images:\n- name: A\n  versions: [{version: '1'}, # one\n    {version: '2'}]\n"
      line 3, column 14: more than a comma follows this entry of a list in brackets, so the list cannot be edited
    "images:\n- name: A\n  versions: [{version: '1' # one\n   }]\n"
      line 3, column 14: this entry has more between its brackets than keys and values, so it cannot be copied; add the new version by hand
    "images:\n- name: A\n  versions: ['1']\n"
      line 3, column 14: this entry has no brackets of its own, so it has no layout to follow
    "images:\n- name: A\n  versions:\n  - '1'\n"
      line 4, column 5: this entry is not a mapping with keys, so it has no layout to follow
    "images:\n- name: A\n  versions:\n  - {}\n"
      line 4, column 5: this entry is not a mapping with keys, so it has no layout to follow
    "images:\n- name: A\n  versions:\n  - ? version\n    : '1'\n    ? meta\n    : {a: b}\n"
      line 4, column 7: more than a dash stands in front of this entry (a tag, a `?`), so it cannot be copied; add the new version by hand
    "#);
}

#[test]
fn an_entry_whose_key_is_empty_does_no_harm() {
    let text = "images:\n- name: A\n  versions:\n  - version: '0'\n  - !!str : ---\n";
    assert!(add_first(text).ends_with("\n  - version: '0'\n  - !!str : ---\n"));
    insta::assert_snapshot!(add(text, Position::Last).unwrap_err(), @r"line 4, column 5: the edited list would not be readable (while parsing a block mapping, did not find expected key); edit it by hand");
}
