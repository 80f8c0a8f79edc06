//! The plan for one definition: leftovers, uploads, rotation, drift.

mod clashes;
mod leftovers;
mod steps;

use std::collections::BTreeMap;

use super::{Context, belongs_to, is_unproven, version_of};
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;
use crate::domain::policy::{Policy, Stage};
use crate::domain::rotation::{self, Known, Ranked};
use crate::domain::snapshot::{CloudImage, Snapshot, Status};
use crate::domain::step::Step;
use crate::domain::template::TemplateError;
use crate::domain::wanted::{self, Wanted};

/// What happens to one definition's images.
#[derive(Debug, Default)]
pub struct ImagePlan {
    /// Steps that end what a dead run left half done.
    pub finishing: Vec<Step>,
    /// All other steps.
    pub steps: Vec<Step>,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

/// Plans one definition.
pub fn plan(
    definition: &Definition,
    policy: &Policy,
    snapshot: &Snapshot,
    context: &Context<'_>,
) -> ImagePlan {
    let mut planner = Planner {
        definition,
        policy,
        context,
        plan: ImagePlan::default(),
        taken: BTreeMap::new(),
    };
    if let Err(error) = planner.run(snapshot) {
        planner.refuse(
            Finding::error("template", error.to_string()).at(&definition.file, definition.at),
        );
    }
    planner.plan
}

/// What is known of the images of one definition.
#[derive(Default)]
struct Sorted<'a> {
    proven: BTreeMap<&'a str, &'a CloudImage>,
    leftovers: Vec<&'a CloudImage>,
}

struct Planner<'a> {
    definition: &'a Definition,
    policy: &'a Policy,
    context: &'a Context<'a>,
    plan: ImagePlan,
    /// Uploads that only need their digest compared: version → leftover whose bytes Glance has hashed already.
    taken: BTreeMap<&'a str, &'a CloudImage>,
}

impl<'a> Planner<'a> {
    fn run(&mut self, snapshot: &'a Snapshot) -> Result<(), TemplateError> {
        let sorted = self.sort(snapshot);
        if self.is_uploading_elsewhere(&sorted) {
            return Ok(());
        }
        if self.is_known_under_another_version(&sorted) {
            return Ok(());
        }
        let reused = self.leftovers(&sorted);
        let versions = self.versions(&sorted);
        let order = self
            .definition
            .upstream
            .as_ref()
            .and_then(|upstream| upstream.order)
            .unwrap_or_default();
        let ranking = rotation::rank(versions, self.policy, |left, right| {
            order.compare(left, right)
        });
        if ranking.ranked.is_empty() {
            self.nothing_listed(&sorted);
            return Ok(());
        }
        self.rotate(&ranking, &reused)?;
        self.clashes(&ranking, snapshot)
    }

    /// Drops all steps and says why.
    fn refuse(&mut self, finding: Finding) {
        self.plan.steps.clear();
        self.plan.finishing.clear();
        self.find(finding);
    }

    fn find(&mut self, finding: Finding) {
        self.plan
            .findings
            .push(finding.image(&self.definition.name));
    }

