//! Arguments as types. No logic: what they mean is decided in `settings` and `commands`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Keeps the image catalogue of an OpenStack cloud fresh.
///
/// The usual round: `update --write` adds new upstream builds, with proven checksums, to images/*.yml; people review
/// the change; `plan` shows what it means for each cloud; `apply` carries it out: verified upload, rotation, retirement.
#[derive(Debug, Parser)]
#[command(
    name = "reglaze",
    version,
    propagate_version = true,
    max_term_width = 110
)]
#[command(after_help = "Exit codes:\n  \
    0  done, or nothing to do\n  \
    1  nothing could be done: settings, YAML, or every cloud or upstream failed\n  \
    2  changes pending (plan; update, adopt and mirror without --write)\n  \
    3  something failed or needs a person; the rest was done\n\n\
    Every flag is also an environment variable, --cloud is REGLAZE_CLOUD, and an input of the GitHub Action; --verbose\n\
    is an input only, and those of `new`, which is for a person at a terminal, are neither.\n\
    Data goes to stdout, progress and log to stderr.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What all commands share.
    #[command(flatten)]
    pub shared: Shared,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find the newest build of every image upstream, prove it, and add it to the definitions
    ///
    /// Without --write says what it would add (exit code 2). Manifests and signatures are checked; an image is fetched only where
    /// its upstream gives no digest, or signs nothing but the image itself.
    Update {
        /// Edit the definitions; every other byte of them stays as it was
        #[arg(long, env = "REGLAZE_WRITE", value_name = "BOOL", action = clap::ArgAction::Set,
              num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
        write: bool,
        /// Open or update one pull request for each group of new versions, in the repository of `GITHUB_REPOSITORY`
        ///
        /// Settings, definitions, sources and keys are read from the head of the base branch by the API, never from the work tree. Needs
        /// `GITHUB_TOKEN`, or a GitHub App by `REGLAZE_GITHUB_APP_ID` and `REGLAZE_GITHUB_APP_KEY`.
        #[arg(long, env = "REGLAZE_PULL_REQUEST", value_name = "BOOL", action = clap::ArgAction::Set, conflicts_with = "write",
              num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
        pull_request: bool,
    },
    /// Say what is wrong with the definitions: schema, duplicates, moving URLs, weak checksums, odd orders
    Validate {
        /// Also ask the upstreams whether pinned URLs and checksums still hold, and which lines of releases end
        #[arg(long, env = "REGLAZE_ONLINE", value_name = "BOOL", action = clap::ArgAction::Set,
              num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
        online: bool,
        /// Also tell what the pull request that started this job does to the definitions; needs a token that reads, no more
        #[arg(long, env = "REGLAZE_PULL_REQUEST", value_name = "BOOL", action = clap::ArgAction::Set,
              num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
        pull_request: bool,
    },
    /// Show what `apply` would do on each cloud; changes nothing
    ///
    /// Reads each cloud's images once and compares them with the definitions. Exits with 2 when there is something to do.
    /// The plan's fingerprint binds a later `apply --fingerprint` to exactly these steps.
    Plan {
        /// Also tell the plan in a comment under the pull request that started this job, and keep that comment up to date
        ///
        /// Needs `GITHUB_TOKEN` with `pull-requests: write`; without it, as on a pull request from a fork, the job's summary has the plan.
        #[arg(long, env = "REGLAZE_PULL_REQUEST", value_name = "BOOL", action = clap::ArgAction::Set,
              num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
        pull_request: bool,
    },
    /// Carry the definitions out on each cloud: upload, publish, rotate, retire
    ///
    /// Plans again, holds the plan against the reviewed one if --fingerprint or --plan is given, and carries it out. An image is
    /// visible to others only after its digest was proven. Run it again after any interruption: it continues.
    Apply(ApplyArguments),
    /// Take over the images that a cloud has already: mark them as ours, and write definitions for those that have none
    ///
    /// Without --write says what it would do (exit code 2). Looks at all images of the project that do not bear the mark, whoever
    /// made them: another tool, or people with the OpenStack client. An image is matched to a version of your definitions by the
    /// digest of its bytes, else by the source, the name and version that are recorded on it, else by its display name; each step
    /// says by which. What fits several is left alone. Nothing is uploaded, renamed, shown or hidden: each image gets the mark,
    /// `image_name` and `internal_version` in one request, and keeps its ID. Afterwards `plan` shows what your definitions want of it.
    Adopt(AdoptArguments),
    /// Bring the pinned images into an object store, proven, and name them there by `mirror_url`
    ///
    /// Without --write says what it would do (exit code 2). The setting `mirror` says where: S3 or what speaks like it, or Swift. An
    /// image is an object of the store only after its digest, and its signature if there is one, have matched; what a dead run left
    /// is used by the next one. `mirror_url` is written only for objects that are there and that readers reach.
    Mirror(MirrorArguments),
    /// List the upstream sources, built in and your own: what each takes, and why its checksums may be believed
    ///
    /// With NAME: all of one, with an example for `new`. A file of the folder `sources` adds a source or replaces a built-in one.
    Sources {
        /// Only this source, in detail
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Fetch the keys that the sources name into the folder keys/, for runs without network access to them
        #[arg(long, env = "REGLAZE_SAVE_KEYS", value_name = "BOOL", action = clap::ArgAction::Set,
              num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
        save_keys: bool,
    },
    /// Write a new definition that a source tracks: complete, valid, and in line with the SCS standard
    ///
    /// The source's defaults fill in what is not said. The definition goes to the end of images/SOURCE.yml, every byte before it
    /// stays; `update --write` then fills its versions. `reglaze sources` lists the sources and what each takes.
    New(NewArguments),
}

