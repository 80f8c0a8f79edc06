//! Others at work at the same time: people, the platform, and another run. Nothing is ever double, and nobody's commit is lost.

use std::process::Stdio;

use super::scene::{FILE, Scene, assert_outcomes, outcomes};
use crate::forge::{Fake, When};
use crate::update::world::Run;

/// Adds a commit of a person to the group's branch.
fn push(fake: &Fake) {
    fake.person("alice")
        .commit("reglaze/ubuntu", &[("NOTES.md", "mine\n")], "Add notes");
}

/// Two runs that begin together, from caches of their own as on two runners.
fn two_at_once(scene: &Scene) -> [Run; 2] {
    let children = [1, 2].map(|number| {
        scene
            .command()
            .env("GITHUB_RUN_ID", number.to_string())
            .env(
                "XDG_CACHE_HOME",
                scene.world.path(&format!("cache-{number}")),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    children.map(|child| {
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        Run {
            code: output.status.code().unwrap(),
            json: serde_json::from_str(&stdout).unwrap_or_default(),
            stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    })
}

/// One pull request with one commit and no more words than one, and a run that finds nothing to do.
#[track_caller]
fn assert_settled(scene: &Scene, runs: &[Run]) {
    let told = runs
        .iter()
        .flat_map(|run| [run.stdout.as_str(), run.stderr.as_str()]);
    let told = told.collect::<Vec<_>>().join("\n");
    assert!(runs.iter().all(|run| matches!(run.code, 0 | 3)), "{told}");
    let next = scene.update(&[]);
    assert_eq!(
        next.code, 0,
        "{}{}\nbefore: {told}",
        next.stdout, next.stderr
    );
    let pull = scene.only_pull();
    assert_eq!(scene.fake.commits_between("main", &pull.branch).len(), 1);
    assert_eq!(
        scene.fake.branches().len(),
        2,
        "{:?}",
        scene.fake.branches()
    );
    assert_eq!(pull.labels, ["images"]);
    scene.fake.clear_log();
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new(), "{told}");
}

#[test]
fn two_runs_at_once_open_and_update_one_pull_request() {
    for _ in 0..4 {
        let scene = Scene::new();
        scene.rules("labels: [images]");
        let runs = two_at_once(&scene);
        assert_settled(&scene, &runs);
        assert_eq!(scene.fake.pulls().len(), 1);
        scene.publish(&["20260705", "20260701"]);
        scene
            .person()
            .commit("main", &[("README.md", "more\n")], "Write more");
        let runs = two_at_once(&scene);
        assert_settled(&scene, &runs);
        assert_eq!(scene.fake.pulls().len(), 1);
        assert!(scene.only_pull().title.contains("20260705"));
    }
}

#[test]
fn two_runs_at_once_say_only_once_that_a_person_keeps_them_away_and_that_something_is_pointless() {
    for _ in 0..3 {
        let scene = Scene::new();
        scene.update(&[]);
        let number = scene.only_pull().number;
        push(&scene.fake);
        two_at_once(&scene);
        assert_eq!(scene.fake.comments(number).len(), 1);
        scene
            .person()
            .tick_in_comment(scene.fake.comments(number)[0].id, "take over again");
        two_at_once(&scene);
        assert_outcomes(&scene.update(&[]), &[("ubuntu", "current")]);
        let by_hand = scene.catalogue("reglaze/ubuntu");
        scene
            .person()
            .commit("main", &[(FILE, &by_hand)], "Add them by hand");
        two_at_once(&scene);
        assert_outcomes(&scene.update(&[]), &[]);
        assert!(!scene.fake.pull(number).is_open);
        assert_eq!(
            scene.fake.comments(number).len(),
            2,
            "{:#?}",
            scene.fake.comments(number)
        );
        assert_eq!(scene.fake.branches().len(), 1);
    }
}

#[test]
fn a_comment_that_another_run_has_just_written_is_not_written_twice() {
    let scene = Scene::new();
    scene.update(&[]);
    let number = scene.only_pull().number;
    push(&scene.fake);
    // What the run writes, another one has written right before.
    scene
        .fake
        .meanwhile(When::call("POST", "/comments"), move |fake| {
            let said = "<!-- reglaze:hands-off -->\nalice has added a commit";
            let mut world = fake.world();
            let bot = world.tokens[0].caller.clone();
            world.add_comment(&bot, number, said);
        });
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "untouched")]);
    let said = scene.fake.comments(number);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(
        said[0].body.ends_with("has added a commit"),
        "the first one stays"
    );
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "untouched")]);
    assert_eq!(scene.fake.comments(number).len(), 1);
}

