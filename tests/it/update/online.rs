//! `validate --online`: whether what is pinned still holds, asked of upstreams that remove, exchange, and fall silent.

mod digests;
mod files;
mod lists;

use std::time::{Duration, Instant};

use sha2::Sha256;

use super::world::{Run, World, digest, noble, pinned};

/// Two pinned builds, both published with their images.
fn world() -> World {
    let world = World::with_two_builds();
    for build in ["20260725", "20260701"] {
        world.server.body(&noble(build), "an image");
    }
    world
}

/// Of what is found without asking anybody nothing is of interest here.
fn online(world: &World, arguments: &[&str]) -> Run {
    let mut all = vec!["validate", "--online", "--format=json"];
    all.extend(arguments);
    world.run(&all)
}

/// A definition that no source knows, with one version and these lines of it.
fn own(lines: &str) -> String {
    format!(
        "images:\n  - name: Own\n    format: qcow2\n    versions:\n      - version: '1.0'\n        url: https://own.example/1.0/own.qcow2\n        checksum: sha256:{}\n{lines}",
        digest::<Sha256>("own")
    )
}

#[test]
fn what_still_holds_says_nothing_and_no_image_is_fetched() {
    let world = world();
    let run = online(&world, &[]);
    run.assert_ended(0, &[]);
    assert_eq!(run.json["asked"], 2);
    assert!(
        run.stderr.contains("asking the upstreams of 2 versions"),
        "{}",
        run.stderr
    );
    let asked = world.server.asked();
    let mut images: Vec<_> = asked.iter().filter(|line| line.contains(".img")).collect();
    images.sort();
    let heads = ["20260701", "20260725"].map(|build| format!("HEAD {}", noble(build)));
    assert_eq!(images, heads.iter().collect::<Vec<_>>());
    let text = world.run(&["validate", "--online"]);
    assert_eq!(
        text.stdout,
        "1 definition in 1 file, 2 versions asked for upstream: 0 errors, 0 warnings\n"
    );
}

#[test]
fn without_it_nobody_is_asked() {
    let world = world();
    let run = world.run(&["validate", "--format=json"]);
    assert_eq!((run.code, world.server.log().len()), (0, 0));
    assert!(run.json["asked"].is_null());
}

#[test]
fn only_images_that_are_looked_at_are_asked_for() {
    let world = world();
    let own = own("").replace("images:\n", "");
    world.define(&format!("{}{own}", pinned(&["20260725", "20260701"])));
    world
        .server
        .body("https://own.example/1.0/own.qcow2", "an image");
    let run = online(&world, &["--filter=^Own$"]);
    assert_eq!(
        (run.code, run.findings(), run.json["asked"].as_u64()),
        (0, vec![], Some(1)),
        "{}",
        run.stdout
    );
    assert!(
        world
            .server
            .log()
            .iter()
            .all(|(url, _)| url.contains("own.example"))
    );
}

#[test]
fn a_dead_host_is_an_error_and_a_slow_one_holds_up_nobody() {
    let world = world();
    let dead = own("")
        .replace("images:\n", "")
        .replace("own.example", "dead.example");
    let slow = own("")
        .replace("images:\n", "")
        .replace("name: Own", "name: Slow")
        .replace("own.example", "slow.example");
    world.define(&format!(
        "{}{dead}{slow}",
        pinned(&["20260725", "20260701"])
    ));
    world
        .server
        .body("https://slow.example/1.0/own.qcow2", "an image");
    world
        .server
        .pause("https://slow.example/", Duration::from_secs(4));
    let begin = Instant::now();
    let run = online(&world, &[]);
    run.assert_ended(3, &[("error", "could-not-ask", 18)]);
    assert!(
        run.message("could-not-ask")
            .contains("https://dead.example/1.0/own.qcow2"),
        "{}",
        run.stdout
    );
    assert_eq!(run.json["asked"], 4);
    assert!(begin.elapsed() < Duration::from_secs(30));
    let log = world.server.log();
    let last = log.last().unwrap();
    assert!(
        last.0.contains("slow.example"),
        "all others were answered before: {log:?}"
    );
}
