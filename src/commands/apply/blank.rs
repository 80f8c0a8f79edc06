//! The image in Glance before it has its bytes: private, marked and unproven, so that whatever happens next, the mark finds
//! it again.

use anyhow::Context as _;

use super::Run;
use super::way::Entrance;
use crate::domain::patch::Patch;
use crate::domain::snapshot::Status;
use crate::domain::step::{self, Step};
use crate::domain::wanted::{IMAGE_NAME, INTERNAL_VERSION, STATE, UNPROVEN};
use crate::domain::way;
use crate::openstack::{Image, NewImage};

/// What an image is created with that waits for its bytes.
#[derive(Clone, Copy)]
pub struct Blank<'a> {
    pub run: Run<'a>,
    pub service: &'a Image,
    pub step: &'a Step,
    pub upload: &'a step::Upload,
}

impl Blank<'_> {
    /// Creates it, or takes the one with the ID that the definition asks for, if that is there. Gives its ID.
    pub async fn create(self) -> anyhow::Result<String> {
        let mark = way::mark(self.upload.way.method);
        if let (Some(id), true) = (&self.upload.id, self.upload.exists) {
            let image = self.service.image(id).await?;
            let image = image.with_context(|| format!("image `{id}` has vanished; run again"))?;
            // An earlier run may have wanted it in another form.
            if image.disk_format.as_ref() != Some(&self.upload.format) {
                self.service
                    .set_disk_format(id, &self.upload.format)
                    .await?;
            }
            if let Some((key, value)) = mark.filter(|(key, _)| !image.properties.contains_key(*key))
            {
                let patch = Patch {
                    set: [(key.to_owned(), value.to_owned())].into(),
                    ..Patch::default()
                };
                self.service.patch(id, &patch).await?;
            }
            return Ok(id.clone());
        }
        let version = self.step.version.clone().unwrap_or_default();
        let new = NewImage {
            id: self.upload.id.clone(),
            name: self.upload.name.clone(),
            disk_format: self.upload.format.clone(),
            container_format: "bare".to_owned(),
            tags: [self.run.settings.tag.clone()].into(),
            properties: [
                (IMAGE_NAME, self.step.image.as_str()),
                (INTERNAL_VERSION, &version),
                (STATE, UNPROVEN),
            ]
            .into_iter()
            .chain(mark)
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
            ..NewImage::default()
        };
        Ok(self.service.create(&new).await?.id)
    }

    /// Makes a new one in place of one whose bytes broke off: Glance may not have noticed that yet, and would put the end of
    /// the old upload over the new one.
    ///
    /// One whose ID the definition asks for is waited for, since an ID is never free again.
    pub async fn anew(self, id: &str, entrance: &Entrance<'_>) -> anyhow::Result<String> {
        if self.upload.id.is_some() {
            entrance.is_free(id).await?;
            return Ok(id.to_owned());
        }
        self.replace(id).await
    }

    /// Deletes it, and makes a new one.
    pub async fn replace(self, id: &str) -> anyhow::Result<String> {
        self.service.delete(id).await?;
        self.create().await
    }

    /// Deletes it after an error. One whose ID the definition asks for is kept, unless it has bytes and takes no others.
    pub async fn take_back(self, id: &str, error: anyhow::Error) -> anyhow::Error {
        if self.upload.id.is_some() {
            let image = self.service.image(id).await.ok().flatten();
            let has_bytes = image.is_some_and(|image| image.status == Status::Active);
            return error.context(if has_bytes {
                format!(
                    "image `{id}` stays private with bytes that nobody proved; Glance gives no ID twice, so take another \
                     `id` in the definition"
                )
            } else {
                format!("image `{id}` stays private without bytes, and the next run fills it")
            });
        }
        match self.service.delete(id).await {
            Ok(_) => error,
            Err(left) => {
                tracing::warn!("image `{id}` could not be deleted: {left:#}");
                error.context(format!(
                    "image `{id}` stays private and unproven, and the next run deletes it"
                ))
            }
        }
    }
}
