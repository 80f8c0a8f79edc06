//! The bounds of uploads in parts.

use serde::Deserialize;

use super::S3;
use crate::domain::mirror::Offer;

/// What AWS takes, and who speaks like it:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
const MOST: u64 = 10_000;
const LEAST: u64 = 5 << 20;
const LARGEST: u64 = 5 << 30;

/// What a Swift that speaks S3 tells of that to anybody.
#[derive(Deserialize)]
struct Info {
    s3api: Bounds,
}

#[derive(Deserialize)]
struct Bounds {
    max_upload_part_num: u64,
}

impl S3 {
    /// What the store takes: asked once, before something is written.
    pub async fn offer(&self) -> Offer {
        *self.offer.get_or_init(|| self.bounds()).await
    }

    /// Swift's `s3api` takes 1000 parts where its operator says nothing, and tells its number. Whoever tells none has AWS's.
    async fn bounds(&self) -> Offer {
        let told = match reqwest::Url::parse(&self.endpoint) {
            Ok(url) => self.told(url).await,
            Err(_) => None,
        };
        Offer::Parts {
            most: told.unwrap_or(MOST).min(MOST),
            least: LEAST,
            largest: LARGEST,
        }
    }

    async fn told(&self, mut url: reqwest::Url) -> Option<u64> {
        url.set_path("/info");
        let text = self.anybody(url).await?;
        let info: Info = serde_json::from_slice(&text).ok()?;
        Some(info.s3api.max_upload_part_num)
    }
}
