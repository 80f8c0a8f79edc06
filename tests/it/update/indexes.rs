//! Signatures over indexes: a feed, a pointer and a list count only as a whole that a pinned key has signed.

use reglaze::domain::attested::Verified;
use reglaze::upstream::UpstreamError;
use serde_json::json;

use super::attest::attest;
use super::server::Reply;
use super::signer::Signer;
use super::world::{Run, World};

const MIRROR: &str = "https://cloud.debian.org/own/";
const DIGEST: &str = "abababababababababababababababababababababababababababababababab";

const IMAGES: &str = "\
images:
  - name: Own
    format: qcow2
    upstream: {from: own}
    versions: []
";

const FEEDS: &str = r"title: Own
parameters: {}
indexes:
  - engine: simplestreams
    mirror: https://cloud.debian.org/own/
    content_id: example:released
    product: example:server
    item: disk.img
    key: '^(?<version>\d{8})$'
checksum: {digest: '{sha256}', algorithm: sha256}
";

const POINTED: &str = r"title: Own
parameters: {}
indexes:
  - pointer:
      url: https://cloud.debian.org/own/latest.txt
      match: '^(?<file>own-(?<version>\d{8})\.qcow2)$'
    image: https://cloud.debian.org/own/{file}
checksum: {url: '{url}.sha256'}
";

/// What somebody does to signed feeds.
type Forge<'a> = &'a dyn Fn(&World);

/// A repository with this source, whose signature is over `of` in this form.
fn world(source: &str, signature: &str) -> World {
    let world = World::new(IMAGES);
    let text = format!(
        "{source}signature: {{{signature}, keys: [{}], key_url: \"https://keyserver.ubuntu.com/pks/lookup?op=get&search=0x{{fingerprint}}&options=mr\"}}\n",
        world.signer.fingerprint
    );
    std::fs::write(world.path("sources/own.yml"), text).unwrap();
    world
}

fn index() -> String {
    json!({"index": {"example:released": {"path": "streams/v1/own.sjson"}}}).to_string()
}

fn feed(builds: &[&str]) -> String {
    let versions: serde_json::Map<_, _> = builds
        .iter()
        .map(|build| {
            let item = json!({"path": format!("{build}/disk.img"), "sha256": DIGEST});
            ((*build).to_owned(), json!({"items": {"disk.img": item}}))
        })
        .collect();
    json!({"products": {"example:server": {"versions": versions}}}).to_string()
}

fn publish(world: &World, file: &str, bytes: impl Into<Vec<u8>>) {
    world.server.body(&format!("{MIRROR}{file}"), bytes);
}

/// A world with good signed feeds.
fn signed_feeds() -> World {
    let world = world(FEEDS, "form: clearsigned, of: index");
    let sign = |text: String| world.signer.clearsigned(text.as_bytes());
    publish(&world, "streams/v1/index.sjson", sign(index()));
    publish(
        &world,
        "streams/v1/own.sjson",
        sign(feed(&["20260701", "20260725"])),
    );
    world
}

