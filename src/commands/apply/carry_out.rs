//! Steps in their order. When one fails, the rest of its image is skipped and the other images go on.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};

use super::blank::Blank;
use super::delete::Ended;
use super::meeting::{Ticket, Tickets};
use super::upload::{self, Uploaded};
use super::{Run, Target, boot, delete, share, way};
use crate::commands::stop::STOPPED;
use crate::domain::finding::Finding;
use crate::domain::outcome::{Outcome, Tried};
use crate::domain::patch::Patch;
use crate::domain::plan::is_unpublished;
use crate::domain::step::{Action, Ending, Step, Work};
use crate::domain::transferred::Transferred;
use crate::domain::usage;
use crate::domain::wanted::{self, IMAGE_NAME, INTERNAL_VERSION, Moment};
use crate::openstack::Image;

/// What became of the steps.
pub struct Carried {
    /// Every step.
    pub steps: Vec<Tried>,
    /// What was noticed on the way.
    pub findings: Vec<Finding>,
}

/// Carries steps out. After a wish to stop only what must not be left half done is finished.
///
/// `tickets`: for the bytes that other clouds of the run need too.
pub async fn carry_out(target: Target<'_>, steps: Vec<Step>, mut tickets: Tickets) -> Carried {
    let Target { run, service, .. } = target;
    let mut hand = Hand {
        target,
        run,
        service,
        uploaded: BTreeMap::new(),
        newest: BTreeMap::new(),
        findings: Vec::new(),
    };
    hand.remove_leftovers().await;
    // Images of which nothing more is done, and why.
    let mut ended: BTreeMap<String, &str> = BTreeMap::new();
    // The image whose new version has its name already: whoever held it before must leave it.
    let mut begun: Option<String> = None;
    let mut tried = Vec::new();
    for step in steps {
        let ticket = tickets.take(&step);
        let may_finish = begun.as_ref() == Some(&step.image)
            && !matches!(step.action, Action::Upload | Action::Copy);
        if run.stop.is_wanted() && !may_finish {
            ended.entry(step.image.clone()).or_insert(STOPPED);
        }
        if let Some(reason) = ended.get(&step.image) {
            tried.push(Tried {
                step,
                outcome: Some(Outcome::Skipped),
                error: Some((*reason).to_owned()),
                transferred: None,
            });
            continue;
        }
        tracing::info!("{}", step.line());
        let is_publishing = matches!(
            step.action,
            Action::Publish | Action::Rollback | Action::Rename
        );
        tried.push(match hand.perform(&step, ticket).await {
            Ok(Performed::Done(id)) => {
                if is_publishing {
                    begun = Some(step.image.clone());
                }
                let step = Step {
                    id: id.or(step.id),
                    ..step
                };
                let transferred = hand.transferred(&step);
                Tried {
                    step,
                    outcome: Some(Outcome::Done),
                    error: None,
                    transferred,
                }
            }
            // It is as it should be: what is in use stays, and the rest of the image goes on.
            Ok(Performed::Left(error)) => Tried {
                step,
                outcome: Some(Outcome::Skipped),
                error,
                transferred: None,
            },
            Err(error) => {
                ended.insert(step.image.clone(), "an earlier step of this image failed");
                let error = format!("{error:#}");
                tracing::error!("{}: {}: {error}", step.image, step.action.as_str());
                Tried {
                    step,
                    outcome: Some(Outcome::Failed),
                    error: Some(error),
                    transferred: None,
                }
            }
        });
    }
    Carried {
        steps: tried,
        findings: hand.findings,
    }
}

/// What became of a step that did not fail.
enum Performed {
    /// It is done, to the image with this ID.
    Done(Option<String>),
    /// It was left, for this reason if that is none of the ordinary.
    Left(Option<String>),
}

/// What performs steps, and what it remembers from one to the next.
struct Hand<'a> {
    target: Target<'a>,
    run: Run<'a>,
    service: &'a Image,
    /// By image and version.
    uploaded: BTreeMap<(String, String), Uploaded>,
    /// When Glance created the images that this run published first, by definition: the newest ones.
    newest: BTreeMap<String, DateTime<Utc>>,
    findings: Vec<Finding>,
}

