//! A repository at the fake GitHub, upstreams beside it, and the binary between them.

use std::collections::BTreeMap;
use std::process::Command;
use std::rc::Rc;

use crate::forge::fake::TOKEN;
use crate::forge::{App, Fake, Pull, Token};
use crate::update::world::{HOSTS, Run, World, ubuntu};

/// Where the definitions lie.
pub const FILE: &str = "images/catalogue.yml";

pub struct Scene {
    pub world: Rc<World>,
    pub fake: Fake,
    /// What tells the binary where it is and who it is.
    environment: BTreeMap<String, String>,
}

impl Scene {
    /// Definitions of Ubuntu 24.04 and 22.04 without versions, of which upstream has one build each.
    pub fn new() -> Self {
        let scene = Self::with(
            &format!("images:\n{}{}", ubuntu("24.04"), ubuntu("22.04")),
            "",
        );
        scene.publish(&["20260701"]);
        scene
    }

    /// Any definitions, and lines of `pull_requests` in the settings; nothing is published.
    pub fn with(images: &str, rules: &str) -> Self {
        Self::beside(Rc::new(World::new(images)), rules)
    }

    /// Another repository beside upstreams that are there already.
    pub fn beside(world: Rc<World>, rules: &str) -> Self {
        let fake = Fake::start();
        let environment = [
            ("GITHUB_REPOSITORY", fake.full_name()),
            ("GITHUB_API_URL", fake.url()),
            ("GITHUB_GRAPHQL_URL", fake.graphql_url()),
            ("GITHUB_SERVER_URL", "https://github.example".to_owned()),
            ("GITHUB_RUN_ID", "7".to_owned()),
            ("GITHUB_TOKEN", TOKEN.to_owned()),
        ];
        let scene = Self {
            world,
            fake,
            environment: environment
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
        };
        let files = beginning(&scene.world, rules);
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        scene.person().commit("main", &files, "Begin the catalogue");
        scene.fake.clear_log();
        scene
    }

    /// Both releases have these builds, the newest first.
    pub fn publish(&self, builds: &[&str]) {
        self.world.ubuntu_daily("noble", builds);
        self.world.ubuntu_daily("jammy", builds);
    }

    /// Other lines of `pull_requests`.
    pub fn rules(&self, rules: &str) {
        self.person().commit(
            "main",
            &[("reglaze.yml", &settings(rules))],
            "Change the rules",
        );
    }

    /// Another token.
    pub fn use_token(&mut self, token: Token) {
        self.set("GITHUB_TOKEN", &token.secret);
        self.fake.token(token);
    }

    /// An App in the token's place; gives its private key.
    pub fn use_app(&mut self, change: impl FnOnce(&mut App)) -> String {
        let (mut app, key) = App::generate(7, "glazier");
        change(&mut app);
        self.environment.remove("GITHUB_TOKEN");
        self.set("REGLAZE_GITHUB_APP_ID", "7");
        self.set("REGLAZE_GITHUB_APP_KEY", &key);
        self.fake.app(app);
        key
    }

    /// Another value of a variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Without a variable.
    pub fn unset(&mut self, name: &str) {
        self.environment.remove(name);
    }

    pub fn person(&self) -> crate::forge::fake::Person<'_> {
        self.fake.person("alice")
    }

    /// `update --pull-request` with these arguments, as JSON.
    pub fn update(&self, arguments: &[&str]) -> Run {
        Run::of(self.command().args(arguments))
    }

    /// The same, ready to be changed.
    pub fn command(&self) -> Command {
        let mut command = bot(&self.world, &self.fake.url());
        command.envs(&self.environment);
        command
    }

    /// The same as GitHub's runner does it for an action: by inputs, with files for outputs and the summary.
    pub fn action(&self) -> Command {
        let empty = self.world.path("elsewhere");
        std::fs::create_dir_all(&empty).unwrap();
        let maps: Vec<_> = self
            .world
            .server
            .maps(&HOSTS)
            .iter()
            .map(|map| map.trim_start_matches("--upstream-map=").to_owned())
            .collect();
        let mut command = self.world.plain_command(env!("CARGO_BIN_EXE_reglaze"));
        command
            .current_dir(empty)
            .envs(&self.environment)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", self.world.path("output"))
            .env("GITHUB_STEP_SUMMARY", self.world.path("summary"))
            .env("INPUT_COMMAND", "update")
            .env("INPUT_PULL-REQUEST", "true")
            .env("INPUT_UPSTREAM-MAP", maps.join("\n"));
        command
    }

    /// The file of definitions on a branch.
    pub fn catalogue(&self, branch: &str) -> String {
        self.fake.files(branch)[FILE].clone()
    }

    /// The only open pull request.
    #[track_caller]
    pub fn only_pull(&self) -> Pull {
        let mut open = self.fake.open_pulls();
        assert_eq!(open.len(), 1, "{open:#?}");
        open.remove(0)
    }
}

/// The files that a repository begins with: definitions, settings, and sources that trust the upstreams' key.
pub fn beginning(world: &World, rules: &str) -> Vec<(String, String)> {
    let mut files = vec![
        (FILE.to_owned(), world.catalogue()),
        ("reglaze.yml".to_owned(), settings(rules)),
    ];
    for name in ["ubuntu", "flatcar"] {
        let path = format!("sources/{name}.yml");
        let text = std::fs::read_to_string(world.path(&path)).unwrap();
        files.push((path, text));
    }
    files
}

/// The binary at a server of GitHub's API, before it is told which repository it is for and who it is.
pub fn bot(world: &World, url: &str) -> Command {
    // Nothing of the work tree counts: there is none.
    let empty = world.path("elsewhere");
    std::fs::create_dir_all(&empty).unwrap();
    let mut command = world.command();
    command
        .current_dir(empty)
        .args(["update", "--pull-request", "--format=json"])
        .env_remove("HTTPS_PROXY")
        .env("GITHUB_API_URL", url)
        .env("GITHUB_SERVER_URL", "https://github.example")
        .env("GITHUB_RUN_ID", "7");
    command
}

/// The settings with these lines below `pull_requests`. A test does not wait between two writes.
fn settings(rules: &str) -> String {
    let lines: Vec<_> = rules.lines().map(|line| format!("  {line}\n")).collect();
    let lines = lines.concat();
    let pause = if rules.contains("pause:") {
        ""
    } else {
        "  pause: 0s\n"
    };
    format!("pull_requests:\n{pause}{lines}")
}

/// Group and outcome of each pull request that a run tells of.
pub fn outcomes(run: &Run) -> Vec<(&str, &str)> {
    let rows = run.json["pull_requests"].as_array();
    rows.unwrap_or_else(|| panic!("{}{}", run.stdout, run.stderr))
        .iter()
        .map(|row| {
            (
                row["group"].as_str().unwrap(),
                row["outcome"].as_str().unwrap(),
            )
        })
        .collect()
}

/// It ended well, with these pull requests.
#[track_caller]
pub fn assert_outcomes(run: &Run, expected: &[(&str, &str)]) {
    assert_eq!(
        (run.code, outcomes(run).as_slice()),
        (0, expected),
        "{}{}",
        run.stdout,
        run.stderr
    );
}
