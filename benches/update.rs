//! `update` of 100 definitions from a loopback upstream that answers after 100 ms.
//!
//! Prints one row of a Markdown table for each case: the wall time, and the bound that it keeps,
//! 2 × latency × max(depth of the documents, requests to the busiest host ÷ 8).

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
use std::time::{Duration, Instant};

use world::World;

const DEFINITIONS: usize = 100;
const LATENCY: Duration = Duration::from_millis(100);

fn main() {
    println!("| 100 definitions, 100 ms latency | requests | wall time | bound |");
    println!("| --- | --- | --- | --- |");
    let names: Vec<String> = (0..DEFINITIONS)
        .map(|number| format!("name{number}"))
        .collect();
    let numbers: Vec<String> = (0..DEFINITIONS)
        .map(|number| format!("{number}.04"))
        .collect();
    let own: Vec<_> = numbers
        .iter()
        .map(String::as_str)
        .zip(names.iter().map(String::as_str))
        .collect();
    run("a directory of its own for each", &own, |number| {
        format!("{number}.04")
    });
    run("all of one directory", &[("24.04", "noble")], |_| {
        "24.04".to_owned()
    });
}

fn run(case: &str, releases: &[(&str, &str)], release: impl Fn(usize) -> String) {
    let entries = (0..DEFINITIONS)
        .map(|number| {
            format!(
                "  - name: Image {number}\n    format: qcow2\n    upstream: {{from: ubuntu, release: \"{}\"}}\n    versions: []\n",
                release(number)
            )
        })
        .collect::<Vec<_>>()
        .concat();
    let world = World::new(&format!("images:\n{entries}"));
    world.ubuntu_release(releases, &["20260725"]);
    world.server.pause("https://", LATENCY);
    let begin = Instant::now();
    let run = world.update(&["--write"]);
    let time = begin.elapsed();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let log = world.server.log();
    let mut hosts: BTreeMap<&str, u32> = BTreeMap::new();
    for (url, _) in &log {
        *hosts
            .entry(url.split('/').nth(2).unwrap_or_default())
            .or_default() += 1;
    }
    let busiest = hosts.into_values().max().unwrap_or_default();
    // Index, feed, then manifest, signature and key at once.
    let bound = LATENCY.mul_f64(2.0 * f64::from(busiest.div_ceil(8).max(3)));
    println!(
        "| {case} | {} | {:.2} s | {:.2} s |",
        log.len(),
        time.as_secs_f64(),
        bound.as_secs_f64()
    );
    assert!(time <= bound, "slower than the bound");
}
