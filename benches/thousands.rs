//! A catalogue of thousands of images in memory: definitions parsed and checked, and planned against a cloud that has three
//! builds of each. No service, no file.
//!
//! Prints rows of a Markdown table; times are those of the processor. Ten times as many images may take thirty times as
//! long, since they do not fit into its caches any more; what grows faster fails. Built for release:
//! `cargo bench --bench thousands`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that goes wrong ends"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use chrono::{DateTime, NaiveDate};
use reglaze::domain::attested::Verify;
use reglaze::domain::bound;
use reglaze::domain::definition::{self, Definition};
use reglaze::domain::import::Offered;
use reglaze::domain::lint::{self, Scope};
use reglaze::domain::plan::{self, Context, Plan};
use reglaze::domain::policy::PolicyOverride;
use reglaze::domain::question::Question;
use reglaze::domain::snapshot::{CloudImage, Snapshot, Status};
use reglaze::domain::step::{Step, Work};
use reglaze::domain::template::Variables;
use reglaze::domain::transfer::Transfer;
use reglaze::domain::usage::Uses;
use reglaze::domain::wanted::{self, Moment};

const SMALL: usize = 500;
const LARGE: usize = 5_000;
/// Definitions in one file.
const FILE: usize = 100;
const BUILDS: [&str; 4] = ["20260801", "20260901", "20261001", "20261101"];
const TAG: &str = "managed_by_reglaze";
const OWNER: &str = "us";

