//! How a transfer went: what each stage took, and which of them all others waited for.

use std::time::Duration;

use serde_json::{Value, json};

/// The stages in the order of the bytes. Others come last.
const ORDER: [&str; 9] = [
    "download", "unpack", "sha256", "sha384", "sha512", "spool", "convert", "upload", "Glance",
];

/// One transfer: its stages ran side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Which transfer of this process it was: clouds that need the same bytes share one.
    pub transfer: usize,
    /// From the first request to the last answer.
    pub took: Duration,
    /// The stages, in the order of the bytes.
    pub stages: Vec<StageTime>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageTime {
    /// Its name: `download`, `sha512`, `upload`, …
    pub stage: String,
    /// The bytes that went through it.
    pub bytes: u64,
    /// How long it was at work, and not waiting for the stage before or after.
    pub busy: Duration,
}

impl StageTime {
    /// MiB for each second at work; nothing where that was too short to say.
    pub fn rate(&self) -> Option<u64> {
        rate(self.bytes, self.busy)
    }
}

/// MiB a second; nothing for less than a millisecond.
fn rate(bytes: u64, time: Duration) -> Option<u64> {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    (bytes.saturating_mul(1000) >> 20).checked_div(milliseconds)
}

impl Transferred {
    /// A transfer whose stages are told in any order.
    pub fn new(transfer: usize, took: Duration, mut stages: Vec<StageTime>) -> Self {
        let place = |stage: &StageTime| ORDER.iter().position(|name| *name == stage.stage);
        stages.sort_by_key(|stage| place(stage).unwrap_or(ORDER.len()));
        Self {
            transfer,
            took,
            stages,
        }
    }

    /// Whether two uploads got their bytes from one download.
    pub const fn is_of_the_same_download(&self, other: &Self) -> bool {
        self.transfer == other.transfer
    }

    /// The stage that was at work longest.
    pub fn bottleneck(&self) -> Option<&StageTime> {
        self.stages.iter().max_by_key(|stage| stage.busy)
    }

    /// How many bytes came, which is what its first stage saw.
    pub fn bytes(&self) -> u64 {
        self.stages.first().map_or(0, |stage| stage.bytes)
    }

    /// MiB a second over all of it.
    pub fn rate(&self) -> Option<u64> {
        rate(self.bytes(), self.took)
    }

    /// The same as JSON; times in seconds, rates in MiB a second.
    pub fn json(&self) -> Value {
        let stages = self.stages.iter().map(|stage| {
            json!({
                "stage": stage.stage,
                "bytes": stage.bytes,
                "seconds": seconds(stage.busy),
                "rate": stage.rate(),
            })
        });
        json!({
            "bytes": self.bytes(),
            "seconds": seconds(self.took),
            "rate": self.rate(),
            "bottleneck": self.bottleneck().map(|stage| &stage.stage),
            "stages": stages.collect::<Vec<_>>(),
        })
    }
}

/// Seconds with milliseconds.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
