//! Tells a story, and cuts its run at every point.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::place;
use super::point::{self, Point};
use super::recorded::hold_against_plan;
use super::story::{Story, Told};
use super::watch::Tenant;
use super::worker::{Cut, Worker};
use crate::stage::Stage;
use crate::tell::tell;
use crate::{clock, services};

/// Waiting for requests is most of what a point does.
const WORKERS: usize = 4;

/// Between two looks of the tenant in a short run; it looks after the writes of a cut run besides.
const PAUSE: Duration = Duration::from_millis(250);

/// The same in a long run, which is in no hurry.
const SHORT_PAUSE: Duration = Duration::from_millis(40);

/// More than a short run takes. Images bear the day of their upload and of their stage, and some go on the day after, so
/// that what is planned, copied and looked at has to be of one day.
const LONGEST: Duration = Duration::from_mins(20);

/// The points of a story that a short run takes: so many of each class of request, beginning with the one of that number.
#[derive(Clone, Copy)]
pub struct OfEachClass(pub usize, pub usize);

/// Tells a story, then cuts its run at all points, or in a short run at some of each class.
pub fn cut_everywhere(story: &'static Story, OfEachClass(count, first): OfEachClass) {
    clock::before_midnight(LONGEST);
    let begun = Instant::now();
    let mut stages: Vec<_> = (0..WORKERS)
        .map(|number| place::stage(story, number))
        .collect();
    let told = Told::tell(&mut stages[0], story);
    hold_against_plan(&told);
    let points = point::all(&told.requests, &told.tag);
    let is_long = std::env::var_os("REGLAZE_TEST_LONG").is_some();
    let taken = if is_long {
        points.iter().collect()
    } else {
        point::of_each_class(&points, count, first)
    };
    let (told_in, cutting) = (begun.elapsed(), Instant::now());
    let work = Work {
        told: &told,
        points: &taken,
        tenant: Tenant::start(if is_long { SHORT_PAUSE } else { PAUSE }),
        is_long,
        next: AtomicUsize::new(0),
        ended: Mutex::default(),
        looks: AtomicUsize::new(0),
        missed: AtomicUsize::new(0),
        failed: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for stage in stages {
            scope.spawn(|| work.share(stage));
        }
    });
    let missed = work.missed.load(Ordering::Relaxed);
    tell(&format!(
        "{}: cut points: {} of {} ({} requests, {} states, {} of them run to the end, {missed} points were questions that \
         did not have to be asked again), {} looks of a tenant, {:.0} s for the story, {:.0} s for the points",
        story.name,
        taken.len() - missed,
        points.len(),
        told.requests.len(),
        work.states(),
        work.ended.lock().unwrap().len(),
        work.looks.load(Ordering::Relaxed),
        told_in.as_secs_f64(),
        cutting.elapsed().as_secs_f64(),
    ));
    let failed = work.failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} of {} cut points of `{}` failed:\n\n{}",
        failed.len(),
        taken.len(),
        story.name,
        failed.join("\n\n")
    );
    // A service that once took longer than ever again is no excuse for more.
    assert!(
        missed <= 2 + taken.len() / 20,
        "too many points were missed"
    );
}

/// What the workers share.
pub struct Work<'a> {
    /// The story.
    pub told: &'a Told,
    points: &'a [&'a Point],
    /// Who looks all the while.
    pub tenant: Tenant,
    /// Whether every state is run to its end each time, and every write is followed by a look.
    pub is_long: bool,
    next: AtomicUsize,
    /// States, and whether the runs were bound, from which the next run went to the right end.
    ended: Mutex<BTreeSet<(String, bool)>>,
    looks: AtomicUsize,
    missed: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

impl Work<'_> {
    /// Takes points as long as there are some.
    fn share(&self, stage: Stage) {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let tag = services::unique(&format!("cut-{}", self.told.story.name));
        let mut worker = Worker::new(self, stage, &tag);
        if count == 0 {
            self.note("the undisturbed run", worker.undisturbed());
        }
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(point) = self.points.get(number) else {
                break;
            };
            if number.is_multiple_of(20) {
                println!("point {number} of {}", self.points.len());
            }
            self.note(&point.to_string(), worker.cut(point));
        }
        worker.end();
    }

    fn note(&self, what: &str, became: Result<Cut, String>) {
        match became {
            Ok(Cut::Ended(looks)) => {
                self.looks.fetch_add(looks, Ordering::Relaxed);
            }
            Ok(Cut::Missed) => {
                println!("{what} did not come");
                self.missed.fetch_add(1, Ordering::Relaxed);
            }
            Err(said) => {
                println!("{what} failed");
                self.failed.lock().unwrap().push(format!("{what}\n{said}"));
            }
        }
    }

    /// Whether a run need not be made: what was run to the end once goes the same way again, and a run from the beginning
    /// is the undisturbed one.
    pub fn is_known(&self, state: &(String, bool)) -> bool {
        let is_beginning = !state.1 && state.0 == self.told.beginning;
        !self.is_long && (is_beginning || self.ended.lock().unwrap().contains(state))
    }

    /// Remembers a state that was run to the end.
    pub fn knows(&self, state: (String, bool)) {
        self.ended.lock().unwrap().insert(state);
    }

    /// How many states there were.
    fn states(&self) -> usize {
        let ended = self.ended.lock().unwrap();
        let states: BTreeSet<_> = ended.iter().map(|(state, _)| state).collect();
        states.len()
    }
}
