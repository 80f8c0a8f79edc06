//! Which places gave an image, for messages, and for whoever has to fetch it anew.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tells which places gave an image, while it comes and afterwards.
#[derive(Debug, Clone, Default)]
pub struct Served(Arc<Mutex<Vec<Share>>>);

/// What one place gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The place, by its index in the list that was given.
    pub place: usize,
    /// Its URL, as it may be shown.
    pub url: String,
    /// How many bytes of the image came from it.
    pub bytes: u64,
}

impl Served {
    /// What each place gave so far, in the order in which they were asked. Who only began is among them.
    pub fn shares(&self) -> Vec<Share> {
        self.lock().clone()
    }

    /// The place at which to begin anew if the bytes were wrong: the next one; or, if several had a hand in it, the last of
    /// those in the list, of whose own bytes nothing is known yet. Past the end of the list: there is none left.
    ///
    /// It is never the first of the list, so that whoever gives the rest of it each time comes to an end.
    pub fn next_place(&self) -> usize {
        let shares = self.lock();
        let gave = shares.iter().filter(|share| share.bytes > 0);
        let gave: BTreeSet<_> = gave.map(|share| share.place).collect();
        let last = gave.last().or(shares.last().map(|last| &last.place));
        last.map_or(0, |last| last + usize::from(gave.len() < 2))
    }

    /// Takes note that a place has begun.
    pub(super) fn begun(&self, place: usize, url: String) {
        let mut shares = self.lock();
        if shares.last().is_none_or(|last| last.place != place) {
            shares.push(Share {
                place,
                url,
                bytes: 0,
            });
        }
    }

    /// Takes note of what the last place gave.
    pub(super) fn gave(&self, bytes: u64) {
        if let Some(last) = self.lock().last_mut() {
            last.bytes += bytes;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Share>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The URLs of those who gave something, else of the one who should, for a sentence.
impl std::fmt::Display for Served {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shares = self.shares();
        if let Some(last) = shares.pop() {
            shares.retain(|share| share.bytes > 0);
            if last.bytes > 0 || shares.is_empty() {
                shares.push(last);
            }
        }
        let urls: Vec<_> = shares
            .iter()
            .map(|share| format!("`{}`", share.url))
            .collect();
        formatter.write_str(&urls.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_bytes_are_fetched_anew_where_that_may_help() {
        let served = Served::default();
        assert_eq!(served.next_place(), 0);
        served.begun(0, "https://a.example/x".to_owned());
        assert_eq!(served.to_string(), "`https://a.example/x`");
        served.gave(3);
        assert_eq!(
            (served.next_place(), served.to_string()),
            (1, "`https://a.example/x`".to_owned())
        );
        served.begun(2, "https://c.example/x".to_owned());
        assert_eq!(served.next_place(), 1, "the third gave nothing yet");
        served.gave(4);
        assert_eq!(served.next_place(), 2, "alone it may be right");
        assert_eq!(
            served.to_string(),
            "`https://a.example/x` and `https://c.example/x`"
        );
        served.begun(0, "https://a.example/x".to_owned());
        served.gave(5);
        assert_eq!(served.next_place(), 2, "and not the first one again");
    }
}
