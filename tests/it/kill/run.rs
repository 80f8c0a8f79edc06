//! Every point in its turn: the catalogue before the run, the cut run, the next run, and what is there then.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::look::canonical;
use super::point::{self, Blow, Point};
use super::recorded::hold_against_plan;
use super::story::{Story, Told, bytes, remove};
use super::watch::Tenant;
use crate::account::Account;
use crate::proxy::Moment;
use crate::stage::Stage;

/// The images of the beginning by ID.
type Origins = BTreeMap<String, String>;

/// Waiting for requests is most of what a point does.
const WORKERS: usize = 4;

/// Between two looks of the tenant in a short run; a long run knows none.
const PAUSE: Duration = Duration::from_millis(60);

/// How many points of a story a short run takes.
#[derive(Clone, Copy)]
pub enum Sample {
    /// All of them.
    All,
    /// Every so many, beginning with the one of that number.
    Every(usize, usize),
}

/// Tells a story, then cuts its run at all points, or in a short run at those of the sample.
pub fn cut_everywhere(story: &'static Story, sample: Sample) {
    let begun = Instant::now();
    let mut stages: Vec<_> = (0..WORKERS)
        .map(|number| stage(&format!("{}-{number}", story.name)))
        .collect();
    let told = Told::tell(&mut stages[0], story);
    hold_against_plan(&told);
    let points = point::all(&told.requests);
    let is_long = std::env::var_os("REGLAZE_TEST_LONG").is_some();
    let taken: Vec<_> = match sample {
        Sample::Every(step, first) if !is_long => points.iter().skip(first).step_by(step).collect(),
        _ => points.iter().collect(),
    };
    let (told_in, cutting) = (begun.elapsed(), Instant::now());
    let work = Work {
        told: &told,
        points: &taken,
        tenant: Tenant::start(if is_long { Duration::ZERO } else { PAUSE }),
        is_long,
        next: AtomicUsize::new(0),
        ended: Mutex::default(),
        looks: AtomicUsize::new(0),
        failed: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for stage in stages {
            scope.spawn(|| work.share(stage));
        }
    });
    println!(
        "{}: cut points: {} of {} ({} requests, {} states, {} of them run to the end), {} looks of a tenant, {:.0} s for \
         the story, {:.0} s for the points",
        story.name,
        taken.len(),
        points.len(),
        told.requests.len(),
        work.states(),
        work.ended.lock().unwrap().len(),
        work.looks.load(Ordering::Relaxed),
        told_in.as_secs_f64(),
        cutting.elapsed().as_secs_f64(),
    );
    let failed = work.failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} of {} cut points of `{}` failed:\n\n{}",
        failed.len(),
        taken.len(),
        story.name,
        failed.join("\n\n")
    );
}

/// What the workers share.
struct Work<'a> {
    told: &'a Told,
    points: &'a [&'a Point],
    tenant: Tenant,
    is_long: bool,
    next: AtomicUsize,
    /// States, and whether the runs were bound, from which the next run went to the right end.
    ended: Mutex<BTreeSet<(String, bool)>>,
    looks: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

impl Work<'_> {
    /// Takes points as long as there are some.
    fn share(&self, mut stage: Stage) {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let tag = format!(
            "cut-{}-{}-{number}",
            self.told.story.name,
            std::process::id()
        );
        let mut origins = self.told.copy(&mut stage, &tag);
        look_after_writes(&stage, &self.tenant, &tag);
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(point) = self.points.get(number) else {
                break;
            };
            if number.is_multiple_of(20) {
                println!("point {number} of {}", self.points.len());
            }
            if let Err(said) = self.cut(&stage, point, &origins) {
                println!("{point} failed");
                self.failed.lock().unwrap().push(format!("{point}\n{said}"));
            }
            stage.glance.heal();
            self.told.restore(&tag, &mut origins);
        }
        remove(&tag);
    }

    /// Cuts one run, and runs again.
    fn cut(&self, stage: &Stage, point: &Point, origins: &Origins) -> Result<(), String> {
        let names = self.told.names(&stage.tag);
        self.tenant.watch(&stage.tag, &names, self.told.digests());
        let ended = self.cut_and_end(stage, point, origins);
        let seen = self.tenant.leave(&stage.tag);
        self.looks.fetch_add(seen.looks, Ordering::Relaxed);
        ended?;
        if seen.wrong.is_empty() {
            return Ok(());
        }
        Err(format!("a tenant saw: {:?}", seen.wrong))
    }

    fn cut_and_end(&self, stage: &Stage, point: &Point, origins: &Origins) -> Result<(), String> {
        let arguments = arguments(stage, point);
        let said = cut(stage, point, &arguments)?;
        let found = (settled(stage, origins)?, point.is_bound);
        // What was run to the end once goes the same way again; a run from the beginning is the undisturbed one.
        let is_known = self.ended.lock().unwrap().contains(&found);
        let is_beginning = found == (self.told.beginning.clone(), false);
        if (is_known || is_beginning) && !self.is_long {
            return Ok(());
        }
        let ended = stage.reglaze(&arguments);
        if ended.code != 0 {
            return Err(format!(
                "the next run ended with {}:\n{}\n{}\nthe cut one had said:\n{said}",
                ended.code, ended.stdout, ended.stderr
            ));
        }
        let end = canonical(&stage.tag, origins);
        if end != self.told.end {
            let difference = difference(&self.told.end, &end);
            return Err(format!("the end is another one.\n{difference}"));
        }
        self.ended.lock().unwrap().insert(found);
        Ok(())
    }

    /// How many states there were.
    fn states(&self) -> usize {
        let ended = self.ended.lock().unwrap();
        let states: BTreeSet<_> = ended.iter().map(|(state, _)| state).collect();
        states.len()
    }
}

