//! `reglaze validate`: says what is wrong with the definitions, and what a pull request does to them. Changes nothing, and
//! asks nobody but with `--online` and `--pull-request`.

mod online;

use serde_json::{Map, Value};

use super::review::{self, Review};
use crate::definitions;
use crate::domain::definition;
use crate::domain::finding::{Finding, Level};
use crate::domain::lint::{self, Scope};
use crate::domain::report::{Ending, Report};
use crate::domain::review::difference::Difference;
use crate::settings::Settings;
use crate::upstream;

/// Reads every file, parses it, and holds what can be read against all rules; with `online` also against what the
/// upstreams say today.
///
/// # Errors
/// The definitions or the user's own sources cannot be read from disk.
pub async fn run(settings: &Settings, online: bool, pull_request: bool) -> anyhow::Result<Report> {
    let review = if pull_request {
        Some(Review::begin(settings).await?)
    } else {
        None
    };
    let files = definitions::read(&settings.files, &settings.images)?;
    let mut definitions = Vec::new();
    let mut findings = Vec::new();
    let (mut count, mut is_whole) = (0, true);
    for file in &files {
        count += definition::entries(&file.text);
        findings.extend(lint::lost_quotes(&file.name, &file.text));
        match definition::parse(&file.name, &file.text) {
            Ok(found) => definitions.extend(found),
            Err(found) => {
                is_whole = false;
                findings.extend(found);
            }
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
    let sources = match upstream::load_sources(&settings.files, &settings.sources)? {
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
    let mut difference = None;
    // Half of the definitions would look as if the others were removed.
    if let (Some(review), true) = (&review, is_whole) {
        match review::difference(settings, review, &definitions).await? {
            Ok(found) => {
                findings.extend(found.findings());
                difference = Some(found);
            }
            Err(finding) => findings.push(finding),
        }
    }
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
    let report = report(count, files.len(), asked, findings);
    Ok(match (difference, pull_request) {
        (Some(difference), _) => with_difference(report, &difference),
        // Who reads the JSON sees that it is not known.
        (None, true) => with_data(report, Value::Null),
        (None, false) => report,
    })
}

/// The same, with what the pull request does to the definitions.
fn with_difference(mut report: Report, difference: &Difference) -> Report {
    report.text = format!("{}\n{}", difference.text(), report.text);
    report.markdown = format!("{}\n{}", difference.markdown(), report.markdown);
    with_data(report, difference.json())
}

fn with_data(mut report: Report, difference: Value) -> Report {
    report.data.insert("difference".to_owned(), difference);
    report
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
        title: None,
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
