//! `reglaze apply`: plans again, holds the plan against the reviewed one, and carries it out.

mod blank;
mod boot;
mod carry_out;
mod delete;
mod meeting;
mod road;
mod share;
mod upload;
mod way;

use std::path::PathBuf;

use anyhow::Context as _;
use futures_util::StreamExt;
use tracing::Instrument;

use super::catalogue::{self, AT_ONCE, Planned};
use super::review;
use super::stop::Stop;
use crate::cli::ApplyArguments;
use crate::domain::bound::{self, Bound};
use crate::domain::definition::Definition;
use crate::domain::ending::Ours;
use crate::domain::finding::Finding;
use crate::domain::outcome::{self, CloudOutcome};
use crate::domain::report::Report;
use crate::domain::reviewed::Reviewed;
use crate::domain::step::Step;
use crate::domain::usage;
use crate::openstack::Image;
use crate::settings::{Cloud, Settings};
use crate::upstream::{Upstream, load_sources};
use meeting::{Meetings, Tickets};

/// So many clouds are carried out side by side: only those may share a download.
const TOGETHER: usize = 16;

/// Brings every cloud to what the definitions say. One that is down does not stop the others.
pub async fn run(settings: &Settings, arguments: &ApplyArguments) -> anyhow::Result<Report> {
    let definitions = match catalogue::definitions(settings)? {
        Ok(definitions) => definitions,
        Err(report) => return Ok(report),
    };
    let clouds = catalogue::clouds(settings);
    let is_told = !arguments.fingerprint.is_empty() || !arguments.plan.is_empty();
    let reviewed = if arguments.reviewed && is_told {
        anyhow::bail!(
            "--reviewed was given with --fingerprint or --plan; expected one of them: the reviewed plan is found in the pull request"
        );
    } else if arguments.reviewed {
        let names: Vec<&str> = clouds.iter().map(|cloud| cloud.name.as_str()).collect();
        review::reviewed(settings, &names).await?
    } else {
        reviewed(&arguments.fingerprint, &arguments.plan)?
    };
    let sources = match load_sources(&settings.files, &settings.sources)? {
        Ok(sources) => sources.into_iter().map(|(source, _)| source).collect(),
        Err(findings) => return Ok(catalogue::broken(findings)),
    };
    let upstream = Upstream::new(settings, sources)?;
    let stop = Stop::listen().context("could not listen for signals")?;
    let run = Run {
        settings,
        definitions: &definitions,
        reviewed: &reviewed,
        upstream: &upstream,
        stop: &stop,
    };
    let several = clouds.len() > 1;
    // Where clouds take turns in the log, each line says whose it is.
    let told = |cloud: &Cloud| {
        let span = several.then(|| tracing::info_span!("cloud", name = cloud.name));
        span.unwrap_or_else(tracing::Span::none)
    };
    let ready = futures_util::stream::iter(&clouds)
        .map(|cloud| run.ready(cloud).instrument(told(cloud)))
        .buffered(AT_ONCE);
    let mut ready: Vec<_> = ready.collect().await;
    // All plans are there, so it is known which clouds need the same bytes.
    let meetings = Meetings::default();
    for one in ready.iter_mut().take(TOGETHER) {
        if let Ok(Ready::To(begun)) = one {
            begun.tickets = meetings.tickets(&begun.steps);
        }
    }
    let outcomes = futures_util::stream::iter(clouds.iter().zip(ready)).map(|(cloud, ready)| {
        let outcome = async move {
            match ready {
                Ok(Ready::Ended(outcome)) => outcome,
                Ok(Ready::To(begun)) => run.carry_out(cloud, *begun).await,
                Err(error) => CloudOutcome::failed(&cloud.name, format!("{error:#}")),
            }
        };
        outcome.instrument(told(cloud))
    });
    let outcomes = outcomes.buffered(TOGETHER).collect().await;
    Ok(outcome::apply_report(outcomes))
}

/// Reads what a reviewer bound.
pub(super) fn reviewed(fingerprints: &[String], plans: &[PathBuf]) -> anyhow::Result<Reviewed> {
    let mut reviewed = Reviewed::default();
    for text in fingerprints {
        reviewed.add_fingerprint(text)?;
    }
    for path in plans {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("could not read the plan `{name}`"))?;
        reviewed.add_plan(&name, &text)?;
    }
    Ok(reviewed)
}

/// One run of `apply`.
#[derive(Clone, Copy)]
struct Run<'a> {
    settings: &'a Settings,
    definitions: &'a [Definition],
    reviewed: &'a Reviewed,
    upstream: &'a Upstream,
    stop: &'a Stop,
}

/// One cloud of that run.
#[derive(Clone, Copy)]
struct Target<'a> {
    run: Run<'a>,
    cloud: &'a Cloud,
    service: &'a Image,
    /// The project whose marked images are ours.
    owner: &'a str,
}

impl Target<'_> {
    /// Whose images are ours.
    fn ours(&self) -> Ours<'_> {
        Ours {
            tag: &self.run.settings.tag,
            owner: self.owner,
            today: self.run.settings.today,
        }
    }
}

/// What a cloud is ready for.
enum Ready {
    /// For nothing more: why is said.
    Ended(CloudOutcome),
    /// To carry out its plan.
    To(Box<Begun>),
}

/// A cloud whose plan is made and held against the reviewed one.
struct Begun {
    service: Image,
    owner: String,
    fingerprint: String,
    steps: Vec<Step>,
    findings: Vec<Finding>,
    /// Steps of images whose plan is not the reviewed one.
    moved: Vec<Step>,
    tickets: Tickets,
}

impl Run<'_> {
    /// Plans for a cloud, and holds that against what was reviewed.
    async fn ready(self, cloud: &Cloud) -> anyhow::Result<Ready> {
        if let Some(reason) = self.reviewed.refusal(&cloud.name) {
            anyhow::bail!("{reason}; nothing was done");
        }
        let Planned {
            service,
            owner,
            plan,
            ..
        } = catalogue::plan(self.settings, cloud, self.definitions).await?;
        let fingerprint = plan.fingerprint();
        let expected = self.reviewed.fingerprint(&cloud.name);
        if let Some(expected) = expected.filter(|expected| *expected != fingerprint) {
            return Ok(Ready::Ended(outcome::moved(&cloud.name, plan, expected)));
        }
        let Bound { plan, moved } = match self.reviewed.steps(&cloud.name) {
            Some(steps) => bound::bound(plan, steps),
            None => plan.into(),
        };
        Ok(Ready::To(Box::new(Begun {
            service,
            owner,
            fingerprint,
            steps: plan.steps,
            findings: plan.findings,
            moved,
            tickets: Tickets::default(),
        })))
    }

    /// Does what is planned.
    async fn carry_out(self, cloud: &Cloud, begun: Begun) -> CloudOutcome {
        let target = Target {
            run: self,
            cloud,
            service: &begun.service,
            owner: &begun.owner,
        };
        let mut carried = carry_out::carry_out(target, begun.steps, begun.tickets).await;
        // Said once, be it by the plan or on the way.
        if begun.findings.iter().any(|one| one.rule == usage::UNKNOWN) {
            carried.findings.retain(|one| one.rule != usage::UNKNOWN);
        }
        CloudOutcome {
            name: cloud.name.clone(),
            fingerprint: Some(begun.fingerprint),
            error: None,
            steps: [carried.steps, outcome::left_alone(begun.moved)].concat(),
            findings: [begun.findings, carried.findings].concat(),
        }
    }
}
