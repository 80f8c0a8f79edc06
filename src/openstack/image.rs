//! Glance v2: lists, and one call for each change of an image.
//!
//! Knows how, never whether. What may be deleted, published or changed is decided in the domain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, json};
use url::Url;

use super::answer::Answer;
use super::call::{Call, shown};
use super::error::Error;
use super::listing::{self, ImageDocument, Page, Versions};
use super::remedy::remedy;
use super::session::Session;
use crate::domain::patch::Patch;
use crate::domain::snapshot::{CloudImage, Snapshot, Status, Visibility};

/// The most that Glance gives on one page by default (`api_limit_max`).
const PAGE: usize = 1000;

/// The only type of a PATCH that Glance takes: neither JSON's own nor version 2.0.
const PATCH_TYPE: &str = "application/openstack-images-v2.1-json-patch";

/// The image service of one cloud.
#[derive(Debug, Clone)]
pub struct Image {
    pub(super) session: Arc<Session>,
    base: Url,
    page: usize,
}

/// What a new image is created with. Its data comes later.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewImage {
    /// The UUID, if it is to be a certain one. That of a deleted image is never free again.
    pub id: Option<String>,
    /// The display name.
    pub name: String,
    /// `qcow2`, `raw`, …
    pub disk_format: String,
    /// `bare`, mostly.
    pub container_format: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether default lists leave it out.
    pub hidden: bool,
    /// The smallest disk, in GiB.
    pub min_disk: u64,
    /// The smallest memory, in MiB.
    pub min_ram: u64,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Its free properties.
    pub properties: BTreeMap<String, String>,
}

/// How a deletion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It is deleted.
    Deleted,
    /// It was not there any more.
    GoneAlready,
}

impl Image {
    /// Finds the image service of the session's cloud: at most one call, none if the URL names a version.
    pub async fn connect(session: Arc<Session>) -> Result<Self, Error> {
        let endpoint = session.image_endpoint()?;
        let base = match listing::version_2(&endpoint) {
            Some(base) => base,
            None => discovered(&session, &endpoint).await?,
        };
        Ok(Self {
            session,
            base,
            page: PAGE,
        })
    }

    /// Asks for pages of another length; for tests.
    #[must_use]
    pub fn with_pages_of(mut self, images: usize) -> Self {
        self.page = images;
        self
    }

    /// Gives the session that this uses.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Gives the URL of version 2 of the service.
    pub fn endpoint(&self) -> &Url {
        &self.base
    }

    /// Reads all images that concern `owner`'s catalogue with the mark `tag`: two series of pages, both to their end.
    ///
    /// The one with visible images comes first: one that is hidden meanwhile comes twice rather than never.
    /// Of the hidden ones only those with the mark matter, as no default list shows the others.
    pub async fn snapshot(&self, tag: &str, owner: &str) -> Result<Snapshot, Error> {
        let concerns = |image: &CloudImage| image.tags.contains(tag) || image.is_listed();
        let mut images = self.series(&[("visibility", "all")], concerns).await?;
        let hidden = [("visibility", "all"), ("os_hidden", "true"), ("tag", tag)];
        images.extend(self.series(&hidden, concerns).await?);
        Ok(Snapshot::new(images, tag, owner))
    }

    /// Reads all images of `owner`, marked or not, and of others those that concern its catalogue: a snapshot before it is
    /// parted. The hidden ones of others show in nobody's list, unless they bear the mark.
    pub async fn images_of(&self, tag: &str, owner: &str) -> Result<Vec<CloudImage>, Error> {
        let concerns = |image: &CloudImage| {
            image.owner.as_deref() == Some(owner) || image.tags.contains(tag) || image.is_listed()
        };
        let mut images = self.series(&[("visibility", "all")], concerns).await?;
        for (key, value) in [("owner", owner), ("tag", tag)] {
            let hidden = [("visibility", "all"), ("os_hidden", "true"), (key, value)];
            images.extend(self.series(&hidden, concerns).await?);
        }
        // One that was hidden meanwhile comes twice, and counts as it came last.
        let by_id: BTreeMap<String, CloudImage> = images
            .into_iter()
            .map(|image| (image.id.clone(), image))
            .collect();
        Ok(by_id.into_values().collect())
    }

