//! One group's branch and pull request, brought to what was decided.

use super::beside::beside;
use super::branch::{Branches, Work};
use super::look::State;
use super::row::Row;
use super::texts::Texts;
use crate::domain::conduct::{
    self, BranchDeed, Built, Decision, FORM, Marker, Outcome, PullDeed, Rules, Seen, Trailers,
    Whose,
};
use crate::domain::finding::Finding;
use crate::domain::forge::{Edit, NewFile, NewPullRequest, PullRequest};
use crate::domain::proposal::{Group, commit_message, title};
use crate::github::{GithubError, Repository};

/// What carries decisions out.
#[derive(Clone, Copy)]
pub struct Carrier<'a> {
    pub repository: &'a Repository,
    pub rules: &'a Rules,
    pub branches: &'a Branches<'a>,
    pub texts: &'a Texts<'a>,
    pub state: &'a State<'a>,
}

/// A group, and the files that its branch is to have.
#[derive(Clone, Copy)]
pub struct Proposal<'a> {
    pub group: &'a Group,
    pub files: &'a [NewFile],
    pub trailers: &'a Trailers,
}

impl Carrier<'_> {
    /// Opens or updates. What went wrong beside the point is a finding.
    pub async fn propose(
        &self,
        proposal: Proposal<'_>,
        seen: &Seen,
        decision: &Decision,
        row: &mut Row,
    ) -> Result<Vec<Finding>, GithubError> {
        let group = proposal.group;
        let message = commit_message(
            group,
            &proposal.trailers.pairs(),
            self.rules.sign_off.as_deref(),
        );
        let work = Work {
            group: &group.key,
            files: proposal.files,
            message: &message,
        };
        let made = self.branches.carry_out(&decision.branch, work).await?;
        let commit = made.or_else(|| ours(seen)).unwrap_or_default();
        if let (Some(before), Some(told)) = (&decision.take_over, seen.boxes.told) {
            self.repository
                .edit_comment(told, &conduct::taken_over(before))
                .await?;
        }
        let built = Built {
            commit,
            base: self.branches.base.head.clone(),
            files: proposal.trailers.files.clone(),
        };
        match (decision.pull_request, &seen.pull_request) {
            (PullDeed::Open, _) => self.open(group, built, row).await,
            (PullDeed::Edit, Some(pull)) => {
                row.is(pull);
                // People may have written into it, or closed it, since all of them were read.
                let now = self.repository.pull_request(pull.number).await?;
                if !now.is_open {
                    return Ok(was_ended(&now, row));
                }
                let said = seen
                    .branch
                    .as_ref()
                    .map_or("", |branch| branch.message.as_str());
                self.finish(group, &now, built, said, row).await
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn open(
        &self,
        group: &Group,
        built: Built,
        row: &mut Row,
    ) -> Result<Vec<Finding>, GithubError> {
        // Where nothing is to be done beside, opening it is all.
        let is_bare = self.rules.is_bare();
        let marker = Marker {
            dressed: is_bare,
            settled: is_bare.then(|| built.clone()),
            ..marker_of(group)
        };
        let body = self.texts.body(group, &marker, "");
        row.rest.clone_from(&body.rest);
        let branch = self.branches.names.branch(&group.key);
        let new = NewPullRequest {
            title: &marker.title,
            body: &body.text,
            branch: &branch,
            base: &self.branches.base.name,
            is_draft: self.rules.draft,
        };
        let opened = self.repository.open_pull_request(new).await;
        let pull = match opened {
            Ok(pull) => pull,
            Err(error @ GithubError::NotPermittedToCreatePullRequests { .. }) => {
                row.url = Some(self.texts.compare_page(&branch, &marker.title));
                return Err(error);
            }
            Err(error @ GithubError::Exists { .. }) => {
                let open = self.repository.open_pull_requests().await?;
                let Some(pull) = open
                    .iter()
                    .find(|one| one.branch == branch && !one.is_from_fork)
                else {
                    return Err(error);
                };
                row.is(pull);
                row.outcome = Outcome::Untouched;
                row.reason =
                    Some("another run has just opened it; the next one looks after it".to_owned());
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        row.is(&pull);
        tracing::info!("opened #{}: {}", pull.number, marker.title);
        if is_bare {
            return Ok(Vec::new());
        }
        self.finish(group, &pull, built, "", row).await
    }

    /// Does what is still to be done for a pull request, and writes down what was done, last.
    ///
    /// What goes wrong beside the point is a finding, and is tried again by the next run. `said`: what our commit said
    /// before.
    async fn finish(
        &self,
        group: &Group,
        pull: &PullRequest,
        built: Built,
        said: &str,
        row: &mut Row,
    ) -> Result<Vec<Finding>, GithubError> {
        let before = Marker::read(&pull.body).unwrap_or_default();
        let mut findings = Vec::new();
        let mut is_done = true;
        if !before.dressed {
            for done in [self.request_reviewers(pull).await, self.dress(pull).await] {
                if let Err(error) = done {
                    is_done = false;
                    findings.push(beside(pull, &error)?);
                }
            }
        }
        let dressed = before.dressed || is_done;
        if before
            .settled
            .as_ref()
            .is_none_or(|old| old.commit != built.commit)
            && let Some((finding, is_final)) =
                self.merge_by_itself(group, pull, &built.commit).await?
        {
            is_done &= is_final;
            findings.push(finding);
        }
        let marker = Marker {
            dressed,
            settled: is_done.then_some(built),
            ..marker_of(group)
        };
        let body = self.texts.body(group, &marker, &pull.body);
        row.rest.clone_from(&body.rest);
        let title = new_title(pull, &before, &marker, said);
        if title.is_none() && body.text == pull.body {
            return Ok(findings);
        }
        let edit = Edit {
            title,
            body: Some(&body.text),
            is_open: None,
        };
        let edited = self.repository.edit_pull_request(pull.number, edit).await?;
        if !edited.is_open && !edited.is_merged && pull.is_open && before.changes != marker.changes
        {
            // Whoever closed it has answered to what it proposed before.
            let edit = Edit {
                body: Some(&pull.body),
                ..Edit::default()
            };
            let restored = self.repository.edit_pull_request(pull.number, edit).await?;
            findings.extend(was_ended(&restored, row));
        }
        Ok(findings)
    }

    /// Says once that a person's commit keeps us away.
    pub async fn keep_away(
        &self,
        pull: &PullRequest,
        decision: &Decision,
        seen: &Seen,
    ) -> Result<(), GithubError> {
        if let Some((author, commit)) = &decision.hands_off {
            // Another run may have taken over since the branch was seen, and then there is nothing to say.
            let at = self.repository.commit_of(&pull.branch).await?;
            if at.as_deref() != seen.branch.as_ref().map(|branch| branch.head.as_str()) {
                return Ok(());
            }
            let text = conduct::hands_off(author, commit);
            self.say_once(pull, &text, conduct::is_hands_off).await?;
        }
        Ok(())
    }

    /// Comments, and takes that back if another run has said the same at the same time: the first one stays.
    async fn say_once(
        &self,
        pull: &PullRequest,
        text: &str,
        is_same: impl Fn(&str) -> bool,
    ) -> Result<(), GithubError> {
        let said = self.repository.comment(pull.number, text).await?;
        let is_first = async {
            let comments = self.repository.comments(pull.number).await?;
            let mut same = comments
                .iter()
                .filter(|one| one.author == said.author && is_same(&one.body));
            if same.any(|one| one.id < said.id) {
                self.repository.delete_comment(said.id).await?;
            }
            Ok::<_, GithubError>(())
        };
        if let Err(error) = is_first.await {
            tracing::debug!(
                "another run may have said the same on #{}: {error}",
                pull.number
            );
        }
        Ok(())
    }

    /// Closes what has become pointless and deletes its branch.
    pub async fn end(
        &self,
        seen: &Seen,
        decision: &Decision,
        branch: &str,
        reasons: &[String],
    ) -> Result<(), GithubError> {
        if let (PullDeed::Close, Some(pull)) = (decision.pull_request, &seen.pull_request) {
            // People may have written into it, or ended it themselves, since all of them were read.
            let pull = self.repository.pull_request(pull.number).await?;
            if !pull.is_open {
                return Ok(());
            }
            let text = conduct::pointless(reasons);
            let comments = self.repository.comments(pull.number).await?;
            // A run that died after saying it has said it.
            let login = self.state.login().await?;
            if !comments
                .iter()
                .any(|one| one.author == login && one.body == text)
            {
                self.say_once(&pull, &text, |said| said == text).await?;
            }
            let marker = Marker {
                ended: true,
                ..Marker::read(&pull.body).unwrap_or_default()
            };
            let body = conduct::marked(&pull.body, &marker);
            let edit = Edit {
                title: None,
                body: Some(&body),
                is_open: Some(false),
            };
            self.repository.edit_pull_request(pull.number, edit).await?;
            tracing::info!("closed #{}", pull.number);
        }
        if let BranchDeed::Delete { seen } = &decision.branch {
            self.branches.delete(branch, seen).await?;
        }
        Ok(())
    }
}

/// Somebody has ended it while this run was at work.
fn was_ended(pull: &PullRequest, row: &mut Row) -> Vec<Finding> {
    row.outcome = Outcome::Untouched;
    let how = if pull.is_merged { "merged" } else { "closed" };
    let text = format!(
        "#{} was {how} while this run was at work; the next one looks what follows from that",
        pull.number
    );
    row.reason = Some(text.clone());
    vec![Finding::note("pull-request", text)]
}

/// The title that a pull request is to get; a person's stays. One that a person opened for us has the title that our
/// commit gave it, unless they chose another one.
fn new_title<'a>(
    pull: &PullRequest,
    before: &Marker,
    marker: &'a Marker,
    said: &str,
) -> Option<&'a str> {
    let is_ours = pull.title == before.title
        || (before.title.is_empty() && said.lines().any(|line| line == pull.title));
    (is_ours && pull.title != marker.title).then_some(marker.title.as_str())
}

/// What a description of ours says of a group before anything else is done.
fn marker_of(group: &Group) -> Marker {
    Marker {
        form: FORM,
        group: group.key.clone(),
        changes: group.changes(),
        title: title(group),
        ..Marker::default()
    }
}

/// Our commit on a branch that was not touched.
fn ours(seen: &Seen) -> Option<String> {
    match &seen.branch.as_ref()?.whose {
        Whose::Ours { commit, .. } => Some(commit.clone()),
        _ => None,
    }
}
