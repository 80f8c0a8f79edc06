//! Progress of one transfer: a bar where somebody watches, else log lines, one for each tenth and no more than one in two
//! seconds.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::log;

/// Lines closer together than this are noise.
const PAUSE: Duration = Duration::from_secs(2);

/// Tells how far a transfer is.
#[derive(Debug)]
pub struct Progress {
    told: Told,
    total: Option<u64>,
    begun: Instant,
}

/// How it is told.
#[derive(Debug)]
enum Told {
    Nowhere,
    Bar(ProgressBar),
    Lines {
        label: String,
        last: Instant,
        tenth: u64,
    },
}

impl Progress {
    /// Tells under this label; `total` in bytes, where it is known.
    pub fn new(label: String, total: Option<u64>) -> Self {
        let now = Instant::now();
        let told = match log::bar(&label, total) {
            Some(bar) => Told::Bar(bar),
            None => Told::Lines {
                label,
                last: now,
                tenth: 0,
            },
        };
        Self {
            told,
            total,
            begun: now,
        }
    }

    /// Tells nothing.
    pub fn silent() -> Self {
        Self {
            told: Told::Nowhere,
            total: None,
            begun: Instant::now(),
        }
    }

    /// So many bytes have passed.
    pub fn reach(&mut self, bytes: u64) {
        match &mut self.told {
            Told::Nowhere => {}
            Told::Bar(bar) => bar.set_position(bytes),
            Told::Lines { label, last, tenth } => {
                if last.elapsed() < PAUSE {
                    return;
                }
                let total = self.total.filter(|total| *total > 0);
                let reached = total.map(|total| bytes * 10 / total);
                if reached == Some(*tenth) {
                    return;
                }
                *tenth = reached.unwrap_or(0);
                *last = Instant::now();
                tracing::info!("{label}: {}", line(bytes, total, self.begun.elapsed()));
            }
        }
    }

    /// All bytes have come; what is done with them goes on.
    pub fn end(&mut self) {
        if let Told::Bar(bar) = &self.told {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// How far it is, how fast, and how long it still takes.
fn line(bytes: u64, total: Option<u64>, took: Duration) -> String {
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = bytes.saturating_mul(1000) / milliseconds;
    let mebibytes = rate >> 20;
    let Some(total) = total else {
        return format!("{} MiB, {mebibytes} MiB/s", bytes >> 20);
    };
    let percent = bytes.saturating_mul(100) / total;
    let left = total.saturating_sub(bytes).checked_div(rate);
    let left = left.map_or_else(String::new, |left| format!(", {left} s left"));
    format!(
        "{percent} % of {} MiB, {mebibytes} MiB/s{left}",
        total >> 20
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long_still() {
        let second = Duration::from_secs(1);
        assert_eq!(
            line(100 << 20, Some(400 << 20), second),
            "25 % of 400 MiB, 100 MiB/s, 3 s left"
        );
        assert_eq!(line(100 << 20, None, second), "100 MiB, 100 MiB/s");
        assert_eq!(line(0, Some(1), Duration::ZERO), "0 % of 0 MiB, 0 MiB/s");
    }
}
