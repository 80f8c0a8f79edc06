//! How a plan for many clouds is spread over a platform's runners: GitHub's matrix, by cloud and by shard.

use std::collections::BTreeSet;

use serde::Serialize;

use super::shard::Shard;
use super::step::{Action, Step, fingerprint};

/// A workflow's matrix holds no more jobs.
const JOBS: usize = 256;

/// One cloud gets no more runners: they share its image service.
const SHARDS: u64 = 16;

/// So many uploads are worth a runner of their own.
const UPLOADS: usize = 4;

/// A cloud's plan and its bounds.
#[derive(Debug, Clone, Copy)]
pub struct CloudPlan<'a> {
    /// The name in `clouds.yaml`.
    pub cloud: &'a str,
    /// The steps.
    pub steps: &'a [Step],
    /// How many withdrawals one run may do.
    pub withdrawals: usize,
    /// How many images one run may delete.
    pub deletions: usize,
}

/// The value of `strategy.matrix`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// One job each.
    pub include: Vec<Job>,
}

/// What one runner does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// The cloud; input `cloud`.
    pub cloud: String,
    /// Its share of the definitions; input `shard`.
    pub shard: String,
    /// What `apply` holds its own plan against; input `fingerprint`.
    pub fingerprint: String,
    /// How many steps there are.
    pub steps: usize,
    /// How many of them are uploads.
    pub uploads: usize,
}

/// Parts the plans among runners. A cloud without steps gets none.
pub fn matrix(plans: &[CloudPlan<'_>]) -> Matrix {
    let busy: Vec<_> = plans.iter().filter(|plan| !plan.steps.is_empty()).collect();
    let room = (JOBS / busy.len().max(1)).max(1) as u64;
    let jobs = busy
        .into_iter()
        .flat_map(|plan| jobs(plan, room.min(SHARDS)));
    Matrix {
        include: jobs.take(JOBS).collect(),
    }
}

/// The most shards that are worth it and whose shares of the bounds still allow what the whole plan does.
fn jobs(plan: &CloudPlan<'_>, most: u64) -> Vec<Job> {
    let uploads = count(plan.steps.iter(), Action::Upload);
    let worth = (uploads.div_ceil(UPLOADS) as u64).clamp(1, most);
    let count = (1..=worth)
        .rev()
        .find(|count| Shard::all(*count).all(|shard| fits(plan, shard)))
        .unwrap_or(1);
    Shard::all(count)
        .filter_map(|shard| job(plan, shard))
        .collect()
}

fn fits(plan: &CloudPlan<'_>, shard: Shard) -> bool {
    let steps = || plan.steps.iter().filter(|step| shard.holds(&step.image));
    let withdrawals = steps().filter(|step| step.withdrawal).count();
    // Leftovers that nobody ever saw are in no bound, but counting them here only makes fewer shards.
    let deleted: BTreeSet<_> = steps()
        .filter(|step| step.action == Action::Delete)
        .map(|step| &step.id)
        .collect();
    withdrawals <= shard.of(plan.withdrawals) && deleted.len() <= shard.of(plan.deletions)
}

fn job(plan: &CloudPlan<'_>, shard: Shard) -> Option<Job> {
    let held = plan.steps.iter().filter(|step| shard.holds(&step.image));
    let steps: Vec<Step> = held.cloned().collect();
    (!steps.is_empty()).then(|| Job {
        cloud: plan.cloud.to_owned(),
        shard: shard.to_string(),
        fingerprint: fingerprint(&steps),
        steps: steps.len(),
        uploads: count(steps.iter(), Action::Upload),
    })
}

fn count<'a>(steps: impl Iterator<Item = &'a Step>, action: Action) -> usize {
    steps.filter(|step| step.action == action).count()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::super::step::Work;
    use super::*;

    fn step(action: Action, image: usize) -> Step {
        Step {
            action,
            image: format!("Image {image}"),
            id: Some(format!("id-{image}")),
            version: None,
            from: Value::Null,
            to: Value::Null,
            changes: Map::new(),
            reason: String::new(),
            work: Work::None,
            withdrawal: action == Action::Visibility,
        }
    }

    fn plan(steps: &[Step]) -> CloudPlan<'_> {
        CloudPlan {
            cloud: "prod",
            steps,
            withdrawals: 10,
            deletions: 0,
        }
    }

    #[test]
    fn every_step_is_in_one_job_and_no_job_is_empty() {
        let steps: Vec<_> = (0..40).map(|image| step(Action::Upload, image)).collect();
        let jobs = matrix(&[plan(&steps)]).include;
        assert_eq!(jobs.len(), 10, "four uploads a runner");
        assert_eq!(jobs.iter().map(|job| job.steps).sum::<usize>(), 40);
        assert!(jobs.iter().all(|job| job.steps > 0 && job.cloud == "prod"));
        let shards: BTreeSet<_> = jobs.iter().map(|job| &job.shard).collect();
        assert_eq!(shards.len(), 10);
    }

    #[test]
    fn a_job_is_held_to_the_steps_of_its_shard() {
        let steps: Vec<_> = (0..9).map(|image| step(Action::Upload, image)).collect();
        for job in matrix(&[plan(&steps)]).include {
            let shard = Shard::parse(&job.shard).unwrap();
            let held = steps.iter().filter(|step| shard.holds(&step.image));
            let held: Vec<_> = held.cloned().collect();
            assert_eq!(job.fingerprint, fingerprint(&held));
        }
    }

    #[test]
    fn a_plan_is_not_parted_so_finely_that_its_bounds_stop_it() {
        let mut steps: Vec<_> = (0..40).map(|image| step(Action::Upload, image)).collect();
        steps.extend((0..3).map(|image| step(Action::Visibility, image)));
        let narrow = CloudPlan {
            withdrawals: 3,
            ..plan(&steps)
        };
        for job in matrix(&[narrow]).include {
            let shard = Shard::parse(&job.shard).unwrap();
            let withdrawals = steps
                .iter()
                .filter(|step| step.withdrawal && shard.holds(&step.image));
            assert!(withdrawals.count() <= shard.of(3), "{job:?}");
        }
        steps.push(step(Action::Delete, 1));
        let one = CloudPlan {
            deletions: 1,
            ..plan(&steps)
        };
        assert!(!matrix(&[one]).include.is_empty());
    }

    #[test]
    fn what_has_nothing_to_do_gets_no_runner_and_a_platform_gets_no_more_than_it_takes() {
        assert!(matrix(&[plan(&[])]).include.is_empty());
        let steps: Vec<_> = (0..100).map(|image| step(Action::Upload, image)).collect();
        let plans = vec![plan(&steps); 100];
        let jobs = matrix(&plans).include;
        assert!(jobs.len() <= JOBS);
        assert_eq!(jobs.iter().map(|job| job.steps).sum::<usize>(), 100 * 100);
    }
}
