//! How often and how long a call to a store is repeated. All of them may be: what they do twice is the same.

use std::time::Duration;

use http::StatusCode;

/// Waits between tries, the first before the second.
const WAITS: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(750),
    Duration::from_secs(2),
    Duration::from_secs(6),
];

/// What is left of the patience with one call.
pub struct Patience {
    waits: std::array::IntoIter<Duration, 4>,
}

impl Patience {
    /// As much as there is.
    pub fn new() -> Self {
        Self {
            waits: WAITS.into_iter(),
        }
    }

    /// Waits before another try; says no when there have been enough.
    pub async fn again(&mut self) -> bool {
        match self.waits.next() {
            Some(wait) => {
                tokio::time::sleep(wait).await;
                true
            }
            None => false,
        }
    }
}

/// Whether an answer with this status may be another one the next time.
pub fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502..=504)
}

/// How long a call may take that carries so many bytes: a minute, and what 64 KiB/s need.
pub fn within(bytes: usize) -> Duration {
    Duration::from_secs(60 + bytes as u64 / (64 << 10))
}
