//! The plan for one definition: leftovers, uploads, rotation, drift, and the end.

mod change;
mod clashes;
mod drift;
mod end;
mod guard;
mod leftovers;
mod sharing;
mod steps;
mod stores;
mod ways;

use std::collections::BTreeMap;

use super::images::Images;
use super::{Context, is_unpublished, version_of};
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;
use crate::domain::policy::{Policy, Stage};
use crate::domain::rotation::{self, Facts, Known, Ranked};
use crate::domain::snapshot::{CloudImage, Status};
use crate::domain::step::Step;
use crate::domain::template::TemplateError;
use crate::domain::wanted::{self, Scene};
use change::{Place, Role};

/// What happens to one definition's images.
#[derive(Debug, Default)]
pub struct ImagePlan {
    /// Steps that end what a dead run left half done.
    pub finishing: Vec<Step>,
    /// All other steps but deletions by policy.
    pub steps: Vec<Step>,
    /// Deletions by policy.
    pub deletions: Vec<Step>,
    /// What a person should know.
    pub findings: Vec<Finding>,
    /// Whether something would have been done, if only it were known who uses what.
    pub waits_for_use: bool,
    /// Whether something would have been uploaded, if only the cloud offered the way that its settings name.
    pub waits_for_way: bool,
}

/// Plans one definition. `withheld`: without what takes images away from tenants.
pub fn plan(
    definition: &Definition,
    policy: &Policy,
    images: &Images<'_>,
    context: &Context<'_>,
    withheld: bool,
) -> ImagePlan {
    let mut planner = Planner::new(definition, policy, context, withheld);
    if let Err(error) = planner.run(images) {
        planner.refuse(
            Finding::error("template", error.to_string()).at(&definition.file, definition.at),
        );
    }
    planner.plan
}

/// Plans the end of images whose definition is gone or disabled: all of them get the last stage, and none is deleted.
pub fn retire(
    definition: &Definition,
    policy: &Policy,
    images: &[&CloudImage],
    context: &Context<'_>,
    withheld: bool,
) -> ImagePlan {
    let mut planner = Planner::new(definition, policy, context, withheld);
    for image in images {
        if let Err(error) = planner.forget(image) {
            planner.refuse(Finding::error("template", error.to_string()));
        }
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
    /// The name of the newest image, for templates.
    newest: Option<String>,
    /// Whether nothing is planned that takes images away from tenants.
    withheld: bool,
}

impl<'a> Planner<'a> {
    fn new(
        definition: &'a Definition,
        policy: &'a Policy,
        context: &'a Context<'a>,
        withheld: bool,
    ) -> Self {
        Self {
            definition,
            policy,
            context,
            plan: ImagePlan::default(),
            taken: BTreeMap::new(),
            newest: None,
            withheld,
        }
    }

    fn run(&mut self, images: &Images<'a>) -> Result<(), TemplateError> {
        let sorted = self.sort(images);
        if self.is_uploading_elsewhere(&sorted) {
            return Ok(());
        }
        if self.is_known_under_another_version(&sorted) {
            return Ok(());
        }
        let reused = self.leftovers(&sorted);
        let versions = self.versions(&sorted);
        let order = self.policy.order_of(self.definition);
        let facts = Facts {
            today: self.context.today,
            uses: self.context.uses,
        };
        let definition = self.definition;
        let ranking = rotation::rank(
            versions,
            self.policy,
            facts,
            |version| version.visibility.unwrap_or(definition.visibility),
            |left, right| order.compare(left, right),
        );
        self.plan.waits_for_use |= ranking.waits_for_use;
        let Some(newest) = ranking.ranked.first() else {
            self.nothing_listed(&sorted);
            return Ok(());
        };
        self.newest = Some(wanted::of_the_newest(&self.name(newest)?));
        self.replace_due(newest);
        self.rotate(&ranking, &reused)?;
        self.clashes(&ranking, images)
    }

    /// Drops all steps and says why.
    fn refuse(&mut self, finding: Finding) {
        self.plan.steps.clear();
        self.plan.finishing.clear();
        self.plan.deletions.clear();
        self.find(finding);
    }

    fn find(&mut self, finding: Finding) {
        self.plan
            .findings
            .push(finding.image(&self.definition.name));
    }

    fn sort(&mut self, images: &Images<'a>) -> Sorted<'a> {
        let mut sorted = Sorted::default();
        for image in images.ours().of(&self.definition.name) {
            if is_unpublished(image) {
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
            } else if !self.has_a_way(version) {
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
                && ranked.known.image.is_some_and(|image| {
                    image.name.as_deref() == Some(&name) && image.is_in_the_catalogue()
                })
        });
        // The first of those that hold the name is the present latest; any further one a dead run left there.
        let is_there = newest.known.image.is_some_and(|image| {
            image.name.as_deref() == Some(&name) && image.is_in_the_catalogue()
        });
        let kept = usize::from(!is_there);
        let mut finishing = Vec::new();
        for ranked in holding.iter().skip(kept) {
            let start = self.plan.steps.len();
            self.settle(ranked)?;
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
            self.settle(ranked)?;
        }
        if !is_there {
            for known in &ranking.withdrawn {
                self.withdraw(known)?;
            }
        }
        for ranked in rest {
            if ranked.comes {
                self.appear(ranked, reused, false)?;
            } else {
                self.settle(ranked)?;
            }
        }
        for ranked in &ranking.ranked {
            self.copy(ranked);
        }
        for ranked in others.iter().filter(|ranked| ranked.gone) {
            self.end(ranked);
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
        let scene = self.scene();
        match (known.listed, known.image) {
            (Some(version), image) => wanted::stage_name(&scene, version, stage, image),
            (None, Some(image)) => {
                let version = wanted::remembered(self.definition, known.version, image);
                wanted::stage_name(&scene, &version, stage, Some(image))
            }
            // A version is known from the file or from the cloud.
            (None, None) => Ok(self.definition.name.clone()),
        }
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            definition: self.definition,
            policy: self.policy,
            mark: self.context.tag,
            newest: self.newest.as_deref(),
            run: self.context.run,
            uploaded: None,
        }
    }

    fn place(&self, ranked: &Ranked<'_>, role: Role) -> Place<'a> {
        Place {
            stage: self.stage(ranked),
            position: ranked.position,
            role,
        }
    }
}

/// Why a listed version cannot be uploaded.
fn uploadable(version: &Version) -> Result<(), String> {
    if version.places().is_empty() {
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
