//! One copy of a story's catalogue, and its points in turn: the run that is cut, the next run, and what is there then.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::copy::remove;
use super::look::{Look, look};
use super::place;
use super::point::{Blow, Point};
use super::run::Work;
use super::story::Copy;
use crate::account::Account;
use crate::proxy::Moment;
use crate::stage::Stage;

/// What became of a point.
pub enum Cut {
    /// The run was cut and brought to its end; so often a tenant looked.
    Ended(usize),
    /// The run never came to this request.
    Missed,
}

/// Who cuts.
pub struct Worker<'a> {
    work: &'a Work<'a>,
    stage: Stage,
    copy: Copy,
    /// Whether a tenant looks after each write: not as long as a run is the undisturbed one.
    looks: Arc<AtomicBool>,
    /// What was there last, if nothing was done since.
    last: Option<Look>,
    /// Whether the reviewed plan is that of this catalogue.
    is_planned: bool,
}

impl<'a> Worker<'a> {
    /// Makes a copy of the catalogue.
    pub fn new(work: &'a Work<'a>, mut stage: Stage, tag: &str) -> Self {
        let copy = work.told.copy(&mut stage, tag);
        let looks = Arc::new(AtomicBool::new(true));
        let (tenant, tag, account) = (work.tenant.clone(), tag.to_owned(), Account::of("tenant"));
        let is_on = Arc::clone(&looks);
        stage.glance.look_after_writes(Arc::new(move || {
            let (tenant, tag, account) = (tenant.clone(), tag.clone(), account.clone());
            let is_on = is_on.load(Ordering::Relaxed);
            Box::pin(async move {
                if is_on {
                    tenant.look(&tag, &account).await;
                }
            })
        }));
        Self {
            work,
            stage,
            copy,
            looks,
            last: None,
            is_planned: false,
        }
    }

    /// Takes everything away.
    pub fn end(self) {
        if self.work.told.story.has_services {
            place::end_trials(&self.stage.tag);
        }
        for server in &self.copy.users {
            place::end(server);
        }
        remove(&self.stage.tag);
    }

    /// A run that nothing happens to ends as the story did, and a tenant who looks after every write has no complaint.
    pub fn undisturbed(&mut self) -> Result<Cut, String> {
        self.looks.store(true, Ordering::Relaxed);
        let ended = self.watched(|worker| worker.run_to_the_end("", &["apply"]).map(|()| true));
        self.restore();
        ended
    }

    /// Cuts one run, and runs again.
    pub fn cut(&mut self, point: &Point) -> Result<Cut, String> {
        self.looks.store(self.work.is_long, Ordering::Relaxed);
        let ended = self.watched(|worker| worker.cut_and_end(point));
        self.stage.glance.heal();
        self.restore();
        ended
    }

    /// Does something while the tenant looks; false: there was nothing to do.
    fn watched(
        &mut self,
        deed: impl FnOnce(&mut Self) -> Result<bool, String>,
    ) -> Result<Cut, String> {
        let (tenant, told) = (&self.work.tenant, self.work.told);
        let tag = self.stage.tag.clone();
        tenant.watch(&tag, &told.names(&tag), told.digests());
        let done = deed(self);
        let seen = tenant.leave(&tag);
        match (done?, seen.wrong.is_empty()) {
            (_, false) => Err(format!("a tenant saw: {:?}", seen.wrong)),
            (true, true) => Ok(Cut::Ended(seen.looks)),
            (false, true) => Ok(Cut::Missed),
        }
    }

    fn cut_and_end(&mut self, point: &Point) -> Result<bool, String> {
        let arguments = self.arguments(point);
        self.last = None;
        let Some(said) = self.strike(point, &arguments)? else {
            let state = self.settled()?;
            // A question that a service did not have to be asked again; anything else is another course.
            return if point.may_be_missed() && state == self.work.told.end {
                Ok(false)
            } else {
                Err(format!("the run did not come to this request:\n{state}"))
            };
        };
        let found = (self.settled()?, point.is_bound);
        if self.work.is_known(&found) {
            return Ok(true);
        }
        self.run_to_the_end(&said, &arguments)?;
        self.work.knows(found);
        Ok(true)
    }

