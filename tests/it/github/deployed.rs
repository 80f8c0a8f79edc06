//! From a pull request to the cloud: the plan under it, the merge, and the deployment that is held to it. The cloud is the
//! real Glance, GitHub is the fake.

mod job;

use std::io::{Cursor, Write};

use serde_json::Value;
use sha2::{Digest, Sha256};
use zip::write::{SimpleFileOptions, ZipWriter};

use self::job::{BOT, Job, fingerprint};
use crate::account::{Account, wait};
use crate::stage::{Stage, hex, rules, steps};

const PUBLISHED: [&str; 2] = ["upload 1", "publish 1"];

#[test]
fn a_plan_is_one_comment_that_follows_the_pull_request() {
    let job = Job::new("comment");
    let document = job.plan();
    assert_eq!(steps(&document), PUBLISHED);
    assert!(!job.cloud_was_written_to());
    let first = job.comment();
    assert_eq!(first.author, BOT);
    assert!(
        first.body.starts_with("<!-- reglaze:plan {"),
        "{}",
        first.body
    );
    let name = job.stage.name("Ubuntu");
    for expected in [
        format!("| {name} | nothing | **new image** [1], public |"),
        format!("Fingerprint `{}`", fingerprint(&document)),
        "Nothing is taken away; 2 steps; 1 upload, 11 B to transfer.".to_owned(),
    ] {
        assert!(first.body.contains(&expected), "{expected}\n{}", first.body);
    }

    // The same again: nothing is written.
    job.fake.clear_log();
    job.plan();
    assert!(job.fake.writes().is_empty(), "{:?}", job.fake.writes());
    assert_eq!(job.comment(), first);

    // A commit later.
    let older = job.fake.head("change");
    let stage = &job.stage;
    let versions = [
        stage.publish("1", b"first build"),
        stage.publish("2", b"second build"),
    ];
    stage.define("Ubuntu", "", &versions);
    job.push();
    let changed = job.plan();
    let second = job.comment();
    assert_eq!(second.id, first.id);
    assert!(
        second.body.contains(fingerprint(&changed)),
        "{}",
        second.body
    );
    assert!(
        !second.body.contains(fingerprint(&document)),
        "{}",
        second.body
    );

    // The run of the older commit comes in last.
    job.fake.clear_log();
    let late = job.plan_of(&older);
    assert_eq!(rules(&late), ["comment-outdated"]);
    assert!(job.fake.writes().is_empty(), "{:?}", job.fake.writes());
    assert_eq!(job.comment(), second);
}

#[test]
fn a_token_that_only_reads_leaves_the_plan_in_the_summary() {
    let job = Job::new("fork");
    let (code, summary) = job.plan_of_a_fork();
    // Changes are no failure of a step.
    assert_eq!(code, 0, "{summary}");
    assert!(
        summary.contains("| nothing | **new image** [1], public |"),
        "{summary}"
    );
    assert!(summary.contains("comment-not-written"), "{summary}");
    assert!(!summary.contains("<!-- reglaze:"), "{summary}");
    assert!(job.fake.comments(job.number).is_empty());
}

#[test]
fn what_was_reviewed_is_deployed_once() {
    let job = Job::new("squashed");
    job.plan();
    // A comment that the bot itself has changed is its own still.
    let version = job.stage.publish("1", b"first build");
    job.stage.define("Ubuntu", "  min_ram: 64\n", &[version]);
    job.push();
    job.plan();
    assert_eq!(job.comment().editor.as_deref(), Some(BOT));
    let commit = job.merge();
    assert_eq!(steps(&job.deploy(&commit).expect(0)), PUBLISHED);
    assert_eq!(job.stage.catalogue(), [("Ubuntu".to_owned(), 1)].into());
    let image = &job.stage.images()[0];
    assert_eq!(
        (&image["status"], &image["visibility"], &image["min_ram"]),
        (&"active".into(), &"public".into(), &64.into())
    );
    job.cloud_was_written_to();
    let again = job.deploy(&commit).expect(0);
    assert_eq!(steps(&again), [""; 0]);
    assert!(!job.cloud_was_written_to());
}

#[test]
fn a_deployment_that_was_killed_goes_on_under_the_same_comment() {
    let stage = Stage::new("killed");
    // Glance keeps SHA-512, by which the next run knows what it finds.
    let version = stage.publish_sha512("1", b"first build");
    stage.define("Ubuntu", "", &[version]);
    let job = Job::of(stage);
    job.plan();
    let commit = job.merge();
    job.deploy_and_die_before_publishing(&commit);
    let images = job.stage.images();
    assert_eq!((images.len(), &images[0]["status"]), (1, &"active".into()));
    assert!(job.stage.catalogue().is_empty());
    assert_eq!(steps(&job.deploy(&commit).expect(0)), ["publish 1"]);
    assert_eq!(job.stage.catalogue(), [("Ubuntu".to_owned(), 1)].into());
    assert_eq!(job.stage.images()[0]["id"], images[0]["id"]);
}

