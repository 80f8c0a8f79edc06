//! The points at which a run can be cut: each request of the undisturbed run, in every way in which it can go wrong.

use std::fmt;

use crate::proxy::{Fault, Moment, Seen};

/// What goes wrong at a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The process is killed at this moment of the request.
    Kill(Moment),
    /// The process lives, and the request meets this.
    Fault(Fault),
}

/// One point.
#[derive(Debug, Clone)]
pub struct Point {
    /// The number of the request.
    pub number: usize,
    /// The request, as `PATCH /v2/images/…`.
    pub line: String,
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
        write!(
            f,
            "request {} ({}): {:?}{bound}",
            self.number, self.line, self.blow
        )
    }
}

/// All points of a run.
pub fn all(requests: &[Seen]) -> Vec<Point> {
    let mut points = Vec::new();
    for (number, seen) in requests.iter().enumerate() {
        for (blow, is_bound) in blows(seen) {
            points.push(Point {
                number,
                line: seen.line.clone(),
                blow,
                is_bound,
            });
        }
    }
    points
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
    seen.method == "PUT" && seen.path.ends_with("/file")
}
