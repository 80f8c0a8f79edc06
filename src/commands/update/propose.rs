//! `reglaze update --pull-request`: one pull request for each group of new versions.
//!
//! Settings, definitions, sources and keys are read from the head of the base branch, never from a work tree. What is
//! there is seen before anything is written, and every branch moves only from where it was seen.

mod base;
mod beside;
mod board;
mod branch;
mod carry_out;
mod case;
mod look;
mod row;
mod texts;

use std::cell::Cell;
use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{Found, Given, find, given, offers, report};
use crate::cli::Shared;
use crate::definitions::File;
use crate::domain::conduct::{Names, Outcome, Trailers};
use crate::domain::dashboard::Question;
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::proposal::{Group, groups};
use crate::domain::report::Report;
use crate::github::{Credentials, Patience, Place, Repository};
use crate::settings::{self, Settings};
use crate::upstream::Upstream;
pub use base::Base;
use board::{Board, News};
use branch::Branches;
use case::Case;
use look::State;
pub use row::Row;

/// Opens, updates and closes pull requests.
pub async fn run(flags: &Shared, today: NaiveDate) -> anyhow::Result<Report> {
    let environment = settings::environment();
    let place = Place::from_environment(&environment)?;
    let credentials = Credentials::from_environment(&environment)?;
    let repository = Repository::connect(place, credentials, Patience::default())
        .await?
        .with_cache(crate::settings::cache().as_deref());
    let base = base::read(&repository, flags, today).await?;
    let rules = &base.settings.pull_requests;
    let repository = repository.with_patience(Patience {
        between_writes: rules.pause,
        in_all: rules.patience,
        ..Patience::default()
    });
    let settings = &base.settings;
    let Given {
        files,
        definitions,
        upstream,
    } = match given(settings)? {
        Ok(given) => given,
        Err(findings) => return Ok(report::broken(findings)),
    };
    let found = find(settings, &upstream, &files, &definitions).await;
    let names = Names {
        prefix: &rules.branch_prefix,
    };
    let state = State::read(&repository, names, &base).await?;
    let board = Board::read(&repository).await?;
    board.lift(&repository, names).await?;
    let branches = Branches {
        repository: &repository,
        names,
        base: &base,
        run: once(),
        without_graphql: Cell::new(false),
    };
    let run = Run {
        repository: &repository,
        base: &base,
        upstream: &upstream,
        found: &found,
        files: &files,
        definitions: &definitions,
        state: &state,
        branches: &branches,
        unknown: unknown(settings, &definitions, &found),
        board: &board,
    };
    let Done {
        rows,
        mut findings,
        questions,
        is_stopped,
    } = run.all().await;
    let news = News {
        rows: &rows,
        findings: &found.findings(&findings),
        questions: &questions,
    };
    let shown = rules
        .dashboard
        .then(|| board.shown(&base, &upstream, &found, &state, news));
    if !is_stopped && let Err(error) = board.write(&repository, shown.as_ref()).await {
        findings.push(Finding::warning("dashboard", error.to_string()));
    }
    let requests = repository.requests();
    tracing::info!("GitHub: {requests}");
    Ok(row::report(found, &rows, findings))
}

/// A word that no other run has, not even one of the same number that is repeated: the hasher's keys are random.
fn once() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// The images of which nothing is known in this run: their upstream failed, or nobody looked.
fn unknown(settings: &Settings, definitions: &[Definition], found: &Found<'_>) -> BTreeSet<String> {
    let failed = found
        .images
        .iter()
        .filter(|image| image.has_failed())
        .map(|image| image.definition.name.clone());
    let not_looked_at = definitions
        .iter()
        .filter(|one| one.enable && !settings.looks_at(&one.name))
        .map(|one| one.name.clone());
    failed.chain(not_looked_at).collect()
}

/// One run over all groups.
struct Run<'a> {
    repository: &'a Repository,
    base: &'a Base,
    upstream: &'a Upstream,
    found: &'a Found<'a>,
    files: &'a [File],
    definitions: &'a [Definition],
    state: &'a State<'a>,
    branches: &'a Branches<'a>,
    unknown: BTreeSet<String>,
    board: &'a Board,
}

/// What became of all groups.
#[derive(Default)]
struct Done {
    rows: Vec<Row>,
    findings: Vec<Finding>,
    questions: Vec<Question>,
    /// Whether nothing can be asked any more, of which a finding tells.
    is_stopped: bool,
}

impl<'a> Run<'a> {
    /// All groups, one after another. What stops one stops the others only if nothing can be asked any more.
    async fn all(&'a self) -> Done {
        let mut done = Done::default();
        let rules = &self.base.settings.pull_requests;
        let mut wanted = groups(offers::offers(self.upstream, self.found), rules.group);
        let keys: BTreeSet<String> = wanted.iter().map(|group| group.key.clone()).collect();
        let left = self
            .state
            .groups()
            .into_iter()
            .filter(|key| !keys.contains(key));
        wanted.extend(left.map(|key| Group {
            title: key.clone(),
            key,
            offers: Vec::new(),
        }));
        let mut open = self.state.count();
        let mut stopped: Option<String> = None;
        for group in wanted {
            let branch = self.branches.names.branch(&group.key);
            let row = Row::new(&group.key, branch, self.state.our_pull_request(&group.key));
            if let Some(error) = &stopped {
                done.rows
                    .push(row.failed(format!("it is left to the next run: {error}")));
                continue;
            }
            let may_open = rules.limit.is_none_or(|limit| open < limit);
            let row = self
                .one(group, row, may_open, &mut done, &mut stopped)
                .await;
            open += usize::from(row.outcome == Outcome::Opened);
            open = open.saturating_sub(usize::from(row.outcome == Outcome::Closed));
            done.rows.push(row);
        }
        if stopped.is_none() {
            self.sweep().await;
        }
        done.is_stopped = stopped.is_some();
        // A branch of ours that is as it should be and has no pull request is nobody's news.
        done.rows
            .retain(|row| row.number.is_some() || row.outcome != Outcome::Current);
        done
    }

    async fn one(
        &'a self,
        group: Group,
        row: Row,
        may_open: bool,
        all: &mut Done,
        stopped: &mut Option<String>,
    ) -> Row {
        let mut case = Case {
            files: Vec::new(),
            trailers: Trailers::of(&group.key, &[]),
            group,
            unknown: self.unknown.clone(),
            declined: false,
            row,
            run: self,
        };
        let done = case.work(may_open, all).await;
        let mut row = case.row;
        if let Err(error) = done {
            if error.is_for_all() {
                *stopped = Some(error.to_string());
            }
            all.findings.push(Finding::error(
                "pull-request",
                format!("`{}`: {error}", row.branch),
            ));
            row = row.failed(error.to_string());
        }
        row
    }

    /// Deletes what earlier runs needed for a moment only.
    async fn sweep(&self) {
        for (name, commit) in self.state.scratch() {
            if let Err(error) = self.branches.delete(name, commit).await {
                tracing::debug!("the branch `{name}` stays: {error}");
            }
        }
    }
}
