//! The points at which a run can be cut: each request of the undisturbed run, in every way in which it can go wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

use crate::proxy::{Fault, Moment, Seen};

static ID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap());

/// What goes wrong at a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The process is killed at this moment of the request.
    Kill(Moment),
    /// The process lives, and the request meets this.
    Fault(Fault),
}

/// A request by its form, whatever the images of a copy are called, and how many of that form came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    form: String,
    before: usize,
}

/// Whom a request asks, and whether it can change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Keystone,
    GlanceReads,
    GlanceWrites,
    Imports,
    Members,
    NovaReads,
    NovaWrites,
    Cinder,
}

/// One point.
#[derive(Debug, Clone)]
pub struct Point {
    /// The request.
    pub which: Which,
    /// Of which kind it is.
    pub class: Class,
    /// What happens to it.
    pub blow: Blow,
    /// Whether the runs are held to the reviewed plan.
    pub is_bound: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = if self.is_bound {
            ", bound by --plan"
        } else {
            ""
        };
        let Which { form, before } = &self.which;
        write!(f, "{form} after {before} such: {:?}{bound}", self.blow)
    }
}

impl Point {
    /// Whether this is one of several questions that end when the answer is the wished one, and how many there are is the
    /// service's affair.
    pub fn may_be_missed(&self) -> bool {
        let is_about_servers = matches!(self.class, Class::NovaReads | Class::NovaWrites);
        self.which.before > 0 && (is_about_servers || self.class == Class::GlanceReads)
    }
}

impl Which {
    /// Gives what tells this request among all of a run.
    pub fn finder(&self, tag: &str) -> impl FnMut(&Seen) -> bool + Send + 'static {
        let (which, tag, mut count) = (self.clone(), tag.to_owned(), 0);
        move |seen| {
            if form(seen, &tag) != which.form {
                return false;
            }
            count += 1;
            count == which.before + 1
        }
    }
}

fn form(seen: &Seen, tag: &str) -> String {
    let text = format!("{}?{}", seen.line, seen.query).replace(tag, "TAG");
    ID.replace_all(text.trim_end_matches('?'), "ID")
        .into_owned()
}

fn class(seen: &Seen) -> Class {
    match (seen.path.as_str(), seen.is_write()) {
        (path, _) if path.starts_with("/identity/") => Class::Keystone,
        (path, false) if path.starts_with("/compute/") => Class::NovaReads,
        (path, true) if path.starts_with("/compute/") => Class::NovaWrites,
        (path, _) if path.starts_with("/volume/") => Class::Cinder,
        (path, _) if path.contains("/members") => Class::Members,
        (_, false) => Class::GlanceReads,
        (path, true) if path.ends_with("/stage") || path.ends_with("/import") => Class::Imports,
        (_, true) => Class::GlanceWrites,
    }
}

/// All points of a run.
pub fn all(requests: &[Seen], tag: &str) -> Vec<Point> {
    let mut points = Vec::new();
    let mut counts = BTreeMap::<String, usize>::new();
    for seen in requests {
        let form = form(seen, tag);
        let count = counts.entry(form.clone()).or_default();
        let before = *count;
        *count += 1;
        points.extend(blows(seen).into_iter().map(|(blow, is_bound)| Point {
            which: Which {
                form: form.clone(),
                before,
            },
            class: class(seen),
            blow,
            is_bound,
        }));
    }
    points
}

/// So many points of each class, which lie far apart; `first` lets each story take other ones.
pub fn of_each_class(points: &[Point], count: usize, first: usize) -> Vec<&Point> {
    let mut classes = BTreeMap::<Class, Vec<&Point>>::new();
    for point in points {
        classes.entry(point.class).or_default().push(point);
    }
    let taken = classes.into_values().flat_map(|points| {
        let count = count.min(points.len());
        (0..count).map(move |number| points[(first + number * points.len() / count) % points.len()])
    });
    taken.collect()
}

fn blows(seen: &Seen) -> Vec<(Blow, bool)> {
    let killed = |moment| [(Blow::Kill(moment), false), (Blow::Kill(moment), true)];
    let mut blows = Vec::new();
    blows.extend(killed(Moment::Before));
    blows.extend(killed(Moment::After));
    let mut faults = vec![Fault::Answer(401, "expired"), Fault::DoneButCut];
    if seen.is_write() {
        faults.push(Fault::DoneButLost);
    }
    if is_upload(seen) {
        blows.extend(killed(Moment::Within));
        faults.push(Fault::CutWithin);
    }
    blows.extend(faults.into_iter().map(|fault| (Blow::Fault(fault), false)));
    blows
}

fn is_upload(seen: &Seen) -> bool {
    seen.method == "PUT" && (seen.path.ends_with("/file") || seen.path.ends_with("/stage"))
}
