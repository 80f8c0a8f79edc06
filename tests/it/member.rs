//! A plain project member, with no role but `member`: what works, and what is said of what does not.

use reqwest::Method;
use serde_json::{Value, json};

use crate::account::{Account, wait};
use crate::stage::{Ended, Stage, openstack, rules, steps};

/// Runs the binary as the member, without a word of an administrator.
fn run(stage: &Stage, arguments: &[&str]) -> Ended {
    let command = stage.command(arguments);
    let arguments = command.get_args().map(|one| one.to_str().unwrap());
    let arguments: Vec<_> = arguments
        .map(|one| if one == "admin" { "member" } else { one }.to_owned())
        .collect();
    stage.reglaze_as(&arguments)
}

/// A definition that says who may see it.
fn define(stage: &Stage, image: &str, visibility: &str, extra: &str, versions: &[String]) {
    stage.define(image, &format!("  multi: true\n{extra}"), versions);
    let file = format!("images/{image}.yml");
    let text = std::fs::read_to_string(stage.path(&file)).unwrap();
    let text = text.replace("visibility: public", &format!("visibility: {visibility}"));
    stage.write(&file, &text);
}

fn settings(stage: &Stage, text: &str) {
    stage.write("reglaze.yml", &format!("tag: {}\n{text}", stage.tag));
}

/// The ID of the project that gets what the member shares.
fn tenant() -> String {
    let project = openstack(
        &["project", "show", "-f", "value", "-c", "id", "tenant"],
        "admin",
    );
    project.trim().to_owned()
}

/// What the member's project has of this stage: name, version and visibility, in the order of the names.
fn images(stage: &Stage) -> Vec<String> {
    let images = wait(Account::of("member").tagged(&stage.tag));
    let text = |image: &Value, key: &str| image[key].as_str().unwrap().to_owned();
    let line = |image: &Value| {
        let name = text(image, "name").replace(&format!(" {}", stage.tag), "");
        let version = text(image, "internal_version");
        format!("{name}: {version} {}", text(image, "visibility"))
    };
    let mut lines: Vec<_> = images.iter().map(line).collect();
    lines.sort();
    lines
}

