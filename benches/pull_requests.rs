//! `update --pull-request` against the fake GitHub: 40 definitions of 8 groups with nothing new, and with 8 new groups.
//!
//! Prints rows of a Markdown table: calls are counts and hold anywhere, seconds are those of loopback, without a pause
//! between writes. `cargo bench --bench pull_requests`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that goes wrong ends"
)]

#[path = "../tests/github/mod.rs"]
mod forge;
#[path = "../tests/it/github/many.rs"]
mod many;
#[path = "../tests/it/update/server.rs"]
#[expect(dead_code, reason = "shared with the tests, which need more of it")]
mod server;

use std::process::Command;
use std::time::{Duration, Instant};

use forge::{Entry, Fake};
use server::Server;

/// Of so many runs the median counts.
const RUNS: usize = 5;

fn main() {
    println!(
        "| case | calls | of them writes | not counted by GitHub (304) | calls per pull request | wall time |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let mut opened = Vec::new();
    let mut bare = Vec::new();
    let mut again = Vec::new();
    for _ in 0..RUNS {
        let place = Place::new();
        opened.push(place.run("opened"));
        // What was opened has changed the lists.
        place.run("current");
        again.push(place.run("current"));
        std::fs::remove_dir_all(place.folder.path().join("cache")).unwrap();
        bare.push(place.run("current"));
    }
    row(
        "nothing new, 8 pull requests open, a second run",
        again,
        false,
    );
    row("the same without a cache", bare, false);
    row("8 new groups", opened, true);
}

/// What a run has cost.
struct Cost {
    log: Vec<Entry>,
    time: Duration,
}

/// Prints the median.
fn row(case: &str, mut costs: Vec<Cost>, per_pull: bool) {
    costs.sort_by_key(|cost| cost.time);
    let cost = costs.swap_remove(costs.len() / 2);
    let writes = cost.log.iter().filter(|entry| entry.is_write()).count();
    let free = cost
        .log
        .iter()
        .filter(|entry| entry.status == Some(304))
        .count();
    let calls = cost.log.len();
    let each = if per_pull {
        let of_all = cost
            .log
            .iter()
            .filter(|entry| entry.is_write() || entry.query.contains_key("head"))
            .count();
        of_all.div_ceil(many::SOURCES).to_string()
    } else {
        String::new()
    };
    println!(
        "| {case} | {calls} | {writes} | {free} | {each} | {:.2} s |",
        cost.time.as_secs_f64()
    );
}

/// A repository of 40 definitions beside upstreams that have one build of each.
struct Place {
    server: Server,
    fake: Fake,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            server: Server::start(),
            fake: Fake::start(),
            folder: tempfile::tempdir().unwrap(),
        };
        let mut files = many::sources();
        files.push(("images/catalogue.yml".to_owned(), many::definitions()));
        files.push((
            "reglaze.yml".to_owned(),
            "pull_requests:\n  pause: 0s\n".to_owned(),
        ));
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        place
            .fake
            .person("alice")
            .commit("main", &files, "Begin the catalogue");
        many::publish("20260701", many::IMAGES, |url, body| {
            place.server.body(url, body);
        });
        place
    }

    /// One run, all of whose groups end so.
    fn run(&self, outcome: &str) -> Cost {
        self.fake.clear_log();
        let mut command = Command::new(env!("CARGO_BIN_EXE_reglaze"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("REGLAZE_TODAY", "2026-07-27")
            .env("GITHUB_REPOSITORY", self.fake.full_name())
            .env("GITHUB_API_URL", self.fake.url())
            .env("GITHUB_GRAPHQL_URL", self.fake.graphql_url())
            .env("GITHUB_TOKEN", forge::fake::TOKEN)
            .args(self.server.maps(&[]))
            .args(["update", "--pull-request", "--format=json"]);
        let begin = Instant::now();
        let output = command.output().unwrap();
        let time = begin.elapsed();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = report["pull_requests"].as_array().unwrap();
        let is_so = rows.iter().all(|row| row["outcome"] == outcome);
        assert!(is_so && rows.len() == many::SOURCES, "{report:#}");
        Cost {
            log: self.fake.log(),
            time,
        }
    }
}