type Times = Vec<(&'static str, Duration)>;

fn main() {
    let small = measured(SMALL);
    let large = measured(LARGE);
    println!("| what | {SMALL} images | {LARGE} images | growth |");
    println!("| --- | --- | --- | --- |");
    let mut faster = Vec::new();
    for ((what, few), (_, many)) in small.iter().zip(&large) {
        let growth = many.as_secs_f64() / few.as_secs_f64();
        let (few, many) = (few.as_secs_f64(), many.as_secs_f64());
        println!("| {what} | {few:.4} s | {many:.3} s | {growth:.1} times |");
        if growth > 30.0 {
            faster.push(what);
        }
    }
    println!("| peak memory of all of it | | {:.0} MiB | |", high_water());
    assert!(
        faster.is_empty(),
        "grows faster than the catalogue: {faster:?}"
    );
}

/// The times of everything that one catalogue goes through.
fn measured(images: usize) -> Times {
    let mut times = Times::new();
    let files = files(images, &BUILDS[..3]);
    let definitions = timed(&mut times, "parse the definitions", || parsed(&files));
    let scope = Scope {
        cloud: None,
        policies: Vec::new(),
        tries: false,
    };
    let errors = timed(&mut times, "check them as `plan` does", || {
        lint::errors(&definitions, &[scope])
    });
    assert!(errors.is_empty(), "{errors:?}");

    let cloud = published(&planned(&definitions, &Snapshot::default()));
    assert_eq!(cloud.len(), 3 * images);
    let snapshot = timed(&mut times, "sort out the cloud's images", || {
        Snapshot::new(cloud, TAG, OWNER)
    });
    timed(&mut times, "what to ask the cloud", || {
        let question = Question {
            definitions: &definitions,
            policies: &[&PolicyOverride::default()],
        };
        let use_counts = question.is_of_use(|_| true, &snapshot);
        black_box((
            use_counts,
            question.boots(|_| true).count(),
            question.shares(|_| true),
        ))
    });
    let plan = timed(&mut times, "plan, nothing to do", || {
        planned(&definitions, &snapshot)
    });
    assert!(plan.steps.is_empty(), "{:?}", plan.steps.first());

    let newer = parsed(&self::files(images, &BUILDS));
    let plan = timed(&mut times, "plan, a new build of each", || {
        planned(&newer, &snapshot)
    });
    // Uploaded, published, the former one renamed, the oldest withdrawn.
    assert_eq!(plan.steps.len(), 4 * images);
    timed(&mut times, "its fingerprint", || plan.fingerprint());
    // Reviewed, as `apply --plan` reads it, when each image had another ID: every step has moved.
    let mut reviewed = plan.steps.clone();
    for step in &mut reviewed {
        step.id = Some("00000000-0000-4000-9000-000000000000".to_owned());
    }
    let bound = timed(
        &mut times,
        "held against a review that says otherwise",
        || bound::bound(plan, &reviewed),
    );
    assert_eq!(bound.moved.len(), 4 * images);
    times
}

fn timed<T>(times: &mut Times, what: &'static str, work: impl FnOnce() -> T) -> T {
    let begin = on_processor();
    let result = work();
    times.push((what, on_processor().saturating_sub(begin)));
    result
}

/// The time for which this thread has had a processor, by the kernel's own count: what else runs does not matter.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// Texts of definition files, and what findings would call them.
fn files(images: usize, builds: &[&str]) -> Vec<(String, String)> {
    let numbers: Vec<usize> = (0..images).collect();
    let files = numbers.chunks(FILE).enumerate();
    files
        .map(|(file, numbers)| {
            let images: String = numbers
                .iter()
                .map(|number| image(*number, builds))
                .collect();
            (
                format!("images/{file:03}.yml"),
                format!("---\nimages:\n{images}"),
            )
        })
        .collect()
}

fn image(number: usize, builds: &[&str]) -> String {
    let mut text = format!(
        "  - name: Image {number:05}
    format: qcow2
    login: ubuntu
    min_disk: 8
    min_ram: 512
    status: active
    visibility: public
    multi: true
    meta:
      architecture: x86_64
      hw_disk_bus: scsi
      hw_rng_model: virtio
      hw_scsi_model: virtio-scsi
      hw_watchdog_action: reset
      hypervisor_type: qemu
      os_distro: ubuntu
      os_purpose: generic
      os_version: '{number}'
      replace_frequency: never
      uuid_validity: none
      provided_until: none
    tags: [cloud]
    versions:
"
    );
    for build in builds {
        let date: String = [&build[..4], &build[4..6], &build[6..]].join("-");
        writeln!(
            text,
            "      - version: '{build}'
        url: https://images.example/{number}/{build}/image.qcow2
        checksum: sha256:{number:056}{build}
        build_date: {date}"
        )
        .expect("a string takes everything");
    }
    text
}

fn parsed(files: &[(String, String)]) -> Vec<Definition> {
    let parse = |(name, text): &(String, String)| definition::parse(name, text).unwrap();
    files.iter().flat_map(parse).collect()
}

fn today() -> NaiveDate {
    "2026-11-21".parse().unwrap()
}

fn planned(definitions: &[Definition], snapshot: &Snapshot) -> Plan {
    let context = Context {
        tag: TAG,
        policies: &[&PolicyOverride::default()],
        withdrawals: usize::MAX,
        deletions: 0,
        members: 128,
        uses: &Uses::default(),
        domains: &BTreeMap::new(),
        transfer: &Transfer::default(),
        offered: &Offered::default(),
        verify: Verify::default(),
        run: &Variables::new(),
        today: today(),
    };
    let plan = plan::plan(definitions, |_| true, snapshot, &context);
    assert!(plan.findings.is_empty(), "{:?}", plan.findings.first());
    plan
}

/// The images that a plan of uploads and publications makes, the first day on which each was there being long ago.
fn published(plan: &Plan) -> Vec<CloudImage> {
    let mut images: BTreeMap<(&str, &str), CloudImage> = BTreeMap::new();
    for step in &plan.steps {
        let key = (step.image.as_str(), step.version.as_deref().unwrap());
        let number = images.len();
        let image = images.entry(key).or_insert_with(|| uploaded(number));
        if let Work::Patch(_) = step.work {
            patch(image, step);
        }
    }
    images.into_values().collect()
}

fn uploaded(number: usize) -> CloudImage {
    CloudImage {
        id: format!("00000000-0000-4000-8000-{number:012}"),
        owner: Some(OWNER.to_owned()),
        status: Status::Active,
        tags: [TAG.to_owned()].into(),
        created_at: DateTime::from_timestamp(1_780_000_000, 0).unwrap(),
        ..CloudImage::default()
    }
}

fn patch(image: &mut CloudImage, step: &Step) {
    let Work::Patch(patch) = &step.work else {
        return;
    };
    let moment = Moment {
        today: today(),
        created: Some(image.created_at),
        newest: None,
        run: &Variables::new(),
    };
    let patch = wanted::completed(patch.clone(), moment);
    image.name = patch.name.or(image.name.take());
    image.visibility = patch.visibility.unwrap_or(image.visibility);
    image.min_disk = patch.min_disk.unwrap_or(image.min_disk);
    image.min_ram = patch.min_ram.unwrap_or(image.min_ram);
    if let Some(tags) = patch.tags {
        image.tags = tags;
    }
    image.properties.extend(patch.set);
}

/// The peak memory of this process in MiB, by the kernel's own count.
fn high_water() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    peak.unwrap_or_default() / 1024.0
}