fn id(stage: &Stage, name: &str) -> String {
    let images = wait(Account::of("member").tagged(&stage.tag));
    let found = images.iter().find(|one| one["name"] == stage.name(name));
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Whether the tenant may see an image that it knows the ID of, and whether its default list has it.
fn seen(id: &str) -> (bool, bool) {
    let tenant = Account::of("tenant");
    let (status, _) = wait(tenant.ask(Method::GET, &format!("/v2/images/{id}"), None));
    let listed = wait(tenant.list("status=active"));
    (status == 200, listed.iter().any(|one| one["id"] == id))
}

#[test]
fn a_member_keeps_private_shared_and_community_images() {
    let stage = Stage::new("plain");
    let share = format!(
        "  policy: {{stages: {{latest: {{visibility: shared, share: [{}]}}}}}}\n",
        tenant()
    );
    let kinds = [
        ("Alpha", "private", ""),
        ("Beta", "shared", share.as_str()),
        ("Gamma", "community", ""),
    ];
    let entry = |image: &str, version: &str| {
        let entry = stage.publish(
            &format!("{image}-{version}"),
            format!("{image} {version}").as_bytes(),
        );
        entry.replacen(&format!("'{image}-{version}'"), &format!("'{version}'"), 1)
    };
    let list = |versions: &[&str]| {
        for (image, visibility, extra) in kinds {
            let versions: Vec<_> = versions
                .iter()
                .map(|version| entry(image, version))
                .collect();
            define(&stage, image, visibility, extra, &versions);
        }
    };
    list(&["1"]);
    run(&stage, &["validate"]).expect(0);
    let planned = run(&stage, &["plan"]).expect(2);
    assert_eq!(
        steps(&planned)
            .iter()
            .filter(|step| *step == "upload 1")
            .count(),
        3
    );
    let applied = run(&stage, &["apply"]).expect(0);
    // Nobody but the receiver may accept, and it is told which one that is.
    assert_eq!(rules(&applied), ["share-pending"], "{applied}");
    assert!(
        applied["findings"][0]["message"]
            .as_str()
            .unwrap()
            .contains(&tenant())
    );
    assert_eq!(
        images(&stage),
        ["Alpha: 1 private", "Beta: 1 shared", "Gamma: 1 community"]
    );
    let [alpha, beta, gamma] = ["Alpha", "Beta", "Gamma"].map(|name| id(&stage, name));
    assert_eq!(
        [&alpha, &beta, &gamma].map(|id| seen(id)),
        [(false, false), (true, false), (true, false)]
    );
    let member = format!("/v2/images/{beta}/members/{}", tenant());
    wait(Account::of("tenant").must(Method::PUT, &member, Some(json!({"status": "accepted"}))));
    assert_eq!(seen(&beta), (true, true));
    assert!(steps(&run(&stage, &["plan"]).expect(0)).is_empty());

    // Rotation: the IDs that people know stay what they are.
    list(&["2", "1"]);
    run(&stage, &["apply"]).expect(0);
    assert!(steps(&run(&stage, &["plan"]).expect(0)).is_empty());
    assert_eq!(
        images(&stage),
        [
            "Alpha (1): 1 private",
            "Alpha: 2 private",
            "Beta (1): 1 shared",
            "Beta: 2 shared",
            "Gamma (1): 1 community",
            "Gamma: 2 community",
        ]
    );
    assert_eq!(
        [&alpha, &beta, &gamma].map(|id| seen(id)),
        [(false, false), (true, true), (true, false)]
    );
    assert_eq!(seen(&id(&stage, "Beta")), (true, false));
    // And back.
    list(&["1"]);
    run(&stage, &["apply"]).expect(0);
    assert_eq!(id(&stage, "Alpha"), alpha);
    assert_eq!(id(&stage, "Gamma"), gamma);
}

#[test]
fn a_member_takes_over_images_of_its_own_and_tries_new_ones() {
    let stage = Stage::new("plain-adopt");
    let filter = format!("--filter={}", stage.tag);
    let bytes = format!("by hand of {}", stage.tag);
    stage.write("bytes.img", &bytes);
    let file = stage.path("bytes.img");
    let create = |cloud: &str, visibility: &str, name: &str| {
        let arguments = [
            "image",
            "create",
            "-f",
            "value",
            "-c",
            "id",
            "--disk-format",
            "raw",
            visibility,
        ];
        let more = ["--file", file.to_str().unwrap(), name];
        openstack(&[&arguments[..], &more].concat(), cloud)
            .trim()
            .to_owned()
    };
    let own = create("member", "--community", &stage.name("Alpha"));
    let foreign = create("tenant", "--community", &stage.name("Alpha"));
    let first = stage.publish_sha512("1", bytes.as_bytes());
    define(
        &stage,
        "Alpha",
        "community",
        "",
        std::slice::from_ref(&first),
    );
    let planned = run(&stage, &["adopt", &filter]).expect(2);
    assert_eq!(steps(&planned), ["adopt 1"]);
    run(&stage, &["adopt", "--write", &filter]).expect(0);
    run(&stage, &["apply"]).expect(0);
    assert_eq!(id(&stage, "Alpha"), own);
    let tags = |id: &str| {
        wait(Account::of("admin").must(Method::GET, &format!("/v2/images/{id}"), None))["tags"]
            .clone()
    };
    assert_eq!(tags(&foreign), json!([]));

    // A server of its own, before anybody else sees the new one.
    settings(
        &stage,
        "boot: {flavor: tiny, console: ignore}\npolicy: {stages: {staged: {until: booted}}}\n",
    );
    define(
        &stage,
        "Alpha",
        "community",
        "",
        &[stage.publish("2", b"two"), first],
    );
    let applied = run(&stage, &["apply"]).expect(0);
    assert!(steps(&applied).contains(&"boot 2".to_owned()), "{applied}");
    assert_eq!(
        images(&stage),
        ["Alpha (1): 1 community", "Alpha: 2 community"]
    );
    for image in [own, foreign] {
        wait(Account::of("admin").delete(&image));
    }
}

#[test]
fn what_a_member_may_not_know_is_not_deleted_and_said_once() {
    let stage = Stage::new("plain-use");
    let policy = "policy: {stages: {older: {keep: 0}, retired: {visibility: private, until: unused}}, \
                  properties: {uuid_validity: none}}\n";
    settings(&stage, &format!("limits: {{deletions: 5}}\n{policy}"));
    let names = ["Alpha", "Beta"];
    let version = |name: &str, number: &str| {
        let entry = stage.publish(
            &format!("{name}-{number}"),
            format!("{name} {number}").as_bytes(),
        );
        entry.replacen(&format!("'{name}-{number}'"), &format!("'{number}'"), 1)
    };
    for name in names {
        define(&stage, name, "community", "", &[version(name, "1")]);
    }
    run(&stage, &["apply"]).expect(0);
    for name in names {
        define(
            &stage,
            name,
            "community",
            "",
            &[version(name, "2"), version(name, "1")],
        );
    }
    // The new ones come all the same.
    let applied = run(&stage, &["apply"]);
    let before = images(&stage);
    assert_eq!(
        before
            .iter()
            .filter(|line| line.contains(": 2 community"))
            .count(),
        2,
        "{}",
        applied.stdout
    );

    for in_use in ["", "in_use: {compute: absent, volume: absent}\n"] {
        settings(
            &stage,
            &format!("limits: {{deletions: 5}}\n{in_use}{policy}"),
        );
        let later = run(&stage, &["apply", "--today=2099-01-01"]).expect(3);
        assert_eq!(rules(&later), ["use-unknown"], "{later}");
        let said = later["findings"][0]["message"].as_str().unwrap();
        assert!(
            said.contains("the role admin") && said.contains("`until: forever`"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1);
        assert_eq!(images(&stage), before);
    }
    // What it says helps.
    let forever = policy.replace("until: unused", "until: forever");
    settings(&stage, &format!("limits: {{deletions: 5}}\n{forever}"));
    assert!(rules(&run(&stage, &["apply", "--today=2099-01-01"]).expect(0)).is_empty());
}

#[test]
fn who_may_only_read_plans_what_a_member_then_applies() {
    let stage = Stage::new("plain-reader");
    let text = std::fs::read_to_string(stage.path("clouds.yaml")).unwrap();
    let (_, member) = text.split_once("  member:\n").unwrap();
    let reader = member.replace("username: catalogue", "username: reader");
    // The workflow names both environments' clouds alike.
    stage.write(
        "reader/clouds.yaml",
        &format!("clouds:\n  member:\n{reader}"),
    );
    let share = format!(
        "  policy: {{stages: {{latest: {{visibility: shared, share: [{}]}}}}}}\n",
        tenant()
    );
    let first = stage.publish("1", b"one");
    define(
        &stage,
        "Alpha",
        "shared",
        &share,
        std::slice::from_ref(&first),
    );
    let plan = || {
        let arguments = ["plan", "--cloud=member", "--format=json"];
        let ended = std::process::Command::new(env!("CARGO_BIN_EXE_reglaze"))
            .args(arguments)
            .current_dir(stage.folder.path())
            .env_clear()
            .env("HOME", stage.folder.path())
            .env("OS_CLIENT_CONFIG_FILE", stage.path("reader/clouds.yaml"))
            .output();
        Ended::from(ended.unwrap()).expect(2)
    };
    for versions in [vec![first.clone()], vec![stage.publish("2", b"two"), first]] {
        define(&stage, "Alpha", "shared", &share, &versions);
        let planned = plan();
        let print = planned["clouds"][0]["fingerprint"].as_str().unwrap();
        let bound = format!("--fingerprint=member={print}");
        run(&stage, &["apply", &bound]).expect(0);
    }
    assert_eq!(images(&stage), ["Alpha (1): 1 shared", "Alpha: 2 shared"]);
}

#[test]
fn projects_that_a_member_may_not_list_are_an_error_with_the_remedy() {
    let stage = Stage::new("plain-domain");
    let share = "  policy: {stages: {latest: {visibility: shared, share: [domain:Default]}}}\n";
    define(
        &stage,
        "Alpha",
        "shared",
        share,
        &[stage.publish("1", b"one")],
    );
    let planned = run(&stage, &["plan"]).expect(3);
    assert_eq!(rules(&planned), ["unknown-domain"], "{planned}");
    let said = planned["findings"][0]["message"].as_str().unwrap();
    assert!(
        said.contains("`Default`") && said.lines().count() == 1,
        "{said}"
    );
}
