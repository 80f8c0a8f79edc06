//! `reglaze plan`: says what `apply` would do. Changes nothing; with `pull_request` it says so under the pull request too.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;

use super::catalogue::{self, AT_ONCE, Planned};
use super::review::{self, Review};
use crate::cli::Format;
use crate::domain::finding::Finding;
use crate::domain::fleet::{self, CloudPlan};
use crate::domain::outcome::{self, CloudOutcome};
use crate::domain::report::Report;
use crate::domain::review::comment::{self, CloudReview, Scene};
use crate::domain::snapshot::Snapshot;
use crate::domain::step::Action;
use crate::settings::{Cloud, Settings};
use crate::upstream::{Upstream, load_sources};

/// So many upstreams are asked for a size at one time.
const ASKED_AT_ONCE: usize = 8;

/// Plans every cloud. One that is down does not stop the others.
pub async fn run(settings: &Settings, pull_request: bool) -> anyhow::Result<Report> {
    if settings.format == Format::Matrix && settings.shard.is_some() {
        anyhow::bail!(
            "--format matrix and --shard were both given; expected one of them, since a matrix parts the whole into shards"
        );
    }
    if pull_request && (settings.shard.is_some() || settings.filter.is_some()) {
        anyhow::bail!(
            "--pull-request was given with --filter or --shard; expected neither, since what is reviewed binds the whole"
        );
    }
    let review = if pull_request {
        Some(Review::begin(settings).await?)
    } else {
        None
    };
    let definitions = match catalogue::definitions(settings)? {
        Ok(definitions) => definitions,
        Err(report) => return Ok(report),
    };
    let clouds = catalogue::clouds(settings);
    let definitions = definitions.as_slice();
    let plans = futures_util::stream::iter(&clouds)
        .map(|cloud| async move { (cloud, catalogue::plan(settings, cloud, definitions).await) });
    let plans: Vec<(&Cloud, anyhow::Result<Planned>)> = plans.buffered(AT_ONCE).collect().await;
    let matrix = fleet::matrix(&cloud_plans(settings, &plans));
    let (clouds, snapshots): (Vec<CloudOutcome>, Vec<Option<Snapshot>>) = plans
        .into_iter()
        .map(|(cloud, planned)| match planned {
            Ok(Planned { plan, snapshot, .. }) => {
                let outcome = CloudOutcome::planned(&cloud.name, plan.steps, plan.findings);
                (outcome, Some(snapshot))
            }
            Err(error) => (
                CloudOutcome::failed(&cloud.name, format!("{error:#}")),
                None,
            ),
        })
        .unzip();
    let told = match &review {
        Some(review) => Some(tell(settings, review, &clouds, &snapshots).await?),
        None => None,
    };
    let mut report = Report {
        matrix: Some(matrix),
        ..outcome::plan_report(clouds)
    };
    if let Some((text, findings)) = told {
        report.markdown = text + &report.markdown;
        report.findings.extend(findings);
    }
    Ok(report)
}

/// Tells the plan under the pull request. Gives the same for the summary, and what a person should know.
async fn tell(
    settings: &Settings,
    review: &Review,
    clouds: &[CloudOutcome],
    snapshots: &[Option<Snapshot>],
) -> anyhow::Result<(String, Vec<Finding>)> {
    let (head, sizes) = (review.head().await?, sizes(settings, clouds).await);
    let reviews: Vec<CloudReview<'_>> = clouds
        .iter()
        .zip(snapshots)
        .map(|(outcome, snapshot)| CloudReview {
            outcome,
            snapshot: snapshot.as_ref(),
        })
        .collect();
    let scene = Scene {
        head: &head,
        sizes: &sizes,
        today: settings.today,
    };
    let text = comment::comment(&reviews, &scene);
    let names: Vec<&str> = clouds.iter().map(|cloud| cloud.name.as_str()).collect();
    let findings = review::post(settings, review, &names, &head, &text).await;
    Ok((comment::visible(&text), findings))
}

/// How large the uploads are, by their URLs, as far as upstreams tell it. Nothing depends on it.
async fn sizes(settings: &Settings, clouds: &[CloudOutcome]) -> BTreeMap<String, u64> {
    let steps = clouds.iter().flat_map(|cloud| &cloud.steps);
    let urls: BTreeSet<&str> = steps
        .filter(|tried| tried.step.action == Action::Upload)
        .filter_map(|tried| tried.step.from.as_str())
        .collect();
    let sources = match load_sources(&settings.files, &settings.sources) {
        Ok(Ok(sources)) => sources.into_iter().map(|(source, _)| source).collect(),
        _ => Vec::new(),
    };
    let Ok(upstream) = Upstream::new(settings, sources) else {
        return BTreeMap::new();
    };
    let upstream = &upstream;
    let asked = futures_util::stream::iter(urls).map(|url| async move {
        let size = upstream.size(url).await;
        size.map(|size| (url.to_owned(), size))
    });
    let asked: Vec<_> = asked.buffered(ASKED_AT_ONCE).collect().await;
    asked.into_iter().flatten().collect()
}

fn cloud_plans<'a>(
    settings: &Settings,
    plans: &'a [(&Cloud, anyhow::Result<Planned>)],
) -> Vec<CloudPlan<'a>> {
    let planned = plans
        .iter()
        .filter_map(|(cloud, plan)| Some((cloud, plan.as_ref().ok()?)));
    planned
        .map(|(cloud, planned)| CloudPlan {
            cloud: &cloud.name,
            steps: &planned.plan.steps,
            withdrawals: settings.limits.withdrawals,
            deletions: settings.limits.deletions,
        })
        .collect()
}
