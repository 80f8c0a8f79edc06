//! `reglaze mirror`: brings the pinned images into an object store, proven, and names them in the definitions.

mod bring;
mod check;
mod name;
mod parts;
mod place;
mod prune;
mod report;
mod room;
mod send;

use std::sync::Arc;

use anyhow::Context as _;
use futures_util::StreamExt;

use super::catalogue;
use super::stop::Stop;
use crate::cli::MirrorArguments;
use crate::definitions;
use crate::domain::definition::Definition;
use crate::domain::mirror::{self, Begun, Deed, Object, Wish};
use crate::domain::report::Report;
use crate::settings::{Mirror, Settings};
use crate::store::Store;
use crate::upstream::{Upstream, load_sources};
use report::{Image, State};
use room::Room;

/// So many objects are asked about at one time.
const QUESTIONS_AT_ONCE: usize = 8;

/// So many images are on their way at one time: each keeps a core busy with hashing.
const AT_ONCE: usize = 2;

/// Says what would be done, does it with `write`, or reads all of it again with `check`.
pub async fn run(settings: &Settings, arguments: &MirrorArguments) -> anyhow::Result<Report> {
    let mirror = mirror_of(settings, arguments)?;
    let files = definitions::read(&settings.files, &settings.images)?;
    // Of a broken file nobody knows what it names.
    let definitions = match catalogue::parsed(settings, &files) {
        Ok(definitions) => definitions,
        Err(findings) => return Ok(report::broken(findings)),
    };
    let sources = match load_sources(&settings.files, &settings.sources)? {
        Ok(sources) => sources.into_iter().map(|(source, _)| source).collect(),
        Err(findings) => return Ok(report::broken(findings)),
    };
    let (wishes, mut findings) = mirror::wishes(&definitions, &mirror.rules);
    let store = Arc::new(place::store(settings, mirror).await?);
    let objects = store.list().await?;
    let run = Run {
        settings,
        arguments,
        mirror,
        definitions: &definitions,
        upstream: &Upstream::new(settings, sources)?,
        stop: &Stop::listen().context("could not listen for signals")?,
        store: &store,
        room: &Arc::new(Room::new()),
        objects: &objects,
        unfinished: &if arguments.write || arguments.prune {
            store.unfinished().await?
        } else {
            Vec::new()
        },
    };
    let looked_at = wishes
        .iter()
        .filter(|wish| settings.looks_at(&wish.definition.name));
    let looks = looked_at.map(|wish| run.look(wish));
    let looks = futures_util::stream::iter(looks).buffered(QUESTIONS_AT_ONCE);
    let mut images: Vec<Image> = looks.collect().await;
    if arguments.check {
        check::check(run, &mut images).await;
    } else if arguments.write {
        bring::bring(run, &mut images).await;
        name::name(run, &files, &mut images).await;
    }
    let mut removals = Vec::new();
    if arguments.prune {
        removals = prune::prune(run, &images, &mut findings).await;
    }
    let told = settings.looks_at_all();
    findings.retain(|one| {
        told || one
            .image
            .as_deref()
            .is_some_and(|name| settings.looks_at(name))
    });
    Ok(report::report(&images, &removals, findings, arguments))
}

/// The setting, if the flags make sense with it.
fn mirror_of<'a>(
    settings: &'a Settings,
    arguments: &MirrorArguments,
) -> anyhow::Result<&'a Mirror> {
    if arguments.check && (arguments.write || arguments.prune) {
        anyhow::bail!(
            "--check was given with --write or --prune; expected it alone: it changes nothing"
        );
    }
    if arguments.prune && !settings.looks_at_all() {
        anyhow::bail!(
            "--prune was given with --filter or --shard; expected it without them: what no definition names is known only from all of them"
        );
    }
    if arguments.prune && !settings.reads_all() {
        anyhow::bail!(
            "--prune was given with --images {}, and the settings' catalogue is {}; expected --prune without --images (or `images` in {} set to that): what no definition names is known only from all of them",
            settings.images.display(),
            settings.catalogue.display(),
            crate::settings::FILE
        );
    }
    settings.mirror.as_ref().context(
        "the settings have no `mirror`; expected one in reglaze.yml, such as `mirror: {to: \"s3://BUCKET/PREFIX\", public_url: \"https://…/\"}`",
    )
}

/// One run of `mirror`.
#[derive(Clone, Copy)]
struct Run<'a> {
    settings: &'a Settings,
    arguments: &'a MirrorArguments,
    mirror: &'a Mirror,
    definitions: &'a [Definition],
    upstream: &'a Upstream,
    stop: &'a Stop,
    store: &'a Arc<Store>,
    room: &'a Arc<Room>,
    objects: &'a [Object],
    unfinished: &'a [Begun],
}

impl Run<'_> {
    /// What is to be done about one image.
    async fn look<'a>(self, wish: &'a Wish<'a>) -> Image<'a> {
        let is_listed = self.objects.iter().any(|object| object.name == wish.name);
        let stored = if is_listed {
            self.store.look(&wish.name).await
        } else {
            Ok(None)
        };
        let url = self.mirror.rules.url(&wish.name);
        let mut image = Image::new(wish, url, self.arguments.check);
        let deed = stored.map(|stored| mirror::deed(wish, stored.as_ref()));
        match deed {
            Ok(Deed::Upload) => image.state = State::Missing,
            // Whatever a mark says of it.
            Ok(_) if self.arguments.check => image.state = State::Unproven,
            Ok(Deed::Nothing) => image.state = State::Current,
            Ok(Deed::Prove) => image.state = State::Unproven,
            Ok(Deed::Leave) => image.fail_as(
                "mirror-taken",
                format!(
                    "the object `{}` is of another digest than `{}`, and nothing that is there is overwritten; remove it, or let `mirror.name` tell versions apart",
                    wish.name, wish.checksum
                ),
            ),
            Err(error) => image.fail(&error.into()),
        }
        image
    }
}
