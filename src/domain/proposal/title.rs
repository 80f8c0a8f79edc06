//! A group → what stands in a list of pull requests: what changes, from what, to what.

use super::{Group, Offer};
use crate::domain::markdown::{bare, clipped, length};

/// What people scan; longer titles are taken if there is no other.
pub(super) const READABLE: usize = 72;

/// The longest title that forges take, in characters.
const LONGEST: usize = 256;

/// The longest name or version in a title.
const LONGEST_WORD: usize = 120;

/// Says what a group changes: `Ubuntu 24.04: 20260705 → 20260725`.
///
/// It is one line of at most 256 characters, and mentions and refers to nobody.
pub fn title(group: &Group) -> String {
    let ways = ways(group);
    let fits = |most: usize| ways.iter().find(|way| length(way) <= most);
    let title = fits(READABLE).or_else(|| fits(LONGEST)).or(ways.last());
    clipped(title.map_or("", String::as_str), LONGEST)
}

/// How it can be said, the most telling first.
fn ways(group: &Group) -> Vec<String> {
    let offers = &group.offers;
    let count = offers.len();
    let images = joined(offers.iter().map(|offer| offer.image.as_str()));
    let mut ways = Vec::new();
    if let [offer] = offers.as_slice() {
        match &offer.from {
            Some(_) => ways.push(format!("{images}: {}", step(offer))),
            None => ways.push(format!("{images}: {} (first version)", to(offer))),
        }
        ways.push(format!("{images}: {}", to(offer)));
        return ways;
    }
    let subject = subject(group);
    let one = shared(offers, step).or_else(|| shared(offers, to));
    if let Some(what) = one {
        ways.push(format!("{images}: {what}"));
        ways.push(format!("{subject}: {what} ({count} images)"));
    } else {
        ways.push(each(offers, step));
        ways.push(each(offers, to));
    }
    ways.push(format!("{subject}: {count} new versions"));
    ways.push(format!("{}: {count} new versions", word(&group.title)));
    ways
}

/// The sources if there are several, else the group's own name.
fn subject(group: &Group) -> String {
    let mut titles: Vec<&str> = Vec::new();
    for offer in &group.offers {
        if !titles.contains(&offer.source_title.as_str()) {
            titles.push(&offer.source_title);
        }
    }
    if titles.len() > 1 {
        joined(titles.into_iter())
    } else {
        word(&group.title)
    }
}

fn each(offers: &[Offer], what: impl Fn(&Offer) -> String) -> String {
    let each = offers
        .iter()
        .map(|offer| format!("{}: {}", word(&offer.image), what(offer)));
    each.collect::<Vec<_>>().join(", ")
}

/// What all say, if they say the same.
fn shared(offers: &[Offer], what: impl Fn(&Offer) -> String) -> Option<String> {
    let first = what(offers.first()?);
    offers
        .iter()
        .all(|offer| what(offer) == first)
        .then_some(first)
}

/// From which version to which.
pub(super) fn step(offer: &Offer) -> String {
    match &offer.from {
        Some((from, _)) => format!("{} → {}", word(from), to(offer)),
        None => to(offer),
    }
}

fn to(offer: &Offer) -> String {
    word(&offer.entry.version)
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(word).collect::<Vec<_>>().join(", ")
}

fn word(text: &str) -> String {
    clipped(&bare(text), LONGEST_WORD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sample::{group, offer};
    use super::*;

    fn with(image: &str, from: Option<&str>, to: &str) -> Offer {
        let mut offer = offer(image);
        offer.from = from.map(|from| (from.to_owned(), None));
        offer.entry.version = to.to_owned();
        offer
    }

    fn titles(groups: Vec<Vec<Offer>>) -> String {
        let titles = groups.into_iter().map(|offers| title(&group(offers)));
        titles.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_title_says_what_changes() {
        let (old, new) = (Some("20260705"), "20260725");
        let ubuntu = |from, to| {
            ["22.04", "24.04", "25.10", "26.04"]
                .map(|release| with(&format!("Ubuntu {release}"), from, to))
                .to_vec()
        };
        let mut mixed = ubuntu(old, new);
        mixed[1].entry.version = "20260726".to_owned();
        let mut begun = ubuntu(old, new);
        begun[2].from = None;
        let mut sources = ubuntu(old, new);
        sources[0].source_title = "Debian".to_owned();
        sources[0].entry.version = "20260724-2550".to_owned();
        insta::assert_snapshot!(titles(vec![
            vec![with("Ubuntu 24.04", old, new)],
            vec![with("Ubuntu 24.04", None, new)],
            vec![with("Ubuntu 22.04", old, new), with("Ubuntu 24.04", old, new)],
            ubuntu(old, new),
            begun,
            vec![with("Debian 12", old, new), with("Debian 13", old, "20260726")],
            mixed,
            sources,
        ]), @"
        Ubuntu 24.04: 20260705 → 20260725
        Ubuntu 24.04: 20260725 (first version)
        Ubuntu 22.04, Ubuntu 24.04: 20260705 → 20260725
        Ubuntu: 20260705 → 20260725 (4 images)
        Ubuntu 22.04, Ubuntu 24.04, Ubuntu 25.10, Ubuntu 26.04: 20260725
        Debian 12: 20260705 → 20260725, Debian 13: 20260705 → 20260726
        Ubuntu: 4 new versions
        Debian, Ubuntu: 4 new versions
        ");
    }

    #[test]
    fn a_title_of_long_names_is_cut() {
        let long = "An image of which somebody thought that it should have a very telling name";
        let much = "x".repeat(500);
        insta::assert_snapshot!(titles(vec![
            vec![with(long, Some("20260705"), "20260725")],
            vec![with(&much, Some(&much), &much)],
        ]), @"
        An image of which somebody thought that it should have a very telling name: 20260705 → 20260725
        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
        ");
    }

    #[test]
    fn a_title_mentions_nobody() {
        let hostile = "@octocat\nfixes #1 [skip ci] `a` GH-1 https://a.example";
        let title = titles(vec![vec![with(hostile, Some("1\r\n2"), "\u{202e}3")]]);
        insta::assert_snapshot!(title.replace('\u{200d}', "·"), @"@·octocat fixes #·1 (skip ci) 'a' GH-·1 https:·//a.example: 1 2 → 3");
    }

    proptest! {
        #[test]
        fn every_title_is_one_line_of_bounded_length(
            words in prop::collection::vec(("(?s).{0,300}", "(?s).{0,300}", "(?s).{0,300}"), 1..6)
        ) {
            let offers = words.iter().map(|(image, from, to)| with(image, Some(from), to));
            let title = title(&group(offers.collect()));
            prop_assert!(length(&title) <= LONGEST, "{title}");
            prop_assert!(!title.chars().any(char::is_control), "{title}");
            prop_assert!(!title.contains("[skip") && !title.contains('`'), "{title}");
        }
    }
}
