//! How versions order. Upstreams number in many ways; a source or definition says which one it means.

use std::cmp::Ordering;

use serde::Deserialize;

/// An order of versions. Each is total: what it cannot parse it compares by natural order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Runs of digits by value, the rest as text: right for `20260725.1`, `4593.2.5`, `20260717-2542`.
    #[default]
    Natural,
    /// Semantic versions, an optional `v` in front: `1.2.0-rc.1` before `1.2.0`.
    Semver,
    /// Debian's rules: `~` sorts before everything, also the end.
    Debian,
    /// Dates in any of the forms `2026-07-25`, `20260725`; what follows the date in natural order.
    Date,
}

impl Order {
    /// Compares two versions.
    pub fn compare(self, left: &str, right: &str) -> Ordering {
        match self {
            Self::Natural => natural(left, right),
            Self::Semver => match (semantic(left), semantic(right)) {
                (Some(one), Some(other)) => one.cmp(&other).then_with(|| natural(left, right)),
                // A version that is none sorts before those that are.
                (one, other) => one
                    .is_some()
                    .cmp(&other.is_some())
                    .then_with(|| natural(left, right)),
            },
            Self::Debian => debian(left, right).then_with(|| left.cmp(right)),
            Self::Date => {
                let plain = |text: &str| text.replace('-', "");
                natural(&plain(left), &plain(right)).then_with(|| left.cmp(right))
            }
        }
    }
}

fn semantic(version: &str) -> Option<semver::Version> {
    semver::Version::parse(version.strip_prefix('v').unwrap_or(version)).ok()
}

/// Splits off the leading run of digits, or of anything else.
fn run(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|letter: char| letter.is_ascii_digit());
    let end = text
        .find(|letter: char| letter.is_ascii_digit() != digits)
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Compares runs of digits as text, since long stamps exceed every integer.
fn number(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

fn natural(left: &str, right: &str) -> Ordering {
    let (mut one, mut other) = (left, right);
    while !one.is_empty() && !other.is_empty() {
        let ((head, rest), (other_head, other_rest)) = (run(one), run(other));
        let digits = |text: &str| text.starts_with(|letter: char| letter.is_ascii_digit());
        let order = if digits(head) && digits(other_head) {
            number(head, other_head)
        } else {
            head.cmp(other_head)
        };
        if order != Ordering::Equal {
            return order;
        }
        (one, other) = (rest, other_rest);
    }
    // `1.0` and `1.00` differ as text, so the order stays total.
    one.len().cmp(&other.len()).then_with(|| left.cmp(right))
}

/// Debian Policy 5.6.12, without the epoch and revision that images never have.
fn debian(left: &str, right: &str) -> Ordering {
    let weight = |letter: Option<char>| match letter {
        Some('~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => letter as i32,
        Some(letter) => letter as i32 + 256,
    };
    let (mut one, mut other) = (left, right);
    while !one.is_empty() || !other.is_empty() {
        let split = |text: &str| {
            text.find(|c: char| c.is_ascii_digit())
                .unwrap_or(text.len())
        };
        let ((head, rest), (other_head, other_rest)) =
            (one.split_at(split(one)), other.split_at(split(other)));
        let (mut letters, mut other_letters) = (head.chars(), other_head.chars());
        loop {
            let (letter, other_letter) = (letters.next(), other_letters.next());
            match weight(letter).cmp(&weight(other_letter)) {
                Ordering::Equal if letter.is_none() => break,
                Ordering::Equal => {}
                order => return order,
            }
        }
        let digits = |text: &str| {
            text.find(|c: char| !c.is_ascii_digit())
                .unwrap_or(text.len())
        };
        let ((head, rest), (other_head, other_rest)) = (
            rest.split_at(digits(rest)),
            other_rest.split_at(digits(other_rest)),
        );
        match number(head, other_head) {
            Ordering::Equal => (one, other) = (rest, other_rest),
            order => return order,
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascending(order: Order, versions: &[&str]) {
        for pair in versions.windows(2) {
            assert_eq!(order.compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(
                order.compare(pair[1], pair[0]),
                Ordering::Greater,
                "{pair:?}"
            );
        }
    }

    #[test]
    fn natural_order_compares_numbers_by_value() {
        ascending(Order::Natural, &["1.9", "1.10", "1.10.1"]);
        ascending(Order::Natural, &["20240523", "20240523.1", "20240605"]);
        ascending(Order::Natural, &["44-1.9", "44-1.10"]);
        ascending(
            Order::Natural,
            &["99999999999999999999998", "99999999999999999999999"],
        );
    }

    #[test]
    fn natural_order_is_total() {
        ascending(Order::Natural, &["1.0", "1.00"]);
        assert_eq!(Order::Natural.compare("7", "7"), Ordering::Equal);
    }

    #[test]
    fn semantic_order_knows_prereleases_and_puts_strangers_first() {
        ascending(
            Order::Semver,
            &["latest", "v1.2.0-rc.1", "1.2.0", "v1.10.0"],
        );
    }

    #[test]
    fn debian_order_puts_a_tilde_before_the_end() {
        ascending(Order::Debian, &["1.0~rc1", "1.0", "1.0a", "1.0+b1", "1.1"]);
    }

    #[test]
    fn date_order_does_not_mind_dashes() {
        ascending(
            Order::Date,
            &["2026-07-05", "20260725", "2026-07-25.1", "20260801"],
        );
    }
}
