//! An import into an empty image.

use super::*;

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn an_import_into_an_empty_image_is_judged_by_status_lock_stores_and_task_together() {
    use Status::{Active, Importing, Queued, Saving, Uploading};
    use TaskStatus::{Failure, Pending, Processing, Success};
    let long = 600_000;
    check(
        Goal::Filled,
        &[
            (
                "right after the 202 nothing has begun",
                locked(image(Queued)),
                Some(Pending),
                (20, 20),
                State::Waiting,
            ),
            (
                "what was staged stays `uploading` as long",
                locked(image(Uploading)),
                Some(Pending),
                (20, 20),
                State::Waiting,
            ),
            (
                "a task may wait minutes for its turn",
                locked(image(Queued)),
                Some(Pending),
                (120_000, 120_000),
                State::Waiting,
            ),
            (
                "an earlier import's failure is told until this one's task runs",
                blamed(locked(image(Queued)), &["file1"]),
                Some(Pending),
                (120_000, 120_000),
                State::Waiting,
            ),
            (
                "and an instant longer",
                blamed(locked(image(Queued)), &["file1"]),
                Some(Processing),
                (20, 20),
                State::Waiting,
            ),
            (
                "at work",
                importing(locked(image(Importing)), &["file1"]),
                Some(Processing),
                (5_000, 5_000),
                State::Waiting,
            ),
            (
                "at work, on a cloud that does not tell tasks",
                importing(locked(image(Importing)), &["file1"]),
                None,
                (5_000, 5_000),
                State::Waiting,
            ),
            (
                "data flows into the store",
                importing(locked(image(Saving)), &["file1"]),
                Some(Processing),
                (5_000, 5_000),
                State::Waiting,
            ),
            (
                "one store failed, the next is tried",
                blamed(importing(locked(image(Importing)), &["two"]), &["one"]),
                Some(Processing),
                (5_000, 5_000),
                State::Waiting,
            ),
            (
                "active is not the end",
                stored(locked(image(Active)), &["file1"]),
                Some(Processing),
                (900, 10),
                State::Waiting,
            ),
            (
                "nor is the task's success",
                stored(locked(image(Active)), &["file1"]),
                Some(Success),
                (900, 10),
                State::Waiting,
            ),
            (
                "active and no lock is",
                stored(image(Active), &["file1"]),
                Some(Success),
                (900, 10),
                State::Done,
            ),
            (
                "whether or not tasks are told",
                stored(image(Active), &["file1"]),
                None,
                (900, 10),
                State::Done,
            ),
            (
                "a failed download: back to queued, the lock is gone",
                blamed(image(Queued), &["file1"]),
                Some(Failure),
                (900, 0),
                failure(&["file1"], true),
            ),
            (
                "the same on a cloud with one nameless store",
                image(Queued),
                Some(Failure),
                (900, 0),
                failure(&[], true),
            ),
            (
                "the same with nothing told but the missing lock, which a replica may show too early",
                image(Queued),
                None,
                (900, 900),
                State::Waiting,
            ),
            (
                "and not too early",
                image(Queued),
                None,
                (5_000, 4_000),
                failure(&[], true),
            ),
            (
                "the failure is told before the lock goes",
                blamed(locked(image(Queued)), &["file1"]),
                Some(Processing),
                (5_000, 100),
                State::Waiting,
            ),
            (
                "the task has failed and is still taken back",
                importing(locked(image(Importing)), &["file1"]),
                Some(Failure),
                (5_000, 100),
                State::Waiting,
            ),
            (
                "a failed conversion keeps its lock",
                locked(image(Queued)),
                Some(Failure),
                (9_000, 4_000),
                failure(&[], false),
            ),
            (
                "the same, told by the stores alone",
                blamed(locked(image(Queued)), &["file1"]),
                None,
                (9_000, 4_000),
                failure(&["file1"], false),
            ),
            (
                "a failure that leaves the image importing",
                importing(locked(image(Importing)), &["file1"]),
                Some(Failure),
                (9_000, 4_000),
                failure(&[], false),
            ),
            (
                "the same after the lock has gone",
                image(Importing),
                Some(Failure),
                (9_000, 4_000),
                failure(&[], false),
            ),
            (
                "nothing has moved for too long",
                importing(locked(image(Importing)), &["file1"]),
                Some(Processing),
                (long, long),
                State::Failed(crate::domain::import::Failure::Stuck {
                    status: Importing,
                    locked: true,
                    after: PATIENCE.unchanged,
                }),
            ),
            (
                "active, and the lock never goes",
                stored(locked(image(Active)), &["file1"]),
                Some(Success),
                (long, long),
                State::Failed(crate::domain::import::Failure::Stuck {
                    status: Active,
                    locked: true,
                    after: PATIENCE.unchanged,
                }),
            ),
            (
                "it moves, and takes too long",
                importing(locked(image(Importing)), &["file1"]),
                Some(Processing),
                (3_600_000, 10),
                State::Failed(crate::domain::import::Failure::Late {
                    status: Importing,
                    after: PATIENCE.overall,
                }),
            ),
            (
                "somebody made something else of it",
                image(Status::Deactivated),
                None,
                (9_000, 0),
                State::Failed(crate::domain::import::Failure::Unexpected(
                    Status::Deactivated,
                )),
            ),
        ],
    );
}
