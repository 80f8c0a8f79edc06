//! `update` against a loopback upstream: many hosts with latency, a second run, and feeds as large as they get.
//!
//! Prints rows of a Markdown table. The bound of a run with latency is 2 × latency × max(depth of the documents, requests
//! to the busiest host ÷ 8); a run that is slower fails. Built for release: `cargo bench --bench update`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that goes wrong ends"
)]

#[path = "../tests/it/update/server.rs"]
#[expect(dead_code, reason = "shared with the tests, which need more of it")]
mod server;
#[path = "../tests/it/update/signer.rs"]
mod signer;
#[path = "../tests/it/update/world.rs"]
#[expect(dead_code, reason = "shared with the tests, which need more of it")]
mod world;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::Sha256;
use world::{World, listing, sums};

const LATENCY: Duration = Duration::from_millis(100);
const HOSTS: usize = 25;
const FEED: &str =
    "https://cloud-images.ubuntu.com/releases/streams/v1/com.ubuntu.cloud:released:download.json";

/// The cases that were slower than their bound.
static SLOWER: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn main() {
    println!("| case | requests | bytes | wall time | bound | peak memory |");
    println!("| --- | --- | --- | --- | --- | --- |");
    many_hosts();
    one_host(
        "100 definitions, a directory of its own for each",
        |number| number,
    );
    one_host("100 definitions, all of one directory", |_| 0);
    feeds();
    let slower = SLOWER.lock().unwrap();
    assert!(slower.is_empty(), "slower than the bound: {slower:?}");
}

