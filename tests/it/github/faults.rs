//! Whatever goes wrong at whatever call of a run: the next run ends where an undisturbed one ends, with nothing double.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::scene::{FILE, Scene};
use crate::forge::{Fault, When};
use crate::tell::tell;
use crate::update::world::{World, ubuntu};

const RULES: &str = "group: image\nlabels: [images]\nreviewers: [bob]\npatience: 2s";

/// What can go wrong at a call.
fn faults() -> Vec<Fault> {
    let refused = [401, 403, 404, 409, 422, 500, 502].map(Fault::Status);
    let mut faults = refused.to_vec();
    faults.extend([
        Fault::PrimaryLimit(3600),
        Fault::SecondaryLimit(None),
        Fault::TooMany(1),
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::Garbage,
        Fault::Slow(Duration::from_millis(300)),
    ]);
    faults
}

/// A run with something to do.
struct Story {
    name: &'static str,
    /// Brings a repository to where the run begins.
    begin: fn(&Scene),
}

/// Both are open, of builds before those that are published now, and the base has moved.
fn move_on(scene: &Scene) {
    scene.publish(&["20260701"]);
    scene.update(&[]);
    scene
        .person()
        .commit("main", &[("README.md", "more\n")], "Write more");
    scene.publish(&["20260705", "20260701"]);
}

/// Both are open, and one of them is in the base by hand.
fn merge_by_hand(scene: &Scene) {
    scene.update(&[]);
    let text = scene.catalogue("reglaze/ubuntu-24.04");
    scene
        .person()
        .commit("main", &[(FILE, &text)], "Add it by hand");
}

fn begun(world: &Rc<World>, story: &Story) -> Scene {
    let scene = Scene::beside(Rc::clone(world), RULES);
    scene.fake.person("bob");
    scene.publish(&["20260705", "20260701"]);
    (story.begin)(&scene);
    scene.fake.clear_log();
    scene
}

/// All that people see: branches with their files, pull requests, comments. Hashes of commits tell the time too.
fn state(scene: &Scene) -> BTreeMap<String, String> {
    let mut state = BTreeMap::new();
    for (branch, _) in scene.fake.branches() {
        let commits = scene.fake.commits_between("main", &branch).len();
        state.insert(
            format!("branch {branch}"),
            format!("{commits} {:?}", scene.fake.files(&branch)),
        );
    }
    for pull in scene.fake.pulls() {
        let comments: Vec<_> = scene
            .fake
            .comments(pull.number)
            .into_iter()
            .map(|one| one.body)
            .collect();
        let body = without_hashes(&pull.body);
        let seen = (
            pull.is_open,
            &pull.title,
            body,
            &pull.labels,
            &pull.reviewers,
            comments,
        );
        state.insert(
            format!("pull request of {}, {}", pull.branch, pull.is_open),
            format!("{seen:#?}"),
        );
    }
    state.insert(
        "pull requests".to_owned(),
        scene.fake.pulls().len().to_string(),
    );
    state
}

/// Hashes of commits, and the minute of a signature that is made anew for each repository, are of no account.
fn without_hashes(text: &str) -> String {
    let hash = regex::Regex::new("\\b[0-9a-f]{40}\\b").unwrap();
    let minute = regex::Regex::new(" on [0-9-]{10} [0-9:]{5} UTC").unwrap();
    minute
        .replace_all(&hash.replace_all(text, "HASH"), " on a day")
        .into_owned()
}

#[test]
fn after_any_fault_while_it_opens_the_next_run_ends_as_an_undisturbed_one() {
    hold(&Story {
        name: "open",
        begin: |_| {},
    });
}

#[test]
fn after_any_fault_while_it_updates_the_next_run_ends_as_an_undisturbed_one() {
    hold(&Story {
        name: "update",
        begin: move_on,
    });
}

#[test]
fn after_any_fault_while_it_closes_the_next_run_ends_as_an_undisturbed_one() {
    hold(&Story {
        name: "close",
        begin: merge_by_hand,
    });
}

/// Tries a fixed share of the faults at all calls of a run; all of them in a long run.
#[track_caller]
fn hold(story: &Story) {
    let world = Rc::new(World::new(&format!(
        "images:\n{}{}",
        ubuntu("24.04"),
        ubuntu("22.04")
    )));
    let is_long = std::env::var_os("REGLAZE_TEST_LONG").is_some();
    let (mut tried, mut existing, mut wrong) = (0, 0, Vec::new());
    let scene = begun(&world, story);
    let run = scene.update(&[]);
    assert_eq!(run.code, 0, "{}: {}{}", story.name, run.stdout, run.stderr);
    let (calls, expected) = (scene.fake.log().len(), state(&scene));
    for (at, fault) in
        (1..=calls).flat_map(|call| faults().into_iter().map(move |fault| (call, fault)))
    {
        existing += 1;
        // A fixed share that meets every call and every fault.
        if !is_long && existing % 17 != 1 {
            continue;
        }
        tried += 1;
        let scene = begun(&world, story);
        scene.fake.fault(When::nth(at), fault.clone());
        let line = format!("{}, call {at} of {calls}: {fault:?}", story.name);
        let cut = scene.update(&[]);
        scene.fake.heal();
        let next = scene.update(&[]);
        let found = state(&scene);
        let quiet = {
            scene.fake.clear_log();
            scene.update(&[]);
            scene.fake.writes()
        };
        if next.code != 0 || found != expected || !quiet.is_empty() {
            eprintln!("{line}: not well");
            wrong.push(format!("{line}\nfirst: {}{}\nnext: {}{}\nfound: {found:#?}\nexpected: {expected:#?}\nthird: {quiet:?}",
                    cut.stdout, cut.stderr, next.stdout, next.stderr
                ));
        }
    }
    tell(&format!(
        "faults of calls to GitHub, {}: {tried} of {existing}",
        story.name
    ));
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong
            .iter()
            .take(5)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n\n")
    );
}
