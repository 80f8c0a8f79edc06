//! What each stage of a transfer did: bytes, and how long it was at work rather than waiting for its neighbours.
//!
//! All stages run side by side, so the one that was at work longest is what the whole of it waited for.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::transferred::{StageTime, Transferred};

/// How many transfers this process has begun.
static TRANSFERS: AtomicUsize = AtomicUsize::new(0);

/// The stages of one transfer, as they are begun.
#[derive(Debug, Clone)]
pub struct Meter {
    transfer: usize,
    begun: Instant,
    stages: Arc<Mutex<Vec<Arc<Stage>>>>,
}

#[derive(Debug)]
struct Stage {
    name: String,
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
}

/// What one stage writes down.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Stage>);

impl Default for Meter {
    fn default() -> Self {
        Self {
            transfer: TRANSFERS.fetch_add(1, Ordering::Relaxed),
            begun: Instant::now(),
            stages: Arc::default(),
        }
    }
}

impl Meter {
    /// A stage's clock; the same one for the same name.
    pub fn clock(&self, name: &str) -> Clock {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = stages.iter().find(|stage| stage.name == name) {
            return Clock(Arc::clone(stage));
        }
        let stage = Arc::new(Stage {
            name: name.to_owned(),
            bytes: AtomicU64::new(0),
            nanoseconds: AtomicU64::new(0),
        });
        stages.push(Arc::clone(&stage));
        Clock(stage)
    }

    /// What was done so far.
    pub fn read(&self) -> Transferred {
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let stages = stages.iter().map(|stage| StageTime {
            stage: stage.name.clone(),
            bytes: stage.bytes.load(Ordering::Relaxed),
            busy: Duration::from_nanos(stage.nanoseconds.load(Ordering::Relaxed)),
        });
        Transferred::new(self.transfer, self.begun.elapsed(), stages.collect())
    }
}

impl Clock {
    /// Counts bytes that passed.
    pub fn passed(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts time at work.
    pub fn worked(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Counts the time that `future` takes.
    pub async fn during<T>(&self, future: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = future.await;
        self.worked(begun.elapsed());
        done
    }

    /// Counts the time that `work` takes.
    pub fn doing<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        self.worked(begun.elapsed());
        done
    }
}

/// The time of a stage that is one long call: what it waits on the way is taken from what it takes in all.
#[derive(Debug, Clone)]
pub struct Shift {
    clock: Clock,
    begun: Instant,
    waited: Arc<AtomicU64>,
}

impl Shift {
    /// Begins now.
    pub fn begin(clock: Clock) -> Self {
        Self {
            clock,
            begun: Instant::now(),
            waited: Arc::default(),
        }
    }

    /// Waits for another stage.
    pub fn waiting<T>(&self, wait: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = wait();
        let nanoseconds = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waited.fetch_add(nanoseconds, Ordering::Relaxed);
        done
    }

    /// Counts bytes that were made.
    pub fn passed(&self, bytes: usize) {
        self.clock.passed(bytes);
    }

    /// Ends now.
    pub fn end(self) {
        let waited = Duration::from_nanos(self.waited.load(Ordering::Relaxed));
        self.clock
            .worked(self.begun.elapsed().saturating_sub(waited));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_waits_is_not_at_work() {
        let begun = Instant::now();
        let meter = Meter::default();
        let shift = Shift::begin(meter.clock("unpack"));
        shift.waiting(|| std::thread::sleep(Duration::from_millis(60)));
        shift.passed(7);
        shift.end();
        let took = begun.elapsed();
        let read = meter.read();
        let [stage] = &read.stages[..] else {
            panic!("one stage: {read:?}")
        };
        assert_eq!((stage.stage.as_str(), stage.bytes), ("unpack", 7));
        // However long the rest of it takes.
        let waited = Duration::from_millis(60);
        assert!(stage.busy + waited <= took, "{:?} of {took:?}", stage.busy);
        assert!(read.took >= Duration::from_millis(60));
    }
}
