//! The comment of a plan: one for each set of clouds, edited in place.

use super::Review;
use crate::domain::finding::Finding;
use crate::domain::review::hidden;
use crate::github::GithubError;
use crate::settings::Settings;

/// Puts the comment under the pull request, where it is not there already word for word. What a person should know comes
/// back: the plan is no worse for a comment that could not be written.
pub async fn post(
    settings: &Settings,
    review: &Review,
    clouds: &[&str],
    head: &str,
    text: &str,
) -> Vec<Finding> {
    match try_to_post(settings, review, clouds, head, text).await {
        Ok(findings) => findings,
        // The token of a run from a fork only reads.
        Err(error) if is_refused(&error) => vec![Finding::note(
            "comment-not-written",
            format!(
                "{error}; the plan stands in the summary of this job, which is all there can be for a pull request from a fork"
            ),
        )],
        Err(error) => vec![Finding::error(
            "comment-failed",
            format!("{error}; the plan stands in the summary of this job"),
        )],
    }
}

async fn try_to_post(
    settings: &Settings,
    review: &Review,
    clouds: &[&str],
    head: &str,
    text: &str,
) -> Result<Vec<Finding>, GithubError> {
    let (repository, number) = (&review.repository, review.event.number);
    let author = match &settings.pull_requests.author {
        Some(author) => author.clone(),
        None => repository.login().await?,
    };
    let comments = repository.comments(number).await?;
    let ours = comments.into_iter().find(|comment| {
        comment.author.eq_ignore_ascii_case(&author) && hidden::is_of(&comment.body, clouds)
    });
    let Some(comment) = ours else {
        repository.comment(number, text).await?;
        return Ok(Vec::new());
    };
    if is_same(&comment.body, text) {
        return Ok(Vec::new());
    }
    // A slow run does not write over what a later commit's run has said.
    let other = hidden::read(&comment.body).filter(|plan| plan.head != head);
    if other.is_some() && repository.pull_request(number).await?.head != head {
        return Ok(vec![Finding::note(
            "comment-outdated",
            format!(
                "commits were pushed to #{number} since `{head}`, so its comment is left to their own run"
            ),
        )]);
    }
    repository.edit_comment(comment.id, text).await?;
    Ok(Vec::new())
}

fn is_refused(error: &GithubError) -> bool {
    matches!(error, GithubError::Forbidden { .. })
}

/// Forges keep texts with their own ends of lines, and without blanks at the end.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
    plain(one) == plain(other)
}
