//! The ways of an image's bytes into a cloud's Glance: by whom they are sent, and when Glance is done with them.
//!
//! Which way is taken was decided by the plan (`domain::way`).

mod copy;
mod fetch;
mod look;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use bytes::Bytes;
use futures_util::Stream;

pub use copy::copy;
pub use fetch::{Fetch, Fetched, fetch, refuse_packed};

use crate::domain::finding::Finding;
use crate::domain::import::{self, Goal, Patience, Task};
use crate::domain::patch::Patch;
use crate::domain::proof::Proven;
use crate::domain::snapshot::{CloudImage, Status};
use crate::domain::transfer::Method;
use crate::domain::way::{CONVERTED, Way};
use crate::openstack::{self, Image, Import};

/// Glance needs no longer than this from the last byte to `active`, unless something is wrong.
const SETTLING: Duration = Duration::from_mins(5);

/// Between two looks at that.
const PAUSE: Duration = Duration::from_millis(500);

/// Glance notices no later than this that nobody sends any more (uWSGI's `chunked-input-timeout` is a minute).
const NOTICING: Duration = Duration::from_secs(90);

/// Where one image's bytes come into a cloud, sent by us.
pub struct Entrance<'a> {
    service: &'a Image,
    way: &'a Way,
    label: String,
    notes: Mutex<Vec<Finding>>,
}

impl<'a> Entrance<'a> {
    /// `label`: what people call the transfer.
    pub fn new(service: &'a Image, way: &'a Way, label: String) -> Self {
        Self {
            service,
            way,
            label,
            notes: Mutex::default(),
        }
    }

    /// Sends the bytes, of which the last one comes only when all are proven.
    pub async fn send<S, E>(
        &self,
        id: &str,
        size: Option<u64>,
        pieces: S,
    ) -> Result<(), openstack::Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        if self.way.method == Method::GlanceDirect {
            self.is_free(id).await?;
            return self.service.stage(id, size, pieces).await;
        }
        let store = self.way.store.as_deref();
        self.service.upload_into(id, store, size, pieces).await
    }

    /// Waits until Glance has noticed that what was sent before broke off.
    pub async fn is_free(&self, id: &str) -> Result<(), openstack::Error> {
        let begun = Instant::now();
        while begun.elapsed() < NOTICING {
            let image = self.service.image(id).await?;
            let is_busy = image.is_some_and(|image| match image.status {
                Status::Saving => true,
                Status::Uploading => image.size.is_none(),
                _ => false,
            });
            if !is_busy {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Waits until Glance has all of it, and compares what it stored. `format`: what was sent.
    pub async fn stored(&self, id: &str, format: &str, proven: &Proven) -> anyhow::Result<()> {
        let image = if self.way.method == Method::GlanceDirect {
            let method = import::Method::GlanceDirect;
            let patience = Patience::for_bytes(proven.size());
            imported(
                self.service,
                self.way,
                &self.label,
                id,
                method,
                None,
                patience,
            )
            .await?
        } else {
            self.service.settled(id, SETTLING).await?
        };
        let other = image.disk_format.as_deref().filter(|now| *now != format);
        if let (Some(now), Method::GlanceDirect) = (other, self.way.method) {
            return self.converted(id, format, now).await;
        }
        proven.stored(
            image.os_hash_algo.as_deref(),
            image.os_hash_value.as_deref(),
        )?;
        if let Some(size) = image.size.filter(|size| *size != proven.size()) {
            bail!("Glance stored {size} bytes; sent were {}", proven.size());
        }
        Ok(())
    }

    /// What the cloud's import plugins made of proven bytes has another digest, so it says for ever that it has.
    async fn converted(&self, id: &str, format: &str, now: &str) -> anyhow::Result<()> {
        let patch = Patch {
            set: [(CONVERTED.to_owned(), "by-cloud".to_owned())].into(),
            ..Patch::default()
        };
        self.service.patch(id, &patch).await?;
        let message = format!(
            "{}: the cloud's import plugins made `{now}` of the proven `{format}` bytes, so what is stored cannot be \
             compared with them; its property `{CONVERTED}` tells so",
            self.label
        );
        let note = Finding::note("converted-by-cloud", message).id(id);
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(note);
        Ok(())
    }

    /// What was noticed on the way.
    pub fn notes(&self) -> Vec<Finding> {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Imports an image, and waits for the end.
async fn imported(
    service: &Image,
    way: &Way,
    label: &str,
    id: &str,
    method: import::Method,
    url: Option<&str>,
    patience: Patience,
) -> Result<CloudImage, openstack::Error> {
    let stores: Vec<String> = way.store.iter().cloned().collect();
    let import = Import {
        method,
        url,
        stores: &stores,
    };
    let begun = service.import(id, import).await?;
    let tell = |image: &CloudImage, task: Option<&Task>| told(label, image, task);
    service
        .imported(id, &begun, Goal::Filled, patience, tell)
        .await
}

/// Says how far an import is.
fn told(label: &str, image: &CloudImage, task: Option<&Task>) {
    if let Some(bytes) = task.and_then(Task::copied) {
        tracing::info!("{label}: {} MiB are in the store", bytes >> 20);
    } else {
        tracing::debug!("{label}: {}", image.status);
    }
}
