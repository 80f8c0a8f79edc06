//! Glance's JSON of images and their pages → the domain's values.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::domain::snapshot::{CloudImage, Status, Visibility};

/// One page of a list.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// The images on it. A page without the key is no page.
    pub images: Vec<ImageDocument>,
    next: Option<String>,
}

impl Page {
    /// Gives where the next page begins, `None` after the last.
    ///
    /// Of `next` only the marker is used: it is a path below the service's own root, not ours,
    /// and of several `tag` filters it keeps the last (Glance 33).
    pub fn next_marker(&self) -> Result<Option<String>, String> {
        let Some(next) = &self.next else {
            return Ok(None);
        };
        let query = next.split_once('?').map_or("", |(_, query)| query);
        let marker = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "marker");
        match marker {
            Some((_, marker)) => Ok(Some(marker.into_owned())),
            None => Err("a page whose `next` has no marker".to_owned()),
        }
    }
}

/// One image as Glance writes it.
#[derive(Debug, Deserialize)]
pub struct ImageDocument {
    id: String,
    name: Option<String>,
    owner: Option<String>,
    status: String,
    visibility: String,
    os_hidden: Option<bool>,
    protected: Option<bool>,
    tags: Option<BTreeSet<String>>,
    min_disk: Option<u64>,
    min_ram: Option<u64>,
    disk_format: Option<String>,
    container_format: Option<String>,
    size: Option<i64>,
    virtual_size: Option<i64>,
    os_hash_algo: Option<String>,
    os_hash_value: Option<String>,
    checksum: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// What Glance puts beside the free properties without being one.
const NO_PROPERTIES: [&str; 6] = [
    "direct_url",
    "file",
    "locations",
    "schema",
    "self",
    "stores",
];

impl ImageDocument {
    /// Gives the domain's value, or what cannot be understood.
    pub fn image(self) -> Result<CloudImage, String> {
        let own = |key: &str| match self.rest.get(key) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let stores = |key: &str| -> BTreeSet<String> {
            let names = own(key).unwrap_or_default();
            let names = names.split(',').map(str::trim);
            names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let (importing_to, failed_stores) = (
            stores("os_glance_importing_to_stores"),
            stores("os_glance_failed_import"),
        );
        let stores = stores("stores");
        let import_task = own("os_glance_import_task");
        let visibility = Visibility::parse(&self.visibility).ok_or_else(|| {
            format!(
                "image `{}` with the visibility `{}`",
                self.id, self.visibility
            )
        })?;
        let properties = self
            .rest
            .into_iter()
            .filter(|(key, _)| {
                !NO_PROPERTIES.contains(&key.as_str()) && !key.starts_with("os_glance_")
            })
            // A property is a string; anything else is an attribute of a Glance that is newer than this.
            .filter_map(|(key, value)| match value {
                Value::String(text) => Some((key, text)),
                _ => None,
            })
            .collect();
        Ok(CloudImage {
            status: Status::parse(&self.status),
            visibility,
            id: self.id,
            name: self.name,
            owner: self.owner,
            hidden: self.os_hidden.unwrap_or(false),
            protected: self.protected.unwrap_or(false),
            tags: self.tags.unwrap_or_default(),
            min_disk: self.min_disk.unwrap_or(0),
            min_ram: self.min_ram.unwrap_or(0),
            disk_format: self.disk_format,
            container_format: self.container_format,
            size: self.size.and_then(|size| size.try_into().ok()),
            virtual_size: self.virtual_size.and_then(|size| size.try_into().ok()),
            os_hash_algo: self.os_hash_algo,
            os_hash_value: self.os_hash_value,
            checksum: self.checksum,
            created_at: self.created_at,
            updated_at: self.updated_at,
            properties,
            import_task,
            stores,
            importing_to,
            failed_stores,
            members: None,
        })
    }
}

/// The answer of `GET /`: 300 or 200 with a list in no order.
#[derive(Debug, Deserialize)]
pub struct Versions {
    versions: Vec<Version>,
}

#[derive(Debug, Deserialize)]
struct Version {
    id: String,
}

impl Versions {
    /// Says whether version 2 is among them.
    pub fn have_2(&self) -> bool {
        self.versions
            .iter()
            .any(|version| is_version_2(&version.id))
    }

