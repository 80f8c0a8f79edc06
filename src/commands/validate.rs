//! `reglaze validate`: says what is wrong with the definitions. Changes nothing, and asks nobody but with `--online`.

mod online;

use serde_json::{Map, Value};

use crate::definitions;
use crate::domain::definition;
use crate::domain::finding::{Finding, Level};
use crate::domain::lint::{self, Scope};
use crate::domain::report::{Ending, Report};
use crate::settings::Settings;
use crate::upstream;

/// Reads every file, parses it, and holds what can be read against all rules; with `online` also against what the
/// upstreams say today.
///
/// # Errors
/// The definitions or the user's own sources cannot be read from disk.
pub async fn run(settings: &Settings, online: bool) -> anyhow::Result<Report> {
    let files = definitions::read(&settings.images)?;
    let mut definitions = Vec::new();
    let mut findings = Vec::new();
    let mut count = 0;
    for file in &files {
        count += definition::entries(&file.text);
        findings.extend(lint::lost_quotes(&file.name, &file.text));
        match definition::parse(&file.name, &file.text) {
            Ok(found) => definitions.extend(found),
            Err(found) => findings.extend(found),
        }
    }
    let scopes = scopes(settings);
    findings.extend(lint::errors(&definitions, &scopes));
    findings.extend(lint::standards(
        &definitions,
        &scopes,
        settings.scs,
        settings.today,
    ));
    let sources = match upstream::load_sources(&settings.sources)? {
        Ok(sources) => sources.into_iter().map(|(source, _)| source).collect(),
        Err(found) => {
            findings.extend(found);
            Vec::new()
        }
    };
    findings.extend(lint::warnings(&definitions, &sources));
    findings.extend(definitions.iter().filter_map(|definition| {
        lint::never_proven(definition, &sources, settings.asked_of(definition))
    }));
    let mut asked = None;
    if online {
        let (found, count) = online::findings(settings, &definitions, sources).await?;
        findings.extend(found);
        asked = Some(count);
    }
    findings.retain(|finding| {
        // What cannot be read has no name to filter by.
        finding
            .image
            .as_deref()
            .is_none_or(|name| settings.looks_at(name))
    });
    findings.sort_by_key(|finding| (finding.file.clone(), finding.line, finding.column));
    Ok(report(count, files.len(), asked, findings))
}

/// What the settings say of policy, for all clouds and for each.
pub fn scopes(settings: &Settings) -> Vec<Scope<'_>> {
    let everywhere = Scope {
        cloud: None,
        policies: vec![&settings.policy],
        // Where clouds are named, each has its own word.
        tries: settings.boot.is_some() || !settings.clouds.is_empty(),
    };
    let clouds = settings.clouds.iter().map(|cloud| Scope {
        cloud: Some(&cloud.name),
        policies: vec![&settings.policy, &cloud.policy],
        tries: cloud.boot.is_some(),
    });
    std::iter::once(everywhere).chain(clouds).collect()
}

fn report(
    definitions: usize,
    files: usize,
    asked: Option<usize>,
    findings: Vec<Finding>,
) -> Report {
    let count = |level| {
        findings
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    };
    let asked_of = asked.map_or_else(String::new, |asked| {
        format!(", {} asked for upstream", counted(asked, "version"))
    });
    let summary = format!(
        "{} in {}{asked_of}: {}, {}\n",
        counted(definitions, "definition"),
        counted(files, "file"),
        counted(count(Level::Error), "error"),
        counted(count(Level::Warning), "warning")
    );
    Report {
        matrix: None,
        ending: Ending::Done,
        changes: false,
        data: Map::from_iter([
            ("definitions".to_owned(), Value::from(definitions)),
            ("files".to_owned(), Value::from(files)),
            ("asked".to_owned(), Value::from(asked)),
        ]),
        markdown: summary.clone(),
        text: summary,
        findings,
    }
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