/// Flags that make sense for most commands.
#[derive(Debug, Args)]
pub struct Shared {
    /// Settings file; its folder is the root of all other paths [default: reglaze.yml, if there]
    #[arg(long, global = true, env = "REGLAZE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of definitions, or one file [default: images]
    #[arg(long, global = true, env = "REGLAZE_IMAGES", value_name = "PATH")]
    pub images: Option<PathBuf>,
    /// Folder of your own upstream sources [default: sources, if there]
    #[arg(long, global = true, env = "REGLAZE_SOURCES", value_name = "FOLDER")]
    pub sources: Option<PathBuf>,
    /// Folder in which images wait that cannot be sent at once, as for conversion; it needs room for the largest [default: the
    /// machine's folder for temporary files]
    #[arg(long, global = true, env = "REGLAZE_SPOOL", value_name = "FOLDER")]
    pub spool: Option<PathBuf>,
    /// A cloud of clouds.yaml; repeatable [default: `clouds` of the settings, else `OS_CLOUD`]
    #[arg(
        long,
        global = true,
        env = "REGLAZE_CLOUD",
        value_name = "NAME",
        value_delimiter = ','
    )]
    pub cloud: Vec<String>,
    /// Only definitions whose name this regular expression finds; others are not looked at
    #[arg(long, global = true, env = "REGLAZE_FILTER", value_name = "REGEX")]
    pub filter: Option<String>,
    /// How stdout is written
    #[arg(
        long,
        global = true,
        env = "REGLAZE_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub format: Format,
    /// Also write the report to this file; its ending says how: .json, .sarif, .md or .txt; repeatable
    #[arg(
        long,
        global = true,
        env = "REGLAZE_REPORT",
        value_name = "FILE",
        value_delimiter = ' '
    )]
    pub report: Vec<PathBuf>,
    /// Only the definitions of shard I of N, counted from 1
    #[arg(long, global = true, env = "REGLAZE_SHARD", value_name = "I/N")]
    pub shard: Option<String>,
    /// The date to decide with, to see what another day would bring [default: today, UTC]
    #[arg(long, global = true, env = "REGLAZE_TODAY", value_name = "YYYY-MM-DD")]
    pub today: Option<NaiveDate>,
    /// Fetch URLs that begin with FROM from TO instead; repeatable; changes nothing that is written or shown
    #[arg(
        long,
        global = true,
        env = "REGLAZE_UPSTREAM_MAP",
        value_name = "FROM=TO",
        value_delimiter = ' '
    )]
    pub upstream_map: Vec<String>,
    /// Let warnings count like errors
    #[arg(long, global = true, env = "REGLAZE_STRICT", value_name = "BOOL", action = clap::ArgAction::Set,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub strict: bool,
    /// Tell more on stderr; twice: every request
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How stdout is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people in a terminal
    Text,
    /// One JSON document
    Json,
    /// For pull requests and step summaries
    Markdown,
    /// Workflow commands: findings become annotations, ten of each kind
    Github,
    /// Findings as SARIF 2.1.0, for code scanning
    Sarif,
    /// Of `plan`: one line of JSON for `strategy.matrix` of a workflow, a job for each cloud and shard with something to do
    Matrix,
}

