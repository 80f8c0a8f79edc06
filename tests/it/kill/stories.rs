//! The stories whose runs are cut.

use serde_json::json;

use super::run::{Sample, cut_everywhere};
use super::story::{Story, bytes};
use crate::account::{Account, wait};
use crate::stage::Stage;

/// Versions with a SHA-256 digest, which Glance cannot prove.
fn versions(stage: &Stage, numbers: &[u32]) -> Vec<String> {
    let entry = |number: &u32| {
        let entry = stage.publish(&number.to_string(), &bytes(&number.to_string()));
        // Each build has its day.
        entry.replace("2026-07-25", &format!("2026-07-{number:02}"))
    };
    numbers.iter().map(entry).collect()
}

/// The image of a version.
fn image(stage: &Stage, name: &str, version: &str) -> String {
    let images = stage.images();
    let found = images.iter().find(|image| {
        image["image_name"] == stage.name(name) && image["internal_version"] == version
    });
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Uploads of both kinds of proof, rotation, retirement, rollback, drift, and the leftover of a dead run.
static COMBINED: Story = Story {
    name: "combined",
    before: |stage| {
        stage.define("Rotated", "", &versions(stage, &[1, 2, 3]));
        stage.define("Withdrawn", "", &versions(stage, &[1, 2]));
        stage.define("Drifted", "", &versions(stage, &[1]));
        stage.reglaze(&["apply"]).expect(0);
        let admin = Account::of("admin");
        let drifted = image(stage, "Drifted", "1");
        let by_hand = [
            ("min_ram", 64.into()),
            ("architecture", "aarch64".into()),
            ("theirs", "stays".into()),
            ("tags", json!([stage.tag, "theirs"])),
        ];
        wait(admin.set(&drifted, &by_hand));
        let leftover = json!({
            "name": "begun by a run that died", "visibility": "private", "tags": [stage.tag], "disk_format": "raw",
            "container_format": "bare", "image_name": stage.name("Rotated"), "internal_version": "4",
            "reglaze_state": "unproven",
        });
        wait(admin.create(leftover, None));
    },
    define: |stage| {
        stage.define("Rotated", "", &versions(stage, &[1, 2, 3, 4]));
        stage.define("Withdrawn", "", &versions(stage, &[1]));
        stage.define("Drifted", "  min_ram: 512\n", &versions(stage, &[1]));
        let new = stage.publish_sha512("5", &bytes("5"));
        stage.define("New", "", &[new]);
    },
};

#[test]
fn a_run_that_is_cut_anywhere_is_finished_by_the_next_one() {
    cut_everywhere(&COMBINED, Sample::All);
}

/// A catalogue of three builds under a preset; the run brings in a fourth, and an image of which there was none.
fn grown(stage: &Stage, policy: &str) {
    settled(stage, policy);
    for newest in 1..=3 {
        define(
            stage,
            "Rotated",
            NOBLE,
            &versions(stage, &[1, 2, 3][..newest]),
        );
        stage.reglaze(&["apply"]).expect(0);
    }
}

fn rotated(stage: &Stage, policy: &str) {
    settled(stage, policy);
    define(stage, "Rotated", NOBLE, &versions(stage, &[1, 2, 3, 4]));
    let new = stage.publish_sha512("5", &bytes("5"));
    define(stage, "New", NOBLE, &[new]);
}

fn settled(stage: &Stage, policy: &str) {
    let settings = format!(
        "tag: {}\nin_use: {{compute: absent, volume: absent}}\nlimits: {{deletions: 1}}\npolicy: {policy}\n",
        stage.tag
    );
    stage.write("reglaze.yml", &settings);
}

/// What names of presets are made of.
const NOBLE: &str = "  vars: {codename: Noble}\n";

/// A definition that promises nothing, so that a stage may take anything away.
fn define(stage: &Stage, image: &str, more: &str, versions: &[String]) {
    stage.define(image, more, versions);
    let file = format!("images/{image}.yml");
    let text = std::fs::read_to_string(stage.path(&file)).unwrap();
    let text = text.replace("  meta:\n", "  meta:\n    uuid_validity: none\n");
    stage.write(&file, &text);
}

/// The oldest of a line goes at its end: it has been retired for long enough.
static ENDING: Story = Story {
    name: "ending",
    before: |stage| {
        grown(stage, ENDS);
        let old = [("reglaze_stage_since", "2026-01-01".into())];
        wait(Account::of("admin").set(&image(stage, "Rotated", "1"), &old));
    },
    define: |stage| rotated(stage, ENDS),
};

const ENDS: &str = "{stages: {older: {keep: 1}, retired: {for: 30d, until: unused}}}";

#[test]
fn a_cut_run_that_deletes_is_finished_by_the_next_one() {
    cut_everywhere(&ENDING, Sample::Every(12, 9));
}

/// A preset, a test of its own for each; `$first` lets each take other points of its run.
macro_rules! presets {
    ($($test:ident, $name:literal, $first:literal, $policy:literal;)*) => {$(
        #[test]
        fn $test() {
            static STORY: Story = Story {
                name: $name,
                before: |stage| grown(stage, $policy),
                define: |stage| rotated(stage, $policy),
            };
            cut_everywhere(&STORY, Sample::Every(11, $first));
        }
    )*};
}

// What needs Nova stands in tests of its own.
presets! {
    a_cut_run_of_the_preset_cleura_is_finished, "cleura", 0, "{preset: cleura}";
    a_cut_run_of_the_preset_scs_is_finished, "scs", 2, "{preset: scs}";
    a_cut_run_of_the_preset_xloud_is_finished, "xloud", 4,
        "{preset: xloud, order: natural, stages: {staged: {until: proven}}}";
    a_cut_run_of_the_preset_optimist_is_finished, "optimist", 6,
        "{preset: optimist, stages: {staged: {until: proven}, older: {until: forever}}}";
}
