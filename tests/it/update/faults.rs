//! What upstreams do wrong: one image fails with one sentence, all the others are done.

use sha2::Sha256;

use super::server::Reply;
use super::signer::Signer;
use super::world::{World, digest, flatcar_digests, flatcar_manifest, sums, ubuntu};

const FOLDER: &str = "https://cloud-images.ubuntu.com/jammy/20260725/";
const FILE: &str = "jammy-server-cloudimg-amd64.img";

/// A good upstream of two images.
fn world() -> World {
    let world = World::new(&format!("images:\n{}{}", ubuntu("22.04"), ubuntu("24.04")));
    world.ubuntu_daily("jammy", &["20260701", "20260725"]);
    world.ubuntu_daily("noble", &["20260725"]);
    world
}

/// One image has failed with a sentence that holds `expected`, the other one is written; nothing of the first is.
fn fails_alone(world: &World, name: &str, expected: &[&str]) {
    // Each fault meets a fresh machine.
    let _ = std::fs::remove_dir_all(world.path("cache"));
    world.define(&format!("images:\n{}{}", ubuntu("22.04"), ubuntu("24.04")));
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 3, "{name}: {}{}", run.stdout, run.stderr);
    assert_eq!(
        run.outcomes(),
        [("Ubuntu 22.04", "failed"), ("Ubuntu 24.04", "updated")],
        "{name}"
    );
    let image = run.image("Ubuntu 22.04");
    let error = image["error"].as_str().unwrap();
    for part in expected {
        assert!(error.contains(part), "{name}: `{part}` is not in: {error}");
    }
    assert!(
        error.lines().count() == 1 && !error.contains("127.0.0.1"),
        "{name}: {error}"
    );
    assert!(
        image["checksum"].is_null() && image["verified"].is_null(),
        "{name}"
    );
    let catalogue = world.catalogue();
    assert!(
        catalogue.contains("/noble/20260725/") && !catalogue.contains("/jammy/"),
        "{name}: {catalogue}"
    );
    let finding = &run.json["findings"][0];
    assert_eq!(
        (
            finding["level"].as_str(),
            finding["image"].as_str(),
            finding["line"].as_u64()
        ),
        (Some("error"), Some("Ubuntu 22.04"), Some(4)),
        "{name}"
    );
}

#[test]
fn a_bad_manifest_fails_its_image_alone() {
    let world = world();
    let url = format!("{FOLDER}SHA256SUMS");
    let good = sums::<Sha256>(&[FILE], "20260725", " *");
    let cases: Vec<(&str, Reply, Vec<&str>)> = vec![
        (
            "404",
            Reply::Status(404),
            vec!["404", "a checksum manifest"],
        ),
        ("403", Reply::Status(403), vec!["403"]),
        ("500", Reply::Status(500), vec!["500"]),
        (
            "html",
            Reply::Html,
            vec!["is an HTML page; expected a checksum manifest"],
        ),
        ("empty", Reply::Body(Vec::new()), vec!["is empty"]),
        ("cut", Reply::Cut(good.clone().into()), vec!["broke off"]),
        ("endless", Reply::Endless, vec!["larger than 8388608 bytes"]),
        (
            "to http",
            Reply::Redirect("http://cloud-images.ubuntu.com/x".to_owned()),
            vec!["http://cloud-images.ubuntu.com/x", "expected https"],
        ),
        (
            "to another host",
            Reply::Redirect("https://evil.example/SHA256SUMS".to_owned()),
            vec!["https://evil.example/SHA256SUMS", "cloud-images.ubuntu.com"],
        ),
        // A host that is mapped is still not one of this source.
        (
            "to a mapped host",
            Reply::Redirect("https://cloud.debian.org/SHA256SUMS".to_owned()),
            vec!["https://cloud.debian.org/SHA256SUMS"],
        ),
        (
            "in a circle",
            Reply::Redirect(format!("{FOLDER}SHA256SUMS")),
            vec!["redirects more than"],
        ),
    ];
    for (name, reply, mut expected) in cases {
        world.server.put(&url, reply);
        expected.push(&url);
        fails_alone(&world, name, &expected);
    }
}

