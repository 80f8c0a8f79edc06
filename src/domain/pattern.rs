//! A regular expression as sources write them.

use std::fmt;
use std::ops::Deref;

use regex::Regex;

/// A pattern over URLs, names and other texts of upstreams, in which `\d` is a digit of 0 to 9.
///
/// To the library `\d` is a digit of any script, and an automaton that knows them all takes half a megabyte; those of the
/// sources that come with reglaze took ten. No upstream numbers its builds in Devanagari.
#[derive(Debug, Clone)]
pub struct Pattern {
    written: String,
    regex: Regex,
}

impl Pattern {
    /// Fails with the library's error if it is no regular expression.
    pub fn new(written: &str) -> Result<Self, regex::Error> {
        Ok(Self {
            regex: Regex::new(&with_plain_digits(written))?,
            written: written.to_owned(),
        })
    }
}

impl Deref for Pattern {
    type Target = Regex;

    fn deref(&self) -> &Regex {
        &self.regex
    }
}

/// As it was written.
impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

/// A class may stand in another one, so it is the same inside of brackets.
fn with_plain_digits(written: &str) -> String {
    let mut plain = String::with_capacity(written.len());
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        match (character, characters.clone().next()) {
            ('\\', Some('d')) => {
                characters.next();
                plain.push_str("[0-9]");
            }
            ('\\', Some(escaped)) => {
                characters.next();
                plain.extend(['\\', escaped]);
            }
            _ => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_is_one_of_ten_wherever_it_stands() {
        for (written, matching, other) in [
            (r"^\d+$", "2026", "२०२६"),
            (r"^[\d.]+$", "24.04", "२४.०४"),
            (r"^[^\d]$", "x", "7"),
            (r"^\\d$", r"\d", "7"),
            (r"^\D$", "x", "7"),
        ] {
            let pattern = Pattern::new(written).unwrap();
            assert!(pattern.is_match(matching), "{written}");
            assert!(!pattern.is_match(other), "{written}");
            assert_eq!(pattern.to_string(), written);
        }
    }

    #[test]
    fn what_is_no_pattern_is_an_error() {
        assert!(Pattern::new(r"(\d").is_err());
        assert!(Pattern::new("\\").is_err());
    }
}
