//! The plan that was reviewed with the commit of this run.

use anyhow::{Context as _, bail};

use super::{connect, place};
use crate::domain::forge::{Artifact, Comment, PullRequest};
use crate::domain::review::artifact;
use crate::domain::review::binding::{self, Bond};
use crate::domain::reviewed::Reviewed;
use crate::github::{GithubError, Repository};
use crate::settings::Settings;

/// The artifact that holds the plan, or with `-CLOUD` that of one cloud, where each has a job of its own.
const ARTIFACT: &str = "reglaze-plan";

/// An artifact above this is no plan.
const LARGEST: u64 = 64 << 20;

/// Finds what was reviewed: the merged pull request of this commit, the plans in its comments, the steps of each cloud.
///
/// # Errors
/// There is no reviewed plan, or it cannot be asked for. Nothing may be done then.
pub async fn reviewed(settings: &Settings, clouds: &[&str]) -> anyhow::Result<Reviewed> {
    let place = place()?;
    let Some(commit) = place.commit.clone() else {
        bail!(
            "--reviewed was given and `GITHUB_SHA` is not set; expected the commit that is deployed"
        );
    };
    let Some(branch) = place.reference.clone() else {
        bail!(
            "--reviewed was given and `GITHUB_REF_NAME` is not set; expected the branch that is deployed"
        );
    };
    let repository = connect(settings, place).await?;
    let of_commit = repository.pull_requests_of(&commit).await?;
    let number = binding::pull_request(&of_commit, &commit, &branch)?.number;
    // A list of a commit's pull requests may be older than the pull request itself.
    let pull = repository.pull_request(number).await?;
    let author = match &settings.pull_requests.author {
        Some(author) => author.clone(),
        None => repository.login().await?,
    };
    let comments = repository.comments(number).await?;
    let mut plans = Vec::new();
    for (comment, plan) in binding::plans(&pull, &comments, &author)? {
        if binding::is_of_any(&plan, clouds) {
            refuse_edited(&repository, &pull, comment, &author).await?;
        }
        plans.push(plan);
    }
    let mut reviewed = Reviewed::default();
    for cloud in clouds {
        let bond = match binding::bond(&plans, cloud) {
            Bond::Fingerprint(fingerprint) => {
                whole(settings, &repository, &pull, cloud, fingerprint).await
            }
            bond => bond,
        };
        tell(&pull, cloud, &bond);
        reviewed.hold(cloud, bond);
    }
    Ok(reviewed)
}

/// A comment whose text somebody else has changed is an error.
async fn refuse_edited(
    repository: &Repository,
    pull: &PullRequest,
    comment: &Comment,
    author: &str,
) -> anyhow::Result<()> {
    match repository.last_edit(comment).await {
        Ok(last) => Ok(binding::unedited(pull, author, &last)?),
        Err(error @ GithubError::NoGraphql { .. }) => {
            tracing::debug!(
                "whether somebody else changed the reviewed plan is not known: {error}"
            );
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn tell(pull: &PullRequest, cloud: &str, bond: &Bond) {
    let what = match bond {
        Bond::Steps(steps) => format!("{} reviewed steps", steps.len()),
        Bond::Fingerprint(fingerprint) => format!("the fingerprint {fingerprint}"),
        Bond::Nothing(_) => return,
    };
    tracing::info!("{cloud}: bound by #{} to {what}", pull.number);
}

/// The steps where an artifact has those of the fingerprint; the fingerprint alone where there is none.
async fn whole(
    settings: &Settings,
    repository: &Repository,
    pull: &PullRequest,
    cloud: &str,
    fingerprint: String,
) -> Bond {
    match from_artifact(repository, pull, cloud, &fingerprint).await {
        Ok(Some(steps)) => return Bond::Steps(steps),
        Ok(None) => {}
        // Some servers have no artifacts.
        Err(error) => tracing::warn!("the reviewed steps could not be read: {error:#}"),
    }
    if settings.shard.is_some() {
        return Bond::Nothing(
            "the comment of the pull request had no room for the steps and no artifact `reglaze-plan` has them, so a share of \
             them cannot be told; run without --shard, which insists on the whole plan"
                .to_owned(),
        );
    }
    Bond::Fingerprint(fingerprint)
}

async fn from_artifact(
    repository: &Repository,
    pull: &PullRequest,
    cloud: &str,
    fingerprint: &str,
) -> anyhow::Result<Option<Vec<crate::domain::step::Step>>> {
    for name in [ARTIFACT.to_owned(), format!("{ARTIFACT}-{cloud}")] {
        let mut found = repository.artifacts(&name).await?;
        let is_of_head = |artifact: &Artifact| {
            !artifact.is_expired
                && artifact.size <= LARGEST
                && artifact
                    .commit
                    .as_deref()
                    .is_none_or(|commit| commit == pull.head)
        };
        found.retain(is_of_head);
        // Of several runs of one commit the last.
        found.sort_by_key(|artifact| std::cmp::Reverse(artifact.id));
        for candidate in found {
            let archive = repository
                .artifact(candidate.id, LARGEST)
                .await
                .with_context(|| format!("artifact `{name}`"))?;
            match artifact::plan(&archive) {
                Ok(text) => {
                    if let Some(steps) = binding::steps(&text, cloud, fingerprint) {
                        return Ok(Some(steps));
                    }
                }
                Err(reason) => tracing::debug!("artifact {} {reason}", candidate.id),
            }
        }
    }
    Ok(None)
}