    fn sort(&mut self, snapshot: &'a Snapshot) -> Sorted<'a> {
        let mut sorted = Sorted::default();
        let ours = snapshot
            .ours()
            .iter()
            .filter(|image| belongs_to(image) == Some(&self.definition.name));
        for image in ours {
            if is_unproven(image) {
                sorted.leftovers.push(image);
                continue;
            }
            match (version_of(image), image.status) {
                (Some(version), Status::Active | Status::Deactivated) => {
                    // The elder comes first in a snapshot, and stays.
                    if let Some(elder) = sorted.proven.get(version) {
                        let finding = Finding::warning(
                            "duplicate-image",
                            format!(
                                "version `{version}` is there twice; `{}` is the elder and counts, this one is left \
                                 alone; delete it if nobody uses it",
                                elder.id
                            ),
                        );
                        self.find(finding.id(&image.id));
                    } else {
                        sorted.proven.insert(version, image);
                    }
                }
                (version, status) => {
                    let what = version.map_or("no property `internal_version`".to_owned(), |_| {
                        format!("the status `{status}`")
                    });
                    let finding = Finding::warning(
                        "unknown-image",
                        format!(
                            "an image with our mark has {what}, so it is left alone; repair or delete it"
                        ),
                    );
                    self.find(finding.id(&image.id));
                }
            }
        }
        sorted
    }

    /// Every version that counts: in the cloud, or listed and fit for an upload.
    fn versions(&mut self, sorted: &Sorted<'a>) -> Vec<Known<'a>> {
        let mut versions: Vec<Known<'a>> = Vec::new();
        let definition = self.definition;
        for version in definition
            .versions
            .iter()
            .filter(|version| !version.is_moving())
        {
            let name = version.version.as_str();
            let image = sorted.proven.get(name).copied();
            if let Some(image) = image {
                self.compare_digest(image, version);
            } else if let Err(reason) = uploadable(version) {
                let finding =
                    Finding::error("not-uploadable", format!("version `{name}` {reason}"));
                self.find(finding.at(&definition.file, version.at));
                continue;
            }
            versions.push(Known {
                version: name,
                listed: Some(version),
                image,
            });
        }
        for (name, image) in &sorted.proven {
            if !versions.iter().any(|known| known.version == *name) {
                versions.push(Known {
                    version: name,
                    listed: None,
                    image: Some(image),
                });
            }
        }
        versions
    }

    fn nothing_listed(&mut self, sorted: &Sorted<'_>) {
        let definition = self.definition;
        let finding = if sorted.proven.is_empty() {
            Finding::note(
                "no-versions",
                "no version is listed yet; `reglaze update --write` fills it",
            )
        } else {
            Finding::error(
                "no-versions",
                format!(
                    "no listed version is there or can be uploaded, and the cloud has {} image(s) of it; nothing of it \
                     moves; list a version again, or remove the definition",
                    sorted.proven.len()
                ),
            )
        };
        self.find(finding.at(&definition.file, definition.versions_at));
    }

    fn rotate(
        &mut self,
        ranking: &rotation::Ranking<'a>,
        reused: &[&str],
    ) -> Result<(), TemplateError> {
        let is_rollback = !ranking.withdrawn.is_empty();
        let Some((newest, others)) = ranking.ranked.split_first() else {
            return Ok(());
        };
        let name = self.name(newest)?;
        let (holding, rest): (Vec<&Ranked>, Vec<&Ranked>) = others.iter().partition(|ranked| {
            self.policy.rotate
                && ranked
                    .known
                    .image
                    .is_some_and(|image| image.name.as_deref() == Some(&name))
        });
        // The first of those that hold the name is the present latest; any further one a dead run left there.
        let is_there = newest.known.image.is_some_and(|image| {
            image.name.as_deref() == Some(&name) && image.is_in_the_catalogue()
        });
        let kept = usize::from(!is_there);
        let mut finishing = Vec::new();
        for ranked in holding.iter().skip(kept) {
            let start = self.plan.steps.len();
            self.settle(ranked, false)?;
            finishing.extend(self.plan.steps.drain(start..));
        }
        self.plan.finishing.append(&mut finishing);

        if is_there {
            let start = self.plan.steps.len();
            for known in &ranking.withdrawn {
                self.withdraw(known)?;
            }
            let withdrawn: Vec<_> = self.plan.steps.drain(start..).collect();
            self.plan.finishing.extend(withdrawn);
        }

        // The new one gets the name, and the old one leaves it in the very next request.
        self.appear(newest, reused, is_rollback)?;
        for ranked in holding.iter().take(kept) {
            self.settle(ranked, false)?;
        }
        if !is_there {
            for known in &ranking.withdrawn {
                self.withdraw(known)?;
            }
        }
        self.settle(newest, is_rollback)?;
        for ranked in rest {
            if ranked.known.image.is_none() {
                let ceiling = ranked.known.listed.and_then(|version| version.visibility);
                let ceiling = ceiling.unwrap_or(self.definition.visibility);
                if rotation::is_offered(self.policy, ranked.stage, ceiling) {
                    self.appear(ranked, reused, false)?;
                }
            } else {
                self.settle(ranked, false)?;
            }
        }
        Ok(())
    }

    fn stage(&self, ranked: &Ranked<'_>) -> &'a Stage {
        &self.policy.stages[ranked.stage]
    }

    fn name(&self, ranked: &Ranked<'_>) -> Result<String, TemplateError> {
        self.stage_name(&ranked.known, self.stage(ranked))
    }

    fn stage_name(&self, known: &Known<'_>, stage: &Stage) -> Result<String, TemplateError> {
        let (definition, today) = (self.definition, self.context.today);
        match (known.listed, known.image) {
            (Some(version), image) => wanted::stage_name(definition, version, stage, today, image),
            (None, Some(image)) => {
                let version = wanted::remembered(definition, known.version, image);
                wanted::stage_name(definition, &version, stage, today, Some(image))
            }
            // A version is known from the file or from the cloud.
            (None, None) => Ok(definition.name.clone()),
        }
    }

    fn wanted(&self, ranked: &Ranked<'_>, version: &Version) -> Result<Wanted, TemplateError> {
        wanted::wanted(
            self.definition,
            version,
            self.policy,
            self.stage(ranked),
            self.context.tag,
            self.context.today,
            ranked.known.image,
        )
    }
}

/// Why a listed version cannot be uploaded.
fn uploadable(version: &Version) -> Result<(), String> {
    if version.url.is_none() && version.mirror_url.is_none() {
        return Err("has no `url`, so it cannot be uploaded; add one".to_owned());
    }
    match &version.checksum {
        None => Err(
            "has no `checksum`, so its bytes cannot be proven; add one, best by `reglaze update`"
                .to_owned(),
        ),
        Some(checksum) if checksum.is_weak() => Err(format!(
            "has only a {} digest, which proves nothing any more, so it is not uploaded; add a SHA-256 or SHA-512 one",
            checksum.algorithm()
        )),
        Some(_) => Ok(()),
    }
}
