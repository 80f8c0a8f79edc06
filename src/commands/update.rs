//! `reglaze update`: finds the newest build of every image, proves it, and adds it to the definition.

mod download;
mod offers;
mod propose;
mod report;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use futures_util::future::{join, join_all};

use super::online;
use crate::cli::Format;
use crate::definitions::{self, File};
use crate::domain::definition::Definition;
use crate::domain::edit::{self, Change};
use crate::domain::finding::Finding;
use crate::domain::freshness;
use crate::domain::lint;
use crate::domain::pinned::Asked;
use crate::domain::proposal::{self, Around};
use crate::domain::report::Report;
use crate::domain::source::Source;
use crate::settings::Settings;
use crate::upstream::{self, Failure, Newest, Proof, Upstream};
use download::Downloads;
pub use propose::run as propose;
use report::Image;

/// Says what is new upstream, or with `write` adds it to the files.
pub async fn run(settings: &Settings, write: bool) -> anyhow::Result<Report> {
    let Given {
        files,
        definitions,
        upstream,
    } = match given(settings)? {
        Ok(given) => given,
        Err(findings) => return Ok(report::broken(findings)),
    };
    let found = find(settings, &upstream, &files, &definitions).await;
    if write {
        for (name, text) in &found.texts {
            let file = files.iter().find(|file| file.name == *name);
            if let Some(file) = file.filter(|file| file.text != *text) {
                save(&file.path, text).with_context(|| {
                    format!("could not write `{name}`; expected a file that may be replaced")
                })?;
            }
        }
    }
    let mut report = report::report(&found.images, found.lines.clone(), write);
    if settings.format == Format::Markdown {
        let new = offers::told(&upstream, &found, offers::offers(&upstream, &found)).await;
        if let Some(group) = proposal::as_one(new) {
            report.title = Some(proposal::title(&group));
            let text = proposal::body(&group, &Around::default()).text;
            report.markdown = format!("{text}\n{}", report.markdown);
        }
    }
    Ok(report)
}

/// What a run begins with.
struct Given {
    files: Vec<File>,
    definitions: Vec<Definition>,
    upstream: Upstream,
}

/// Reads definitions and sources; the inner error is what is wrong in them.
fn given(settings: &Settings) -> anyhow::Result<Result<Given, Vec<Finding>>> {
    let files = definitions::read(&settings.files, &settings.images)?;
    let definitions = match definitions::parse(&files) {
        Ok(definitions) => definitions,
        Err(findings) => return Ok(Err(findings)),
    };
    let sources: Vec<Source> = match upstream::load_sources(&settings.files, &settings.sources)? {
        Ok(sources) => sources.into_iter().map(|(source, _)| source).collect(),
        Err(findings) => return Ok(Err(findings)),
    };
    Ok(Ok(Given {
        files,
        definitions,
        upstream: Upstream::new(settings, sources)?,
    }))
}

/// What a run has found out.
struct Found<'a> {
    /// What became of each image.
    images: Vec<Image<'a>>,
    /// What is said of lines of releases.
    lines: Vec<Finding>,
    /// The texts of the files with all that is new.
    texts: BTreeMap<&'a str, String>,
}

impl Found<'_> {
    /// What was found of upstreams and lines, with `more` behind it.
    fn findings(&self, more: &[Finding]) -> Vec<Finding> {
        let images = self.images.iter().flat_map(Image::findings);
        images.chain(&self.lines).chain(more).cloned().collect()
    }
}

/// Asks the upstreams of all definitions that are looked at, and edits the texts of their files.
async fn find<'a>(
    settings: &Settings,
    upstream: &Upstream,
    files: &'a [File],
    definitions: &'a [Definition],
) -> Found<'a> {
    let looked_at: Vec<&Definition> = definitions
        .iter()
        .filter(|definition| settings.looks_at(&definition.name))
        .collect();
    let downloads = Downloads::new(upstream, settings.limits.image_size);
    tracing::info!("asking the upstreams of {} images", looked_at.len());
    let done = AtomicUsize::new(0);
    let looks = looked_at.iter().map(async |definition| {
        let image = look(upstream, &downloads, settings, definition).await;
        let count = done.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::debug!("{count} of {}: `{}`", looked_at.len(), definition.name);
        image
    });
    let (mut images, lines) =
        online::with_lines(upstream, settings, definitions, join_all(looks)).await;
    let texts = edited(files, &mut images);
    Found {
        images,
        lines,
        texts,
    }
}

