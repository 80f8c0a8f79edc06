//! The `reglaze` binary: arguments in, one command, report out, exit code.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use reglaze::action::{self, Surroundings};
use reglaze::cli::{Cli, Command, Format};
use reglaze::commands;
use reglaze::domain::finding::Finding;
use reglaze::domain::report::{Ending, Form, Report};
use reglaze::files::Files;
use reglaze::log;
use reglaze::settings::{self, Settings, SettingsError};

fn main() -> ExitCode {
    let environment = settings::environment();
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    // As an action the runner gives inputs as variables, and arguments that are empty or none.
    let inputs = if arguments.iter().skip(1).all(|argument| argument.is_empty()) {
        action::arguments(&environment)
    } else {
        None
    };
    let surroundings = Surroundings::new(&environment, inputs.is_some());
    if let Some(inputs) = inputs {
        arguments.truncate(1);
        arguments.extend(inputs.into_iter().map(OsString::from));
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &surroundings),
    };
    let mut saying = Saying {
        format: cli.shared.format,
        strict: cli.shared.strict,
        files: Vec::new(),
        is_told: false,
        surroundings: &surroundings,
    };
    let outcome = report_files(&cli.shared.report).and_then(|files| {
        saying.files = files;
        work(&cli, &surroundings)
    });
    saying.is_told = outcome.is_err();
    let report = outcome.unwrap_or_else(|error| nothing_done(&error, &saying));
    saying.finish(&report)
}

/// How a report is told.
struct Saying<'a> {
    format: Format,
    strict: bool,
    files: Vec<(&'a Path, Form)>,
    /// Whether what is in the report was an error that stopped the whole run; people in a terminal have read it on stderr.
    is_told: bool,
    surroundings: &'a Surroundings,
}

/// Where the report goes beside stdout. A name that says no form is refused before anything is done.
fn report_files(paths: &[PathBuf]) -> anyhow::Result<Vec<(&Path, Form)>> {
    let file = |path: &'_ PathBuf| Form::of(&path.to_string_lossy());
    paths
        .iter()
        .map(|path| Ok((path.as_path(), file(path)?)))
        .collect()
}

fn work(cli: &Cli, surroundings: &Surroundings) -> anyhow::Result<Report> {
    set_up_logging(cli.shared.verbose, surroundings.is_read);
    if cli.shared.format == Format::Matrix && !matches!(cli.command, Command::Plan { .. }) {
        anyhow::bail!(
            "--format matrix was given to another command; expected `plan`, the only one that has a matrix"
        );
    }
    let today = chrono::Utc::now().date_naive();
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| anyhow::Error::new(error).context("could not start the runtime"))?;
    // The settings of pull requests are those of their base.
    if let Command::Update {
        pull_request: true, ..
    } = &cli.command
    {
        return runtime.block_on(commands::update::propose(&cli.shared, today));
    }
    let settings = Settings::load(&cli.shared, &Files::Here, today)?;
    runtime.block_on(run(&cli.command, &settings))
}

async fn run(command: &Command, settings: &Settings) -> anyhow::Result<Report> {
    match command {
        Command::Update { write, .. } => commands::update::run(settings, *write).await,
        Command::Validate {
            online,
            pull_request,
        } => commands::validate::run(settings, *online, *pull_request).await,
        Command::Plan { pull_request } => commands::plan::run(settings, *pull_request).await,
        Command::Apply(arguments) => commands::apply::run(settings, arguments).await,
        Command::Adopt(arguments) => commands::adopt::run(settings, arguments).await,
        Command::Mirror(arguments) => commands::mirror::run(settings, arguments).await,
        Command::New(arguments) => commands::new::run(settings, arguments).await,
        Command::Sources { name, save_keys } => {
            commands::sources::run(settings, name.as_deref(), *save_keys).await
        }
    }
}

