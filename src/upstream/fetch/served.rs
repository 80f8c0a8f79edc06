//! Which places gave an image, for messages, and for whoever has to fetch it anew.

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

    /// The place at which to begin anew if the bytes were wrong: the next one, or, if several had a hand in it, the last
    /// of those, of whose own bytes nothing is known yet. Past the end of the list: there is none left.
    pub fn next(&self) -> usize {
        let shares = self.lock();
        let gave = shares.iter().filter(|share| share.bytes > 0).count();
        match shares.last() {
            None => 0,
            Some(last) if gave > 1 => last.place,
            Some(last) => last.place + 1,
        }
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

/// The URLs of those who gave something, for a sentence.
impl std::fmt::Display for Served {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shares = self.shares();
        let gave = shares.iter().filter(|share| share.bytes > 0);
        let urls: Vec<_> = gave.map(|share| format!("`{}`", share.url)).collect();
        formatter.write_str(&urls.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_bytes_are_fetched_anew_where_that_may_help() {
        let served = Served::default();
        assert_eq!(served.next(), 0);
        served.begun(0, "https://a.example/x".to_owned());
        served.gave(3);
        assert_eq!(
            (served.next(), served.to_string()),
            (1, "`https://a.example/x`".to_owned())
        );
        served.begun(2, "https://c.example/x".to_owned());
        assert_eq!(
            served.next(),
            3,
            "it gave nothing, so its file is the wrong one too"
        );
        served.gave(4);
        assert_eq!(served.next(), 2, "alone it may be right");
        assert_eq!(
            served.to_string(),
            "`https://a.example/x` and `https://c.example/x`"
        );
    }
}
