//! Upstream → digests and signature → store, and objects that lie there already → digests.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail};
use futures_util::StreamExt;

use super::report::{Image, State};
use super::{AT_ONCE, Run, send};
use crate::commands::stop::STOPPED;
use crate::domain::checksum::Checksum;
use crate::domain::mirror::{self, Way, WayError, Wish};
use crate::store::StoreError;
use crate::transfer::{self, Demand, Progress, TransferError, Want};
use crate::upstream::Attestation;
use crate::upstream::fetch::Download;

/// Brings what is missing, and proves what nobody has proven. One that fails does not stop the others.
pub async fn bring(run: Run<'_>, images: &mut [Image<'_>]) {
    // Several versions may be of one object.
    let mut groups: BTreeMap<String, Vec<&mut Image>> = BTreeMap::new();
    for image in images {
        let group = groups.entry(image.wish.name.clone()).or_default();
        group.push(image);
    }
    let works = groups.into_values().map(|group| async move {
        let mut done: Vec<(&Checksum, State)> = Vec::new();
        for image in group {
            let checksum = image.wish.checksum;
            // Of the same object and with the same digest it is the same work; with another one it is not.
            if let Some((_, state)) = done.iter().find(|(known, _)| *known == checksum) {
                image.follow(state);
                continue;
            }
            if matches!(image.state, State::Missing) && done.iter().any(|(_, one)| one.is_there()) {
                image.state = State::Unproven;
            }
            one(run, image).await;
            done.push((checksum, image.state.clone()));
        }
    });
    futures_util::stream::iter(works)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
}

async fn one(run: Run<'_>, image: &mut Image<'_>) {
    if !image.state.is_to_do() {
        return;
    }
    if run.stop.is_wanted() {
        return image.fail(&anyhow!(STOPPED));
    }
    let mut stop = run.stop.clone();
    let work = async {
        if matches!(image.state, State::Missing) {
            upload(run, image).await.map(State::Uploaded)
        } else {
            proven(run, image.wish).await.map(State::Proven)
        }
    };
    let done = tokio::select! {
        done = work => done,
        () = stop.wanted() => Err(anyhow!(STOPPED)),
    };
    match done {
        Ok(state) => image.state = state,
        Err(error) if error.downcast_ref().is_some_and(StoreError::is_taken) => {
            image.fail_as("mirror-taken", format!("{error:#}"));
        }
        Err(error) => image.fail(&error),
    }
}

/// Reads an object and proves its digest; gives its size. What breaks off is read once more.
pub async fn proven(run: Run<'_>, wish: &Wish<'_>) -> anyhow::Result<u64> {
    let first = read(run, wish).await;
    let read = match first {
        Err(TransferError::Source { .. }) => read(run, wish).await,
        first => first,
    };
    let told = |error| {
        let is_wrong = is_about_bytes(&error);
        let error = anyhow::Error::new(error);
        if is_wrong {
            error.context(format!(
                "the object `{}` is not what the definition pins",
                wish.name
            ))
        } else {
            error.context(format!("the object `{}` could not be read", wish.name))
        }
    };
    read.map_err(told)
}

async fn read(run: Run<'_>, wish: &Wish<'_>) -> Result<u64, TransferError> {
    let body = run.store.read(&wish.name).await;
    let body = body.map_err(|error| TransferError::Source {
        received: 0,
        source: Box::new(error),
    })?;
    let label = format!("reading `{}`", wish.name);
    // Only the file: what is in it is looked into when it goes into a cloud.
    let wanted = vec![Want::Expect(wish.checksum.clone())];
    let demand = Demand::of_the_file(wanted, run.settings.limits.image_size);
    let received = transfer::measure(body, demand, Progress::new(label, None)).await?;
    Ok(received.file.size)
}

/// Proves where the bytes come from, then streams them. The object becomes visible when they have matched.
async fn upload(run: Run<'_>, image: &mut Image<'_>) -> anyhow::Result<u64> {
    let wish = image.wish;
    let (definition, version) = (wish.definition, wish.version());
    let verify = run.settings.asked_of(definition).verify;
    let mut attestation = run.upstream.attest(definition, version, verify).await?;
    image.findings.append(&mut attestation.findings);
    let Attestation {
        attested,
        signature,
        ..
    } = attestation;
    // The file is mirrored as it is, whatever is in it.
    let attested = attested.with_disk(None, &wish.name)?;
    let download = open(run, wish).await?;
    let served = download.served;
    let limit = run.settings.limits.image_size;
    let size = download.size;
    if let Some(size) = size.filter(|size| *size > limit) {
        bail!("{served} has {size} bytes; the setting `limits.image_size` allows {limit}");
    }
    let way = mirror::way(size, limit, run.store.offer().await?)
        .with_context(|| format!("{served} was not mirrored"))?;
    let bound = match way {
        Way::Parts(_) => limit,
        Way::Whole(largest) => limit.min(largest),
    };
    let expected = attested.checksums().cloned().map(Want::Expect).collect();
    let demand = Demand {
        signature,
        ..Demand::of_the_file(expected, bound)
    };
    let label = format!("{} [{}]", definition.name, version.version);
    let guarded = transfer::guard(download.body, demand, Progress::new(label, size)).await;
    let proven = match guarded {
        Ok(guarded) => send::send(run, wish, &attested, guarded, (way, size)).await,
        Err(error) => Err(error.into()),
    };
    let proven = proven
        .map_err(|error| match error.downcast_ref() {
            Some(TransferError::TooLarge { limit: largest }) if *largest < limit => {
                WayError::NoParts { largest: *largest }.into()
            }
            _ => error,
        })
        .with_context(|| format!("{served} was not mirrored"))?;
    let stored = run.store.look(&wish.name).await?;
    match stored {
        Some(stored) if stored.size == proven.size() => Ok(stored.size),
        Some(stored) => bail!(
            "the store says that `{}` has {} bytes; sent were {}",
            wish.name,
            stored.size,
            proven.size()
        ),
        None => bail!(
            "the store took `{}` and says that it is not there",
            wish.name
        ),
    }
}

/// Where the bytes come from: the upstream, or a mirror of somebody else that the definition names, if it is gone there.
async fn open(run: Run<'_>, wish: &Wish<'_>) -> anyhow::Result<Download> {
    let version = wish.version();
    let url = version.url.as_deref().context("the version has no `url`")?;
    let others = version.mirrors.iter().map(|mirror| mirror.url.as_str());
    // At ours it is not.
    let others = others.filter(|url| run.mirror.rules.object(url).is_none());
    let places: Vec<&str> = std::iter::once(url).chain(others).collect();
    Ok(run.upstream.image(&places).await?)
}

/// Whether bytes that came are wrong, so that nothing of them is kept; else the next run goes on with them.
pub fn is_about_bytes(error: &TransferError) -> bool {
    matches!(
        error,
        TransferError::Mismatch(_) | TransferError::Signature(_) | TransferError::TooLarge { .. }
    )
}
