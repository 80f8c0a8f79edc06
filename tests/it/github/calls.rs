//! How many calls a run makes. The numbers are promises; times are measured by `benches/pull_requests.rs`.

use super::many;
use super::scene::Scene;
use crate::forge::Entry;

/// About, head, tree, branches, pull requests, the dashboard's issue.
const NOTHING_NEW: usize = 6;

/// The texts of the files, where the cache has not got them.
const TEXTS: usize = 1;

/// 40 definitions of 8 sources, with one build each.
fn scene(rules: &str) -> Scene {
    let scene = Scene::with(&many::definitions(), rules);
    let sources = many::sources();
    let files: Vec<_> = sources
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    scene.person().commit("main", &files, "Add sources");
    publish(&scene, "20260701");
    scene.fake.clear_log();
    scene
}

fn publish(scene: &Scene, build: &str) {
    many::publish(build, many::IMAGES, |url, body| {
        scene.world.server.body(url, body);
    });
}

/// A run that ends well: its calls.
#[track_caller]
fn calls(scene: &Scene, outcome: &str) -> Vec<Entry> {
    scene.fake.clear_log();
    let run = scene.update(&[]);
    let rows = run.json["pull_requests"].as_array();
    let rows = rows.unwrap_or_else(|| panic!("{}{}", run.stdout, run.stderr));
    let is_so = rows.iter().all(|row| row["outcome"] == outcome);
    assert!(
        run.code == 0 && rows.len() == many::SOURCES && is_so,
        "{}{}",
        run.stdout,
        run.stderr
    );
    scene.fake.log()
}

fn lines(calls: &[Entry]) -> String {
    let lines = calls
        .iter()
        .map(|entry| format!("{} {:?}", entry.line(), entry.status));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_run_with_nothing_new_makes_a_handful_of_calls_which_cost_nothing_the_next_time() {
    let scene = scene("");
    calls(&scene, "opened");
    let first = calls(&scene, "current");
    assert!(first.len() <= NOTHING_NEW, "{}", lines(&first));
    let second = calls(&scene, "current");
    assert_eq!(second.len(), NOTHING_NEW, "{}", lines(&second));
    // Conditional and unchanged, so none of them counts against the limit.
    assert!(
        second
            .iter()
            .all(|entry| entry.method == "GET" && entry.status == Some(304)),
        "{}",
        lines(&second)
    );
    // On a runner that has no cache, one query more for all the texts.
    std::fs::remove_dir_all(scene.world.path("cache")).unwrap();
    let bare = calls(&scene, "current");
    assert_eq!(bare.len(), NOTHING_NEW + TEXTS, "{}", lines(&bare));
}

#[test]
fn a_new_pull_request_takes_three_writes_and_one_look_at_what_was_closed() {
    let scene = scene("");
    let opened = calls(&scene, "opened");
    let writes = opened.iter().filter(|entry| entry.is_write()).count();
    assert_eq!(writes, 3 * many::SOURCES, "{}", lines(&opened));
    assert_eq!(
        opened.len(),
        NOTHING_NEW + TEXTS + 4 * many::SOURCES,
        "{}",
        lines(&opened)
    );
}

#[test]
fn one_with_labels_takes_two_writes_more() {
    let scene = scene("labels: [images]");
    let opened = calls(&scene, "opened");
    let writes = opened.iter().filter(|entry| entry.is_write()).count();
    assert_eq!(writes, 5 * many::SOURCES, "{}", lines(&opened));
    assert_eq!(
        opened.len(),
        NOTHING_NEW + TEXTS + 6 * many::SOURCES,
        "{}",
        lines(&opened)
    );
}

#[test]
fn a_newer_build_takes_five_writes_for_each_pull_request() {
    let scene = scene("");
    calls(&scene, "opened");
    publish(&scene, "20260705");
    // A branch for a moment, the commit, the move, its end, the description; before them a look at what was closed,
    // before the last one at what people have written meanwhile.
    let updated = calls(&scene, "updated");
    let writes = updated.iter().filter(|entry| entry.is_write()).count();
    assert_eq!(writes, 5 * many::SOURCES, "{}", lines(&updated));
    assert!(
        updated.len() <= NOTHING_NEW + 7 * many::SOURCES,
        "{}",
        lines(&updated)
    );
}