#[test]
fn a_manifest_that_proves_nothing_fails_its_image_alone() {
    let world = world();
    let other = "jammy-server-cloudimg-amd64-disk-kvm.img";
    let two =
        sums::<Sha256>(&[FILE], "20260725", " *") + &sums::<Sha256>(&[FILE], "20260726", " *");
    let cases = [
        (
            "without our file",
            sums::<Sha256>(&[other], "1", " *"),
            vec![FILE, "exactly this name"],
        ),
        ("two digests", two, vec![FILE, "two sha256 digests"]),
        (
            "another algorithm",
            format!("{} *{FILE}\n", digest::<sha2::Sha512>("x")),
            vec![FILE, "no sha256 digest"],
        ),
        (
            "weak",
            format!("{} *{FILE}\n", "0".repeat(32)),
            vec![FILE, "no sha256 digest"],
        ),
        (
            "no manifest",
            "nothing to see here\n".to_owned(),
            vec!["no checksum"],
        ),
    ];
    for (name, text, mut expected) in cases {
        world.sign(FOLDER, &text);
        let url = format!("{FOLDER}SHA256SUMS");
        expected.push(&url);
        fails_alone(&world, name, &expected);
    }
}

#[test]
fn a_bad_signature_fails_its_image_alone() {
    let world = world();
    let url = format!("{FOLDER}SHA256SUMS.gpg");
    let good = sums::<Sha256>(&[FILE], "20260725", " *");
    let foreign = Signer::new();
    let cases = [
        ("missing", Reply::Status(404), vec!["SHA256SUMS.gpg", "404"]),
        (
            "empty",
            Reply::Body(Vec::new()),
            vec!["SHA256SUMS.gpg", "is empty"],
        ),
        ("html", Reply::Html, vec!["SHA256SUMS", "HTML"]),
        (
            "of another text",
            Reply::Body(world.signer.detached(b"another text")),
            vec!["SHA256SUMS", "bad signature"],
        ),
        (
            "by a stranger",
            Reply::Body(foreign.detached(good.as_bytes())),
            vec!["SHA256SUMS", "foreign", &foreign.fingerprint],
        ),
        (
            "no signature",
            Reply::Body(good.clone().into_bytes()),
            vec!["SHA256SUMS"],
        ),
    ];
    for (name, reply, expected) in cases {
        world.server.put(&url, reply);
        fails_alone(&world, name, &expected);
    }
}

#[test]
fn a_bad_listing_fails_its_image_alone() {
    let world = world();
    let url = "https://cloud-images.ubuntu.com/jammy/";
    let half = "<html><body><a href=\"20260701/\">20260701/</a>";
    let empty = "<html><body><a href=\"current/\">current/</a></body></html>";
    let cases = [
        (
            "404",
            Reply::Status(404),
            vec!["404", "a directory listing"],
        ),
        ("html", Reply::Html, vec!["a directory whose name matches"]),
        (
            "nothing in it",
            Reply::Body(empty.into()),
            vec!["1 entries", "a directory whose name matches"],
        ),
        ("empty", Reply::Body(b" \n".to_vec()), vec!["is empty"]),
        ("half", Reply::Body(half.into()), vec!["breaks off"]),
        ("cut", Reply::Cut(half.into()), vec!["broke off"]),
        ("endless", Reply::Endless, vec!["larger than"]),
        (
            "to another host",
            Reply::Redirect("https://evil.example/".to_owned()),
            vec!["https://evil.example/"],
        ),
        (
            "to http",
            Reply::Redirect("http://cloud-images.ubuntu.com/jammy/".to_owned()),
            vec!["expected https"],
        ),
    ];
    for (name, reply, mut expected) in cases {
        world.server.put(url, reply);
        expected.push(url);
        fails_alone(&world, name, &expected);
    }
}

