//! A pull request at the fake GitHub whose definitions are for the real Glance, and the jobs that it starts.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::forge::fake::Comment;
use crate::forge::{Access, Fake, Token};
use crate::proxy::Moment;
use crate::stage::{Ended, Stage};

/// Who comments: the token of a workflow's run.
pub const BOT: &str = "github-actions[bot]";

const ACTIONS: &str = "ghs_of-a-job";
const READER: &str = "ghs_of-a-fork";

pub struct Job {
    pub stage: Stage,
    pub fake: Fake,
    pub number: u64,
}

impl Job {
    /// One definition, `Ubuntu`, whose first version a pull request brings.
    pub fn new(name: &str) -> Self {
        let stage = Stage::new(name);
        stage.define("Ubuntu", "", &[stage.publish("1", b"first build")]);
        Self::of(stage)
    }

    /// A pull request with all definitions that the stage has.
    pub fn of(stage: Stage) -> Self {
        let fake = Fake::start();
        fake.token(Token::actions(ACTIONS));
        let reads = [("contents", Access::Read), ("pull_requests", Access::Read)];
        fake.token(Token::actions(READER).only(&reads));
        let mut job = Self {
            stage,
            fake,
            number: 0,
        };
        job.push();
        let maria = job.fake.person("maria");
        job.number = maria.open_pull("change", "main", "Change", "");
        job
    }

    /// Pushes the definitions as they are now to the pull request's branch; gives the commit.
    pub fn push(&self) -> String {
        let folder = std::fs::read_dir(self.stage.path("images")).unwrap();
        let files: Vec<(String, String)> = folder
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                (format!("images/{name}"), text)
            })
            .collect();
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (&**path, &**text))
            .collect();
        self.fake.person("maria").commit("change", &files, "Change")
    }

    fn command(&self, arguments: &[&str], token: &str) -> Command {
        let mut command = self.stage.command(arguments);
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_REPOSITORY", self.fake.full_name())
            .env("GITHUB_API_URL", self.fake.url())
            .env("GITHUB_GRAPHQL_URL", self.fake.graphql_url())
            .env("GITHUB_TOKEN", token);
        command
    }

    /// The job that plans, started by a push of this commit.
    fn planning(&self, head: &str, token: &str) -> Command {
        // Each takes the whole world.
        let base = self.fake.head("main");
        let event = serde_json::json!({
            "number": self.number,
            "pull_request": {"number": self.number, "head": {"sha": head}, "base": {"sha": base}},
        });
        self.stage.write("event.json", &event.to_string());
        let arguments = ["plan", "--pull-request", "--report", "plan.json"];
        let mut command = self.command(&arguments, token);
        command
            .env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_EVENT_PATH", self.stage.path("event.json"));
        // A test does not wait between two writes.
        let settings = format!("tag: {}\npull_requests:\n  pause: 0s\n", self.stage.tag);
        self.stage.write("reglaze.yml", &settings);
        command
    }

    /// Plans the pull request's last commit, with changes.
    #[track_caller]
    pub fn plan(&self) -> Value {
        self.plan_of(&self.fake.head("change"))
    }

    /// Plans as of this commit, with changes.
    #[track_caller]
    pub fn plan_of(&self, head: &str) -> Value {
        Ended::from(self.planning(head, ACTIONS).output().unwrap()).expect(2)
    }

    /// The same as a step of a workflow whose token only reads: code and summary.
    pub fn plan_of_a_fork(&self) -> (i32, String) {
        let model = self.planning(&self.fake.head("change"), READER);
        let mut step = Command::new(model.get_program());
        step.env_clear()
            .current_dir(model.get_current_dir().unwrap());
        for (key, value) in model.get_envs() {
            step.env(key, value.unwrap());
        }
        let map = format!("https://images.example={}", self.stage.upstream_url());
        step.env("INPUT_COMMAND", "plan")
            .env("INPUT_PULL-REQUEST", "true")
            .env("INPUT_CLOUD", "admin")
            .env("INPUT_UPSTREAM-MAP", map)
            .env("GITHUB_STEP_SUMMARY", self.stage.path("summary.md"));
        let ended = Ended::from(step.output().unwrap());
        let summary = std::fs::read_to_string(self.stage.path("summary.md"));
        let summary = summary.unwrap_or_else(|_| panic!("{}{}", ended.stdout, ended.stderr));
        (ended.code, summary)
    }

    /// Merges the pull request squashed; gives the commit.
    pub fn merge(&self) -> String {
        self.fake.person("maria").merge(self.number, "squash")
    }

    /// The job that deploys this commit.
    pub fn deploying(&self, commit: &str) -> Command {
        let mut command = self.command(&["apply", "--reviewed"], ACTIONS);
        command
            .env("GITHUB_SHA", commit)
            .env("GITHUB_REF_NAME", "main")
            .env("GITHUB_EVENT_NAME", "push");
        command
    }

    pub fn deploy(&self, commit: &str) -> Ended {
        self.deploying(commit).output().unwrap().into()
    }

    /// Deploys, and is killed when the bytes are there and before anybody sees them.
    pub fn deploy_and_die_before_publishing(&self, commit: &str) {
        let (now, reached) = mpsc::channel();
        let (is_dead, dead) = mpsc::channel();
        let is_it = |seen: &crate::proxy::Seen| seen.method == "PATCH";
        self.stage
            .glance
            .strike_where(is_it, Moment::Before, move || {
                now.send(()).unwrap();
                // The request waits until the process is no more.
                let _ = dead.recv();
            });
        let mut command = self.deploying(commit);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let came = reached.recv_timeout(Duration::from_mins(2));
        child.kill().unwrap();
        child.wait().unwrap();
        let _ = is_dead.send(());
        came.expect("the run came to publishing");
        self.stage.glance.heal();
    }

    /// The only comment under the pull request.
    #[track_caller]
    pub fn comment(&self) -> Comment {
        let mut comments = self.fake.comments(self.number);
        assert_eq!(comments.len(), 1, "{comments:#?}");
        comments.remove(0)
    }

    /// Whether the cloud was written to since this was asked last.
    pub fn cloud_was_written_to(&self) -> bool {
        self.stage
            .glance
            .take()
            .iter()
            .any(crate::proxy::Seen::is_write)
    }
}

/// The fingerprint of the only cloud.
pub fn fingerprint(document: &Value) -> &str {
    document["clouds"][0]["fingerprint"].as_str().unwrap()
}