#[test]
fn a_person_who_pushes_right_before_the_branch_moves_loses_nothing() {
    let scene = Scene::new();
    scene.update(&[]);
    let number = scene.only_pull().number;
    scene.publish(&["20260705", "20260701"]);
    scene
        .person()
        .commit("main", &[("README.md", "more\n")], "Write more");
    scene.fake.meanwhile(When::call("POST", "updateRefs"), push);
    let run = scene.update(&[]);
    assert_eq!(
        (run.code, outcomes(&run)),
        (3, vec![("ubuntu", "failed")]),
        "{}",
        run.stdout
    );
    assert!(scene.fake.files("reglaze/ubuntu").contains_key("NOTES.md"));
    assert_eq!(
        scene.fake.branches().len(),
        2,
        "nothing is left of what was prepared"
    );
    assert!(scene.fake.pull(number).title.contains("20260701"));
    // From then on it is a person's branch.
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "untouched")]);
    assert_eq!(scene.fake.comments(number).len(), 1);
    assert!(scene.fake.files("reglaze/ubuntu").contains_key("NOTES.md"));
}

#[test]
fn a_person_who_pushes_to_a_branch_that_is_being_filled_loses_nothing() {
    let scene = Scene::new();
    scene
        .fake
        .meanwhile(When::call("POST", "createCommitOnBranch"), push);
    let run = scene.update(&[]);
    assert_eq!(
        (run.code, outcomes(&run)),
        (3, vec![("ubuntu", "failed")]),
        "{}",
        run.stdout
    );
    let theirs = scene.fake.head("reglaze/ubuntu");
    // It has a commit of a person, and no pull request: it is theirs.
    let run = scene.update(&[]);
    assert_eq!(outcomes(&run), [("ubuntu", "untouched")], "{}", run.stdout);
    assert_eq!(scene.fake.head("reglaze/ubuntu"), theirs);
}

#[test]
fn without_graphql_a_person_who_pushes_meanwhile_loses_nothing_either() {
    let scene = Scene::new();
    scene.fake.settings(|settings| settings.has_graphql = false);
    scene.update(&[]);
    scene.publish(&["20260705", "20260701"]);
    scene
        .fake
        .meanwhile(When::call("PATCH", "/git/refs/heads/reglaze/ubuntu"), push);
    let run = scene.update(&[]);
    assert_eq!(
        (run.code, outcomes(&run)),
        (3, vec![("ubuntu", "failed")]),
        "{}",
        run.stdout
    );
    assert!(scene.fake.files("reglaze/ubuntu").contains_key("NOTES.md"));
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "untouched")]);
}

