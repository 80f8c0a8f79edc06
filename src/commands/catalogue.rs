//! What `plan` and `apply` share: definitions read and held to be valid, and one cloud's plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::validate;
use crate::definitions;
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::lint;
use crate::domain::plan::{self, Context, Plan};
use crate::domain::report::{Ending, Report};
use crate::domain::usage::Uses;
use crate::openstack::{Clouds, Environment, Image, Session};
use crate::settings::{Cloud, Settings};

/// So many clouds are worked on at one time.
pub const AT_ONCE: usize = 4;

/// A cloud's image service and what would be done there.
pub struct Planned {
    /// The image service, logged in.
    pub service: Image,
    /// The plan.
    pub plan: Plan,
}

/// Reads all definitions. A broken one stops everything: what no definition wants may be retired.
///
/// # Errors
/// The outer: the files cannot be read. The inner: a report of what is wrong in them.
pub fn definitions(settings: &Settings) -> anyhow::Result<Result<Vec<Definition>, Report>> {
    let files = definitions::read(&settings.images)?;
    let definitions = match definitions::parse(&files) {
        Ok(definitions) => definitions,
        Err(findings) => return Ok(Err(broken(findings))),
    };
    let errors = lint::errors(&definitions, &validate::scopes(settings));
    Ok(if errors.is_empty() {
        Ok(definitions)
    } else {
        Err(broken(errors))
    })
}

/// The clouds of this run: those that flags or settings name, else the one of the environment.
pub fn clouds(settings: &Settings) -> Vec<Cloud> {
    if settings.clouds.is_empty() {
        let name = std::env::var("OS_CLOUD").unwrap_or_default();
        return vec![settings.other_cloud(&name)];
    }
    settings.clouds.clone()
}

/// Logs in to a cloud; gives its image service and the project whose marked images are ours.
pub async fn connect(settings: &Settings, cloud: &Cloud) -> anyhow::Result<(Image, String)> {
    let name = Some(cloud.name.as_str()).filter(|name| !name.is_empty());
    let description = Clouds::read(&Environment::of_this_process())?.cloud(name)?;
    let session = Arc::new(Session::login(description).await?);
    let service = Image::connect(Arc::clone(&session)).await?;
    let owner = match &settings.owner {
        Some(owner) => owner.clone(),
        None => session.project()?.id,
    };
    Ok((service, owner))
}

/// Logs in to a cloud, reads its images to the end and plans.
pub async fn plan(
    settings: &Settings,
    cloud: &Cloud,
    definitions: &[Definition],
) -> anyhow::Result<Planned> {
    let (service, owner) = connect(settings, cloud).await?;
    let snapshot = service.snapshot(&settings.tag, &owner).await?;
    tracing::debug!("{}: {} images are ours", cloud.name, snapshot.ours().len());
    let context = Context {
        tag: &settings.tag,
        policies: &[&settings.policy, &cloud.policy],
        withdrawals: settings.share_of(settings.limits.withdrawals),
        deletions: settings.share_of(settings.limits.deletions),
        members: settings.limits.members,
        uses: &Uses::default(),
        domains: &BTreeMap::new(),
        run: &settings.run,
        today: settings.today,
    };
    let plan = plan::plan(
        definitions,
        |name| settings.looks_at(name),
        &snapshot,
        &context,
    );
    Ok(Planned { service, plan })
}

/// The report of a run that begins nothing, since what it was given is wrong.
pub fn broken(findings: Vec<Finding>) -> Report {
    let count = findings.len();
    Report {
        matrix: None,
        ending: Ending::Nothing,
        changes: false,
        data: serde_json::Map::from_iter([(
            "clouds".to_owned(),
            serde_json::Value::Array(Vec::new()),
        )]),
        text: String::new(),
        markdown: format!("The definitions have {count} error(s), so nothing was planned.\n"),
        findings,
    }
}
