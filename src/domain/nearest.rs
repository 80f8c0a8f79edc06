//! The name that somebody probably meant.

/// The most similar of `names`, if it is similar enough to be what was meant.
pub fn nearest<'a>(said: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(name, said), name))
        .min()
        .filter(|(distance, name)| *distance <= 2.min(name.len() / 2))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = ["ubuntu", "debian", "kali"];
        assert_eq!(nearest("ubunut", names), Some("ubuntu"));
        assert_eq!(nearest("Debian", names), Some("debian"));
        assert_eq!(nearest("windows", names), None);
        assert_eq!(nearest("arch", names), None);
    }
}
