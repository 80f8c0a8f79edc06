//! Threads for a stage that has several jobs in hand at once. Jobs are begun in the order in which they are given; how
//! results come back, each job brings along.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The most that one stage starts.
const MOST_THREADS: usize = 4;

/// How many threads one stage has: as many as the machine runs side by side, at most four.
pub(super) fn threads() -> usize {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    threads.min(MOST_THREADS)
}

/// The threads. They end with it.
pub(super) struct Workers<J> {
    jobs: Option<Sender<J>>,
    threads: Vec<JoinHandle<()>>,
    wanted: usize,
    start: Box<dyn Fn() -> JoinHandle<()> + Send>,
}

impl<J: Send + 'static> Workers<J> {
    /// As many as a stage has, each started when there is something to do.
    /// `begin` gives each what it does a job with.
    pub(super) fn new<W>(begin: impl Fn() -> W + Send + 'static) -> Self
    where
        W: FnMut(J) + Send + 'static,
    {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let start = move || {
            let (waiting, mut work) = (Arc::clone(&waiting), begin());
            std::thread::spawn(move || {
                while let Some(job) = next(&waiting) {
                    work(job);
                }
            })
        };
        Self {
            jobs: Some(jobs),
            threads: Vec::new(),
            wanted: threads(),
            start: Box::new(start),
        }
    }

    /// How many jobs are done at once.
    pub(super) const fn threads(&self) -> usize {
        self.wanted
    }

    /// Has a job done.
    pub(super) fn give(&mut self, job: J) {
        if self.threads.len() < self.wanted {
            self.threads.push((self.start)());
        }
        if let Some(jobs) = &self.jobs {
            // If all threads have ended, the job's being dropped says so.
            let _ = jobs.send(job);
        }
    }
}

impl<J> Drop for Workers<J> {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The next job; nothing when no more come.
fn next<J>(waiting: &Mutex<Receiver<J>>) -> Option<J> {
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.recv().ok()
}
