//! What is done for a pull request beside its branch and its text: reviewers, labels, merging by itself.

use super::carry_out::Carrier;
use crate::domain::attested::Verified;
use crate::domain::finding::Finding;
use crate::domain::forge::{Dress, PullRequest};
use crate::domain::proposal::Group;
use crate::github::GithubError;

impl Carrier<'_> {
    /// Asks for the reviews that the settings name.
    pub(super) async fn request_reviewers(&self, pull: &PullRequest) -> Result<(), GithubError> {
        let (users, teams) = (&self.rules.reviewers, &self.rules.team_reviewers);
        if users.is_empty() && teams.is_empty() {
            return Ok(());
        }
        self.repository
            .request_reviewers(pull.number, users, teams)
            .await
    }

    /// Sets labels, assignees and milestone.
    pub(super) async fn dress(&self, pull: &PullRequest) -> Result<(), GithubError> {
        let milestone = match &self.rules.milestone {
            Some(title) => self.repository.milestone(title).await?,
            None => None,
        };
        if milestone.is_none()
            && let Some(title) = &self.rules.milestone
        {
            tracing::warn!(
                "there is no open milestone `{title}`; make it, or take it out of `pull_requests.milestone`"
            );
        }
        let dress = Dress {
            labels: some(&self.rules.labels),
            assignees: some(&self.rules.assignees),
            milestone,
            body: None,
        };
        if dress == Dress::default() {
            return Ok(());
        }
        self.repository.dress(pull.number, dress).await
    }

    /// Lets a pull request merge itself, where that is wanted and a signature proves all of it. Says why it does not, and
    /// whether that is so for good.
    pub(super) async fn merge_by_itself(
        &self,
        group: &Group,
        pull: &PullRequest,
        head: &str,
    ) -> Result<Option<(Finding, bool)>, GithubError> {
        let Some(method) = self
            .rules
            .automerge
            .filter(|_| !pull.merges_itself && !pull.is_draft)
        else {
            return Ok(None);
        };
        let is_signed = |verified| verified == Verified::Signature;
        if !group
            .offers
            .iter()
            .all(|offer| is_signed(offer.attested.verified()))
        {
            let text = format!(
                "#{} is not merged by itself, since no signature proves all of it",
                pull.number
            );
            return Ok(Some((Finding::note("automerge", text), true)));
        }
        let enabled = self
            .repository
            .enable_auto_merge(&pull.node_id, method, head)
            .await;
        let done = match enabled {
            Err(GithubError::CleanStatus { .. } | GithubError::NoGraphql { .. }) => {
                let merged = self.repository.merge(pull.number, head, method).await;
                merged.map(|_| tracing::info!("merged #{}", pull.number))
            }
            done => done,
        };
        let Err(error) = done else {
            return Ok(None);
        };
        if error.is_for_all() || error.is_unclear() {
            return Err(error);
        }
        let is_final = matches!(
            error,
            GithubError::AutoMergeNotAllowed { .. }
                | GithubError::UnstableStatus { .. }
                | GithubError::NotMergeable { .. }
        );
        Ok(Some((
            Finding::warning("automerge", error.to_string()),
            is_final,
        )))
    }
}

/// What does not keep a pull request from being what it is. What stops all calls does.
pub(super) fn beside(pull: &PullRequest, error: &GithubError) -> Result<Finding, GithubError> {
    if error.is_for_all() || error.is_unclear() {
        return Err(error.clone());
    }
    Ok(Finding::warning(
        "pull-request",
        format!("#{}: {error}", pull.number),
    ))
}

fn some(list: &[String]) -> Option<&[String]> {
    (!list.is_empty()).then_some(list)
}