#[test]
fn an_image_that_moved_since_the_review_is_left_alone() {
    let stage = Stage::new("moved");
    let first = stage.publish("1", b"first build");
    stage.define("Alpha", "", std::slice::from_ref(&first));
    stage.reglaze(&["apply"]).expect(0);
    stage.define("Alpha", "", &[first, stage.publish("2", b"second build")]);
    stage.define("Beta", "", &[stage.publish("3", b"third build")]);
    let job = Job::of(stage);
    job.plan();
    let commit = job.merge();
    let id = job.stage.images()[0]["id"].as_str().unwrap().to_owned();
    wait(Account::of("admin").set(&id, &[("architecture", "aarch64".into())]));
    let document = job.deploy(&commit).expect(3);
    assert_eq!(rules(&document), ["plan-moved"]);
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("they differ in `architecture`, reviewed as it was"),
        "{message}"
    );
    let (images, catalogue) = (job.stage.images(), job.stage.catalogue());
    assert_eq!(
        catalogue,
        [("Alpha".to_owned(), 1), ("Beta".to_owned(), 1)].into()
    );
    assert_eq!(
        (images.len(), &images[0]["architecture"]),
        (2, &"aarch64".into())
    );
}

/// A plan that no comment has room for.
fn without_room(name: &str) -> Job {
    let stage = Stage::new(name);
    stage.define("Ubuntu", "", &[stage.publish("1", b"first build")]);
    let noise = |number: usize| -> String {
        let pieces = 0..600;
        pieces
            .map(|piece| hex(&Sha256::digest(format!("{number} {piece}"))))
            .collect()
    };
    let lines = [0, 1, 2, 3].map(|number| format!("    noise_{number}: '{}'\n", noise(number)));
    let path = stage.path("images/Ubuntu.yml");
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.replace("  meta:\n", &format!("  meta:\n{}", lines.concat()));
    stage.write("images/Ubuntu.yml", &text);
    Job::of(stage)
}

/// What a job uploads beside a comment.
fn artifact(job: &Job, plan: &str) {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file("plan.json", SimpleFileOptions::default())
        .unwrap();
    writer.write_all(plan.as_bytes()).unwrap();
    let archive = writer.finish().unwrap().into_inner();
    let head = job.fake.head("change");
    job.fake.artifact("reglaze-plan", "change", &head, &archive);
}

#[test]
fn a_plan_without_room_in_its_comment_is_taken_from_the_artifact() {
    let job = without_room("artifact");
    let document = job.plan();
    let body = job.comment().body;
    assert!(body.contains(fingerprint(&document)), "{body}");
    assert!(!body.contains("<!-- reglaze:steps"), "{body}");
    let plan = std::fs::read_to_string(job.stage.path("plan.json")).unwrap();
    artifact(&job, &plan);
    let commit = job.merge();
    // What is left is no whole plan: only the steps allow it.
    job.deploy_and_die_before_publishing(&commit);
    let resumed = job.deploy(&commit).expect(0);
    assert_eq!(steps(&resumed), ["delete 1", "upload 1", "publish 1"]);
    assert_eq!(job.stage.catalogue(), [("Ubuntu".to_owned(), 1)].into());
}

#[test]
fn an_artifact_with_another_fingerprint_than_the_comment_is_no_plan() {
    let job = without_room("forged");
    let mut document = job.plan();
    document["clouds"][0]["steps"][0]["image"] = Value::from("Debian");
    artifact(&job, &document.to_string());
    let commit = job.merge();
    job.deploy_and_die_before_publishing(&commit);
    job.cloud_was_written_to();
    let ended = job.deploy(&commit);
    let refused = ended.expect(1);
    let error = refused["clouds"][0]["error"].as_str().unwrap();
    assert!(error.contains(fingerprint(&document)), "{error}");
    assert!(!job.cloud_was_written_to());
}

#[test]
fn a_plan_that_somebody_else_changed_is_not_deployed() {
    let job = Job::new("edited");
    job.plan();
    let comment = job.comment();
    let more = format!("looks fine\n{}", comment.body);
    let commit = job.merge();
    let mallory = job.fake.person("mallory");
    mallory.edit_comment(comment.id, &more);
    // Back, word for word: who could do that could have done anything.
    mallory.edit_comment(comment.id, &comment.body);
    let ended = job.deploy(&commit);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    let said = ended.stdout.clone() + &ended.stderr;
    assert!(said.contains("was changed by `mallory` after"), "{said}");
    assert!(!job.cloud_was_written_to());
    // Without GraphQL nobody can tell.
    job.fake.settings(|settings| settings.has_graphql = false);
    let output = job.deploying(&commit).arg("-v").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("is not known: could not ask who changed the comment"),
        "{said}"
    );
    assert_eq!(job.stage.catalogue(), [("Ubuntu".to_owned(), 1)].into());
}
