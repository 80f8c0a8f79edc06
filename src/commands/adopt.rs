//! `reglaze adopt`: takes over the images that a cloud has already, and writes definitions for those that have none.

mod carry_out;
mod file;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};

use self::file::File;
use self::report::Written;
use super::stop::Stop;
use super::{apply, catalogue, new, validate};
use crate::cli::AdoptArguments;
use crate::definitions;
use crate::domain::adopt::{self, Adoption, Context, Draft};
use crate::domain::attested::Verify;
use crate::domain::bound::{self, Bound};
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::import::Offered;
use crate::domain::lint::{self, Scope};
use crate::domain::outcome::{self, CloudOutcome, Outcome, Tried};
use crate::domain::plan::{self, Plan};
use crate::domain::report::Report;
use crate::domain::reviewed::Reviewed;
use crate::domain::snapshot::CloudImage;
use crate::domain::step::{self, Step};
use crate::domain::usage::Uses;
use crate::openstack::Image;
use crate::settings::{Cloud, Settings};
use crate::transfer::{self, Demand, Progress, Want};

/// Looks at every cloud, one after the other: what the first one's images are defined as counts in the next.
///
/// # Errors
/// The definitions cannot be read, or what was reviewed is no plan.
pub async fn run(settings: &Settings, arguments: &AdoptArguments) -> anyhow::Result<Report> {
    let path = File::beside(&settings.images);
    let files = new::files_beside(&settings.images, &path)?;
    let known = match definitions::parse(&files) {
        Ok(known) => known,
        Err(findings) => return Ok(catalogue::broken(findings)),
    };
    let scopes = validate::scopes(settings);
    let errors = lint::errors(&known, &scopes);
    if !errors.is_empty() {
        return Ok(catalogue::broken(errors));
    }
    let text = files.iter().find(|file| new::same(&file.path, &path));
    let mut run = Run {
        settings,
        arguments,
        reviewed: apply::reviewed(&arguments.fingerprint, &arguments.plan)?,
        stop: Stop::listen().context("could not listen for signals")?,
        scopes: &scopes,
        file: File::new(path.clone(), text.map(|file| file.text.clone())),
        definitions: known,
        written: Vec::new(),
    };
    let mut clouds = Vec::new();
    for cloud in catalogue::clouds(settings) {
        clouds.push(match run.cloud(&cloud).await {
            Ok(outcome) => outcome,
            Err(error) => CloudOutcome::failed(&cloud.name, format!("{error:#}")),
        });
    }
    Ok(report::report(clouds, &run.written, arguments.write))
}

/// One run of `adopt`.
struct Run<'a> {
    settings: &'a Settings,
    arguments: &'a AdoptArguments,
    reviewed: Reviewed,
    stop: Stop,
    scopes: &'a [Scope<'a>],
    file: File,
    /// Those of the files, and those that this run drafted.
    definitions: Vec<Definition>,
    written: Vec<Written>,
}

