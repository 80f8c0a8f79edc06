//! One upload: upstream → digests → Glance. Private until proven, and nothing of it stays if it is not.

use anyhow::{Context as _, anyhow, bail};

use super::Run;
use super::blank::Blank;
use super::meeting::{Part, Ticket};
use super::road::{Begun, Road, is_of_the_bytes};
use super::way::{self, Entrance, Fetch, Fetched};
use crate::commands::stop::STOPPED;
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;
use crate::domain::inspect::Inspected;
use crate::domain::proof::{self, Proven};
use crate::domain::step::Step;
use crate::domain::transfer::Method;
use crate::domain::transferred::Transferred;
use crate::openstack;
use crate::transfer::{Piece, TransferError};

/// An image that has its proven bytes and is private still.
pub struct Uploaded {
    /// Its ID.
    pub id: String,
    /// What was proven; nothing of what the cloud's settings let pass unproven.
    pub proven: Option<Proven>,
    /// What it is, where it was looked into.
    pub inspected: Option<Inspected>,
    /// How its bytes came, where they came through here.
    pub transferred: Option<Transferred>,
}

/// Proves where the bytes come from, then streams them.
pub async fn upload(
    blank: Blank<'_>,
    ticket: Ticket,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<Uploaded> {
    let Blank {
        run,
        service,
        step,
        upload,
    } = blank;
    let (definition, version) = listed(run, step)?;
    let verify = run.settings.verify.and(upload.verify);
    let mut attestation = run.upstream.attest(definition, version, verify).await?;
    findings.append(&mut attestation.findings);
    let road = Road {
        run,
        label: format!("{} [{}]", step.image, version.version),
        places: places(version)?,
        definition,
        disk_format: &upload.format,
        attestation,
    };
    if upload.way.method == Method::WebDownload {
        // Nothing is fetched here that other clouds could have too.
        drop(ticket);
        return fetched(&road, blank).await;
    }
    let way = Upload {
        entrance: Entrance::new(service, &upload.way, road.label.clone()),
        road,
    };
    let mut ending = run.stop.clone();
    // An upstream that does not answer, or sends no image, costs no image in Glance, and no ID.
    let begun = tokio::select! {
        begun = way.begin(ticket) => begun?,
        () = ending.wanted() => return Err(anyhow!(STOPPED)),
    };
    let mut id = blank.create().await?;
    let sent = tokio::select! {
        sent = way.send_until_proven(blank, &mut id, begun) => sent,
        () = ending.wanted() => Err(anyhow!(STOPPED)),
    };
    let notes = way.entrance.notes().into_iter();
    findings.extend(notes.map(|note| note.image(&step.image)));
    match sent {
        Ok(Sent {
            proven,
            transferred,
        }) => Ok(Uploaded {
            id,
            inspected: proven.inspected().cloned(),
            proven: Some(proven),
            transferred: Some(transferred),
        }),
        Err(error) => Err(blank.take_back(&id, error).await),
    }
}

/// Lets Glance fetch the bytes, which are proven afterwards: from one place after the other, until they are the attested
/// ones.
async fn fetched(road: &Road<'_>, blank: Blank<'_>) -> anyhow::Result<Uploaded> {
    let mut id: Option<String> = None;
    let mut places = road.places.iter().copied().peekable();
    while let Some(url) = places.next() {
        way::refuse_packed(&road.attestation, url)?;
        let image = match id.take() {
            Some(before) => blank.replace(&before).await?,
            None => blank.create().await?,
        };
        let mut ending = blank.run.stop.clone();
        let done = tokio::select! {
            done = fetched_from(road, blank, &image, url) => done,
            () = ending.wanted() => {
                return Err(blank.take_back(&image, anyhow!(STOPPED)).await);
            }
        };
        match done {
            Ok(Fetched { proven, inspected }) => {
                return Ok(Uploaded {
                    id: image,
                    proven,
                    inspected: Some(inspected),
                    transferred: None,
                });
            }
            // An image that has data takes no other, and an ID that the definition asks for is there once.
            Err(error) if places.peek().is_some() && blank.upload.id.is_none() => {
                tracing::warn!("{error:#}; trying the next place");
                id = Some(image);
            }
            Err(error) => return Err(blank.take_back(&image, error).await),
        }
    }
    bail!("the version has no `url`")
}

/// The same from one place.
async fn fetched_from(
    road: &Road<'_>,
    blank: Blank<'_>,
    id: &str,
    url: &str,
) -> anyhow::Result<Fetched> {
    let limit = road.run.settings.limits.image_size;
    let fetch = Fetch {
        upstream: road.run.upstream,
        service: blank.service,
        way: &blank.upload.way,
        label: &road.label,
        url,
        format: road.disk_format,
        attestation: &road.attestation,
        limit,
    };
    way::fetch(&fetch, id, road.demand(limit, None)).await
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

/// Where the bytes are fetched, the first place first.
fn places(version: &Version) -> anyhow::Result<Vec<&str>> {
    let places = version.places();
    if places.is_empty() {
        bail!("the version has no `url`");
    }
    Ok(places)
}

/// One cloud's side of the road.
struct Upload<'a> {
    road: Road<'a>,
    entrance: Entrance<'a>,
}

impl Upload<'_> {
    /// Begins to fetch the bytes, or takes part in what another cloud fetches.
    async fn begin(&self, ticket: Ticket) -> anyhow::Result<Begun> {
        let followers = match ticket.join().await {
            Part::Leads(followers) => followers,
            Part::Follows(stream) => match stream.await {
                Ok(Ok(begun)) => return Ok(begun),
                Ok(Err(error)) => bail!(error),
                // The one that led was stopped.
                Err(_) => return self.road.open(0).await,
            },
        };
        let begun = match self.road.open(0).await {
            Ok(begun) => begun,
            Err(error) => {
                for follower in followers {
                    // One that has gone needs no telling.
                    let _ = follower.send(Err(format!("{error:#}")));
                }
                return Err(error);
            }
        };
        let mut streams = self.road.part(begun, 1 + followers.len());
        for (follower, begun) in followers.into_iter().zip(streams.drain(1..)) {
            let _ = follower.send(Ok(begun));
        }
        streams.pop().context("a stream has at least one taker")
    }

    /// Streams the bytes. Since a stream cannot be sent twice, it is begun anew with a fresh token, once, if the old one ended in
    /// the middle; at the next place, into a new image, if the bytes of this one are not the attested ones; and when all of
    /// them are here, once, if Glance or what is before it did not wait for a disk that is converted while it comes: the
    /// file may have the beginning of the disk at its end.
    async fn send_until_proven(
        &self,
        blank: Blank<'_>,
        id: &mut String,
        mut begun: Begun,
    ) -> anyhow::Result<Sent> {
        let mut is_renewed = false;
        loop {
            let (place, served, is_early) = (begun.place, begun.served.clone(), begun.is_early);
            let error = match self.send(id, begun).await {
                Ok(sent) => return Ok(sent),
                Err(error) => error,
            };
            let next = place + served.next_place();
            if is_unauthorized(&error) && !is_renewed {
                is_renewed = true;
                tracing::info!("{}: once more with a fresh token", self.road.label);
                begun = self.road.open(place).await?;
            } else if is_of_the_bytes(&error) && self.road.has(next) {
                tracing::warn!("{error:#}; trying the next place");
                begun = self.road.open(next).await?;
                *id = blank.anew(id, &self.entrance).await?;
            } else if is_early && was_broken_off(&error) {
                tracing::warn!("{error:#}; trying once more when all of it is here");
                begun = self.road.open_whole(place).await?;
                *id = blank.anew(id, &self.entrance).await?;
            } else {
                return Err(error);
            }
        }
    }

    /// Streams the bytes. The last of them leaves only when digests and signature have matched.
    async fn send(&self, id: &str, begun: Begun) -> anyhow::Result<Sent> {
        let Begun {
            body,
            size,
            verdict,
            served,
            meter,
            ..
        } = begun;
        let not_uploaded = || format!("{served} was not uploaded");
        let broken_off = match self.entrance.send(id, size, pieces(body)).await {
            Ok(()) => None,
            // Their verdict says why.
            Err(error @ openstack::Error::DataBrokeOff { .. }) => Some(error),
            Err(error) => return Err(error.into()),
        };
        let received = match verdict.await {
            Ok(received) => received,
            Err(error) => match &*error {
                TransferError::Closed { sent } => bail!(
                    "Glance took the upload for complete after {sent} bytes, which were not all"
                ),
                _ => return Err(anyhow::Error::new(error).context(not_uploaded())),
            },
        };
        // All is well with the bytes, and yet they did not come here.
        if let Some(error) = broken_off {
            return Err(error.into());
        }
        let proven =
            proof::prove(&self.road.attestation.attested, received).with_context(not_uploaded)?;
        meter
            .clock("Glance")
            .during(self.entrance.stored(id, self.road.disk_format, &proven))
            .await?;
        Ok(Sent {
            proven,
            transferred: meter.read(),
        })
    }
}

fn is_unauthorized(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<openstack::Error>();
    error.and_then(openstack::Error::status) == Some(401)
}

/// Whether it may have taken too long to send.
fn was_broken_off(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<openstack::Error>() {
        // It is there still, and has no data.
        Some(openstack::Error::Interrupted { status, .. }) => status.is_none(),
        Some(error) => matches!(error.status(), Some(400 | 408 | 500 | 502..=504)),
        None => false,
    }
}

/// Bytes that Glance has.
struct Sent {
    proven: Proven,
    transferred: Transferred,
}

/// A channel's end as a stream.
fn pieces(body: tokio::sync::mpsc::Receiver<Piece>) -> impl futures_util::Stream<Item = Piece> {
    futures_util::stream::unfold(
        body,
        |mut body| async move { Some((body.recv().await?, body)) },
    )
}
