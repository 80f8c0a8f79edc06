//! `validate --online`: whether what is pinned still holds, asked of upstreams that remove, exchange, and fall silent.

use std::time::{Duration, Instant};

use sha2::{Sha256, Sha512};

use super::server::Reply;
use super::world::{
    NOBLE, Run, World, digest, listing, noble, noble_folder, pinned, product_url, sums,
};

const DATE: &str = "Sat, 25 Jul 2026 10:00:00 GMT";

/// Two pinned builds, both published with their images.
fn world() -> World {
    let world = World::new(&pinned(&["20260725", "20260701"]));
    world.ubuntu_daily("noble", &["20260725", "20260701"]);
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

#[test]
fn what_still_holds_says_nothing_and_no_image_is_fetched() {
    let world = world();
    let run = online(&world, &[]);
    assert_eq!(
        (run.code, run.findings()),
        (0, vec![]),
        "{}{}",
        run.stdout,
        run.stderr
    );
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
    assert_eq!(
        (run.code, run.findings()),
        (0, vec![("warning", "build-vanished", 10)]),
        "{}",
        run.stdout
    );
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
    assert_eq!(
        (run.code, run.findings()),
        (3, vec![("error", "could-not-ask", 11)]),
        "{}",
        run.stdout
    );
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
    assert_eq!(
        (run.code, run.findings()),
        (0, vec![("note", "build-vanished", 10)]),
        "{}",
        run.stdout
    );
    world.server.put(copy, Reply::Status(404));
    let run = online(&world, &[]);
    let both = vec![
        ("warning", "build-vanished", 10),
        ("warning", "mirror-vanished", 10),
    ];
    assert_eq!((run.code, run.findings()), (0, both), "{}", run.stdout);
}

#[test]
fn what_an_upload_would_refuse_is_an_error() {
    let world = world();
    // Exchanged, under a good signature.
    world.sign(
        &noble_folder("20260701"),
        &sums::<Sha256>(&[NOBLE], "exchanged", " *"),
    );
    let run = online(&world, &[]);
    assert_eq!(
        (run.code, run.findings()),
        (3, vec![("error", "digest-changed", 12)]),
        "{}",
        run.stdout
    );
    // The same text, under a signature of something else.
    world.sign(
        &noble_folder("20260701"),
        &sums::<Sha256>(&[NOBLE], "20260701", " *"),
    );
    let url = format!("{}SHA256SUMS.gpg", noble_folder("20260701"));
    world
        .server
        .body(&url, world.signer.detached(b"another text"));
    let run = online(&world, &[]);
    assert_eq!(
        (run.code, run.findings()),
        (3, vec![("error", "unproven", 10)]),
        "{}",
        run.stdout
    );
    assert!(
        run.message("unproven").contains("bad signature"),
        "{}",
        run.stdout
    );
    // No signature at all: nobody has said that the proof is wrong, and nobody that it is right.
    world.server.put(&url, Reply::Status(404));
    let run = online(&world, &[]);
    assert_eq!(
        (run.code, run.findings()),
        (3, vec![("error", "could-not-ask", 10)]),
        "{}",
        run.stdout
    );
}

#[test]
fn a_manifest_whose_signature_failed_tells_nothing_else() {
    let forged = |text: String| {
        let (world, folder) = (world(), noble_folder("20260701"));
        let reply = Reply::Dated(text.into_bytes(), "Mon, 01 Jun 2026 10:00:00 GMT");
        world.server.put(&format!("{folder}SHA256SUMS"), reply);
        let signature = world.signer.detached(b"another text");
        let url = format!("{folder}SHA256SUMS.gpg");
        world.server.body(&url, signature);
        world
    };
    let assert_unproven = |run: Run| {
        assert_eq!(
            (run.code, run.findings()),
            (3, vec![("error", "unproven", 10)]),
            "{}",
            run.stdout
        );
        let message = run.message("unproven");
        assert!(message.contains("bad signature"), "{message}");
    };
    let exchanged = sums::<Sha256>(&[NOBLE], "exchanged", " *");
    let unlisted = sums::<Sha256>(&["other.img"], "20260701", " *");
    let older = sums::<Sha256>(&[NOBLE], "20260701", " *");
    for text in [exchanged, unlisted, older] {
        let world = forged(text);
        assert_unproven(online(&world, &[]));
        assert_unproven(world.update(&[]));
    }
    let with_another_digest = forged(sums::<Sha512>(&[NOBLE], "20260701", " *"));
    assert_unproven(online(&with_another_digest, &[]));
}

#[test]
fn lists_are_judged_as_update_judges_them() {
    let world = world();
    let home = "https://cloud-images.ubuntu.com/noble/";
    let frozen = online(&world, &["--today=2026-12-01"]);
    assert_eq!(
        (frozen.code, frozen.findings()),
        (0, vec![("warning", "frozen", 6)]),
        "{}",
        frozen.stdout
    );
    world.server.body(home, listing(&["20260701"]));
    let back = online(&world, &[]);
    assert_eq!(
        (back.code, back.findings()),
        (3, vec![("error", "rollback", 6)]),
        "{}",
        back.stdout
    );
    world.ubuntu_daily("noble", &["20260726", "20260725", "20260701"]);
    let new = online(&world, &[]);
    assert_eq!(
        (new.code, new.findings()),
        (0, vec![]),
        "a new build is nothing wrong: {}",
        new.stdout
    );
    world.sign(
        &noble_folder("20260726"),
        &sums::<Sha256>(&[NOBLE], "20260725", " *"),
    );
    let twin = online(&world, &[]);
    assert_eq!(
        (twin.code, twin.findings()),
        (0, vec![("warning", "same-checksum", 8)]),
        "{}",
        twin.stdout
    );
    world.server.put(home, Reply::Status(500));
    let down = online(&world, &[]);
    assert_eq!(
        (down.code, down.findings()),
        (3, vec![("error", "could-not-ask", 4)]),
        "{}",
        down.stdout
    );
}

#[test]
fn a_manifest_is_held_against_the_image_on_the_same_host() {
    let world = world();
    let text = sums::<Sha256>(&[NOBLE], "20260725", " *").into_bytes();
    world.server.put(
        &format!("{}SHA256SUMS", noble_folder("20260725")),
        Reply::Dated(text, DATE),
    );
    let image = |date| Reply::Dated(b"an image".to_vec(), date);
    world
        .server
        .put(&noble("20260725"), image("Sun, 26 Jul 2026 10:00:00 GMT"));
    assert_eq!(online(&world, &[]).findings(), []);
    world
        .server
        .put(&noble("20260725"), image("Sun, 26 Jul 2026 10:00:01 GMT"));
    let run = online(&world, &[]);
    assert_eq!(
        (run.code, run.findings()),
        (0, vec![("warning", "manifest-older", 6)]),
        "{}",
        run.stdout
    );
    // A mirror has its own clock, and was filled at its own time.
    let mirror = "https://mirror.example/noble.img";
    world
        .server
        .put(mirror, image("Sun, 26 Jul 2026 10:00:01 GMT"));
    world
        .server
        .put(&noble("20260725"), Reply::Redirect(mirror.to_owned()));
    assert_eq!(online(&world, &[]).findings(), []);
}

#[test]
fn lines_of_releases_are_told_too_and_endoflife_date_is_never_a_failure() {
    let world = world();
    world.lines(
        "ubuntu",
        &[
            ("26.04", "2026-04-23", "2031-04-30", true),
            ("24.04", "2024-04-25", "2026-07-01", true),
        ],
    );
    let run = online(&world, &[]);
    let lines = vec![
        ("warning", "end-of-life", 4),
        ("note", "new-release-line", 4),
    ];
    assert_eq!((run.code, run.findings()), (0, lines), "{}", run.stdout);
    world.server.put(&product_url("ubuntu"), Reply::Status(500));
    let run = online(&world, &["--strict"]);
    assert_eq!(
        (run.code, run.findings()),
        (0, vec![("note", "endoflife-unknown", 4)]),
        "{}",
        run.stdout
    );
}

/// A definition that no source knows, with one version and these lines of it.
fn own(lines: &str) -> String {
    format!(
        "images:\n  - name: Own\n    format: qcow2\n    versions:\n      - version: '1.0'\n        url: https://own.example/1.0/own.qcow2\n        checksum: sha256:{}\n{lines}",
        digest::<Sha256>("own")
    )
}

#[test]
fn without_a_source_the_version_itself_says_where_its_digest_is_published() {
    let world = World::new(&own(""));
    let image = "https://own.example/1.0/own.qcow2";
    world.server.body(image, "an image");
    assert_eq!(online(&world, &[]).findings(), []);
    let good = digest::<Sha256>("own");
    let bad = digest::<Sha256>("exchanged");
    let url = "https://sums.example/1.0/own.sha256";
    for key in ["checksum_url", "checksums_url", "manifest"] {
        world.define(&own(&format!("        {key}: {url}\n")));
        let whole = |hex: &str| format!("{hex}  own.qcow2\n{}  other.qcow2\n", "0".repeat(64));
        let bare = |hex: &str| format!("{hex}\n");
        let text = if key == "checksum_url" {
            bare(&good)
        } else {
            whole(&good)
        };
        world.server.body(url, text);
        let run = online(&world, &[]);
        assert_eq!(
            (run.code, run.findings()),
            (0, vec![]),
            "{key}: {}",
            run.stdout
        );
        let text = if key == "checksum_url" {
            bare(&bad)
        } else {
            whole(&bad)
        };
        world.server.body(url, text);
        let run = online(&world, &[]);
        assert_eq!(
            (run.code, run.findings()),
            (3, vec![("error", "digest-changed", 7)]),
            "{key}: {}",
            run.stdout
        );
        world.server.put(url, Reply::Status(404));
        let run = online(&world, &[]);
        assert_eq!(
            (run.code, run.findings()),
            (0, vec![("warning", "build-vanished", 5)]),
            "{key}: {}",
            run.stdout
        );
    }
    // It proves nothing, so it may come from anywhere that it is led to.
    let elsewhere = "https://files.example/own.sha256";
    world.server.put(url, Reply::Redirect(elsewhere.to_owned()));
    world.server.body(elsewhere, format!("{good}  own.qcow2\n"));
    assert_eq!(online(&world, &[]).findings(), []);
    let sha512 = digest::<Sha512>("own");
    world
        .server
        .body(elsewhere, format!("{sha512}  own.qcow2\n"));
    let run = online(&world, &["--strict"]);
    assert_eq!(
        (run.code, run.findings()),
        (0, vec![("note", "not-compared", 7)]),
        "{}",
        run.stdout
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
    assert_eq!(
        (run.code, run.findings()),
        (3, vec![("error", "could-not-ask", 18)]),
        "{}{}",
        run.stdout,
        run.stderr
    );
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
fn where_only_the_index_tells_digests_it_is_held_against_the_newest_build_alone() {
    let source = r#"title: Own
parameters: {}
indexes:
  - engine: json
    url: https://own.example/list.json
    each: $.*
    match: {key: '^(?<version>\d{8})$', $.sha256: '^(?<digest>[0-9a-f]{64})$'}
    image: https://own.example/{version}/own.qcow2
checksum: {digest: "{digest}", algorithm: sha256}
signature: {form: none}
infer:
  - match: '^https://own\.example/(?<version>\d{8})/own\.qcow2$'
"#;
    let world = World::new(
        "images:\n  - name: Own\n    format: qcow2\n    upstream: {from: own}\n    versions: []\n",
    );
    std::fs::write(world.path("sources/own.yml"), source).unwrap();
    let list = |build: &str, bytes: &str| {
        let list = serde_json::json!({build: {"sha256": digest::<Sha256>(bytes)}});
        let url = "https://own.example/list.json";
        world.server.body(url, list.to_string());
        let image = format!("https://own.example/{build}/own.qcow2");
        world.server.body(&image, "an image");
    };
    for build in ["20260701", "20260725"] {
        list(build, build);
        assert_eq!(world.update(&["--write"]).code, 0);
    }
    assert_eq!(online(&world, &[]).findings(), []);
    assert_eq!(world.update(&[]).findings(), []);
    list("20260725", "exchanged");
    for run in [online(&world, &[]), world.update(&[])] {
        let found: Vec<_> = run
            .findings()
            .into_iter()
            .map(|(level, rule, _)| (level, rule))
            .collect();
        assert_eq!(
            (run.code, found),
            (3, vec![("error", "digest-changed")]),
            "{}",
            run.stdout
        );
    }
}
