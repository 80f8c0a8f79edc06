//! web-download: Glance fetches the bytes, and they are proven afterwards. Private until then, as with an upload.

use anyhow::{Context as _, bail};

use super::imported;
use super::look::{Asked, look};
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::import::{Method, Patience};
use crate::domain::inspect::Inspected;
use crate::domain::proof::{self, Measured, Proven, Received};
use crate::domain::snapshot::CloudImage;
use crate::domain::way::{Proof, Way};
use crate::openstack::Image;
use crate::transfer::{self, Demand, Progress};
use crate::upstream::{Attestation, Upstream};

/// What is waited for where nobody says how many bytes there are.
const UNSAID: u64 = 8 << 30;

/// One image that Glance fetches.
pub struct Fetch<'a> {
    pub upstream: &'a Upstream,
    pub service: &'a Image,
    pub way: &'a Way,
    /// What people call the transfer.
    pub label: &'a str,
    /// Where the bytes are, as people know it.
    pub url: &'a str,
    /// The `disk_format` that they are to be.
    pub format: &'a str,
    pub attestation: &'a Attestation,
    /// The most bytes that an image may have.
    pub limit: u64,
}

/// What Glance has.
pub struct Fetched {
    /// What was proven of it; nothing if the way says that nobody does.
    pub proven: Option<Proven>,
    /// What it is.
    pub inspected: Inspected,
}

/// Lets Glance fill the image, looks into what it has then, and proves it.
pub async fn fetch(fetch: &Fetch<'_>, id: &str, demand: Demand) -> anyhow::Result<Fetched> {
    let size = fetch.upstream.size(fetch.url).await;
    if let Some(size) = size.filter(|size| *size > fetch.limit) {
        bail!(
            "`{}` has {size} bytes; the setting `limits.image_size` allows {}",
            fetch.url,
            fetch.limit
        );
    }
    let (real, patience) = (
        fetch.upstream.mapped(fetch.url),
        Patience::for_bytes(size.unwrap_or(UNSAID)),
    );
    tracing::info!("{}: Glance fetches it", fetch.label);
    let method = Method::WebDownload;
    let (service, way, label) = (fetch.service, fetch.way, fetch.label);
    let image = imported(service, way, label, id, method, Some(&real), patience)
        .await
        .with_context(|| format!("Glance could not bring in `{}`", fetch.url))?;
    if image.disk_format.as_deref() != Some(fetch.format) {
        bail!(
            "the cloud's import plugins made `{}` of the `{}` image that Glance fetched, so its bytes cannot be proven; \
             nothing of it was kept; set `transfer.method` to `glance-direct` or `upload` for this cloud",
            image.disk_format.as_deref().unwrap_or("nothing"),
            fetch.format
        );
    }
    let size = image.size.unwrap_or(0);
    if size == 0 {
        bail!("`{}` is empty; expected the bytes of an image", fetch.url);
    }
    if size > fetch.limit {
        bail!(
            "Glance stored {size} bytes; the setting `limits.image_size` allows {}",
            fetch.limit
        );
    }
    let asked = Asked {
        format: fetch.format,
        limit: fetch.limit,
    };
    let inspected = look(service, id, size, asked)
        .await
        .with_context(|| format!("what Glance fetched from `{}` is not kept", fetch.url))?;
    let received = match (fetch.way.proof, by_its_digest(fetch, &image)) {
        (Proof::Never, _) => None,
        (Proof::Afterwards, Some(received)) => Some(received),
        _ => Some(read_back(fetch, id, size, demand).await?),
    };
    let proven = received.map(|received| proof::prove(&fetch.attestation.attested, received));
    let proven = proven
        .transpose()
        .with_context(|| format!("what Glance fetched from `{}` is not it", fetch.url))?;
    Ok(Fetched { proven, inspected })
}

/// Refuses what has to be unpacked: Glance stores it as it is.
pub fn refuse_packed(attestation: &Attestation, url: &str) -> anyhow::Result<()> {
    if attestation.attested.disk().is_some() || attestation.member.is_some() {
        bail!("`{url}` is packed, {USE_UPLOAD}");
    }
    Ok(())
}

pub(super) const USE_UPLOAD: &str = "and Glance stores what it fetches as it is; nothing of it was kept; set \
                          `transfer.method: upload` for this cloud";

/// What Glance computed over what it stored, where that is all that is attested.
fn by_its_digest(fetch: &Fetch<'_>, image: &CloudImage) -> Option<Received> {
    let (Some("sha512"), Some(hex)) = (image.os_hash_algo.as_deref(), &image.os_hash_value) else {
        return None;
    };
    let attestation = fetch.attestation;
    let is_enough = attestation.signature.is_none()
        && attestation
            .attested
            .checksums()
            .all(|checksum| checksum.algorithm() == Algorithm::Sha512);
    let checksum = Checksum::new(Algorithm::Sha512, hex).ok()?;
    is_enough.then_some(Received {
        file: Measured {
            size: image.size?,
            checksums: vec![checksum],
        },
        disk: None,
        signed: None,
        inspected: None,
        converted: None,
    })
}

/// Reads what Glance stored through everything that is asked of an upload.
async fn read_back(
    fetch: &Fetch<'_>,
    id: &str,
    size: u64,
    demand: Demand,
) -> anyhow::Result<Received> {
    tracing::info!("{}: reading back what Glance stored", fetch.label);
    let Some(stream) = fetch.service.download(id).await? else {
        bail!("Glance has no data of image `{id}` though it is active");
    };
    let progress = Progress::new(format!("{}, read back", fetch.label), Some(size));
    transfer::measure(stream, demand, progress)
        .await
        .with_context(|| format!("what Glance fetched from `{}` is not it", fetch.url))
}