/// A stage whose upstream has all the bytes that stories name.
pub fn stage(name: &str) -> Stage {
    let stage = Stage::with_login(name);
    for version in 1..=9 {
        let version = format!("{version}");
        stage.publish(&version, &bytes(&version));
    }
    stage
}

fn look_after_writes(stage: &Stage, tenant: &Tenant, tag: &str) {
    let (tenant, tag) = (tenant.clone(), tag.to_owned());
    let account = Account::of("tenant");
    stage.glance.look_after_writes(Arc::new(move || {
        let (tenant, tag, account) = (tenant.clone(), tag.clone(), account.clone());
        Box::pin(async move { tenant.look(&tag, &account).await })
    }));
}

/// `apply`, bound or not.
fn arguments(stage: &Stage, point: &Point) -> Vec<&'static str> {
    if !point.is_bound {
        return vec!["apply"];
    }
    let plan = stage.reglaze(&["plan"]);
    stage.write("plan.json", &plan.stdout);
    vec!["apply", "--plan", "plan.json"]
}

/// The run that is cut; gives what it said.
fn cut(stage: &Stage, point: &Point, arguments: &[&str]) -> Result<String, String> {
    stage.glance.take();
    let said = match point.blow {
        Blow::Kill(moment) => kill(stage, point.number, moment, arguments)?,
        Blow::Fault(fault) => {
            stage.glance.fail_at(point.number, fault);
            let ended = stage.reglaze(arguments);
            if ![0, 1, 3].contains(&ended.code) {
                return Err(format!(
                    "the cut run ended with {}: {}",
                    ended.code, ended.stderr
                ));
            }
            ended.stdout
        }
    };
    stage.glance.heal();
    let requests = stage.glance.take();
    let cut_there = requests.get(point.number).map(|seen| seen.method.as_str());
    if cut_there == point.line.split(' ').next() {
        return Ok(said);
    }
    Err(format!("the run took another course: {requests:?}"))
}

/// What is there when Glance has noticed that nobody sends any more.
fn settled(stage: &Stage, origins: &Origins) -> Result<String, String> {
    let begun = Instant::now();
    loop {
        let found = canonical(&stage.tag, origins);
        if !found.contains("status: \"saving\"") {
            return Ok(found);
        }
        if begun.elapsed() > Duration::from_secs(30) {
            return Err("an image is `saving` for ever".to_owned());
        }
    }
}

/// Begins a run and kills it at the point.
fn kill(
    stage: &Stage,
    number: usize,
    moment: Moment,
    arguments: &[&str],
) -> Result<String, String> {
    let (now, reached) = mpsc::channel();
    let (is_dead, dead) = mpsc::channel();
    stage.glance.strike_at(number, moment, move || {
        now.send(()).unwrap();
        // The request waits until the process is no more.
        let _ = dead.recv();
    });
    let mut child = stage
        .command(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while reached.recv_timeout(Duration::from_millis(20)).is_err() {
        if child.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_mins(2) {
            end(&mut child);
            return Err("the run did not come to this request".to_owned());
        }
    }
    end(&mut child);
    let _ = is_dead.send(());
    Ok("nothing, it was killed".to_owned())
}

fn end(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The lines that only one of two texts has.
fn difference(expected: &str, found: &str) -> String {
    let only = |one: &str, other: &str, sign: &str| -> Vec<String> {
        let mut other: Vec<_> = other.lines().collect();
        one.lines()
            .filter(|line| match other.iter().position(|known| known == line) {
                Some(at) => {
                    other.remove(at);
                    false
                }
                None => true,
            })
            .map(|line| format!("{sign} {line}"))
            .collect()
    };
    [only(expected, found, "-"), only(found, expected, "+")]
        .concat()
        .join("\n")
}
