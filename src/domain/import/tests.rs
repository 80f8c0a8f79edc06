use super::*;

const PATIENCE: Patience = Patience {
    unchanged: Duration::from_mins(10),
    overall: Duration::from_hours(1),
};

/// An image without data or stores, in this status.
fn image(status: Status) -> CloudImage {
    CloudImage {
        id: "an image".to_owned(),
        status,
        ..CloudImage::default()
    }
}

fn locked(image: CloudImage) -> CloudImage {
    CloudImage {
        import_task: Some("ours".to_owned()),
        ..image
    }
}

fn importing(image: CloudImage, stores: &[&str]) -> CloudImage {
    CloudImage {
        importing_to: set(stores),
        ..image
    }
}

fn blamed(image: CloudImage, stores: &[&str]) -> CloudImage {
    CloudImage {
        failed_stores: set(stores),
        ..image
    }
}

fn stored(image: CloudImage, stores: &[&str]) -> CloudImage {
    CloudImage {
        stores: set(stores),
        ..image
    }
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn task(id: &str, status: TaskStatus) -> Task {
    Task {
        id: id.to_owned(),
        status,
        message: String::new(),
    }
}

fn failure(stores: &[&str], free: bool) -> State {
    State::Failed(Failure::Failed {
        stores: set(stores),
        free,
    })
}

/// What is seen so many milliseconds after the 202 and after the last change.
fn seen<'a>(
    image: &'a CloudImage,
    task: Option<&'a Task>,
    since: u64,
    unchanged: u64,
) -> Observed<'a> {
    Observed {
        image: Some(image),
        task,
        since: Duration::from_millis(since),
        unchanged: Duration::from_millis(unchanged),
    }
}

type Row<'a> = (&'a str, CloudImage, Option<TaskStatus>, (u64, u64), State);

#[track_caller]
fn check(goal: Goal<'_>, rows: &[Row<'_>]) {
    for (what, image, status, (since, unchanged), expected) in rows {
        let task = status.map(|status| task("ours", status));
        let found = state(
            goal,
            seen(image, task.as_ref(), *since, *unchanged),
            PATIENCE,
        );
        assert_eq!(found, *expected, "{what}");
    }
}

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
                State::Failed(super::Failure::Stuck {
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
                State::Failed(super::Failure::Stuck {
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
                State::Failed(super::Failure::Late {
                    status: Importing,
                    after: PATIENCE.overall,
                }),
            ),
            (
                "somebody made something else of it",
                image(Status::Deactivated),
                None,
                (9_000, 0),
                State::Failed(super::Failure::Unexpected(Status::Deactivated)),
            ),
        ],
    );
}

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
                State::Failed(super::Failure::Unexpected(Status::Queued)),
            ),
        ],
    );
}

#[test]
fn an_image_that_is_gone_ends_every_import() {
    for goal in [Goal::Filled, Goal::Copied(&set(&["file2"]))] {
        let seen = Observed {
            image: None,
            task: None,
            since: Duration::ZERO,
            unchanged: Duration::ZERO,
        };
        assert_eq!(state(goal, seen, PATIENCE), State::Failed(Failure::Gone));
    }
}

type Asked<'a> = (
    &'a str,
    Option<u16>,
    Option<&'a CloudImage>,
    Vec<Task>,
    Begin,
);

#[test]
fn a_lost_answer_or_a_500_is_judged_by_lock_and_task() {
    let ours = || task("ours", TaskStatus::Pending);
    let old = || task("old", TaskStatus::Failure);
    let before = ["old".to_owned()];
    let free = image(Status::Queued);
    let taken = locked(image(Status::Queued));
    let begun = |id: &str| Begin::Begun(Some(id.to_owned()));
    let rows: [Asked<'_>; 12] = [
        (
            "taken",
            Some(202),
            Some(&taken),
            vec![old(), ours()],
            begun("ours"),
        ),
        (
            "taken, and over already",
            Some(202),
            Some(&free),
            vec![ours(), old()],
            begun("ours"),
        ),
        (
            "taken, where tasks are not told",
            Some(202),
            Some(&taken),
            vec![],
            begun("ours"),
        ),
        (
            "taken, over, and not told",
            Some(202),
            Some(&free),
            vec![old()],
            Begin::Begun(None),
        ),
        (
            "a deadlock before everything",
            Some(500),
            Some(&free),
            vec![old()],
            Begin::Again,
        ),
        (
            "a deadlock between lock and task",
            Some(500),
            Some(&taken),
            vec![old()],
            Begin::Again,
        ),
        (
            "a deadlock after both",
            Some(500),
            Some(&taken),
            vec![old(), ours()],
            begun("ours"),
        ),
        (
            "a lost answer, and it is over",
            None,
            Some(&free),
            vec![old(), ours()],
            begun("ours"),
        ),
        (
            "a lost answer",
            None,
            Some(&free),
            vec![old()],
            Begin::Again,
        ),
        ("gone", Some(500), None, vec![], Begin::Refused),
        (
            "somebody else's lock",
            Some(409),
            Some(&taken),
            vec![old(), ours()],
            Begin::Refused,
        ),
        (
            "not allowed",
            Some(400),
            Some(&free),
            vec![old()],
            Begin::Refused,
        ),
    ];
    for (what, status, image, after, expected) in rows {
        assert_eq!(begin(status, image, &before, &after), expected, "{what}");
    }
}

#[test]
fn patience_grows_with_the_bytes_that_nobody_tells_of() {
    let minutes = |bytes| {
        let Patience { unchanged, overall } = Patience::for_bytes(bytes);
        (unchanged.as_secs() / 60, overall.as_secs() / 60)
    };
    assert_eq!(minutes(0), (10, 10));
    assert_eq!(minutes(64 << 30), (283, 1102));
}

#[test]
fn bytes_are_read_from_the_words_of_a_task() {
    let copied = |message: &str| {
        Task {
            message: message.to_owned(),
            ..task("ours", TaskStatus::Processing)
        }
        .copied()
    };
    assert_eq!(copied("Copied 15 MiB"), Some(15 << 20));
    assert_eq!(copied(""), None);
    assert_eq!(copied("Copied -1 MiB"), None);
    assert_eq!(copied("Copied 99999999999999999 MiB"), None);
    assert_eq!(copied("Task failed due to Internal Error"), None);
}

#[test]
fn a_failure_says_whether_the_same_image_can_be_tried_again() {
    let failed = |free| Failure::Failed {
        stores: set(&["file1"]),
        free,
    };
    assert_eq!(
        failed(true).to_string(),
        "the import failed into `file1`; the reason is in Glance's log only"
    );
    assert_eq!(
        failed(false).to_string(),
        "the import failed into `file1`; the reason is in Glance's log only, and the image takes no other import: \
         delete it and begin anew"
    );
    assert!(failed(true).leaves_the_image_free());
    assert!(!failed(false).leaves_the_image_free());
    assert!(!Failure::Gone.leaves_the_image_free());
}
