//! Review on a pull request, as far as it takes a forge: which pull request a run is of, its base's definitions, the
//! plan's comment, and the plan that was reviewed with a commit.

mod base;
mod bound;
mod post;

use anyhow::{Context as _, anyhow};

use crate::domain::review::event::{self, Event};
use crate::github::{Credentials, Patience, Place, Repository};
use crate::settings::{Settings, environment};

pub use base::difference;
pub use bound::reviewed;
pub use post::post;

/// A run of a pull request, and the repository that it is in.
pub struct Review {
    /// The repository.
    pub repository: Repository,
    /// The pull request.
    pub event: Event,
}

impl Review {
    /// Finds out which pull request this run is of, and logs in.
    pub async fn begin(settings: &Settings) -> anyhow::Result<Self> {
        let place = place()?;
        let event = event_of(&place)?;
        Ok(Self {
            repository: connect(settings, place).await?,
            event,
        })
    }

    /// The last commit of the pull request: the one that started the run, as far as the event tells.
    pub async fn head(&self) -> anyhow::Result<String> {
        match &self.event.head {
            Some(head) => Ok(head.clone()),
            None => Ok(self.repository.pull_request(self.event.number).await?.head),
        }
    }
}

fn place() -> anyhow::Result<Place> {
    Ok(Place::from_environment(&environment())?)
}

async fn connect(settings: &Settings, place: Place) -> anyhow::Result<Repository> {
    let credentials = Credentials::from_environment(&environment())?;
    let patience = Patience {
        between_writes: settings.pull_requests.pause,
        in_all: settings.pull_requests.patience,
        ..Patience::default()
    };
    Ok(Repository::connect(place, credentials, patience).await?)
}

fn event_of(place: &Place) -> anyhow::Result<Event> {
    let none = || {
        let event = place.event.as_deref().unwrap_or("none");
        anyhow!(
            "--pull-request was given, and this run is of no pull request (its event: {event}); expected a job that \
             `on: pull_request` starts, where `GITHUB_EVENT_PATH` tells which; leave the flag away elsewhere"
        )
    };
    let path = place.event_file.as_ref().ok_or_else(none)?;
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("could not read the event `{path}` of `GITHUB_EVENT_PATH`"))?;
    event::read(&text).ok_or_else(none)
}
