//! Builds of which the upstream does not tell everything: fetched once, and only if they are new.

use std::io::Write;

use sha2::{Digest, Sha256, Sha512};

use super::world::{World, listing};
use crate::stage::hex;

const HOME: &str = "https://cloud.debian.org/own/";

/// A source whose index lists folders, with these lines on what proves a build.
fn source(proof: &str) -> String {
    format!(
        "title: Own\nparameters:\n  arch: {{default: x86_64}}\nindexes:\n  - engine: listing\n    url: {HOME}\n    \
         directory: '^(?<version>\\d{{8}})/$'\n    image: \"{{folder}}own-{{arch}}.tar.gz\"\n{proof}infer:\n  - match: \
         '^https://cloud\\.debian\\.org/own/(?<version>\\d+)/own-(?<arch>x86_64)\\.tar\\.gz$'\n"
    )
}

fn definition(name: &str) -> String {
    format!("  - name: {name}\n    format: raw\n    upstream: {{from: own}}\n    versions: []\n")
}

/// A repository with one image that such a source tracks.
fn world(proof: &str) -> World {
    let world = World::new(&format!("images:\n{}", definition("Own")));
    std::fs::write(world.path("sources/own.yml"), source(proof)).unwrap();
    world
}

fn url(build: &str) -> String {
    format!("{HOME}{build}/own-x86_64.tar.gz")
}

fn disk(build: &str) -> Vec<u8> {
    (0_u32..5_000)
        .flat_map(|count| Sha512::digest(format!("{build} {count}")))
        .collect()
}

/// A disk in an archive, beside a text.
fn archive(build: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in [("README", b"read me".to_vec()), ("disk.raw", disk(build))] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&builder.into_inner().unwrap()).unwrap();
    packed.finish().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

fn publish(world: &World, builds: &[&str]) {
    world.server.body(HOME, listing(builds));
    for build in builds {
        world.server.body(&url(build), archive(build));
    }
}

/// How often the bytes of a build were sent.
fn sent(world: &World, build: &str) -> usize {
    world.server.counts().get(&url(build)).copied().unwrap_or(0)
}

const COMPUTED: &str = "checksum: {compute: sha256}\ndisk: {compute: sha256, member: '^disk\\.raw$'}\nsignature: {form: none}\n";

