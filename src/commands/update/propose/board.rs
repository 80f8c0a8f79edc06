//! The dashboard issue: read before anything is decided, since people answer by its boxes; written last.

use crate::commands::update::Found;
use crate::commands::update::report::Image;
use crate::domain::conduct::{Marker, Names, marked};
use crate::domain::dashboard::{self, Asked, Dashboard, Entry, Question};
use crate::domain::finding::Finding;
use crate::domain::forge::{Edit, Issue};
use crate::domain::version::Order;
use crate::github::{GithubError, Repository};
use crate::upstream::Upstream;

use super::look::State;
use super::{Base, Row};

/// The issue as it is, and what people ask for in it.
#[derive(Default)]
pub struct Board {
    issue: Option<Issue>,
    pub asked: Asked,
    /// Why it cannot be seen, and so neither be made: two would be one too many.
    unseen: Option<GithubError>,
}

impl Board {
    /// Finds it; only who may set labels can make one that counts.
    ///
    /// A token that may not see issues, and a repository without any, have none; that keeps nothing else from being done.
    pub async fn read(repository: &Repository) -> Result<Self, GithubError> {
        let issues = match repository.issues(dashboard::LABEL).await {
            Ok(issues) => issues,
            Err(error) if error.is_for_all() => return Err(error),
            Err(error) => {
                return Ok(Self {
                    unseen: Some(error),
                    ..Self::default()
                });
            }
        };
        let issue = issues
            .into_iter()
            .find(|issue| dashboard::is_ours(&issue.body));
        let asked = issue.as_ref().map(|issue| Asked::read(&issue.body));
        Ok(Self {
            asked: asked.unwrap_or_default(),
            issue,
            unseen: None,
        })
    }

    /// Takes back answers that people gave by closing pull requests.
    pub async fn lift(&self, repository: &Repository, names: Names<'_>) -> Result<(), GithubError> {
        for number in &self.asked.reopen {
            let pull = match repository.pull_request(*number).await {
                Err(error) if error.is_not_found() => continue,
                pull => pull?,
            };
            let is_answer = !pull.is_open && !pull.is_merged && names.group(&pull.branch).is_some();
            if let Some(marker) =
                Marker::read(&pull.body).filter(|marker| is_answer && !marker.lifted)
            {
                let body = marked(
                    &pull.body,
                    &Marker {
                        lifted: true,
                        ..marker
                    },
                );
                let edit = Edit {
                    body: Some(&body),
                    ..Edit::default()
                };
                repository.edit_pull_request(*number, edit).await?;
            }
        }
        Ok(())
    }

    /// Brings it up to date, or closes it where nobody wants it.
    pub async fn write(
        &self,
        repository: &Repository,
        wanted: Option<&Dashboard>,
    ) -> Result<(), GithubError> {
        if let (Some(_), Some(error)) = (wanted, &self.unseen) {
            return Err(error.clone().needs("issues: write"));
        }
        match (wanted.map(Dashboard::text), &self.issue) {
            (Some(text), None) => {
                let labels = [dashboard::LABEL.to_owned()];
                repository
                    .create_issue(dashboard::TITLE, &text, &labels)
                    .await?;
            }
            (Some(text), Some(issue)) if issue.body.replace("\r\n", "\n") != text => {
                let edit = Edit {
                    body: Some(&text),
                    ..Edit::default()
                };
                repository.edit_issue(issue.number, edit).await?;
            }
            (None, Some(issue)) => {
                let edit = Edit {
                    is_open: Some(false),
                    ..Edit::default()
                };
                repository.edit_issue(issue.number, edit).await?;
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        Ok(())
    }

    /// What it shows after this run.
    pub fn shown(
        &self,
        base: &Base,
        upstream: &Upstream,
        found: &Found<'_>,
        state: &State<'_>,
        news: News<'_>,
    ) -> Dashboard {
        let today = base.settings.today;
        let entry = |image: &Image<'_>| {
            let definition = image.definition;
            let tracked = upstream.tracked(definition).ok()??;
            let newest = definition
                .versions
                .iter()
                .max_by(|one, other| Order::default().compare(&one.version, &other.version));
            Some(Entry {
                image: definition.name.clone(),
                source: tracked.source.name.clone(),
                version: newest.map(|version| version.version.clone()),
                built: newest.and_then(|version| version.build_date),
                promise: definition
                    .meta
                    .get("replace_frequency")
                    .map(ToString::to_string),
                newer: image.newer(),
                failed: image.has_failed(),
                pull_request: news.number_of(state, &definition.name),
            })
        };
        let entries: Vec<Entry> = found
            .images
            .iter()
            .filter(|image| image.definition.enable)
            .filter_map(entry)
            .collect();
        Dashboard {
            looks: dashboard::looked(&self.asked.looks, &entries, today),
            entries,
            findings: news.findings.to_vec(),
            questions: news.questions.to_vec(),
            today,
        }
    }
}

/// What a run has to tell.
#[derive(Clone, Copy)]
pub struct News<'a> {
    pub rows: &'a [Row],
    pub findings: &'a [Finding],
    pub questions: &'a [Question],
}

impl News<'_> {
    /// The open pull request that proposes a version of an image.
    fn number_of(self, state: &State<'_>, image: &str) -> Option<u64> {
        let row = self.rows.iter().find(|row| {
            row.images.iter().any(|one| one == image)
                || state.proposed(&row.group).contains_key(image)
        })?;
        row.number.filter(|_| row.is_open())
    }
}