    /// Reads the images that have the tag and these properties, hidden ones too.
    pub async fn with_properties(
        &self,
        tag: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<Vec<CloudImage>, Error> {
        let mut filters = vec![("visibility", "all"), ("tag", tag)];
        filters.extend(
            properties
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        );
        let mut images = self.series(&filters, |_| true).await?;
        filters.push(("os_hidden", "true"));
        images.extend(self.series(&filters, |_| true).await?);
        let by_id: BTreeMap<String, CloudImage> = images
            .into_iter()
            .map(|image| (image.id.clone(), image))
            .collect();
        Ok(by_id.into_values().collect())
    }

    /// Reads one list to its end, and keeps of it what `wanted` says. A list that breaks off is an error.
    async fn series(
        &self,
        filters: &[(&str, &str)],
        wanted: impl Fn(&CloudImage) -> bool,
    ) -> Result<Vec<CloudImage>, Error> {
        let mut images = Vec::new();
        let mut markers = BTreeSet::new();
        let mut marker: Option<String> = None;
        loop {
            let mut url = self.url(&["images"]);
            url.query_pairs_mut()
                .append_pair("limit", &self.page.to_string())
                .extend_pairs(filters)
                .extend_pairs(marker.iter().map(|marker| ("marker", marker)));
            let call = Call::new(Method::GET, url, "read the list of images");
            let answer = self.session.send(&call).await?;
            if answer.status != StatusCode::OK {
                return Err(self.refused(&call, &answer));
            }
            let malformed = |found| Error::Malformed {
                doing: call.doing.clone(),
                url: shown(&call.url),
                found,
                expected: "a whole page of images",
            };
            let page: Page = answer.json().map_err(malformed)?;
            let next = page.next_marker().map_err(malformed)?;
            for document in page.images {
                let image = document.image().map_err(malformed)?;
                if wanted(&image) {
                    images.push(image);
                }
            }
            match next {
                None => return Ok(images),
                Some(next) if markers.insert(next.clone()) => marker = Some(next),
                Some(next) => {
                    return Err(malformed(format!("pages in a circle, twice from `{next}`")));
                }
            }
        }
    }

    /// Reads one image; `None` if it is not there, or another project's that may not be seen.
    pub async fn image(&self, id: &str) -> Result<Option<CloudImage>, Error> {
        let call = Call::new(
            Method::GET,
            self.url(&["images", id]),
            format!("read image `{id}`"),
        );
        let answer = self.session.send(&call).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.one(&call, &answer, &[StatusCode::OK]).map(Some)
    }

    /// Creates an image without data. Never repeated: a lost answer could leave two.
    pub async fn create(&self, new: &NewImage) -> Result<CloudImage, Error> {
        let mut body = Map::new();
        for (key, value) in &new.properties {
            body.insert(key.clone(), value.as_str().into());
        }
        if let Some(id) = &new.id {
            body.insert("id".to_owned(), id.as_str().into());
        }
        body.extend([
            ("name".to_owned(), new.name.as_str().into()),
            ("disk_format".to_owned(), new.disk_format.as_str().into()),
            (
                "container_format".to_owned(),
                new.container_format.as_str().into(),
            ),
            ("visibility".to_owned(), new.visibility.as_str().into()),
            ("os_hidden".to_owned(), new.hidden.into()),
            ("min_disk".to_owned(), new.min_disk.into()),
            ("min_ram".to_owned(), new.min_ram.into()),
            ("tags".to_owned(), json!(new.tags)),
        ]);
        let doing = format!("create image `{}`", new.name);
        let call = Call::new(Method::POST, self.url(&["images"]), doing).with_json(body.into());
        let answer = self.session.send(&call).await?;
        self.one(&call, &answer, &[StatusCode::CREATED])
    }

    /// Changes an image, in one PATCH that is done wholly or not at all, and gives what it is then.
    pub async fn patch(&self, id: &str, patch: &Patch) -> Result<CloudImage, Error> {
        let doing = match patch.visibility {
            Some(Visibility::Public) => format!("publish image `{id}`"),
            _ => format!("change image `{id}`"),
        };
        let mut call = Call::new(Method::PATCH, self.url(&["images", id]), doing);
        call.json = Some((PATCH_TYPE, patch.operations()));
        let answer = self.session.send(&call).await?;
        self.one(&call, &answer, &[StatusCode::OK])
    }

    /// Says in which format the data of a queued image will come; once it has data Glance refuses that.
    pub async fn set_disk_format(&self, id: &str, format: &str) -> Result<(), Error> {
        let doing = format!("set the format of image `{id}`");
        let mut call = Call::new(Method::PATCH, self.url(&["images", id]), doing);
        let change = json!([{"op": "replace", "path": "/disk_format", "value": format}]);
        call.json = Some((PATCH_TYPE, change));
        let answer = self.session.send(&call).await?;
        self.done(&call, &answer)
    }

    /// Deletes an image. A 500 is tried again once: Glance gives one while a task still ends, and the second works.
    pub async fn delete(&self, id: &str) -> Result<Deletion, Error> {
        let call = Call::new(
            Method::DELETE,
            self.url(&["images", id]),
            format!("delete image `{id}`"),
        );
        let mut answer = self.session.send(&call).await?;
        if answer.status == StatusCode::INTERNAL_SERVER_ERROR {
            tokio::time::sleep(Duration::from_millis(500)).await;
            answer = self.session.send(&call).await?;
        }
        match answer.status {
            StatusCode::NO_CONTENT => Ok(Deletion::Deleted),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Deletion::GoneAlready),
            _ => Err(self.refused(&call, &answer)),
        }
    }