fn failure(run: &Run) -> String {
    let image = run.image("Own");
    assert_eq!(image["outcome"], "failed", "{}", run.stdout);
    assert_eq!(image["checksum"], serde_json::Value::Null);
    image["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_signed_feed_proves_the_digests_in_it() {
    let world = signed_feeds();
    let run = world.update(&["--write"]);
    let image = run.image("Own");
    assert_eq!(
        image["url"],
        format!("{MIRROR}20260725/disk.img"),
        "{image}"
    );
    assert_eq!(image["checksum"], format!("sha256:{DIGEST}"));
    assert_eq!(
        image["verified"],
        json!({"by": "signature", "key": world.signer.fingerprint,
               "manifest": format!("{MIRROR}streams/v1/own.sjson")})
    );
    let written = world.catalogue();
    assert!(
        written.contains(&format!("signed_by: {}", world.signer.fingerprint)),
        "{written}"
    );
}

#[test]
fn nothing_of_a_feed_counts_that_no_pinned_key_has_signed() {
    let stranger = Signer::new();
    let good = |world: &World, text: String| {
        String::from_utf8(world.signer.clearsigned(text.as_bytes())).unwrap()
    };
    let forgeries: [(&str, Forge<'_>); 5] = [
        ("is not proven by", &|world| {
            let feed = good(world, feed(&["20260725"])).replace("abab", "abac");
            publish(world, "streams/v1/own.sjson", feed);
        }),
        ("it is not clearsigned", &|world| {
            publish(world, "streams/v1/own.sjson", feed(&["20270101"]));
        }),
        ("is not proven by", &|world| {
            let feed = stranger.clearsigned(feed(&["20270101"]).as_bytes());
            publish(world, "streams/v1/own.sjson", feed);
        }),
        // The index leads to the feed: whoever changes it chooses the feed.
        ("it is not clearsigned", &|world| {
            publish(world, "streams/v1/index.sjson", index());
        }),
        ("is an HTML page", &|world| {
            publish(
                world,
                "streams/v1/own.sjson",
                "<!doctype html><html></html>",
            );
        }),
    ];
    for (expected, forge) in forgeries {
        let world = signed_feeds();
        forge(&world);
        let run = world.update(&["--write"]);
        let error = failure(&run);
        assert!(error.contains(expected), "{error}");
        assert_eq!(world.catalogue(), IMAGES);
    }
}

#[test]
fn text_around_a_signed_feed_is_not_read() {
    let world = signed_feeds();
    let signed = world.signer.clearsigned(feed(&["20260725"]).as_bytes());
    let forged = feed(&["20270101"]).into_bytes();
    publish(
        &world,
        "streams/v1/own.sjson",
        [&forged[..], b"\n", &signed, &forged].concat(),
    );
    let run = world.update(&[]);
    assert_eq!(run.image("Own")["version"], "20260725", "{}", run.stdout);
    assert_eq!(run.image("Own")["verified"]["by"], "signature");
}

#[test]
fn who_asks_for_no_signatures_gets_what_the_signed_text_says() {
    let world = signed_feeds();
    std::fs::write(world.path("reglaze.yml"), "verify: checksum\n").unwrap();
    let stranger = Signer::new();
    let feed = stranger.clearsigned(feed(&["20260725"]).as_bytes());
    publish(&world, "streams/v1/own.sjson", feed);
    let run = world.update(&[]);
    let image = run.image("Own");
    assert_eq!(
        (image["version"].as_str(), image["verified"]["by"].as_str()),
        (Some("20260725"), Some("checksum")),
        "{}",
        run.stdout
    );
}

#[test]
fn a_pointer_and_its_manifest_bear_signatures_beside_them() {
    let world = world(
        POINTED,
        "form: detached, of: [index, manifest], url: '{document}.asc'",
    );
    let pointer = "# newest\nown-20260725.qcow2\n";
    let sums = format!("{DIGEST}  own-20260725.qcow2\n");
    publish(&world, "latest.txt", pointer);
    publish(&world, "own-20260725.qcow2.sha256", sums.as_str());
    let sum_signature = world.signer.detached(sums.as_bytes());
    publish(&world, "own-20260725.qcow2.sha256.asc", sum_signature);

    let error = failure(&world.update(&[]));
    assert!(
        error.contains("latest.txt.asc") && error.contains("proves nothing"),
        "{error}"
    );

    publish(
        &world,
        "latest.txt.asc",
        world.signer.detached(b"# newest\nown-20200101.qcow2\n"),
    );
    let error = failure(&world.update(&[]));
    assert!(error.contains("latest.txt` is not proven by"), "{error}");

    publish(
        &world,
        "latest.txt.asc",
        world.signer.detached(pointer.as_bytes()),
    );
    let run = world.update(&[]);
    let image = run.image("Own");
    assert_eq!(image["version"], "20260725", "{}", run.stdout);
    assert_eq!(
        image["verified"],
        json!({"by": "signature", "key": world.signer.fingerprint,
               "manifest": format!("{MIRROR}own-20260725.qcow2.sha256")})
    );
}

#[test]
fn the_date_of_a_pointer_comes_from_the_cache_too() {
    let world = World::new(IMAGES);
    let source = "title: Own
parameters: {}
indexes:
  - pointer: {url: 'https://cloud.debian.org/own/disk.qcow2.sha256', from: modified}
    image: https://cloud.debian.org/own/disk.qcow2
checksum: {url: '{url}.sha256'}
";
    std::fs::write(world.path("sources/own.yml"), source).unwrap();
    let url = format!("{MIRROR}disk.qcow2.sha256");
    let headers = [
        ("last-modified", "Sat, 25 Jul 2026 10:00:00 GMT"),
        ("etag", "\"1\""),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answers = [
        Reply::Answer(200, headers.to_vec(), format!("{DIGEST}\n").into_bytes()),
        Reply::Answer(304, Vec::new(), Vec::new()),
    ];
    for answer in answers {
        world.server.put(&url, answer);
        let run = world.update(&[]);
        let image = run.image("Own");
        assert_eq!(
            (image["version"].as_str(), image["build_date"].as_str()),
            (Some("20260725"), Some("2026-07-25")),
            "{}",
            run.stdout
        );
    }
    let statuses: Vec<u16> = world
        .server
        .log()
        .iter()
        .map(|(_, status)| *status)
        .collect();
    assert_eq!(statuses, [200, 304]);
}

#[test]
fn a_digest_from_an_index_is_proven_again_while_the_index_tells_it() {
    let world = signed_feeds();
    assert_eq!(world.update(&["--write"]).code, 0);
    let attestation = attest(&world).unwrap();
    assert_eq!(attestation.attested.verified(), Verified::Signature);
    assert!(attestation.findings.is_empty());

    let sign = |text: String| world.signer.clearsigned(text.as_bytes());
    let moved = feed(&["20260725", "20260801"]);
    publish(&world, "streams/v1/own.sjson", sign(moved));
    let attestation = attest(&world).unwrap();
    assert_eq!(attestation.attested.verified(), Verified::Signature);
    let note = &attestation.findings[0].message;
    assert!(note.contains("tells of `20260801` now"), "{note}");

    let changed = feed(&["20260725"]).replace("abab", "abac");
    publish(&world, "streams/v1/own.sjson", sign(changed));
    let error = attest(&world).unwrap_err();
    assert!(
        matches!(error, UpstreamError::Proof(_))
            && error.to_string().contains("but the definition has"),
        "{error}"
    );
}
