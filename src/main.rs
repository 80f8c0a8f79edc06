//! The `reglaze` binary: arguments in, one command, report out, exit code.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use reglaze::action::{self, Surroundings};
use reglaze::cli::{Cli, Command, Format};
use reglaze::domain::report::Report;
use reglaze::settings::Settings;

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args().collect();
    let mut is_action = false;
    if arguments.len() == 1 {
        // As an action the runner gives inputs as variables; names that are not UTF-8 are nobody's input.
        let inputs = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        let from_inputs = action::arguments(inputs);
        is_action = !from_inputs.is_empty();
        arguments.extend(from_inputs);
    }
    let cli = Cli::parse_from(arguments);
    set_up_logging(cli.shared.verbose);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            return fail(&anyhow::Error::new(error).context("could not start the runtime"));
        }
    };
    let settings = match Settings::load(&cli.shared, chrono::Utc::now().date_naive()) {
        Ok(settings) => settings,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(run(&cli.command, &settings)) {
        Ok(report) => {
            let code = report.exit_code(settings.strict);
            let written = print(&report, settings.format).and_then(|()| {
                if is_action {
                    action::publish(&surroundings(), &report, code, &random())?;
                }
                Ok(())
            });
            match written {
                Ok(()) => ExitCode::from(if is_action {
                    action::exit_code(code)
                } else {
                    code
                }),
                // Whoever closed our stdout early has what it wanted.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                    ExitCode::from(code)
                }
                Err(error) => {
                    fail(&anyhow::Error::new(error).context("could not write the report"))
                }
            }
        }
        Err(error) => fail(&error),
    }
}

#[expect(clippy::unused_async, reason = "commands are asynchronous")]
async fn run(command: &Command, settings: &Settings) -> anyhow::Result<Report> {
    let _ = settings;
    match *command {}
}

fn print(report: &Report, format: Format) -> std::io::Result<()> {
    let text = match format {
        Format::Text => report.text(),
        Format::Json => report.json() + "\n",
        Format::Markdown => report.markdown(),
        Format::Github => report.text.clone() + &report.workflow_commands(),
    };
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn surroundings() -> Surroundings {
    Surroundings {
        output: std::env::var_os("GITHUB_OUTPUT").filter(|path| !path.is_empty()),
        summary: std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()),
    }
}

/// A word that nobody outside this process can guess: the hasher's keys are random.
fn random() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let word = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", word(), word())
}

fn set_up_logging(verbose: u8) {
    let default = match verbose {
        0 => "reglaze=info",
        1 => "reglaze=debug",
        _ => "reglaze=trace,hyper=debug,reqwest=debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("REGLAZE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(verbose > 1)
        .compact()
        .init();
}

/// One sentence for the whole run, its causes behind it; nothing could be done.
fn fail(error: &anyhow::Error) -> ExitCode {
    // Nobody is left to tell if stderr is gone too.
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
    ExitCode::from(1)
}
