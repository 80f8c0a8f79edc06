//! One upload: upstream → digests → Glance. Private until proven, and nothing of it stays if it is not.

use std::time::Duration;

use anyhow::{Context as _, bail};

use super::Run;
use crate::domain::attested::Attested;
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;
use crate::domain::proof::{self, Proven};
use crate::domain::step::{Step, Upload};
use crate::domain::wanted::{IMAGE_NAME, INTERNAL_VERSION, STATE, UNPROVEN};
use crate::openstack::{Image, NewImage};
use crate::transfer::{self, Guarded, Progress, TransferError};
use crate::upstream::fetch::Download;

/// Glance needs no longer than this from the last byte to `active`, unless something is wrong.
const SETTLING: Duration = Duration::from_mins(5);

/// An image that has its proven bytes and is private still.
pub struct Uploaded {
    /// Its ID.
    pub id: String,
    /// The pinned key whose signature was checked.
    pub signed_by: Option<String>,
}

/// Proves where the bytes come from, then streams them.
pub async fn upload(
    run: Run<'_>,
    service: &Image,
    step: &Step,
    upload: &Upload,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<Uploaded> {
    let (definition, version) = listed(run, step)?;
    let attestation = run.upstream.attest(definition, version).await?;
    findings.extend(attestation.findings);
    let attested = attestation.attested;
    // An upstream that does not answer costs no image in Glance, and no ID.
    let download = open(run, version).await?;
    let id = create(run, service, step, upload).await?;
    let mut ending = run.stop.clone();
    let sent = tokio::select! {
        sent = send_twice(run, service, &id, step, version, &attested, download) => sent,
        () = ending.wanted() => Err(anyhow::anyhow!("the run was stopped; run it again to go on")),
    };
    match sent {
        Ok(()) => Ok(Uploaded {
            id,
            signed_by: attested.signed_by().map(ToString::to_string),
        }),
        Err(error) => Err(take_back(service, upload, &id, error).await),
    }
}

fn listed<'a>(run: Run<'a>, step: &Step) -> anyhow::Result<(&'a Definition, &'a Version)> {
    let definition = run.definitions.iter().find(|one| one.name == step.image);
    definition
        .and_then(|one| {
            Some((
                one,
                one.versions
                    .iter()
                    .find(|version| Some(&version.version) == step.version.as_ref())?,
            ))
        })
        .with_context(|| format!("no definition lists `{}`", step.image))
}

/// Creates the image private, marked and unproven: whatever happens next, the mark finds it again.
async fn create(
    run: Run<'_>,
    service: &Image,
    step: &Step,
    upload: &Upload,
) -> anyhow::Result<String> {
    if let (Some(id), true) = (&upload.id, upload.exists) {
        return Ok(id.clone());
    }
    let version = step.version.clone().unwrap_or_default();
    let new = NewImage {
        id: upload.id.clone(),
        name: upload.name.clone(),
        disk_format: upload.format.clone(),
        container_format: "bare".to_owned(),
        tags: [run.settings.tag.clone()].into(),
        properties: [
            (IMAGE_NAME, step.image.as_str()),
            (INTERNAL_VERSION, &version),
            (STATE, UNPROVEN),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        ..NewImage::default()
    };
    Ok(service.create(&new).await?.id)
}

/// Where the bytes are fetched: the mirror, if the version names one.
fn location(version: &Version) -> anyhow::Result<&str> {
    let url = version.mirror_url.as_ref().or(version.url.as_ref());
    url.map(String::as_str).context("the version has no `url`")
}

/// Begins to fetch the bytes; one that says it is too large is not begun.
async fn open(run: Run<'_>, version: &Version) -> anyhow::Result<Download> {
    let url = location(version)?;
    let download = run.upstream.stream(url).await?;
    let limit = run.settings.limits.image_size;
    if let Some(size) = download.size.filter(|size| *size > limit) {
        bail!("`{url}` has {size} bytes; the setting `limits.image_size` allows {limit}");
    }
    Ok(download)
}

/// Streams the bytes; once more with a fresh token if it ended in the middle, since a stream cannot be sent twice.
async fn send_twice(
    run: Run<'_>,
    service: &Image,
    id: &str,
    step: &Step,
    version: &Version,
    attested: &Attested,
    download: Download,
) -> anyhow::Result<()> {
    let first = send(run, service, id, step, version, attested, download).await;
    let is_unauthorized = |error: &anyhow::Error| {
        let error = error.downcast_ref::<crate::openstack::Error>();
        error.and_then(crate::openstack::Error::status) == Some(401)
    };
    if !first.as_ref().is_err_and(is_unauthorized) {
        return first;
    }
    let label = format!("{} [{}]", step.image, version.version);
    tracing::info!("{label}: once more with a fresh token");
    let download = open(run, version).await?;
    send(run, service, id, step, version, attested, download).await
}

/// Streams the bytes. The last of them leaves only when every digest has matched.
async fn send(
    run: Run<'_>,
    service: &Image,
    id: &str,
    step: &Step,
    version: &Version,
    attested: &Attested,
    download: Download,
) -> anyhow::Result<()> {
    let url = location(version)?;
    let limit = run.settings.limits.image_size;
    let label = format!("{} [{}]", step.image, version.version);
    let progress = Progress::new(label, download.size);
    let Guarded { body, verdict } =
        transfer::guard(download.body, attested.checksum().clone(), limit, progress);
    let answer = service.upload(id, download.size, pieces(body)).await;
    let received = match verdict.await.map_err(|_| TransferError::Hashing)? {
        Ok(received) => received,
        // Glance ended it: its answer says why, the broken pipe does not.
        Err(TransferError::Closed { sent }) => {
            answer?;
            bail!("Glance took the upload for complete after {sent} bytes, which were not all");
        }
        Err(error) => {
            return Err(anyhow::Error::new(error).context(format!("`{url}` was not uploaded")));
        }
    };
    answer?;
    let proven =
        proof::prove(attested, received).with_context(|| format!("`{url}` was not uploaded"))?;
    stored(service, id, &proven).await
}

/// Waits until Glance has all of it, and compares what it stored.
async fn stored(service: &Image, id: &str, proven: &Proven) -> anyhow::Result<()> {
    let image = service.settled(id, SETTLING).await?;
    proven.stored(
        image.os_hash_algo.as_deref(),
        image.os_hash_value.as_deref(),
    )?;
    if let Some(size) = image.size.filter(|size| *size != proven.size()) {
        bail!("Glance stored {size} bytes; sent were {}", proven.size());
    }
    Ok(())
}

/// Deletes the unproven image. One whose ID the definition asks for is kept: an ID is never free again.
async fn take_back(
    service: &Image,
    upload: &Upload,
    id: &str,
    error: anyhow::Error,
) -> anyhow::Error {
    if upload.id.is_some() {
        return error.context(format!(
            "image `{id}` stays private without bytes, and the next run fills it"
        ));
    }
    match service.delete(id).await {
        Ok(_) => error,
        Err(left) => {
            tracing::warn!("image `{id}` could not be deleted: {left:#}");
            error.context(format!(
                "image `{id}` stays private and unproven, and the next run deletes it"
            ))
        }
    }
}

/// A channel's end as a stream.
fn pieces(
    body: tokio::sync::mpsc::Receiver<Result<bytes::Bytes, std::io::Error>>,
) -> impl futures_util::Stream<Item = Result<bytes::Bytes, std::io::Error>> {
    futures_util::stream::unfold(
        body,
        |mut body| async move { Some((body.recv().await?, body)) },
    )
}
