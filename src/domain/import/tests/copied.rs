//! A copy into further stores.

use super::*;

#[test]
fn a_copy_is_judged_by_the_stores_since_its_image_never_leaves_active() {
    use TaskStatus::{Failure, Pending, Processing, Success};
    let first = || stored(image(Status::Active), &["file1"]);
    let both = || stored(image(Status::Active), &["file1", "file2"]);
    let wanted = set(&["file2"]);
    check(
        Goal::Copied(&wanted),
        &[
            (
                "right after the 202",
                locked(first()),
                Some(Pending),
                (20, 20),
                State::Waiting,
            ),
            (
                "at work",
                importing(locked(first()), &["file2"]),
                Some(Processing),
                (60_000, 60_000),
                State::Waiting,
            ),
            (
                "an earlier copy's failure is told until this one's task runs",
                blamed(locked(first()), &["file2"]),
                Some(Pending),
                (20, 20),
                State::Waiting,
            ),
            (
                "it is there, and its task not at its end",
                locked(both()),
                Some(Processing),
                (900, 10),
                State::Waiting,
            ),
            ("done", both(), Some(Success), (900, 10), State::Done),
            (
                "done, whatever an earlier copy left",
                blamed(both(), &["file2"]),
                None,
                (900, 10),
                State::Done,
            ),
            (
                "failed, the lock is gone",
                blamed(first(), &["file2"]),
                Some(Failure),
                (900, 0),
                failure(&["file2"], true),
            ),
            (
                "failed, the lock is about to go",
                blamed(locked(first()), &["file2"]),
                Some(Failure),
                (900, 100),
                State::Waiting,
            ),
            (
                "failed, the lock stays",
                blamed(locked(first()), &["file2"]),
                Some(Failure),
                (9_000, 4_000),
                failure(&["file2"], false),
            ),
            (
                "no trace of it, which a replica may show too early",
                first(),
                None,
                (100, 100),
                State::Waiting,
            ),
            (
                "no trace of it",
                first(),
                None,
                (9_000, 9_000),
                failure(&[], true),
            ),
            (
                "another status is none that a copy makes",
                image(Status::Queued),
                None,
                (100, 0),
                State::Failed(crate::domain::import::Failure::Unexpected(Status::Queued)),
            ),
        ],
    );
}
