//! `reglaze plan`: says what `apply` would do. Changes nothing.

use super::catalogue;
use crate::domain::outcome::{self, CloudOutcome};
use crate::domain::report::Report;
use crate::settings::Settings;

/// Plans every cloud. One that is down does not stop the others.
pub async fn run(settings: &Settings) -> anyhow::Result<Report> {
    let definitions = match catalogue::definitions(settings)? {
        Ok(definitions) => definitions,
        Err(report) => return Ok(report),
    };
    let mut clouds = Vec::new();
    for cloud in catalogue::clouds(settings) {
        clouds.push(
            match catalogue::plan(settings, &cloud, &definitions).await {
                Ok(planned) => {
                    CloudOutcome::planned(&cloud.name, planned.plan.steps, planned.plan.findings)
                }
                Err(error) => CloudOutcome::failed(&cloud.name, format!("{error:#}")),
            },
        );
    }
    Ok(outcome::plan_report(clouds))
}
