//! What was answered when an import was asked for → whether it is under way.

use super::Task;
use crate::domain::snapshot::CloudImage;

/// Whether an import is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// It is, as this task, if Glance tells it.
    Begun(Option<String>),
    /// It is not, and asking once more does no harm.
    Again,
    /// It will not be; the answer says why.
    Refused,
}

/// Judges the answer to an import by its status and by what is seen afterwards.
///
/// `before` has the IDs of the tasks that were there before it was asked for. A 500 comes from a deadlock in the database,
/// before the lock, between lock and task or after both: only image and tasks tell. A lost answer is judged as a 500.
pub fn begin(
    status: Option<u16>,
    image: Option<&CloudImage>,
    before: &[String],
    after: &[Task],
) -> Begin {
    let lock = image.and_then(|image| image.import_task.as_ref());
    let is_new = |id: &str| !before.iter().any(|known| known == id);
    let is_there = |id: &str| after.iter().any(|task| task.id == id);
    // A quick import is over before anybody looks: then the lock is gone, and the one new task is it.
    let mut new = after.iter().filter(|task| is_new(&task.id));
    let only_new = match (new.next(), new.next()) {
        (Some(task), None) => Some(&task.id),
        _ => None,
    };
    let own = lock.filter(|id| is_new(id)).or(only_new);
    match status {
        Some(200..=299) => Begin::Begun(own.cloned()),
        None | Some(500..) => match own {
            Some(id) if is_there(id) => Begin::Begun(Some(id.clone())),
            // The lock of a task that was never made: Glance takes it for stale.
            _ if image.is_some() => Begin::Again,
            _ => Begin::Refused,
        },
        _ => Begin::Refused,
    }
}
