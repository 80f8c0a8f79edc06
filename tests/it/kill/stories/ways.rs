//! Stories of the other ways into Glance: staged and imported, fetched by Glance itself, converted, and copied into further stores.

use super::{ENDS, define, settings, versions};
use crate::kill::bytes::{Form, bytes};
use crate::kill::run::{OfEachClass, cut_everywhere};
use crate::kill::story::Story;
use crate::stage::Stage;

/// Settings under which a stage may take anything away.
fn by(stage: &Stage, transfer: &str) {
    settings(stage, &format!("{ENDS}transfer: {{{transfer}}}\n"));
}

/// Two builds are there, one as the newest.
fn grown(stage: &Stage) {
    for listed in [&["1"][..], &["1", "2"]] {
        define(stage, "Rotated", &versions(stage, listed));
        stage.reglaze(&["apply"]).expect(0);
    }
}

/// What is staged can be cut twice: while it is sent, and before Glance is asked to import it.
static STAGED: Story = Story {
    name: "staged",
    has_services: false,
    form: Form::Raw,
    used: &[],
    before: |stage| {
        by(stage, "method: glance-direct");
        grown(stage);
    },
    define: |stage| {
        by(stage, "method: glance-direct");
        define(stage, "Rotated", &versions(stage, &["1", "2", "3"]));
        // What Glance was asked to import it goes on with, and this one's digest it computes itself.
        let new = stage.publish_sha512("5", &bytes("5"));
        define(stage, "New", &[new]);
    },
};

#[test]
fn a_cut_run_that_stages_and_imports_is_finished() {
    cut_everywhere(&STAGED, OfEachClass(4, 0));
}

/// Glance goes on to fetch when nobody waits for it, and what it has then was looked into by nobody.
static FETCHED: Story = Story {
    name: "fetched",
    has_services: false,
    form: Form::Raw,
    used: &[],
    before: |stage| {
        by(stage, "method: web-download");
        grown(stage);
    },
    define: |stage| {
        by(stage, "method: web-download");
        define(stage, "Rotated", &versions(stage, &["1", "2", "3"]));
        // The digest of one is compared with Glance's, and the other one is read back.
        let new = stage.publish_sha512("5", &bytes("5"));
        define(stage, "New", &[new]);
    },
};

#[test]
fn a_cut_run_that_lets_glance_fetch_is_finished() {
    cut_everywhere(&FETCHED, OfEachClass(4, 2));
}

const STORES: &str = "stores: [file2, file1]";

/// A new image is copied, and so is one that was there before its cloud had a further store.
static STORED: Story = Story {
    name: "stored",
    has_services: false,
    form: Form::Raw,
    used: &[],
    before: |stage| {
        by(stage, "");
        define(stage, "Behind", &versions(stage, &["4"]));
        stage.reglaze(&["apply"]).expect(0);
        by(stage, STORES);
        std::fs::remove_file(stage.path("images/Behind.yml")).unwrap();
        grown(stage);
    },
    define: |stage| {
        by(stage, STORES);
        define(stage, "Behind", &versions(stage, &["4"]));
        define(stage, "Rotated", &versions(stage, &["1", "2", "3"]));
    },
};

#[test]
fn a_cut_run_that_copies_into_further_stores_is_finished() {
    cut_everywhere(&STORED, OfEachClass(4, 1));
}

/// Definitions of qcow2 files.
fn define_qcow2(stage: &Stage, image: &str, entries: &[String]) {
    define(stage, image, entries);
    let file = format!("images/{image}.yml");
    let text = std::fs::read_to_string(stage.path(&file)).unwrap();
    stage.write(&file, &text.replace("format: raw", "format: qcow2"));
}

/// The entries of versions whose bytes are qcow2 files.
fn packed(stage: &Stage, listed: &[&str]) -> Vec<String> {
    let entry = |version: &&str| {
        let entry = stage.publish(version, &Form::Qcow2.published(version));
        entry.replace("2026-07-25", &format!("2026-07-0{version}"))
    };
    listed.iter().map(entry).collect()
}

/// What is proven is not what is stored.
static CONVERTED: Story = Story {
    name: "converted",
    has_services: false,
    form: Form::Qcow2,
    used: &[],
    before: |stage| {
        by(stage, "disk_format: raw");
        for listed in [&["1"][..], &["1", "2"]] {
            define_qcow2(stage, "Rotated", &packed(stage, listed));
            stage.reglaze(&["apply"]).expect(0);
        }
    },
    define: |stage| {
        by(stage, "disk_format: raw");
        define_qcow2(stage, "Rotated", &packed(stage, &["1", "2", "3"]));
        let new = stage.publish_sha512("5", &Form::Qcow2.published("5"));
        define_qcow2(stage, "New", &[new]);
    },
};

#[test]
fn a_cut_run_that_converts_is_finished() {
    cut_everywhere(&CONVERTED, OfEachClass(6, 2));
}
