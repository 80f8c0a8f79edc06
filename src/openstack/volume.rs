//! Cinder: which volumes were made from which image.
//!
//! Volumes made from an image, from their snapshots and as their clones all name it, and stay as long as they have snapshots. All
//! of them are read and compared here: a filter that Cinder does not know is an empty list, or none at all, without an error.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::endpoints::Endpoint;
use super::pages::{Link, next_marker};
use super::service::{Service, Unclear};
use crate::domain::usage::Tally;

/// Every Cinder of version 3 speaks it.
const VERSION: &str = "volume 3.0";

/// How often and how long it is waited for volumes that are still being made.
const PATIENCE: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// One page of volumes.
#[derive(Debug, Deserialize)]
struct Page {
    volumes: Vec<VolumeDocument>,
    #[serde(default)]
    volumes_links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
struct VolumeDocument {
    id: String,
    status: String,
    #[serde(rename = "os-vol-tenant-attr:tenant_id")]
    project: Option<String>,
    volume_image_metadata: Option<BTreeMap<String, serde_json::Value>>,
}

/// Notes which volumes came from which image.
///
/// To somebody who is no administrator Cinder silently shows only what is theirs, so whoever calls this has made sure.
pub async fn ask(
    service: &Service<'_>,
    endpoint: &Endpoint,
    tally: &mut Tally,
) -> Result<(), Unclear> {
    let mut patience = PATIENCE.iter();
    loop {
        let volumes = service
            .all_pages(
                endpoint,
                &["volumes", "detail"],
                &[("all_tenants", "1")],
                VERSION,
                "read the list of volumes",
                |page: Page| Ok((page.volumes, next_marker(&page.volumes_links)?)),
            )
            .await?;
        match unfinished(&volumes) {
            None => {
                for volume in &volumes {
                    if let Some(image) = image_of(volume).map_err(Unclear::Partial)? {
                        tally.volume(image, volume.project.as_deref().unwrap_or("?"));
                    }
                }
                return Ok(());
            }
            Some(volume) => match patience.next() {
                Some(wait) => tokio::time::sleep(*wait).await,
                None => {
                    return Err(Unclear::Partial(format!(
                        "volume `{}` is `{}` all the while, and such a one does not tell its image yet",
                        volume.id, volume.status
                    )));
                }
            },
        }
    }
}

/// Gives a volume that is still being made and names no image: it may be of any.
fn unfinished(volumes: &[VolumeDocument]) -> Option<&VolumeDocument> {
    volumes.iter().find(|volume| {
        matches!(volume.status.as_str(), "creating" | "downloading")
            && !matches!(image_of(volume), Ok(Some(_)))
    })
}

fn image_of(volume: &VolumeDocument) -> Result<Option<&str>, String> {
    let metadata = volume.volume_image_metadata.as_ref();
    match metadata.and_then(|metadata| metadata.get("image_id")) {
        None => Ok(None),
        Some(serde_json::Value::String(id)) => Ok(Some(id)),
        Some(_) => Err(format!(
            "volume `{}` names no image that can be read",
            volume.id
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn volume(status: &str, metadata: &Value) -> VolumeDocument {
        serde_json::from_value(json!({
            "id": "v", "status": status, "os-vol-tenant-attr:tenant_id": "p", "volume_image_metadata": metadata,
        }))
        .unwrap()
    }

    #[test]
    fn a_volume_names_its_image_or_has_none() {
        let of =
            |metadata| image_of(&volume("in-use", &metadata)).map(|image| image.map(str::to_owned));
        assert_eq!(
            of(json!({"image_id": "i", "size": "3"})),
            Ok(Some("i".to_owned()))
        );
        assert_eq!(of(json!({"signature_verified": "False"})), Ok(None));
        assert_eq!(of(Value::Null), Ok(None));
        assert!(of(json!({"image_id": null})).is_err());
    }

    #[test]
    fn a_volume_that_is_being_made_may_be_of_any_image() {
        let is_unfinished =
            |status: &str, metadata| unfinished(&[volume(status, &metadata)]).is_some();
        assert!(is_unfinished("creating", Value::Null));
        assert!(is_unfinished("downloading", json!({})));
        assert!(!is_unfinished("downloading", json!({"image_id": "i"})));
        assert!(!is_unfinished("available", Value::Null));
        assert!(!is_unfinished("error", Value::Null));
    }
}
