//! Imports into Glance: staging, asking for one, and waiting for its end.
//!
//! What the answers and the image mean is decided in `domain::import`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::Stream;
use reqwest::{Method as Verb, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::data::{Cause, To};
use super::error::Error;
use super::image::Image;
use crate::domain::import::{
    self, Begin, Goal, Method, Observed, Patience, State, Task, TaskStatus,
};
use crate::domain::snapshot::CloudImage;

/// How often one import is asked for that a deadlock in Glance's database refuses.
const TRIES: u32 = 4;

/// What cannot be read while an import runs may be read a little later; a Glance that is away for longer ends the wait.
const AWAY: Duration = Duration::from_mins(3);

/// The longest pause between two looks at an import.
const PAUSE: Duration = Duration::from_secs(5);

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Import<'a> {
    /// The way.
    pub method: Method,
    /// What Glance fetches, where it does.
    pub url: Option<&'a str>,
    /// Where the data goes; nothing says the cloud's default.
    pub stores: &'a [String],
}

/// An import that Glance took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Its task, if the cloud tells it.
    pub task: Option<String>,
    at: Instant,
}

impl Image {
    /// Stages the data of a queued image, of `size` bytes if that is known. Afterwards it is `uploading`, and waits for
    /// its import.
    ///
    /// An error in `data` breaks it off: Glance then has no complete data, and the image is queued again.
    /// A 401 has renewed the token when this returns: the whole may be tried again.
    pub async fn stage<S, E>(&self, id: &str, size: Option<u64>, data: S) -> Result<(), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Cause> + 'static,
    {
        self.send_data(id, To::Staging, size, data).await
    }

    /// Reads the tasks of an image, in no order. None where the cloud does not tell them.
    pub async fn tasks(&self, id: &str) -> Result<Vec<Task>, Error> {
        #[derive(Deserialize)]
        struct Tasks {
            tasks: Vec<TaskDocument>,
        }
        #[derive(Deserialize)]
        struct TaskDocument {
            id: String,
            status: String,
            message: Option<String>,
        }
        let url = self.url(&["images", id, "tasks"]);
        let call = Call::new(Verb::GET, url, format!("read the tasks of image `{id}`"));
        let answer = self.session.send(&call).await?;
        if matches!(
            answer.status,
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED
        ) {
            return Ok(Vec::new());
        }
        let Tasks { tasks } = self.parsed(&call, &answer, &[StatusCode::OK], "a list of tasks")?;
        let task = |task: TaskDocument| Task {
            id: task.id,
            status: TaskStatus::parse(&task.status),
            message: task.message.unwrap_or_default(),
        };
        Ok(tasks.into_iter().map(task).collect())
    }

    /// Asks for an import. That Glance took it says nothing of how it ends.
    ///
    /// One that a deadlock refuses, or whose answer is lost, is asked for again if image and tasks show that it did not
    /// begin.
    pub async fn import(&self, id: &str, import: Import<'_>) -> Result<Begun, Error> {
        let before: Vec<String> = self
            .tasks(id)
            .await?
            .into_iter()
            .map(|task| task.id)
            .collect();
        let url = self.url(&["images", id, "import"]);
        let doing = format!("import image `{id}` by `{}`", import.method.as_str());
        let call = Call::new(Verb::POST, url, doing).with_json(body(import));
        let mut tries = 0;
        loop {
            tries += 1;
            let at = Instant::now();
            let answer = match self.session.send(&call).await {
                Err(error @ (Error::Unreachable { .. } | Error::Timeout { .. })) => Err(error),
                other => Ok(other?),
            };
            let status = answer.as_ref().ok().map(|answer| answer.status.as_u16());
            let (image, after) = (self.image(id).await?, self.tasks(id).await?);
            match import::begin(status, image.as_ref(), &before, &after) {
                Begin::Begun(task) => return Ok(Begun { task, at }),
                Begin::Again if tries < TRIES => {
                    tracing::debug!(id, status, "asking for the import again");
                    tokio::time::sleep(Duration::from_millis(200) * tries).await;
                }
                Begin::Again | Begin::Refused => return Err(self.refused(&call, &answer?)),
            }
        }
    }

    /// Waits for the end of an import, and gives what the image is then; `tell` hears of each change.
    pub async fn imported(
        &self,
        id: &str,
        begun: &Begun,
        goal: Goal<'_>,
        patience: Patience,
        mut tell: impl FnMut(&CloudImage, Option<&Task>),
    ) -> Result<CloudImage, Error> {
        let mut last: Option<(Option<CloudImage>, Option<Task>)> = None;
        let (mut changed, mut read) = (Instant::now(), Instant::now());
        let mut pause = Duration::from_millis(50);
        loop {
            let seen = match self.seen(id, begun).await {
                Ok(seen) => seen,
                Err(error) if is_passing(&error) && read.elapsed() < AWAY => {
                    tracing::debug!(id, "could not look at the import: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            read = Instant::now();
            if last.as_ref() != Some(&seen) {
                (changed, pause) = (read, Duration::from_millis(50));
                if let (Some(image), task) = &seen {
                    tell(image, task.as_ref());
                }
            }
            let observed = Observed {
                image: seen.0.as_ref(),
                task: seen.1.as_ref(),
                since: begun.at.elapsed(),
                unchanged: changed.elapsed(),
            };
            match (import::state(goal, observed, patience), seen.0) {
                (State::Done, Some(image)) => return Ok(image),
                (State::Failed(failure), _) => {
                    return Err(Error::Import {
                        id: id.to_owned(),
                        failure,
                    });
                }
                (State::Waiting | State::Done, image) => last = Some((image, seen.1)),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(PAUSE);
        }
    }

    /// The image, then its import's task: a task that ended later than the image was read is seen once more.
    async fn seen(
        &self,
        id: &str,
        begun: &Begun,
    ) -> Result<(Option<CloudImage>, Option<Task>), Error> {
        let image = self.image(id).await?;
        let task = match (&begun.task, &image) {
            (Some(own), Some(_)) => {
                let tasks = self.tasks(id).await?;
                tasks.into_iter().find(|task| task.id == *own)
            }
            _ => None,
        };
        Ok((image, task))
    }
}

fn body(import: Import<'_>) -> Value {
    let mut method = Map::from_iter([("name".to_owned(), json!(import.method.as_str()))]);
    if let Some(url) = import.url {
        method.insert("uri".to_owned(), json!(url));
    }
    let mut body = Map::from_iter([("method".to_owned(), method.into())]);
    // A cloud with one nameless store refuses both.
    if !import.stores.is_empty() {
        body.insert("stores".to_owned(), json!(import.stores));
        body.insert("all_stores_must_succeed".to_owned(), json!(true));
    }
    body.into()
}

/// Whether the same question may be answered a little later.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Unreachable { .. } | Error::Timeout { .. })
        || error
            .status()
            .is_some_and(|status| status >= StatusCode::INTERNAL_SERVER_ERROR.as_u16())
}