/// What the upstream has for one definition, and what became of the versions that it pins.
async fn look<'a>(
    upstream: &Upstream,
    downloads: &Downloads<'_>,
    settings: &Settings,
    definition: &'a Definition,
) -> Image<'a> {
    let mut image = Image::new(definition);
    if !definition.enable {
        return image.skipped(None);
    }
    image.tell(lint::twins(definition));
    let tracked = match upstream.tracked(definition) {
        Ok(Some(tracked)) => tracked,
        Ok(None) => {
            return image.skipped(Some(
                "no source knows this image; add `upstream:` with `from:`, or a source of your own",
            ));
        }
        Err(error) => return image.failed(&error.to_string(), false),
    };
    let order = definition
        .upstream
        .as_ref()
        .and_then(|upstream| upstream.order);
    // What some cloud would not take is not proposed.
    let asked = settings.asked_of(definition);
    let (newest, pinned) = join(
        upstream.newest(&tracked, order, asked.verify),
        online::pinned(upstream, definition, Asked::Beside, asked.verify, || {}),
    )
    .await;
    match newest {
        Ok(newest) => judged(image, &newest, tracked.source, settings, downloads)
            .await
            .pinned(pinned),
        Err(failure) => {
            let Failure { candidate, error } = *failure;
            let unreachable = candidate.is_none() && error.is_upstreams();
            image
                .found(candidate.as_ref())
                .failed(&online::refusal(&error, asked), unreachable)
                .pinned(pinned)
        }
    }
}

/// What the newest build means for an image. One that is new and not proven by documents is fetched once.
async fn judged<'a>(
    image: Image<'a>,
    newest: &Newest,
    source: &Source,
    settings: &Settings,
    downloads: &Downloads<'_>,
) -> Image<'a> {
    let Newest {
        candidate,
        proof,
        order,
        notes,
    } = newest;
    let definition = image.definition;
    let mut image = image.found(Some(candidate)).noted(notes);
    let mut attested = match proof {
        Proof::Documents(attested) => Some(attested.clone()),
        Proof::Bytes(_) => None,
    };
    let listed = |attested| online::listed(definition, newest, attested, source, settings);
    let mut found = listed(attested.as_ref());
    if let (Ok(None), Proof::Bytes(by_bytes)) = (&found, proof) {
        match downloads.attest(&source.name, candidate, by_bytes).await {
            Ok((fetched, notes)) => {
                image = image.noted(&notes);
                found = listed(Some(&fetched));
                attested = Some(fetched);
            }
            Err(error) => return image.failed(&error, false),
        }
    }
    match found {
        Ok(Some((selection, findings))) => {
            let missing = freshness::missing(definition, &selection, *order);
            let mut image = match attested {
                Some(attested) => image.proven(&attested),
                None => image.reviewed_or(proof.told(), &selection),
            };
            image = image.selected(selection, missing);
            image.tell(findings);
            image
        }
        // What was fetched has its place.
        Ok(None) => image,
        Err(error) => image.failed(&error.to_string(), false),
    }
}

/// Edits the texts of all files; what cannot be edited safely has failed.
fn edited<'a>(files: &'a [File], images: &mut [Image]) -> BTreeMap<&'a str, String> {
    let mut texts = BTreeMap::new();
    for file in files {
        let changing: Vec<usize> = (0..images.len())
            .filter(|at| images[*at].definition.file == file.name && images[*at].change().is_some())
            .collect();
        let changes: Vec<Change> = changing
            .iter()
            .filter_map(|at| images[*at].change())
            .collect();
        let (text, refusals) = edit::edit_all(&file.text, &changes);
        texts.insert(file.name.as_str(), text);
        for (at, refusal) in changing.into_iter().zip(refusals) {
            if let Some(refusal) = refusal {
                images[at].refuse(format!(
                    "`{}` cannot be edited safely: {refusal}",
                    file.name
                ));
            }
        }
    }
    texts
}

/// Replaces a file in one step; its permissions stay, and a link stays a link.
pub(super) fn save(path: &Path, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = path.with_file_name(name);
    let written = std::fs::write(&fresh, text)
        .and_then(|()| std::fs::set_permissions(&fresh, std::fs::metadata(&path)?.permissions()))
        .and_then(|()| std::fs::rename(&fresh, &path));
    if written.is_err() {
        // Best effort: the first error is the one to tell.
        let _ = std::fs::remove_file(&fresh);
    }
    written
}
