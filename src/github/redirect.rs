//! Where answers lead, and whether that is followed: never to where the token must not go.

use http::{Method, header};
use url::Url;

use super::answer::Answer;
use super::call::{Call, shown_host};
use super::error::GithubError;
use super::lost::Lost;
use crate::domain::forge_limits::Kind;

/// Where an answer leads, if it does and that may be followed.
///
/// A write is followed only where the method stays; the server that leads on has done nothing.
pub(super) fn target(call: &Call, answer: &Answer, url: &Url) -> Result<Option<Url>, Lost> {
    let is_followed = match (call.kind, answer.status) {
        (Kind::Read, 301..=303) => call.method == Method::GET,
        (_, 307 | 308) => true,
        _ => false,
    };
    if !is_followed {
        return Ok(None);
    }
    let location = answer.headers.get(header::LOCATION);
    let target = location
        .and_then(|location| url.join(location.to_str().ok()?).ok())
        .filter(Url::has_host);
    let Some(target) = target else {
        return Ok(None);
    };
    let is_safe = target.scheme() == "https" || call.url.scheme() == "http";
    let is_here = target.origin() == call.url.origin();
    let may_leave = call.may_leave && is_safe;
    if !is_here && !may_leave {
        return Err(Lost::Ended(leads_elsewhere(call, &target)));
    }
    Ok(Some(target))
}

pub(super) fn leads_elsewhere(call: &Call, target: &Url) -> GithubError {
    GithubError::LeadsElsewhere {
        doing: call.doing.clone(),
        host: call.host(),
        target: format!("{}://{}", target.scheme(), shown_host(target)),
    }
}
