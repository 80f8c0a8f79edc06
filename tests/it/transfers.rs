//! Bytes on their way into Glance: shared by clouds, looked into, converted, and told of.

mod converted;
mod refused;
mod shared;

use crate::stage::{Ended, Stage};

/// Runs the binary for the clouds of the settings.
fn run(stage: &Stage, arguments: &[&str]) -> Ended {
    let map = format!(
        "--upstream-map=https://images.example={}",
        stage.upstream_url()
    );
    let arguments = arguments.iter().copied().chain([map.as_str()]);
    stage.reglaze_as(&arguments.map(str::to_owned).collect::<Vec<_>>())
}
