//! Progress of one transfer as log lines: one for each tenth, no more than one in two seconds.

use std::time::{Duration, Instant};

/// Lines closer together than this are noise.
const PAUSE: Duration = Duration::from_secs(2);

/// Tells how far a transfer is.
#[derive(Debug)]
pub struct Progress {
    label: Option<String>,
    total: Option<u64>,
    begun: Instant,
    told: Instant,
    tenth: u64,
}

impl Progress {
    /// Tells under this label; `total` in bytes, where it is known.
    pub fn new(label: String, total: Option<u64>) -> Self {
        let now = Instant::now();
        Self {
            label: Some(label),
            total,
            begun: now,
            told: now,
            tenth: 0,
        }
    }

    /// Tells nothing.
    pub fn silent() -> Self {
        Self {
            label: None,
            ..Self::new(String::new(), None)
        }
    }

    /// So many bytes have passed.
    pub fn reach(&mut self, bytes: u64) {
        let Some(label) = &self.label else { return };
        if self.told.elapsed() < PAUSE {
            return;
        }
        let tenth = self
            .total
            .filter(|total| *total > 0)
            .map(|total| bytes * 10 / total);
        if tenth == Some(self.tenth) {
            return;
        }
        self.tenth = tenth.unwrap_or(0);
        self.told = Instant::now();
        let mebibytes = bytes >> 20;
        let milliseconds = self.begun.elapsed().as_millis().max(1);
        let rate = (u128::from(bytes) * 1000 / milliseconds) >> 20;
        if let Some(total) = self.total {
            let (percent, all) = (bytes * 100 / total.max(1), total >> 20);
            tracing::info!("{label}: {percent} % of {all} MiB, {rate} MiB/s");
        } else {
            tracing::info!("{label}: {mebibytes} MiB, {rate} MiB/s");
        }
    }
}
