//! `reglaze sources`: which upstreams are known and whose keys they name; with `--save-keys` fills `keys/`.

mod list;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::bail;
use futures_util::future::join_all;
use serde_json::{Map, json};

use crate::domain::finding::Finding;
use crate::domain::nearest::nearest;
use crate::domain::report::{Ending, Report};
use crate::domain::signature::Fingerprint;
use crate::domain::source::{Pin, Source};
use crate::settings::Settings;
use crate::upstream::{self, Upstream};
use list::Listed;

/// Lists the sources, or tells all of the one called `name`; with `save_keys` also fetches their keys into `keys/`.
pub async fn run(
    settings: &Settings,
    name: Option<&str>,
    save_keys: bool,
) -> anyhow::Result<Report> {
    let mut sources = match upstream::load_sources(&settings.files, &settings.sources)? {
        Ok(sources) => sources,
        Err(findings) => return Ok(report(Ending::Nothing, &[], name, &[], findings)),
    };
    if let Some(name) = name {
        let one = chosen(sources.iter().map(|(source, _)| source), name)?
            .name
            .clone();
        sources.retain(|(source, _)| source.name == one);
    }
    let mut keys = Vec::new();
    let mut findings = Vec::new();
    let mut ending = Ending::Done;
    if save_keys {
        let all = sources.iter().map(|(source, _)| source.clone()).collect();
        let upstream = Upstream::new(settings, all)?;
        let wanted: Vec<_> = sources
            .iter()
            .flat_map(|(source, _)| source.pins().into_iter().map(move |pin| (source, pin)))
            .collect();
        tracing::info!("fetching {} keys", wanted.len());
        keys = join_all(
            wanted
                .iter()
                .map(|(source, pin)| save(&upstream, source, pin, &settings.keys)),
        )
        .await;
        let failed = keys.iter().filter_map(|key| key.error.as_ref());
        findings.extend(failed.map(|error| Finding::error("key", error.clone())));
        if !keys.is_empty() && findings.len() == keys.len() {
            ending = Ending::Nothing;
        } else if !findings.is_empty() {
            ending = Ending::Partly;
        }
    }
    Ok(report(ending, &sources, name, &keys, findings))
}

/// The source of that name. Fails with what was probably meant, else with what there is.
pub(super) fn chosen<'a>(
    sources: impl Iterator<Item = &'a Source>,
    name: &str,
) -> anyhow::Result<&'a Source> {
    let sources: Vec<_> = sources.collect();
    if let Some(source) = sources.iter().find(|source| source.name == name) {
        return Ok(source);
    }
    let names = || sources.iter().map(|source| source.name.as_str());
    let hint = match nearest(name, names()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
    };
    bail!(
        "there is no source `{name}`; {hint} (`reglaze sources` lists them with their parameters)"
    )
}

/// What became of one key.
struct Key {
    source: String,
    fingerprint: Fingerprint,
    file: String,
    outcome: &'static str,
    error: Option<String>,
}

/// Fetches a key and writes it, unless the file has it already.
async fn save(upstream: &Upstream, source: &Source, pin: &Pin<'_>, folder: &Path) -> Key {
    let fingerprint = pin.fingerprint;
    let path = folder.join(format!("{fingerprint}.asc"));
    let written = match upstream.key_file(source, pin).await {
        Ok(file) if std::fs::read(&path).is_ok_and(|old| old == file.bytes) => Ok("current"),
        Ok(file) => upstream::write_file(&path, &file.bytes)
            .map(|()| "saved")
            .map_err(|error| format!("could not write `{}`: {error}", path.display())),
        Err(error) => Err(error.to_string()),
    };
    Key {
        source: source.name.clone(),
        fingerprint: fingerprint.clone(),
        file: path.display().to_string(),
        outcome: written.as_ref().map_or("failed", |outcome| outcome),
        error: written.err(),
    }
}

fn report(
    ending: Ending,
    sources: &[Listed],
    name: Option<&str>,
    keys: &[Key],
    findings: Vec<Finding>,
) -> Report {
    let mut data = Map::new();
    let list = sources
        .iter()
        .map(|(source, file)| list::json(source, file.as_deref()));
    data.insert("sources".to_owned(), list.collect());
    let list = keys.iter().map(|key| {
        json!({"source": key.source, "fingerprint": key.fingerprint, "file": key.file,
               "outcome": key.outcome, "error": key.error})
    });
    data.insert("keys".to_owned(), list.collect());
    let mut text = match (name, sources) {
        (Some(_), [one]) => list::detail(one),
        (_, sources) => list::text(sources),
    };
    if !keys.is_empty() {
        text.clear();
    }
    for key in keys {
        let _ = writeln!(text, "{} {}  {}", key.outcome, key.fingerprint, key.file);
    }
    let saved = keys.iter().filter(|key| key.outcome == "saved").count();
    Report {
        matrix: None,
        title: None,
        ending,
        changes: saved > 0,
        data,
        text,
        markdown: list::markdown(sources),
        findings,
    }
}
