//! What a Swift can do with large objects, and its bounds: as `/info` says, and as a try shows.

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::sending::With;
use super::{Objects, SEGMENTS};
use crate::domain::mirror::Offer;
use crate::openstack::call::Call;
use crate::openstack::error::Error;

/// An object has at most so many bytes where nobody says how many: Swift's own default.
const LARGEST: u64 = 5 << 30;

/// A static large object has at most so many segments where nobody says how many: Swift's own default.
const MOST_SEGMENTS: u64 = 1000;

/// A page of a list has at most so many entries where nobody says how many: Swift's own default.
const PAGE: u64 = 10_000;

/// Of a dynamic large object readers get ten segments at once and then one in a second (`rate_limit_segments_per_sec`
/// of Swift's `dlo`), so small ones would be slow to read.
const DYNAMIC_SEGMENT: u64 = 32 << 20;

/// Who makes an object of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Large {
    /// A manifest that names them.
    Static,
    /// The same, as far as anybody knows: `/info` is kept from us, as some operators have it.
    Untold,
    /// An empty object that points to a folder.
    Dynamic,
    /// Nobody.
    Nothing,
}

/// What a Swift can do.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    /// Who makes an object of segments.
    pub large: Large,
    /// Its bounds.
    pub offer: Offer,
}

impl Objects {
    /// What the store takes: asked once, before something is written.
    pub async fn offer(&self) -> Result<Offer, Error> {
        Ok(self.abilities().await?.offer)
    }

    pub(super) async fn abilities(&self) -> Result<Abilities, Error> {
        let asked = self.abilities.get_or_try_init(async || {
            let info = self.info().await?;
            let large = match &info {
                None => Large::Untold,
                Some(info) if info.get("slo").is_some() => Large::Static,
                // Swift 2.38 has `dlo` and does not tell of it.
                Some(info) if info.get("dlo").is_some() || self.shows_a_folder().await? => {
                    Large::Dynamic
                }
                Some(_) => Large::Nothing,
            };
            Ok(abilities(large, &info.unwrap_or_default()))
        });
        asked.await.copied()
    }

    /// What Swift says of itself to anybody; nothing, if it does not.
    async fn info(&self) -> Result<Option<Value>, Error> {
        let mut url = self.endpoint.clone();
        // `/v1/AUTH_project`, behind what a cloud or Ceph's gateway puts before it.
        let before = url.path().split('/');
        let is_version = |part: &str| part.starts_with("v1");
        let before: Vec<_> = before.take_while(|part| !is_version(part)).collect();
        let has_version = before.len() < url.path().split('/').count();
        let before = if has_version {
            before.join("/")
        } else {
            String::new()
        };
        url.set_path(&format!("{before}/info"));
        let call = Call::new(Method::GET, url, "ask Swift what it can do");
        let answer = self.send(&call, &With::default()).await?;
        let info = answer.json().ok().filter(Value::is_object);
        Ok(info.filter(|_| answer.status.is_success()))
    }

    /// Whether an object that points to a folder has the folder's bytes. The folder is empty and the object is not, so
    /// whoever knows nothing of folders shows the object.
    async fn shows_a_folder(&self) -> Result<bool, Error> {
        let name = format!("{SEGMENTS}.try");
        let doing = || "try whether Swift has dynamic large objects".to_owned();
        let with = With {
            headers: self.points_to(&format!("{name}/")),
            body: "no".into(),
        };
        self.sent(&self.call(Method::PUT, &name, doing()), &with)
            .await?;
        let looked = self.head(&name).await?;
        let gone = self.call(Method::DELETE, &name, doing());
        let answer = self.send(&gone, &With::default()).await?;
        if answer.status != StatusCode::NOT_FOUND {
            self.accepted(&gone, answer)?;
        }
        let size = looked.and_then(|answer| answer.headers.get("content-length").cloned());
        Ok(size.is_some_and(|size| size == "0"))
    }

    /// The header that makes an object of a folder.
    pub(super) fn points_to(&self, folder: &str) -> HeaderMap {
        let value = HeaderValue::from_str(&self.pointer(folder)).ok();
        let name = reqwest::header::HeaderName::from_static("x-object-manifest");
        value.map(|value| (name, value)).into_iter().collect()
    }

    /// Container and folder, encoded as in a URL.
    pub(super) fn pointer(&self, folder: &str) -> String {
        let url = self.url(folder);
        let path = url.path().strip_prefix(self.endpoint.path());
        path.unwrap_or_default().trim_start_matches('/').to_owned()
    }
}

fn abilities(large: Large, info: &Value) -> Abilities {
    let number = |path: &str| info.pointer(path).and_then(Value::as_u64);
    let largest = number("/swift/max_file_size").unwrap_or(LARGEST);
    let offer = match large {
        Large::Static | Large::Untold => Offer::Parts {
            most: number("/slo/max_manifest_segments").unwrap_or(MOST_SEGMENTS),
            least: number("/slo/min_segment_size").unwrap_or(1),
            largest,
        },
        Large::Dynamic => Offer::Parts {
            // What does not end on one page of a list has no size in a HEAD.
            most: number("/swift/container_listing_limit")
                .unwrap_or(PAGE)
                .saturating_sub(1),
            least: DYNAMIC_SEGMENT.min(largest),
            largest,
        },
        Large::Nothing => Offer::Whole { largest },
    };
    Abilities { large, offer }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_bounds_are_those_that_info_tells() {
        let info = json!({
            "swift": {"max_file_size": 5_368_709_122_u64, "container_listing_limit": 100},
            "slo": {"max_manifest_segments": 500, "min_segment_size": 1_048_576}
        });
        let offer = |large, info| abilities(large, info).offer;
        assert_eq!(
            offer(Large::Static, &info),
            Offer::Parts {
                most: 500,
                least: 1 << 20,
                largest: 5_368_709_122
            }
        );
        assert_eq!(
            offer(Large::Dynamic, &info),
            Offer::Parts {
                most: 99,
                least: 32 << 20,
                largest: 5_368_709_122
            }
        );
        let whole = Offer::Whole { largest: 5 << 30 };
        assert_eq!(offer(Large::Nothing, &Value::Null), whole);
        assert_eq!(
            offer(Large::Untold, &Value::Null),
            Offer::Parts {
                most: 1000,
                least: 1,
                largest: 5 << 30
            }
        );
    }
}
