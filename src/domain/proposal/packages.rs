//! What changed inside an image: packages added, removed and upgraded.

/// What changed inside an image, as its upstream tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Packages that came: name and version.
    pub added: Vec<(String, String)>,
    /// Packages that went: name and version.
    pub removed: Vec<(String, String)>,
    /// Packages with another version: name, old and new version.
    pub changed: Vec<(String, String, String)>,
}