impl Saying<'_> {
    /// Writes the report to where it is wanted and turns it into the exit code.
    fn finish(&self, report: &Report) -> ExitCode {
        let code = report.exit_code(self.strict);
        let mut is_whole = true;
        for (path, form) in &self.files {
            if let Err(error) = std::fs::write(path, report.written(*form)) {
                let name = path.display();
                let error = anyhow::Error::new(error)
                    .context(format!("could not write the report to `{name}`"));
                self.tell(&format!("error: {error:#}\n"));
                is_whole = false;
            }
        }
        let is_for_people = matches!(self.format, Format::Text | Format::Matrix);
        let stdout = if self.is_told && is_for_people && !self.is_annotated() {
            match self.format {
                Format::Matrix => report.matrix() + "\n",
                _ => String::new(),
            }
        } else {
            if self.format == Format::Matrix {
                // A matrix has no room for them, and a run that says nothing of what is wrong is worse than none.
                let lines = report.findings.iter().map(|finding| format!("{finding}\n"));
                self.tell(&lines.collect::<String>());
            }
            action::stdout(self.surroundings, report, self.format)
        };
        let written = print(&stdout)
            .and_then(|()| action::publish(self.surroundings, report, code, &random()));
        match written {
            // Whoever closed our stdout early has what it wanted.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                let error = anyhow::Error::new(error).context("could not write the report");
                self.tell(&format!("error: {error:#}\n"));
                ExitCode::from(1)
            }
            _ if !is_whole => ExitCode::from(1),
            _ if self.surroundings.is_action => ExitCode::from(action::exit_code(code)),
            _ => ExitCode::from(code),
        }
    }

    fn is_annotated(&self) -> bool {
        self.surroundings.is_action || self.format == Format::Github
    }

    fn tell(&self, text: &str) {
        tell(text, self.surroundings);
    }
}

/// What an error becomes that stopped the whole run: a report where one is read by programs, a sentence on stderr for
/// people.
fn nothing_done(error: &anyhow::Error, saying: &Saying<'_>) -> Report {
    let finding = match error.downcast_ref() {
        Some(SettingsError::Wrong(finding)) => (**finding).clone(),
        _ => Finding::error("run", format!("{error:#}")),
    };
    if !saying.is_annotated() {
        saying.tell(&format!("error: {error:#}\n"));
    }
    Report {
        matrix: None,
        title: None,
        ending: Ending::Nothing,
        changes: false,
        data: serde_json::Map::new(),
        text: String::new(),
        markdown: String::new(),
        findings: vec![finding],
    }
}

/// Arguments that are none: help where it was asked for, else 1, since 2 is what a plan with changes says.
fn usage(error: &clap::Error, surroundings: &Surroundings) -> ExitCode {
    if !error.use_stderr() {
        // The text is complete whether or not anybody reads it to its end.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if !surroundings.is_action {
        let _ = error.print();
        return ExitCode::from(1);
    }
    let text = error.to_string();
    tell(&text, surroundings);
    let first = text.lines().next().unwrap_or_default();
    let error = anyhow::anyhow!("{}", first.trim_start_matches("error: "));
    let saying = Saying {
        format: Format::Github,
        strict: false,
        files: Vec::new(),
        is_told: true,
        surroundings,
    };
    let report = nothing_done(&error, &saying);
    saying.finish(&report)
}

fn print(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn tell(text: &str, surroundings: &Surroundings) {
    let mut stderr = log::Stderr {
        is_read: surroundings.is_read,
    };
    // Nobody is left to tell if stderr is gone too.
    let _ = stderr.write_all(text.as_bytes());
}

/// A word that nobody outside this process can guess: the hasher's keys are random.
fn random() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let word = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", word(), word())
}

fn set_up_logging(verbose: u8, is_read: bool) {
    let default = match verbose {
        0 => "reglaze=info",
        1 => "reglaze=debug",
        _ => "reglaze=trace,hyper=debug,reqwest=debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("REGLAZE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || log::Stderr { is_read })
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(verbose > 1)
        .compact();
    // Whoever looks for a cause wants times; whoever watches progress reads better without.
    if verbose > 0 {
        log.init();
    } else {
        log.without_time().init();
    }
}
