//! Whether images and manifests are still there.

use super::{online, world};
use crate::update::server::Reply;
use crate::update::world::{noble, noble_folder};

#[test]
fn an_image_is_gone_when_a_request_for_its_first_byte_says_so_too() {
    let world = world();
    let url = noble("20260701");
    for refusal in [403, 404, 405, 501] {
        let answer = Reply::Answer(
            206,
            vec![("content-range".to_owned(), "bytes 0-0/8".to_owned())],
            b"a".to_vec(),
        );
        world.server.put(
            &url,
            if refusal == 405 {
                Reply::NoHead(Box::new(answer))
            } else {
                Reply::Status(refusal)
            },
        );
        world.server.forget();
        let run = online(&world, &[]);
        let expected = match refusal {
            404 => vec![("warning", "build-vanished", 10)],
            405 => vec![],
            _ => vec![("error", "could-not-ask", 11)],
        };
        assert_eq!(run.findings(), expected, "{refusal}: {}", run.stdout);
        let asked = world.server.asked();
        assert!(
            asked.contains(&format!("GET {url} bytes=0-0")),
            "{refusal}: {asked:?}"
        );
    }
    world.server.put(&url, Reply::Status(410));
    let run = online(&world, &[]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    let message = run.message("build-vanished");
    assert!(
        message.contains(&url) && !message.contains("SHA256SUMS"),
        "{message}"
    );
}

#[test]
fn a_manifest_that_is_gone_beside_an_image_that_is_there_says_both() {
    let world = world();
    world.server.put(
        &format!("{}SHA256SUMS", noble_folder("20260701")),
        Reply::Status(404),
    );
    let run = online(&world, &[]);
    run.assert_ended(0, &[("warning", "build-vanished", 10)]);
    assert!(
        run.message("build-vanished")
            .contains("though the image still is"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_page_in_place_of_an_image_is_no_image() {
    let world = world();
    world.server.put(&noble("20260701"), Reply::Html);
    let run = online(&world, &[]);
    run.assert_ended(3, &[("error", "could-not-ask", 11)]);
}

#[test]
fn a_copy_of_ones_own_is_asked_for_too() {
    let world = world();
    let copy = "https://store.example/noble.img";
    let catalogue = world.catalogue();
    world.define(&format!("{catalogue}        mirror_url: {copy}\n"));
    world.server.put(&noble("20260701"), Reply::Status(404));
    world.server.body(copy, "an image");
    let run = online(&world, &["--strict"]);
    run.assert_ended(0, &[("note", "build-vanished", 10)]);
    world.server.put(copy, Reply::Status(404));
    let run = online(&world, &[]);
    let both = vec![
        ("warning", "build-vanished", 10),
        ("warning", "mirror-vanished", 14),
    ];
    run.assert_ended(0, &both);
}