impl Run<'_> {
    async fn cloud(&mut self, cloud: &Cloud) -> anyhow::Result<CloudOutcome> {
        let settings = self.settings;
        let (service, owner) = catalogue::connect(settings, cloud).await?;
        let images = service.images_of(&settings.tag, &owner).await?;
        let (uses, file) = (Uses::default(), self.file.name());
        let nothing_read = BTreeMap::new();
        let context = Context {
            plan: plan::Context {
                tag: &settings.tag,
                policies: &[&settings.policy, &cloud.policy],
                withdrawals: settings.limits.withdrawals,
                deletions: settings.limits.deletions,
                members: settings.limits.members,
                uses: &uses,
                domains: &BTreeMap::new(),
                transfer: &cloud.transfer.of_what_is_there(),
                offered: &Offered::default(),
                verify: Verify::default(),
                run: &settings.run,
                today: settings.today,
            },
            owner: &owner,
            looks_at: &|name| settings.looks_at(name),
            is_filtered: settings.filter.is_some(),
            read: &nothing_read,
            scopes: self.scopes,
            file: &file,
        };
        let (read, unread) = self.read_back(&service, &images, &context).await?;
        let context = Context {
            read: &read,
            ..context
        };
        let mut adoption = adopt::adopt(&self.definitions, &images, &context);
        adoption.findings.extend(unread);
        let fingerprint = step::fingerprint(&adoption.steps);
        let expected = self.reviewed.fingerprint(&cloud.name);
        if let Some(expected) = expected.filter(|expected| *expected != fingerprint) {
            let plan = Plan {
                steps: adoption.steps,
                findings: adoption.findings,
            };
            return Ok(outcome::moved(&cloud.name, plan, expected));
        }
        let moved = self.held_against_review(&cloud.name, &mut adoption);
        let mut steps = if self.arguments.write {
            self.file.refuse_unfit(&adoption.drafts)?;
            carry_out::carry_out(&service, &self.stop, &images, adoption.steps).await
        } else {
            adoption.steps.into_iter().map(Tried::planned).collect()
        };
        self.keep(adoption.drafts, &steps);
        steps.extend(outcome::left_alone(moved));
        Ok(CloudOutcome {
            name: cloud.name.clone(),
            fingerprint: Some(fingerprint),
            error: None,
            steps,
            findings: adoption.findings,
        })
    }

    /// Hashes the images of which only their bytes can tell what they are, where that was asked for.
    async fn read_back(
        &self,
        service: &Image,
        images: &[CloudImage],
        context: &Context<'_>,
    ) -> anyhow::Result<(BTreeMap<String, Vec<Checksum>>, Vec<Finding>)> {
        let (mut read, mut unread) = (BTreeMap::new(), Vec::new());
        if !self.arguments.read {
            return Ok((read, unread));
        }
        for image in adopt::to_read(&self.definitions, images, context) {
            if self.stop.is_wanted() {
                bail!("the run was stopped while images were read back; nothing was changed");
            }
            match self.digests(service, image).await {
                Ok(checksums) => drop(read.insert(image.id.clone(), checksums)),
                Err(error) => unread.push(
                    Finding::warning(
                        "adopt-unread",
                        format!("it could not be read back: {error:#}"),
                    )
                    .id(&image.id),
                ),
            }
        }
        Ok((read, unread))
    }

    async fn digests(&self, service: &Image, image: &CloudImage) -> anyhow::Result<Vec<Checksum>> {
        let label = image.name.clone().unwrap_or_else(|| image.id.clone());
        tracing::info!("reading `{label}` back to hash it");
        let data = service.download(&image.id).await?;
        let data = data.context("Glance has no data of it")?;
        let compute = [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];
        let compute = compute.into_iter().map(Want::Compute).collect();
        let demand = Demand::of_the_file(compute, self.settings.limits.image_size);
        let received = transfer::measure(data, demand, Progress::new(label, image.size)).await?;
        let told = image.os_hash_value.as_deref();
        let found = received.file.checksum(Algorithm::Sha512);
        // What does not come back as it went in is no evidence of anything.
        if let (Some("sha512"), Some(told), Some(found)) =
            (image.os_hash_algo.as_deref(), told, found)
            && told != found.hex()
        {
            bail!(
                "its bytes have the SHA-512 `{}`, and Glance says `{told}`; the store has damaged it",
                found.hex()
            );
        }
        Ok(received.file.checksums)
    }

    /// Leaves only what a reviewed plan holds, and gives the rest. A definition of which an image moved is not written either.
    fn held_against_review(&self, cloud: &str, adoption: &mut Adoption) -> Vec<Step> {
        let Some(reviewed) = self.reviewed.steps(cloud) else {
            return Vec::new();
        };
        let plan = Plan {
            steps: std::mem::take(&mut adoption.steps),
            findings: Vec::new(),
        };
        let Bound { plan, moved } = bound::bound(plan, reviewed);
        let left: BTreeSet<&str> = moved.iter().map(|step| step.image.as_str()).collect();
        adoption
            .drafts
            .retain(|draft| !left.contains(draft.name.as_str()));
        adoption.steps = plan.steps;
        adoption.findings.extend(plan.findings);
        moved
    }

    /// Writes the definitions whose images are all ours now. The images come first: what has our mark and no definition
    /// stays as it is, while a definition without its images would ask for uploads.
    fn keep(&mut self, drafts: Vec<Draft>, steps: &[Tried]) {
        for draft in drafts {
            let unfinished = steps.iter().any(|tried| {
                tried.step.image == draft.name && tried.outcome != Some(Outcome::Done)
            });
            let outcome = match () {
                () if !self.arguments.write => Ok("planned"),
                () if unfinished => Err("an image of it could not be taken over".to_owned()),
                () => self
                    .file
                    .append(&draft.entry)
                    .map_err(|error| format!("{error:#}")),
            };
            if outcome.is_ok() {
                self.definitions.push(draft.definition.clone());
            }
            self.written.push(Written {
                file: self.file.name(),
                outcome,
                draft,
            });
        }
    }
}
