//! The same conduct at `emulate`, a GitHub that another author wrote: git's objects and pull requests by REST, an App's tokens.
//!
//! Where it differs from GitHub, as far as this touches the bot, which goes by GitHub and is not adapted to it:
//! it has no GraphQL, so commits are not verified and branches move forward only; a second pull request of a branch is accepted;
//! the head that a pull request tells does not follow its branch; texts may have any length; refusals have no `errors`;
//! its pages are at `localhost`, and it says so in links to them. Label filters that leave pull requests out, assignees that it
//! does not know of pull requests, and `requested_reviewers` with another status are why nothing of that is tried here.

use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::api::Api;
use super::scene::{FILE, assert_outcomes, beginning, bot};
use crate::forge::{App, Program, judges};
use crate::update::world::{Run, World, ubuntu};

const REPOSITORY: &str = "acme/images";

/// A running `emulate`, upstreams beside it, and the binary between them; it ends when it is dropped.
struct Emulate {
    world: World,
    _program: Program,
    url: String,
    /// As the repository's owner.
    owner: Api,
    /// The key of the App that the bot speaks for.
    key: String,
}

impl Emulate {
    fn start() -> Self {
        let world = World::new(&format!("images:\n{}{}", ubuntu("24.04"), ubuntu("22.04")));
        let (_, key) = App::generate(7, "reglaze");
        let seed = json!({
            "tokens": {"ghp_owner": {"login": "acme", "scopes": ["repo"]}},
            "github": {
                "users": [{"login": "acme"}],
                "repos": [{"owner": "acme", "name": "images", "auto_init": true}],
                "apps": [{
                    "app_id": 7, "slug": "reglaze", "name": "reglaze", "private_key": key, "events": [],
                    "permissions": {"contents": "write", "pull_requests": "write", "issues": "write", "metadata": "read"},
                    "installations": [{"installation_id": 1007, "account": "acme", "repository_selection": "all"}],
                }],
            },
        });
        // JSON is YAML.
        let path = world.path("seed.yaml");
        std::fs::write(&path, seed.to_string()).unwrap();
        let folder = judges::folder();
        let (node, program) = (folder.join("node"), folder.join("emulate"));
        assert!(
            node.exists() && program.exists(),
            "`emulate` is missing in {}: run `tests/github/up` anew, and set REGLAZE_TEST_GITHUB to what it prints",
            folder.display()
        );
        let mut program = Program::start(move |port| {
            let mut command = Command::new(&node);
            command
                .arg(&program)
                .args(["start", "--service", "github"])
                .args(["--port", &port.to_string(), "--seed"])
                .arg(&path)
                .stdin(Stdio::null())
                .stdout(Stdio::null());
            command
        });
        let url = format!("http://localhost:{}", program.listening());
        let owner = Api::at(&url, REPOSITORY, "ghp_owner");
        let emulate = Self {
            world,
            _program: program,
            url,
            owner,
            key,
        };
        for (path, text) in beginning(&emulate.world, "") {
            emulate.write("main", &path, &text);
        }
        emulate.publish(&["20260701"]);
        emulate
    }

    fn publish(&self, builds: &[&str]) {
        self.world.ubuntu_daily("noble", builds);
        self.world.ubuntu_daily("jammy", builds);
    }

    /// A commit of the owner.
    fn write(&self, branch: &str, path: &str, text: &str) {
        let body =
            json!({"message": "Write", "content": BASE64_STANDARD.encode(text), "branch": branch});
        let answer = self.owner.put(&format!("contents/{path}"), &body);
        assert!([200, 201].contains(&answer.status), "{answer:?}");
    }

    fn update(&self) -> Run {
        let mut command = bot(&self.world, &self.url);
        command
            .env("GITHUB_REPOSITORY", REPOSITORY)
            .env("GITHUB_GRAPHQL_URL", format!("{}/graphql", self.url))
            .env("REGLAZE_GITHUB_APP_ID", "7")
            .env("REGLAZE_GITHUB_APP_KEY", &self.key);
        Run::of(&mut command)
    }

    fn pulls(&self, state: &str) -> Vec<Value> {
        let list = self.owner.get(&format!("pulls?state={state}")).expect(200);
        list.as_array().unwrap().clone()
    }

    #[track_caller]
    fn only_pull(&self) -> Value {
        let mut open = self.pulls("open");
        assert_eq!(open.len(), 1, "{open:#?}");
        open.remove(0)
    }

    fn head(&self, branch: &str) -> String {
        let reference = self
            .owner
            .get(&format!("git/ref/heads/{branch}"))
            .expect(200);
        reference["object"]["sha"].as_str().unwrap().to_owned()
    }

    /// The file of definitions at a commit.
    fn catalogue(&self, commit: &str) -> String {
        let tree = self
            .owner
            .get(&format!("git/trees/{commit}?recursive=1"))
            .expect(200);
        let entries = tree["tree"].as_array().unwrap();
        let blob = &entries.iter().find(|entry| entry["path"] == FILE).unwrap()["sha"];
        let blob = self
            .owner
            .get(&format!("git/blobs/{}", blob.as_str().unwrap()))
            .expect(200);
        let content = blob["content"].as_str().unwrap().replace('\n', "");
        String::from_utf8(BASE64_STANDARD.decode(content).unwrap()).unwrap()
    }

