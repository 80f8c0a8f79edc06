//! `reglaze new`: writes a new definition that a source tracks, at the end of a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use regex::Regex;
use serde_json::{Map, Value, json};

use super::{catalogue, sources, update, validate};
use crate::cli::{Format, NewArguments};
use crate::definitions::{self, File};
use crate::domain::definition::{self, Definition};
use crate::domain::edit;
use crate::domain::finding::{Finding, Level};
use crate::domain::lint;
use crate::domain::report::{Ending, Report, printable};
use crate::domain::scaffold::{self, Scaffold};
use crate::domain::source::Source;
use crate::files::Files;
use crate::settings::Settings;
use crate::upstream;

/// Makes the definition, holds it against all that is there already and against all rules, and writes it; with `pin` adds
/// the newest build, as `update` would.
///
/// # Errors
/// The source or its parameters do not fit, the name is there already, or a file cannot be read or written.
pub async fn run(settings: &Settings, arguments: &NewArguments) -> anyhow::Result<Report> {
    let all: Vec<Source> = match upstream::load_sources(&settings.files, &settings.sources)? {
        Ok(sources) => sources.into_iter().map(|(source, _)| source).collect(),
        Err(findings) => return Ok(catalogue::broken(findings)),
    };
    let source = sources::chosen(all.iter(), &arguments.source)?;
    let scaffold = scaffold::scaffold(source, &said(arguments)?, arguments.name.as_deref())?;
    let target = Target::of(settings, arguments, source);
    if arguments.pin && matches!(target, Target::Stdout) {
        bail!("--pin adds a version to a file; say another --output than `-`");
    }
    let files = match &target {
        Target::Stdout => Vec::new(),
        Target::File(path) => files_beside(&settings.images, path)?,
    };
    let known = match definitions::parse(&files) {
        Ok(known) => known,
        // What cannot be read may bear the name too.
        Err(findings) => return Ok(catalogue::broken(findings)),
    };
    refuse_known_name(&known, &scaffold.name)?;
    let (outcome, text) = match &target {
        Target::Stdout => ("shown", scaffold.file.clone()),
        Target::File(path) => match files.iter().find(|file| same(&file.path, path)) {
            None => ("created", scaffold.file.clone()),
            Some(file) => ("appended", appended(file, &scaffold)?),
        },
    };
    let findings = judged(settings, known, &target, &text, &scaffold.name, &all);
    let is_wrong = findings.iter().any(|finding| finding.level == Level::Error);
    let outcome = if is_wrong { "failed" } else { outcome };
    let mut report = report(settings, &scaffold, &target, outcome, findings);
    if let (Target::File(path), false) = (&target, is_wrong) {
        write(path, &text)?;
        if arguments.pin {
            let pinned = pin(settings, path, &scaffold.name).await?;
            report = joined(report, pinned);
        }
    }
    Ok(report)
}

pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = if path.exists() {
        update::save(path, text)
    } else {
        upstream::write_file(path, text.as_bytes())
    };
    written.with_context(|| {
        format!(
            "could not write `{}`; expected a file that may be replaced, or made, in a folder",
            path.display()
        )
    })
}

/// Asks the upstream of the new definition alone.
async fn pin(settings: &Settings, path: &Path, name: &str) -> anyhow::Result<Report> {
    let settings = Settings {
        images: path.to_path_buf(),
        filter: Some(Regex::new(&format!("^{}$", regex::escape(name)))?),
        shard: None,
        ..settings.clone()
    };
    update::run(&settings, true).await
}

/// One report of both: the file stands, whatever became of its first version.
fn joined(mut new: Report, pinned: Report) -> Report {
    let wrote = new.text.lines().next().unwrap_or_default();
    new.text = format!("{wrote}\n{}", pinned.text);
    new.markdown.push_str(&pinned.markdown);
    new.data.extend(pinned.data);
    new.findings.extend(pinned.findings);
    new.ending = match pinned.ending {
        Ending::Nothing => Ending::Partly,
        ending => ending,
    };
    new
}

/// Where the definition goes.
enum Target {
    File(PathBuf),
    Stdout,
}

impl Target {
    fn of(settings: &Settings, arguments: &NewArguments, source: &Source) -> Self {
        match &arguments.output {
            Some(path) if path.as_os_str() == "-" => Self::Stdout,
            Some(path) => Self::File(path.clone()),
            None if settings.images.is_file() => Self::File(settings.images.clone()),
            None => Self::File(settings.images.join(format!("{}.yml", source.name))),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdout => "stdout".to_owned(),
        }
    }
}

