//! What the bot wrote, as other authors' clients read it back: each the same, and the same as the fake has it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::readers::{Gh, octokit, pygithub};
use super::scene::{FILE, Scene, assert_outcomes};
use crate::forge::Token;

/// A repository whose pull request a run has opened and a second one brought to a newer version; its number.
fn written() -> (Scene, u64) {
    let scene = Scene::new();
    scene.fake.token(Token::user("pat", "ann"));
    scene.fake.person("bob");
    scene.person().new_milestone("Images");
    scene
        .rules("labels: [images, ubuntu]\nreviewers: [bob]\nassignees: [alice]\nmilestone: Images");
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "opened")]);
    scene.publish(&["20260705", "20260701"]);
    assert_outcomes(&scene.update(&[]), &[("ubuntu", "updated")]);
    let number = scene.only_pull().number;
    (scene, number)
}

/// What every client is to find.
fn expected(scene: &Scene, number: u64) -> Value {
    let pull = scene.fake.pull(number);
    assert!(scene.fake.is_verified(&pull.head));
    json!({
        "title": pull.title,
        "body": pull.body,
        "author": "reglaze[bot]",
        "head": ["reglaze/ubuntu", pull.head],
        "base": "main",
        "draft": false,
        "labels": ["images", "ubuntu"],
        "assignees": ["alice"],
        "reviewers": ["bob"],
        "milestone": "Images",
        "files": [FILE],
        "commits": [[scene.fake.commit(&pull.head).message, true]],
        "content": scene.catalogue("reglaze/ubuntu"),
    })
}

#[test]
fn pygithub_reads_what_the_bot_wrote() {
    let (scene, number) = written();
    let script = r#"
import base64, json, sys, github
url, number = sys.argv[1], int(sys.argv[2])
repository = github.Github(base_url=url, auth=github.Auth.Token("pat")).get_repo("acme/images")
pull = repository.get_pull(number)
files = [file.filename for file in pull.get_files()]
tree = repository.get_git_tree(pull.head.sha, recursive=True).tree
content = [repository.get_git_blob(entry.sha).content for entry in tree if entry.path in files]
print(json.dumps({
    "title": pull.title, "body": pull.body, "author": pull.user.login, "head": [pull.head.ref, pull.head.sha],
    "base": pull.base.ref, "draft": pull.draft, "labels": [one.name for one in pull.labels],
    "assignees": [one.login for one in pull.assignees], "reviewers": [one.login for one in pull.requested_reviewers],
    "milestone": pull.milestone.title, "files": files,
    "commits": [[one.commit.message, one.commit.raw_data["verification"]["verified"]] for one in pull.get_commits()],
    "content": base64.b64decode(content[0]).decode(),
}))
"#;
    assert_eq!(
        pygithub(&scene.fake, script, number),
        expected(&scene, number)
    );
}

#[test]
fn octokit_reads_what_the_bot_wrote() {
    let (scene, number) = written();
    let script = r#"
import { Octokit } from "@octokit/rest";
const [baseUrl, number] = process.argv.slice(-2);
const github = new Octokit({ baseUrl, auth: "pat" });
const one = { owner: "acme", repo: "images", pull_number: Number(number) };
const { data: pull } = await github.rest.pulls.get(one);
const files = (await github.paginate(github.rest.pulls.listFiles, one)).map((file) => file.filename);
const commits = await github.paginate(github.rest.pulls.listCommits, one);
const { data: tree } = await github.rest.git.getTree({ ...one, tree_sha: pull.head.sha, recursive: "1" });
const { sha } = tree.tree.find((entry) => files.includes(entry.path));
const { data: blob } = await github.rest.git.getBlob({ ...one, file_sha: sha });
console.log(JSON.stringify({
  title: pull.title, body: pull.body, author: pull.user.login, head: [pull.head.ref, pull.head.sha],
  base: pull.base.ref, draft: pull.draft, labels: pull.labels.map((label) => label.name),
  assignees: pull.assignees.map((user) => user.login), reviewers: pull.requested_reviewers.map((user) => user.login),
  milestone: pull.milestone.title, files,
  commits: commits.map(({ commit }) => [commit.message, commit.verification.verified]),
  content: Buffer.from(blob.content, "base64").toString(),
}));
"#;
    assert_eq!(
        octokit(&scene.fake, script, number),
        expected(&scene, number)
    );
}

#[test]
fn gh_reads_what_the_bot_wrote() {
    let (scene, number) = written();
    let gh = Gh::of(&scene.fake);
    let fields = "title,body,author,headRefName,headRefOid,baseRefName,isDraft,labels,assignees,reviewRequests,milestone,files,commits";
    let view = gh.json(&[
        "pr",
        "view",
        &number.to_string(),
        "-R",
        "acme/images",
        "--json",
        fields,
    ]);
    let each = |list: &str, name: &str| -> Value {
        let list = view[list].as_array().into_iter().flatten();
        list.map(|one| one[name].clone()).collect()
    };
    let at = |path: &str| gh.json(&["api", &format!("repos/acme/images/{path}")]);
    let head = view["headRefOid"].as_str().unwrap();
    let commit = at(&format!("git/commits/{head}"));
    let tree = at(&format!("git/trees/{head}?recursive=1"));
    let entries = tree["tree"].as_array().unwrap();
    let blob = entries.iter().find(|entry| entry["path"] == FILE).unwrap()["sha"]
        .as_str()
        .unwrap();
    let content = at(&format!("git/blobs/{blob}"))["content"]
        .as_str()
        .unwrap()
        .replace('\n', "");
    let content = String::from_utf8(BASE64_STANDARD.decode(content).unwrap()).unwrap();
    assert_eq!(view["commits"].as_array().map(Vec::len), Some(1));
    let read = json!({
        "title": view["title"],
        "body": view["body"],
        // What GraphQL calls an app.
        "author": view["author"]["login"].as_str().unwrap().replace("app/reglaze", "reglaze[bot]"),
        "head": [view["headRefName"], head],
        "base": view["baseRefName"],
        "draft": view["isDraft"],
        "labels": each("labels", "name"),
        "assignees": each("assignees", "login"),
        "reviewers": each("reviewRequests", "login"),
        "milestone": view["milestone"]["title"],
        "files": each("files", "path"),
        "commits": [[commit["message"], commit["verification"]["verified"]]],
        "content": content,
    });
    assert_eq!(read, expected(&scene, number));
}
