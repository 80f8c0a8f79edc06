//! Waiting: for what a test cannot go on without, and for a moment at which the clock does not matter.

use std::time::{Duration, Instant};

use chrono::{Timelike, Utc};

/// A guard against hanging and no measure: nothing that is waited for here takes a tenth of it.
const HANGING: Duration = Duration::from_mins(5);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until it is so; `what` is told if it never is.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < HANGING, "it never came: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// The same where a look is a future.
pub async fn becomes<F: Future<Output = bool>>(what: &str, mut look: impl FnMut() -> F) {
    let begun = Instant::now();
    while !look().await {
        assert!(begun.elapsed() < HANGING, "it never came: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until the clock shows another second.
///
/// Glance counts whole seconds, and of two images of one second the ID decides which one is the elder.
pub fn next_second() {
    let begun = Utc::now().timestamp();
    until("the next second", || Utc::now().timestamp() > begun);
}

/// Waits until the next day, in UTC, if less than this is left of the day.
///
/// For what takes its dates from Glance's clock and its plans from ours at many moments, and must have them all of one day.
pub fn before_midnight(needed: Duration) {
    let left = || 24 * 60 * 60 - u64::from(Utc::now().num_seconds_from_midnight());
    while left() < needed.as_secs() {
        std::thread::sleep(Duration::from_secs(1));
    }
}