    /// Gives them in one line.
    pub fn shown(&self) -> String {
        let ids: Vec<&str> = self
            .versions
            .iter()
            .map(|version| version.id.as_str())
            .collect();
        ids.join(", ")
    }
}

fn is_version_2(word: &str) -> bool {
    word.strip_prefix("v2")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Gives the URL of version 2, `…/v2`, if `endpoint` ends in it (or in `v2.15`, say).
pub fn version_2(endpoint: &Url) -> Option<Url> {
    let path = endpoint.path().trim_end_matches('/');
    let (root, last) = path.rsplit_once('/')?;
    is_version_2(last).then(|| with_path(endpoint, &format!("{root}/v2")))
}

/// Gives the URL of version 2 below `endpoint`.
///
/// The links in the list of versions are not used: behind a proxy they often name another host or http,
/// and the token goes where the catalogue says.
pub fn below(endpoint: &Url) -> Url {
    with_path(
        endpoint,
        &format!("{}/v2", endpoint.path().trim_end_matches('/')),
    )
}

fn with_path(endpoint: &Url, path: &str) -> Url {
    let mut url = endpoint.clone();
    url.set_path(path);
    url.set_query(None);
    url
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(more: &Value) -> CloudImage {
        let mut document = json!({
            "id": "a", "status": "active", "visibility": "public", "size": -1,
            "created_at": "2026-11-21T04:49:01Z", "updated_at": "2026-11-21T04:49:01Z",
        });
        let fields = document.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        serde_json::from_value::<ImageDocument>(document)
            .unwrap()
            .image()
            .unwrap()
    }

    #[test]
    fn what_glance_adds_by_itself_is_no_property() {
        let image = image(&json!({
            "os_distro": "ubuntu", "empty": "", "stores": "file1", "self": "/v2/images/a", "file": "f",
            "schema": "s", "direct_url": "d", "locations": [], "os_glance_import_task": "t",
            "os_glance_failed_import": "", "os_glance_importing_to_stores": "", "new_in_2030": 7,
        }));
        let expected = [("empty", ""), ("os_distro", "ubuntu")];
        assert_eq!(
            image.properties,
            expected
                .map(|(key, value)| (key.into(), value.into()))
                .into()
        );
        assert_eq!(image.import_task.as_deref(), Some("t"));
        assert!(!image.import_failed());
        assert_eq!(image.stores, ["file1".to_owned()].into());
        assert_eq!(image.size, None);
    }

    #[test]
    fn an_import_failed_when_a_store_did_and_no_other_is_tried() {
        let importing = |stores: &str| json!({"os_glance_failed_import": "one", "os_glance_importing_to_stores": stores});
        assert!(image(&importing("")).import_failed());
        let second = image(&importing("two,three"));
        assert!(!second.import_failed());
        assert_eq!(
            second.importing_to,
            ["two".to_owned(), "three".to_owned()].into()
        );
    }

    #[test]
    fn a_page_without_images_or_a_next_without_a_marker_is_an_error() {
        assert!(serde_json::from_value::<Page>(json!({"next": "/v2/images?marker=a"})).is_err());
        let page = |next: &str| {
            serde_json::from_value::<Page>(json!({"images": [], "next": next})).unwrap()
        };
        assert_eq!(
            page("/v2/images?tag=a&marker=b%20c").next_marker(),
            Ok(Some("b c".to_owned()))
        );
        assert!(page("/v2/images").next_marker().is_err());
    }

    #[test]
    fn version_2_is_found_in_and_below_endpoints() {
        let url = |text: &str| Url::parse(text).unwrap();
        let found = |text: &str| version_2(&url(text)).map(String::from);
        assert_eq!(
            found("https://a.example/image/v2/").as_deref(),
            Some("https://a.example/image/v2")
        );
        assert_eq!(
            found("https://a.example/v2.15").as_deref(),
            Some("https://a.example/v2")
        );
        assert_eq!(found("https://a.example/v20"), None);
        assert_eq!(found("https://a.example"), None);
        assert_eq!(
            below(&url("https://a.example/image")).as_str(),
            "https://a.example/image/v2"
        );
        assert_eq!(
            below(&url("https://a.example")).as_str(),
            "https://a.example/v2"
        );
    }
}
