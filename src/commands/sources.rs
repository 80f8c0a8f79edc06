//! `reglaze sources`: which upstreams are known and whose keys they name; with `--save-keys` fills `keys/`.

use std::fmt::Write as _;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use crate::domain::finding::Finding;
use crate::domain::report::{Ending, Report, escape_markdown, printable};
use crate::domain::signature::Fingerprint;
use crate::domain::source::{Form, Pin, Source};
use crate::settings::Settings;
use crate::upstream::{self, Upstream};

/// Lists the sources; with `save_keys` also fetches their keys into the folder `keys/`.
pub async fn run(settings: &Settings, save_keys: bool) -> anyhow::Result<Report> {
    let sources = match upstream::load_sources(&settings.sources)? {
        Ok(sources) => sources,
        Err(findings) => return Ok(report(Ending::Nothing, &[], &[], findings)),
    };
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
    Ok(report(ending, &sources, &keys, findings))
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
    sources: &[(Source, Option<String>)],
    keys: &[Key],
    findings: Vec<Finding>,
) -> Report {
    let mut data = Map::new();
    let list = sources
        .iter()
        .map(|(source, file)| as_json(source, file.as_deref()));
    data.insert("sources".to_owned(), list.collect());
    let list = keys.iter().map(|key| {
        json!({"source": key.source, "fingerprint": key.fingerprint, "file": key.file,
               "outcome": key.outcome, "error": key.error})
    });
    data.insert("keys".to_owned(), list.collect());
    let saved = keys.iter().filter(|key| key.outcome == "saved").count();
    Report {
        ending,
        changes: saved > 0,
        data,
        text: as_text(sources, keys),
        markdown: as_markdown(sources),
        findings,
    }
}

fn as_json(source: &Source, file: Option<&str>) -> Value {
    let parameters: Map<String, Value> = source
        .parameters
        .iter()
        .map(|(name, parameter)| {
            let values = source.known_values(name);
            (
                name.clone(),
                json!({"default": parameter.default, "values": values}),
            )
        })
        .collect();
    let keys: Vec<_> = source
        .pins()
        .into_iter()
        .map(|pin| {
            let url = source.key_url(pin.signature, &pin.variables, pin.fingerprint);
            // A template with a parameter that only a definition says is shown as it is.
            let url = url.unwrap_or_else(|_| pin.signature.key_url.clone());
            json!({"fingerprint": pin.fingerprint, "url": url})
        })
        .collect();
    json!({
        "name": source.name,
        "title": source.title,
        "file": file,
        "parameters": parameters,
        "signature": signature_word(source),
        "keys": keys,
        "redirect_hosts": source.redirect_hosts,
        "expected_every_days": source.expected_every,
        "endoflife": source.endoflife,
    })
}

fn signature_word(source: &Source) -> &'static str {
    let form = source
        .indexes
        .iter()
        .find_map(|index| index.signature.as_ref())
        .map(|signature| &signature.form);
    match form {
        Some(Form::Detached { .. }) => "detached",
        Some(Form::Clearsigned) => "clearsigned",
        None => "none",
    }
}

/// `stream=release|daily`, `release=…`: what there is, the default first.
fn parameters_word(source: &Source) -> String {
    let words = source.parameters.iter().map(|(name, parameter)| {
        let mut values = source.known_values(name);
        values.retain(|value| Some(value) != parameter.default.as_ref());
        if let Some(default) = &parameter.default {
            values.insert(0, default.clone());
        }
        if values.is_empty() || (source.parameters[name].values.is_empty() && name != "arch") {
            values.push("…".to_owned());
        }
        format!("{name}={}", values.join("|"))
    });
    words.collect::<Vec<_>>().join(" ")
}

fn as_text(sources: &[(Source, Option<String>)], keys: &[Key]) -> String {
    let mut text = String::new();
    for (source, file) in sources {
        let origin = file.as_deref().unwrap_or("built in");
        let _ = writeln!(
            text,
            "{}  {} ({})",
            source.name,
            printable(&source.title),
            printable(origin)
        );
        let _ = writeln!(text, "  {}", parameters_word(source));
        let pins = source.pins();
        let pins: Vec<_> = pins.iter().map(|pin| pin.fingerprint.to_string()).collect();
        let _ = match pins.as_slice() {
            [] => writeln!(text, "  checksums are not signed"),
            pins => writeln!(
                text,
                "  {} signature by {}",
                signature_word(source),
                pins.join(", ")
            ),
        };
    }
    for key in keys {
        let _ = writeln!(text, "{} {}  {}", key.outcome, key.fingerprint, key.file);
    }
    text
}

fn as_markdown(sources: &[(Source, Option<String>)]) -> String {
    let mut text = String::from("| source | parameters | keys |\n| --- | --- | --- |\n");
    for (source, _) in sources {
        let pins = source.pins();
        let pins: Vec<_> = pins
            .iter()
            .map(|pin| format!("`{}`", pin.fingerprint))
            .collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            escape_markdown(&source.name),
            escape_markdown(&parameters_word(source)),
            pins.join(", ")
        );
    }
    text
}
