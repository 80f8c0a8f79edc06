//! Proving a reviewed version again right before its upload, and fetching its bytes.

use clap::Parser;
use futures_util::StreamExt;
use reglaze::cli::Cli;
use reglaze::domain::attested::Verified;
use reglaze::domain::definition::{self, Definition};
use reglaze::settings::{Settings, Verify};
use reglaze::upstream::{Attestation, Upstream, UpstreamError, load_sources};
use sha2::Sha256;

use super::server::Reply;
use super::world::{HOSTS, World, sums, ubuntu};

const FOLDER: &str = "https://cloud-images.ubuntu.com/noble/20260725/";
const FILE: &str = "noble-server-cloudimg-amd64.img";

/// A repository whose only version was written by `update`.
fn world() -> World {
    let world = World::new(&format!("images:\n{}", ubuntu("24.04")));
    world.ubuntu_daily("noble", &["20260725"]);
    assert_eq!(world.update(&["--write"]).code, 0);
    world
}

fn settings(world: &World) -> Settings {
    let config = world.path("reglaze.yml");
    std::fs::write(&config, "").unwrap();
    let mut arguments = vec![
        "reglaze".to_owned(),
        "sources".to_owned(),
        format!("--config={}", config.display()),
    ];
    arguments.extend(world.server.maps(&HOSTS));
    let cli = Cli::parse_from(arguments);
    let mut settings = Settings::load(
        &cli.shared,
        &reglaze::files::Files::Here,
        chrono::Utc::now().date_naive(),
    )
    .unwrap();
    settings.cache = Some(world.path("cache/reglaze"));
    settings
}

fn upstream(settings: &Settings) -> Upstream {
    let sources = load_sources(&settings.files, &settings.sources)
        .unwrap()
        .unwrap();
    Upstream::new(
        settings,
        sources.into_iter().map(|(source, _)| source).collect(),
    )
    .unwrap()
}

fn definition(world: &World) -> Definition {
    definition::parse("catalogue.yml", &world.catalogue())
        .unwrap()
        .remove(0)
}

fn attest_with(world: &World, settings: &Settings) -> Result<Attestation, UpstreamError> {
    let definition = definition(world);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(upstream(settings).attest(
        &definition,
        &definition.versions[0],
        settings.verify,
    ))
}

pub fn attest(world: &World) -> Result<Attestation, UpstreamError> {
    attest_with(world, &settings(world))
}

#[test]
fn a_manifest_that_still_holds_proves_the_reviewed_digest() {
    let world = world();
    let attestation = attest(&world).unwrap();
    assert_eq!(attestation.attested.verified(), Verified::Signature);
    assert_eq!(
        attestation.attested.signed_by().unwrap().as_str(),
        world.signer.fingerprint
    );
    let reviewed = definition(&world).versions[0].checksum.clone().unwrap();
    assert_eq!(*attestation.attested.checksum(), reviewed);
    assert!(attestation.findings.is_empty());
}

#[test]
fn a_manifest_that_is_gone_leaves_the_reviewed_signature_and_a_note() {
    let world = world();
    for status in [404, 410] {
        world
            .server
            .put(&format!("{FOLDER}SHA256SUMS"), Reply::Status(status));
        let attestation = attest(&world).unwrap();
        assert_eq!(attestation.attested.verified(), Verified::Signature);
        let finding = &attestation.findings[0];
        assert!(
            finding.message.contains("SHA256SUMS") && finding.line.is_some(),
            "{finding}"
        );
    }
    // Nobody has reviewed a signature here.
    world.define(
        &world
            .catalogue()
            .lines()
            .filter(|line| !line.contains("signed_by"))
            .map(|line| {
                format!(
                    "{line}
"
                )
            })
            .collect::<Vec<_>>()
            .concat(),
    );
    assert!(matches!(attest(&world), Err(UpstreamError::Proof(_))));
}

#[test]
fn any_other_verdict_fails_the_image() {
    let world = world();
    let (manifest, signature) = (
        format!("{FOLDER}SHA256SUMS"),
        format!("{FOLDER}SHA256SUMS.gpg"),
    );
    world.server.put(&manifest, Reply::Status(500));
    assert!(matches!(attest(&world), Err(UpstreamError::Fetch(_))));

    world.sign(FOLDER, &sums::<Sha256>(&[FILE], "exchanged", " *"));
    let error = attest(&world).unwrap_err().to_string();
    assert!(error.contains("but the definition has"), "{error}");

    world.sign(FOLDER, &sums::<Sha256>(&[FILE], "20260725", " *"));
    world
        .server
        .body(&signature, world.signer.detached(b"another text"));
    assert!(matches!(attest(&world), Err(UpstreamError::Proof(_))));

    // Without the signature the manifest is as good as any text.
    world.server.put(&signature, Reply::Status(404));
    assert!(matches!(attest(&world), Err(UpstreamError::Signature(..))));
}

#[test]
fn the_settings_say_what_suffices() {
    let world = world();
    let mut settings = settings(&world);
    settings.verify = Verify::Checksum;
    world
        .server
        .put(&format!("{FOLDER}SHA256SUMS"), Reply::Status(500));
    let attestation = attest_with(&world, &settings).unwrap();
    assert_eq!(attestation.attested.verified(), Verified::Checksum);

    world.define(&format!(
        "images:\n  - name: Own\n    format: qcow2\n    versions:\n      - version: '1'\n        url: https://images.example/own.qcow2\n        checksum: sha256:{}\n",
        "0".repeat(64)
    ));
    settings.verify = Verify::Signature;
    assert_eq!(
        attest_with(&world, &settings).unwrap().attested.verified(),
        Verified::Checksum
    );
    settings.verify = Verify::SignatureRequired;
    assert!(matches!(
        attest_with(&world, &settings),
        Err(UpstreamError::Proof(_))
    ));
}

/// The bytes of an image, or the sentence with which they end.
fn stream(settings: &Settings, url: &str) -> Result<Vec<u8>, String> {
    let upstream = upstream(settings);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut download = upstream
            .stream(url)
            .await
            .map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        while let Some(piece) = download.body.next().await {
            bytes.extend_from_slice(&piece.map_err(|error| error.to_string())?);
        }
        Ok(bytes)
    })
}

#[test]
fn image_bytes_come_from_any_https_host_but_never_from_http() {
    let world = World::new("images: []\n");
    let mut settings = settings(&world);
    let url = "https://www.flatcar.org/image.img";
    world
        .server
        .body("https://cloud.debian.org/elsewhere.img", b"bytes".to_vec());
    world.server.put(
        url,
        Reply::Redirect("https://cloud.debian.org/elsewhere.img".to_owned()),
    );
    assert_eq!(stream(&settings, url).unwrap(), b"bytes");

    world.server.put(
        url,
        Reply::Redirect("http://cloud.debian.org/elsewhere.img".to_owned()),
    );
    let error = stream(&settings, url).unwrap_err();
    assert!(error.contains("expected https"), "{error}");

    world.server.put(url, Reply::Cut(b"half".to_vec()));
    let error = stream(&settings, url).unwrap_err();
    assert!(error.contains("broke off"), "{error}");

    settings.limits.image_size = 3;
    world.server.body(url, b"bytes".to_vec());
    let error = stream(&settings, url).unwrap_err();
    assert!(error.contains("larger than 3 bytes"), "{error}");
    world.server.put(url, Reply::Endless);
    assert!(
        stream(&settings, url)
            .unwrap_err()
            .contains("larger than 3 bytes")
    );
}