    /// Everything that a run could have written: what is at each branch, and all of each pull request.
    fn state(&self) -> Value {
        let branches = self.owner.get("git/matching-refs/heads/").expect(200);
        let issues = self.owner.get("issues?state=all").expect(200);
        json!([branches, self.pulls("all"), issues])
    }
}

#[test]
fn opens_a_pull_request_and_then_writes_nothing() {
    let emulate = Emulate::start();
    let (before, base) = (emulate.catalogue("main"), emulate.head("main"));
    assert_outcomes(&emulate.update(), &[("ubuntu", "opened")]);
    let pull = emulate.only_pull();
    assert_eq!(
        (&pull["head"]["ref"], &pull["base"]["ref"]),
        (&json!("reglaze/ubuntu"), &json!("main"))
    );
    assert_eq!(pull["user"]["login"], "reglaze[bot]");
    assert!(
        pull["title"].as_str().unwrap().contains("20260701"),
        "{pull}"
    );
    assert!(
        pull["body"]
            .as_str()
            .unwrap()
            .contains(&emulate.world.signer.fingerprint),
        "{pull}"
    );
    let proposed = emulate.catalogue(&emulate.head("reglaze/ubuntu"));
    assert_eq!(proposed.matches("/20260701/").count(), 4, "{proposed}");
    let commit = emulate
        .owner
        .get(&format!("git/commits/{}", emulate.head("reglaze/ubuntu")))
        .expect(200);
    assert_eq!(commit["parents"][0]["sha"], json!(base), "{commit}");
    assert_eq!(
        (emulate.catalogue("main"), emulate.head("main")),
        (before, base)
    );
    let state = emulate.state();
    assert_outcomes(&emulate.update(), &[("ubuntu", "current")]);
    assert_eq!(emulate.state(), state);
}

#[test]
fn brings_a_newer_version_into_the_same_pull_request() {
    let emulate = Emulate::start();
    emulate.update();
    let (first, before) = (emulate.only_pull(), emulate.head("reglaze/ubuntu"));
    emulate.write("main", "NOTES.md", "the base moves\n");
    emulate.publish(&["20260705", "20260701"]);
    assert_outcomes(&emulate.update(), &[("ubuntu", "updated")]);
    let second = emulate.only_pull();
    assert_eq!(second["number"], first["number"]);
    assert!(
        second["title"].as_str().unwrap().contains("20260705"),
        "{second}"
    );
    let head = emulate.head("reglaze/ubuntu");
    let proposed = emulate.catalogue(&head);
    assert!(
        proposed.contains("20260705") && !proposed.contains("20260701"),
        "{proposed}"
    );
    let parents = &emulate
        .owner
        .get(&format!("git/commits/{head}"))
        .expect(200)["parents"];
    assert_eq!(
        (&parents[0]["sha"], &parents[1]["sha"]),
        (&json!(before), &json!(emulate.head("main")))
    );
    assert_outcomes(&emulate.update(), &[("ubuntu", "current")]);
}

#[test]
fn takes_closing_for_an_answer_to_that_version_and_not_to_the_next() {
    let emulate = Emulate::start();
    emulate.update();
    let first = emulate.only_pull()["number"].clone();
    emulate
        .owner
        .patch(&format!("pulls/{first}"), &json!({"state": "closed"}))
        .expect(200);
    emulate
        .owner
        .delete("git/refs/heads/reglaze/ubuntu")
        .expect(204);
    let state = emulate.state();
    let run = emulate.update();
    assert_outcomes(&run, &[]);
    assert!(
        run.stdout
            .contains(&format!("#{first} was closed unmerged")),
        "{}",
        run.stdout
    );
    assert_eq!(emulate.state(), state);
    emulate.publish(&["20260705", "20260701"]);
    assert_outcomes(&emulate.update(), &[("ubuntu", "opened")]);
    assert_ne!(emulate.only_pull()["number"], first);
}

#[test]
fn closes_what_became_pointless_and_finds_nothing_to_do_after_a_merge() {
    let emulate = Emulate::start();
    emulate.update();
    let pointless = emulate.only_pull()["number"].clone();
    let by_hand = emulate.catalogue(&emulate.head("reglaze/ubuntu"));
    let tree = emulate
        .owner
        .get("contents/images/catalogue.yml")
        .expect(200);
    let body = json!({
        "message": "Add them by hand", "content": BASE64_STANDARD.encode(by_hand), "branch": "main", "sha": tree["sha"],
    });
    emulate
        .owner
        .put("contents/images/catalogue.yml", &body)
        .expect(200);
    assert_outcomes(&emulate.update(), &[("ubuntu", "closed")]);
    let closed = emulate.owner.get(&format!("pulls/{pointless}")).expect(200);
    assert_eq!(closed["state"], "closed");
    emulate
        .owner
        .get("git/ref/heads/reglaze/ubuntu")
        .expect(404);
    emulate.publish(&["20260705", "20260701"]);
    assert_outcomes(&emulate.update(), &[("ubuntu", "opened")]);
    let number = emulate.only_pull()["number"].clone();
    emulate
        .owner
        .put(
            &format!("pulls/{number}/merge"),
            &json!({"merge_method": "squash"}),
        )
        .expect(200);
    assert!(emulate.catalogue("main").contains("20260705"));
    assert_outcomes(&emulate.update(), &[]);
    assert!(emulate.pulls("open").is_empty());
}
