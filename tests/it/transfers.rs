//! Bytes on their way into Glance: shared by clouds, looked into, converted, and told of.

mod converted;
mod large;
mod refused;
mod shared;
mod slow;

use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha512};

use crate::stage::{Ended, Stage};

/// The binary, for the clouds of the settings.
fn command(stage: &Stage, arguments: &[&str]) -> Command {
    let map = format!(
        "--upstream-map=https://images.example={}",
        stage.upstream_url()
    );
    let arguments = arguments.iter().copied().chain([map.as_str()]);
    stage.command_as(&arguments.map(str::to_owned).collect::<Vec<_>>())
}

/// Runs it.
pub fn run(stage: &Stage, arguments: &[&str]) -> Ended {
    command(stage, arguments).output().unwrap().into()
}

/// A stage with two clouds, whose images nobody else sees; `more` lines of the settings.
pub fn two_clouds(name: &str, more: &str) -> Stage {
    let stage = Stage::new(name);
    let clouds = std::fs::read_to_string(stage.path("clouds.yaml")).unwrap();
    let (_, member) = clouds.split_once("  member:\n").unwrap();
    let tenant = member.replace(": catalogue", ": tenant");
    stage.write("clouds.yaml", &format!("{clouds}  tenant:\n{tenant}"));
    let settings = format!("tag: {}\nclouds: [member, tenant]\n{more}", stage.tag);
    stage.write("reglaze.yml", &settings);
    stage
}

/// Defines an image of one version for them.
pub fn define(stage: &Stage, image: &str, version: &str) {
    stage.define(image, "", &[version.to_owned()]);
    let file = format!("images/{image}.yml");
    let text = std::fs::read_to_string(stage.path(&file)).unwrap();
    stage.write(
        &file,
        &text.replace("visibility: public", "visibility: private"),
    );
}

/// What became of the steps of one of them.
pub fn outcomes(document: &Value, cloud: usize) -> Vec<&str> {
    let steps = document["clouds"][cloud]["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| step["outcome"].as_str().unwrap())
        .collect()
}

/// Bytes of some pieces.
fn disk(word: &str) -> Vec<u8> {
    (0_u32..30_000)
        .flat_map(|count| Sha512::digest(format!("{word} {count}")))
        .collect()
}