/// 40 definitions over 25 hosts, then again with what the first run has kept.
fn many_hosts() {
    let entries = (0..40).map(|number| {
        let (host, release) = (number % HOSTS, number / HOSTS);
        format!("  - name: Image {number}\n    format: qcow2\n    upstream: {{from: host{host}, release: r{release}}}\n    versions: []\n")
    });
    let world = World::new(&format!("images:\n{}", entries.collect::<String>()));
    let hosts: Vec<_> = (0..HOSTS)
        .map(|number| format!("host{number}.example"))
        .collect();
    for (number, host) in hosts.iter().enumerate() {
        let source = format!(
            "title: Host {number}
parameters:
  release: {{}}
indexes:
  - engine: listing
    url: https://{host}/{{release}}/
    directory: '^(?<version>\\d{{8}})/$'
    image: \"{{folder}}own-{{release}}.qcow2\"
    version: \"{{version}}\"
checksum: {{url: \"{{folder}}SHA256SUMS\", algorithm: sha256}}
signature: {{form: detached, url: \"{{manifest}}.gpg\", keys: [{}], key_url: \"https://{host}/key.asc\"}}
",
            world.signer.fingerprint
        );
        std::fs::write(world.path(&format!("sources/host{number}.yml")), source).unwrap();
        world.server.body(
            &format!("https://{host}/key.asc"),
            world.signer.public.clone(),
        );
        for release in ["r0", "r1"] {
            let home = format!("https://{host}/{release}/");
            world.server.body(&home, listing(&["20260701", "20260725"]));
            let file = format!("own-{release}.qcow2");
            let text = sums::<Sha256>(&[&file], &format!("{number}"), "  ");
            world.sign(&format!("{home}20260725/"), &text);
        }
    }
    world.server.pause("https://", LATENCY);
    let names: Vec<_> = hosts.iter().map(String::as_str).collect();
    let maps = world.server.maps(&names);
    // Listing, then manifest, signature and key at once.
    measured("40 definitions over 25 hosts", &world, &maps, Some(2));
    measured(
        "40 definitions over 25 hosts, a second run",
        &world,
        &maps,
        Some(2),
    );
}

/// 100 definitions of one host and feed.
fn one_host(case: &str, directory: impl Fn(usize) -> usize) {
    let releases: Vec<_> = (0..100)
        .map(|number| (format!("{number}.04"), format!("name{number}")))
        .collect();
    let entries = (0..100).map(|number| {
        let release = &releases[directory(number)].0;
        format!("  - name: Image {number}\n    format: qcow2\n    upstream: {{from: ubuntu, release: \"{release}\"}}\n    versions: []\n")
    });
    let world = World::new(&format!("images:\n{}", entries.collect::<String>()));
    let published: Vec<_> = releases
        .iter()
        .map(|(release, codename)| (release.as_str(), codename.as_str()))
        .collect();
    world.ubuntu_release(&published, &["20260725"]);
    world.server.pause("https://", LATENCY);
    // Index, feed, then manifest, signature and key at once.
    measured(case, &world, &[], Some(3));
}

/// One image whose feed is large, without latency.
fn feeds() {
    let image = "images:\n  - name: Ubuntu 24.04\n    format: qcow2\n    upstream: {from: ubuntu, release: \"24.04\"}\n    versions: []\n";
    let world = World::new(image);
    world.ubuntu_release(&[("24.04", "noble")], &["20260725"]);
    measured("one image, a feed of 300 bytes", &world, &[], None);

    // Versions as large as the real ones, and as many as make a feed of that size.
    for mebibytes in [16, 31] {
        world.server.body(FEED, large_feed(mebibytes << 20));
        measured(
            &format!("one image, a feed of {mebibytes} MiB"),
            &world,
            &[],
            None,
        );
    }
    let captures = std::env::var_os("REGLAZE_UPSTREAM_CAPTURES");
    let Some(captures) = captures else {
        eprintln!("without REGLAZE_UPSTREAM_CAPTURES Ubuntu's real feed is not measured");
        return;
    };
    let real = "ubuntu/cloud-images.ubuntu.com/releases/streams/v1/com.ubuntu.cloud%3Areleased%3Adownload.json";
    world.server.body(
        FEED,
        std::fs::read(Path::new(&captures).join(real)).unwrap(),
    );
    let file = "ubuntu-24.04-server-cloudimg-amd64.img";
    let folder = "https://cloud-images.ubuntu.com/releases/noble/release-20240821/";
    world.sign(folder, &sums::<Sha256>(&[file], "20240821", " *"));
    measured("one image, a capture of Ubuntu's feed", &world, &[], None);
}

/// A feed whose last product is the one that is asked for.
fn large_feed(bytes: usize) -> String {
    let version = |codename: &str, build: &str| {
        let file = |kind: &str| {
            json!({"ftype": kind, "md5": "0".repeat(32), "sha256": "0".repeat(64), "size": 617_611_264,
                "path": format!("server/releases/{codename}/release-{build}/{codename}-server-cloudimg-amd64.{kind}")})
        };
        let kinds = [
            "manifest",
            "root.tar.xz",
            "lxd.tar.xz",
            "ova",
            "tar.gz",
            "squashfs",
            "vmdk",
            "azure.vhd.tar.gz",
        ];
        let mut items: serde_json::Map<_, _> = kinds
            .iter()
            .map(|kind| ((*kind).to_owned(), file(kind)))
            .collect();
        let disk = format!(
            "server/releases/{codename}/release-{build}/ubuntu-24.04-server-cloudimg-amd64.img"
        );
        items.insert(
            "disk1.img".to_owned(),
            json!({"ftype": "disk1.img", "path": disk}),
        );
        json!({"items": items, "label": "release", "pubname": format!("ubuntu-{codename}-{build}")})
    };
    let size = version("noble", "20260725").to_string().len();
    let mut products = serde_json::Map::new();
    for number in 0..bytes / size / 150 {
        let versions: serde_json::Map<String, Value> = (0..150)
            .map(|build| format!("2025{build:04}"))
            .map(|build| (build.clone(), version("other", &build)))
            .collect();
        products.insert(
            format!("com.ubuntu.cloud:server:{number}:amd64"),
            json!({"versions": versions}),
        );
    }
    let noble = json!({"20260725": version("noble", "20260725")});
    products.insert(
        "com.ubuntu.cloud:server:24.04:amd64".to_owned(),
        json!({"versions": noble}),
    );
    json!({"format": "products:1.0", "products": products}).to_string()
}

/// Runs `update` and prints its row; `depth`: of documents that need each other, where there is latency.
fn measured(case: &str, world: &World, maps: &[String], depth: Option<usize>) {
    world.server.forget();
    let mut command = world.command();
    command.args(maps).args(["update", "--format=json"]);
    let begin = Instant::now();
    let peak = high_water(&mut command);
    let time = begin.elapsed();
    let log = world.server.log();
    let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
    for (url, _) in &log {
        *hosts
            .entry(url.split('/').nth(2).unwrap_or_default())
            .or_default() += 1;
    }
    let busiest = hosts.into_values().max().unwrap_or_default();
    let bound =
        depth.map(|depth| LATENCY * 2 * u32::try_from(busiest.div_ceil(8).max(depth)).unwrap());
    let told = bound.map_or_else(String::new, |bound| format!("{:.2} s", bound.as_secs_f64()));
    println!(
        "| {case} | {} | {} | {:.2} s | {told} | {:.1} MiB |",
        log.len(),
        world.server.bytes(),
        time.as_secs_f64(),
        f64::from(peak) / 1024.0
    );
    if bound.is_some_and(|bound| time > bound) {
        SLOWER.lock().unwrap().push(case.to_owned());
    }
}

/// The peak memory of a run that finds something new, in KiB, by the kernel's own count.
fn high_water(command: &mut Command) -> u32 {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut peak = 0;
    let status = loop {
        let text =
            std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let text = reader.join().unwrap().unwrap();
    assert_eq!(status.code(), Some(2), "{text}");
    peak
}
