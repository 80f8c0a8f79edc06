//! A guarded stream into the store, and the proof that comes at its end: only then an object becomes visible.

use super::Run;
use super::bring::is_about_bytes;
use super::parts::Parts;
use crate::domain::attested::Attested;
use crate::domain::mirror::{Way, Wish};
use crate::domain::proof::{self, Proven};
use crate::transfer::{Guarded, TransferError};

/// Sends all of it, and gives the proof.
pub async fn send(
    run: Run<'_>,
    wish: &Wish<'_>,
    attested: &Attested,
    guarded: Guarded,
    (way, size): (Way, Option<u64>),
) -> anyhow::Result<Proven> {
    match way {
        Way::Parts(part) => in_parts(Parts::new(run, wish, part), attested, guarded).await,
        Way::Whole(_) => whole(run, wish, attested, guarded, size).await,
    }
}

/// Parts first; they become an object when they are proven.
async fn in_parts(
    mut parts: Parts<'_>,
    attested: &Attested,
    guarded: Guarded,
) -> anyhow::Result<Proven> {
    let Guarded {
        mut body, verdict, ..
    } = guarded;
    while let Some(piece) = body.recv().await {
        // The verdict says why it ends.
        let Ok(piece) = piece else { break };
        parts.take(&piece).await?;
    }
    drop(body);
    let proven = match verdict.await.map_err(|_| TransferError::Hashing)? {
        Ok(received) => proof::prove(attested, received).map_err(TransferError::from),
        Err(error) => Err(error),
    };
    match proven {
        Ok(proven) => match parts.complete().await {
            Ok(()) => Ok(proven),
            Err(error) => {
                if error.is_taken() {
                    parts.abandon().await;
                }
                Err(error.into())
            }
        },
        Err(error) => {
            if is_about_bytes(&error) {
                parts.abandon().await;
            }
            Err(error.into())
        }
    }
}

/// One call, whose last piece comes only when everything has matched.
async fn whole(
    run: Run<'_>,
    wish: &Wish<'_>,
    attested: &Attested,
    guarded: Guarded,
    size: Option<u64>,
) -> anyhow::Result<Proven> {
    let Guarded { body, verdict, .. } = guarded;
    let sent = run
        .store
        .put_stream(&wish.name, size, body, wish.checksum)
        .await;
    match (verdict.await.map_err(|_| TransferError::Hashing)?, sent) {
        // Where nobody took the pieces any more, the store says why.
        (Err(TransferError::Closed { .. }) | Ok(_), Err(error)) => Err(error.into()),
        (Err(error), _) => Err(error.into()),
        (Ok(received), Ok(())) => Ok(proof::prove(attested, received)?),
    }
}
