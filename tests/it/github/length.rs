//! Descriptions longer than the platform takes: cut, with the rest where they say that it is.

use super::many;
use super::scene::{Scene, assert_outcomes};
use crate::update::world::Run;

const IMAGES: usize = 500;
const LONGEST: usize = 65_536;

/// So many images in one pull request.
fn scene(rules: &str) -> Scene {
    let scene = Scene::with(&format!("images:\n{}", many::of_source(0, IMAGES)), rules);
    let sources = many::sources();
    scene.person().commit(
        "main",
        &[(sources[0].0.as_str(), sources[0].1.as_str())],
        "Add a source",
    );
    publish(&scene, "20260701");
    scene
}

fn publish(scene: &Scene, build: &str) {
    many::publish(build, IMAGES, |url, body| {
        scene.world.server.body(url, body);
    });
}

/// All that there is to say stands in the description or in the summary.
#[track_caller]
fn assert_all_is_told(scene: &Scene, summary: &str, build: &str) {
    let body = scene.only_pull().body;
    assert!(body.chars().count() <= LONGEST);
    assert!(
        body.contains("what was cut is in the summary of the run that wrote this"),
        "{body}"
    );
    assert!(body.contains("- [ ]") && body.trim_end().ends_with("<!-- reglaze:end -->"));
    for image in 0..IMAGES {
        let name = format!("Image 0-{image} ");
        let digest = many::digest(0, image, build);
        let is_told = |what: &str| body.contains(what) || summary.contains(what);
        assert!(is_told(&digest), "{image}: nothing tells its digest");
        assert!(
            is_told(&name) || is_told(&name.replace('-', "\\-")),
            "{image}: nothing tells its name"
        );
    }
}

#[test]
fn what_a_description_has_no_room_for_stands_in_the_summary_of_the_run() {
    let scene = scene("");
    let summary = scene.world.path("summary");
    for build in ["20260701", "20260705"] {
        publish(&scene, build);
        let run = Run::of(&mut scene.action());
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        assert_all_is_told(&scene, &std::fs::read_to_string(&summary).unwrap(), build);
        std::fs::remove_file(&summary).unwrap();
    }
    scene.fake.clear_log();
    assert_outcomes(&scene.update(&[]), &[("own0", "current")]);
    assert_eq!(scene.fake.writes(), Vec::<String>::new());
}

#[test]
fn what_people_have_written_around_it_takes_room_and_stays() {
    let scene = scene("labels: [images]");
    let run = scene.update(&["--report", "report.md"]);
    assert_outcomes(&run, &[("own0", "opened")]);
    let report = scene.world.path("elsewhere/report.md");
    assert_all_is_told(
        &scene,
        &std::fs::read_to_string(&report).unwrap(),
        "20260701",
    );
    let pull = scene.only_pull();
    let notes = "Seen and thought about.\n".repeat(800);
    // The page takes no more than the platform does, so it is written while the description is short.
    let (head, _) = pull.body.split_at(pull.body.find('\n').unwrap());
    let body = format!("{notes}\n{head}\n<!-- reglaze:end -->");
    scene.person().edit_body(pull.number, &body);
    publish(&scene, "20260705");
    assert_outcomes(
        &scene.update(&["--report", "report.md"]),
        &[("own0", "updated")],
    );
    assert!(scene.only_pull().body.starts_with(&notes));
    assert_all_is_told(
        &scene,
        &std::fs::read_to_string(&report).unwrap(),
        "20260705",
    );
}