#[test]
fn what_nobody_tells_is_computed_from_one_download_and_the_definition_says_so() {
    let world = world(COMPUTED);
    world.define(&format!(
        "images:\n{}{}",
        definition("Own"),
        definition("Twin")
    ));
    publish(&world, &["20260701"]);
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(sent(&world, "20260701"), 1, "two images, one download");
    let image = run.image("Own");
    assert_eq!(image["verified"]["by"], "computed");
    assert!(image["verified"]["key"].is_null() && image["verified"]["manifest"].is_null());
    assert_eq!(image["checksum"], sha256(&archive("20260701")));
    let (file, inside) = (sha256(&archive("20260701")), sha256(&disk("20260701")));
    let entry = format!(
        "      - version: '20260701'\n        url: {}\n        checksum: {file}\n        disk_checksum: {inside}\n        \
         computed: [checksum, disk_checksum]\n",
        url("20260701")
    );
    assert!(world.catalogue().contains(&entry), "{}", world.catalogue());

    // A build that is there already is never fetched again, nor is an older one.
    world.server.forget();
    let run = world.update(&[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.image("Own")["outcome"], "current");
    assert_eq!(run.image("Own")["verified"]["by"], "computed");
    world.server.body(HOME, listing(&["20260601"]));
    world.server.body(&url("20260601"), archive("20260601"));
    world.update(&[]);
    assert_eq!((sent(&world, "20260701"), sent(&world, "20260601")), (0, 0));
}

#[test]
fn people_read_in_words_how_a_digest_is_known() {
    let world = world(COMPUTED);
    publish(&world, &["20260701"]);
    for format in ["text", "markdown"] {
        let run = world.run(&["update", &format!("--format={format}")]);
        let line = "by its sha256, computed from a download: the upstream gives none; the sha256 of the disk in it \
                    computed from a download";
        assert!(run.stdout.contains(line), "{}", run.stdout);
    }
    // What it does meanwhile goes to the log.
    let run = world.update(&[]);
    assert!(
        run.stderr.contains("fetching") && run.stderr.contains(&url("20260701")),
        "{}",
        run.stderr
    );
}

#[test]
fn a_download_that_gives_no_disk_adds_nothing() {
    let before = format!("images:\n{}", definition("Own"));
    let mut cut = archive("20260701");
    cut.truncate(cut.len() / 2);
    for (bytes, reason) in [
        (cut, "cut off"),
        (disk("20260701"), "not packed"),
        (b"7z\xbc\xaf\x27\x1c".to_vec(), "packed with 7z"),
        (Vec::new(), "empty"),
    ] {
        let world = world(COMPUTED);
        publish(&world, &["20260701"]);
        world.server.body(&url("20260701"), bytes);
        let run = world.update(&["--write"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        let error = run.image("Own")["error"].as_str().unwrap().to_owned();
        assert!(
            error.contains(reason) && error.contains(&url("20260701")),
            "{error}"
        );
        assert_eq!(world.catalogue(), before);
    }
}

#[test]
fn the_bytes_are_held_against_the_digest_that_a_manifest_tells() {
    let world = world(
        "checksum: {url: \"{url}.sha256\", algorithm: sha256}\ndisk: {compute: sha256, member: raw}\nsignature: {form: none}\n",
    );
    publish(&world, &["20260701"]);
    let manifest = |bytes: &[u8]| {
        let text = format!("{}  own-x86_64.tar.gz\n", hex(&Sha256::digest(bytes)));
        world
            .server
            .body(&format!("{}.sha256", url("20260701")), text);
    };
    manifest(b"other bytes");
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let error = run.image("Own")["error"].as_str().unwrap().to_owned();
    assert!(error.contains("have the digest"), "{error}");
    manifest(&archive("20260701"));
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.image("Own")["verified"]["by"], "checksum");
    assert!(
        world.catalogue().contains("computed: [disk_checksum]"),
        "{}",
        world.catalogue()
    );
}

/// A source whose images are signed themselves.
fn signed(world: &World, digest: &str) {
    let proof = format!(
        "{digest}signature:\n  form: detached\n  of: image\n  url: \"{{url}}.sig\"\n  keys: [{}]\n  key_url: \
         https://cloud.debian.org/own/key.asc\n",
        world.signer.fingerprint
    );
    std::fs::write(world.path("sources/own.yml"), source(&proof)).unwrap();
    let key = world.signer.public.clone();
    world
        .server
        .body("https://cloud.debian.org/own/key.asc", key);
}

#[test]
fn a_signature_over_the_image_is_checked_while_it_passes() {
    for (digest, computed) in [
        ("checksum: {compute: sha256}\n", true),
        ("checksum: {url: \"{url}.sha256\"}\n", false),
    ] {
        let world = world(COMPUTED);
        signed(&world, digest);
        publish(&world, &["20260701"]);
        let text = format!(
            "{}  own-x86_64.tar.gz\n",
            hex(&Sha256::digest(archive("20260701")))
        );
        world
            .server
            .body(&format!("{}.sha256", url("20260701")), text);
        let sig = format!("{}.sig", url("20260701"));
        let before = world.catalogue();

        // Good for other bytes, so all of them pass before it is known to be bad.
        world
            .server
            .body(&sig, world.signer.detached(b"other bytes"));
        let run = world.update(&["--write"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        let error = run.image("Own")["error"].as_str().unwrap().to_owned();
        assert!(error.contains("bad signature"), "{error}");
        assert_eq!(
            (sent(&world, "20260701"), world.catalogue()),
            (1, before.clone())
        );

        // A stranger's is known to be none before a byte was fetched.
        world.server.forget();
        let stranger = super::signer::Signer::new();
        world
            .server
            .body(&sig, stranger.detached(&archive("20260701")));
        let run = world.update(&["--write"]);
        let error = run.image("Own")["error"].as_str().unwrap().to_owned();
        assert!(error.contains("foreign key"), "{error}");
        assert_eq!((sent(&world, "20260701"), world.catalogue()), (0, before));

        // As gpg writes it without `--armor`.
        let binary = world.signer.gpg(&["--detach-sign"], &archive("20260701"));
        assert!(!binary.is_ascii());
        world.server.body(&sig, binary);
        let run = world.update(&["--write"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let verified = &run.image("Own")["verified"];
        assert_eq!(verified["by"], "signature");
        assert_eq!(verified["key"], world.signer.fingerprint);
        let catalogue = world.catalogue();
        assert!(catalogue.contains(&format!("signed_by: {}", world.signer.fingerprint)));
        assert_eq!(
            catalogue.contains("computed: [checksum]"),
            computed,
            "{catalogue}"
        );
    }
}
