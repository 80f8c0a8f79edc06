//! web-download: Glance fetches the bytes, and they are proven afterwards. Private until then, as with an upload.

use anyhow::{Context as _, bail};
use futures_util::StreamExt;

use super::imported;
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::import::{Method, Patience};
use crate::domain::inspect::Inspector;
use crate::domain::packing::{self, Packing};
use crate::domain::proof::{self, Measured, Proven, Received};
use crate::domain::snapshot::CloudImage;
use crate::domain::way::{Proof, Way};
use crate::openstack::Image;
use crate::transfer::{self, Demand, Progress};
use crate::upstream::{Attestation, Upstream};

/// How much of the beginning is looked at: what every header but that of a VHDX fits into.
const LOOKED_AT: usize = 64 << 10;

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

/// Lets Glance fill the image, and proves what it has then. Nothing if the way says that nobody does.
pub async fn fetch(fetch: &Fetch<'_>, id: &str, demand: Demand) -> anyhow::Result<Option<Proven>> {
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
    if let Some(size) = image.size.filter(|size| *size > fetch.limit) {
        bail!(
            "Glance stored {size} bytes; the setting `limits.image_size` allows {}",
            fetch.limit
        );
    }
    is_a_disk(fetch, id).await?;
    let received = match (fetch.way.proof, by_its_digest(fetch, &image)) {
        (Proof::Never, _) => return Ok(None),
        (Proof::Afterwards, Some(received)) => received,
        _ => read_back(fetch, id, demand).await?,
    };
    let proven = proof::prove(&fetch.attestation.attested, received)
        .with_context(|| format!("what Glance fetched from `{}` is not it", fetch.url))?;
    Ok(Some(proven))
}

/// Refuses what has to be unpacked: Glance stores it as it is.
pub fn refuse_packed(attestation: &Attestation, url: &str) -> anyhow::Result<()> {
    if attestation.attested.disk().is_some() || attestation.member.is_some() {
        bail!("`{url}` is packed, {USE_UPLOAD}");
    }
    Ok(())
}

const USE_UPLOAD: &str = "and Glance stores what it fetches as it is; nothing of it was kept; set \
                          `transfer.method: upload` for this cloud";

/// Looks at the first bytes: a packed file with the right digest is still no disk, nor is one that points elsewhere.
async fn is_a_disk(fetch: &Fetch<'_>, id: &str) -> anyhow::Result<()> {
    let mut head = Vec::new();
    let mut inspector = Inspector::new(fetch.format, fetch.limit);
    let mut stream = fetch.service.download(id).await?;
    while let (Some(pieces), true) = (&mut stream, head.len() < LOOKED_AT) {
        let Some(piece) = pieces.next().await else {
            break;
        };
        let piece = piece?;
        inspector
            .take(&piece)
            .with_context(|| format!("what Glance fetched from `{}` is not kept", fetch.url))?;
        head.extend_from_slice(&piece);
    }
    if head.is_empty() {
        bail!("`{}` is empty; expected the bytes of an image", fetch.url);
    }
    match Packing::of(&head) {
        Some(packing) if !packing::is_packed_by_nature(fetch.format) => {
            bail!("`{}` is packed ({packing}), {USE_UPLOAD}", fetch.url)
        }
        _ => Ok(()),
    }
}

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
async fn read_back(fetch: &Fetch<'_>, id: &str, demand: Demand) -> anyhow::Result<Received> {
    tracing::info!("{}: reading back what Glance stored", fetch.label);
    let Some(stream) = fetch.service.download(id).await? else {
        bail!("Glance has no data of image `{id}` though it is active");
    };
    let progress = Progress::new(format!("{}, read back", fetch.label), None);
    transfer::measure(stream, demand, progress)
        .await
        .with_context(|| format!("what Glance fetched from `{}` is not it", fetch.url))
}
