//! Whether an import was begun at all.

use super::*;

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
