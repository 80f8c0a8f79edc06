//! Whether manifests and indexes still give what is pinned, and under whose signature.

use sha2::{Sha256, Sha512};

use super::{online, own, world};
use crate::update::server::Reply;
use crate::update::world::{NOBLE, Run, World, digest, noble_folder, sums};

#[test]
fn what_an_upload_would_refuse_is_an_error() {
    let world = world();
    // Exchanged, under a good signature.
    world.exchange("20260701", "exchanged");
    let run = online(&world, &[]);
    run.assert_ended(3, &[("error", "digest-changed", 12)]);
    // The same text, under a signature of something else.
    world.exchange("20260701", "20260701");
    let url = format!("{}SHA256SUMS.gpg", noble_folder("20260701"));
    world
        .server
        .body(&url, world.signer.detached(b"another text"));
    let run = online(&world, &[]);
    run.assert_ended(3, &[("error", "unproven", 10)]);
    assert!(
        run.message("unproven").contains("bad signature"),
        "{}",
        run.stdout
    );
    // No signature at all: nobody has said that the proof is wrong, and nobody that it is right.
    world.server.put(&url, Reply::Status(404));
    let run = online(&world, &[]);
    run.assert_ended(3, &[("error", "could-not-ask", 10)]);
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
        run.assert_ended(3, &[("error", "unproven", 10)]);
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
        let text = |hex: &str| match key {
            "checksum_url" => format!("{hex}\n"),
            _ => format!("{hex}  own.qcow2\n{}  other.qcow2\n", "0".repeat(64)),
        };
        let body = |hex| Reply::Body(text(hex).into_bytes());
        for (reply, code, findings) in [
            (body(&good), 0, &[][..]),
            (body(&bad), 3, &[("error", "digest-changed", 7)]),
            (Reply::Status(404), 0, &[("warning", "build-vanished", 5)]),
        ] {
            println!("{key}: {reply:?}");
            world.server.put(url, reply);
            online(&world, &[]).assert_ended(code, findings);
        }
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
    run.assert_ended(0, &[("note", "not-compared", 7)]);
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