/// Flags of `apply`.
#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// The fingerprint of the reviewed plan; a cloud whose plan differs is left alone; repeatable as CLOUD=FINGERPRINT
    #[arg(
        long,
        env = "REGLAZE_FINGERPRINT",
        value_name = "[CLOUD=]FINGERPRINT",
        value_delimiter = ' '
    )]
    pub fingerprint: Vec<String>,
    /// A reviewed plan (`plan --format json`); only steps that it holds are done; repeatable
    #[arg(long, env = "REGLAZE_PLAN", value_name = "FILE", value_delimiter = ' ')]
    pub plan: Vec<PathBuf>,
    /// Insist on the plan that was reviewed with this commit: that of the comments of its merged pull request; without one
    /// nothing is done
    #[arg(long, env = "REGLAZE_REVIEWED", value_name = "BOOL", action = clap::ArgAction::Set,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub reviewed: bool,
}

/// Flags of `adopt`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    reglaze adopt --cloud prod                              what would be taken over, and as what\n  \
    reglaze adopt --cloud prod --read                       the same, with bytes read back where a digest must decide\n  \
    reglaze adopt --cloud prod --write --filter '^Debian'   these alone, for real\n\n\
    Definitions for images that have none go to the end of adopted.yml in the folder of definitions; commit that file.\n\
    Snapshots and backups of servers are left alone unless --filter names them; other projects' images always are.")]
pub struct AdoptArguments {
    /// Mark the images, and write definitions for those that have none
    #[arg(long, env = "REGLAZE_WRITE", value_name = "BOOL", action = clap::ArgAction::Set,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub write: bool,
    /// Read images back and hash them where a definition tells a SHA-256 and Glance only a SHA-512; nothing is kept of them
    #[arg(long, env = "REGLAZE_READ", value_name = "BOOL", action = clap::ArgAction::Set,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub read: bool,
    /// The fingerprint of what was reviewed; a cloud where it would be something else is left alone; repeatable as CLOUD=FINGERPRINT
    #[arg(
        long,
        env = "REGLAZE_FINGERPRINT",
        value_name = "[CLOUD=]FINGERPRINT",
        value_delimiter = ' '
    )]
    pub fingerprint: Vec<String>,
    /// What was reviewed (`adopt --format json`); only steps that it holds are done; repeatable
    #[arg(long, env = "REGLAZE_PLAN", value_name = "FILE", value_delimiter = ' ')]
    pub plan: Vec<PathBuf>,
}

/// Flags of `mirror`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    reglaze mirror                    what would be brought into the store, and named in the definitions\n  \
    reglaze mirror --write            the same, for real\n  \
    reglaze mirror --write --prune    and what no definition names any more is removed\n  \
    reglaze mirror --check            read all of it again, and prove it\n\n\
    Credentials come by environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for S3, clouds.yaml or OS_* for Swift.")]
pub struct MirrorArguments {
    /// Upload what is missing, and write `mirror_url` into the definitions; every other byte of them stays as it was
    #[arg(long, env = "REGLAZE_WRITE", value_name = "BOOL", action = clap::ArgAction::Set,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub write: bool,
    /// Read every object that a definition names again, and prove its digest; changes nothing
    #[arg(long, env = "REGLAZE_CHECK", value_name = "BOOL", action = clap::ArgAction::Set,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub check: bool,
    /// Also remove our objects that no definition names any more, and uploads that nobody finished, if they are older than the
    /// setting `mirror.keep`: the age of an object, not how long it has been unwanted
    #[arg(long, env = "REGLAZE_PRUNE", value_name = "BOOL", action = clap::ArgAction::Set,
          num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub prune: bool,
}

/// Flags of `new`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    reglaze new ubuntu --release 26.04\n  \
    reglaze new debian --release 13 --arch aarch64 --pin --output images/arm.yml\n  \
    reglaze new flatcar --stream lts --set release=2024 --name 'Flatcar LTS 2024' --output -")]
pub struct NewArguments {
    /// The source: one of `reglaze sources`
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// The release line, such as 26.04; which ones there are stands in `reglaze sources SOURCE`
    #[arg(long, value_name = "RELEASE")]
    pub release: Option<String>,
    /// The architecture in Glance's words: aarch64 for what others call arm64
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// The stream or channel: release, daily, stable, …
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<String>,
    /// The variant: server, minimal, genericcloud, …
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<String>,
    /// Any other parameter of the source; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// The catalogue name [default: the source's, with what is unusual: `Ubuntu 26.04 Minimal aarch64`]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Also ask the upstream and add the newest build, proven, as `update --write` would
    #[arg(long)]
    pub pin: bool,
    /// The file to write or to add to; `-` prints it [default: SOURCE.yml in the folder of definitions]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
