//! `--prune`: what no definition names any more. Only what bears our mark, and of more than the bound nothing.

use futures_util::StreamExt;

use super::report::Removed;
use super::{QUESTIONS_AT_ONCE, Run};
use crate::domain::finding::Finding;
use crate::domain::mirror;

/// Removes what is left over, or says what it would remove.
pub async fn prune(
    run: Run<'_>,
    write: bool,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<Vec<Removed>> {
    let left = mirror::leftovers(
        run.definitions,
        &run.mirror.rules,
        run.objects,
        run.unfinished.to_vec(),
        run.mirror.keep,
        run.settings.today,
    );
    let Some(left) = left else {
        let message = "nothing was removed, since not every version's object has a name; see `mirror.name`, and the other findings";
        findings.push(Finding::error("mirror-prune", message));
        return Ok(Vec::new());
    };
    let looks = left.objects.into_iter().map(|name| async move {
        let stored = run.store.look(&name).await;
        (name, stored)
    });
    let looks = futures_util::stream::iter(looks).buffered(QUESTIONS_AT_ONCE);
    let looks: Vec<_> = looks.collect().await;
    let mut removed = Vec::new();
    for (name, stored) in looks {
        // Without our mark it is somebody else's.
        if stored?.is_some_and(|stored| stored.checksum.is_some()) {
            removed.push(Removed::object(name));
        }
    }
    let limit = run.mirror.deletions;
    if removed.len() > limit {
        let message = format!(
            "{} objects are named by no definition, and `mirror.deletions` allows {limit} in one run; nothing was removed",
            removed.len()
        );
        findings.push(Finding::error("mirror-prune", message));
        return Ok(Vec::new());
    }
    removed.extend(left.uploads.into_iter().map(Removed::upload));
    if write {
        for one in &mut removed {
            if run.stop.is_wanted() {
                break;
            }
            let done = match &one.upload {
                Some(begun) => run.store.abandon(begun, 0).await,
                None => run.store.remove(&one.name).await,
            };
            one.done = Some(done.map_err(|error| error.to_string()));
        }
    }
    Ok(removed)
}
