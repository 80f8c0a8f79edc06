//! The stories whose runs are cut.

mod ways;

use serde_json::json;

use super::bytes::{Form, bytes};
use super::place;
use super::run::{OfEachClass, cut_everywhere};
use super::story::Story;
use crate::account::{Account, wait};
use crate::stage::Stage;

/// Versions with a SHA-256 digest, which Glance cannot prove.
fn versions(stage: &Stage, versions: &[&str]) -> Vec<String> {
    let entry = |version: &&str| {
        let entry = stage.publish(version, &bytes(version));
        // Each build has its day.
        let day = version.trim_start_matches("1.");
        entry.replace("2026-07-25", &format!("2026-07-0{day}"))
    };
    versions.iter().map(entry).collect()
}

/// The image of a version.
fn image(stage: &Stage, name: &str, version: &str) -> String {
    let images = stage.images();
    let found = images.iter().find(|image| {
        image["image_name"] == stage.name(name) && image["internal_version"] == version
    });
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Lets an image have been in its stage for long.
fn age(stage: &Stage, name: &str, version: &str) {
    let long = [("reglaze_stage_since", "2026-01-01".into())];
    wait(Account::of("admin").set(&image(stage, name, version), &long));
}

/// What a run leaves that dies before it sends bytes.
fn leave_behind(stage: &Stage, version: &str) {
    let leftover = json!({
        "name": "begun by a run that died", "visibility": "private", "tags": [stage.tag], "disk_format": "raw",
        "container_format": "bare", "image_name": stage.name("Rotated"), "internal_version": version,
        "reglaze_state": "unproven",
    });
    wait(Account::of("admin").create(leftover, None));
}

fn settings(stage: &Stage, more: &str) {
    let text = format!("tag: {}\nlimits: {{deletions: 1}}\n{more}", stage.tag);
    stage.write("reglaze.yml", &text);
}

/// A definition that promises nothing, so that a stage may take anything away.
fn define(stage: &Stage, image: &str, versions: &[String]) {
    // What names of presets are made of.
    stage.define(image, "  vars: {codename: Noble}\n", versions);
    let file = format!("images/{image}.yml");
    let text = std::fs::read_to_string(stage.path(&file)).unwrap();
    let text = text.replace("  meta:\n", "  meta:\n    uuid_validity: none\n");
    stage.write(&file, &text);
}

/// Uploads of both kinds of proof, rotation, retirement, deletion, and the leftover of a dead run.
static COMBINED: Story = Story {
    name: "combined",
    has_services: false,
    form: Form::Raw,
    used: &[],
    before: |stage| {
        settings(stage, ENDS);
        for listed in [&["1"][..], &["1", "2"], &["1", "2", "3"]] {
            define(stage, "Rotated", &versions(stage, listed));
            stage.reglaze(&["apply"]).expect(0);
        }
        // It is in its last stage, and has been there for long.
        age(stage, "Rotated", "1");
        leave_behind(stage, "4");
    },
    define: |stage| {
        settings(stage, ENDS);
        define(stage, "Rotated", &versions(stage, &["1", "2", "3", "4"]));
        let new = stage.publish_sha512("5", &bytes("5"));
        define(stage, "New", &[new]);
    },
};

const ENDS: &str = "in_use: {compute: absent, volume: absent}\npolicy: {stages: {older: {keep: 1}, retired: {for: 30d, until: unused}}}\n";

#[test]
fn a_run_that_is_cut_anywhere_is_finished_by_the_next_one() {
    cut_everywhere(&COMBINED, OfEachClass(16, 0));
}

/// The default policy, with what happens besides: a version is withdrawn, and people change an image by hand.
static OSISM: Story = Story {
    name: "osism",
    has_services: false,
    form: Form::Raw,
    used: &[],
    before: |stage| {
        stage.define("Rotated", "", &versions(stage, &["1", "2", "3"]));
        stage.define("Withdrawn", "", &versions(stage, &["1", "2"]));
        stage.define("Drifted", "", &versions(stage, &["1"]));
        stage.reglaze(&["apply"]).expect(0);
        let drifted = image(stage, "Drifted", "1");
        let by_hand = [
            ("min_ram", 64.into()),
            ("architecture", "aarch64".into()),
            ("theirs", "stays".into()),
            ("tags", json!([stage.tag, "theirs"])),
        ];
        wait(Account::of("admin").set(&drifted, &by_hand));
        leave_behind(stage, "4");
    },
    define: |stage| {
        stage.define("Rotated", "", &versions(stage, &["1", "2", "3", "4"]));
        stage.define("Withdrawn", "", &versions(stage, &["1"]));
        stage.define("Drifted", "  min_ram: 512\n", &versions(stage, &["1"]));
    },
};

#[test]
fn a_cut_run_of_the_preset_osism_is_finished() {
    cut_everywhere(&OSISM, OfEachClass(3, 0));
}

/// What a story of a preset is made of.
struct Preset {
    settings: &'static str,
    /// Three that are there, and the one that the run brings in.
    versions: [&'static str; 4],
    is_signed: bool,
    /// Whether its stages end after some time.
    has_terms: bool,
}

/// Lists the first so many versions.
fn list(stage: &Stage, preset: &Preset, count: usize) {
    settings(stage, preset.settings);
    let listed = &preset.versions[..count];
    let mut entries = versions(stage, listed);
    if preset.is_signed {
        let signed = listed.iter().map(|&version| version.to_owned());
        let by = place::sign(stage, &signed.collect::<Vec<_>>());
        for entry in &mut entries {
            entry.extend(["    signed_by: ", by, "\n"]);
        }
    }
    define(stage, "Rotated", &entries);
}

/// A catalogue of three builds; where stages have terms the first is in the last stage, and all terms are over.
fn grown(stage: &Stage, preset: &Preset) {
    for count in 1..=3 {
        if count == 3 && preset.has_terms {
            age(stage, "Rotated", preset.versions[0]);
        }
        list(stage, preset, count);
        stage.reglaze(&["apply"]).expect(0);
    }
    for version in &preset.versions[..2] {
        age(stage, "Rotated", version);
    }
}

/// A preset, a test of its own for each; `$first` lets each take other points of its run.
macro_rules! presets {
    ($($test:ident, $name:literal, $count:literal, $first:literal, $has_services:literal, $used:expr, $preset:expr;)*) => {$(
        #[test]
        fn $test() {
            const PRESET: Preset = $preset;
            static STORY: Story = Story {
                name: $name,
                has_services: $has_services,
                form: Form::Raw,
                used: $used,
                before: |stage| grown(stage, &PRESET),
                define: |stage| list(stage, &PRESET, 4),
            };
            cut_everywhere(&STORY, OfEachClass($count, $first));
        }
    )*};
}

const PLAIN: [&str; 4] = ["1", "2", "3", "4"];

presets! {
    a_cut_run_of_the_preset_cleura_is_finished, "cleura", 3, 1, false, &[], Preset {
        settings: "policy: {preset: cleura}\n", versions: PLAIN, is_signed: false, has_terms: false,
    };
    a_cut_run_of_the_preset_scs_is_finished, "scs", 3, 2, false, &[], Preset {
        settings: "policy: {preset: scs}\n", versions: PLAIN, is_signed: false, has_terms: false,
    };
    // A server is started from each new image. The one that is replaced has users, and what nobody uses is deleted.
    a_cut_run_of_the_preset_xloud_is_finished, "xloud", 2, 3, true, &["1.3"], Preset {
        settings: "policy: {preset: xloud}\nboot: {flavor: tiny, network: none, console: ignore}\n",
        versions: ["1.1", "1.2", "1.3", "1.4"], is_signed: false, has_terms: true,
    };
    // One that a server was started from stays.
    a_cut_run_of_the_preset_optimist_is_finished, "optimist", 2, 4, true, &["2"], Preset {
        settings: "policy: {preset: optimist}\nboot: {flavor: tiny, network: none, console: ignore}\n",
        versions: PLAIN, is_signed: false, has_terms: false,
    };
    // What nobody uses is deleted, what a tenant uses is shared with that tenant.
    a_cut_run_of_the_preset_syseleven_is_finished, "syseleven", 3, 5, true, &["2"], Preset {
        settings: "policy: {preset: syseleven}\n", versions: PLAIN, is_signed: true, has_terms: true,
    };
}
