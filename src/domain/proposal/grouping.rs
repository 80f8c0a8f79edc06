//! New versions → groups: what is reviewed together, and what its branch is called.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Group, Offer};
use crate::domain::checksum::hex;

/// What is reviewed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    /// The new versions of all images of a source.
    #[default]
    Source,
    /// Each image's new version on its own.
    Image,
    /// All.
    All,
}

/// The longest key, in bytes: a branch is a file in some places, with more around it.
const LONGEST: usize = 60;

/// Digits of the digest in the key of a name that cannot be told from its short form.
const HASH: usize = 8;

/// Puts new versions into groups, in the order of the first of each.
///
/// A key depends on its group alone, so the same group has the same key in every run. Only where two names differ in
/// nothing but case, or in a dash for a blank, it depends on both being there.
pub fn groups(offers: Vec<Offer>, by: Grouping) -> Vec<Group> {
    let mut names: Vec<String> = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    for offer in offers {
        let (name, title) = match by {
            Grouping::Source => (offer.source.clone(), offer.source_title.clone()),
            Grouping::Image => (offer.image.clone(), offer.image.clone()),
            Grouping::All => ("all".to_owned(), "Catalogue".to_owned()),
        };
        if let Some(at) = names.iter().position(|known| *known == name) {
            groups[at].offers.push(offer);
            continue;
        }
        groups.push(Group {
            key: key(&name),
            title,
            offers: vec![offer],
        });
        names.push(name);
    }
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for group in &groups {
        *uses.entry(group.key.clone()).or_default() += 1;
    }
    for (group, name) in groups.iter_mut().zip(&names) {
        if uses.get(&group.key).is_some_and(|uses| *uses > 1) {
            group.key = hashed(&group.key, name);
        }
    }
    groups
}

/// The short form of a name: lower-case letters, digits, dots and dashes, good as a part of a git branch's name.
fn key(name: &str) -> String {
    let mut short = String::new();
    for letter in name.chars() {
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_lowercase() || letter.is_ascii_digit() => short.push(letter),
            // Git takes no two dots in a row, and none beside a slash.
            '.' if !short.is_empty() && !short.ends_with(['.', '-']) => short.push('.'),
            _ if !short.is_empty() && !short.ends_with(['.', '-']) => short.push('-'),
            _ => {}
        }
    }
    let short = short.trim_end_matches(['.', '-']);
    let is_same = |(letter, of_name): (char, char)| {
        letter == of_name.to_ascii_lowercase() || (letter, of_name) == ('-', ' ')
    };
    let is_whole =
        short.len() == name.chars().count() && short.chars().zip(name.chars()).all(is_same);
    let is_short = (1..=LONGEST).contains(&short.len());
    // That ending is git's own.
    if is_whole && is_short && short.strip_suffix(".lock").is_none() {
        short.to_owned()
    } else {
        hashed(short, name)
    }
}

/// A short form with a part of the name's digest, so that no other name has the same.
fn hashed(short: &str, name: &str) -> String {
    let digest = hex(&Sha256::digest(name.as_bytes()));
    let room = LONGEST - HASH - 1;
    let short = short[..short.len().min(room)].trim_end_matches(['.', '-']);
    let short = if short.is_empty() { "image" } else { short };
    format!("{short}-{}", &digest[..HASH])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sample::offer;
    use super::*;

    fn shown(groups: &[Group]) -> String {
        let lines = groups.iter().map(|group| {
            let images: Vec<_> = group
                .offers
                .iter()
                .map(|offer| offer.image.as_str())
                .collect();
            format!("{} ({}): {}", group.key, group.title, images.join(", "))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn offers() -> Vec<Offer> {
        let mut debian = offer("Debian 13");
        debian.source = "debian".to_owned();
        debian.source_title = "Debian".to_owned();
        vec![offer("Ubuntu 24.04"), debian, offer("Ubuntu 26.04")]
    }

    #[test]
    fn groups_come_in_the_order_of_the_files() {
        insta::assert_snapshot!(shown(&groups(offers(), Grouping::Source)), @"
        ubuntu (Ubuntu): Ubuntu 24.04, Ubuntu 26.04
        debian (Debian): Debian 13
        ");
        insta::assert_snapshot!(shown(&groups(offers(), Grouping::Image)), @"
        ubuntu-24.04 (Ubuntu 24.04): Ubuntu 24.04
        debian-13 (Debian 13): Debian 13
        ubuntu-26.04 (Ubuntu 26.04): Ubuntu 26.04
        ");
        insta::assert_snapshot!(shown(&groups(offers(), Grouping::All)), @"all (Catalogue): Ubuntu 24.04, Debian 13, Ubuntu 26.04");
    }

    #[test]
    fn odd_names_have_keys_that_git_takes() {
        let names = [
            "openSUSE Leap 16.0",
            "ubuntu-24.04-base-v1.1",
            "Übuntu",
            "a..b",
            ".a",
            "a.lock",
            "a/b",
            "@{",
            "",
            "Rocky 9 (x86_64)",
            "a  b",
            "a name that is so long that no branch could be called like it whole",
        ];
        let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
        insta::assert_snapshot!(keys.join("\n"), @"
        opensuse-leap-16.0
        ubuntu-24.04-base-v1.1
        buntu-7102139e
        a.b-f62b4241
        a-36797c3a
        a.lock-e018dd87
        a-b-c14cddc0
        image-e45d2ae2
        image-e3b0c442
        rocky-9-x86-64-00f69152
        a-b-6e12db73
        a-name-that-is-so-long-that-no-branch-could-be-call-001f6235
        ");
    }

    #[test]
    fn names_that_look_alike_do_not_share_a_branch() {
        let alike = ["Ubuntu 24.04", "ubuntu-24.04", "Debian 13"]
            .map(offer)
            .to_vec();
        insta::assert_snapshot!(shown(&groups(alike, Grouping::Image)), @"
        ubuntu-24.04-f62cbb2d (Ubuntu 24.04): Ubuntu 24.04
        ubuntu-24.04-84f82563 (ubuntu-24.04): ubuntu-24.04
        debian-13 (Debian 13): Debian 13
        ");
    }

    proptest! {
        #[test]
        fn every_key_is_a_good_part_of_a_branch(name in "(?s).{0,90}", other in "[a-zA-Z. -]{0,12}") {
            for key in [key(&name), key(&other)] {
                prop_assert!(!key.is_empty() && key.len() <= LONGEST, "{key}");
                prop_assert!(key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte)), "{key}");
                prop_assert!(!key.contains("..") && key.strip_suffix(".lock").is_none() && !key.ends_with('.') && !key.starts_with(['.', '-']), "{key}");
            }
        }

        #[test]
        fn no_two_images_share_a_key(names in prop::collection::btree_set("[aA. -]{0,4}", 0..8)) {
            let offers = names.iter().map(|name| offer(name)).collect();
            let groups = groups(offers, Grouping::Image);
            let keys: std::collections::BTreeSet<_> = groups.iter().map(|group| &group.key).collect();
            prop_assert_eq!(keys.len(), names.len());
        }
    }
}