#[test]
fn a_person_who_pushes_right_before_a_branch_is_deleted_keeps_it() {
    let scene = Scene::new();
    scene.update(&[]);
    let number = scene.only_pull().number;
    let by_hand = scene.catalogue("reglaze/ubuntu");
    scene
        .person()
        .commit("main", &[(FILE, &by_hand)], "Add them by hand");
    scene.fake.meanwhile(When::call("POST", "updateRefs"), push);
    let run = scene.update(&[]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(scene.fake.files("reglaze/ubuntu").contains_key("NOTES.md"));
    assert_outcomes(&scene.update(&[]), &[]);
    assert!(scene.fake.files("reglaze/ubuntu").contains_key("NOTES.md"));
    assert_eq!(scene.fake.comments(number).len(), 1);
}

#[test]
fn a_branch_that_another_run_makes_first_is_its_own() {
    let scene = Scene::new();
    scene.rules("labels: [images]");
    scene
        .fake
        .meanwhile(When::call("POST", "/git/refs"), |fake| {
            let main = fake.head("main");
            fake.person("alice").push("reglaze/ubuntu", &main);
        });
    let run = scene.update(&[]);
    assert_eq!(
        (run.code, outcomes(&run)),
        (3, vec![("ubuntu", "failed")]),
        "{}",
        run.stdout
    );
    assert_settled(&scene, &[]);
}

#[test]
fn a_pull_request_that_another_run_opens_first_is_the_only_one() {
    let scene = Scene::new();
    scene.rules("labels: [images]");
    scene.fake.meanwhile(When::call("POST", "/pulls"), |fake| {
        fake.person("alice")
            .open_pull("reglaze/ubuntu", "main", "Ubuntu", "");
    });
    let run = scene.update(&[]);
    assert_eq!(
        (run.code, outcomes(&run)),
        (0, vec![("ubuntu", "untouched")]),
        "{}",
        run.stdout
    );
    assert_eq!(
        run.json["pull_requests"][0]["number"],
        scene.only_pull().number
    );
    assert_settled(&scene, &[]);
}

#[test]
fn a_base_that_moves_during_a_run_is_built_on_by_the_next() {
    let scene = Scene::new();
    scene.rules("labels: [images]");
    for call in ["createCommitOnBranch", "/pulls"] {
        scene.fake.meanwhile(When::call("POST", call), |fake| {
            let text = fake.files("main")[FILE].replace("qcow2", "raw");
            fake.person("alice")
                .commit("main", &[(FILE, &text)], "Change the format");
        });
    }
    let run = scene.update(&[]);
    assert_eq!(outcomes(&run), [("ubuntu", "opened")], "{}", run.stdout);
    assert_eq!(scene.update(&[]).code, 0);
    assert!(
        scene.catalogue("reglaze/ubuntu").contains("format: raw"),
        "nothing is put back"
    );
    assert_settled(&scene, &[]);
}

#[test]
fn a_pull_request_that_is_merged_meanwhile_stays_merged_and_newer_versions_come_in_another() {
    for (when, is_moved) in [
        (When::call("POST", "/git/refs"), true),
        (When::call("POST", "updateRefs"), true),
        (When::call("PATCH", "/pulls/1"), false),
    ] {
        for deletes in [false, true] {
            let scene = Scene::new();
            scene
                .fake
                .settings(|settings| settings.delete_branch_on_merge = deletes);
            scene.update(&[]);
            let number = scene.only_pull().number;
            assert_eq!(number, 1);
            scene.publish(&["20260705", "20260701"]);
            scene
                .person()
                .commit("main", &[("README.md", "more\n")], "Write more");
            scene.fake.meanwhile(when.clone(), move |fake| {
                fake.person("alice").merge(number, "squash");
            });
            let run = scene.update(&[]);
            let case = format!("{when:?} {deletes}: {}{}", run.stdout, run.stderr);
            assert!(matches!(run.code, 0 | 3), "{case}");
            assert!(scene.fake.pull(number).is_merged, "{case}");
            if is_moved {
                assert!(scene.catalogue("main").contains("20260701"), "{case}");
                let next = scene.update(&[]);
                assert_eq!(next.code, 0, "{case}{}{}", next.stdout, next.stderr);
                assert!(scene.only_pull().number > number, "{case}");
                assert!(
                    scene.catalogue("reglaze/ubuntu").contains("20260705"),
                    "{case}"
                );
                assert_eq!(
                    scene.fake.commits_between("main", "reglaze/ubuntu").len(),
                    1,
                    "{case}"
                );
            } else {
                // The newer ones were merged.
                assert!(scene.catalogue("main").contains("20260705"), "{case}");
                assert_outcomes(&scene.update(&[]), &[]);
            }
            assert_eq!(
                scene
                    .fake
                    .branches()
                    .keys()
                    .filter(|name| name.contains("scratch"))
                    .count(),
                0,
                "{case}"
            );
        }
    }
}

#[test]
fn closing_meanwhile_is_an_answer_to_what_the_person_saw() {
    for when in [
        When::call("POST", "/git/refs"),
        When::call("POST", "updateRefs"),
        When::call("PATCH", "/pulls/1"),
    ] {
        let scene = Scene::new();
        scene.update(&[]);
        scene.publish(&["20260705", "20260701"]);
        scene
            .fake
            .meanwhile(when.clone(), |fake| fake.person("alice").close(1));
        let run = scene.update(&[]);
        let case = format!("{when:?}: {}{}", run.stdout, run.stderr);
        assert!(matches!(run.code, 0 | 3), "{case}");
        assert!(!scene.fake.pull(1).is_open, "{case}");
        // They declined the build before, so the newer one is proposed.
        let next = scene.update(&[]);
        assert_outcomes(&next, &[("ubuntu", "opened")]);
        assert!(scene.only_pull().title.contains("20260705"), "{case}");
        scene.person().close(2);
        assert_outcomes(&scene.update(&[]), &[]);
    }
}

#[test]
fn what_a_person_writes_into_the_description_meanwhile_is_not_lost() {
    let scene = Scene::new();
    scene.update(&[]);
    let pull = scene.only_pull();
    scene.publish(&["20260705", "20260701"]);
    let body = format!("Not before Monday.\n\n{}", pull.body);
    // Between the look and the move; the description was read before.
    scene
        .fake
        .meanwhile(When::call("POST", "updateRefs"), move |fake| {
            fake.person("alice").edit_body(pull.number, &body);
        });
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    let after = scene.only_pull();
    assert!(
        after.body.starts_with("Not before Monday."),
        "{}",
        after.body
    );
    assert!(after.body.contains("20260705"));
}
