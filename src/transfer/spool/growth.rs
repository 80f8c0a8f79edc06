//! How far a file has come that somebody reads while it grows.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct State {
    written: u64,
    is_over: bool,
    /// How many wait, since when, and how long it was before that.
    waiting: usize,
    since: Option<Instant>,
    waited: Duration,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's side. When it is gone, nothing more comes.
#[derive(Debug)]
pub struct Growing(Arc<Shared>);

/// The readers' side.
#[derive(Debug, Clone)]
pub struct Growth(Arc<Shared>);

/// The growth of a file that is empty still.
pub fn growth() -> (Growing, Growth) {
    let shared = Arc::<Shared>::default();
    (Growing(Arc::clone(&shared)), Growth(shared))
}

impl Growing {
    /// So many bytes are there now.
    pub fn reached(&self, written: u64) {
        self.0.lock().written = written;
        self.0.changed.notify_all();
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl Growth {
    /// Waits until the first `end` bytes are there; says whether they are, or never will be. Blocks.
    pub fn has_reached(&self, end: u64) -> bool {
        let mut state = self.0.lock();
        if state.written < end && !state.is_over {
            state.begin_to_wait();
            while state.written < end && !state.is_over {
                let changed = self.0.changed.wait(state);
                state = changed.unwrap_or_else(PoisonError::into_inner);
            }
            state.end_to_wait();
        }
        state.written >= end
    }

    /// Whether the first `end` bytes are there.
    pub fn is_at(&self, end: u64) -> bool {
        self.0.lock().written >= end
    }

    /// How long somebody has waited for it.
    pub fn waited(&self) -> Duration {
        let state = self.0.lock();
        state.waited + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl State {
    fn begin_to_wait(&mut self) {
        self.waiting += 1;
        self.since.get_or_insert_with(Instant::now);
    }

    fn end_to_wait(&mut self) {
        self.waiting -= 1;
        if self.waiting == 0
            && let Some(since) = self.since.take()
        {
            self.waited += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_waits_for_what_is_not_there_yet_and_not_for_what_never_comes() {
        let (growing, growth) = growth();
        growing.reached(3);
        assert!(growth.has_reached(3));
        assert_eq!(growth.waited(), Duration::ZERO);
        let reader = growth.clone();
        let reader = std::thread::spawn(move || (reader.has_reached(7), reader.has_reached(8)));
        while growth.waited().is_zero() {
            std::thread::yield_now();
        }
        growing.reached(7);
        drop(growing);
        assert_eq!(reader.join().unwrap(), (true, false));
        let waited = growth.waited();
        assert!(
            !waited.is_zero() && growth.waited() == waited,
            "nobody waits any more"
        );
    }
}
