//! `--prune`: what no definition names any more. Only what bears our mark, and of more than the bound nothing.

use futures_util::StreamExt;

use super::report::{Fate, Image, Kind, Removal, State};
use super::{QUESTIONS_AT_ONCE, Run};
use crate::commands::stop::STOPPED;
use crate::domain::finding::Finding;
use crate::domain::mirror;

/// Removes what is left over, or says what it would remove. One object that fails does not stop the others.
pub async fn prune(
    run: Run<'_>,
    images: &[Image<'_>],
    findings: &mut Vec<Finding>,
) -> Vec<Removal> {
    let mut nothing = |why: String| {
        findings.push(Finding::error(
            "mirror-prune",
            format!("nothing was removed, since {why}"),
        ));
        Vec::new()
    };
    // Whatever went wrong may be why something looks left over.
    let failed = images
        .iter()
        .filter(|image| matches!(image.state, State::Failed(_)));
    let failed = failed.count();
    if failed > 0 {
        return nothing(format!(
            "{failed} of the wanted images failed; see why, and run again"
        ));
    }
    let left = mirror::leftovers(
        run.definitions,
        &run.mirror.rules,
        run.objects,
        run.unfinished.to_vec(),
        run.mirror.keep,
        run.settings.today,
    );
    let Some(left) = left else {
        let why =
            "not every version's object has a name; see `mirror.name`, and the other findings";
        return nothing(why.to_owned());
    };
    let looks = left.objects.into_iter().map(|name| async move {
        let stored = run.store.look(&name).await;
        (name, stored)
    });
    let looks = futures_util::stream::iter(looks).buffered(QUESTIONS_AT_ONCE);
    let looks: Vec<_> = looks.collect().await;
    let of_object = |name, fate| Removal {
        name,
        kind: Kind::Object,
        fate,
    };
    let mut removals = Vec::new();
    for (name, stored) in looks {
        match stored {
            Ok(Some(stored)) if mirror::is_left_over(run.definitions, &stored) => {
                removals.push(of_object(name, Fate::Wanted));
            }
            Ok(_) => {}
            Err(error) => removals.push(of_object(name, Fate::Failed(error.to_string()))),
        }
    }
    let (limit, count) = (run.mirror.deletions, removals.len());
    if count > limit {
        return nothing(format!(
            "{count} objects are named by no definition, and `mirror.deletions` allows {limit} in one run"
        ));
    }
    removals.extend(left.uploads.into_iter().map(|begun| Removal {
        name: begun.name.clone(),
        kind: Kind::Upload(begun),
        fate: Fate::Wanted,
    }));
    if run.arguments.write {
        for removal in &mut removals {
            remove(run, removal).await;
        }
    }
    let failed = removals.iter().filter_map(|removal| match &removal.fate {
        Fate::Failed(error) => Some(Finding::error("mirror-prune", error.clone())),
        _ => None,
    });
    findings.extend(failed);
    removals
}

async fn remove(run: Run<'_>, removal: &mut Removal) {
    if !matches!(removal.fate, Fate::Wanted) {
        return;
    }
    if run.stop.is_wanted() {
        removal.fate = Fate::Skipped(STOPPED);
        return;
    }
    let done = match &removal.kind {
        Kind::Upload(begun) => run.store.abandon(begun, 0).await,
        Kind::Object => run.store.remove(&removal.name).await,
    };
    removal.fate = match done {
        Ok(()) => Fate::Done,
        Err(error) => Fate::Failed(error.to_string()),
    };
}
