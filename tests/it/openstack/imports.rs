//! Imports into the real Glance: what it takes says nothing of how it ends, and how it ends is told rightly each time.

mod asked;
mod copies;
mod fetched;
mod plugins;
mod staged;

use std::time::Duration;

use reglaze::domain::import::{Failure, Goal, Method, Patience};
use reglaze::domain::snapshot::{CloudImage, Status};
use reglaze::openstack::{Error, Image, Import};

use super::new_image;
use crate::services::unique;

/// Far more than any import here needs, and little enough for a test to end.
const PATIENCE: Patience = Patience {
    unchanged: Duration::from_mins(1),
    overall: Duration::from_mins(2),
};

/// A queued image of this disk format.
async fn queued(glance: &Image, name: &str, format: &str) -> String {
    let mut new = new_image(&unique(name), &[]);
    format.clone_into(&mut new.disk_format);
    glance.create(&new).await.unwrap().id
}

/// What was staged.
fn direct() -> Import<'static> {
    Import {
        method: Method::GlanceDirect,
        url: None,
        stores: &[],
    }
}

/// What Glance fetches.
fn from(url: &str) -> Import<'_> {
    Import {
        method: Method::WebDownload,
        url: Some(url),
        stores: &[],
    }
}

/// Imports, and waits for the end.
async fn filled(glance: &Image, id: &str, import: Import<'_>) -> Result<CloudImage, Error> {
    let begun = glance.import(id, import).await?;
    glance
        .imported(id, &begun, Goal::Filled, PATIENCE, |_, _| ())
        .await
}

/// The failure, when it is one that leaves the image free.
#[track_caller]
fn failed(result: Result<CloudImage, Error>) -> Failure {
    let error = result.unwrap_err();
    let failure = error.import_failure().cloned();
    failure.unwrap_or_else(|| panic!("{error:?}"))
}

/// Waits until an image has this status.
async fn becomes(glance: &Image, id: &str, status: Status) {
    let what = format!("the status `{status}` of image `{id}`");
    let is_so = || async { glance.image(id).await.unwrap().unwrap().status == status };
    crate::clock::becomes(&what, is_so).await;
}
