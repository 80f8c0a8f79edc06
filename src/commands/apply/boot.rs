//! The boot test: a server is started from an image that nobody else sees yet, and is deleted again whatever happens.

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};

use super::Target;
use crate::commands::stop::STOPPED;
use crate::domain::console::{self, Verdict};
use crate::domain::finding::Finding;
use crate::domain::step::Step;
use crate::openstack::servers::{Marked, State};
use crate::openstack::{Compute, NewServer};
use crate::settings::Boot;

/// How often Nova is asked.
const PAUSE: Duration = Duration::from_secs(2);

/// How long a deleted server may take to be gone. Nothing waits for it longer.
const GOING: Duration = Duration::from_mins(1);

/// Starts a server from an image and judges what becomes of it.
pub async fn boot(
    target: Target<'_>,
    step: &Step,
    id: &str,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<()> {
    let Some(boot) = &target.cloud.boot else {
        bail!(
            "the policy wants a server started from it first, and the settings do not say how; set `boot: {{flavor: …}}`"
        );
    };
    let compute = compute(target)?;
    remove_marked(&compute, target, |definition| definition == step.image).await?;
    let mut ending = target.run.stop.clone();
    let mut seen = String::new();
    let tried = tokio::select! {
        tried = tried(&compute, target, boot, step, id, &mut seen) => tried,
        () = ending.wanted() => Err(anyhow!(STOPPED)),
    };
    // By its mark and not by an ID: the answer that had the ID may have been lost.
    let removed = remove_marked(&compute, target, |definition| definition == step.image).await;
    if let Err(left) = removed {
        let message = format!(
            "the server of the boot test could not be deleted, the next run tries again: {left:#}"
        );
        findings.push(
            Finding::warning("boot-leftover", message)
                .image(&step.image)
                .id(id),
        );
    }
    tried.map_err(|error| {
        let mut message = format!("no server came up from it, so it stays private: {error:#}");
        let lines = console::last_lines(&seen, 5);
        if !lines.is_empty() {
            message = format!("{message}; the end of its console: `{lines}`");
        }
        findings.push(
            Finding::error("boot-failed", message)
                .image(&step.image)
                .id(id),
        );
        error.context(format!("image `{id}` stays private"))
    })
}

/// Removes servers that dead runs left, of the definitions that this run looks at, and tells of it. Where Nova does not
/// answer they stay.
pub async fn remove_leftovers(target: Target<'_>) -> Vec<Finding> {
    let compute = match compute(target) {
        Ok(compute) => compute,
        // Where a boot test is wanted, the plan has said so.
        Err(reason) => {
            tracing::debug!("no servers of earlier boot tests were looked for: {reason:#}");
            return Vec::new();
        }
    };
    let looked_at = |definition: &str| target.run.settings.looks_at(definition);
    match remove_marked(&compute, target, looked_at).await {
        Ok(removed) => removed.iter().map(removed_leftover).collect(),
        Err(error) => vec![Finding::warning(
            "boot-leftover",
            format!(
                "servers of earlier boot tests may be left, the next run looks again: {error:#}"
            ),
        )],
    }
}

fn removed_leftover(server: &Marked) -> Finding {
    let message = format!(
        "server `{}` was left by the boot test of a run that died, and is deleted",
        server.id
    );
    Finding::note("boot-leftover", message).image(&server.definition)
}

fn compute(target: Target<'_>) -> anyhow::Result<Compute> {
    Compute::connect(target.service.session().clone()).map_err(|reason| anyhow!(reason))
}

/// Deletes the servers with our mark of these definitions, and gives them once they are gone.
async fn remove_marked(
    compute: &Compute,
    target: Target<'_>,
    wanted: impl Fn(&str) -> bool,
) -> anyhow::Result<Vec<Marked>> {
    let begun = Instant::now();
    let mut removed: Vec<Marked> = Vec::new();
    loop {
        let marked = compute.marked(&target.run.settings.tag).await?;
        let left: Vec<_> = marked
            .into_iter()
            .filter(|one| wanted(&one.definition))
            .collect();
        if left.is_empty() {
            return Ok(removed);
        }
        for server in &left {
            tracing::debug!("deleting server `{}`", server.id);
            compute.delete(&server.id).await?;
            if !removed.contains(server) {
                removed.push(server.clone());
            }
        }
        if begun.elapsed() > GOING {
            bail!(
                "server `{}` is deleted, and still there after {} s",
                left[0].id,
                GOING.as_secs()
            );
        }
        tokio::time::sleep(PAUSE / 4).await;
    }
}

/// Waits until the server is up; `seen` is what its console showed last.
async fn tried(
    compute: &Compute,
    target: Target<'_>,
    boot: &Boot,
    step: &Step,
    id: &str,
    seen: &mut String,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let within = boot.within;
    let server = compute
        .start(NewServer {
            image: id,
            flavor: &boot.flavor,
            network: boot.network.as_deref(),
            tag: &target.run.settings.tag,
            definition: &step.image,
        })
        .await?;
    let mut is_active = false;
    loop {
        match compute
            .state(&server)
            .await
            .with_context(|| format!("server `{server}` was lost"))?
        {
            State::Active if !boot.console => return Ok(()),
            State::Active => {
                is_active = true;
                *seen = compute.console(&server).await?;
                match console::verdict(seen) {
                    Verdict::Up => return Ok(()),
                    Verdict::Down(reason) => bail!("{reason}"),
                    Verdict::Unclear => {}
                }
            }
            State::Building => {}
            State::Failed(reason) => bail!("Nova could not run it (`{reason}`)"),
            State::Gone => bail!("somebody deleted the server"),
        }
        if begun.elapsed() + PAUSE > within {
            let seconds = within.as_secs();
            if is_active {
                bail!(
                    "within {seconds} s its console showed neither a login prompt nor the end of cloud-init"
                );
            }
            bail!("its server was not ACTIVE within {seconds} s");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
