//! What an image's properties say that it is: written by reglaze under another mark, or by openstack-image-manager.

use crate::domain::plan::{belongs_to, version_of};
use crate::domain::snapshot::CloudImage;

/// A definition's name and a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity<'a> {
    pub name: &'a str,
    pub version: &'a str,
}

/// Reads it. `latest` is no version: openstack-image-manager writes it where it could not learn the date.
pub(super) fn identity(image: &CloudImage) -> Option<Identity<'_>> {
    let (name, version) = (belongs_to(image)?, version_of(image)?);
    let is_one = !name.is_empty() && !version.is_empty() && version != "latest";
    is_one.then_some(Identity { name, version })
}
