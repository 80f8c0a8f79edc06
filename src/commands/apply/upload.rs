//! One upload: upstream → digests → Glance. Private until proven, and nothing of it stays if it is not.

use std::time::Duration;

use anyhow::{Context as _, bail};

use super::Run;
use crate::domain::checksum::Algorithm;
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;
use crate::domain::packing;
use crate::domain::proof::{self, Proven};
use crate::domain::step::{Step, Upload};
use crate::domain::wanted::{IMAGE_NAME, INTERNAL_VERSION, STATE, UNPROVEN};
use crate::openstack::{Image, NewImage};
use crate::transfer::{self, Demand, Guarded, Progress, TransferError, Unpacking, Want};
use crate::upstream::Attestation;
use crate::upstream::fetch::Served;

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
    let verify = run.settings.verify.and(upload.verify);
    let mut attestation = run.upstream.attest(definition, version, verify).await?;
    findings.append(&mut attestation.findings);
    let road = Road {
        run,
        service,
        label: format!("{} [{}]", step.image, version.version),
        places: places(version)?,
        disk_format: &upload.format,
        attestation,
    };
    // An upstream that does not answer, or sends no image, costs no image in Glance, and no ID.
    let begun = road.open().await?;
    let id = create(run, service, step, upload).await?;
    let mut ending = run.stop.clone();
    let sent = tokio::select! {
        sent = road.send_twice(&id, begun) => sent,
        () = ending.wanted() => Err(anyhow::anyhow!("the run was stopped; run it again to go on")),
    };
    match sent {
        Ok(proven) => Ok(Uploaded {
            id,
            signed_by: proven.signed_by().map(str::to_owned),
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

/// Where the bytes are fetched, the first place first.
fn places(version: &Version) -> anyhow::Result<Vec<&str>> {
    let places = version.places();
    if places.is_empty() {
        bail!("the version has no `url`");
    }
    Ok(places)
}

/// The way of one image's bytes.
struct Road<'a> {
    run: Run<'a>,
    service: &'a Image,
    label: String,
    places: Vec<&'a str>,
    disk_format: &'a str,
    attestation: Attestation,
}

/// Bytes on their way, and how many are to be sent, if that is known.
struct Begun {
    /// Which places give them.
    served: Served,
    guarded: Guarded,
    size: Option<u64>,
}

impl Road<'_> {
    /// Begins to fetch the bytes; one that says it is too large is not begun.
    async fn open(&self) -> anyhow::Result<Begun> {
        let download = self.run.upstream.image(&self.places).await?;
        let served = download.served;
        let limit = self.run.settings.limits.image_size;
        if let Some(size) = download.size.filter(|size| *size > limit) {
            bail!("{served} has {size} bytes; the setting `limits.image_size` allows {limit}");
        }
        let progress = Progress::new(self.label.clone(), download.size);
        let guarded = transfer::guard(download.body, self.demand(limit), progress)
            .await
            .with_context(|| format!("{served} was not uploaded"))?;
        Ok(Begun {
            served,
            size: download.size.filter(|_| !guarded.is_unpacked),
            guarded,
        })
    }

    /// What is asked of the bytes before the last of them leaves.
    fn demand(&self, limit: u64) -> Demand {
        let Attestation {
            attested,
            signature,
            member,
            ..
        } = &self.attestation;
        let expect = |checksum: &_| Want::Expect(Clone::clone(checksum));
        Demand {
            file: attested.checksums().map(expect).collect(),
            disk: attested.disk().map(expect),
            unpacking: if packing::is_packed_by_nature(self.disk_format) {
                Unpacking::Never
            } else {
                Unpacking::IfPacked
            },
            member: member.clone(),
            signature: signature.clone(),
            // Glance's own digest over what it stores is compared with it.
            stored: Some(Algorithm::Sha512),
            limit,
        }
    }

    /// Streams the bytes; once more with a fresh token if it ended in the middle, since a stream cannot be sent twice.
    async fn send_twice(&self, id: &str, begun: Begun) -> anyhow::Result<Proven> {
        let first = self.send(id, begun).await;
        let is_unauthorized = |error: &anyhow::Error| {
            let error = error.downcast_ref::<crate::openstack::Error>();
            error.and_then(crate::openstack::Error::status) == Some(401)
        };
        if !first.as_ref().is_err_and(is_unauthorized) {
            return first;
        }
        tracing::info!("{}: once more with a fresh token", self.label);
        self.send(id, self.open().await?).await
    }

    /// Streams the bytes. The last of them leaves only when digests and signature have matched.
    async fn send(&self, id: &str, begun: Begun) -> anyhow::Result<Proven> {
        let Begun {
            served,
            guarded: Guarded { body, verdict, .. },
            size,
        } = begun;
        let not_uploaded = || format!("{served} was not uploaded");
        let answer = self.service.upload(id, size, pieces(body)).await;
        let received = match verdict.await.map_err(|_| TransferError::Hashing)? {
            Ok(received) => received,
            // Glance ended it: its answer says why, the broken pipe does not.
            Err(TransferError::Closed { sent }) => {
                answer?;
                bail!("Glance took the upload for complete after {sent} bytes, which were not all");
            }
            Err(error) => return Err(anyhow::Error::new(error).context(not_uploaded())),
        };
        answer?;
        let proven =
            proof::prove(&self.attestation.attested, received).with_context(not_uploaded)?;
        stored(self.service, id, &proven).await?;
        Ok(proven)
    }
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
