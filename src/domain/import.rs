//! An import into Glance: what its image and its task look like → what it is at.
//!
//! The answer 202 says only that a task was queued, `queued` means both "not begun" and "failed", and `active` is not
//! the end. So an import is judged by everything at once, again and again. Asking and waiting are for `openstack`.

mod begin;
mod failure;
mod offered;

use std::collections::BTreeSet;
use std::time::Duration;

pub use begin::{Begin, begin};
pub use failure::Failure;
pub use offered::{Offered, Store};

use super::snapshot::{CloudImage, Status};

/// What becomes of an ended import's lock, and what a replica of the database may lag behind, takes less than this.
const LINGERING: Duration = Duration::from_secs(3);

/// Bytes a second below which a cloud is taken to have stopped: 4 MiB.
const SLOWEST: u64 = 4 << 20;

/// How an image's data comes into Glance, beside the plain upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// What was staged before, through the cloud's import plugins.
    GlanceDirect,
    /// Glance fetches a URL, then the same.
    WebDownload,
    /// From one of its stores into others.
    CopyImage,
}

impl Method {
    /// Gives the word that Glance uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GlanceDirect => "glance-direct",
            Self::WebDownload => "web-download",
            Self::CopyImage => "copy-image",
        }
    }
}

/// What an import is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal<'a> {
    /// An image without data becomes active.
    Filled,
    /// An active image has its data in these stores too.
    Copied(&'a BTreeSet<String>),
}

/// One task of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// By which it is known; times are in whole seconds.
    pub id: String,
    /// What became of it.
    pub status: TaskStatus,
    /// What Glance says of it: `Copied 15 MiB` while it runs, never the reason of a failure.
    pub message: String,
}

impl Task {
    /// Gives the bytes that went into a store so far, which Glance tells about once a minute.
    pub fn copied(&self) -> Option<u64> {
        let rest = self.message.strip_prefix("Copied ")?;
        let mebibytes: u64 = rest.strip_suffix(" MiB")?.parse().ok()?;
        mebibytes.checked_mul(1 << 20)
    }
}

/// What became of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaskStatus {
    /// It waits for its turn.
    Pending,
    /// It runs.
    Processing,
    /// It reached its end. Its image may be locked for an instant longer.
    Success,
    /// It failed, and what it did is or was taken back.
    Failure,
    /// A word that this version does not know.
    #[default]
    Other,
}

impl TaskStatus {
    /// Reads Glance's word.
    pub fn parse(word: &str) -> Self {
        match word {
            "pending" => Self::Pending,
            "processing" => Self::Processing,
            "success" => Self::Success,
            "failure" => Self::Failure,
            _ => Self::Other,
        }
    }
}

/// An import at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// The image; nothing if it is gone.
    pub image: Option<&'a CloudImage>,
    /// The import's own task, if the cloud tells it. An earlier import's task tells nothing of this one.
    pub task: Option<&'a Task>,
    /// How long ago Glance took the import.
    pub since: Duration,
    /// For how long nothing of image and task has changed.
    pub unchanged: Duration,
}

/// What an import is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It may still get there.
    Waiting,
    /// It reached its goal, and nothing works on the image any more.
    Done,
    /// It will not get there.
    Failed(Failure),
}

/// How long an import is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// As long as nothing of it changes.
    pub unchanged: Duration,
    /// At all.
    pub overall: Duration,
}

impl Patience {
    /// Gives the patience for so many bytes: Glance tells nothing while it fetches and converts them.
    pub fn for_bytes(bytes: u64) -> Self {
        let slowly = Duration::from_secs(bytes / SLOWEST);
        let unchanged = Duration::from_mins(10) + slowly;
        Self {
            unchanged,
            // Fetched, converted, stored, and each of them as slowly.
            overall: unchanged + 3 * slowly,
        }
    }
}

