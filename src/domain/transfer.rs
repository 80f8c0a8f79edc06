//! How an image's bytes come into a cloud, and in which form it stores them: the settings' words, the cloud's over them,
//! and the definition's over both.

use serde::Deserialize;

/// The only format that is converted, since it is the one that upstreams offer and stores on Ceph do not want.
const CONVERTIBLE: &str = "qcow2";

/// The way into Glance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// `PUT …/file`: the bytes as they are, proven before the last of them leaves.
    #[default]
    Upload,
    /// Staged, then imported: the same bytes, and the cloud's import plugins see them.
    GlanceDirect,
    /// Glance fetches the bytes itself; they are proven afterwards, or not at all.
    WebDownload,
}

impl Method {
    /// The word in settings, and Glance's own for the import methods.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::GlanceDirect => "glance-direct",
            Self::WebDownload => "web-download",
        }
    }
}

/// The form in which a cloud stores disks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredAs {
    /// As the upstream made it.
    #[default]
    AsIs,
    /// Converted to raw: a qcow2 image on Ceph would be copied whole at every boot.
    Raw,
}

/// What somebody says of it: every key may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferOverride {
    /// The way into Glance.
    pub method: Option<Method>,
    /// The form in which disks are stored.
    pub disk_format: Option<StoredAs>,
    /// Glance's stores: the first takes the upload, the others a copy of it.
    pub stores: Option<Vec<String>>,
    /// Whether an image that Glance fetched may be published though nobody could prove its bytes.
    pub allow_unverified: Option<bool>,
}

/// What a definition may say of it: what is about the image and not about the cloud.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageTransfer {
    /// The form in which this image's disk is stored.
    pub disk_format: Option<StoredAs>,
}

/// All of it, decided for one cloud.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transfer {
    /// The way into Glance.
    pub method: Method,
    /// The form in which disks are stored.
    pub disk_format: StoredAs,
    /// Glance's stores: the first takes the upload, the others a copy of it. Empty: the cloud's default.
    pub stores: Vec<String>,
    /// Whether an image that Glance fetched may be published though nobody could prove its bytes.
    pub allow_unverified: bool,
}

impl TransferOverride {
    /// These words, where there is none those of `under`.
    #[must_use]
    pub fn over(self, under: &Self) -> Self {
        Self {
            method: self.method.or(under.method),
            disk_format: self.disk_format.or(under.disk_format),
            stores: self.stores.or_else(|| under.stores.clone()),
            allow_unverified: self.allow_unverified.or(under.allow_unverified),
        }
    }

    /// The same with defaults for what nobody said.
    pub fn decided(self) -> Transfer {
        Transfer {
            method: self.method.unwrap_or_default(),
            disk_format: self.disk_format.unwrap_or_default(),
            stores: self.stores.unwrap_or_default(),
            allow_unverified: self.allow_unverified.unwrap_or_default(),
        }
    }
}

impl Transfer {
    /// The same for images that are there already: nothing comes in, so no cloud has to offer anything for it.
    #[must_use]
    pub fn of_what_is_there(&self) -> Self {
        Self {
            method: Method::Upload,
            stores: Vec::new(),
            ..self.clone()
        }
    }

    /// Whether the cloud has to offer something beside the plain upload into its default store.
    pub fn needs_more_than_upload(&self) -> bool {
        self.method != Method::Upload || !self.stores.is_empty()
    }

    /// The `disk_format` in which this cloud stores an image of the format `declared`.
    pub fn stored<'a>(&self, declared: &'a str, image: ImageTransfer) -> &'a str {
        match image.disk_format.unwrap_or(self.disk_format) {
            StoredAs::Raw if declared == CONVERTIBLE => "raw",
            _ => declared,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_word_counts_key_by_key() {
        let all = TransferOverride {
            method: Some(Method::GlanceDirect),
            disk_format: Some(StoredAs::Raw),
            ..TransferOverride::default()
        };
        let cloud = TransferOverride {
            method: Some(Method::Upload),
            stores: Some(vec!["fast".to_owned()]),
            ..TransferOverride::default()
        };
        let decided = cloud.over(&all).decided();
        assert_eq!(
            decided,
            Transfer {
                method: Method::Upload,
                disk_format: StoredAs::Raw,
                stores: vec!["fast".to_owned()],
                allow_unverified: false,
            }
        );
    }

    #[test]
    fn what_is_there_already_needs_nothing_that_a_cloud_may_lack() {
        let cloud = Transfer {
            method: Method::WebDownload,
            disk_format: StoredAs::Raw,
            stores: vec!["fast".to_owned(), "slow".to_owned()],
            allow_unverified: false,
        };
        assert!(cloud.needs_more_than_upload());
        let there = cloud.of_what_is_there();
        assert!(!there.needs_more_than_upload());
        assert_eq!(there.disk_format, StoredAs::Raw);
    }

    #[test]
    fn only_qcow2_becomes_raw_and_an_image_may_say_otherwise() {
        let raw = Transfer {
            disk_format: StoredAs::Raw,
            ..Transfer::default()
        };
        let image = |disk_format| ImageTransfer { disk_format };
        assert_eq!(raw.stored("qcow2", image(None)), "raw");
        assert_eq!(raw.stored("qcow2", image(Some(StoredAs::AsIs))), "qcow2");
        for other in ["raw", "iso", "vmdk", "vhdx"] {
            assert_eq!(raw.stored(other, image(None)), other);
        }
        let as_is = Transfer::default();
        assert_eq!(as_is.stored("qcow2", image(None)), "qcow2");
        assert_eq!(as_is.stored("qcow2", image(Some(StoredAs::Raw))), "raw");
    }
}
