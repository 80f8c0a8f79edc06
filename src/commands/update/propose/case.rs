//! One group: what is wanted of it, what is there, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::carry_out::{Carrier, Proposal};
use super::texts::Texts;
use super::{Done, Row, Run, row};
use crate::commands::update::offers;
use crate::domain::conduct::{
    Decision, Outcome, Reason, Seen, Trailers, Wanted, decide, decide_unwanted,
};
use crate::domain::dashboard::Question;
use crate::domain::definition::Definition;
use crate::domain::edit::{self, Change};
use crate::domain::finding::Finding;
use crate::domain::forge::NewFile;
use crate::domain::proposal::{Group, Offer};
use crate::files::in_commit;
use crate::github::GithubError;

/// What is wanted of one group, and what is there.
pub(super) struct Case<'a> {
    pub(super) group: Group,
    pub(super) files: Vec<NewFile>,
    pub(super) trailers: Trailers,
    pub(super) unknown: BTreeSet<String>,
    /// Whether people have closed a pull request of it unmerged.
    pub(super) declined: bool,
    pub(super) row: Row,
    pub(super) run: &'a Run<'a>,
}

impl Case<'_> {
    /// Decides, and does it.
    pub(super) async fn work(
        &mut self,
        may_open: bool,
        done: &mut Done,
    ) -> Result<(), GithubError> {
        let key = self.group.key.clone();
        self.wait_for_age(&mut done.findings);
        self.respect_answers(done).await?;
        self.write_files();
        let mut seen = self.run.state.seen(&key).await?;
        seen.boxes.take_over |= self.run.board.asked.take_over.contains(&key);
        let changes = self.group.changes();
        self.row.images = changes.keys().cloned().collect();
        let wanted = Wanted {
            group: &key,
            base: &self.run.base.name,
            base_head: &self.run.base.head,
            changes: &changes,
            files: &self.trailers.files,
            unknown: &self.unknown,
            may_open,
        };
        let rules = &self.run.base.settings.pull_requests;
        let decision = if changes.is_empty() {
            if seen.pull_request.is_none() && seen.branch.is_some() && !self.declined {
                self.declined = self.run.state.answers(&key).await?.1;
            }
            decide_unwanted(&wanted, &seen, self.declined)
        } else {
            decide(&wanted, &seen, rules)
        };
        self.row.outcome = decision.outcome;
        if let Some(reason) = &decision.reason {
            let why = row::reason(reason, &self.run.base.name);
            done.findings.push(Finding::note(
                "pull-request",
                format!("`{}` is left alone: {why}", self.row.branch),
            ));
            self.row.reason = Some(why);
            if let (Reason::Person(_), Some(number)) = (reason, self.row.number) {
                done.questions.push(Question::TakeOver {
                    group: key.clone(),
                    number,
                });
            }
        }
        done.findings
            .extend(self.carry_out(&seen, &decision).await?);
        Ok(())
    }

    async fn carry_out(
        &mut self,
        seen: &Seen,
        decision: &Decision,
    ) -> Result<Vec<Finding>, GithubError> {
        let run = self.run;
        let texts = Texts {
            place: run.repository.place(),
            base: run.base,
            starts_nothing: match decision.outcome {
                Outcome::Opened | Outcome::Updated => run.state.starts_nothing().await,
                _ => false,
            },
        };
        let carrier = Carrier {
            repository: run.repository,
            rules: &run.base.settings.pull_requests,
            branches: run.branches,
            texts: &texts,
            state: run.state,
        };
        match decision.outcome {
            Outcome::Opened | Outcome::Updated => {
                let offers = std::mem::take(&mut self.group.offers);
                self.group.offers = offers::told(run.upstream, run.found, offers).await;
                let proposal = Proposal {
                    group: &self.group,
                    files: &self.files,
                    trailers: &self.trailers,
                };
                carrier
                    .propose(proposal, seen, decision, &mut self.row)
                    .await
            }
            Outcome::Untouched => {
                if let Some(pull) = &seen.pull_request {
                    carrier.keep_away(pull, decision, seen).await?;
                }
                Ok(Vec::new())
            }
            _ => {
                let reasons = self.reasons();
                carrier
                    .end(seen, decision, &self.row.branch, &reasons)
                    .await?;
                Ok(Vec::new())
            }
        }
    }

    /// Leaves out what is younger than the settings want. What is proposed already stays.
    fn wait_for_age(&mut self, findings: &mut Vec<Finding>) {
        let settings = &self.run.base.settings;
        let age = settings.pull_requests.minimum_age;
        if age == 0 {
            return;
        }
        let proposed = self.run.state.proposed(&self.group.key);
        let unknown = &mut self.unknown;
        self.group.offers.retain(|offer| {
            let built = offer.entry.build_date.as_deref();
            let date = built.and_then(|date| date.parse::<NaiveDate>().ok());
            let days = date.map(|date| (settings.today - date).num_days());
            let is_old_enough = days.is_none_or(|days| days >= i64::try_from(age).unwrap_or(i64::MAX));
            if is_old_enough || proposed.get(&offer.image) == Some(&offer.change()) {
                return true;
            }
            findings.push(
                Finding::note(
                    "cooldown",
                    format!(
                        "version `{}` was built {} days ago and is proposed when it is {age} days old, as `pull_requests.minimum_age` says",
                        offer.entry.version,
                        days.unwrap_or_default()
                    ),
                )
                .image(&offer.image),
            );
            // An older version of it may be proposed, which this run cannot build anew.
            unknown.insert(offer.image.clone());
            false
        });
    }

    /// Leaves out what people have declined by closing. Asked only where that can make a difference.
    async fn respect_answers(&mut self, done: &mut Done) -> Result<(), GithubError> {
        let key = &self.group.key;
        if self.group.offers.is_empty() || self.group.changes() == self.run.state.proposed(key) {
            return Ok(());
        }
        let (answers, declined) = self.run.state.answers(key).await?;
        self.declined = declined;
        for (image, version, number) in answers.part(&mut self.group) {
            done.questions.push(Question::Reopen {
                number,
                what: format!("{image} {version}"),
            });
            done.findings.push(
                Finding::note(
                    "declined",
                    format!("version `{version}` is not proposed again, since #{number} was closed unmerged; the next version is"),
                )
                .image(&image),
            );
        }
        Ok(())
    }

    /// The files of the base with this group's versions in them.
    fn write_files(&mut self) {
        for file in self.run.files {
            let changes: Vec<Change<'_>> = self
                .group
                .offers
                .iter()
                .filter(|offer| offer.file == file.name)
                .map(change)
                .collect();
            if changes.is_empty() {
                continue;
            }
            // Whatever cannot be edited has failed before it came here.
            let (text, _) = edit::edit_all(&file.text, &changes);
            let path = in_commit(&file.path).unwrap_or_else(|| file.path.clone());
            self.files.push(NewFile {
                path: path.to_string_lossy().replace('\\', "/"),
                text,
            });
        }
        self.trailers = Trailers::of(&self.group.key, &self.files);
    }

    /// Why there is nothing left to propose, image by image.
    fn reasons(&self) -> Vec<String> {
        let names: BTreeMap<&str, &Definition> = self
            .run
            .definitions
            .iter()
            .map(|one| (one.name.as_str(), one))
            .collect();
        let base = &self.run.base.name;
        let proposed = self.run.state.proposed(&self.group.key);
        let reason = |(image, change): (String, String)| {
            let version = change.split(' ').next().unwrap_or_default();
            match names.get(image.as_str()) {
                None => format!("{image}: `{base}` has no such definition any more"),
                Some(definition) if !definition.enable => {
                    format!("{image}: it is disabled on `{base}`")
                }
                Some(definition)
                    if definition.versions.iter().any(|one| one.version == version) =>
                {
                    format!("{image}: `{base}` has version {version}")
                }
                Some(_) => format!("{image}: version {version} is not the one to propose any more"),
            }
        };
        proposed.into_iter().map(reason).collect()
    }
}

fn change(offer: &Offer) -> Change<'_> {
    Change {
        image: &offer.image,
        add: Some(&offer.entry),
        remove: &offer.remove,
        position: offer.position,
    }
}
