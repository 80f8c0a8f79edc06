//! `reglaze plan`: says what `apply` would do. Changes nothing.

use futures_util::StreamExt;

use super::catalogue::{self, AT_ONCE};
use crate::cli::Format;
use crate::domain::fleet::{self, CloudPlan};
use crate::domain::outcome::{self, CloudOutcome};
use crate::domain::plan::Plan;
use crate::domain::report::Report;
use crate::settings::{Cloud, Settings};

/// Plans every cloud. One that is down does not stop the others.
pub async fn run(settings: &Settings) -> anyhow::Result<Report> {
    if settings.format == Format::Matrix && settings.shard.is_some() {
        anyhow::bail!(
            "--format matrix and --shard were both given; expected one of them, since a matrix parts the whole into shards"
        );
    }
    let definitions = match catalogue::definitions(settings)? {
        Ok(definitions) => definitions,
        Err(report) => return Ok(report),
    };
    let clouds = catalogue::clouds(settings);
    let definitions = definitions.as_slice();
    let plans = futures_util::stream::iter(&clouds).map(|cloud| async move {
        let planned = catalogue::plan(settings, cloud, definitions).await;
        (cloud, planned.map(|planned| planned.plan))
    });
    let plans: Vec<(&Cloud, anyhow::Result<Plan>)> = plans.buffered(AT_ONCE).collect().await;
    let matrix = fleet::matrix(&cloud_plans(settings, &plans));
    let clouds = plans.into_iter().map(|(cloud, plan)| match plan {
        Ok(plan) => CloudOutcome::planned(&cloud.name, plan.steps, plan.findings),
        Err(error) => CloudOutcome::failed(&cloud.name, format!("{error:#}")),
    });
    Ok(Report {
        matrix: Some(matrix),
        ..outcome::plan_report(clouds.collect())
    })
}

fn cloud_plans<'a>(
    settings: &Settings,
    plans: &'a [(&Cloud, anyhow::Result<Plan>)],
) -> Vec<CloudPlan<'a>> {
    let planned = plans
        .iter()
        .filter_map(|(cloud, plan)| Some((cloud, plan.as_ref().ok()?)));
    planned
        .map(|(cloud, plan)| CloudPlan {
            cloud: &cloud.name,
            steps: &plan.steps,
            withdrawals: settings.limits.withdrawals,
            deletions: settings.limits.deletions,
        })
        .collect()
}