impl Hand<'_> {
    /// Servers of dead runs cost money, whether or not this run tries an image.
    async fn remove_leftovers(&mut self) {
        if self.target.cloud.boot.is_none() {
            return;
        }
        self.findings
            .extend(boot::remove_leftovers(self.target).await);
    }

    /// Does one step.
    async fn perform(&mut self, step: &Step, ticket: Ticket) -> anyhow::Result<Performed> {
        match &step.work {
            Work::Upload(upload) => {
                let Target { run, service, .. } = self.target;
                let blank = Blank {
                    run,
                    service,
                    step,
                    upload,
                };
                let findings = &mut self.findings;
                let uploaded = upload::upload(blank, ticket, findings).await?;
                let id = uploaded.id.clone();
                let doubts = uploaded.inspected.iter().flat_map(|one| &one.doubts);
                let doubts = doubts.map(|doubt| Finding::warning("boot-doubt", doubt.to_string()));
                findings.extend(doubts.map(|doubt| doubt.image(&step.image).id(&id)));
                self.uploaded.insert(key(step), uploaded);
                Ok(Performed::Done(Some(id)))
            }
            Work::Patch(patch) => {
                let id = self.id(step)?;
                let patch = if is_of_the_unpublished(patch) {
                    self.before_publishing(step, &id, patch.clone()).await?
                } else {
                    patch.clone()
                };
                let patch = self.completed(step, &id, patch).await?;
                self.service.patch(&id, &patch).await?;
                Ok(Performed::Done(Some(id)))
            }
            Work::Activate(true) => {
                let id = self.id(step)?;
                self.service.reactivate(&id).await?;
                Ok(Performed::Done(Some(id)))
            }
            Work::Activate(false) => {
                let id = self.id(step)?;
                self.service.deactivate(&id).await?;
                Ok(Performed::Done(Some(id)))
            }
            Work::DeleteLeftover => {
                let id = self.id(step)?;
                let image = self.service.image(&id).await?;
                // Between plan and step another run may have proven and published it.
                let ours = self.target.ours();
                if image.as_ref().is_some_and(|image| {
                    !is_unpublished(image) || !image.is_ours(ours.tag, ours.owner)
                }) {
                    bail!(
                        "image `{id}` is no private leftover of ours any more, so it was not deleted; plan again"
                    );
                }
                self.service.delete(&id).await?;
                Ok(Performed::Done(Some(id)))
            }
            Work::Boot => {
                let id = self.id(step)?;
                boot::boot(self.target, step, &id, &mut self.findings).await?;
                Ok(Performed::Done(Some(id)))
            }
            Work::Share(sharing) => {
                let id = self.id(step)?;
                share::share(self.service, step, &id, sharing, &mut self.findings).await?;
                Ok(Performed::Done(Some(id)))
            }
            Work::Copy(store) => {
                let id = self.id(step)?;
                let mut ending = self.run.stop.clone();
                tokio::select! {
                    copied = way::copy(self.service, step, &id, store) => copied?,
                    () = ending.wanted() => bail!(STOPPED),
                }
                Ok(Performed::Done(Some(id)))
            }
            Work::Delete(ending) => self.delete(step, *ending).await,
            Work::None => bail!("this step was read from a file and cannot be done"),
        }
    }

    /// How the bytes of an upload came that was just done.
    fn transferred(&self, step: &Step) -> Option<Transferred> {
        let uploaded = self.uploaded.get(&key(step));
        let uploaded = uploaded.filter(|_| step.action == Action::Upload);
        uploaded.and_then(|uploaded| uploaded.transferred.clone())
    }

    /// Deletes an image at its end. That nobody can say who uses images is said once for the cloud.
    async fn delete(&mut self, step: &Step, ending: Ending) -> anyhow::Result<Performed> {
        let id = self.id(step)?;
        Ok(
            match delete::delete(self.target, step, &id, ending, &mut self.findings).await? {
                Ended::Deleted => Performed::Done(Some(id)),
                Ended::Stays => Performed::Left(None),
                Ended::Unknown(reason) => {
                    if !self
                        .findings
                        .iter()
                        .any(|finding| finding.rule == usage::UNKNOWN)
                    {
                        self.findings.push(usage::unknown(&reason));
                    }
                    Performed::Left(Some(format!("it is not known who uses it: {reason}")))
                }
            },
        )
    }

    fn id(&self, step: &Step) -> anyhow::Result<String> {
        let uploaded = self.uploaded.get(&key(step)).map(|uploaded| &uploaded.id);
        let id = uploaded.or(step.id.as_ref());
        id.cloned().with_context(|| {
            format!(
                "there is no image of version `{}` to work on",
                step.version.as_deref().unwrap_or("?")
            )
        })
    }

    /// Fills in what was not known when the PATCH was planned.
    async fn completed(&mut self, step: &Step, id: &str, patch: Patch) -> anyhow::Result<Patch> {
        let publishes = step.action == Action::Publish && !self.newest.contains_key(&step.image);
        let created = if publishes || wanted::needs_creation(&patch) {
            let image = self.service.image(id).await?;
            Some(
                image
                    .context("the image has vanished; run again")?
                    .created_at,
            )
        } else {
            None
        };
        if let (true, Some(created)) = (publishes, created) {
            self.newest.insert(step.image.clone(), created);
        }
        let settings = self.run.settings;
        let moment = Moment {
            today: settings.today,
            created,
            newest: self.newest.get(&step.image).copied(),
            run: &settings.run,
        };
        Ok(wanted::completed(patch, moment))
    }

    /// Looks the version up again, since another run may have been faster, and adds what only the upload could tell.
    async fn before_publishing(
        &self,
        step: &Step,
        id: &str,
        mut patch: Patch,
    ) -> anyhow::Result<Patch> {
        let version = step.version.as_deref().unwrap_or_default();
        let tag = &self.run.settings.tag;
        let identity = [
            (IMAGE_NAME, step.image.as_str()),
            (INTERNAL_VERSION, version),
        ];
        let identity = identity
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let twins = self.service.with_properties(tag, &identity).await?;
        let ours = twins
            .iter()
            .find(|image| image.id == id)
            .context("the uploaded image has vanished; run again")?;
        let elder = twins.iter().find(|image| {
            image.id != id
                && image.owner == ours.owner
                && (!is_unpublished(image)
                    || (image.created_at, &image.id) < (ours.created_at, &ours.id))
        });
        if let Some(elder) = elder {
            self.service.delete(id).await?;
            bail!(
                "another run has brought in version `{version}` as `{}` meanwhile; ours was deleted; run again",
                elder.id
            );
        }
        let uploaded = self.uploaded.get(&key(step));
        let proven = uploaded.and_then(|one| one.proven.as_ref());
        let inspected = uploaded.and_then(|one| one.inspected.as_ref());
        wanted::as_inspected(&mut patch, inspected, ours);
        if let Some(proven) = proven {
            wanted::as_proven(&mut patch, proven);
        }
        Ok(patch)
    }
}

/// Whether a PATCH ends or changes the state before publishing.
fn is_of_the_unpublished(patch: &Patch) -> bool {
    patch.remove.contains(wanted::STATE) || patch.set.contains_key(wanted::STATE)
}

fn key(step: &Step) -> (String, String) {
    (step.image.clone(), step.version.clone().unwrap_or_default())
}
