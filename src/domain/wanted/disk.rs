//! How large a disk an image needs: what its definition says, and what its bytes do.

use super::STATE;
use crate::domain::inspect::Inspected;
use crate::domain::patch::Patch;
use crate::domain::snapshot::CloudImage;

/// How many bytes the guest sees, on images of which Glance does not say it.
pub const VIRTUAL_SIZE: &str = "reglaze_virtual_size";

/// The wanted `min_disk`, raised to what holds the disk that a guest sees: Nova refuses a root disk below its virtual size.
pub fn raised(min_disk: Option<u64>, image: &CloudImage) -> Option<u64> {
    let needed = gibibytes(virtual_size(image));
    min_disk.map(|wanted| wanted.max(needed))
}

/// How many bytes the guest sees: what Glance says, or where it does not, what was seen when it was published.
fn virtual_size(image: &CloudImage) -> Option<u64> {
    let recorded = || image.properties.get(VIRTUAL_SIZE)?.parse().ok();
    image.virtual_size.or_else(recorded)
}

fn gibibytes(size: Option<u64>) -> u64 {
    size.unwrap_or(0).div_ceil(1 << 30)
}

/// Adds to a patch of an unpublished image what was seen in its bytes: how large the disk is, where Glance cannot tell, and
/// when it is published a `min_disk` that holds it, whether or not the definition has one.
pub fn as_inspected(patch: &mut Patch, inspected: Option<&Inspected>, image: &CloudImage) {
    let seen = inspected.map(|inspected| inspected.virtual_size);
    if let (Some(seen), None) = (seen, virtual_size(image)) {
        patch.set.insert(VIRTUAL_SIZE.to_owned(), seen.to_string());
    }
    if !patch.remove.contains(STATE) {
        return;
    }
    let wanted = patch.min_disk.unwrap_or(image.min_disk);
    let raised = wanted.max(gibibytes(seen.or_else(|| virtual_size(image))));
    patch.min_disk = (raised != image.min_disk).then_some(raised);
}
