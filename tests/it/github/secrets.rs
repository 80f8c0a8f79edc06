//! Nothing secret is ever told: not on stdout, not in the log, not in outputs, summaries or texts at GitHub.

use std::collections::BTreeSet;

use super::scene::Scene;
use crate::forge::{Fault, Token, When};
use crate::update::world::Run;

/// Every secret of a run, in the pieces in which it could be found.
fn pieces(scene: &Scene, key: &str) -> BTreeSet<String> {
    let world = scene.fake.world();
    let tokens = world.tokens.iter().map(|token| token.secret.clone());
    let lines = key
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .map(str::to_owned);
    let pieces: BTreeSet<_> = tokens
        .chain(lines)
        .filter(|piece| piece.len() > 8)
        .collect();
    pieces
}

/// What is left of a log when the runner has taken out the commands that hide.
fn shown(run: &Run) -> (String, Vec<String>) {
    let (hidden, shown): (Vec<&str>, Vec<&str>) = run
        .stderr
        .lines()
        .partition(|line| line.starts_with("::add-mask::"));
    let hidden = hidden
        .iter()
        .map(|line| line.trim_start_matches("::add-mask::").to_owned());
    (
        format!("{}{}", run.stdout, shown.join("\n")),
        hidden.collect(),
    )
}

#[track_caller]
fn assert_untold(text: &str, pieces: &BTreeSet<String>, place: &str) {
    for piece in pieces {
        assert!(
            !text.contains(piece.as_str()),
            "`{piece}` in {place}: {text}"
        );
    }
}

/// What the runner and people at GitHub get to see.
fn files_and_texts(scene: &Scene) -> String {
    let read = |name: &str| std::fs::read_to_string(scene.world.path(name)).unwrap();
    let pulls = scene
        .fake
        .pulls()
        .into_iter()
        .map(|pull| pull.title + &pull.body);
    let commits = scene.fake.branches().into_keys();
    let commits = commits.map(|branch| scene.fake.commit(&branch).message);
    read("output") + &read("summary") + &pulls.chain(commits).collect::<String>()
}

#[test]
fn an_action_tells_no_secret_and_has_the_runner_hide_those_that_an_app_is_given() {
    let mut scene = Scene::new();
    let key = scene.use_app(|_| {});
    // As much as it ever says, and a failure on the way.
    scene.set("REGLAZE_LOG", "trace");
    scene
        .fake
        .fault(When::call("POST", "/pulls"), Fault::Status(403));
    let first = Run::of(&mut scene.action());
    let second = Run::of(scene.action().env("INPUT_VERBOSE", "true"));
    assert_eq!(
        (first.code, second.code),
        (3, 0),
        "{}{}",
        first.stderr,
        second.stderr
    );
    let pieces = pieces(&scene, &key);
    let own: Vec<_> = pieces
        .iter()
        .filter(|piece| piece.starts_with("ghs_glazier"))
        .collect();
    assert_eq!(own.len(), 2, "each run has a token of its own");
    for (run, name) in [(&first, "the first run"), (&second, "the second run")] {
        let (text, hidden) = shown(run);
        assert_untold(&text, &pieces, name);
        // That of the App itself, too, which has three parts.
        assert!(!text.contains("eyJ"), "{text}");
        for made in &hidden {
            assert!(
                made.starts_with("ghs_glazier") || made.split('.').count() == 3,
                "{made}"
            );
        }
        assert_eq!(hidden.iter().filter(|made| own.contains(made)).count(), 1);
    }
    assert_untold(&files_and_texts(&scene), &pieces, "files and texts");
    assert_eq!(scene.fake.open_pulls().len(), 1);
}

#[test]
fn outside_of_a_job_nothing_is_said_to_a_runner() {
    let mut scene = Scene::new();
    let key = scene.use_app(|_| {});
    let run = Run::of(scene.command().args(["-vvv"]));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (text, hidden) = shown(&run);
    assert_eq!(hidden, Vec::<String>::new());
    assert_untold(&text, &pieces(&scene, &key), "the log");
}

#[test]
fn a_token_that_the_runner_knows_is_neither_told_nor_hidden_again() {
    let mut scene = Scene::new();
    scene.use_token(Token::actions("ghs_the-token-of-the-job"));
    scene.set("REGLAZE_LOG", "trace");
    for fault in [None, Some(Fault::TooMany(1)), Some(Fault::CutAfter)] {
        if let Some(fault) = fault {
            scene
                .fake
                .fault(When::call("GET", "/repos/acme/images"), fault);
        }
        let run = Run::of(scene.action().env("INPUT_VERBOSE", "true"));
        let (text, hidden) = shown(&run);
        assert!(text.contains("git/ref"), "it tells what it does: {text}");
        assert_eq!(hidden, Vec::<String>::new());
        assert_untold(&text, &pieces(&scene, ""), "the log");
        assert_untold(
            &files_and_texts(&scene),
            &pieces(&scene, ""),
            "files and texts",
        );
    }
}

#[test]
fn a_token_that_is_refused_or_answered_with_nonsense_is_not_told_either() {
    for fault in [Fault::Status(401), Fault::Status(404), Fault::Garbage] {
        let mut scene = Scene::new();
        scene.use_token(Token::actions("ghs_the-token-of-the-job"));
        scene.set("REGLAZE_LOG", "trace");
        scene
            .fake
            .fault(When::call("GET", "/repos/acme/images"), fault);
        let run = Run::of(&mut scene.action());
        assert_eq!(run.code, 1);
        let (text, _) = shown(&run);
        assert_untold(&text, &pieces(&scene, ""), "the log");
        assert_untold(
            &files_and_texts(&scene),
            &pieces(&scene, ""),
            "files and texts",
        );
    }
}