#[test]
fn a_newest_build_without_its_manifest_is_not_replaced_by_an_older_one() {
    let world = world();
    world.server.body(
        "https://cloud-images.ubuntu.com/jammy/",
        super::world::listing(&["20260701", "20260725", "20260801"]),
    );
    fails_alone(
        &world,
        "incomplete",
        &[
            "https://cloud-images.ubuntu.com/jammy/20260801/SHA256SUMS",
            "404",
        ],
    );
}

#[test]
fn a_bad_feed_fails_its_images_with_a_sentence() {
    let feed = "https://cloud-images.ubuntu.com/releases/streams/v1/com.ubuntu.cloud:released:download.json";
    let release = "  - name: Ubuntu 22.04\n    format: qcow2\n    upstream: {from: ubuntu, release: \"22.04\"}\n    versions: []\n";
    let world = World::new("images: []\n");
    world.ubuntu_daily("noble", &["20260725"]);
    let cases = [
        ("html", Reply::Html, "is an HTML page; expected a JSON index"),
        ("cut", Reply::Body(b"{\"products\": {".to_vec()), "breaks off in the middle"),
        ("no JSON", Reply::Body(b"{]".to_vec()), "no JSON at line 1"),
        ("other JSON", Reply::Body(b"[]".to_vec()), "no object `products`"),
        ("no product", Reply::Body(b"{\"products\": {}}".to_vec()), "`com.ubuntu.cloud:server:22.04:amd64`"),
        ("no versions", Reply::Body(br#"{"products": {"com.ubuntu.cloud:server:22.04:amd64": {"versions": {}}}}"#.to_vec()), "0 versions"),
        (
            "no image in the newest",
            Reply::Body(br#"{"products": {"com.ubuntu.cloud:server:22.04:amd64": {"versions": {"20260725": {"items": {}}}}}}"#.to_vec()),
            "without the path of `disk1.img`",
        ),
    ];
    for (name, reply, expected) in cases {
        world.ubuntu_release(&[("22.04", "jammy")], &["20260701"]);
        world.server.put(feed, reply);
        world.define(&format!("images:\n{release}{}", ubuntu("24.04")));
        let run = world.update(&["--write"]);
        assert_eq!(run.code, 3, "{name}: {}", run.stdout);
        let error = run.image("Ubuntu 22.04")["error"].as_str().unwrap();
        assert!(
            error.contains(expected) && error.contains(feed),
            "{name}: {error}"
        );
        assert_eq!(run.image("Ubuntu 24.04")["outcome"], "updated", "{name}");
    }
}

#[test]
fn of_a_clearsigned_manifest_only_the_signed_text_counts() {
    let flatcar = "images:\n  - name: Flatcar\n    format: qcow2\n    upstream: {from: flatcar}\n    versions: []\n";
    let world = World::new(flatcar);
    world.flatcar(&["4593.2.5"]);
    let url = flatcar_manifest("4593.2.5");
    let good = String::from_utf8(
        world
            .signer
            .clearsigned(flatcar_digests("4593.2.5").as_bytes()),
    )
    .unwrap();
    let forged = flatcar_digests("forged");
    let wanted = format!("sha512:{}", digest::<sha2::Sha512>("4593.2.5"));
    for text in [format!("{forged}{good}"), format!("{good}{forged}")] {
        world.server.body(&url, text);
        let run = world.update(&[]);
        assert_eq!(run.image("Flatcar")["checksum"], wanted, "{}", run.stdout);
    }
    world.server.body(&url, forged);
    let run = world.update(&[]);
    assert_eq!(run.image("Flatcar")["outcome"], "failed");
}

#[test]
fn a_key_counts_only_by_its_pinned_fingerprint() {
    let world = world();
    let stranger = Signer::new();
    world.server.body(&world.key_url(), stranger.public.clone());
    let run = world.update(&["--write"]);
    let error = run.image("Ubuntu 22.04")["error"].as_str().unwrap();
    assert!(
        error.contains(&stranger.fingerprint) && error.contains(&world.signer.fingerprint),
        "{error}"
    );
    assert_eq!((run.code, run.outcomes()[1].1), (3, "failed"));

    world.server.put(&world.key_url(), Reply::Status(404));
    let run = world.update(&["--write"]);
    let error = run.image("Ubuntu 22.04")["error"].as_str().unwrap();
    assert!(
        error.contains("keyserver.ubuntu.com") && error.contains("`keys/`"),
        "{error}"
    );

    // The user's own copy, beside the stranger's, makes the run independent of the key server.
    std::fs::create_dir(world.path("keys")).unwrap();
    std::fs::write(world.path("keys/stranger.asc"), &stranger.public).unwrap();
    std::fs::write(world.path("keys/own.asc"), &world.signer.public).unwrap();
    world.server.forget();
    assert_eq!(world.update(&["--write"]).code, 0);
    world.server.assert_never_asked("pks/lookup");
}

#[test]
fn a_build_whose_bytes_were_exchanged_is_told() {
    let world = world();
    world.update(&["--write"]);
    world.sign(FOLDER, &sums::<Sha256>(&[FILE], "exchanged", " *"));
    let before = world.catalogue();
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert_eq!(run.image("Ubuntu 22.04")["outcome"], "current");
    let findings = run.json["findings"].as_array().unwrap();
    assert_eq!(
        findings.len(),
        1,
        "the index and the manifest tell of one change: {findings:?}"
    );
    assert_eq!(
        (findings[0]["rule"].as_str(), findings[0]["level"].as_str()),
        (Some("digest-changed"), Some("error"))
    );
    assert_eq!(world.catalogue(), before);
}

#[test]
fn upstreams_that_all_fail_are_nothing_done() {
    let world = world();
    for codename in ["jammy", "noble"] {
        world.server.put(
            &format!("https://cloud-images.ubuntu.com/{codename}/"),
            Reply::Status(500),
        );
    }
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(
        run.outcomes()
            .iter()
            .all(|(_, outcome)| *outcome == "failed")
    );
}

#[test]
fn a_definition_that_its_source_cannot_serve_fails_with_what_it_could() {
    let entry = |name: &str, upstream: &str| {
        format!("  - name: {name}\n    format: qcow2\n    upstream: {upstream}\n    versions: []\n")
    };
    let world = World::new(&format!(
        "images:\n{}{}{}{}",
        entry("A", "{from: ubunto}"),
        entry("B", "{from: ubuntu}"),
        entry("C", "{from: ubuntu, release: \"24.04\", flavour: x}"),
        ubuntu("24.04")
    ));
    world.ubuntu_daily("noble", &["20260725"]);
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    for (name, expected) in [("A", "`ubuntu`"), ("B", "`release`"), ("C", "`flavour`")] {
        let error = run.image(name)["error"].as_str().unwrap();
        assert!(error.contains(expected), "{name}: {error}");
    }
    assert_eq!(run.image("Ubuntu 24.04")["outcome"], "updated");
}

#[test]
fn a_build_is_found_under_the_other_name_that_its_feed_gives() {
    let release = "images:\n  - name: Ubuntu 24.04\n    format: qcow2\n    upstream: {from: ubuntu, release: \"24.04\"}\n    versions: []\n";
    let world = World::new(release);
    world.ubuntu_release(&[("24.04", "noble")], &["20260725"]);
    let short = "https://cloud-images.ubuntu.com/releases/noble/release-20260725/";
    let long = "https://cloud-images.ubuntu.com/releases/server/releases/noble/release-20260725/";
    world
        .server
        .put(&format!("{short}SHA256SUMS"), Reply::Status(404));
    let run = world.update(&[]);
    let error = run.image("Ubuntu 24.04")["error"].as_str().unwrap();
    assert!(
        error.contains(&format!("{short}SHA256SUMS")) && error.contains(long),
        "{error}"
    );

    world.sign(
        long,
        &sums::<Sha256>(
            &["ubuntu-24.04-server-cloudimg-amd64.img"],
            "20260725",
            " *",
        ),
    );
    let run = world.update(&[]);
    let url = format!("{long}ubuntu-24.04-server-cloudimg-amd64.img");
    assert_eq!(run.image("Ubuntu 24.04")["url"], url, "{}", run.stdout);
}
