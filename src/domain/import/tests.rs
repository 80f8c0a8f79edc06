//! Images and tasks as Glance shows them, and a table that is held against what they mean.

mod begun;
mod copied;
mod filled;

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