    /// Makes an image unusable for boots and downloads. May be repeated.
    pub async fn deactivate(&self, id: &str) -> Result<(), Error> {
        self.act(id, "deactivate").await
    }

    /// Makes a deactivated image usable again. May be repeated.
    pub async fn reactivate(&self, id: &str) -> Result<(), Error> {
        self.act(id, "reactivate").await
    }

    async fn act(&self, id: &str, action: &str) -> Result<(), Error> {
        let url = self.url(&["images", id, "actions", action]);
        let call = Call::new(Method::POST, url, format!("{action} image `{id}`"));
        let answer = self.session.send(&call).await?;
        self.done(&call, &answer)
    }

    /// Waits until an image is active and no task works on it any more.
    pub async fn settled(&self, id: &str, within: Duration) -> Result<CloudImage, Error> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            let image = self.image(id).await?;
            let state = match image {
                Some(image) if image.is_settled() => return Ok(image),
                None => "gone".to_owned(),
                Some(image) => {
                    let at_work = image.import_task.is_some() && !image.import_failed()
                        || matches!(image.status, Status::Saving | Status::Importing);
                    if at_work && begun.elapsed() < within {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(Duration::from_secs(2));
                        continue;
                    }
                    if image.import_failed() {
                        format!(
                            "`{}`, as an import failed; the reason is in Glance's log",
                            image.status
                        )
                    } else {
                        format!("`{}` after {} s", image.status, begun.elapsed().as_secs())
                    }
                }
            };
            return Err(Error::NotActive {
                id: id.to_owned(),
                state,
            });
        }
    }

    /// Gives a URL of the service; what is inserted cannot leave its segment.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    fn one(
        &self,
        call: &Call,
        answer: &Answer,
        expected: &[StatusCode],
    ) -> Result<CloudImage, Error> {
        let document: ImageDocument = self.parsed(call, answer, expected, "an image")?;
        document
            .image()
            .map_err(|found| malformed(call, found, "an image"))
    }

    pub(super) fn parsed<T: DeserializeOwned>(
        &self,
        call: &Call,
        answer: &Answer,
        statuses: &[StatusCode],
        expected: &'static str,
    ) -> Result<T, Error> {
        if !statuses.contains(&answer.status) {
            return Err(self.refused(call, answer));
        }
        answer
            .json()
            .map_err(|found| malformed(call, found, expected))
    }

    pub(super) fn done(&self, call: &Call, answer: &Answer) -> Result<(), Error> {
        match answer.status {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
            _ => Err(self.refused(call, answer)),
        }
    }

    /// Says what Glance answered, and what can be done about it.
    pub(super) fn refused(&self, call: &Call, answer: &Answer) -> Error {
        Error::Refused {
            doing: call.doing.clone(),
            service: "Glance",
            status: answer.status.as_u16(),
            message: self.session.without_secrets(&answer.message()),
            remedy: remedy(call, answer, &self.session.cloud().described_in),
        }
    }
}

fn malformed(call: &Call, found: String, expected: &'static str) -> Error {
    Error::Malformed {
        doing: call.doing.clone(),
        url: shown(&call.url),
        found,
        expected,
    }
}

/// Asks which versions there are. A service that does not tell is taken to have version 2: the next call shows it.
async fn discovered(session: &Session, endpoint: &Url) -> Result<Url, Error> {
    let mut url = endpoint.clone();
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    let call = Call::new(Method::GET, url, "ask Glance for its versions");
    let answer = session.send_without_token(&call).await?;
    if !matches!(answer.status, StatusCode::OK | StatusCode::MULTIPLE_CHOICES) {
        tracing::debug!(
            status = answer.status.as_u16(),
            "no list of versions; taking version 2"
        );
        return Ok(listing::below(endpoint));
    }
    let found = match answer.json::<Versions>() {
        Ok(versions) if versions.have_2() => return Ok(listing::below(endpoint)),
        Ok(versions) => format!("only the versions {}", versions.shown()),
        Err(found) => found,
    };
    Err(Error::NotTheService {
        url: shown(&call.url),
        expected: "Glance v2",
        found,
        key: "image_endpoint_override",
        file: session.cloud().described_in.clone(),
    })
}
