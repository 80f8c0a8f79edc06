//! Without GitHub: the same title and text for whatever opens the request.

use super::scene::Scene;

#[test]
fn markdown_has_the_title_and_the_text_that_a_pull_request_has() {
    let scene = Scene::new();
    scene.update(&[]);
    let pull = scene.only_pull();
    let run = scene.world.run(&["update", "--write", "--format=markdown"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let (title, text) = run.stdout.split_once('\n').unwrap();
    assert_eq!(title, format!("# {}", pull.title));
    let rows: Vec<_> = pull
        .body
        .lines()
        .filter(|line| line.starts_with('|'))
        .collect();
    assert!(rows.len() > 3, "{}", pull.body);
    for row in rows {
        assert!(
            text.lines().any(|line| line == row),
            "{row}\nis not in\n{text}"
        );
    }
    assert!(
        !text.contains("- [ ]"),
        "nobody would see a box ticked: {text}"
    );
    // The files are as the branch has them.
    assert_eq!(scene.world.catalogue(), scene.catalogue("reglaze/ubuntu"));
}
