//! `reglaze apply`: plans again, holds the plan against the reviewed one, and carries it out.

mod boot;
mod carry_out;
mod delete;
mod share;
mod upload;

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
use crate::domain::outcome::{self, CloudOutcome};
use crate::domain::report::Report;
use crate::domain::reviewed::Reviewed;
use crate::domain::usage;
use crate::openstack::Image;
use crate::settings::{Cloud, Settings};
use crate::upstream::{Upstream, load_sources};

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
    let outcomes = futures_util::stream::iter(&clouds).map(|cloud| {
        // Where clouds take turns in the log, each line says whose it is.
        let span = several.then(|| tracing::info_span!("cloud", name = cloud.name));
        let outcome = async move {
            match run.cloud(cloud).await {
                Ok(outcome) => outcome,
                Err(error) => CloudOutcome::failed(&cloud.name, format!("{error:#}")),
            }
        };
        outcome.instrument(span.unwrap_or_else(tracing::Span::none))
    });
    let outcomes = outcomes.buffered(AT_ONCE).collect().await;
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

impl Run<'_> {
    async fn cloud(self, cloud: &Cloud) -> anyhow::Result<CloudOutcome> {
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
            return Ok(outcome::moved(&cloud.name, plan, expected));
        }
        let Bound { plan, moved } = match self.reviewed.steps(&cloud.name) {
            Some(steps) => bound::bound(plan, steps),
            None => plan.into(),
        };
        let target = Target {
            run: self,
            cloud,
            service: &service,
            owner: &owner,
        };
        let mut carried = carry_out::carry_out(target, plan.steps).await;
        // Said once, be it by the plan or on the way.
        if plan.findings.iter().any(|one| one.rule == usage::UNKNOWN) {
            carried.findings.retain(|one| one.rule != usage::UNKNOWN);
        }
        Ok(CloudOutcome {
            name: cloud.name.clone(),
            fingerprint: Some(fingerprint),
            error: None,
            steps: [carried.steps, outcome::left_alone(moved)].concat(),
            findings: [plan.findings, carried.findings].concat(),
        })
    }
}