    /// The next run; `said` is what the one before said.
    fn run_to_the_end(&mut self, said: &str, arguments: &[&str]) -> Result<(), String> {
        self.last = None;
        let ended = self.stage.reglaze(arguments);
        if ended.code != 0 {
            return Err(format!(
                "the next run ended with {}:\n{}\n{}\nthe cut one had said:\n{said}",
                ended.code, ended.stdout, ended.stderr
            ));
        }
        let (expected, end) = (&self.work.told.end, self.look());
        if end == *expected {
            return Ok(());
        }
        let difference = difference(expected, &end);
        Err(format!(
            "the end is another one.\n{difference}\nthe cut run had said:\n{said}"
        ))
    }

    /// `apply`, bound or not. The plan that was reviewed is good as long as its images are there.
    fn arguments(&mut self, point: &Point) -> Vec<&'static str> {
        if !point.is_bound {
            return vec!["apply"];
        }
        if !self.is_planned {
            let plan = self.stage.reglaze(&["plan"]);
            self.stage.write("plan.json", &plan.stdout);
            self.is_planned = true;
        }
        vec!["apply", "--plan", "plan.json"]
    }

    /// The run that is cut; gives what it said, or nothing if it did not come to the request.
    fn strike(&self, point: &Point, arguments: &[&str]) -> Result<Option<String>, String> {
        self.stage.glance.take();
        let is_reached = Arc::new(AtomicBool::new(false));
        let mut finder = point.which.finder(&self.stage.tag);
        let (reached, looks) = (Arc::clone(&is_reached), Arc::clone(&self.looks));
        let is_it = move |seen: &_| {
            let is_it = finder(seen);
            if is_it {
                reached.store(true, Ordering::Relaxed);
                looks.store(true, Ordering::Relaxed);
            }
            is_it
        };
        let said = match point.blow {
            Blow::Kill(moment) => self.kill(is_it, moment, arguments)?,
            Blow::Fault(fault) => {
                self.stage.glance.fail_where(is_it, fault);
                let ended = self.stage.reglaze(arguments);
                if ![0, 1, 3].contains(&ended.code) {
                    let (code, stderr) = (ended.code, ended.stderr);
                    return Err(format!("the cut run ended with {code}: {stderr}"));
                }
                ended.stdout
            }
        };
        self.stage.glance.heal();
        self.looks.store(true, Ordering::Relaxed);
        Ok(is_reached.load(Ordering::Relaxed).then_some(said))
    }

    /// Begins a run and kills it at the request.
    fn kill(
        &self,
        is_it: impl FnMut(&crate::proxy::Seen) -> bool + Send + 'static,
        moment: Moment,
        arguments: &[&str],
    ) -> Result<String, String> {
        let (now, reached) = mpsc::channel();
        let (is_dead, dead) = mpsc::channel();
        self.stage.glance.strike_where(is_it, moment, move || {
            now.send(()).unwrap();
            // The request waits until the process is no more.
            let _ = dead.recv();
        });
        let mut child = self
            .stage
            .command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while reached.recv_timeout(Duration::from_millis(20)).is_err() {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            if begun.elapsed() > Duration::from_mins(2) {
                end(&mut child);
                return Err("the run neither ended nor came to this request".to_owned());
            }
        }
        end(&mut child);
        let _ = is_dead.send(());
        Ok("nothing, it was killed".to_owned())
    }

    /// What is there when Glance has noticed that nobody sends any more, and has done what it was asked for.
    fn settled(&mut self) -> Result<String, String> {
        let begun = Instant::now();
        loop {
            let found = self.look();
            if self.last.as_ref().is_some_and(Look::is_settled) {
                return Ok(found);
            }
            if begun.elapsed() > Duration::from_secs(30) {
                return Err(format!("Glance works on an image for ever:\n{found}"));
            }
        }
    }

    fn look(&mut self) -> String {
        let has_services = self.work.told.story.has_services;
        let look = look(&self.stage.tag, &self.copy.origins, has_services);
        let text = look.text.clone();
        self.last = Some(look);
        text
    }

    /// Back to the beginning, if this is not the beginning still.
    fn restore(&mut self) {
        if self.last.is_none() {
            self.look();
        }
        let Some(last) = self.last.take() else {
            return;
        };
        if last.text == self.work.told.beginning {
            return;
        }
        let before = self.copy.origins.clone();
        let (told, origins) = (self.work.told, &mut self.copy.origins);
        told.restore(&self.stage.tag, &last.images, origins);
        if *origins != before {
            self.is_planned = false;
        }
    }
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