/// The parameters, from the flags of the usual ones and from `--set`.
fn said(arguments: &NewArguments) -> anyhow::Result<BTreeMap<String, String>> {
    let usual = [
        ("release", &arguments.release),
        ("arch", &arguments.arch),
        ("stream", &arguments.stream),
        ("variant", &arguments.variant),
    ];
    let mut said: BTreeMap<String, String> = usual
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
        .collect();
    for pair in &arguments.set {
        let Some((name, value)) = pair.split_once('=') else {
            bail!("`{pair}` is no value for --set; expected NAME=VALUE, such as `stream=daily`");
        };
        if said.insert(name.to_owned(), value.to_owned()).is_some() {
            bail!("`{name}` is said twice; say it once");
        }
    }
    Ok(said)
}

/// The definitions that are there: those of the catalogue, and those of the file that is to be written.
pub(super) fn files_beside(images: &Path, target: &Path) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    let has_any = |folder: &Path| {
        std::fs::read_dir(folder).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                let path = entry.path();
                let extension = path.extension().unwrap_or_default();
                path.is_file() && (extension == "yml" || extension == "yaml")
            })
        })
    };
    // A repository begins without a catalogue.
    if images.is_file() || has_any(images) {
        files = definitions::read(&Files::Here, images)?;
    }
    if target.is_file() && !files.iter().any(|file| same(&file.path, target)) {
        files.extend(definitions::read(&Files::Here, target)?);
    }
    Ok(files)
}

pub(super) fn same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    whole(one) == whole(other)
}

fn refuse_known_name(known: &[Definition], name: &str) -> anyhow::Result<()> {
    if let Some(known) = known.iter().find(|definition| definition.name == name) {
        bail!(
            "`{name}` is defined at {}:{} already; say another name by --name, or edit that definition",
            known.file,
            known.at.line
        );
    }
    Ok(())
}

fn appended(file: &File, scaffold: &Scaffold) -> anyhow::Result<String> {
    edit::append(&file.text, &scaffold.entry).with_context(|| {
        format!(
            "could not add to `{}`; say another file by --output",
            file.name
        )
    })
}

/// What `validate` will say of the new definition, beside all others.
fn judged(
    settings: &Settings,
    mut known: Vec<Definition>,
    target: &Target,
    text: &str,
    name: &str,
    sources: &[Source],
) -> Vec<Finding> {
    let file = target.name();
    match definition::parse(&file, text) {
        Ok(found) => known.extend(found.into_iter().filter(|one| one.name == name)),
        Err(findings) => return findings,
    }
    let scopes = validate::scopes(settings);
    let mut findings = lint::errors(&known, &scopes);
    findings.extend(lint::standards(
        &known,
        &scopes,
        settings.scs,
        settings.today,
    ));
    findings.extend(lint::warnings(&known, sources));
    findings.retain(|finding| finding.image.as_deref() == Some(name));
    findings
}

fn report(
    settings: &Settings,
    scaffold: &Scaffold,
    target: &Target,
    outcome: &str,
    mut findings: Vec<Finding>,
) -> Report {
    let name = printable(&scaffold.name);
    let is_shown = matches!(target, Target::Stdout);
    let text = if is_shown {
        scaffold.file.clone()
    } else if outcome == "failed" {
        format!("`{name}` was not written\n")
    } else {
        let outcome = if outcome == "created" {
            "wrote"
        } else {
            "added to"
        };
        let filter = format!("^{}$", regex::escape(&scaffold.name));
        format!(
            "{outcome} {}: `{name}`\nnext: reglaze update --write --filter '{}'\n",
            printable(&target.name()),
            printable(&filter.replace('\'', r"'\''"))
        )
    };
    // What is printed for a file must hold nothing else.
    if is_shown && settings.format == Format::Text {
        for finding in findings.extract_if(.., |finding| finding.level != Level::Error) {
            tracing::warn!("{finding}");
        }
    }
    let definition = json!({
        "name": scaffold.name,
        "file": match target { Target::Stdout => Value::Null, Target::File(_) => target.name().into() },
        "outcome": outcome,
        "text": scaffold.entry,
    });
    Report {
        matrix: None,
        title: None,
        ending: Ending::Done,
        changes: !is_shown && outcome != "failed",
        data: Map::from_iter([("definition".to_owned(), definition)]),
        markdown: format!("```yaml\nimages:\n{}```\n", scaffold.entry),
        text,
        findings,
    }
}
