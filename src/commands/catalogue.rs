//! What `plan` and `apply` share: definitions read and held to be valid, and one cloud's plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::validate;
use crate::definitions::{self, File};
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::import::Offered;
use crate::domain::lint;
use crate::domain::plan::{self, Context, Plan};
use crate::domain::question::Question;
use crate::domain::report::{Ending, Report};
use crate::domain::snapshot::{CloudImage, Snapshot, Visibility};
use crate::domain::usage::Uses;
use crate::openstack::{self, Clouds, Compute, Environment, Image, Session};
use crate::settings::{Cloud, Settings};

/// So many clouds are worked on at one time.
pub const AT_ONCE: usize = 4;

/// A cloud's image service and what would be done there.
pub struct Planned {
    /// The image service, logged in.
    pub service: Image,
    /// The project whose marked images are ours.
    pub owner: String,
    /// The images that it was made from.
    pub snapshot: Snapshot,
    /// The plan.
    pub plan: Plan,
}

/// Reads all definitions. A broken one stops everything: what no definition wants may be retired.
///
/// # Errors
/// The outer: the files cannot be read. The inner: a report of what is wrong in them.
pub fn definitions(settings: &Settings) -> anyhow::Result<Result<Vec<Definition>, Report>> {
    let files = definitions::read(&settings.files, &settings.images)?;
    Ok(parsed(settings, &files).map_err(broken))
}

/// Parses all files.
///
/// # Errors
/// What is wrong in them: on that nothing may be built.
pub fn parsed(settings: &Settings, files: &[File]) -> Result<Vec<Definition>, Vec<Finding>> {
    let definitions = definitions::parse(files)?;
    let errors = lint::errors(&definitions, &validate::scopes(settings));
    if errors.is_empty() {
        Ok(definitions)
    } else {
        Err(errors)
    }
}

/// The clouds of this run: those that flags or settings name, else the one of the environment.
pub fn clouds(settings: &Settings) -> Vec<Cloud> {
    if settings.clouds.is_empty() {
        let variable = |name| {
            std::env::var(name)
                .ok()
                .filter(|value: &String| !value.is_empty())
        };
        // Only beside `OS_AUTH_URL` is the other one the name of a cloud, that of all `OS_*` together.
        let own = || variable("OS_AUTH_URL").and_then(|_| variable("OS_CLOUD_NAME"));
        let name = variable("OS_CLOUD").or_else(own).unwrap_or_default();
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
    let mut snapshot = service.snapshot(&settings.tag, &owner).await?;
    tracing::debug!("{}: {} images are ours", cloud.name, snapshot.ours().len());
    let policies = [&settings.policy, &cloud.policy];
    let question = Question {
        definitions,
        policies: &policies,
    };
    let looks_at = |name: &str| settings.looks_at(name);
    let (shares, words) = question.shares(looks_at);
    if shares {
        read_members(&service, &mut snapshot).await?;
    }
    let domains = domains(&service, words).await;
    let mut findings = untried(&question, looks_at, service.session());
    let uses = if question.is_of_use(looks_at, &snapshot) {
        openstack::uses(service.session(), cloud.in_use).await
    } else {
        Uses::default()
    };
    // Most clouds are never asked.
    let offered = if cloud.transfer.needs_more_than_upload() {
        service.offered().await?
    } else {
        Offered::default()
    };
    let context = Context {
        tag: &settings.tag,
        policies: &policies,
        withdrawals: settings.share_of(settings.limits.withdrawals),
        deletions: settings.share_of(settings.limits.deletions),
        members: settings.limits.members,
        uses: &uses,
        domains: &domains,
        transfer: &cloud.transfer,
        offered: &offered,
        verify: settings.verify,
        run: &settings.run,
        today: settings.today,
    };
    let mut plan = plan::plan(definitions, looks_at, &snapshot, &context);
    plan.findings.append(&mut findings);
    Ok(Planned {
        service,
        owner,
        snapshot,
        plan,
    })
}

/// Reads with whom those of our images are shared that are visible to some.
async fn read_members(service: &Image, snapshot: &mut Snapshot) -> anyhow::Result<()> {
    let is_shared = |image: &&CloudImage| image.visibility == Visibility::Shared;
    let shared: Vec<String> = snapshot
        .ours()
        .iter()
        .filter(is_shared)
        .map(|image| image.id.clone())
        .collect();
    // Only administrators may accept for others.
    let may_accept = service.session().roles().iter().any(|role| role == "admin");
    for id in shared {
        let members = service.members(&id).await?.into_iter();
        let members = members.map(|member| {
            let is_settled = member.status != "pending" || !may_accept;
            (member.project, is_settled)
        });
        snapshot.note_members(&id, members.collect());
    }
    Ok(())
}

/// The projects of the domains that policies share with. One that this login may not look at is left out.
async fn domains(service: &Image, words: BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut domains = BTreeMap::new();
    for word in words {
        match openstack::projects_of(service.session(), &word).await {
            Ok(Some(projects)) => {
                domains.insert(word, projects);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(
                "the projects of domain `{word}` are not known: {:#}",
                anyhow::Error::new(error)
            ),
        }
    }
    domains
}

/// Says which definitions' policy wants a server started first, where there is no Nova to start one.
fn untried(
    question: &Question<'_>,
    selected: impl Fn(&str) -> bool,
    session: &Arc<Session>,
) -> Vec<Finding> {
    let Err(reason) = Compute::connect(Arc::clone(session)) else {
        return Vec::new();
    };
    let of = |definition: &Definition| {
        let message = format!(
            "the policy publishes a new image only after a server was started from it, and {reason}"
        );
        Finding::error("boot-impossible", message)
            .at(&definition.file, definition.at)
            .image(&definition.name)
    };
    question.boots(selected).map(of).collect()
}

/// The report of a run that begins nothing, since what it was given is wrong.
pub fn broken(findings: Vec<Finding>) -> Report {
    let count = findings.len();
    Report {
        matrix: None,
        title: None,
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