/// Judges an import by what is seen of it.
pub fn state(goal: Goal<'_>, seen: Observed<'_>, patience: Patience) -> State {
    let Some(image) = seen.image else {
        return State::Failed(Failure::Gone);
    };
    let state = match (goal, image.status) {
        (Goal::Filled, Status::Active) => ended(image, seen),
        (Goal::Filled, Status::Queued | Status::Uploading | Status::Importing | Status::Saving) => {
            filling(image, seen)
        }
        (Goal::Copied(stores), Status::Active) => copying(stores, image, seen),
        (_, status) => State::Failed(Failure::Unexpected(status)),
    };
    match state {
        State::Waiting if seen.unchanged >= patience.unchanged => State::Failed(Failure::Stuck {
            status: image.status,
            locked: image.import_task.is_some(),
            after: seen.unchanged,
        }),
        State::Waiting if seen.since >= patience.overall => State::Failed(Failure::Late {
            status: image.status,
            after: seen.since,
        }),
        state => state,
    }
}

/// The data is there: is the task too?
///
/// A copy begun before its end is refused, and a deletion can leave an active image without data (Glance 33).
fn ended(image: &CloudImage, seen: Observed<'_>) -> State {
    match (&image.import_task, failure_is_told(seen)) {
        (None, _) => State::Done,
        (Some(_), true) if seen.unchanged >= LINGERING => failed(image),
        (Some(_), _) => State::Waiting,
    }
}

/// An image without data: not begun, at work, or failed?
fn filling(image: &CloudImage, seen: Observed<'_>) -> State {
    let has_failed = failure_is_told(seen)
        || image.import_failed() && !may_be_before_its_task(image, seen)
        // The lock was set before the 202: without it nobody works on the image.
        || image.import_task.is_none() && image.importing_to.is_empty() && !is_at_work(image);
    // Most failures drop the lock in an instant and leave the image queued. A failed conversion of what Glance fetched
    // keeps it for an hour, a failed decompression of what was staged leaves the image `importing` for ever (Glance 33).
    let lingers = image.import_task.is_some() || is_at_work(image) || !is_told(image, seen);
    match (has_failed, lingers) {
        (false, _) => State::Waiting,
        (true, true) if seen.unchanged < LINGERING => State::Waiting,
        (true, _) => failed(image),
    }
}

/// More stores for an image that is active from beginning to end.
fn copying(stores: &BTreeSet<String>, image: &CloudImage, seen: Observed<'_>) -> State {
    let is_locked = image.import_task.is_some();
    if stores.is_subset(&image.stores) {
        return if is_locked {
            State::Waiting
        } else {
            State::Done
        };
    }
    let is_failed = stores
        .iter()
        .any(|store| image.failed_stores.contains(store));
    let has_failed = failure_is_told(seen)
        || is_failed && image.importing_to.is_empty() && !may_be_before_its_task(image, seen)
        || !is_locked && image.importing_to.is_empty();
    match has_failed {
        false => State::Waiting,
        true if (is_locked || !failure_is_told(seen)) && seen.unchanged < LINGERING => {
            State::Waiting
        }
        true => failed(image),
    }
}

/// What an earlier import left in the list of failed stores stays there until this one's task runs.
fn may_be_before_its_task(image: &CloudImage, seen: Observed<'_>) -> bool {
    let is_pending = seen
        .task
        .is_some_and(|task| task.status == TaskStatus::Pending);
    image.import_task.is_some() && (is_pending || seen.since < LINGERING)
}

/// Whether the status alone says that somebody works on it.
fn is_at_work(image: &CloudImage) -> bool {
    matches!(image.status, Status::Importing | Status::Saving)
}

/// Whether the task says that it failed.
fn failure_is_told(seen: Observed<'_>) -> bool {
    seen.task
        .is_some_and(|task| task.status == TaskStatus::Failure)
}

/// Whether anything but the absence of everything tells of the failure.
fn is_told(image: &CloudImage, seen: Observed<'_>) -> bool {
    failure_is_told(seen) || image.import_failed()
}

fn failed(image: &CloudImage) -> State {
    State::Failed(Failure::Failed {
        stores: image.failed_stores.clone(),
        free: image.import_task.is_none() && !is_at_work(image),
    })
}

#[cfg(test)]
mod tests;
