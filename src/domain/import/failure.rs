//! How an import ended that did not reach its goal, in words.

use std::collections::BTreeSet;
use std::time::Duration;

use thiserror::Error;

use crate::domain::snapshot::Status;

/// Why an import will not reach its goal. Glance never tells the reason itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// The image is not there any more.
    #[error("the image is not there any more; somebody deleted it while its import ran")]
    Gone,
    /// The task failed.
    #[error(
        "the import failed{}; the reason is in Glance's log only{}",
        into(stores),
        if *free { "" } else { ", and the image takes no other import: delete it and begin anew" }
    )]
    Failed {
        /// The stores that Glance blames, if it has several.
        stores: BTreeSet<String>,
        /// Whether the same image can take another import: no lock stays, and it is `queued` or active.
        free: bool,
    },
    /// The image is something that no import makes of it.
    #[error("the image is `{0}`, which no import makes of it; somebody else works on it")]
    Unexpected(Status),
    /// Nothing moves.
    #[error(
        "the image is `{status}`{} and nothing of it has changed for {} s, so it was given up; Glance's log may tell why",
        if *locked { " and locked by the import" } else { "" },
        after.as_secs()
    )]
    Stuck {
        /// What the image is.
        status: Status,
        /// Whether the import's lock is on it.
        locked: bool,
        /// For how long.
        after: Duration,
    },
    /// It moves, and takes too long.
    #[error(
        "the image is still `{status}` after {} s, so its import was given up; Glance's log may tell why",
        after.as_secs()
    )]
    Late {
        /// What the image is.
        status: Status,
        /// For how long it was waited.
        after: Duration,
    },
}

impl Failure {
    /// Says whether the same image can take another import, without being deleted first.
    pub fn leaves_the_image_free(&self) -> bool {
        matches!(self, Self::Failed { free: true, .. })
    }
}

fn into(stores: &BTreeSet<String>) -> String {
    if stores.is_empty() {
        return String::new();
    }
    let names: Vec<_> = stores.iter().map(|store| format!("`{store}`")).collect();
    format!(" into {}", names.join(", "))
}
