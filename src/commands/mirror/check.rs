//! `--check`: every object that a definition names, or would name, is read to its end and proven.

use anyhow::anyhow;
use futures_util::StreamExt;

use super::bring::{is_about_bytes, proven};
use super::report::{Image, State};
use super::{AT_ONCE, Run};
use crate::commands::stop::STOPPED;

/// Reads and proves what is there; what is named and not there is missing.
pub async fn check(run: Run<'_>, images: &mut Vec<Image<'_>>) {
    images.retain(|image| image.wish.is_named || !matches!(image.state, State::Missing));
    let works = images.iter_mut().map(|image| async move {
        match image.state {
            State::Missing => {
                let message = format!(
                    "`mirror_url` names the object `{}`, which is not there; run `reglaze mirror --write`",
                    image.wish.name
                );
                return image.fail_as("mirror-missing", message);
            }
            // Nobody could say whether it is there.
            State::Failed(_) => return,
            _ => {}
        }
        let mut stop = run.stop.clone();
        let read = tokio::select! {
            read = proven(run, image.wish) => read,
            () = stop.wanted() => Err(anyhow!(STOPPED)),
        };
        match read {
            Ok(size) => {
                image.state = State::Proven(size);
                if image.wish.is_named {
                    image.probe(run).await;
                }
            }
            Err(error) => {
                if error.downcast_ref().is_some_and(is_about_bytes) {
                    let message = format!("{error:#}; remove it and run `reglaze mirror --write`");
                    image.fail_as("mirror-wrong", message);
                } else {
                    image.fail(&error);
                }
            }
        }
    });
    futures_util::stream::iter(works)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
}
